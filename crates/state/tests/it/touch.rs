use state::{Access, Applied, Command, DeleteMode, Touch};
use types::Timestamp;

use crate::fixture::{HOUR_MS, Node, START, token};
use crate::records::{rebuilt, records_of, write};

const DAY_MS: u64 = 24 * HOUR_MS;

fn day(days: u64) -> Timestamp {
    Timestamp::from_millis(START.start_of_day().as_millis() + days * DAY_MS)
}

impl Node {
    fn version(&self, secret: &str, version: &str) -> Access {
        let secret = self.secret(secret);
        Access { secret: secret.uid, part: secret.version(&token(version)).unwrap().version.part }
    }

    #[track_caller]
    fn touch(&mut self, day: Timestamp, entries: &[Access]) {
        let outcome = self.run(Command::Touch(Touch { day, entries: entries.to_vec() }));
        assert_eq!(outcome, Ok(Applied::Touched));
    }

    /// The dates of the secret and of one of its versions.
    fn dates(&self, secret: &str, version: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let secret = self.secret(secret);
        (secret.last_accessed, secret.version(&token(version)).unwrap().last_accessed)
    }
}

/// `a` with two versions and `b` with one, never read.
fn example() -> Node {
    let mut node = Node::new();
    node.create("a", "1", Some("v")).unwrap();
    node.put("a", "2", "w", "AWSCURRENT").unwrap();
    node.create("b", "1", Some("v")).unwrap();
    node
}

#[test]
fn a_read_dates_its_version_and_its_secret_and_is_no_change() {
    let mut node = example();
    let changed = node.secret("a").last_changed;
    let read = [node.version("a", "2"), node.version("b", "1")];
    node.touch(day(0), &read);
    assert_eq!(node.dates("a", "2"), (Some(day(0)), Some(day(0))));
    assert_eq!(node.dates("a", "1"), (Some(day(0)), None));
    assert_eq!(node.dates("b", "1"), (Some(day(0)), Some(day(0))));
    assert_eq!(node.secret("a").last_changed, changed);
}

#[test]
fn no_date_goes_back_and_none_is_after_log_time() {
    let mut node = example();
    node.pass(DAY_MS);
    let (old, new) = (node.version("a", "1"), node.version("a", "2"));
    node.touch(day(400), &[new]);
    assert_eq!(node.dates("a", "2"), (Some(day(1)), Some(day(1))));
    node.touch(day(0), &[old, new]);
    assert_eq!(node.dates("a", "1"), (Some(day(1)), Some(day(0))));
    assert_eq!(node.dates("a", "2"), (Some(day(1)), Some(day(1))));
    node.touch(Timestamp::from_millis(day(1).as_millis() + HOUR_MS), &[old]);
    assert_eq!(node.dates("a", "1"), (Some(day(1)), Some(day(1))));
}

#[test]
fn what_is_gone_is_passed_over() {
    let mut node = example();
    let (gone, kept) = (node.version("b", "1"), node.version("a", "1"));
    node.delete("b", DeleteMode::Force).unwrap();
    node.touch(day(0), &[gone, Access { part: 99, ..kept }]);
    assert_eq!(node.dates("a", "1"), (Some(day(0)), None));
    assert_eq!(node.state.secret_count(), 1);
}

#[test]
fn dates_stay_with_later_changes_and_in_checkpoints() {
    let mut node = example();
    let before = node.state.clone();
    let read = node.version("a", "2");
    node.touch(day(0), &[read]);
    let mut records = records_of(&before);
    write(&mut records, node.state.changes_since(&before).collect());
    assert_eq!(rebuilt(records), Ok(node.state.clone()));

    node.put("a", "3", "x", "AWSCURRENT").unwrap();
    node.delete("a", DeleteMode::Window { days: 7 }).unwrap();
    node.restore("a").unwrap();
    assert_eq!(node.dates("a", "2"), (Some(day(0)), Some(day(0))));
    assert_eq!(node.dates("a", "3"), (Some(day(0)), None));
}
