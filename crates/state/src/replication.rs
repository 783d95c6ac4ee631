//! Replicas of secrets in other regions of the cluster.
//!
//! A replica has a record that names its primary and holds only what is its own: its number, its region, its key and
//! the days of its reads. All else is the primary's. What a request in the replica's region finds is made of the two,
//! in memory only and in the command that changes either: it is not stored, so it cannot drift, and it is found like
//! every other secret.
//!
//! Its values are the primary's too, sealed under the primary's ARN, and their data keys have one wrap for all regions,
//! by the primary's key, also when the replica has another key or is promoted. The service asks for both keys.

use std::fmt;
use std::sync::Arc;

use types::{Namespace, Region, SecretArn, Timestamp, VersionId};

use crate::command::Access;
use crate::invariants::{BrokenInvariant, require};
use crate::outcome::{Applied, Outcome, Refusal};
use crate::record::{Record, RecordKey, RecordKind};
use crate::refusals::{not_on_a_primary, not_on_a_replica};
use crate::resource_policy::ResourcePolicy;
use crate::secret::{Secret, SecretUid, Version, VersionEntry};
use crate::state::State;
use crate::versions::Versions;

/// How it stands with a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplicaStatus {
    /// It is there: it shows what the primary shows.
    InSync,
    /// It was not made, as its region had a secret of that name.
    NameTaken,
}

/// A region that a secret is, or was to be, replicated to.
#[derive(Clone, PartialEq, Eq)]
pub struct Replica {
    /// The replica's number, of the same row as those of secrets.
    pub uid: SecretUid,
    /// The secret that it is a replica of.
    pub primary: SecretUid,
    /// Where it is; the primary is elsewhere.
    pub region: Region,
    /// As given; absent for the default key.
    pub kms_key_id: Option<Arc<str>>,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it is there.
    pub status: ReplicaStatus,
    /// The UTC day of the last GetSecretValue in its region.
    pub last_accessed: Option<Timestamp>,
    /// The same by version, as far as they were read there. Sorted by part.
    pub versions_accessed: Vec<(u64, Timestamp)>,
}

/// One region of a secret's replication, as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionStatus {
    /// The region.
    pub region: Region,
    /// As given; absent for the default key.
    pub kms_key_id: Option<Arc<str>>,
    /// How it stands with it.
    pub status: ReplicaStatus,
    /// The UTC day of the last GetSecretValue there.
    pub last_accessed: Option<Timestamp>,
}

/// A region that a secret is to be replicated to.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplicaRegion {
    /// The region.
    pub region: Region,
    /// The `KmsKeyId` as it is echoed; absent for the default key.
    pub kms_key_id: Option<Arc<str>>,
}

/// Where to replicate a secret to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AddReplicas {
    /// Each region once, and none that is the secret's own.
    pub regions: Vec<ReplicaRegion>,
    /// Whether a secret that has the name there gives way.
    pub force: bool,
}

/// More replicas of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplicateSecretToRegions {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// Where to.
    pub add: AddReplicas,
}

/// The end of replicas of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoveRegionsFromReplication {
    /// The secret, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
    /// Those that it is not replicated to do not count.
    pub regions: Vec<Region>,
}

/// The end of a replica's dependence: it becomes a secret like every other.
#[derive(Clone, PartialEq, Eq)]
pub struct StopReplicationToReplica {
    /// The replica, resolved by the proposer; gone by now means Conflict.
    pub target: SecretArn,
}

macro_rules! debug_as_name {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })+
    };
}

debug_as_name!(
    Replica,
    ReplicaRegion,
    AddReplicas,
    ReplicateSecretToRegions,
    RemoveRegionsFromReplication,
    StopReplicationToReplica
);

impl State {
    /// Whether it is a replica, which only reads may be on.
    pub fn is_replica(&self, secret: &Secret) -> bool {
        self.replicas.contains_key(&secret.uid)
    }

    /// The region of the primary, of a secret that is replicated or is a replica.
    pub fn primary_region(&self, secret: &Secret) -> Option<&Region> {
        let primary = self.primary_of(secret.uid);
        let is_replicated = self.replicas_of(primary).next().is_some();
        self.secrets.get(&primary).filter(|_| is_replicated).map(|primary| &primary.namespace.region)
    }

    /// The regions that a secret is replicated to, in the order in which they came. A replica shows all of its primary.
    pub fn replication(&self, secret: &Secret) -> Vec<RegionStatus> {
        self.regions_of(self.primary_of(secret.uid))
    }

    /// The ARN that a version's value is sealed under.
    pub fn sealed_under<'a>(&'a self, secret: &'a Secret, version: &'a Version) -> &'a SecretArn {
        let of_primary = || self.secrets.get(&self.primary_of(secret.uid)).map(|primary| &primary.arn);
        version.sealed_under.as_ref().or_else(of_primary).unwrap_or(&secret.arn)
    }

    /// The number of the primary of a replica, and of every other secret its own.
    pub(crate) fn primary_of(&self, uid: SecretUid) -> SecretUid {
        self.replicas.get(&uid).map_or(uid, |replica| replica.primary)
    }

    /// Refuses what only a primary may be asked.
    ///
    /// # Errors
    /// InvalidParameter.
    pub(crate) fn must_be_no_replica(&self, secret: &Secret) -> Result<(), Refusal> {
        if self.is_replica(secret) { Err(not_on_a_replica().into()) } else { Ok(()) }
    }

    /// Whether a secret has replicas, in whatever condition: then it cannot be deleted.
    pub(crate) fn is_replicated(&self, secret: &Secret) -> bool {
        self.replicas_of(secret.uid).next().is_some()
    }

    pub(crate) fn replicate(&mut self, command: &ReplicateSecretToRegions) -> Outcome {
        let secret = self.live_secret(&command.target)?.clone();
        if self.add_replicas(&secret, &command.add) {
            self.change(secret.as_ref().clone());
        }
        Ok(self.replicated(&secret, None))
    }

    pub(crate) fn remove_regions(&mut self, command: &RemoveRegionsFromReplication) -> Outcome {
        let secret = self.live_secret(&command.target)?.clone();
        let goes = |replica: &&Arc<Replica>| command.regions.contains(&replica.region);
        let gone: Vec<_> = self.replicas_of(secret.uid).filter(goes).cloned().collect();
        gone.iter().for_each(|replica| self.drop_replica(replica));
        if !gone.is_empty() {
            self.change(secret.as_ref().clone());
        }
        Ok(self.replicated(&secret, None))
    }

    /// Makes a replica a secret like every other. One that is such a secret already stays as it is.
    pub(crate) fn stop_replication(&mut self, index: u64, command: &StopReplicationToReplica) -> Outcome {
        let found = self.unscheduled_secret(&command.target)?.clone();
        let applied =
            Applied::Written { arn: found.arn.clone(), name: found.name.clone(), version: None, stages: Vec::new() };
        let Some(replica) = self.replicas.get(&found.uid).cloned() else {
            return if self.is_replicated(&found) { Err(not_on_a_primary().into()) } else { Ok(applied) };
        };
        let primary = self.secrets.get(&replica.primary).ok_or(Refusal::Conflict)?.clone();
        let versions = found.versions.iter().map(|entry| self.own_copy(&found, entry)).collect();
        let promoted = Secret {
            versions,
            // Rotation stays with the primary.
            rotation: None,
            last_changed: self.time.max(found.last_changed.next()),
            ..found.as_ref().clone()
        };
        self.drop_replica(&replica);
        self.index(Arc::new(promoted));
        // Even without a text: the ARN may have been another secret's before, and what was decided on that is no more.
        let policy = self.resource_policy(&primary).cloned();
        let policy = ResourcePolicy { secret: found.uid, text: policy, changed_at: index };
        self.policies.insert(found.uid, Arc::new(policy));
        self.change(primary.as_ref().clone());
        Ok(applied)
    }

    /// Replicates a secret that has just been made.
    pub(crate) fn replicate_new(&mut self, secret: &Secret, add: &AddReplicas) {
        self.add_replicas(secret, add);
    }

    /// What CreateSecret answers: with the regions, if there are any.
    pub(crate) fn created(&self, secret: &Secret, applied: Applied) -> Applied {
        match applied {
            Applied::Written { version, .. } if self.is_replicated(secret) => self.replicated(secret, version),
            applied => applied,
        }
    }

    /// Notes a read of a replica. No date goes back.
    pub(crate) fn touch_replica(&mut self, access: &Access, day: Timestamp) {
        let Some(replica) = self.replicas.get(&access.secret) else { return };
        let Some(primary) = self.secrets.get(&replica.primary) else { return };
        let Some(touched) = replica.touched(&primary.versions, access.part, day) else { return };
        let shown = Arc::new(touched.shown(primary));
        self.shown_replicas.insert(touched.uid, shown);
        self.replicas.insert(touched.uid, Arc::new(touched));
    }

    /// Has the replicas of a secret show what it is now.
    pub(crate) fn refresh_replicas(&mut self, primary: &Secret) {
        let in_sync = |replica: &&Arc<Replica>| replica.status == ReplicaStatus::InSync;
        let shown: Vec<_> = self.replicas_of(primary.uid).filter(in_sync).map(|r| Arc::new(r.shown(primary))).collect();
        for secret in shown {
            self.shown_replicas.insert(secret.uid, secret);
        }
    }

    /// Lets the replicas be found, in a state whose secrets are all there.
    ///
    /// # Errors
    /// A replica without a primary, or one whose name or ARN another secret has.
    pub(crate) fn enter_replicas(&mut self) -> Result<(), BrokenInvariant> {
        for (uid, replica) in self.replicas.clone() {
            let key = || RecordKey::numbered(RecordKind::Replica, uid.0);
            self.links.insert((replica.primary, uid));
            let Some(primary) = self.secrets.get(&replica.primary) else {
                return Err(BrokenInvariant { key: key(), why: "is of no secret" });
            };
            if replica.status == ReplicaStatus::InSync {
                let shown = replica.shown(primary);
                let is_free = self.secret_named(&shown.namespace, &shown.name).is_none()
                    && self.secret_by_arn(&shown.arn).is_none();
                require(is_free, key, "has the name or the ARN of another")?;
                self.show(shown);
            }
        }
        Ok(())
    }

    /// A replica is of a secret that is not about to go, in another region, and alone there. If it is in sync it is
    /// shown as what the two records make of it, and otherwise not at all.
    pub(crate) fn invariant_replicas_show_their_primaries(&self) -> Result<(), BrokenInvariant> {
        for (uid, replica) in &self.replicas {
            let key = || RecordKey::numbered(RecordKind::Replica, uid.0);
            require(replica.uid == *uid && uid.0 < self.next_uid, key, "has a number that was never drawn")?;
            let Some(primary) = self.secrets.get(&replica.primary) else {
                return Err(BrokenInvariant { key: key(), why: "is of no secret" });
            };
            require(!self.secrets.contains_key(uid), key, "has the number of a secret")?;
            require(!primary.is_scheduled_for_deletion(), key, "is of a secret that is scheduled for deletion")?;
            require(replica.region != primary.namespace.region, key, "is in the region of its primary")?;
            require(self.links.contains(&(primary.uid, *uid)), key, "is not found by its primary")?;
            let in_region = self.replicas_of(primary.uid).filter(|other| other.region == replica.region).count();
            require(in_region == 1, key, "is in the region of another replica of its primary")?;
            require(replica.created <= self.time, key, "has dates that contradict each other")?;
            let sorted = replica.versions_accessed.is_sorted_by(|(a, _), (b, _)| a < b);
            require(sorted, key, "has dates that are not sorted or not unique")?;
            let shown = self.shown_replicas.get(uid).map(AsRef::as_ref);
            let expected = (replica.status == ReplicaStatus::InSync).then(|| replica.shown(primary));
            require(shown == expected.as_ref(), key, "is not what its primary is")?;
        }
        let outnumbered = self.links.len() != self.replicas.len()
            || self.shown_replicas.keys().any(|uid| !self.replicas.contains_key(uid));
        require(!outnumbered, || RecordKey::single(RecordKind::Replica), "is outnumbered by entries of an index")
    }

    /// All of a secret's replicas, in the order of their numbers.
    fn replicas_of(&self, primary: SecretUid) -> impl Iterator<Item = &Arc<Replica>> {
        let all = (primary, SecretUid(0))..=(primary, SecretUid(u64::MAX));
        self.links.range(all).filter_map(|(_, uid)| self.replicas.get(uid))
    }

    fn regions_of(&self, primary: SecretUid) -> Vec<RegionStatus> {
        self.replicas_of(primary).map(|replica| replica.as_ref().into()).collect()
    }

    fn replicated(&self, secret: &Secret, version: Option<VersionId>) -> Applied {
        let regions = self.regions_of(secret.uid);
        Applied::Replicated { arn: secret.arn.clone(), name: secret.name.clone(), version, regions }
    }

    /// Adds the replicas that are missing. Says whether that changed anything.
    fn add_replicas(&mut self, secret: &Secret, add: &AddReplicas) -> bool {
        let mut changed = false;
        for wanted in &add.regions {
            let known = self.replicas_of(secret.uid).find(|replica| replica.region == wanted.region).cloned();
            if wanted.region == secret.namespace.region
                || known.as_ref().is_some_and(|replica| replica.status == ReplicaStatus::InSync)
            {
                continue;
            }
            let status = match self.has_room(secret, &wanted.region, add.force) {
                true => ReplicaStatus::InSync,
                false if known.is_some() => continue,
                false => ReplicaStatus::NameTaken,
            };
            // A new number, so that numbers stay in the order of creation.
            known.iter().for_each(|replica| self.drop_replica(replica));
            let replica = Replica {
                uid: SecretUid(self.draw_uid()),
                primary: secret.uid,
                region: wanted.region.clone(),
                kms_key_id: wanted.kms_key_id.clone(),
                created: self.time,
                status,
                last_accessed: None,
                versions_accessed: Vec::new(),
            };
            self.links.insert((secret.uid, replica.uid));
            if status == ReplicaStatus::InSync {
                self.show(replica.shown(secret));
            }
            self.replicas.insert(replica.uid, Arc::new(replica));
            changed = true;
        }
        changed
    }

    /// Whether the name of a secret is free in a region. A secret that has it may be made to give way, unless it belongs
    /// to a replication itself: that would change a third one, in a region that nobody named.
    fn has_room(&mut self, secret: &Secret, region: &Region, force: bool) -> bool {
        let namespace = Namespace { account: secret.namespace.account, region: region.clone() };
        let Some(other) = self.secret_named(&namespace, &secret.name).cloned() else { return true };
        let gives_way = force && !self.is_replica(&other) && !self.is_replicated(&other);
        if gives_way {
            self.purge(&other);
        }
        gives_way
    }

    /// Lets a replica be found.
    fn show(&mut self, shown: Secret) {
        self.enter(&shown);
        self.shown_replicas.insert(shown.uid, Arc::new(shown));
    }

    fn drop_replica(&mut self, replica: &Replica) {
        self.replicas.remove(&replica.uid);
        self.links.remove(&(replica.primary, replica.uid));
        if let Some(shown) = self.shown_replicas.remove(&replica.uid) {
            self.leave(&shown);
        }
    }

    /// A replica's version for a secret that stands alone: it remembers what its value is sealed under.
    fn own_copy(&self, replica: &Secret, entry: &VersionEntry) -> VersionEntry {
        let version = entry.version.as_ref();
        let sealed_under = version.value.as_ref().map(|_| self.sealed_under(replica, version).clone());
        VersionEntry::new(Arc::new(Version { sealed_under, ..version.clone() }), entry.last_accessed)
    }
}

impl Replica {
    /// The secret that is found in the replica's region.
    fn shown(&self, primary: &Secret) -> Secret {
        let namespace = Namespace { account: primary.namespace.account, region: self.region.clone() };
        Secret {
            uid: self.uid,
            arn: SecretArn::new(&namespace, &primary.name, primary.arn.suffix()),
            namespace,
            kms_key_id: self.kms_key_id.clone(),
            // Its primary is rotated.
            rotation: None,
            created: self.created,
            last_accessed: self.last_accessed,
            versions: primary.versions.iter().map(|entry| self.dated(entry)).collect(),
            ..primary.clone()
        }
    }

    /// A version of the primary with the date of this region.
    fn dated(&self, entry: &VersionEntry) -> VersionEntry {
        VersionEntry { last_accessed: self.version_accessed(entry.version.part), ..entry.clone() }
    }

    fn version_accessed(&self, part: u64) -> Option<Timestamp> {
        let at = self.versions_accessed.binary_search_by_key(&part, |(part, _)| *part).ok()?;
        self.versions_accessed.get(at).map(|(_, day)| *day)
    }

    /// The replica with the dates of a read; `None` if it has them.
    fn touched(&self, versions: &Versions, part: u64, day: Timestamp) -> Option<Self> {
        let is_older = versions.of_part(part).is_some() && self.version_accessed(part) < Some(day);
        if self.status != ReplicaStatus::InSync || self.last_accessed >= Some(day) && !is_older {
            return None;
        }
        let mut next = self.clone();
        next.last_accessed = next.last_accessed.max(Some(day));
        if is_older {
            // Versions that are gone go here too, so there are never more dates than versions.
            next.versions_accessed.retain(|(known, _)| *known != part && versions.of_part(*known).is_some());
            let place = next.versions_accessed.partition_point(|(known, _)| *known < part);
            next.versions_accessed.insert(place, (part, day));
        }
        Some(next)
    }
}

impl From<&Replica> for RegionStatus {
    fn from(replica: &Replica) -> Self {
        Self {
            region: replica.region.clone(),
            kms_key_id: replica.kms_key_id.clone(),
            status: replica.status,
            last_accessed: replica.last_accessed,
        }
    }
}

impl Record {
    pub(crate) fn replica(replica: &Arc<Replica>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::Replica, replica.uid.0), Self::Replica(replica.clone()))
    }
}
