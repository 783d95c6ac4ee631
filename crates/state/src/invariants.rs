//! What holds for every state. It is checked after loading one, and by tests after every command.
//!
//! Bounds that may be configured one day are not here: a state must stay loadable when a quota is lowered.

use std::collections::BTreeSet;

use types::{StagingLabel, Timestamp};

use crate::record::{RecordKey, RecordKind};
use crate::secret::{Secret, SecretUid};
use crate::state::State;

/// An invariant that does not hold, and the record where that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {key:?} {why}")]
pub struct BrokenInvariant {
    /// Which record.
    pub key: RecordKey,
    /// What is wrong with it.
    pub why: &'static str,
}

type Checked = Result<(), BrokenInvariant>;

impl State {
    /// Checks every invariant; the cost is that of the whole state.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn invariants(&self) -> Checked {
        self.invariants_of_the_whole()?;
        for (uid, secret) in &self.secrets {
            self.invariant_secret_is_found(*uid, secret)?;
            self.invariants_of_secret(secret)?;
        }
        Ok(())
    }

    /// Checks what is not about one secret, which costs little.
    pub(crate) fn invariants_of_the_whole(&self) -> Checked {
        self.invariant_cluster_has_its_default_key()?;
        self.invariant_numbers_are_used_once()?;
        self.invariant_indexes_hold_nothing_else()?;
        self.invariant_memory_of_proposals_is_whole()?;
        self.invariant_policies_are_of_secrets()?;
        self.invariants_of_keys()?;
        self.invariant_replicas_show_their_primaries()?;
        self.shown_replicas.iter().try_for_each(|(uid, shown)| self.invariant_secret_is_found(*uid, shown))
    }

    /// Checks what one secret says.
    pub(crate) fn invariants_of_secret(&self, secret: &Secret) -> Checked {
        invariant_each_label_is_on_one_existing_version(secret)?;
        invariant_versions_are_in_order(secret)?;
        invariant_a_labelled_value_means_a_current_one(secret)?;
        self.invariant_dates_are_in_order(secret)
    }

    /// Nothing but log time exists before the cluster, and the cluster has the key that it names.
    fn invariant_cluster_has_its_default_key(&self) -> Checked {
        let holds = match &self.cluster {
            Some(cluster) => self.keys.get(&cluster.default_key).is_some_and(|key| key.account == cluster.account),
            None => {
                self.access_keys.is_empty()
                    && self.bindings.is_empty()
                    && self.keys.is_empty()
                    && self.keyring.is_none()
                    && self.secrets.is_empty()
            }
        };
        require(holds, || RecordKey::single(RecordKind::Cluster), "is missing, or names a default key that is")
    }

    /// A number names one record, and all of them are below the next one.
    fn invariant_numbers_are_used_once(&self) -> Checked {
        let numbered = RecordKey::numbered;
        let keys = (self.access_keys.values().map(|r| numbered(RecordKind::AccessKey, r.uid)))
            .chain(self.bindings.values().map(|r| numbered(RecordKind::Binding, r.uid)))
            .chain(self.keys.values().map(|r| numbered(RecordKind::EncryptionKey, r.uid)))
            .chain(self.aliases.by_uid.keys().map(|uid| numbered(RecordKind::Alias, *uid)))
            .chain(self.grants.by_uid.keys().map(|uid| numbered(RecordKind::Grant, *uid)))
            .chain(self.destroyed_keys.by_uid.keys().map(|uid| numbered(RecordKind::DestroyedKey, *uid)));
        let mut used = BTreeSet::new();
        for key in keys {
            require(key.id < self.next_uid, || key, "has a number that was never drawn")?;
            require(used.insert(key.id), || key, "has the number of another record")?;
            let secret = self.secrets.contains_key(&SecretUid(key.id));
            require(!secret, || key, "has the number of a secret")?;
        }
        let highest = self.secrets.get_max().map_or(0, |(uid, _)| uid.0);
        let below = self.secrets.is_empty() || highest < self.next_uid;
        require(below, || numbered(RecordKind::Secret, highest), "has a number that was never drawn")
    }

    /// A secret or a replica is found by its number, its name, its ARN and the end of its window.
    fn invariant_secret_is_found(&self, uid: SecretUid, secret: &Secret) -> Checked {
        let index = self.namespaces.get(&secret.namespace);
        let found = secret.uid == uid
            && self.arns.get(&secret.arn) == Some(&uid)
            && index.is_some_and(|i| i.by_name.get(&secret.name) == Some(&uid) && i.by_creation.contains(&uid));
        require(found, || key_of(secret), "is not found by its name, its ARN or its number")?;
        let scheduled = secret.deletion_date.is_none_or(|end| self.scheduled.contains(&(end, uid)));
        require(scheduled, || key_of(secret), "is not found by the end of its deletion window")
    }

    /// The indexes have as many entries as there are secrets and replicas.
    fn invariant_indexes_hold_nothing_else(&self) -> Checked {
        let found = self.secrets.len() + self.shown_replicas.len();
        let named: usize = self.namespaces.values().map(|index| index.by_name.len()).sum();
        let listed: usize = self.namespaces.values().map(|index| index.by_creation.len()).sum();
        let windows = self.secrets.values().filter(|secret| secret.is_scheduled_for_deletion()).count();
        let alike = [named, listed, self.arns.len()].iter().all(|count| *count == found)
            && windows == self.scheduled.len()
            && self.namespaces.values().all(|index| !index.by_name.is_empty());
        require(alike, || RecordKey::single(RecordKind::Secret), "is outnumbered by entries of an index")
    }

    /// Results are found by index and by proposal, are above the floor, and are in the order of their times.
    fn invariant_memory_of_proposals_is_whole(&self) -> Checked {
        let memory = &self.proposals;
        let mut previous = Timestamp::ZERO;
        for (index, result) in &memory.by_index {
            let key = || RecordKey::numbered(RecordKind::Proposal, *index);
            let found = result.index == *index && memory.by_id.get(&result.proposal) == Some(index);
            require(found, key, "is not found by its proposal")?;
            require(*index > memory.forgotten_through, key, "is below the floor of the memory")?;
            require(previous <= result.at && result.at <= self.time, key, "is not in the order of time")?;
            previous = result.at;
        }
        let alike = memory.by_id.len() == memory.by_index.len();
        require(alike, || RecordKey::single(RecordKind::Proposal), "is outnumbered by entries of the index")
    }

    /// A policy is found by the number of its secret, which exists, and says something or is gone.
    fn invariant_policies_are_of_secrets(&self) -> Checked {
        for (uid, policy) in &self.policies {
            let key = || RecordKey::numbered(RecordKind::ResourcePolicy, uid.0);
            require(policy.secret == *uid && self.secrets.contains_key(uid), key, "is of no secret")?;
            let says_something = policy.text.as_ref().is_none_or(|text| !text.is_empty());
            require(says_something, key, "is an empty text")?;
        }
        Ok(())
    }

    /// No change is before the creation, and nothing was made after log time. A replica that became a secret may be
    /// younger than the versions that it had then.
    fn invariant_dates_are_in_order(&self, secret: &Secret) -> Checked {
        let made = secret.versions.iter().all(|entry| entry.version.created <= self.time);
        let holds = made && secret.created <= secret.last_changed && secret.created <= self.time;
        require(holds, || key_of(secret), "has dates that contradict each other")
    }
}

/// Labels are sorted, each once, and their holders exist.
fn invariant_each_label_is_on_one_existing_version(secret: &Secret) -> Checked {
    let once = secret.labels.is_sorted_by(|(a, _), (b, _)| a < b);
    require(once, || key_of(secret), "has labels that are not sorted or not unique")?;
    let held = secret.labels.iter().all(|(_, holder)| secret.version(holder).is_some());
    require(held, || key_of(secret), "has a label on a version that does not exist")
}

/// Versions are in the order of their parts, which are below the next one; no two have one id.
fn invariant_versions_are_in_order(secret: &Secret) -> Checked {
    let sorted = secret.versions.iter().is_sorted_by(|a, b| a.version.part < b.version.part);
    let below = secret.versions.last().is_none_or(|last| last.version.part < secret.next_part);
    require(sorted && below, || key_of(secret), "has versions out of order")?;
    let mut ids: Vec<_> = secret.versions.iter().map(|entry| &entry.version.id).collect();
    ids.sort_unstable();
    require(ids.is_sorted_by(|a, b| a < b), || key_of(secret), "has two versions of one id")
}

/// A secret that has a labelled value has AWSCURRENT.
fn invariant_a_labelled_value_means_a_current_one(secret: &Secret) -> Checked {
    let holds = !secret.has_labelled_value() || secret.holder(&StagingLabel::Current).is_some();
    require(holds, || key_of(secret), "has a labelled value and no AWSCURRENT")
}

const fn key_of(secret: &Secret) -> RecordKey {
    RecordKey::numbered(RecordKind::Secret, secret.uid.0)
}

pub(crate) fn require(holds: bool, key: impl FnOnce() -> RecordKey, why: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(BrokenInvariant { key: key(), why }) }
}
