//! AWS's SDK for Rust: does what each line of JSON says and answers with a line.
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::collections::HashMap;
use std::io::BufRead;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, SdkError};
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::{
    Filter, FilterNameStringType, ReplicaRegionType, ReplicationStatusType, RotationRulesType, SortByType,
    SortOrderType, Tag,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut clients = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let region = asked["region"].as_str().unwrap_or_default().to_owned();
        if !clients.contains_key(&region) {
            let settings = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.clone()));
            clients.insert(region.clone(), Client::new(&settings.load().await));
        }
        let operation = asked["operation"].as_str().unwrap_or_default();
        println!("{}", answer(&clients[&region], operation, &asked["input"]).await?);
    }
    Ok(())
}

/// Sends a request; a refusal of the service is an answer.
macro_rules! send {
    ($request:expr) => {
        match $request.send().await {
            Ok(output) => output,
            Err(SdkError::ServiceError(refused)) => {
                let meta = refused.err().meta();
                return Ok(json!({ "code": meta.code(), "message": meta.message() }));
            }
            Err(error) => return Err(DisplayErrorContext(error).to_string().into()),
        }
    };
}

/// The members that are there.
macro_rules! members {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let members = [$(($name, $value.map(|value| json!(value)))),*];
        Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>())
    }};
}

async fn answer(client: &Client, operation: &str, input: &Value) -> Result<Value, Failure> {
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let flag = |name: &str| input[name].as_bool();
    let small = |name: &str| input[name].as_i64().and_then(|number| i32::try_from(number).ok());
    let texts = |name: &str| {
        let list = input[name].as_array();
        list.map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
    };
    let binary = text("SecretBinary").map(|text| STANDARD.decode(text)).transpose()?.map(Blob::new);
    let output = match operation {
        "CreateSecret" => {
            let output = send!(
                client
                    .create_secret()
                    .set_name(text("Name"))
                    .set_client_request_token(text("ClientRequestToken"))
                    .set_description(text("Description"))
                    .set_secret_string(text("SecretString"))
                    .set_secret_binary(binary)
                    .set_tags(tags(&input["Tags"]))
                    .set_add_replica_regions(replicas(&input["AddReplicaRegions"]))
                    .set_force_overwrite_replica_secret(flag("ForceOverwriteReplicaSecret"))
            );
            members!("ARN": output.arn(), "Name": output.name(), "VersionId": output.version_id())
        }
        "GetSecretValue" => {
            let output = send!(
                client
                    .get_secret_value()
                    .set_secret_id(text("SecretId"))
                    .set_version_id(text("VersionId"))
                    .set_version_stage(text("VersionStage"))
            );
            members!(
                "ARN": output.arn(), "Name": output.name(), "VersionId": output.version_id(),
                "SecretString": output.secret_string(), "SecretBinary": output.secret_binary().map(encoded),
                "VersionStages": Some(output.version_stages()), "CreatedDate": output.created_date().map(seconds),
            )
        }
        "BatchGetSecretValue" => {
            let output = send!(
                client
                    .batch_get_secret_value()
                    .set_secret_id_list(texts("SecretIdList"))
                    .set_filters(filters(&input["Filters"])?)
                    .set_max_results(small("MaxResults"))
                    .set_next_token(text("NextToken"))
            );
            let values = output.secret_values().iter();
            let values = values.map(|value| members!("Name": value.name(), "SecretString": value.secret_string()));
            let errors = output.errors().iter();
            let errors = errors.map(|error| members!("SecretId": error.secret_id(), "ErrorCode": error.error_code()));
            members!(
                "SecretValues": Some(values.collect::<Vec<_>>()), "Errors": Some(errors.collect::<Vec<_>>()),
                "NextToken": output.next_token(),
            )
        }
        "PutSecretValue" => {
            let output = send!(
                client
                    .put_secret_value()
                    .set_secret_id(text("SecretId"))
                    .set_client_request_token(text("ClientRequestToken"))
                    .set_secret_string(text("SecretString"))
                    .set_secret_binary(binary)
                    .set_version_stages(texts("VersionStages"))
            );
            let stages = Some(output.version_stages());
            members!("Name": output.name(), "VersionId": output.version_id(), "VersionStages": stages)
        }
        "UpdateSecret" => {
            let output = send!(
                client
                    .update_secret()
                    .set_secret_id(text("SecretId"))
                    .set_description(text("Description"))
                    .set_secret_string(text("SecretString"))
            );
            members!("Name": output.name(), "VersionId": output.version_id())
        }
        "UpdateSecretVersionStage" => {
            let output = send!(
                client
                    .update_secret_version_stage()
                    .set_secret_id(text("SecretId"))
                    .set_version_stage(text("VersionStage"))
                    .set_remove_from_version_id(text("RemoveFromVersionId"))
                    .set_move_to_version_id(text("MoveToVersionId"))
            );
            members!("Name": output.name())
        }
        "DescribeSecret" => {
            let output = send!(client.describe_secret().set_secret_id(text("SecretId")));
            let tags = output.tags().iter().map(|tag| json!({"Key": tag.key(), "Value": tag.value()}));
            members!(
                "ARN": output.arn(), "Name": output.name(), "Description": output.description(),
                "Tags": Some(tags.collect::<Vec<_>>()), "VersionIdsToStages": output.version_ids_to_stages(),
                "CreatedDate": output.created_date().map(seconds), "DeletedDate": output.deleted_date().map(seconds),
                "PrimaryRegion": output.primary_region(),
            )
        }
        "ListSecrets" => {
            let output = send!(
                client
                    .list_secrets()
                    .set_max_results(small("MaxResults"))
                    .set_next_token(text("NextToken"))
                    .set_filters(filters(&input["Filters"])?)
                    .set_sort_order(input["SortOrder"].as_str().map(SortOrderType::from))
                    .set_sort_by(input["SortBy"].as_str().map(SortByType::from))
            );
            let entries = output.secret_list().iter().map(|entry| members!("Name": entry.name()));
            members!("SecretList": Some(entries.collect::<Vec<_>>()), "NextToken": output.next_token())
        }
        "ListSecretVersionIds" => {
            let output = send!(
                client
                    .list_secret_version_ids()
                    .set_secret_id(text("SecretId"))
                    .set_max_results(small("MaxResults"))
                    .set_next_token(text("NextToken"))
                    .set_include_deprecated(flag("IncludeDeprecated"))
            );
            let entries = output.versions().iter().map(|entry| members!("VersionId": entry.version_id()));
            members!("Versions": Some(entries.collect::<Vec<_>>()), "NextToken": output.next_token())
        }
        "TagResource" => {
            send!(client.tag_resource().set_secret_id(text("SecretId")).set_tags(tags(&input["Tags"])));
            json!({})
        }
        "UntagResource" => {
            send!(client.untag_resource().set_secret_id(text("SecretId")).set_tag_keys(texts("TagKeys")));
            json!({})
        }
        "GetRandomPassword" => {
            let output = send!(
                client
                    .get_random_password()
                    .set_password_length(input["PasswordLength"].as_i64())
                    .set_exclude_punctuation(flag("ExcludePunctuation"))
            );
            members!("RandomPassword": output.random_password())
        }
        "DeleteSecret" => {
            let output = send!(
                client
                    .delete_secret()
                    .set_secret_id(text("SecretId"))
                    .set_recovery_window_in_days(input["RecoveryWindowInDays"].as_i64())
                    .set_force_delete_without_recovery(flag("ForceDeleteWithoutRecovery"))
            );
            members!("Name": output.name(), "DeletionDate": output.deletion_date().map(seconds))
        }
        "RestoreSecret" => {
            let output = send!(client.restore_secret().set_secret_id(text("SecretId")));
            members!("Name": output.name())
        }
        "PutResourcePolicy" => {
            let output = send!(
                client
                    .put_resource_policy()
                    .set_secret_id(text("SecretId"))
                    .set_resource_policy(text("ResourcePolicy"))
                    .set_block_public_policy(flag("BlockPublicPolicy"))
            );
            members!("Name": output.name())
        }
        "GetResourcePolicy" => {
            let output = send!(client.get_resource_policy().set_secret_id(text("SecretId")));
            members!("Name": output.name(), "ResourcePolicy": output.resource_policy())
        }
        "DeleteResourcePolicy" => {
            let output = send!(client.delete_resource_policy().set_secret_id(text("SecretId")));
            members!("Name": output.name())
        }
        "ValidateResourcePolicy" => {
            let output = send!(
                client
                    .validate_resource_policy()
                    .set_secret_id(text("SecretId"))
                    .set_resource_policy(text("ResourcePolicy"))
            );
            members!("PolicyValidationPassed": Some(output.policy_validation_passed()))
        }
        "ReplicateSecretToRegions" => {
            let output = send!(
                client
                    .replicate_secret_to_regions()
                    .set_secret_id(text("SecretId"))
                    .set_add_replica_regions(replicas(&input["AddReplicaRegions"]))
            );
            members!("ARN": output.arn(), "ReplicationStatus": Some(statuses(output.replication_status())))
        }
        "RemoveRegionsFromReplication" => {
            let output = send!(
                client
                    .remove_regions_from_replication()
                    .set_secret_id(text("SecretId"))
                    .set_remove_replica_regions(texts("RemoveReplicaRegions"))
            );
            members!("ARN": output.arn(), "ReplicationStatus": Some(statuses(output.replication_status())))
        }
        "StopReplicationToReplica" => {
            let output = send!(client.stop_replication_to_replica().set_secret_id(text("SecretId")));
            members!("ARN": output.arn())
        }
        "RotateSecret" => {
            let rules = &input["RotationRules"]["AutomaticallyAfterDays"];
            let rules = rules.as_i64().map(|days| RotationRulesType::builder().automatically_after_days(days).build());
            let output = send!(
                client
                    .rotate_secret()
                    .set_secret_id(text("SecretId"))
                    .set_rotation_lambda_arn(text("RotationLambdaARN"))
                    .set_rotation_rules(rules)
            );
            members!("Name": output.name(), "VersionId": output.version_id())
        }
        "CancelRotateSecret" => {
            let output = send!(client.cancel_rotate_secret().set_secret_id(text("SecretId")));
            members!("Name": output.name())
        }
        _ => return Ok(json!({ "unknown": operation })),
    };
    Ok(json!({ "output": output }))
}

fn list(value: &Value) -> Option<impl Iterator<Item = &Value>> {
    value.as_array().map(|entries| entries.iter())
}

fn member(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn tags(value: &Value) -> Option<Vec<Tag>> {
    let tag = |tag| Tag::builder().set_key(member(tag, "Key")).set_value(member(tag, "Value")).build();
    Some(list(value)?.map(tag).collect())
}

fn replicas(value: &Value) -> Option<Vec<ReplicaRegionType>> {
    let region = |entry| ReplicaRegionType::builder().set_region(member(entry, "Region")).build();
    Some(list(value)?.map(region).collect())
}

fn filters(value: &Value) -> Result<Option<Vec<Filter>>, Failure> {
    let Some(entries) = list(value) else { return Ok(None) };
    let mut filters = Vec::new();
    for entry in entries {
        let values = list(&entry["Values"]).ok_or("a filter needs values")?;
        let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
        let key = entry["Key"].as_str().map(FilterNameStringType::from);
        filters.push(Filter::builder().set_key(key).set_values(Some(values)).build());
    }
    Ok(Some(filters))
}

fn statuses(statuses: &[ReplicationStatusType]) -> Vec<Value> {
    let status = |status: &ReplicationStatusType| members!("Region": status.region(), "Status": status.status().map(|status| status.as_str()));
    statuses.iter().map(status).collect()
}

fn encoded(blob: &Blob) -> String {
    STANDARD.encode(blob.as_ref())
}

fn seconds(date: &DateTime) -> f64 {
    date.as_secs_f64()
}
