//! Knows what was promised: for each secret, which writes were acknowledged, refused, or left unknown.
//!
//! # Correctness
//! What the oracle demands after the faults, with the cluster healed and nobody writing:
//! * an acknowledged version is there, with its value;
//! * a refused version is not there, and its value nowhere;
//! * an unknown version is there with its value, or not there;
//! * the current version is the acknowledged one with the highest log index, or an unknown one: a write of unknown
//!   fate may take effect at any time after it was sent.
//!
//! A write whose retry with the same token was acknowledged is acknowledged.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

/// The fate of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// Sent, and no answer yet.
    Sent,
    Acknowledged {
        index: u64,
    },
    Refused,
    Unknown,
}

#[derive(Clone, Debug)]
struct Write {
    value: String,
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
    pub fn sent(&mut self, secret: &str, version: &str, value: &str) {
        let versions = self.secrets.entry(secret.to_owned()).or_default();
        versions.entry(version.to_owned()).or_insert(Write { value: value.to_owned(), known: Known::Sent });
    }

    /// Notes an acknowledgement with the log index that it names.
    pub fn acknowledged(&mut self, secret: &str, version: &str, index: u64) {
        self.settle(secret, version, Known::Acknowledged { index });
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
            (Known::Acknowledged { index }, _) => Known::Acknowledged { index: *index },
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
        Known::Acknowledged { index } => {
            counts.acknowledged += 1;
            ensure!(found.is_some(), "LOST: version {version} of {secret} was acknowledged at index {index}");
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
    let last = versions.iter().filter_map(|(version, write)| match write.known {
        Known::Acknowledged { index } => Some((index, version)),
        _ => None,
    });
    let Some((_, last)) = last.max() else { return Ok(()) };
    let Some(current) = &seen.current else { bail!("{secret} has acknowledged writes and no current version") };
    if current == last {
        return Ok(());
    }
    match versions.get(current).map(|write| &write.known) {
        Some(Known::Unknown | Known::Sent) => Ok(()),
        fate => bail!("{secret} shows version {current} ({fate:?}) as current; the last acknowledged one is {last}"),
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
        for (version, value) in [("1", "a"), ("2", "b"), ("3", "c"), ("4", "d")] {
            oracle.sent("s", version, value);
        }
        oracle.acknowledged("s", "1", 10);
        oracle.acknowledged("s", "2", 20);
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
    fn a_refused_retry_settles_nothing_and_an_acknowledgement_stands() {
        let mut oracle = Oracle::default();
        oracle.sent("s", "1", "a");
        oracle.unknown("s", "1");
        oracle.refused("s", "1");
        assert_eq!(oracle.check(&seen(&[("1", "a")], "1")).unwrap().unknown_applied, 1);
        oracle.acknowledged("s", "1", 5);
        oracle.unknown("s", "1");
        assert!(oracle.check(&BTreeMap::new()).is_err());
    }
}
