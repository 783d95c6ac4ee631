//! Which key opens a version: after another key for its secret, after a rotation, and never after a disable.

use std::sync::Arc;

use state::{
    Applied, ChangeKey, Command, Envelope, KeyChange, KeyRefusal, KeyVersion, Outcome, PutSecretValue, Refusal, Rewrap,
    RewrapDataKeys, RewrappedVersion, RotationKind, SealedValue, SecretRewrap, SecretUid, UpdateSecret,
};
use types::KeyId;

use crate::fixture::{DEFAULT_KEY, HOUR_MS, Node, refused, token};
use crate::key_words::{bytes, key, refused_by_key, rotate, sealed_under};

const OLD: KeyVersion = KeyVersion { key: DEFAULT_KEY, material: 1 };

fn of(key: KeyId, material: u32) -> KeyVersion {
    KeyVersion { key, material }
}

fn value(node: &Node, secret: &str, version: &str) -> SealedValue {
    node.secret(secret).version(&token(version)).unwrap().version.value.clone().unwrap()
}

fn wrapped_by(node: &Node, secret: &str, version: &str) -> KeyVersion {
    value(node, secret, version).wrapped_by()
}

/// The new wraps of versions that are under the default key.
fn rewrap(to: KeyVersion, versions: &[&str]) -> SecretRewrap {
    let rewrapped = |version: &&str| RewrappedVersion {
        version: token(version),
        from: OLD,
        wrapped_key: bytes(&format!("{version} anew")),
    };
    SecretRewrap { to, versions: versions.iter().map(rewrapped).collect() }
}

fn change_key_of(node: &mut Node, rewrap: SecretRewrap) -> Outcome {
    let update = UpdateSecret {
        kms_key_id: Some("alias/own".into()),
        rewrap: Some(rewrap),
        ..node.update_command("s", "9", None)
    };
    node.run(Command::UpdateSecret(update))
}

/// A secret whose version 1 has no label any more, 2 is AWSPREVIOUS, 3 AWSCURRENT, and 4 has a label of its own.
fn secret_of_four() -> Node {
    let mut node = Node::new();
    node.create("s", "1", Some("v1")).unwrap();
    node.put("s", "2", "v2", "AWSCURRENT").unwrap();
    node.put("s", "3", "v3", "AWSCURRENT").unwrap();
    node.put("s", "4", "v4", "mine").unwrap();
    node
}

#[test]
fn another_key_takes_the_labelled_versions_along_and_drops_their_old_wraps() {
    let mut node = secret_of_four();
    let own = of(node.create_key(1), 1);
    let before = ["1", "2", "3", "4"].map(|version| value(&node, "s", version));
    node.pass(HOUR_MS);
    change_key_of(&mut node, rewrap(own, &["4", "2", "3"])).unwrap();
    assert_eq!(node.secret("s").kms_key_id.as_deref(), Some("alias/own"));
    assert_eq!(node.secret("s").last_changed, node.now);
    assert_eq!(value(&node, "s", "1"), before[0], "a version without a label stays as it is");
    for (version, before) in ["2", "3", "4"].into_iter().zip(&before[1..]) {
        let wrapped_key = bytes(&format!("{version} anew"));
        let expected = SealedValue { key: own.key, material: 1, wrapped_key, ..before.clone() };
        assert_eq!(value(&node, "s", version), expected);
    }
    assert_eq!(node.stages("s", "3"), "AWSCURRENT");
}

#[test]
fn other_labelled_versions_than_those_that_were_wrapped_are_a_conflict() {
    let mut node = secret_of_four();
    let own = of(node.create_key(1), 1);
    let before = node.secret("s").clone();
    let wrong = [
        rewrap(own, &["2", "3"]),
        rewrap(own, &["1", "2", "3", "4"]),
        rewrap(own, &["1", "2", "3"]),
        rewrap(own, &["2", "3", "4", "4"]),
        rewrap(own, &["2", "3", "5"]),
        rewrap(own, &[]),
    ];
    for rewrap in wrong {
        assert_eq!(change_key_of(&mut node, rewrap), Err(Refusal::Conflict));
    }
    // A version that is under something else by now.
    let mut elsewhere = rewrap(own, &["2", "3", "4"]);
    elsewhere.versions[1].from = of(DEFAULT_KEY, 2);
    assert_eq!(change_key_of(&mut node, elsewhere), Err(Refusal::Conflict));
    assert_eq!(*node.secret("s"), before);

    let placed = node.envelope(Command::UpdateSecret(UpdateSecret {
        rewrap: Some(rewrap(own, &["2", "3", "4"])),
        ..node.update_command("s", "9", None)
    }));
    node.move_stage("s", "mine", "", "4").unwrap();
    let late = Envelope { proposal: types::ProposalId([9; 16]), ..placed };
    assert_eq!(node.apply(late), Err(Refusal::Conflict), "a label was taken away meanwhile");
    change_key_of(&mut node, rewrap(own, &["2", "3"])).unwrap();
    assert_eq!(wrapped_by(&node, "s", "4"), OLD);
}

#[test]
fn what_was_decided_before_the_secret_came_under_another_key_is_a_conflict() {
    let mut node = secret_of_four();
    let own = of(node.create_key(1), 1);
    let put = node.envelope(Command::PutSecretValue(node.put_command("s", "5", "v5", "AWSCURRENT")));
    let with_value = node.envelope(Command::UpdateSecret(node.update_command("s", "6", Some("v6"))));
    let to_default = UpdateSecret { kms_key_id: Some("".into()), ..node.update_command("s", "7", None) };
    let to_default = node.envelope(Command::UpdateSecret(to_default));
    let described = UpdateSecret { description: Some("d".into()), ..node.update_command("s", "8", None) };
    let described = node.envelope(Command::UpdateSecret(described));
    change_key_of(&mut node, rewrap(own, &["2", "3", "4"])).unwrap();
    let before = node.secret("s").clone();
    for (number, late) in [(100, put), (101, with_value), (102, to_default)] {
        let late = Envelope { proposal: types::ProposalId([number; 16]), ..late };
        assert_eq!(node.apply(late), Err(Refusal::Conflict), "{number}");
    }
    assert_eq!(*node.secret("s"), before);
    // What has nothing to do with keys is taken.
    node.apply(Envelope { proposal: types::ProposalId([103; 16]), ..described }).unwrap();
    let value = sealed_under("v5", own);
    node.run(Command::PutSecretValue(PutSecretValue { value, ..node.put_command("s", "5", "v5", "AWSCURRENT") }))
        .unwrap();
    assert_eq!(wrapped_by(&node, "s", "5"), own);
}

#[test]
fn versions_are_left_under_their_key_only_if_it_is_what_it_was() {
    let mut node = secret_of_four();
    let own = of(node.create_key(1), 1);
    change_key_of(&mut node, rewrap(own, &["2", "3", "4"])).unwrap();
    let change = |node: &mut Node, change| node.run(Command::ChangeKey(ChangeKey { key: own.key, change })).unwrap();
    change(&mut node, KeyChange::Disable);
    let leave = |node: &Node| UpdateSecret { kms_key_id: Some("".into()), ..node.update_command("s", "9", None) };
    let late = node.envelope(Command::UpdateSecret(leave(&node)));
    change(&mut node, KeyChange::Enable);
    let late = Envelope { proposal: types::ProposalId([100; 16]), ..late };
    assert_eq!(node.apply(late), Err(Refusal::Conflict), "the key can be used again");
    change(&mut node, KeyChange::Disable);
    node.run(Command::UpdateSecret(leave(&node))).unwrap();
    assert_eq!((node.secret("s").kms_key_id.as_deref(), wrapped_by(&node, "s", "3")), (None, own));
}

#[test]
fn a_value_and_another_key_come_in_one_command() {
    let mut node = secret_of_four();
    let own = of(node.create_key(1), 1);
    let update = UpdateSecret {
        value: Some(sealed_under("v5", own)),
        rewrap: Some(rewrap(own, &["2", "3", "4"])),
        ..node.update_command("s", "5", None)
    };
    node.run(Command::UpdateSecret(update)).unwrap();
    assert_eq!(
        (node.stages("s", "5"), node.stages("s", "3"), node.stages("s", "2")),
        ("AWSCURRENT".into(), "AWSPREVIOUS".into(), String::new())
    );
    assert_eq!(["1", "2", "3", "4", "5"].map(|version| wrapped_by(&node, "s", version)), [OLD, own, own, own, own]);
}

#[test]
fn a_placeholder_has_nothing_to_be_wrapped() {
    let mut node = Node::new();
    let own = of(node.create_key(1), 1);
    node.create("s", "1", Some("v1")).unwrap();
    let rotation = state::RotateSecret {
        target: node.secret("s").arn.clone(),
        token: token("2"),
        function: Some("f".into()),
        rules: None,
        immediately: true,
    };
    node.run(Command::RotateSecret(rotation)).unwrap();
    change_key_of(&mut node, rewrap(own, &["1"])).unwrap();
    assert_eq!(wrapped_by(&node, "s", "1"), own);
}

#[test]
fn a_replica_shows_the_new_wraps() {
    let mut node = Node::new();
    let own = of(node.create_key(1), 1);
    node.create("s", "1", Some("v1")).unwrap();
    let region = state::ReplicaRegion { region: types::Region::parse("eu-west-1").unwrap(), kms_key_id: None };
    let add = state::AddReplicas { regions: vec![region], force: false };
    let target = node.secret("s").arn.clone();
    node.run(Command::ReplicateSecretToRegions(state::ReplicateSecretToRegions { target, add })).unwrap();
    change_key_of(&mut node, rewrap(own, &["1"])).unwrap();
    let shown =
        node.state.secret_named(&crate::fixture::namespace_of("eu-west-1"), &crate::fixture::name("s")).unwrap();
    assert_eq!(shown.versions[0].version.value.as_ref().unwrap().wrapped_by(), own);
}

/// Every command that has a key wrap something, decided on the state of now.
fn writes_under(node: &Node, by: KeyVersion) -> Vec<Envelope> {
    let create = state::CreateSecret { value: Some(sealed_under("v", by)), ..node.create_command("new", "1", None) };
    let put = PutSecretValue { value: sealed_under("w", by), ..node.put_command("s", "7", "w", "AWSCURRENT") };
    let update = UpdateSecret { value: Some(sealed_under("w", by)), ..node.update_command("s", "8", None) };
    let rewrap = UpdateSecret { rewrap: Some(rewrap(by, &["1"])), ..node.update_command("s", "9", None) };
    let commands = [
        Command::CreateSecret(create),
        Command::PutSecretValue(put),
        Command::UpdateSecret(update),
        Command::UpdateSecret(rewrap),
    ];
    let envelope = |(number, command)| Envelope { proposal: types::ProposalId([number; 16]), ..node.envelope(command) };
    (200..).zip(commands).map(envelope).collect()
}

#[test]
fn nothing_is_written_under_a_key_after_its_disable() {
    let mut node = Node::new();
    node.create("s", "1", Some("v1")).unwrap();
    let own = of(node.create_key(1), 1);
    let before = writes_under(&node, own);
    node.change_key(own.key, KeyChange::Disable).unwrap();
    let kept = node.secret("s").clone();
    for late in before {
        assert_eq!(node.apply(late), Err(Refusal::Conflict), "decided while the key was enabled");
    }
    for wrong in writes_under(&node, own) {
        let wrong = Envelope { proposal: types::ProposalId([wrong.proposal.0[0] + 10; 16]), ..wrong };
        assert_eq!(refused_by_key(&node.apply(wrong)), KeyRefusal::Disabled);
    }
    assert_eq!(*node.secret("s"), kept);
    node.change_key(own.key, KeyChange::Enable).unwrap();
    for (number, right) in (1..).zip(writes_under(&node, own)) {
        let right = Envelope { proposal: types::ProposalId([number; 16]), ..right };
        let is_rewrap = matches!(&right.command, Command::UpdateSecret(update) if update.rewrap.is_some());
        let outcome = node.apply(right);
        assert_eq!(outcome.is_ok(), !is_rewrap, "{outcome:?}");
    }
}

#[test]
fn data_keys_do_not_leave_a_key_after_its_disable() {
    let mut node = Node::new();
    let [from, to] = [1, 2].map(|number| of(node.create_key(number), 1));
    let create = state::CreateSecret { value: Some(sealed_under("v", from)), ..node.create_command("s", "1", None) };
    node.run(Command::CreateSecret(create)).unwrap();
    let mut leave = rewrap(to, &["1"]);
    leave.versions[0].from = from;
    let update = UpdateSecret { rewrap: Some(leave), ..node.update_command("s", "9", None) };
    let decided =
        Envelope { proposal: types::ProposalId([9; 16]), ..node.envelope(Command::UpdateSecret(update.clone())) };
    node.change_key(from.key, KeyChange::Disable).unwrap();
    assert_eq!(node.apply(decided), Err(Refusal::Conflict));
    assert_eq!(refused_by_key(&node.run(Command::UpdateSecret(update.clone()))), KeyRefusal::Disabled);
    node.change_key(from.key, KeyChange::Enable).unwrap();
    node.run(Command::UpdateSecret(update)).unwrap();
    assert_eq!(wrapped_by(&node, "s", "1"), to);
}

#[test]
fn every_change_of_a_key_makes_older_decisions_void() {
    let changes = [
        KeyChange::Description("d".into()),
        KeyChange::Policy("{ }".into()),
        KeyChange::Tag(vec![types::Tag { key: "k".into(), value: "v".into() }]),
        KeyChange::Rotation(Some(90)),
        rotate(2, RotationKind::OnDemand),
        KeyChange::Revoke(crate::key_words::grant_id(1)),
        KeyChange::Retire(crate::key_words::grant_id(1)),
    ];
    for change in changes {
        let mut node = Node::new();
        node.create("s", "1", Some("v1")).unwrap();
        let id = node.create_key(1);
        let reader = crate::key_words::terms(None, "a", None);
        node.change_key(id, crate::key_words::grant(1, &reader)).unwrap();
        let envelope =
            |number, command| Envelope { proposal: types::ProposalId([number; 16]), ..node.envelope(command) };
        let mut late = writes_under(&node, of(id, 1));
        late.push(envelope(8, Command::ChangeKey(ChangeKey { key: id, change: KeyChange::Enable })));
        node.change_key(id, change.clone()).unwrap();
        for late in late {
            assert_eq!(node.apply(late), Err(Refusal::Conflict), "{change:?}");
        }
    }
}

/// A step of the rewrap of key 1 under its newest material.
fn step(node: &Node, cursor: u64, next: Option<u64>, rewraps: Vec<Rewrap>) -> RewrapDataKeys {
    let to = of(key(1), node.key(key(1)).newest_material());
    RewrapDataKeys { to, cursor: SecretUid(cursor), next: next.map(SecretUid), secrets: 1, failed: 0, rewraps }
}

fn rewrap_of(node: &Node, secret: &str, version: &str, from: u32) -> Rewrap {
    let secret = node.secret(secret);
    let part = secret.version(&token(version)).unwrap().version.part;
    Rewrap { secret: secret.uid, part, from, wrapped_key: bytes("anew") }
}

fn run(node: &mut Node, step: RewrapDataKeys) -> Outcome {
    node.run(Command::RewrapDataKeys(step))
}

#[test]
fn a_rotation_begins_a_rewrap_that_goes_on_where_it_stood() {
    let mut node = Node::new();
    let id = node.create_key(1);
    for name in ["a", "b", "c"] {
        let value = Some(sealed_under(name, of(id, 1)));
        let create = state::CreateSecret { value, ..node.create_command(name, "1", None) };
        node.run(Command::CreateSecret(create)).unwrap();
    }
    let early = step(&node, 0, None, Vec::new());
    assert_eq!(run(&mut node, early), Err(Refusal::Conflict), "there is no job");
    node.change_key(id, rotate(2, RotationKind::OnDemand)).unwrap();
    let job = node.state.rewrap_job(node.key(id)).unwrap();
    assert_eq!((job.material, job.cursor, job.finished), (2, SecretUid(0), None));

    let [a, b, c] = ["a", "b", "c"].map(|name| node.secret(name).clone());
    let first = step(&node, 0, Some(b.uid.0), vec![rewrap_of(&node, "a", "1", 1)]);
    node.pass(HOUR_MS);
    assert_eq!(run(&mut node, first.clone()), Ok(Applied::Rewrapped { count: 1 }));
    assert_eq!(wrapped_by(&node, "a", "1"), of(id, 2));
    assert_eq!(node.secret("a").last_changed, a.last_changed, "nobody sees it");
    // The one who led before proposes the same step.
    assert_eq!(run(&mut node, first), Err(Refusal::Conflict));
    let backwards = step(&node, b.uid.0, Some(b.uid.0), Vec::new());
    assert_eq!(run(&mut node, backwards), Err(Refusal::Conflict));

    // By now b has another value under the new material, and the version that is to be wrapped is under another key.
    let other = of(DEFAULT_KEY, 1);
    let put = PutSecretValue { value: sealed_under("x", other), ..node.put_command("b", "2", "x", "AWSCURRENT") };
    node.run(Command::PutSecretValue(put)).unwrap();
    let passed_over = [
        rewrap_of(&node, "b", "2", 1),
        rewrap_of(&node, "a", "1", 1),
        Rewrap { part: 77, ..rewrap_of(&node, "b", "1", 1) },
        Rewrap { secret: SecretUid(7_777), ..rewrap_of(&node, "b", "1", 1) },
    ];
    let before = node.secret("b").clone();
    let second = RewrapDataKeys { failed: 1, secrets: 2, ..step(&node, b.uid.0, Some(c.uid.0), passed_over.to_vec()) };
    assert_eq!(run(&mut node, second), Ok(Applied::Rewrapped { count: 0 }));
    assert_eq!(*node.secret("b"), before);
    let last = step(&node, c.uid.0, None, vec![rewrap_of(&node, "c", "1", 1)]);
    run(&mut node, last).unwrap();
    let job = node.state.rewrap_job(node.key(id)).unwrap();
    assert_eq!((job.secrets, job.rewrapped, job.failed, job.finished), (4, 2, 1, Some(node.now)));
    let again = step(&node, c.uid.0, None, Vec::new());
    assert_eq!(run(&mut node, again), Err(Refusal::Conflict), "it has come to its end");

    node.change_key(id, KeyChange::Rewrap).unwrap();
    let job = node.state.rewrap_job(node.key(id)).unwrap();
    assert_eq!((job.material, job.cursor, job.rewrapped, job.finished), (2, SecretUid(0), 0, None));
    assert_eq!(node.state.secrets_from(b.uid).map(|secret| secret.uid).collect::<Vec<_>>(), [b.uid, c.uid]);
}

#[test]
fn a_rewrap_stops_with_its_key_and_begins_anew_with_the_next_rotation() {
    let mut node = Node::new();
    let id = node.create_key(1);
    let value = Some(sealed_under("v", of(id, 1)));
    let create = state::CreateSecret { value, ..node.create_command("a", "1", None) };
    node.run(Command::CreateSecret(create)).unwrap();
    node.change_key(id, rotate(2, RotationKind::OnDemand)).unwrap();
    let to_second = step(&node, 0, None, vec![rewrap_of(&node, "a", "1", 1)]);
    let decided =
        Envelope { proposal: types::ProposalId([9; 16]), ..node.envelope(Command::RewrapDataKeys(to_second.clone())) };
    node.change_key(id, KeyChange::Disable).unwrap();
    assert_eq!(node.apply(decided), Err(Refusal::Conflict));
    assert_eq!(refused_by_key(&run(&mut node, to_second.clone())), KeyRefusal::Disabled);
    node.change_key(id, KeyChange::Enable).unwrap();
    node.change_key(id, rotate(3, RotationKind::OnDemand)).unwrap();
    assert_eq!(run(&mut node, to_second), Err(Refusal::Conflict), "to material that is not the newest");
    let to_third = step(&node, 0, None, vec![rewrap_of(&node, "a", "1", 1)]);
    run(&mut node, to_third).unwrap();
    assert_eq!(wrapped_by(&node, "a", "1"), of(id, 3));
}

#[test]
fn a_write_that_saw_the_material_before_the_rotation_is_decided_again() {
    let mut node = Node::new();
    node.create("s", "1", Some("v1")).unwrap();
    let id = node.create_key(1);
    let late = writes_under(&node, of(id, 1));
    node.change_key(id, rotate(2, RotationKind::OnDemand)).unwrap();
    for late in late {
        assert_eq!(node.apply(late), Err(Refusal::Conflict));
    }
}

#[test]
fn the_same_token_means_the_same_value_whatever_wraps_it() {
    let mut node = Node::new();
    let own = of(node.create_key(1), 1);
    node.create("s", "1", Some("v1")).unwrap();
    change_key_of(&mut node, rewrap(own, &["1"])).unwrap();
    let before = node.secret("s").clone();
    node.put("s", "1", "v1", "AWSCURRENT").unwrap();
    assert!(Arc::ptr_eq(node.secret("s"), &before));
    let other = node.put("s", "1", "v2", "AWSCURRENT");
    assert_eq!(refused(&other).0, types::ErrorCode::ResourceExists);
}
