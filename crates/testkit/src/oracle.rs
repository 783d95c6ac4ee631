//! Knows what was promised: for each secret, which writes were acknowledged, refused, or left unknown.
//!
//! # Correctness
//! What the oracle demands after the faults, with the cluster healed and nobody writing:
//! * an acknowledged version is there, with its value;
//! * a refused version is not there, and its value nowhere;
//! * an unknown version is there with its value, or not there;
//! * the current version is acknowledged, and no other write of the secret that was acknowledged was sent after
//!   that acknowledgement; or it is unknown: a write of unknown fate may take effect at any time after it was sent.
//!
//! Order is that of [`Ticks`], which all writers share, and not that of log indexes: a retry of a write that was
//! applied before answers with the index of the state that it saw, not with that of the write. A write whose retry
//! with the same token was acknowledged is acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail, ensure};

/// The order in which all writers of a run send and hear.
#[derive(Clone, Debug, Default)]
pub struct Ticks(Arc<AtomicU64>);

impl Ticks {
    /// The next point in time.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// The fate of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// Sent, and no answer yet.
    Sent,
    Acknowledged {
        at: u64,
    },
    Refused,
    Unknown,
}

#[derive(Clone, Debug)]
struct Write {
    value: String,
    sent: u64,
    known: Known,
}

/// What was seen of one secret at the end.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The value of each version that was asked for and found.
    pub versions: BTreeMap<String, String>,
    /// The current version; `None` without one or without the secret.
    pub current: Option<String>,
}

/// How many writes had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Acknowledged.
    pub acknowledged: usize,
    /// Refused.
    pub refused: usize,
    /// Not known when the load ended.
    pub unknown: usize,
    /// Of the unknown ones, those that were found to be applied.
    pub unknown_applied: usize,
}

/// All writes of a run.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    secrets: BTreeMap<String, BTreeMap<String, Write>>,
}

impl Oracle {
    /// Notes that a write is sent. A retry with the same version is the same write.
    pub fn sent(&mut self, secret: &str, version: &str, value: &str, at: u64) {
        let versions = self.secrets.entry(secret.to_owned()).or_default();
        let write = Write { value: value.to_owned(), sent: at, known: Known::Sent };
        versions.entry(version.to_owned()).or_insert(write);
    }

    /// Notes an acknowledgement.
    pub fn acknowledged(&mut self, secret: &str, version: &str, at: u64) {
        self.settle(secret, version, Known::Acknowledged { at });
    }

    /// Notes a refusal. After an attempt that was left unknown, a refused retry settles nothing.
    pub fn refused(&mut self, secret: &str, version: &str) {
        self.settle(secret, version, Known::Refused);
    }

    /// Notes that the fate is not known.
    pub fn unknown(&mut self, secret: &str, version: &str) {
        self.settle(secret, version, Known::Unknown);
    }

    /// Adds the writes of another oracle, of other secrets or other versions.
    pub fn merge(&mut self, other: Self) {
        for (secret, versions) in other.secrets {
            self.secrets.entry(secret).or_default().extend(versions);
        }
    }

    /// The secrets with the versions that were written.
    pub fn written(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.secrets.iter().map(|(secret, versions)| (secret.as_str(), versions.keys().map(String::as_str).collect()))
    }

    /// Compares what was promised with what is there. `look` answers for each secret.
    ///
    /// # Errors
    /// The first broken promise.
    pub fn check(&self, seen: &BTreeMap<String, Seen>) -> Result<Counts> {
        let mut counts = Counts::default();
        let nothing = Seen::default();
        for (secret, versions) in &self.secrets {
            let seen = seen.get(secret).unwrap_or(&nothing);
            for (version, write) in versions {
                check_version(secret, version, write, seen, &mut counts)?;
            }
            check_current(secret, versions, seen)?;
        }
        Ok(counts)
    }

    fn settle(&mut self, secret: &str, version: &str, known: Known) {
        let Some(write) = self.secrets.get_mut(secret).and_then(|versions| versions.get_mut(version)) else { return };
        write.known = match (&write.known, known) {
            (Known::Acknowledged { at }, _) => Known::Acknowledged { at: *at },
            (Known::Unknown, Known::Refused) => Known::Unknown,
            (_, known) => known,
        };
    }
}

fn check_version(secret: &str, version: &str, write: &Write, seen: &Seen, counts: &mut Counts) -> Result<()> {
    let found = seen.versions.get(version);
    if let Some(found) = found {
        ensure!(*found == write.value, "version {version} of {secret} has another value than was written");
    }
    match write.known {
        Known::Acknowledged { .. } => {
            counts.acknowledged += 1;
            ensure!(found.is_some(), "LOST: version {version} of {secret} was acknowledged");
        }
        Known::Refused => {
            counts.refused += 1;
            ensure!(found.is_none(), "version {version} of {secret} was refused and is there");
        }
        Known::Unknown | Known::Sent => {
            counts.unknown += 1;
            counts.unknown_applied += usize::from(found.is_some());
        }
    }
    Ok(())
}

fn check_current(secret: &str, versions: &BTreeMap<String, Write>, seen: &Seen) -> Result<()> {
    let acknowledged = || versions.iter().filter(|(_, write)| matches!(write.known, Known::Acknowledged { .. }));
    if acknowledged().next().is_none() {
        return Ok(());
    }
    let Some(current) = &seen.current else { bail!("{secret} has acknowledged writes and no current version") };
    let Some(write) = versions.get(current) else { bail!("{secret} shows {current}, which nobody wrote") };
    match write.known {
        Known::Unknown | Known::Sent => Ok(()),
        Known::Refused => bail!("{secret} shows {current}, which was refused"),
        Known::Acknowledged { at } => match acknowledged().find(|(_, later)| later.sent > at) {
            None => Ok(()),
            Some((later, _)) => bail!("STALE: {secret} shows {current}; {later} was sent after its acknowledgement"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(versions: &[(&str, &str)], current: &str) -> BTreeMap<String, Seen> {
        let versions = versions.iter().map(|(version, value)| ((*version).to_owned(), (*value).to_owned())).collect();
        BTreeMap::from([("s".to_owned(), Seen { versions, current: Some(current.to_owned()) })])
    }

    fn oracle() -> Oracle {
        let mut oracle = Oracle::default();
        oracle.sent("s", "1", "a", 0);
        oracle.acknowledged("s", "1", 1);
        for (version, value, at) in [("2", "b", 2), ("3", "c", 3), ("4", "d", 4)] {
            oracle.sent("s", version, value, at);
        }
        oracle.acknowledged("s", "2", 5);
        oracle.refused("s", "3");
        oracle.unknown("s", "4");
        oracle
    }

    #[test]
    fn promises_kept_are_counted() {
        let counts = oracle().check(&seen(&[("1", "a"), ("2", "b")], "2")).unwrap();
        assert_eq!(counts, Counts { acknowledged: 2, refused: 1, unknown: 1, unknown_applied: 0 });
        let counts = oracle().check(&seen(&[("1", "a"), ("2", "b"), ("4", "d")], "4")).unwrap();
        assert_eq!(counts.unknown_applied, 1);
    }

    #[test]
    fn every_broken_promise_is_seen() {
        let broken = [
            seen(&[("2", "b")], "2"),
            seen(&[("1", "a"), ("2", "x")], "2"),
            seen(&[("1", "a"), ("2", "b"), ("3", "c")], "2"),
            seen(&[("1", "a"), ("2", "b")], "1"),
            seen(&[("1", "a"), ("2", "b"), ("4", "x")], "2"),
            BTreeMap::new(),
        ];
        for seen in broken {
            assert!(oracle().check(&seen).is_err(), "{seen:?}");
        }
    }

    #[test]
    fn of_writes_at_the_same_time_either_may_be_last() {
        let mut oracle = Oracle::default();
        oracle.sent("s", "1", "a", 0);
        oracle.sent("s", "2", "b", 1);
        oracle.acknowledged("s", "2", 2);
        oracle.acknowledged("s", "1", 3);
        for current in ["1", "2"] {
            assert!(oracle.check(&seen(&[("1", "a"), ("2", "b")], current)).is_ok(), "{current}");
        }
        assert!(oracle.check(&seen(&[("1", "a"), ("2", "b")], "3")).is_err());
    }

    #[test]
    fn a_refused_retry_settles_nothing_and_an_acknowledgement_stands() {
        let mut oracle = Oracle::default();
        oracle.sent("s", "1", "a", 0);
        oracle.unknown("s", "1");
        oracle.refused("s", "1");
        assert_eq!(oracle.check(&seen(&[("1", "a")], "1")).unwrap().unknown_applied, 1);
        oracle.acknowledged("s", "1", 5);
        oracle.unknown("s", "1");
        assert!(oracle.check(&BTreeMap::new()).is_err());
    }
}
