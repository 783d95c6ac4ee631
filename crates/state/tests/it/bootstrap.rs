use std::sync::Arc;

use state::{Applied, Command, Envelope, Record, Refusal, State};
use types::{AccessKeyId, ErrorCode, Principal};

use crate::fixture::{DEFAULT_KEY, Node, account, bootstrap_command, refused};
use crate::records::edited;

#[test]
fn bootstrap_makes_the_root_principal_and_the_default_key() {
    let node = Node::new();
    let cluster = node.state.cluster().unwrap();
    assert_eq!((cluster.account, cluster.default_key), (account(), DEFAULT_KEY));
    let key = node.state.access_key(&AccessKeyId::parse("AKIAROOT").unwrap()).unwrap();
    let binding = node.state.binding("conclave://cluster/root").unwrap();
    assert_eq!(key.principal, Principal::Root(account()));
    assert_eq!(binding.principal, Principal::Root(account()));
    let encryption_key = node.state.encryption_key(&DEFAULT_KEY).unwrap();
    assert_eq!((encryption_key.material.len(), encryption_key.changed_at), (1, 1));
}

#[test]
fn a_cluster_is_bootstrapped_once() {
    let mut node = Node::new();
    let before = node.state.cluster().cloned();
    let second = Envelope { principal: Principal::System, ..node.envelope(Command::Bootstrap(bootstrap_command())) };
    assert_eq!(refused(&node.apply(second)).0, ErrorCode::InvalidRequest);
    assert_eq!(node.state.cluster().cloned(), before);
}

#[test]
fn a_repeated_bootstrap_proposal_answers_as_the_first_did() {
    let mut node = Node::empty();
    let envelope = Envelope { principal: Principal::System, ..node.envelope(Command::Bootstrap(bootstrap_command())) };
    assert_eq!(node.apply(envelope.clone()), Ok(Applied::Bootstrapped));
    assert_eq!(node.apply(envelope), Ok(Applied::Bootstrapped));
}

#[test]
fn nothing_is_written_before_the_bootstrap() {
    let mut node = Node::empty();
    assert_eq!(node.create("a", "1", Some("v")), Err(Refusal::Conflict));
    assert_eq!(node.create("a", "2", None), Err(Refusal::Conflict));
    assert_eq!(node.state.secret_count(), 0);
}

#[test]
fn a_command_of_another_account_is_decided_again() {
    let mut node = Node::new();
    let create = Command::CreateSecret(node.create_command("a", "1", None));
    let stranger = Principal::Root("999999999999".parse().unwrap());
    let envelope = Envelope { principal: stranger, ..node.envelope(create) };
    assert_eq!(node.apply(envelope), Err(Refusal::Conflict));
}

#[test]
fn a_decision_older_than_the_key_is_decided_again() {
    let mut node = Node::new();
    for value in [Some("v"), None] {
        let create = Command::CreateSecret(node.create_command("a", "1", value));
        let envelope = Envelope { decided_at: 0, ..node.envelope(create) };
        assert_eq!(node.apply(envelope), Err(Refusal::Conflict));
    }
    assert_eq!(node.state.secret_count(), 0);
}

#[test]
fn a_change_of_the_key_or_of_a_credential_outdates_earlier_decisions() {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    let decided_at = node.index;
    let changed_at = decided_at + 1;
    let changes: [fn(&mut Record, u64); 3] = [
        |record, at| {
            if let Record::AccessKey(key) = record {
                Arc::make_mut(key).changed_at = at
            }
        },
        |record, at| {
            if let Record::Binding(binding) = record {
                Arc::make_mut(binding).changed_at = at
            }
        },
        |record, at| {
            if let Record::EncryptionKey(key) = record {
                Arc::make_mut(key).changed_at = at
            }
        },
    ];
    node.index = changed_at;
    for change in changes {
        let mut node = Node { state: edited(&node.state, |_, r| change(r, changed_at)).unwrap(), ..node.clone() };
        let put = Command::PutSecretValue(node.put_command("a", "2", "v", "AWSCURRENT"));
        let early = Envelope { decided_at, ..node.envelope(put.clone()) };
        assert_eq!(node.apply(early), Err(Refusal::Conflict));
        node.run(put).unwrap();
    }
}

#[test]
fn a_value_under_an_unknown_key_is_decided_again() {
    let mut node = Node::new();
    let mut create = node.create_command("a", "1", Some("v"));
    create.value.as_mut().unwrap().key.0[0] ^= 1;
    assert_eq!(node.run(Command::CreateSecret(create)), Err(Refusal::Conflict));
}

#[test]
#[should_panic(expected = "log index 1 comes after 1")]
fn a_log_index_that_does_not_increase_stops_the_node() {
    let mut node = Node::new();
    let envelope = node.envelope(Command::Bootstrap(bootstrap_command()));
    let _ = node.state.apply(1, envelope);
}

#[test]
fn an_empty_state_keeps_its_invariants() {
    assert_eq!(State::default().invariants(), Ok(()));
}
