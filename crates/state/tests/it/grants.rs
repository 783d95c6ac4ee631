//! Grants: made, listed, ended, and never changed.

use state::{Applied, KeyChange, KeyRefusal, Refusal};
use types::{Principal, limits};

use crate::fixture::{Node, account};
use crate::key_words::{grant, grant_id, refused_by_key, terms};

#[test]
fn grants_are_listed_in_the_order_in_which_they_came() {
    let mut node = Node::new();
    let [one, other] = [1, 2].map(|number| node.create_key(number));
    let [plain, owned] = [terms(None, "a", None), terms(None, "a", Some("owner"))];
    for (number, (key, terms)) in (0..).zip([(one, &plain), (other, &owned), (one, &owned), (one, &plain)]) {
        // Ids are drawn at random: their order is another.
        let outcome = node.change_key(key, grant(9 - number, terms));
        assert_eq!(outcome, Ok(Applied::Granted { key, grant: grant_id(9 - number) }));
    }
    let of = |after| node.state.grants_of(&one, after).map(|grant| (grant.uid, grant.id)).collect::<Vec<_>>();
    let all = of(None);
    assert_eq!(all.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [9, 7, 6].map(grant_id));
    assert_eq!(of(Some(all[0].0)), all[1..]);
    assert_eq!((node.state.grant_count(&one), node.state.grant_count(&other)), (3, 1));
    let retirable = |who, after| node.state.retirable_grants(who, after).map(|grant| grant.id).collect::<Vec<_>>();
    assert_eq!(retirable("owner", None), [8, 7].map(grant_id));
    assert_eq!(retirable("owner", node.state.grant(&other, &grant_id(8)).map(|grant| grant.uid)), [grant_id(7)]);
    assert_eq!((retirable("own", None), retirable("owner2", None)), (vec![], vec![]));
    let made = node.state.grant(&one, &grant_id(9)).unwrap();
    assert_eq!((&made.issuer, made.created, &made.terms), (&Principal::Root(account()), node.now, &plain));
}

#[test]
fn a_grant_with_a_name_is_made_once() {
    let mut node = Node::new();
    let [one, other] = [1, 2].map(|number| node.create_key(number));
    let named = terms(Some("n"), "a", None);
    node.change_key(one, grant(1, &named)).unwrap();
    assert_eq!(node.change_key(one, grant(2, &named)), Ok(Applied::Granted { key: one, grant: grant_id(1) }));
    assert_eq!(node.state.grant_count(&one), 1);
    // Who says something else under the name, or the same without one, or of another key, says something else.
    node.change_key(one, grant(3, &terms(Some("n"), "b", None))).unwrap();
    node.change_key(one, grant(4, &terms(None, "a", None))).unwrap();
    node.change_key(one, grant(5, &terms(None, "a", None))).unwrap();
    node.change_key(other, grant(1, &named)).unwrap();
    assert_eq!((node.state.grant_count(&one), node.state.grant_count(&other)), (4, 1));
    assert_eq!(node.change_key(one, grant(5, &terms(None, "c", None))), Err(Refusal::Conflict), "the id is taken");
    node.change_key(one, KeyChange::Revoke(grant_id(1))).unwrap();
    assert_eq!(node.change_key(one, grant(6, &named)), Ok(Applied::Granted { key: one, grant: grant_id(6) }));
}

#[test]
fn the_end_of_a_grant_is_a_change_of_its_key_and_its_beginning_is_none() {
    let mut node = Node::new();
    let id = node.create_key(1);
    let made = node.key(id).changed_at;
    node.change_key(id, grant(1, &terms(None, "a", None))).unwrap();
    node.change_key(id, grant(2, &terms(None, "a", Some("a")))).unwrap();
    assert_eq!(node.key(id).changed_at, made);
    node.change_key(id, KeyChange::Revoke(grant_id(1))).unwrap();
    assert_eq!(node.key(id).changed_at, node.index);
    node.change_key(id, KeyChange::Retire(grant_id(2))).unwrap();
    assert_eq!((node.key(id).changed_at, node.state.grant_count(&id)), (node.index, 0));
    assert_eq!(node.state.retirable_grants("a", None).count(), 0);
    for change in [KeyChange::Revoke(grant_id(1)), KeyChange::Retire(grant_id(2))] {
        assert_eq!(node.change_key(id, change), Err(Refusal::Conflict));
    }
}

#[test]
fn a_key_has_so_many_grants() {
    let mut node = Node::new();
    let id = node.create_key(1);
    let plain = terms(None, "a", Some("owner"));
    let last = u32::try_from(limits::GRANTS_PER_KEY).unwrap();
    for number in 0..last {
        // Without the checks of every command, which are those of the whole state.
        let envelope =
            node.envelope(state::Command::ChangeKey(state::ChangeKey { key: id, change: grant(number, &plain) }));
        node.index += 1;
        node.state.apply(node.index, envelope).unwrap();
    }
    assert_eq!(refused_by_key(&node.change_key(id, grant(last, &plain))), KeyRefusal::GrantQuota);
    node.change_key(id, KeyChange::Revoke(grant_id(0))).unwrap();
    node.change_key(id, grant(last, &plain)).unwrap();

    let before = node.state.clone();
    node.change_key(id, KeyChange::Revoke(grant_id(7))).unwrap();
    let changes = node.state.changes_since(&before).count();
    assert!(changes <= 5, "counters, the key, the grant, a result and one forgotten, and not {changes}");
}
