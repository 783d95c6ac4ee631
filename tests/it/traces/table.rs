//! The table: what is asked, and what is answered.

use super::trace::{Trace, answers, is_silent, refuses, refuses_somehow, shows};

const NOT_FOUND: &str = "Secrets Manager can't find the specified secret.";
const INVALID_NAME: &str =
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
const NO_TOKEN: &str = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";
const BAD_WINDOW: &str = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";

pub(super) const TRACES: &[Trace] = &[
    Trace {
        name: "three puts",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"]}}"#),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT"],"$1":["AWSPREVIOUS"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$3":["AWSCURRENT"],"$2":["AWSPREVIOUS"],"$1":null}}"#,
            ),
            answers(
                "ListSecretVersionIds",
                r#"{"SecretId":"$name"}"#,
                r#"{"ARN":"$arn","Name":"$name","Versions":[{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$2","VersionStages":["AWSPREVIOUS"]},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$3","VersionStages":["AWSCURRENT"]}]}"#,
            ),
            answers(
                "ListSecretVersionIds",
                r#"{"SecretId":"$name","IncludeDeprecated":true}"#,
                r#"{"ARN":"$arn","Name":"$name","Versions":[{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$1"},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$2","VersionStages":["AWSPREVIOUS"]},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$3","VersionStages":["AWSCURRENT"]}]}"#,
            ),
            shows(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$1"}"#,
                r#"{"SecretString":"1","VersionStages":null}"#,
            ),
            shows(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionStage":"AWSPREVIOUS"}"#,
                r#"{"SecretString":"2","VersionId":"$2"}"#,
            ),
        ],
    },
    Trace {
        name: "pending survives the move of current",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["AWSPENDING"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSPENDING"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":["AWSPENDING"]}}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$1","MoveToVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSPREVIOUS"],"$2":["AWSCURRENT","AWSPENDING"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$3":["AWSCURRENT"],"$2":["AWSPREVIOUS"],"$1":null}}"#,
            ),
        ],
    },
    Trace {
        name: "a second rotation takes pending along",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["AWSPENDING"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSPENDING"]}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$1","MoveToVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT","AWSPENDING"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3","VersionStages":["AWSPENDING"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["AWSPENDING"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSPREVIOUS"],"$2":["AWSCURRENT"],"$3":["AWSPENDING"]}}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$2","MoveToVersionId":"$3"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$3":["AWSCURRENT","AWSPENDING"],"$2":["AWSPREVIOUS"],"$1":null}}"#,
            ),
        ],
    },
    Trace {
        name: "custom labels move one by one",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["one","two","three"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["one","two","three"]}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3","VersionStages":["one","two","four"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["one","two","four"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":["three"],"$3":["one","two","four"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$4","SecretString":"4","VersionStages":["three"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$4","VersionStages":["three"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":null,"$3":["one","two","four"],"$4":["three"]}}"#,
            ),
            answers(
                "ListSecretVersionIds",
                r#"{"SecretId":"$name"}"#,
                r#"{"ARN":"$arn","Name":"$name","Versions":[{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$1","VersionStages":["AWSCURRENT"]},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$3","VersionStages":["one","two","four"]},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$4","VersionStages":["three"]}]}"#,
            ),
            answers(
                "ListSecretVersionIds",
                r#"{"SecretId":"$name","IncludeDeprecated":true}"#,
                r#"{"ARN":"$arn","Name":"$name","Versions":[{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$1","VersionStages":["AWSCURRENT"]},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$2"},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$3","VersionStages":["one","two","four"]},{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$4","VersionStages":["three"]}]}"#,
            ),
        ],
    },
    Trace {
        name: "custom labels stay when current moves",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["PUT0"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["PUT0"]}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$1","MoveToVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT","PUT0"],"$1":["AWSPREVIOUS"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3","VersionStages":["x"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["x"]}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$2","MoveToVersionId":"$3"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$3":["AWSCURRENT","x"],"$2":["AWSPREVIOUS","PUT0"],"$1":null}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$4","SecretString":"4"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$4","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$4":["AWSCURRENT"],"$3":["AWSPREVIOUS","x"],"$2":["PUT0"]}}"#,
            ),
        ],
    },
    Trace {
        name: "removing a label leaves previous alone",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["AWSCURRENT","PENDING"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSCURRENT","PENDING"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT","PENDING"],"$1":["AWSPREVIOUS"]}}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"PENDING","RemoveFromVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT"],"$1":["AWSPREVIOUS"]}}"#,
            ),
        ],
    },
    Trace {
        name: "labels are taken to the letter",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["AWSSOMETHING","awssomething"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSSOMETHING","awssomething"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":["AWSSOMETHING","awssomething"]}}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"awssomething","RemoveFromVersionId":"$2","MoveToVersionId":"$1"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT","awssomething"],"$2":["AWSSOMETHING"]}}"#,
            ),
        ],
    },
    Trace {
        name: "the first version is current whatever it asks for",
        steps: &[
            answers("CreateSecret", r#"{"Name":"$name","ClientRequestToken":"$1"}"#, r#"{"ARN":"*","Name":"$name"}"#),
            answers(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"ARN":"$arn","CreatedDate":"*","LastChangedDate":"*","Name":"$name"}"#,
            ),
            refuses(
                "GetSecretValue",
                r#"{"SecretId":"$name"}"#,
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
            ),
            refuses(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$1"}"#,
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for VersionId: $1",
            ),
            answers("ListSecretVersionIds", r#"{"SecretId":"$arn"}"#, r#"{"ARN":"$arn","Name":"$name","Versions":[]}"#),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["AWSPENDING"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSCURRENT","AWSPENDING"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT","AWSPENDING"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3","VersionStages":["AWSPREVIOUS"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["AWSPREVIOUS"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT","AWSPENDING"],"$3":["AWSPREVIOUS"]}}"#,
            ),
        ],
    },
    Trace {
        name: "stages move as their table says",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["a"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["a"]}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3","VersionStages":["b"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3","VersionStages":["b"]}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","MoveToVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"VersionIdsToStages":{"$2":["a","new"]}}"#),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","MoveToVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","MoveToVersionId":"$3"}"#,
                "InvalidParameterException",
                "The parameter RemoveFromVersionId can't be empty. Staging label new is currently attached to version $2, so you must explicitly reference that version in RemoveFromVersionId.",
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","RemoveFromVersionId":"$1","MoveToVersionId":"$3"}"#,
                "InvalidParameterException",
                "When you move staging label new, if you specify RemoveFromVersionId, it must be set to the version that currently has the staging label new.",
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","RemoveFromVersionId":"$2","MoveToVersionId":"$3"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["a"],"$3":["b","new"]}}"#,
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","RemoveFromVersionId":"$2"}"#,
                "InvalidParameterException",
                "Version stage new not found in version $2",
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"new","RemoveFromVersionId":"$3"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"VersionIdsToStages":{"$3":["b"]}}"#),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"b","RemoveFromVersionId":"$3"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$3":null,"$1":["AWSCURRENT"]}}"#,
            ),
            refuses_somehow(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"a"}"#,
                "InvalidParameterException",
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"a","RemoveFromVersionId":"$2","MoveToVersionId":"$9"}"#,
                "InvalidParameterException",
                "Not a valid version: $9",
            ),
            refuses_somehow(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$1"}"#,
                "InvalidParameterException",
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","MoveToVersionId":"$2"}"#,
                "InvalidParameterException",
                "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version $1, so you must explicitly reference that version in RemoveFromVersionId.",
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$1","MoveToVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT","a"],"$1":["AWSPREVIOUS"]}}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"AWSCURRENT","RemoveFromVersionId":"$2","MoveToVersionId":"$1"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":["AWSPREVIOUS","a"]}}"#,
            ),
        ],
    },
    Trace {
        name: "a token is for one content",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$1","VersionStages":["AWSCURRENT"]}"#,
            ),
            answers(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$1"}"#,
            ),
            refuses(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"2"}"#,
                "ResourceExistsException",
                "You can't use ClientRequestToken $1 because that value is already in use for a version of secret $arn.",
            ),
            refuses(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretBinary":"MQ=="}"#,
                "ResourceExistsException",
                "You can't use ClientRequestToken $1 because that value is already in use for a version of secret $arn.",
            ),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"2"}"#,
                "ResourceExistsException",
                "You can't use ClientRequestToken $1 because that value is already in use for a version of secret $arn.",
            ),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretBinary":"MQ=="}"#,
                "ResourceExistsException",
                "You can't use ClientRequestToken $1 because that value is already in use for a version of secret $arn.",
            ),
            refuses(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"2"}"#,
                "ResourceExistsException",
                "You can't use ClientRequestToken $1 because that value is already in use for a version of secret $arn.",
            ),
            refuses(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretBinary":"MQ=="}"#,
                "ResourceExistsException",
                "You can't use ClientRequestToken $1 because that value is already in use for a version of secret $arn.",
            ),
            refuses(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$2","SecretString":"1"}"#,
                "ResourceExistsException",
                "The operation failed because the secret $name already exists.",
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"1","VersionStages":["AWSPENDING"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$1","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"]}}"#),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"1"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT"],"$1":["AWSPREVIOUS"]}}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$1","VersionStages":["AWSPREVIOUS"]}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$2":["AWSCURRENT"],"$1":["AWSPREVIOUS"]}}"#,
            ),
        ],
    },
    Trace {
        name: "tokens are taken to the letter",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"a-token-of-some-thirty-six-letters-1","SecretString":"small"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"a-token-of-some-thirty-six-letters-1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"A-TOKEN-OF-SOME-THIRTY-SIX-LETTERS-1","SecretString":"LARGE"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"A-TOKEN-OF-SOME-THIRTY-SIX-LETTERS-1","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionStage":"AWSPREVIOUS"}"#,
                r#"{"SecretString":"small"}"#,
            ),
        ],
    },
    Trace {
        name: "a token is required before the secret is looked for",
        steps: &[
            refuses("CreateSecret", r#"{"Name":"$name","SecretString":"1"}"#, "InvalidRequestException", NO_TOKEN),
            refuses("CreateSecret", r#"{"Name":"$name"}"#, "InvalidRequestException", NO_TOKEN),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","SecretString":"1"}"#,
                "InvalidRequestException",
                NO_TOKEN,
            ),
            refuses("UpdateSecret", r#"{"SecretId":"$name","SecretString":"1"}"#, "InvalidRequestException", NO_TOKEN),
            refuses("UpdateSecret", r#"{"SecretId":"$name","Description":"d"}"#, "InvalidRequestException", NO_TOKEN),
        ],
    },
    Trace {
        name: "a bad name is refused by every operation",
        steps: &[
            refuses(
                "CreateSecret",
                r#"{"Name":"bad name","ClientRequestToken":"$1","SecretString":"1"}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses(
                "CreateSecret",
                r#"{"Name":"bad!name","ClientRequestToken":"$1","SecretString":"1"}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses("DescribeSecret", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses("GetSecretValue", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses("ListSecretVersionIds", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"bad name","ClientRequestToken":"$1","SecretString":"1"}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses(
                "UpdateSecret",
                r#"{"SecretId":"bad name","ClientRequestToken":"$1"}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"bad name","VersionStage":"a","MoveToVersionId":"$1"}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses(
                "TagResource",
                r#"{"SecretId":"bad name","Tags":[{"Key":"k","Value":"v"}]}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses("UntagResource", r#"{"SecretId":"bad name","TagKeys":["k"]}"#, "ValidationException", INVALID_NAME),
            refuses("RestoreSecret", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses("DeleteSecret", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses("GetResourcePolicy", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses(
                "PutResourcePolicy",
                r#"{"SecretId":"bad name","ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}"}"#,
                "ValidationException",
                INVALID_NAME,
            ),
            refuses("DeleteResourcePolicy", r#"{"SecretId":"bad name"}"#, "ValidationException", INVALID_NAME),
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"bad name","ForceDeleteWithoutRecovery":true}"#,
                "ValidationException",
                INVALID_NAME,
            ),
        ],
    },
    Trace {
        name: "a missing secret is not found by any operation",
        steps: &[
            refuses("DescribeSecret", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("GetSecretValue", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("ListSecretVersionIds", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                "ResourceNotFoundException",
                NOT_FOUND,
            ),
            refuses(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1"}"#,
                "ResourceNotFoundException",
                NOT_FOUND,
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"a","MoveToVersionId":"$1"}"#,
                "ResourceNotFoundException",
                NOT_FOUND,
            ),
            refuses(
                "TagResource",
                r#"{"SecretId":"$name","Tags":[{"Key":"k","Value":"v"}]}"#,
                "ResourceNotFoundException",
                NOT_FOUND,
            ),
            refuses("UntagResource", r#"{"SecretId":"$name","TagKeys":["k"]}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("RestoreSecret", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("DeleteSecret", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("GetResourcePolicy", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses(
                "PutResourcePolicy",
                r#"{"SecretId":"$name","ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}"}"#,
                "ResourceNotFoundException",
                NOT_FOUND,
            ),
            refuses("DeleteResourcePolicy", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
        ],
    },
    Trace {
        name: "an arn may be partial",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            shows("GetSecretValue", r#"{"SecretId":"$name"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$arn"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$partial"}"#, r#"{"SecretString":"1"}"#),
            shows("DescribeSecret", r#"{"SecretId":"$partial"}"#, r#"{"ARN":"$arn"}"#),
            refuses("GetSecretValue", r#"{"SecretId":"$partial-aaaaaa"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("GetSecretValue", r#"{"SecretId":"$arnx"}"#, "ResourceNotFoundException", NOT_FOUND),
        ],
    },
    Trace {
        name: "four letters at the end of a name are no suffix",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name-a1b2","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name-a1b2","VersionId":"$1"}"#,
            ),
            shows("GetSecretValue", r#"{"SecretId":"$name-a1b2"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$arn"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$partial"}"#, r#"{"SecretString":"1"}"#),
        ],
    },
    Trace {
        name: "a hyphen at the end of a name is no suffix",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name-a1b2c3-","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name-a1b2c3-","VersionId":"$1"}"#,
            ),
            shows("GetSecretValue", r#"{"SecretId":"$name-a1b2c3-"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$arn"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$partial"}"#, r#"{"SecretString":"1"}"#),
        ],
    },
    Trace {
        name: "six letters at the end of a name are taken for the suffix",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name-a1b2c3","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name-a1b2c3","VersionId":"$1"}"#,
            ),
            shows("GetSecretValue", r#"{"SecretId":"$name-a1b2c3"}"#, r#"{"SecretString":"1"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$arn"}"#, r#"{"SecretString":"1"}"#),
            refuses("GetSecretValue", r#"{"SecretId":"$partial"}"#, "ResourceNotFoundException", NOT_FOUND),
        ],
    },
    Trace {
        name: "a scheduled secret is there for a few operations only",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "DeleteSecret",
                r#"{"SecretId":"$name","RecoveryWindowInDays":7,"ForceDeleteWithoutRecovery":false}"#,
                r#"{"ARN":"$arn","DeletionDate":"*","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"DeletedDate":"*","VersionIdsToStages":{"$1":["AWSCURRENT"]}}"#,
            ),
            answers(
                "ListSecretVersionIds",
                r#"{"SecretId":"$name"}"#,
                r#"{"ARN":"$arn","Name":"$name","Versions":[{"CreatedDate":"*","KmsKeyIds":["DefaultEncryptionKey"],"VersionId":"$1","VersionStages":["AWSCURRENT"]}]}"#,
            ),
            refuses("GetSecretValue", r#"{"SecretId":"$name"}"#, "InvalidRequestException", MARKED),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                "InvalidRequestException",
                MARKED,
            ),
            refuses(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1"}"#,
                "InvalidRequestException",
                MARKED,
            ),
            refuses(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"a","MoveToVersionId":"$1"}"#,
                "InvalidRequestException",
                MARKED,
            ),
            refuses(
                "TagResource",
                r#"{"SecretId":"$name","Tags":[{"Key":"k","Value":"v"}]}"#,
                "InvalidRequestException",
                MARKED,
            ),
            refuses("UntagResource", r#"{"SecretId":"$name","TagKeys":["k"]}"#, "InvalidRequestException", MARKED),
            refuses("GetResourcePolicy", r#"{"SecretId":"$name"}"#, "InvalidRequestException", MARKED),
            refuses(
                "PutResourcePolicy",
                r#"{"SecretId":"$name","ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}"}"#,
                "InvalidRequestException",
                MARKED,
            ),
            refuses("DeleteResourcePolicy", r#"{"SecretId":"$name"}"#, "InvalidRequestException", MARKED),
            refuses(
                "ValidateResourcePolicy",
                r#"{"SecretId":"$name","ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"*\"}]}"}"#,
                "InvalidRequestException",
                MARKED,
            ),
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"$name"}"#,
                "InvalidRequestException",
                "You tried to perform the operation on a secret that's currently marked deleted.",
            ),
            refuses(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ),
            shows(
                "BatchGetSecretValue",
                r#"{"SecretIdList":["$name"]}"#,
                r#"{"SecretValues":[],"Errors":[{"SecretId":"$name","ErrorCode":"InvalidRequestException","Message":"You can't perform this operation on the secret because it was marked for deletion."}]}"#,
            ),
            shows("ListSecrets", r#"{"Filters":[{"Key":"name","Values":["$name"]}]}"#, r#"{"SecretList":[]}"#),
            shows(
                "ListSecrets",
                r#"{"Filters":[{"Key":"name","Values":["$name"]}],"IncludePlannedDeletion":true}"#,
                r#"{"SecretList":[{"ARN":"$arn","DeletedDate":"*"}]}"#,
            ),
            answers("RestoreSecret", r#"{"SecretId":"$name"}"#, r#"{"ARN":"$arn","Name":"$name"}"#),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"DeletedDate":null,"VersionIdsToStages":{"$1":["AWSCURRENT"]}}"#,
            ),
            shows("GetSecretValue", r#"{"SecretId":"$name"}"#, r#"{"SecretString":"1"}"#),
            answers("RestoreSecret", r#"{"SecretId":"$name"}"#, r#"{"ARN":"$arn","Name":"$name"}"#),
        ],
    },
    Trace {
        name: "deletion has its window or is forced",
        steps: &[
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"$name","RecoveryWindowInDays":0}"#,
                "InvalidParameterException",
                BAD_WINDOW,
            ),
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"$name","RecoveryWindowInDays":6}"#,
                "InvalidParameterException",
                BAD_WINDOW,
            ),
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"$name","RecoveryWindowInDays":31}"#,
                "InvalidParameterException",
                BAD_WINDOW,
            ),
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"$name","RecoveryWindowInDays":-1}"#,
                "InvalidParameterException",
                BAD_WINDOW,
            ),
            refuses(
                "DeleteSecret",
                r#"{"SecretId":"$name","RecoveryWindowInDays":7,"ForceDeleteWithoutRecovery":true}"#,
                "InvalidParameterException",
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ),
            answers(
                "DeleteSecret",
                r#"{"SecretId":"$name","ForceDeleteWithoutRecovery":true}"#,
                r#"{"ARN":"*","DeletionDate":"*","Name":"$name"}"#,
            ),
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers("DeleteSecret", r#"{"SecretId":"$name"}"#, r#"{"ARN":"$arn","DeletionDate":"*","Name":"$name"}"#),
            answers(
                "DeleteSecret",
                r#"{"SecretId":"$name","ForceDeleteWithoutRecovery":true}"#,
                r#"{"ARN":"$arn","DeletionDate":"*","Name":"$name"}"#,
            ),
            refuses("DescribeSecret", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses(
                "GetSecretValue",
                r#"{"SecretId":"$arn","VersionId":"$1"}"#,
                "ResourceNotFoundException",
                NOT_FOUND,
            ),
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"again"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            refuses("DescribeSecret", r#"{"SecretId":"$arn"}"#, "ResourceNotFoundException", NOT_FOUND),
            shows("GetSecretValue", r#"{"SecretId":"$name"}"#, r#"{"SecretString":"again"}"#),
        ],
    },
    Trace {
        name: "tags are omitted or empty",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"Tags":null}"#),
            is_silent("UntagResource", r#"{"SecretId":"$name","TagKeys":["k"]}"#),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"Tags":null}"#),
            is_silent("TagResource", r#"{"SecretId":"$name","Tags":[{"Key":"k","Value":"v"},{"Key":"K","Value":""}]}"#),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"Tags":[{"Key":"k","Value":"v"},{"Key":"K","Value":""}]}"#,
            ),
            is_silent("TagResource", r#"{"SecretId":"$name","Tags":[{"Key":"k","Value":"w"}]}"#),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$partial"}"#,
                r#"{"Tags":[{"Key":"k","Value":"w"},{"Key":"K","Value":""}]}"#,
            ),
            is_silent("UntagResource", r#"{"SecretId":"$arn","TagKeys":["k","other","K"]}"#),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"Tags":[]}"#),
            refuses_somehow(
                "TagResource",
                r#"{"SecretId":"$name","Tags":[{"Key":"AWS:k","Value":"v"}]}"#,
                "InvalidParameterException",
            ),
            refuses_somehow(
                "TagResource",
                r#"{"SecretId":"$name","Tags":[{"Key":"k","Value":"v"},{"Key":"k","Value":"v"}]}"#,
                "InvalidParameterException",
            ),
        ],
    },
    Trace {
        name: "bytes and texts take turns",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretBinary":"Zm9vdGVzdA=="}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "GetSecretValue",
                r#"{"SecretId":"$name"}"#,
                r#"{"ARN":"$arn","CreatedDate":"*","Name":"$name","SecretBinary":"Zm9vdGVzdA==","VersionId":"$1","VersionStages":["AWSCURRENT"]}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"footest"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["AWSCURRENT"]}"#,
            ),
            answers(
                "GetSecretValue",
                r#"{"SecretId":"$name"}"#,
                r#"{"ARN":"$arn","CreatedDate":"*","Name":"$name","SecretString":"footest","VersionId":"$2","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "BatchGetSecretValue",
                r#"{"SecretIdList":["$name","$name-nope"]}"#,
                r#"{"SecretValues":[{"SecretString":"footest","VersionId":"$2"}],"Errors":[{"SecretId":"$name-nope","ErrorCode":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}]}"#,
            ),
        ],
    },
    Trace {
        name: "a read leaves its day",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["b"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["b"]}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"LastAccessedDate":null}"#),
            refuses_somehow(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionStage":"nope"}"#,
                "ResourceNotFoundException",
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"LastAccessedDate":null}"#),
            shows("GetSecretValue", r#"{"SecretId":"$name"}"#, r#"{"SecretString":"1"}"#),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"LastAccessedDate":"*day"}"#),
            shows("GetSecretValue", r#"{"SecretId":"$name"}"#, r#"{"SecretString":"1"}"#),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"LastAccessedDate":"*day"}"#),
            shows(
                "ListSecretVersionIds",
                r#"{"SecretId":"$name"}"#,
                r#"{"Versions":[{"VersionId":"$1","LastAccessedDate":"*day"},{"VersionId":"$2","LastAccessedDate":null}]}"#,
            ),
        ],
    },
    Trace {
        name: "a version and a label must agree",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["b"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["b"]}"#,
            ),
            shows(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$2","VersionStage":"b"}"#,
                r#"{"SecretString":"2","VersionStages":["b"]}"#,
            ),
            refuses(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$2","VersionStage":"AWSCURRENT"}"#,
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            ),
            refuses(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionStage":"B"}"#,
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: B",
            ),
            refuses(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$9"}"#,
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for VersionId: $9",
            ),
        ],
    },
    Trace {
        name: "a write has one value",
        steps: &[
            refuses(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1","SecretBinary":"MQ=="}"#,
                "InvalidParameterException",
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            ),
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"1","SecretBinary":"MQ=="}"#,
                "InvalidParameterException",
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            ),
            refuses(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"1","SecretBinary":"MQ=="}"#,
                "InvalidParameterException",
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            ),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2"}"#,
                "InvalidRequestException",
                "You must provide either SecretString or SecretBinary.",
            ),
            refuses(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":""}"#,
                "ValidationException",
                "1 validation error detected: Value at 'secretString' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ),
        ],
    },
    Trace {
        name: "an update changes what it names",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1","Description":"old"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","Description":"new"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"Description":"new","VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":null}}"#,
            ),
            answers(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"1"}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$3"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"Description":"new","VersionIdsToStages":{"$1":["AWSPREVIOUS"],"$3":["AWSCURRENT"]}}"#,
            ),
            answers(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$4","Description":""}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"Description":null}"#),
        ],
    },
    Trace {
        name: "twenty labels are all",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","SecretString":"1"}"#,
                r#"{"ARN":"*","Name":"$name","VersionId":"$1"}"#,
            ),
            answers(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"2","VersionStages":["l01","l02","l03","l04","l05","l06","l07","l08","l09","l10","l11","l12","l13","l14","l15","l16","l17","l18","l19"]}"#,
                r#"{"ARN":"$arn","Name":"$name","VersionId":"$2","VersionStages":["l01","l02","l03","l04","l05","l06","l07","l08","l09","l10","l11","l12","l13","l14","l15","l16","l17","l18","l19"]}"#,
            ),
            refuses_somehow(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$3","SecretString":"3","VersionStages":["more"]}"#,
                "LimitExceededException",
            ),
            refuses_somehow(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"more","MoveToVersionId":"$1"}"#,
                "LimitExceededException",
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT"],"$2":["l01","l02","l03","l04","l05","l06","l07","l08","l09","l10","l11","l12","l13","l14","l15","l16","l17","l18","l19"],"$3":null}}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"l01","RemoveFromVersionId":"$2"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            answers(
                "UpdateSecretVersionStage",
                r#"{"SecretId":"$name","VersionStage":"more","MoveToVersionId":"$1"}"#,
                r#"{"ARN":"$arn","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"VersionIdsToStages":{"$1":["AWSCURRENT","more"]}}"#,
            ),
        ],
    },
    // What the provider of Terraform asks for a secret with `recovery_window_in_days = 0` and a version of it.
    Trace {
        name: "a plan is applied and destroyed twice",
        steps: &[
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","Description":"d","ForceOverwriteReplicaSecret":false}"#,
                r#"{"ARN":"*","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"Description":"d","Name":"$name","RotationEnabled":null,"VersionIdsToStages":null}"#,
            ),
            shows("GetResourcePolicy", r#"{"SecretId":"$name"}"#, r#"{"Name":"$name","ResourcePolicy":null}"#),
            shows(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"one"}"#,
                r#"{"VersionId":"$2","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$2"}"#,
                r#"{"SecretString":"one","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","Description":""}"#,
                r#"{"Name":"$name"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"Description":null}"#),
            answers(
                "DeleteSecret",
                r#"{"SecretId":"$name","ForceDeleteWithoutRecovery":true}"#,
                r#"{"ARN":"*","DeletionDate":"*","Name":"$name"}"#,
            ),
            refuses("DescribeSecret", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("GetResourcePolicy", r#"{"SecretId":"$arn"}"#, "ResourceNotFoundException", NOT_FOUND),
            answers(
                "CreateSecret",
                r#"{"Name":"$name","ClientRequestToken":"$1","Description":"d","ForceOverwriteReplicaSecret":false}"#,
                r#"{"ARN":"*","Name":"$name"}"#,
            ),
            shows(
                "DescribeSecret",
                r#"{"SecretId":"$name"}"#,
                r#"{"Description":"d","Name":"$name","RotationEnabled":null,"VersionIdsToStages":null}"#,
            ),
            shows("GetResourcePolicy", r#"{"SecretId":"$name"}"#, r#"{"Name":"$name","ResourcePolicy":null}"#),
            shows(
                "PutSecretValue",
                r#"{"SecretId":"$name","ClientRequestToken":"$2","SecretString":"two"}"#,
                r#"{"VersionId":"$2","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "GetSecretValue",
                r#"{"SecretId":"$name","VersionId":"$2"}"#,
                r#"{"SecretString":"two","VersionStages":["AWSCURRENT"]}"#,
            ),
            shows(
                "UpdateSecret",
                r#"{"SecretId":"$name","ClientRequestToken":"$1","Description":""}"#,
                r#"{"Name":"$name"}"#,
            ),
            shows("DescribeSecret", r#"{"SecretId":"$name"}"#, r#"{"Description":null}"#),
            answers(
                "DeleteSecret",
                r#"{"SecretId":"$name","ForceDeleteWithoutRecovery":true}"#,
                r#"{"ARN":"*","DeletionDate":"*","Name":"$name"}"#,
            ),
            refuses("DescribeSecret", r#"{"SecretId":"$name"}"#, "ResourceNotFoundException", NOT_FOUND),
            refuses("GetResourcePolicy", r#"{"SecretId":"$arn"}"#, "ResourceNotFoundException", NOT_FOUND),
        ],
    },
];
