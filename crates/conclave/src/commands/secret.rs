//! `conclave secret`.

use std::io::{self, IsTerminal, Write};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use client::{
    ChangedSecret, Client, CreateSecret, DeleteSecret, GetRandomPassword, GetSecretValue, ListSecretVersionIds,
    ListSecrets, PutSecretValue, Secret, SecretDescription, SecretValue, UpdateSecret, UpdateSecretVersionStage,
    VersionDescription,
};
use serde_json::{Map, Value, json};
use types::Plaintext;

use super::{block_on, connect, connect_for, replication, resource_policies, rotation};
use crate::cli::{PasswordArgs, SecretCommand, ValueArgs};
use crate::failure::Usage;
use crate::output::Output;
use crate::value;

const NOTHING_TO_CHANGE: &str = "what is to change? Give --description, --kms-key-id or --from-file";

/// Runs a command on secrets. JSON answers have the member names of the AWS API; dates are RFC 3339.
pub(crate) fn run(command: SecretCommand, output: Output) -> anyhow::Result<()> {
    block_on(Box::pin(async move {
        match command {
            SecretCommand::Create {
                name,
                description,
                kms_key_id,
                tags,
                replica_regions,
                no_value,
                client_request_token,
                value,
                connection,
            } => {
                let mut request = CreateSecret::new(name);
                if let Some(description) = description {
                    request = request.description(description);
                }
                if let Some(kms_key_id) = kms_key_id {
                    request = request.kms_key_id(kms_key_id);
                }
                for tag in &tags {
                    let (key, value) = pair(tag)?;
                    request = request.tag(key, value);
                }
                for region in replica_regions {
                    request = request.replica_region(region);
                }
                if let Some(token) = client_request_token {
                    request = request.client_request_token(token);
                }
                request = match no_value {
                    true => {
                        value::refuse_on_command_line(&value.refused)?;
                        request
                    }
                    false => request.value(read_value(&value)?),
                };
                create(&connect(&connection)?, request, output).await
            }
            SecretCommand::Get { secret_id, version_id, version_stage, freshness, connection } => {
                let mut request = GetSecretValue::new(secret_id);
                if let Some(version_id) = version_id {
                    request = request.version_id(version_id);
                }
                if let Some(version_stage) = version_stage {
                    request = request.version_stage(version_stage);
                }
                get(&connect_for(&connection, freshness)?, request, output).await
            }
            SecretCommand::Put { secret_id, version_stages, client_request_token, value, connection } => {
                let mut request = PutSecretValue::new(secret_id, read_value(&value)?);
                for label in version_stages {
                    request = request.version_stage(label);
                }
                if let Some(token) = client_request_token {
                    request = request.client_request_token(token);
                }
                put(&connect(&connection)?, request, output).await
            }
            SecretCommand::Describe { secret_id, freshness, connection } => {
                let description = connect_for(&connection, freshness)?.describe_secret(secret_id).await?;
                output.print(&description_json(&description), |out| describe(out, &description))
            }
            SecretCommand::List { name, include_planned_deletion, freshness, connection } => {
                let client = connect_for(&connection, freshness)?;
                list(&client, name.as_deref(), include_planned_deletion, output).await
            }
            SecretCommand::Delete { secret_id, recovery_window_in_days, force, connection } => {
                let mut request = DeleteSecret::new(secret_id);
                if let Some(days) = recovery_window_in_days {
                    request = request.recovery_window_in_days(days);
                }
                if force {
                    request = request.force_without_recovery();
                }
                delete(&connect(&connection)?, request, output).await
            }
            SecretCommand::Update {
                secret_id,
                description,
                kms_key_id,
                from_file,
                binary,
                client_request_token,
                refused,
                connection,
            } => {
                value::refuse_on_command_line(&refused)?;
                if description.is_none() && kms_key_id.is_none() && from_file.is_none() {
                    return Err(Usage(NOTHING_TO_CHANGE.to_owned()).into());
                }
                let mut request = UpdateSecret::new(secret_id);
                if let Some(description) = description {
                    request = request.description(description);
                }
                if let Some(kms_key_id) = kms_key_id {
                    request = request.kms_key_id(kms_key_id);
                }
                if from_file.is_some() {
                    request = request.value(read_value(&ValueArgs { from_file, binary, refused })?);
                }
                if let Some(token) = client_request_token {
                    request = request.client_request_token(token);
                }
                update(&connect(&connection)?, request, output).await
            }
            SecretCommand::Versions { secret_id, include_deprecated, freshness, connection } => {
                versions(&connect_for(&connection, freshness)?, &secret_id, include_deprecated, output).await
            }
            SecretCommand::Stage {
                secret_id,
                version_stage,
                move_to_version_id,
                remove_from_version_id,
                connection,
            } => {
                let mut request = UpdateSecretVersionStage::new(secret_id, version_stage);
                if let Some(version_id) = move_to_version_id {
                    request = request.move_to_version_id(version_id);
                }
                if let Some(version_id) = remove_from_version_id {
                    request = request.remove_from_version_id(version_id);
                }
                print_changed(&connect(&connection)?.update_secret_version_stage(request).await?, output)
            }
            SecretCommand::Restore { secret_id, connection } => {
                print_changed(&connect(&connection)?.restore_secret(secret_id).await?, output)
            }
            SecretCommand::Tag { secret_id, tags, connection } => {
                let tags = tags.iter().map(|tag| pair(tag)).collect::<anyhow::Result<Vec<_>>>()?;
                connect(&connection)?.tag_resource(secret_id, tags).await?;
                output.print(&json!({}), |_| Ok(()))
            }
            SecretCommand::Untag { secret_id, tag_keys, connection } => {
                connect(&connection)?.untag_resource(secret_id, tag_keys).await?;
                output.print(&json!({}), |_| Ok(()))
            }
            SecretCommand::Rotate { secret_id, rotation: args, connection } => {
                rotation::rotate(&connect(&connection)?, secret_id, args, output).await
            }
            SecretCommand::CancelRotate { secret_id, connection } => {
                rotation::cancel(&connect(&connection)?, secret_id, output).await
            }
            SecretCommand::Replicate { secret_id, regions, force_overwrite, connection } => {
                replication::replicate(&connect(&connection)?, secret_id, regions, force_overwrite, output).await
            }
            SecretCommand::RemoveRegions { secret_id, regions, connection } => {
                replication::remove(&connect(&connection)?, secret_id, regions, output).await
            }
            SecretCommand::StopReplication { secret_id, connection } => {
                replication::stop(&connect(&connection)?, secret_id, output).await
            }
            SecretCommand::Policy(command) => resource_policies::run(command, output).await,
            SecretCommand::RandomPassword { password, connection } => {
                random_password(&connect(&connection)?, password, output).await
            }
        }
    }))
}

/// A tag as it stands on the command line.
pub(super) fn pair(tag: &str) -> anyhow::Result<(&str, &str)> {
    tag.split_once('=').ok_or_else(|| Usage(format!("the tag {tag} is not KEY=VALUE")).into())
}

fn read_value(args: &ValueArgs) -> anyhow::Result<SecretValue> {
    let bytes: Plaintext = value::read(args)?;
    if args.binary {
        return Ok(SecretValue::binary(bytes.expose_secret()));
    }
    SecretValue::string_from_utf8(bytes.expose_secret())
        .map_err(|_| Usage("the value is not UTF-8 text; give --binary".to_owned()).into())
}

async fn create(client: &Client, request: CreateSecret, output: Output) -> anyhow::Result<()> {
    let created = client.create_secret(request).await?;
    let mut json = json!({ "ARN": created.arn, "Name": created.name });
    if let Some(version) = &created.version_id {
        json["VersionId"] = json!(version);
    }
    if !created.replication_status.is_empty() {
        json["ReplicationStatus"] = replication::statuses_json(&created.replication_status);
    }
    output.print(&json, |out| {
        writeln!(out, "{}", created.arn)?;
        for status in &created.replication_status {
            writeln!(out, "{} {}: {}", status.region, status.status, status.status_message)?;
        }
        Ok(())
    })
}

async fn get(client: &Client, request: GetSecretValue, output: Output) -> anyhow::Result<()> {
    let secret = client.get_secret_value(request).await?;
    match output {
        Output::Json => print_secret_json(&secret),
        Output::Text => print_value(&secret.value),
    }
}

/// The value byte for byte; on a terminal with a line end behind it.
pub(super) fn print_value(value: &SecretValue) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(value.expose_bytes())?;
    if out.is_terminal() {
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

fn print_secret_json(secret: &Secret) -> anyhow::Result<()> {
    let (member, text) = match secret.value.expose_str() {
        Some(text) => ("SecretString", text.to_owned()),
        None => ("SecretBinary", BASE64.encode(secret.value.expose_bytes())),
    };
    let json = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": secret.version_id,
        member: text,
        "VersionStages": secret.version_stages,
        "CreatedDate": date(secret.created_date),
    });
    Output::Json.print(&json, |_| Ok(()))
}

async fn put(client: &Client, request: PutSecretValue, output: Output) -> anyhow::Result<()> {
    let version = client.put_secret_value(request).await?;
    let json = json!({
        "ARN": version.arn,
        "Name": version.name,
        "VersionId": version.version_id,
        "VersionStages": version.version_stages,
    });
    output.print(&json, |out| writeln!(out, "{} {}", version.version_id, version.version_stages.join(",")))
}

async fn list(client: &Client, name: Option<&str>, scheduled: bool, output: Output) -> anyhow::Result<()> {
    let mut secrets = Vec::new();
    let mut next_token = None;
    loop {
        let mut request = ListSecrets::default().sort_by("name");
        if let Some(prefix) = name {
            request = request.filter("name", [prefix]);
        }
        if scheduled {
            request = request.include_planned_deletion();
        }
        if let Some(token) = next_token {
            request = request.next_token(token);
        }
        let page = client.list_secrets(request).await?;
        // Text goes out page by page: nothing grows with the number of secrets.
        match output {
            Output::Text => print_lines(&page.secrets)?,
            Output::Json => secrets.extend(page.secrets.iter().map(description_json)),
        }
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    match output {
        Output::Text => Ok(()),
        Output::Json => output.print(&json!({ "SecretList": secrets }), |_| Ok(())),
    }
}

fn print_lines(secrets: &[SecretDescription]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for secret in secrets {
        let deleted = if secret.deleted_date.is_some() { "  (scheduled for deletion)" } else { "" };
        writeln!(out, "{}{deleted}", secret.name)?;
    }
    out.flush()?;
    Ok(())
}

async fn delete(client: &Client, request: DeleteSecret, output: Output) -> anyhow::Result<()> {
    let deleted = client.delete_secret(request).await?;
    let date = date(deleted.deletion_date);
    let json = json!({ "ARN": deleted.arn, "Name": deleted.name, "DeletionDate": date });
    output.print(&json, |out| writeln!(out, "{}: deletion date {date}", deleted.name))
}

async fn update(client: &Client, request: UpdateSecret, output: Output) -> anyhow::Result<()> {
    let updated = client.update_secret(request).await?;
    let mut json = json!({ "ARN": updated.arn, "Name": updated.name });
    if let Some(version) = &updated.version_id {
        json["VersionId"] = json!(version);
    }
    output.print(&json, |out| writeln!(out, "{}", updated.version_id.as_ref().unwrap_or(&updated.arn)))
}

fn print_changed(changed: &ChangedSecret, output: Output) -> anyhow::Result<()> {
    let json = json!({ "ARN": changed.arn, "Name": changed.name });
    output.print(&json, |out| writeln!(out, "{}", changed.arn))
}

/// All versions, in the order of creation: a secret has few enough for one answer.
async fn versions(client: &Client, secret_id: &str, deprecated: bool, output: Output) -> anyhow::Result<()> {
    let mut versions = Vec::new();
    let mut next_token = None;
    let (arn, name) = loop {
        let mut request = ListSecretVersionIds::new(secret_id);
        if deprecated {
            request = request.include_deprecated();
        }
        if let Some(token) = next_token {
            request = request.next_token(token);
        }
        let page = client.list_secret_version_ids(request).await?;
        versions.extend(page.versions);
        next_token = page.next_token;
        if next_token.is_none() {
            break (page.arn, page.name);
        }
    };
    let json = versions.iter().map(version_json).collect::<Value>();
    output.print(&json!({ "ARN": arn, "Name": name, "Versions": json }), |out| {
        for version in &versions {
            let line =
                format!("{} {} {}", version.version_id, date(version.created_date), version.version_stages.join(","));
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    })
}

fn version_json(version: &VersionDescription) -> Value {
    let mut json = json!({
        "VersionId": version.version_id,
        "CreatedDate": date(version.created_date),
        "KmsKeyIds": version.kms_key_ids,
    });
    if !version.version_stages.is_empty() {
        json["VersionStages"] = json!(version.version_stages);
    }
    if let Some(accessed) = version.last_accessed_date {
        json["LastAccessedDate"] = json!(date(accessed));
    }
    json
}

async fn random_password(client: &Client, args: PasswordArgs, output: Output) -> anyhow::Result<()> {
    let mut request = GetRandomPassword::default();
    if let Some(length) = args.password_length {
        request = request.password_length(length);
    }
    if let Some(characters) = args.exclude_characters {
        request = request.exclude_characters(characters);
    }
    if args.exclude_numbers {
        request = request.exclude_numbers();
    }
    if args.exclude_punctuation {
        request = request.exclude_punctuation();
    }
    if args.exclude_uppercase {
        request = request.exclude_uppercase();
    }
    if args.exclude_lowercase {
        request = request.exclude_lowercase();
    }
    if args.include_space {
        request = request.include_space();
    }
    if args.no_require_each_included_type {
        request = request.require_each_included_type(false);
    }
    let password = client.get_random_password(request).await?;
    match output {
        Output::Text => print_value(&password),
        Output::Json => output.print(&json!({ "RandomPassword": password.expose_str() }), |_| Ok(())),
    }
}

fn describe(out: &mut dyn Write, secret: &SecretDescription) -> io::Result<()> {
    writeln!(out, "name         {}", secret.name)?;
    writeln!(out, "arn          {}", secret.arn)?;
    if let Some(description) = &secret.description {
        writeln!(out, "description  {description}")?;
    }
    for (key, value) in secret.tags.iter().flatten() {
        writeln!(out, "tag          {key}={value}")?;
    }
    writeln!(out, "created      {}", date(secret.created_date))?;
    writeln!(out, "changed      {}", date(secret.last_changed_date))?;
    if let Some(deleted) = secret.deleted_date {
        writeln!(out, "deletion     {}", date(deleted))?;
    }
    if let Some(region) = &secret.primary_region {
        writeln!(out, "primary      {region}")?;
    }
    for status in &secret.replication_status {
        writeln!(out, "replica      {} {}", status.region, status.status)?;
    }
    if let Some(rotation) = &secret.rotation {
        let function = rotation.lambda_arn.as_deref().unwrap_or_default();
        writeln!(out, "rotation     {} {function}", if rotation.enabled { "on" } else { "off" })?;
    }
    if let Some(rotated) = secret.rotation.as_ref().and_then(|rotation| rotation.last_rotated_date) {
        writeln!(out, "rotated      {}", date(rotated))?;
    }
    if let Some(next) = secret.rotation.as_ref().and_then(|rotation| rotation.next_rotation_date) {
        writeln!(out, "next         {}", date(next))?;
    }
    for (version, stages) in &secret.version_ids_to_stages {
        writeln!(out, "version      {version} {}", stages.join(","))?;
    }
    Ok(())
}

/// A description with the members that are there.
fn description_json(secret: &SecretDescription) -> Value {
    let mut json = Map::new();
    let mut member = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            json.insert(name.to_owned(), value);
        }
    };
    member("ARN", Some(json!(secret.arn)));
    member("Name", Some(json!(secret.name)));
    member("Description", secret.description.as_ref().map(|text| json!(text)));
    member("KmsKeyId", secret.kms_key_id.as_ref().map(|text| json!(text)));
    let tags = secret
        .tags
        .as_ref()
        .map(|tags| tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect::<Value>());
    member("Tags", tags);
    member("CreatedDate", Some(json!(date(secret.created_date))));
    member("LastChangedDate", Some(json!(date(secret.last_changed_date))));
    member("LastAccessedDate", secret.last_accessed_date.map(|at| json!(date(at))));
    member("DeletedDate", secret.deleted_date.map(|at| json!(date(at))));
    member("PrimaryRegion", secret.primary_region.as_ref().map(|region| json!(region)));
    let regions = &secret.replication_status;
    member("ReplicationStatus", (!regions.is_empty()).then(|| replication::statuses_json(regions)));
    let rotation = secret.rotation.as_ref();
    member("RotationEnabled", rotation.map(|rotation| json!(rotation.enabled)));
    member("RotationLambdaARN", rotation.and_then(|rotation| rotation.lambda_arn.as_ref()).map(|arn| json!(arn)));
    member("RotationRules", rotation.and_then(rotation::rules_json));
    member("LastRotatedDate", rotation.and_then(|rotation| rotation.last_rotated_date).map(|at| json!(date(at))));
    member("NextRotationDate", rotation.and_then(|rotation| rotation.next_rotation_date).map(|at| json!(date(at))));
    let versions = &secret.version_ids_to_stages;
    member("VersionIdsToStages", (!versions.is_empty()).then(|| json!(versions)));
    Value::Object(json)
}

/// RFC 3339 in UTC; a moment outside the calendar as its distance from 1970.
pub(super) fn date(at: SystemTime) -> String {
    match jiff::Timestamp::try_from(at) {
        Ok(timestamp) => timestamp.to_string(),
        Err(_) => format!("{at:?}"),
    }
}
