//! Replication, over this front.

use service::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicateSecretToRegionsInput, ReplicationOutput, ReplicationStatusDescription, StopReplicationToReplicaInput,
    StopReplicationToReplicaOutput,
};

use super::*;
use crate::json::Body;

const OTHER_ACCOUNT: &str = "arn:aws:secretsmanager:us-east-1:210987654321:secret:s-a1b2c3";
/// What [`statuses`] are in an answer.
const STATUSES: &str = r#""ReplicationStatus":[{"Region":"eu-west-1","KmsKeyId":"alias/aws/secretsmanager","Status":"InSync","StatusMessage":"Replication succeeded","LastAccessedDate":1727136000},{"Region":"us-west-2","KmsKeyId":"k","Status":"Failed","StatusMessage":"It is taken."}]"#;

fn statuses() -> Vec<ReplicationStatusDescription> {
    let status = |region, kms_key_id: &str, status, message: &str, last_accessed_date| ReplicationStatusDescription {
        region: Region::parse(region).unwrap(),
        kms_key_id: kms_key_id.to_owned(),
        status,
        status_message: message.to_owned(),
        last_accessed_date,
    };
    let day = Timestamp::from_millis(1_727_136_000_000);
    vec![
        status("eu-west-1", "alias/aws/secretsmanager", "InSync", "Replication succeeded", Some(day)),
        status("us-west-2", "k", "Failed", "It is taken.", None),
    ]
}

/// What the script answers to these; `None` to others.
pub(super) fn scripted(input: &dyn Any) -> Option<Box<dyn Any>> {
    let named = |text: &Option<String>| assert_eq!(text.as_deref(), Some("prod/db"));
    Some(if let Some(input) = input.downcast_ref::<ReplicateSecretToRegionsInput>() {
        named(&input.secret_id);
        let regions = input.add_replica_regions.as_ref().unwrap();
        let given: Vec<_> =
            regions.iter().map(|region| (region.region.as_deref(), region.kms_key_id.as_deref())).collect();
        assert_eq!(given, [(Some("eu-west-1"), None), (Some("us-west-2"), Some("k")), (None, None)]);
        assert_eq!(input.force_overwrite_replica_secret, Some(true));
        Box::new(ReplicationOutput { arn: arn(), replication_status: statuses() })
    } else if let Some(input) = input.downcast_ref::<RemoveRegionsFromReplicationInput>() {
        named(&input.secret_id);
        assert_eq!(input.remove_replica_regions.as_deref(), Some(&["eu-west-1".to_owned()][..]));
        Box::new(ReplicationOutput { arn: arn(), replication_status: Vec::new() })
    } else if let Some(input) = input.downcast_ref::<StopReplicationToReplicaInput>() {
        named(&input.secret_id);
        Box::new(StopReplicationToReplicaOutput { arn: arn() })
    } else {
        return None;
    })
}

#[tokio::test]
async fn every_member_of_an_operation_on_regions_arrives_and_comes_back() {
    let cases = [
        (
            "ReplicateSecretToRegions",
            r#"{"SecretId":"prod/db","ForceOverwriteReplicaSecret":true,
                "AddReplicaRegions":[{"Region":"eu-west-1"},{"Region":"us-west-2","KmsKeyId":"k"},{"Region":null}]}"#,
            format!(r#"{{"ARN":"{ARN}",{STATUSES}}}"#),
        ),
        (
            "RemoveRegionsFromReplication",
            r#"{"SecretId":"prod/db","RemoveReplicaRegions":["eu-west-1"]}"#,
            format!(r#"{{"ARN":"{ARN}","ReplicationStatus":[]}}"#),
        ),
        ("StopReplicationToReplica", r#"{"SecretId":"prod/db"}"#, format!(r#"{{"ARN":"{ARN}"}}"#)),
    ];
    for (name, body, answer) in cases {
        let got = send(Script::new(), signed(&operation(name, body))).await;
        assert_eq!((got.status, got.body), (StatusCode::OK, answer), "{name}");
    }
}

#[tokio::test]
async fn a_region_of_another_type_is_refused() {
    for (name, body) in [
        ("ReplicateSecretToRegions", r#"{"SecretId":"prod/db","AddReplicaRegions":["eu-west-1"]}"#),
        ("ReplicateSecretToRegions", r#"{"SecretId":"prod/db","AddReplicaRegions":[null]}"#),
        ("ReplicateSecretToRegions", r#"{"SecretId":"prod/db","AddReplicaRegions":{"Region":"eu-west-1"}}"#),
        ("ReplicateSecretToRegions", r#"{"SecretId":"prod/db","AddReplicaRegions":[{"Region":"a","Region":"b"}]}"#),
        ("RemoveRegionsFromReplication", r#"{"SecretId":"prod/db","RemoveReplicaRegions":[{"Region":"eu-west-1"}]}"#),
        ("RemoveRegionsFromReplication", r#"{"SecretId":"prod/db","RemoveReplicaRegions":"eu-west-1"}"#),
        ("StopReplicationToReplica", r#"{"SecretId":["prod/db"]}"#),
    ] {
        let decoded = match name {
            "ReplicateSecretToRegions" => json::decode::<ReplicateSecretToRegionsInput>(body.as_bytes()).map(drop),
            "RemoveRegionsFromReplication" => {
                json::decode::<RemoveRegionsFromReplicationInput>(body.as_bytes()).map(drop)
            }
            _ => json::decode::<StopReplicationToReplicaInput>(body.as_bytes()).map(drop),
        };
        assert_eq!(decoded.unwrap_err().code, ErrorCode::Serialization, "{body}");
    }
}

#[test]
fn every_member_of_an_operation_on_other_accounts_arrives() {
    let body = format!(
        r#"{{"SecretId":"s","CrossAccountReplicaARN":"{OTHER_ACCOUNT}","ReplicaRestriction":"r","ReplicationRoleARN":"a"}}"#
    );
    let associate = json::decode::<AssociateCrossAccountReplicaInput>(body.as_bytes()).unwrap();
    let read = [
        associate.secret_id,
        associate.cross_account_replica_arn,
        associate.replica_restriction,
        associate.replication_role_arn,
    ];
    assert_eq!(read.map(Option::unwrap), ["s", OTHER_ACCOUNT, "r", "a"]);
    let disassociate = json::decode::<DisassociateCrossAccountReplicaInput>(body.as_bytes()).unwrap();
    let read = [disassociate.secret_id, disassociate.cross_account_replica_arn];
    assert_eq!(read.map(Option::unwrap), ["s", OTHER_ACCOUNT]);
}

#[test]
fn a_description_shows_the_regions_of_a_replicated_secret_only() {
    let body = |described: SecretDescription| String::from_utf8(described.body().unwrap().to_vec()).unwrap();
    let primary_region = Some(Region::parse("us-east-1").unwrap());
    let shown = body(SecretDescription { primary_region, replication_status: statuses(), ..description() });
    assert!(shown.contains(r#""PrimaryRegion":"us-east-1","#) && shown.contains(STATUSES), "{shown}");
    let alone = body(description());
    assert!(!alone.contains("PrimaryRegion") && !alone.contains("ReplicationStatus"), "{alone}");
    let created = CreateSecretOutput { arn: arn(), name: name(), version_id: None, replication_status: statuses() };
    assert!(String::from_utf8(created.body().unwrap().to_vec()).unwrap().contains(STATUSES));
}
