//! Aliases: one key each, unique in the region.

use state::{Command, CreateAlias, CreateKey, KeyChange, KeyRefusal, Refusal};
use types::limits;

use crate::fixture::{HOUR_MS, Node, START, namespace, namespace_of};
use crate::key_words::{alias, create_key_command, key, refused_by_key};

#[test]
fn an_alias_names_one_key_at_a_time() {
    let mut node = Node::new();
    let [one, other] = [1, 2].map(|number| node.create_key(number));
    node.create_alias("app", one).unwrap();
    assert_eq!(refused_by_key(&node.create_alias("app", other)), KeyRefusal::AliasExists);
    node.pass(HOUR_MS);
    node.update_alias("app", other).unwrap();
    assert_eq!(node.state.key_of_alias(&namespace(), &alias("app")).unwrap().id, other);
    assert_eq!((node.names_of(one).len(), node.names_of(other)), (0, vec!["alias/app".to_owned()]));
    let named = node.state.alias(&namespace(), &alias("app")).unwrap();
    assert_eq!((named.created, named.updated, named.changed_at), (START, node.now, node.index));
    node.delete_alias("app").unwrap();
    assert!(node.state.alias(&namespace(), &alias("app")).is_none());
    assert_eq!(node.delete_alias("app"), Err(Refusal::Conflict));
    assert_eq!(node.update_alias("app", one), Err(Refusal::Conflict));
    node.create_alias("app", one).unwrap();
}

#[test]
fn a_key_about_to_go_gets_no_alias_and_keeps_those_that_it_has() {
    let mut node = Node::new();
    let [going, other] = [1, 2].map(|number| node.create_key(number));
    node.create_alias("kept", going).unwrap();
    node.create_alias("moved", other).unwrap();
    node.change_key(going, KeyChange::ScheduleDeletion { window_days: 7 }).unwrap();
    assert_eq!(refused_by_key(&node.create_alias("new", going)), KeyRefusal::PendingDeletion);
    assert_eq!(refused_by_key(&node.update_alias("moved", going)), KeyRefusal::PendingDeletion);
    node.update_alias("kept", going).unwrap();
    node.update_alias("kept", other).unwrap();
    // A key that is disabled is named like every other.
    node.change_key(other, KeyChange::Disable).unwrap();
    node.create_alias("of-disabled", other).unwrap();
}

#[test]
fn aliases_are_of_regions_and_listed_in_order() {
    let mut node = Node::new();
    let elsewhere = namespace_of("eu-west-1");
    let one = node.create_key(1);
    node.run(Command::CreateKey(CreateKey { namespace: elsewhere.clone(), ..create_key_command(2) })).unwrap();
    for name in ["b", "a/2", "a", "c"] {
        node.create_alias(name, one).unwrap();
    }
    let there = |key| Command::CreateAlias(CreateAlias { namespace: elsewhere.clone(), name: alias("a"), key });
    assert_eq!(node.run(there(one)), Err(Refusal::Conflict), "the key is not found there");
    node.run(there(key(2))).unwrap();
    let listed = |after: Option<&str>| -> Vec<_> {
        let after = after.map(alias);
        node.state.aliases(&namespace(), after.as_ref()).map(|alias| alias.name.to_string()).collect()
    };
    assert_eq!(listed(None), ["alias/a", "alias/a/2", "alias/b", "alias/c"]);
    assert_eq!(listed(Some("a/2")), ["alias/b", "alias/c"]);
    assert_eq!(listed(Some("a/3")), ["alias/b", "alias/c"], "behind one that is gone");
    assert_eq!(listed(Some("c")).len(), 0);
    let place = (&namespace(), &alias("b"));
    assert_eq!(
        node.state.aliases_of(&one, Some(place)).map(|alias| alias.name.to_string()).collect::<Vec<_>>(),
        ["alias/c"]
    );
    assert_eq!(node.state.aliases(&elsewhere, None).count(), 1);
}

#[test]
fn a_key_has_so_many_aliases() {
    let mut node = Node::new();
    let [one, other] = [1, 2].map(|number| node.create_key(number));
    for number in 0..limits::ALIASES_PER_KEY {
        node.create_alias(&number.to_string(), one).unwrap();
    }
    assert_eq!(refused_by_key(&node.create_alias("more", one)), KeyRefusal::AliasQuota);
    node.create_alias("more", other).unwrap();
    assert_eq!(refused_by_key(&node.update_alias("more", one)), KeyRefusal::AliasQuota);
    node.update_alias("0", one).unwrap();
}

#[test]
fn what_was_decided_before_the_alias_moved_is_decided_again() {
    let mut node = Node::new();
    let [one, other] = [1, 2].map(|number| node.create_key(number));
    node.create_alias("app", one).unwrap();
    let deletion =
        node.envelope(Command::DeleteAlias(state::DeleteAlias { namespace: namespace(), name: alias("app") }));
    let update = node.envelope(Command::UpdateAlias(state::UpdateAlias {
        namespace: namespace(),
        name: alias("app"),
        key: one,
    }));
    node.update_alias("app", other).unwrap();
    let renamed = |mut envelope: state::Envelope, number: u8| {
        envelope.proposal.0[15] = number;
        envelope
    };
    assert_eq!(node.apply(renamed(deletion, 1)), Err(Refusal::Conflict));
    assert_eq!(node.apply(renamed(update, 2)), Err(Refusal::Conflict));
    assert_eq!(node.state.key_of_alias(&namespace(), &alias("app")).unwrap().id, other);
}
