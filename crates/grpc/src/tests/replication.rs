//! Replication, over this front.

use service::api::{
    AssociateCrossAccountReplicaInput, DisassociateCrossAccountReplicaInput, RemoveRegionsFromReplicationInput,
    ReplicateSecretToRegionsInput, ReplicationOutput, ReplicationStatusDescription, StopReplicationToReplicaInput,
    StopReplicationToReplicaOutput,
};

use super::*;
use crate::decode::Decode;

const OTHER_ACCOUNT: &str = "arn:aws:secretsmanager:us-east-1:210987654321:secret:s-a1b2c3";

pub(super) fn statuses() -> Vec<ReplicationStatusDescription> {
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

/// What [`statuses`] are in a message.
fn must_be_the_statuses(shown: &[pb::ReplicationStatus]) {
    let [first, second] = shown else { panic!("{shown:?}") };
    assert_eq!((first.region.as_str(), first.kms_key_id.as_str()), ("eu-west-1", "alias/aws/secretsmanager"));
    assert_eq!((first.status.as_str(), first.status_message.as_str()), ("InSync", "Replication succeeded"));
    assert_eq!(first.last_accessed_date.as_ref().map(|day| (day.seconds, day.nanos)), Some((1_727_136_000, 0)));
    assert_eq!((second.region.as_str(), second.kms_key_id.as_str()), ("us-west-2", "k"));
    assert_eq!((second.status.as_str(), second.status_message.as_str()), ("Failed", "It is taken."));
    assert_eq!(second.last_accessed_date, None);
}

/// What the fake answers to these; `None` to others.
pub(super) fn output(input: &dyn Any) -> Option<Box<dyn Any>> {
    Some(if input.is::<ReplicateSecretToRegionsInput>() || input.is::<RemoveRegionsFromReplicationInput>() {
        Box::new(ReplicationOutput { arn: arn(), replication_status: statuses() })
    } else if input.is::<StopReplicationToReplicaInput>() {
        Box::new(StopReplicationToReplicaOutput { arn: arn() })
    } else {
        return None;
    })
}

/// Whether the service refuses every such input.
pub(super) fn is_refused(input: &dyn Any) -> bool {
    input.is::<AssociateCrossAccountReplicaInput>() || input.is::<DisassociateCrossAccountReplicaInput>()
}

#[tokio::test]
async fn every_member_of_an_operation_on_regions_arrives_and_comes_back() {
    let fake = Fake::new();
    let mut client = secrets(&fake);
    let id = "prod/db".to_owned();
    let region = |region: &str, key: Option<&str>| pb::ReplicaRegion {
        region: region.to_owned(),
        kms_key_id: key.map(str::to_owned),
    };

    let request = pb::ReplicateSecretToRegionsRequest {
        secret_id: id.clone(),
        add_replica_regions: vec![region("eu-west-1", None), region("us-west-2", Some("k")), region("", Some(""))],
        force_overwrite_replica_secret: true,
    };
    let replicated = client.replicate_secret_to_regions(request).await.unwrap().into_inner();
    assert_eq!(
        fake.only_call().input,
        "ReplicateSecretToRegionsInput { secret_id: Some(\"prod/db\"), add_replica_regions: Some([ReplicaRegionInput { \
         region: Some(\"eu-west-1\"), kms_key_id: None }, ReplicaRegionInput { region: Some(\"us-west-2\"), kms_key_id: \
         Some(\"k\") }, ReplicaRegionInput { region: None, kms_key_id: Some(\"\") }]), force_overwrite_replica_secret: \
         Some(true) }"
    );
    assert_eq!((replicated.arn.as_str(), replicated.applied_index), (arn().as_str(), INDEX));
    must_be_the_statuses(&replicated.replication_status);

    let regions = vec!["eu-west-1".to_owned(), String::new()];
    let request = pb::RemoveRegionsFromReplicationRequest { secret_id: id.clone(), remove_replica_regions: regions };
    let removed = client.remove_regions_from_replication(request).await.unwrap().into_inner();
    assert_eq!(
        fake.only_call().input,
        "RemoveRegionsFromReplicationInput { secret_id: Some(\"prod/db\"), remove_replica_regions: \
         Some([\"eu-west-1\", \"\"]) }"
    );
    assert_eq!((removed.arn.as_str(), removed.applied_index), (arn().as_str(), INDEX));
    must_be_the_statuses(&removed.replication_status);

    let request = pb::StopReplicationToReplicaRequest { secret_id: id };
    let stopped = client.stop_replication_to_replica(request).await.unwrap().into_inner();
    assert_eq!(fake.only_call().input, "StopReplicationToReplicaInput { secret_id: Some(\"prod/db\") }");
    assert_eq!((stopped.arn.as_str(), stopped.applied_index), (arn().as_str(), INDEX));
}

#[tokio::test]
async fn an_empty_list_of_regions_is_an_absent_one() {
    let fake = Fake::new();
    let mut client = secrets(&fake);
    client.replicate_secret_to_regions(pb::ReplicateSecretToRegionsRequest::default()).await.unwrap();
    assert_eq!(
        fake.only_call().input,
        "ReplicateSecretToRegionsInput { secret_id: None, add_replica_regions: None, force_overwrite_replica_secret: \
         Some(false) }"
    );
    client.remove_regions_from_replication(pb::RemoveRegionsFromReplicationRequest::default()).await.unwrap();
    assert_eq!(
        fake.only_call().input,
        "RemoveRegionsFromReplicationInput { secret_id: None, remove_replica_regions: None }"
    );
}

#[test]
fn every_member_of_an_operation_on_other_accounts_arrives() {
    let associate: AssociateCrossAccountReplicaInput = pb::AssociateCrossAccountReplicaRequest {
        secret_id: "s".to_owned(),
        cross_account_replica_arn: OTHER_ACCOUNT.to_owned(),
        replica_restriction: Some("r".to_owned()),
        replication_role_arn: Some(String::new()),
    }
    .decode();
    assert_eq!(associate.secret_id.as_deref(), Some("s"));
    assert_eq!(associate.cross_account_replica_arn.as_deref(), Some(OTHER_ACCOUNT));
    assert_eq!(
        (associate.replica_restriction.as_deref(), associate.replication_role_arn.as_deref()),
        (Some("r"), Some(""))
    );
    let disassociate: DisassociateCrossAccountReplicaInput = pb::DisassociateCrossAccountReplicaRequest {
        secret_id: String::new(),
        cross_account_replica_arn: OTHER_ACCOUNT.to_owned(),
    }
    .decode();
    assert_eq!(
        (disassociate.secret_id, disassociate.cross_account_replica_arn.as_deref()),
        (None, Some(OTHER_ACCOUNT))
    );
}

#[tokio::test]
async fn an_operation_on_other_accounts_is_refused_with_the_services_words() {
    let fake = Fake::refusing(ApiError::new(ErrorCode::InvalidRequest, "It is not available."));
    let mut client = secrets(&fake);
    let associate = client.associate_cross_account_replica(pb::AssociateCrossAccountReplicaRequest::default());
    let status = associate.await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "It is not available."));
    let disassociate = pb::DisassociateCrossAccountReplicaRequest::default();
    let status = client.disassociate_cross_account_replica(disassociate).await.unwrap_err();
    assert_eq!(wire_error(&status).code, Some(ErrorCode::InvalidRequest));
}

#[tokio::test]
async fn a_description_shows_the_regions_of_a_replicated_secret() {
    let fake = Fake { replication_status: statuses(), ..Fake::new() };
    let request = pb::DescribeSecretRequest { secret_id: "prod/db".to_owned() };
    let shown = secrets(&fake).describe_secret(request).await.unwrap().into_inner();
    must_be_the_statuses(&shown.secret.unwrap().replication_status);
}
