//! Each operation's answer. Members without a value are left out; none is ever `null`.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use service::api::{
    BatchErrorOutput, BatchGetSecretValueOutput, CreateSecretOutput, DeleteSecretOutput, GetRandomPasswordOutput,
    GetSecretValueOutput, ListSecretVersionIdsOutput, ListSecretsOutput, PutSecretValueOutput, SecretDescription,
    SecretOutput, SecretValue, UpdateSecretOutput, VersionDescription,
};
use types::{ApiError, ErrorCode, Region, StagingLabel, Tag, Timestamp, VersionId};
use zeroize::Zeroizing;

use super::replication::StatusJson;
use super::rotation::RulesJson;

/// An output that has a body.
pub(crate) trait Body {
    /// The body's bytes, which are zeroed when the response has been sent.
    ///
    /// # Errors
    /// InternalService for a text that is not UTF-8: it was checked before it was kept.
    fn body(&self) -> Result<Bytes, ApiError>;
}

/// A moment as JSON: seconds since the epoch, with up to three decimals.
pub(super) struct Seconds(pub(super) Timestamp);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ms = self.0.as_millis();
        if ms.is_multiple_of(1000) {
            return serializer.serialize_u64(ms / 1000);
        }
        // The nearest float to three decimals is written back as those decimals.
        serializer.serialize_f64(ms as f64 / 1000.0)
    }
}

/// Labels as a list of strings.
struct Stages<'a>(&'a [StagingLabel]);

impl Serialize for Stages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(StagingLabel::as_str))
    }
}

/// Versions with their labels as an object.
struct StagesByVersion<'a>(&'a [(VersionId, Vec<StagingLabel>)]);

impl Serialize for StagesByVersion<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (version, stages) in self.0 {
            map.serialize_entry(version.as_str(), &Stages(stages))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagJson<'a> {
    key: &'a str,
    value: &'a str,
}

/// Which secret, and which of its versions if there is one to name.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecretJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CreateSecretJson<'a> {
    #[serde(flatten)]
    secret: SecretJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_status: Option<Vec<StatusJson<'a>>>,
}

impl Body for CreateSecretOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let secret = SecretJson {
            arn: self.arn.as_str(),
            name: self.name.as_str(),
            version_id: self.version_id.as_ref().map(VersionId::as_str),
        };
        encode(&CreateSecretJson { secret, replication_status: StatusJson::any(&self.replication_status) })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValueJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    created_date: Seconds,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<&'a str>,
    version_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_stages: Option<Stages<'a>>,
}

/// A value as JSON holds it; a binary one is in base64 here.
enum ValueText<'a> {
    String(&'a str),
    Binary(Zeroizing<String>),
}

impl<'a> ValueText<'a> {
    fn of(value: &'a SecretValue) -> Result<Self, ApiError> {
        match value {
            SecretValue::String(text) => {
                str::from_utf8(text.expose_secret()).map(Self::String).map_err(|_| ErrorCode::InternalService.into())
            }
            SecretValue::Binary(bytes) => Ok(Self::Binary(Zeroizing::new(STANDARD.encode(bytes.expose_secret())))),
        }
    }
}

impl<'a> GetSecretValueJson<'a> {
    fn new(output: &'a GetSecretValueOutput, value: &'a ValueText<'_>) -> Self {
        let (secret_string, secret_binary) = match value {
            ValueText::String(text) => (Some(*text), None),
            ValueText::Binary(base64) => (None, Some(base64.as_str())),
        };
        Self {
            arn: output.arn.as_str(),
            created_date: Seconds(output.created_date),
            name: output.name.as_str(),
            secret_binary,
            secret_string,
            version_id: output.version_id.as_str(),
            version_stages: Some(Stages(&output.version_stages)).filter(|stages| !stages.0.is_empty()),
        }
    }
}

impl Body for GetSecretValueOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&GetSecretValueJson::new(self, &ValueText::of(&self.value)?))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchErrorJson<'a> {
    secret_id: &'a str,
    error_code: &'static str,
    message: &'a str,
}

impl<'a> BatchErrorJson<'a> {
    fn new(entry: &'a BatchErrorOutput) -> Self {
        let error_code = entry.error.code.aws_name();
        Self { secret_id: &entry.secret_id, error_code, message: &entry.error.message }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGetSecretValueJson<'a> {
    secret_values: Vec<GetSecretValueJson<'a>>,
    errors: Vec<BatchErrorJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl Body for BatchGetSecretValueOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let texts = self.secret_values.iter().map(|got| ValueText::of(&got.value));
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let values = self.secret_values.iter().zip(&texts).map(|(got, text)| GetSecretValueJson::new(got, text));
        encode(&BatchGetSecretValueJson {
            secret_values: values.collect(),
            errors: self.errors.iter().map(BatchErrorJson::new).collect(),
            next_token: self.next_token.as_deref(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutSecretValueJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    version_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_stages: Option<Stages<'a>>,
}

impl Body for PutSecretValueOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&PutSecretValueJson {
            arn: self.arn.as_str(),
            name: self.name.as_str(),
            version_id: self.version_id.as_str(),
            version_stages: Some(Stages(&self.version_stages)).filter(|stages| !stages.0.is_empty()),
        })
    }
}

/// DescribeSecret's answer and ListSecrets' entry, which call the same labels by two names.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescriptionJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    created_date: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_date: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<Seconds>,
    last_changed_date: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rotated_date: Option<Seconds>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_status: Option<Vec<StatusJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_enabled: Option<bool>,
    #[serde(rename = "RotationLambdaARN", skip_serializing_if = "Option::is_none")]
    rotation_lambda_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_rules: Option<RulesJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_versions_to_stages: Option<StagesByVersion<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<TagJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_ids_to_stages: Option<StagesByVersion<'a>>,
}

impl<'a> DescriptionJson<'a> {
    fn without_versions(secret: &'a SecretDescription) -> Self {
        let tag = |tag: &'a Tag| TagJson { key: &tag.key, value: &tag.value };
        let rotation = secret.rotation.as_ref();
        Self {
            arn: secret.arn.as_str(),
            created_date: Seconds(secret.created_date),
            deleted_date: secret.deleted_date.map(Seconds),
            description: secret.description.as_deref(),
            kms_key_id: secret.kms_key_id.as_deref(),
            last_accessed_date: secret.last_accessed_date.map(Seconds),
            last_changed_date: Seconds(secret.last_changed_date),
            last_rotated_date: rotation.and_then(|rotation| rotation.last_rotated_date).map(Seconds),
            name: secret.name.as_str(),
            next_rotation_date: rotation.and_then(|rotation| rotation.next_rotation_date).map(Seconds),
            primary_region: secret.primary_region.as_ref().map(Region::as_str),
            replication_status: StatusJson::any(&secret.replication_status),
            rotation_enabled: rotation.map(|rotation| rotation.enabled),
            rotation_lambda_arn: rotation.map(|rotation| rotation.lambda_arn.as_str()),
            rotation_rules: rotation.and_then(|rotation| rotation.rules.as_ref()).map(RulesJson::of),
            secret_versions_to_stages: None,
            tags: secret.tags.as_ref().map(|tags| tags.iter().map(tag).collect()),
            version_ids_to_stages: None,
        }
    }

    fn described(secret: &'a SecretDescription) -> Self {
        Self { version_ids_to_stages: versions(secret), ..Self::without_versions(secret) }
    }

    fn listed(secret: &'a SecretDescription) -> Self {
        Self { secret_versions_to_stages: versions(secret), ..Self::without_versions(secret) }
    }
}

fn versions(secret: &SecretDescription) -> Option<StagesByVersion<'_>> {
    Some(StagesByVersion(&secret.version_ids_to_stages)).filter(|versions| !versions.0.is_empty())
}

impl Body for SecretDescription {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&DescriptionJson::described(self))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListSecretsJson<'a> {
    secret_list: Vec<DescriptionJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl Body for ListSecretsOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&ListSecretsJson {
            secret_list: self.secrets.iter().map(DescriptionJson::listed).collect(),
            next_token: self.next_token.as_deref(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteSecretJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    deletion_date: Seconds,
}

impl Body for DeleteSecretOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&DeleteSecretJson { arn: &self.arn, name: &self.name, deletion_date: Seconds(self.deletion_date) })
    }
}

impl Body for UpdateSecretOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&SecretJson {
            arn: self.arn.as_str(),
            name: self.name.as_str(),
            version_id: self.version_id.as_ref().map(VersionId::as_str),
        })
    }
}

impl Body for SecretOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        encode(&SecretJson { arn: self.arn.as_str(), name: self.name.as_str(), version_id: None })
    }
}

/// TagResource and UntagResource have no answer but that it was done.
impl Body for () {
    fn body(&self) -> Result<Bytes, ApiError> {
        Ok(Bytes::new())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionJson<'a> {
    created_date: Seconds,
    kms_key_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<Seconds>,
    version_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_stages: Option<Stages<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListSecretVersionIdsJson<'a> {
    #[serde(rename = "ARN")]
    arn: &'a str,
    name: &'a str,
    versions: Vec<VersionJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl Body for ListSecretVersionIdsOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        fn version(version: &VersionDescription) -> VersionJson<'_> {
            VersionJson {
                created_date: Seconds(version.created_date),
                kms_key_ids: &version.kms_key_ids,
                last_accessed_date: version.last_accessed_date.map(Seconds),
                version_id: version.version_id.as_str(),
                version_stages: Some(Stages(&version.version_stages)).filter(|stages| !stages.0.is_empty()),
            }
        }
        encode(&ListSecretVersionIdsJson {
            arn: self.arn.as_str(),
            name: self.name.as_str(),
            versions: self.versions.iter().map(version).collect(),
            next_token: self.next_token.as_deref(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetRandomPasswordJson<'a> {
    random_password: &'a str,
}

impl Body for GetRandomPasswordOutput {
    fn body(&self) -> Result<Bytes, ApiError> {
        let password = str::from_utf8(self.random_password.expose_secret()).map_err(|_| ErrorCode::InternalService)?;
        encode(&GetRandomPasswordJson { random_password: password })
    }
}

/// Writes an answer into one allocation of its exact length that is zeroed when the response has been sent: it may
/// hold a value, and a buffer that grows would leave parts of it behind.
pub(super) fn encode(answer: &impl Serialize) -> Result<Bytes, ApiError> {
    let mut length = Length(0);
    let counted = serde_json::to_writer(&mut length, answer);
    let mut body = Zeroizing::new(Vec::with_capacity(length.0));
    counted.and_then(|()| serde_json::to_writer(&mut *body, answer)).map_err(|_| ErrorCode::InternalService)?;
    debug_assert_eq!(body.len(), length.0);
    Ok(Bytes::from_owner(body))
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::{Plaintext, SecretArn, SecretName};

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-a1B2c3";
    const VERSION: &str = "6c155336-210f-43ee-9d2d-57a29a32e31c";
    const CREATED: Timestamp = Timestamp::from_millis(1_727_176_691_830);

    fn name() -> SecretName {
        SecretName::parse("prod/db").unwrap()
    }

    fn version() -> VersionId {
        VersionId::parse(VERSION).unwrap()
    }

    fn text(body: Result<Bytes, ApiError>) -> String {
        String::from_utf8(body.unwrap().to_vec()).unwrap().replace(ARN, "<arn>").replace(VERSION, "<version>")
    }

    fn value(value: SecretValue, version_stages: Vec<StagingLabel>) -> String {
        text(
            GetSecretValueOutput {
                arn: SecretArn::from_stored(ARN),
                name: name(),
                version_id: version(),
                value,
                version_stages,
                created_date: CREATED,
            }
            .body(),
        )
    }

    fn description() -> SecretDescription {
        SecretDescription {
            arn: SecretArn::from_stored(ARN),
            name: name(),
            description: None,
            kms_key_id: None,
            tags: None,
            created_date: CREATED,
            last_changed_date: CREATED,
            last_accessed_date: None,
            deleted_date: None,
            primary_region: None,
            replication_status: Vec::new(),
            rotation: None,
            version_ids_to_stages: Vec::new(),
        }
    }

    #[test]
    fn answers_are_written_as_aws_writes_them() {
        let (arn, name) = (SecretArn::from_stored(ARN), name());
        let mut created = CreateSecretOutput {
            arn: arn.clone(),
            name: name.clone(),
            version_id: Some(version()),
            replication_status: Vec::new(),
        };
        assert_eq!(text(created.body()), r#"{"ARN":"<arn>","Name":"prod/db","VersionId":"<version>"}"#);
        created.version_id = None;
        assert_eq!(text(created.body()), r#"{"ARN":"<arn>","Name":"prod/db"}"#);

        assert_eq!(
            value(SecretValue::String(Plaintext::copy_from(b"{\"u\":\"a\"}\x01")), vec![StagingLabel::Current]),
            r#"{"ARN":"<arn>","CreatedDate":1727176691.83,"Name":"prod/db","SecretString":"{\"u\":\"a\"}\u0001","VersionId":"<version>","VersionStages":["AWSCURRENT"]}"#
        );
        assert_eq!(
            value(SecretValue::Binary(Plaintext::copy_from(b"footest")), vec![]),
            r#"{"ARN":"<arn>","CreatedDate":1727176691.83,"Name":"prod/db","SecretBinary":"Zm9vdGVzdA==","VersionId":"<version>"}"#
        );

        let put = PutSecretValueOutput {
            arn,
            name,
            version_id: version(),
            version_stages: vec![StagingLabel::Pending, StagingLabel::parse("blue").unwrap()],
        };
        assert_eq!(
            text(put.body()),
            r#"{"ARN":"<arn>","Name":"prod/db","VersionId":"<version>","VersionStages":["AWSPENDING","blue"]}"#
        );
        let deleted = DeleteSecretOutput {
            arn: ARN.to_owned(),
            name: "prod/db".to_owned(),
            deletion_date: Timestamp::from_millis(1_729_768_691_900),
        };
        assert_eq!(text(deleted.body()), r#"{"ARN":"<arn>","Name":"prod/db","DeletionDate":1729768691.9}"#);
    }

    #[test]
    fn answers_about_versions_tags_and_passwords_are_written_as_aws_writes_them() {
        let (arn, name) = (SecretArn::from_stored(ARN), name());
        let mut updated = UpdateSecretOutput { arn: arn.clone(), name: name.clone(), version_id: Some(version()) };
        assert_eq!(text(updated.body()), r#"{"ARN":"<arn>","Name":"prod/db","VersionId":"<version>"}"#);
        updated.version_id = None;
        assert_eq!(text(updated.body()), r#"{"ARN":"<arn>","Name":"prod/db"}"#);
        let told = SecretOutput { arn: arn.clone(), name: name.clone() };
        assert_eq!(text(told.body()), r#"{"ARN":"<arn>","Name":"prod/db"}"#);
        assert_eq!(text(().body()), "");

        let current = VersionDescription {
            version_id: version(),
            version_stages: vec![StagingLabel::Current],
            created_date: CREATED,
            last_accessed_date: Some(CREATED.start_of_day()),
            kms_key_ids: vec!["DefaultEncryptionKey".to_owned()],
        };
        let deprecated = VersionDescription { version_stages: Vec::new(), last_accessed_date: None, ..current.clone() };
        let mut page = ListSecretVersionIdsOutput {
            arn,
            name,
            versions: vec![current, deprecated],
            next_token: Some("t".to_owned()),
        };
        assert_eq!(
            text(page.body()),
            r#"{"ARN":"<arn>","Name":"prod/db","Versions":[{"CreatedDate":1727176691.83,"KmsKeyIds":["DefaultEncryptionKey"],"LastAccessedDate":1727136000,"VersionId":"<version>","VersionStages":["AWSCURRENT"]},{"CreatedDate":1727176691.83,"KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"<version>"}],"NextToken":"t"}"#
        );
        (page.versions, page.next_token) = (Vec::new(), None);
        assert_eq!(text(page.body()), r#"{"ARN":"<arn>","Name":"prod/db","Versions":[]}"#);

        let made = GetRandomPasswordOutput { random_password: Plaintext::copy_from(br#"a"\b"#) };
        assert_eq!(text(made.body()), r#"{"RandomPassword":"a\"\\b"}"#);
    }

    #[test]
    fn a_batch_has_both_lists_even_when_they_are_empty() {
        let mut batch = BatchGetSecretValueOutput { secret_values: vec![], errors: vec![], next_token: None };
        assert_eq!(text(batch.body()), r#"{"SecretValues":[],"Errors":[]}"#);
        for value in [SecretValue::String(Plaintext::copy_from(b"a")), SecretValue::Binary(Plaintext::copy_from(b"a"))]
        {
            batch.secret_values.push(GetSecretValueOutput {
                arn: SecretArn::from_stored(ARN),
                name: name(),
                version_id: version(),
                value,
                version_stages: vec![StagingLabel::Current],
                created_date: CREATED,
            });
        }
        batch.errors.push(BatchErrorOutput { secret_id: "nope".to_owned(), error: ApiError::secret_not_found() });
        batch.next_token = Some("t".to_owned());
        assert_eq!(
            text(batch.body()),
            r#"{"SecretValues":[{"ARN":"<arn>","CreatedDate":1727176691.83,"Name":"prod/db","SecretString":"a","VersionId":"<version>","VersionStages":["AWSCURRENT"]},{"ARN":"<arn>","CreatedDate":1727176691.83,"Name":"prod/db","SecretBinary":"YQ==","VersionId":"<version>","VersionStages":["AWSCURRENT"]}],"Errors":[{"SecretId":"nope","ErrorCode":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}],"NextToken":"t"}"#
        );
    }

    #[test]
    fn descriptions_leave_out_what_is_not_there() {
        let bare = r#"{"ARN":"<arn>","CreatedDate":1727176691.83,"LastChangedDate":1727176691.83,"Name":"prod/db"}"#;
        assert_eq!(text(description().body()), bare);

        let full = SecretDescription {
            description: Some("d".to_owned()),
            kms_key_id: Some("k".to_owned()),
            tags: Some(vec![Tag { key: "env".into(), value: "".into() }]),
            last_accessed_date: Some(CREATED.start_of_day()),
            deleted_date: Some(CREATED.plus_days(30)),
            version_ids_to_stages: vec![(version(), vec![StagingLabel::Current])],
            ..description()
        };
        let dates = r#""CreatedDate":1727176691.83,"DeletedDate":1729768691.83,"Description":"d","KmsKeyId":"k","LastAccessedDate":1727136000,"LastChangedDate":1727176691.83"#;
        let tags = r#""Tags":[{"Key":"env","Value":""}]"#;
        let stages = r#"{"<version>":["AWSCURRENT"]}"#;
        assert_eq!(
            text(full.body()),
            format!(r#"{{"ARN":"<arn>",{dates},"Name":"prod/db",{tags},"VersionIdsToStages":{stages}}}"#)
        );
        let untagged = SecretDescription { tags: Some(Vec::new()), ..description() };
        let page = ListSecretsOutput { secrets: vec![full, untagged], next_token: Some("t".to_owned()) };
        let entry = format!(r#"{{"ARN":"<arn>",{dates},"Name":"prod/db","SecretVersionsToStages":{stages},{tags}}}"#);
        let untagged = bare.replace('}', r#","Tags":[]}"#);
        assert_eq!(text(page.body()), format!(r#"{{"SecretList":[{entry},{untagged}],"NextToken":"t"}}"#));
        let nothing = ListSecretsOutput { secrets: Vec::new(), next_token: None };
        assert_eq!(text(nothing.body()), r#"{"SecretList":[]}"#);
    }

    #[test]
    fn a_string_that_is_not_utf8_is_a_fault_of_the_server() {
        let output = GetSecretValueOutput {
            arn: SecretArn::from_stored(ARN),
            name: name(),
            version_id: version(),
            value: SecretValue::String(Plaintext::copy_from(b"\xff")),
            version_stages: Vec::new(),
            created_date: CREATED,
        };
        assert_eq!(output.body().unwrap_err().code, ErrorCode::InternalService);
    }

    proptest! {
        #[test]
        fn dates_keep_their_milliseconds(ms in 0_u64..253_402_300_800_000) {
            let written = serde_json::to_string(&Seconds(Timestamp::from_millis(ms))).unwrap();
            let (seconds, decimals) = written.split_once('.').unwrap_or((&written, ""));
            prop_assert!(decimals.len() <= 3 && !written.contains('e'), "{}", written);
            let back = seconds.parse::<u64>().unwrap() * 1000 + format!("{decimals:0<3}").parse::<u64>().unwrap();
            prop_assert_eq!(back, ms);
        }
    }
}
