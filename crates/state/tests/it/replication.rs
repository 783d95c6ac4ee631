//! Replicas: what they show, what they refuse, and what becomes of them.

use state::{
    AddReplicas, Applied, Command, DeleteMode, DeleteSecret, Outcome, PutResourcePolicy, Refusal, RegionStatus,
    RemoveRegionsFromReplication, ReplicaRegion, ReplicaStatus, ReplicateSecretToRegions, Secret,
    StopReplicationToReplica, Touch,
};
use types::{ErrorCode, Region, Timestamp, ValueKind};

use crate::fixture::{Node, name, namespace_of, refused, sealed, token};
use crate::records::{rebuilt, records_of, write};

const WEST: &str = "us-west-2";
const EUROPE: &str = "eu-west-1";
const REFUSED: &str = "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

fn add(regions: &[&str], force: bool) -> AddReplicas {
    let to = |region: &&str| ReplicaRegion { region: Region::parse(region).unwrap(), kms_key_id: None };
    AddReplicas { regions: regions.iter().map(to).collect(), force }
}

fn secret<'a>(node: &'a Node, region: &str, secret: &str) -> &'a Secret {
    node.state.secret_named(&namespace_of(region), &name(secret)).unwrap()
}

fn replicate(node: &mut Node, secret: &str, regions: &[&str], force: bool) -> Outcome {
    let target = node.secret(secret).arn.clone();
    node.run(Command::ReplicateSecretToRegions(ReplicateSecretToRegions { target, add: add(regions, force) }))
}

fn remove(node: &mut Node, secret: &str, regions: &[&str]) -> Outcome {
    let target = node.secret(secret).arn.clone();
    let regions = regions.iter().map(|region| Region::parse(region).unwrap()).collect();
    node.run(Command::RemoveRegionsFromReplication(RemoveRegionsFromReplication { target, regions }))
}

fn promote(node: &mut Node, region: &str, name: &str) -> Outcome {
    let target = secret(node, region, name).arn.clone();
    node.run(Command::StopReplicationToReplica(StopReplicationToReplica { target }))
}

fn statuses(outcome: &Outcome) -> Vec<(&str, ReplicaStatus)> {
    let Ok(Applied::Replicated { regions, .. }) = outcome else { panic!("{outcome:?}") };
    regions.iter().map(|RegionStatus { region, status, .. }| (region.as_str(), *status)).collect()
}

/// A secret `a` with one version and a replica in the west.
fn replicated() -> Node {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    assert_eq!(statuses(&replicate(&mut node, "a", &[WEST], false)), [(WEST, ReplicaStatus::InSync)]);
    node
}

fn create_in(node: &mut Node, region: &str, secret: &str, value: &str) {
    let mut command = node.create_command(secret, "9", Some(value));
    command.namespace = namespace_of(region);
    command.arn = types::SecretArn::new(&command.namespace, &command.name, "others");
    node.run(Command::CreateSecret(command)).unwrap();
}

#[test]
fn a_write_to_the_primary_shows_in_every_region_in_the_same_command() {
    let mut node = replicated();
    replicate(&mut node, "a", &[EUROPE], false).unwrap();
    node.put("a", "2", "w", "AWSCURRENT blue").unwrap();
    for region in [WEST, EUROPE] {
        let (primary, replica) = (node.secret("a"), secret(&node, region, "a"));
        assert_eq!((&replica.labels, replica.versions.len()), (&primary.labels, 2));
        assert!(replica.versions == primary.versions && replica.last_changed == primary.last_changed);
        assert_eq!(replica.arn.as_str(), primary.arn.as_str().replace("us-east-1", region));
        assert!(node.state.secret_by_arn(&replica.arn).is_some_and(|found| **found == *replica));
        assert!(node.state.is_replica(replica) && node.state.primary_region(replica).unwrap().as_str() == "us-east-1");
        let version = replica.versions.last().unwrap().version.as_ref();
        assert_eq!(node.state.sealed_under(replica, version), &primary.arn);
    }
}

#[test]
fn a_replica_refuses_writes() {
    let mut node = replicated();
    let arn = secret(&node, WEST, "a").arn.clone();
    let before = records_of(&node.state);
    let commands = [
        Command::PutSecretValue(state::PutSecretValue {
            target: arn.clone(),
            token: token("2"),
            value: sealed("w", ValueKind::String, 9),
            stages: Vec::new(),
        }),
        Command::DeleteSecret(DeleteSecret { target: arn.clone(), mode: DeleteMode::Force }),
        Command::RestoreSecret(state::RestoreSecret { target: arn.clone() }),
        Command::TagResource(state::TagResource { target: arn.clone(), tags: Vec::new() }),
        Command::PutResourcePolicy(PutResourcePolicy { target: arn.clone(), policy: "{}".into() }),
        Command::ReplicateSecretToRegions(ReplicateSecretToRegions { target: arn.clone(), add: add(&[EUROPE], true) }),
        Command::RemoveRegionsFromReplication(RemoveRegionsFromReplication { target: arn, regions: Vec::new() }),
    ];
    for command in commands {
        let kind = command.kind();
        let outcome = node.run(command);
        assert_eq!(refused(&outcome), (ErrorCode::InvalidParameter, REFUSED), "{kind}");
    }
    let secrets = |records: &crate::records::Records| records.keys().filter(|key| key.kind as u8 == 6).count();
    assert_eq!(secrets(&records_of(&node.state)), secrets(&before));
}

#[test]
fn a_taken_name_fails_until_it_is_forced() {
    let mut node = Node::new();
    create_in(&mut node, WEST, "a", "other");
    node.create("a", "1", Some("v")).unwrap();
    let changed = node.secret("a").last_changed;
    assert_eq!(statuses(&replicate(&mut node, "a", &[WEST], false)), [(WEST, ReplicaStatus::NameTaken)]);
    assert!(node.secret("a").last_changed > changed && !node.state.is_replica(secret(&node, WEST, "a")));
    // Trying again changes nothing.
    let changed = node.secret("a").last_changed;
    replicate(&mut node, "a", &[WEST], false).unwrap();
    assert_eq!(node.secret("a").last_changed, changed);
    assert_eq!(statuses(&replicate(&mut node, "a", &[WEST], true)), [(WEST, ReplicaStatus::InSync)]);
    assert!(node.state.is_replica(secret(&node, WEST, "a")));
    let changed = node.secret("a").last_changed;
    replicate(&mut node, "a", &[WEST], true).unwrap();
    assert_eq!(node.secret("a").last_changed, changed);
}

#[test]
fn force_does_not_reach_into_another_replication() {
    let mut node = replicated();
    create_in(&mut node, EUROPE, "a", "other");
    let target = secret(&node, EUROPE, "a").arn.clone();
    let outcome = node.run(Command::ReplicateSecretToRegions(ReplicateSecretToRegions {
        target,
        add: add(&[WEST, "us-east-1"], true),
    }));
    assert_eq!(statuses(&outcome), [(WEST, ReplicaStatus::NameTaken), ("us-east-1", ReplicaStatus::NameTaken)]);
}

#[test]
fn a_replicated_secret_cannot_be_deleted_until_its_regions_are_removed() {
    let mut node = replicated();
    for mode in [DeleteMode::Force, DeleteMode::Window { days: 7 }] {
        let target = node.secret("a").arn.clone();
        assert_eq!(node.run(Command::DeleteSecret(DeleteSecret { target, mode })), Err(Refusal::Conflict));
    }
    assert_eq!(statuses(&remove(&mut node, "a", &[EUROPE, WEST])), []);
    assert!(node.state.secret_named(&namespace_of(WEST), &name("a")).is_none());
    let changed = node.secret("a").last_changed;
    remove(&mut node, "a", &[WEST]).unwrap();
    assert_eq!(node.secret("a").last_changed, changed);
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    let outcome = replicate(&mut node, "a", &[WEST], false);
    assert_eq!(refused(&outcome).0, ErrorCode::InvalidRequest);
}

#[test]
fn a_promoted_replica_stands_alone_with_all_its_versions() {
    let mut node = replicated();
    for version in 2..5 {
        node.put("a", &version.to_string(), "w", "AWSCURRENT").unwrap();
    }
    let (arn, policy) = (node.secret("a").arn.clone(), "{}");
    node.run(Command::PutResourcePolicy(PutResourcePolicy { target: arn.clone(), policy: policy.into() })).unwrap();
    let changed = node.secret("a").last_changed;
    promote(&mut node, WEST, "a").unwrap();
    assert!(node.secret("a").last_changed > changed && node.state.replication(node.secret("a")).is_empty());
    let promoted = secret(&node, WEST, "a");
    assert!(!node.state.is_replica(promoted) && node.state.primary_region(promoted).is_none());
    assert_eq!((promoted.versions.len(), &promoted.labels), (4, &node.secret("a").labels));
    assert_eq!(node.state.resource_policy(promoted).map(AsRef::as_ref), Some(policy));
    for entry in promoted.versions.iter() {
        assert_eq!(node.state.sealed_under(promoted, &entry.version), &arn);
        assert_eq!(promoted.namespace_of_token(&entry.version.id), node.secret("a").namespace);
    }
    // It lives on: its own values are its own, and again is no error.
    let (own, uid) = (promoted.arn.clone(), promoted.uid);
    promote(&mut node, WEST, "a").unwrap();
    let put = state::PutSecretValue {
        target: own.clone(),
        token: token("7"),
        value: sealed("mine", ValueKind::String, 77),
        stages: crate::fixture::labels("AWSCURRENT"),
    };
    node.run(Command::PutSecretValue(put)).unwrap();
    let promoted = secret(&node, WEST, "a");
    let newest = promoted.versions.last().unwrap();
    assert_eq!((node.state.sealed_under(promoted, &newest.version), promoted.uid), (&own, uid));
    assert_eq!(node.secret("a").versions.len(), 4);
    assert!(rebuilt(records_of(&node.state)).unwrap() == node.state);
    // The primary is none of it.
    replicate(&mut node, "a", &[EUROPE], false).unwrap();
    let outcome = promote(&mut node, "us-east-1", "a");
    assert_eq!(refused(&outcome).0, ErrorCode::InvalidParameter);
}

#[test]
fn each_region_has_its_own_dates_of_access() {
    let mut node = replicated();
    let day = Timestamp::from_millis(node.now.as_millis()).start_of_day();
    let access = state::Access { secret: secret(&node, WEST, "a").uid, part: 0 };
    let changed = node.secret("a").last_changed;
    node.run(Command::Touch(Touch { day, entries: vec![access, state::Access { part: 99, ..access }] })).unwrap();
    let (primary, replica) = (node.secret("a"), secret(&node, WEST, "a"));
    assert_eq!((replica.last_accessed, replica.versions[0].last_accessed), (Some(day), Some(day)));
    assert_eq!((primary.last_accessed, primary.versions[0].last_accessed), (None, None));
    assert_eq!((primary.last_changed, replica.last_changed), (changed, changed));
    assert_eq!(node.state.replication(primary)[0].last_accessed, Some(day));
    node.put("a", "2", "w", "AWSCURRENT").unwrap();
    assert_eq!(secret(&node, WEST, "a").versions[0].last_accessed, Some(day));
}

#[test]
fn a_checkpoint_holds_of_a_replica_only_what_is_its_own() {
    let mut node = replicated();
    let checkpoint = node.state.clone();
    let mut store = records_of(&checkpoint);
    node.put("a", "2", "w", "AWSCURRENT").unwrap();
    let touches_replica = |change: &state::Change| {
        let (state::Change::Add(key, _) | state::Change::Update(key, _) | state::Change::Remove(key)) = change;
        key.kind == state::RecordKind::Replica
    };
    assert!(!node.state.changes_since(&checkpoint).any(|change| touches_replica(&change)));
    write(&mut store, node.state.changes_since(&checkpoint).collect());
    assert!(rebuilt(store).unwrap() == node.state);
}

#[test]
fn a_secret_is_created_with_its_replicas_and_a_retry_shows_them() {
    let mut node = Node::new();
    let command =
        state::CreateSecret { add_replicas: add(&[WEST, EUROPE], false), ..node.create_command("a", "1", Some("v")) };
    for _ in 0..2 {
        let outcome = node.run(Command::CreateSecret(command.clone()));
        assert_eq!(statuses(&outcome), [(WEST, ReplicaStatus::InSync), (EUROPE, ReplicaStatus::InSync)]);
    }
    // The name is taken in the region of a replica, also for the request that made it.
    let mut again = command;
    again.namespace = namespace_of(WEST);
    let outcome = node.run(Command::CreateSecret(again));
    assert_eq!(refused(&outcome).0, ErrorCode::ResourceExists);
}
