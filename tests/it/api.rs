//! The operations of a secret's life on both fronts of a real cluster: what AWS answers, code by code and text by text.
//! What AWS was recorded to answer is in `traces`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Cluster, SignedClient};
use uuid::Uuid;

use crate::fronts::Front;

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const INVALID_NAME: &str =
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
const NO_TOKEN: &str = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
const TWO_VALUES: &str = "You can't specify both a binary secret value and a string secret value in the same secret.";
const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";
const BAD_WINDOW: &str = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";

fn token() -> String {
    Uuid::new_v4().to_string()
}

#[cfg_attr(not(feature = "clusters"), ignore = "needs `cargo xtask test`")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_fronts_answer_as_aws_does() {
    let cluster = Cluster::start(3).unwrap();
    let ids = cluster.ids().unwrap();
    // Each front at another node, so that both are followers or leader as it comes.
    let mut fronts = [Front::Aws(cluster.signed(ids[0]).unwrap()), Front::Grpc(cluster.secrets(ids[1]).unwrap())];
    for front in &mut fronts {
        let api = &mut Api { prefix: format!("{}/", front.name()), front };
        api.a_secret_lives_and_dies().await;
        api.listings_filter_and_page().await;
        api.boundaries_are_in_bytes().await;
        api.refusals_have_awss_codes_and_texts().await;
    }
    malformed_requests_are_refused(&cluster.signed(ids[2]).unwrap()).await;
}

struct Api<'a> {
    /// Of all names, so that the fronts do not meet.
    prefix: String,
    front: &'a mut Front,
}

impl Api<'_> {
    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn ok(&mut self, operation: &str, body: Value) -> Value {
        let answer = self.front.call(operation, body.clone()).await;
        answer.unwrap_or_else(|refused| panic!("{operation} {body} over {}: {refused:?}", self.front.name()))
    }

    /// Expects a refusal: the code, and a part of the text.
    async fn refused(&mut self, operation: &str, body: Value, code: &str, message: &str) {
        let shown = body.to_string().chars().take(300).collect::<String>();
        let place = format!("{operation} {shown} over {}", self.front.name());
        match self.front.call(operation, body).await {
            Ok(answer) => panic!("{place} is answered, not refused with {code}: {answer}"),
            Err(refused) => {
                assert_eq!(refused.code, code, "{place}: {refused:?}");
                assert!(refused.message.contains(message), "{place}: {:?} lacks {message:?}", refused.message);
            }
        }
    }

    async fn create(&mut self, name: &str, value: &str) -> (Value, String) {
        let token = token();
        let body = json!({"Name": self.named(name), "ClientRequestToken": token, "SecretString": value});
        (self.ok("CreateSecret", body).await, token)
    }

    async fn put(&mut self, name: &str, value: &str, stages: Option<&[&str]>) -> String {
        let token = token();
        let mut body = json!({"SecretId": self.named(name), "ClientRequestToken": token, "SecretString": value});
        if let Some(stages) = stages {
            body["VersionStages"] = json!(stages);
        }
        self.ok("PutSecretValue", body).await;
        token
    }

    async fn describe(&mut self, name: &str) -> Value {
        self.ok("DescribeSecret", json!({"SecretId": self.named(name)})).await
    }

    /// The labels of a version, sorted; empty for one that is hidden or not there.
    async fn labels(&mut self, name: &str, version: &str) -> Vec<String> {
        let described = self.describe(name).await;
        let labels = described["VersionIdsToStages"][version].as_array().cloned().unwrap_or_default();
        let mut labels: Vec<String> = labels.iter().map(|label| label.as_str().unwrap().to_owned()).collect();
        labels.sort();
        labels
    }

    async fn a_secret_lives_and_dies(&mut self) {
        let name = self.named("life");
        // Without a value: no version, and a description of four members.
        let created = self.ok("CreateSecret", json!({"Name": name, "ClientRequestToken": token()})).await;
        assert_eq!(members(&created), ["ARN", "Name"]);
        let arn = created["ARN"].as_str().unwrap().to_owned();
        let rest = arn.strip_prefix(&format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-")).unwrap();
        assert!(rest.len() == 6 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{arn}");
        let described = self.describe("life").await;
        assert_eq!(members(&described), ["ARN", "CreatedDate", "LastChangedDate", "Name"]);
        assert_eq!(described["CreatedDate"], described["LastChangedDate"]);
        let no_value = format!("{} value for staging label: AWSCURRENT", NOT_FOUND.trim_end_matches('.'));
        self.refused("GetSecretValue", json!({"SecretId": name}), "ResourceNotFoundException", &no_value).await;

        // The first version gets AWSCURRENT too, whatever it is given.
        let first = self.put("life", "one", Some(&["AWSPENDING"])).await;
        assert_eq!(self.labels("life", &first).await, ["AWSCURRENT", "AWSPENDING"]);
        let got = self.ok("GetSecretValue", json!({"SecretId": name})).await;
        assert_eq!(members(&got), ["ARN", "CreatedDate", "Name", "SecretString", "VersionId", "VersionStages"]);
        assert_eq!((&got["SecretString"], &got["VersionId"], &got["ARN"]), (&json!("one"), &json!(first), &json!(arn)));

        // By ARN and by ARN without its suffix; not by a prefix of the name.
        for id in [arn.as_str(), &arn[..arn.len() - 7]] {
            assert_eq!(self.ok("GetSecretValue", json!({"SecretId": id})).await["SecretString"], "one");
        }
        let shorter = name[..name.len() - 1].to_owned();
        for id in [shorter, arn.replace("us-east-1", "eu-west-1"), arn.replace("123456789012", "210987654321")] {
            self.refused("GetSecretValue", json!({"SecretId": id}), "ResourceNotFoundException", NOT_FOUND).await;
        }

        // Bytes take the place of a text, the change shows, and the read leaves its day.
        let before = self.describe("life").await;
        let bytes = STANDARD.encode([0u8, 255, 1]);
        let binary = json!({"SecretId": name, "ClientRequestToken": token(), "SecretBinary": bytes});
        let put = self.ok("PutSecretValue", binary).await;
        assert_eq!(members(&put), ["ARN", "Name", "VersionId", "VersionStages"]);
        assert_eq!(put["VersionStages"], json!(["AWSCURRENT"]));
        let got = self.ok("GetSecretValue", json!({"SecretId": name})).await;
        assert_eq!((&got["SecretBinary"], got.get("SecretString")), (&json!(bytes), None));
        let after = self.describe("life").await;
        assert!(after["LastChangedDate"].as_f64() > before["LastChangedDate"].as_f64(), "{before} {after}");
        assert_eq!(after["CreatedDate"], before["CreatedDate"]);

        // Scheduled: gone for use, there to be described, listed on demand only.
        let deleted = self.ok("DeleteSecret", json!({"SecretId": name, "RecoveryWindowInDays": 7})).await;
        assert_eq!(members(&deleted), ["ARN", "DeletionDate", "Name"]);
        assert!(self.describe("life").await["DeletedDate"].is_number());
        self.refused("GetSecretValue", json!({"SecretId": name}), "InvalidRequestException", MARKED).await;
        let filter = json!([{"Key": "name", "Values": [name]}]);
        assert_eq!(self.ok("ListSecrets", json!({"Filters": filter})).await["SecretList"], json!([]));
        let planned = json!({"Filters": filter, "IncludePlannedDeletion": true});
        assert_eq!(self.ok("ListSecrets", planned).await["SecretList"].as_array().unwrap().len(), 1);

        // Forced: the name is free at once, and the new secret is another one.
        let forced = json!({"SecretId": name, "ForceDeleteWithoutRecovery": true});
        self.ok("DeleteSecret", forced.clone()).await;
        self.refused("DescribeSecret", json!({"SecretId": name}), "ResourceNotFoundException", NOT_FOUND).await;
        let (again, _) = self.create("life", "two").await;
        assert_ne!(again["ARN"], json!(arn));
        self.refused("GetSecretValue", json!({"SecretId": arn}), "ResourceNotFoundException", NOT_FOUND).await;
        self.ok("DeleteSecret", forced.clone()).await;
        // Of a secret that is not there, too.
        let missing = self.ok("DeleteSecret", forced).await;
        assert_eq!(missing["Name"], json!(name));
    }

    async fn listings_filter_and_page(&mut self) {
        for number in 0..5 {
            let body = json!({
                "Name": self.named(&format!("list/{number}")), "ClientRequestToken": token(), "SecretString": "x",
                "Description": "", "Tags": [{"Key": "team", "Value": "blue"}],
            });
            self.ok("CreateSecret", body).await;
        }
        let names = |listed: &Value| -> Vec<String> {
            let entries = listed["SecretList"].as_array().unwrap();
            entries.iter().map(|entry| entry["Name"].as_str().unwrap().to_owned()).collect()
        };
        let filters = json!([{"Key": "name", "Values": [self.named("list/")]}]);
        let all = self.ok("ListSecrets", json!({"Filters": filters})).await;
        let expected: Vec<String> = (0..5).map(|number| self.named(&format!("list/{number}"))).collect();
        assert_eq!(names(&all), expected, "in the order of creation");
        assert!(all.get("NextToken").is_none());
        let entry = &all["SecretList"][0];
        assert_eq!(entry["Tags"], json!([{"Key": "team", "Value": "blue"}]));
        assert!(entry.get("Description").is_none() && entry["SecretVersionsToStages"].is_object(), "{entry}");

        let mut paged = Vec::new();
        let mut next = Value::Null;
        for _ in 0..5 {
            let mut body = json!({"Filters": filters, "MaxResults": 2, "SortOrder": "desc"});
            if !next.is_null() {
                body["NextToken"] = next;
            }
            let page = self.ok("ListSecrets", body).await;
            paged.extend(names(&page));
            next = page["NextToken"].clone();
            if next.is_null() {
                break;
            }
        }
        assert_eq!(paged, expected.iter().rev().cloned().collect::<Vec<_>>());

        // A page's token is for its request.
        let page = self.ok("ListSecrets", json!({"Filters": filters, "MaxResults": 2})).await;
        let foreign = json!({"MaxResults": 2, "NextToken": page["NextToken"]});
        self.refused("ListSecrets", foreign, "InvalidNextTokenException", "").await;

        // All values of a filter, any filter; `!` negates; the prefix of a name is case-sensitive.
        let both = json!({"Filters": [{"Key": "name", "Values": [self.named("list/1"), self.named("list/3")]}]});
        assert_eq!(names(&self.ok("ListSecrets", both).await), [expected[1].clone(), expected[3].clone()]);
        let but = json!({"Filters": [
            {"Key": "name", "Values": [self.named("list/")]}, {"Key": "name", "Values": [format!("!{}", expected[0])]},
        ]});
        assert_eq!(names(&self.ok("ListSecrets", but).await), expected[1..]);
        let loud = json!({"Filters": [{"Key": "name", "Values": [self.named("LIST/")]}]});
        assert_eq!(names(&self.ok("ListSecrets", loud).await), Vec::<String>::new());
    }

    async fn boundaries_are_in_bytes(&mut self) {
        let name = self.named("large");
        let largest = "ä".repeat(32_768);
        self.create("large", &largest).await;
        assert_eq!(self.ok("GetSecretValue", json!({"SecretId": name})).await["SecretString"], json!(largest));
        let too_large = format!("{largest}b");
        let put = json!({"SecretId": name, "ClientRequestToken": token(), "SecretString": too_large});
        self.refused("PutSecretValue", put, "ValidationException", "less than or equal to 65536").await;
        let bytes = STANDARD.encode(vec![7u8; 65_537]);
        let put = json!({"SecretId": name, "ClientRequestToken": token(), "SecretBinary": bytes});
        self.refused("PutSecretValue", put, "ValidationException", "65536").await;
    }

    async fn refusals_have_awss_codes_and_texts(&mut self) {
        let (created, used) = self.create("taken", "value").await;
        let name = self.named("taken");
        let arn = created["ARN"].as_str().unwrap().to_owned();
        self.create("scheduled", "value").await;
        let scheduled = self.named("scheduled");
        self.ok("DeleteSecret", json!({"SecretId": scheduled})).await;
        let missing = self.named("missing");
        let other = token();

        let get = |body: Value, code, text: &str| ("GetSecretValue", body, code, text.to_owned());
        let create = |more: Value, code, text: &str| {
            ("CreateSecret", with(json!({"Name": missing, "ClientRequestToken": token()}), more), code, text.to_owned())
        };
        let put = |more: Value, code, text: &str| {
            (
                "PutSecretValue",
                with(json!({"SecretId": name, "ClientRequestToken": token()}), more),
                code,
                text.to_owned(),
            )
        };
        let delete = |body: Value, code, text: &str| ("DeleteSecret", body, code, text.to_owned());
        let list = |body: Value, code, text: &str| ("ListSecrets", body, code, text.to_owned());
        let not_found = "ResourceNotFoundException";
        let invalid_request = "InvalidRequestException";
        let invalid_parameter = "InvalidParameterException";
        let validation = "ValidationException";
        let exists = "ResourceExistsException";

        let cases = vec![
            create(json!({"Name": "with space", "SecretString": "x"}), validation, INVALID_NAME),
            create(
                json!({"Name": name, "SecretString": "x"}),
                exists,
                &format!("The operation failed because the secret {name} already exists."),
            ),
            create(
                json!({"Name": scheduled, "SecretString": "x"}),
                invalid_request,
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ),
            create(json!({"ClientRequestToken": null, "SecretString": "x"}), invalid_request, NO_TOKEN),
            create(json!({"ClientRequestToken": "short", "SecretString": "x"}), validation, "32"),
            create(json!({"SecretString": "x", "SecretBinary": "eA=="}), invalid_parameter, TWO_VALUES),
            create(json!({"SecretString": ""}), validation, "greater than or equal to 1"),
            create(json!({"SecretString": "x", "Name": "n".repeat(513)}), validation, "512"),
            create(json!({"SecretString": "x", "Description": "d".repeat(2_049)}), validation, "2048"),
            create(json!({"SecretString": "x", "Tags": [{"Key": "aws:x", "Value": ""}]}), invalid_parameter, ""),
            get(json!({"SecretId": missing}), not_found, NOT_FOUND),
            get(json!({"SecretId": "with space"}), validation, INVALID_NAME),
            get(json!({"SecretId": scheduled}), invalid_request, MARKED),
            get(
                json!({"SecretId": name, "VersionStage": "NOPE"}),
                not_found,
                "Secrets Manager can't find the specified secret value for staging label: NOPE",
            ),
            get(
                json!({"SecretId": name, "VersionId": other}),
                not_found,
                &format!("Secrets Manager can't find the specified secret value for VersionId: {other}"),
            ),
            get(
                json!({"SecretId": name, "VersionId": used, "VersionStage": "AWSPENDING"}),
                invalid_request,
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ),
            put(json!({"SecretId": missing, "SecretString": "x"}), not_found, NOT_FOUND),
            put(json!({"SecretId": scheduled, "SecretString": "x"}), invalid_request, MARKED),
            put(
                json!({"SecretId": missing, "ClientRequestToken": null, "SecretString": "x"}),
                invalid_request,
                NO_TOKEN,
            ),
            put(json!({}), invalid_request, "You must provide either SecretString or SecretBinary."),
            put(json!({"SecretString": "x", "SecretBinary": "eA=="}), invalid_parameter, TWO_VALUES),
            put(json!({"SecretString": "x", "VersionStages": []}), validation, "greater than or equal to 1"),
            put(
                json!({"ClientRequestToken": used, "SecretString": "x"}),
                exists,
                &format!(
                    "You can't use ClientRequestToken {used} because that value is already in use for a version of \
                     secret {arn}."
                ),
            ),
            ("DescribeSecret", json!({"SecretId": missing}), not_found, NOT_FOUND.to_owned()),
            ("DescribeSecret", json!({"SecretId": "with space"}), validation, INVALID_NAME.to_owned()),
            list(json!({"MaxResults": 0}), validation, "greater than or equal to 1"),
            list(json!({"MaxResults": 101}), validation, "less than or equal to 100"),
            list(json!({"NextToken": "made up"}), "InvalidNextTokenException", ""),
            list(json!({"Filters": [{"Key": "colour", "Values": ["x"]}]}), validation, "filters.1.member.key"),
            list(json!({"SortOrder": "up"}), validation, "sortOrder"),
            delete(json!({"SecretId": name, "RecoveryWindowInDays": 6}), invalid_parameter, BAD_WINDOW),
            delete(json!({"SecretId": name, "RecoveryWindowInDays": 31}), invalid_parameter, BAD_WINDOW),
            delete(json!({"SecretId": missing, "RecoveryWindowInDays": 0}), invalid_parameter, BAD_WINDOW),
            delete(
                json!({"SecretId": name, "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true}),
                invalid_parameter,
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ),
            delete(json!({"SecretId": missing}), not_found, NOT_FOUND),
            delete(json!({"SecretId": scheduled}), invalid_request, ""),
        ];
        for (operation, body, code, text) in cases {
            self.refused(operation, body, code, &text).await;
        }
        // Refusals change nothing.
        let got = self.ok("GetSecretValue", json!({"SecretId": name})).await;
        assert_eq!((&got["SecretString"], &got["VersionId"]), (&json!("value"), &json!(used)));
        self.refused("DescribeSecret", json!({"SecretId": missing}), not_found, NOT_FOUND).await;
        let window = json!({"SecretId": name, "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": false});
        self.ok("DeleteSecret", window).await;
    }
}

/// The members of `more` over those of `body`; null takes one away.
fn with(mut body: Value, more: Value) -> Value {
    let members = body.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    body
}

fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// What only JSON can get wrong.
async fn malformed_requests_are_refused(client: &SignedClient) {
    let now = std::time::SystemTime::now();
    for (operation, body, code) in [
        ("GetSecretValue", "{", "SerializationException"),
        ("GetSecretValue", "[]", "SerializationException"),
        ("GetSecretValue", r#"{"SecretId": 1}"#, "SerializationException"),
        ("PutSecretValue", r#"{"SecretId": "x", "SecretBinary": "not base64"}"#, "SerializationException"),
        ("GetSecretValue", "{}", "ValidationException"),
        ("MakeCoffee", "{}", "UnknownOperationException"),
    ] {
        let request = client.sign(client.request(operation, body), now).unwrap();
        let answer = client.send(request).await.unwrap();
        assert_eq!(
            (answer.status, answer.error_code().as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{operation} {body}"
        );
    }
    // A member that is not known is passed over.
    let body = json!({"SecretId": "not/there", "Unknown": {"a": [1, null]}});
    let answer = client.call("DescribeSecret", &body).await.unwrap();
    assert_eq!(answer.error_code(), "ResourceNotFoundException");

    let huge = json!({"SecretId": "x", "SecretString": "y".repeat(2 << 20)}).to_string();
    let request = client.sign(client.request("PutSecretValue", &huge), now).unwrap();
    match client.send(request).await {
        Ok(answer) => assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE),
        // The server may close before it has read what it refuses.
        Err(_closed) => {}
    }
    let answer = client.call("ListSecrets", &json!({})).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "the server goes on");
}
