//! The whole replicated state, in persistent maps: a clone is O(1) and is a consistent read.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{AccessKeyId, KeyId, Namespace, NodeId, SecretArn, SecretId, SecretName, Timestamp};

use crate::arns::Arns;
use crate::boot::NodeBoot;
use crate::identity::{AccessKey, Binding, Cluster};
use crate::keyring::Keyring;
use crate::keys::{Aliases, DestroyedKeys, EncryptionKey, Grants, KeyIndex, RewrapJob};
use crate::proposals::Proposals;
use crate::replication::Replica;
use crate::resource_policy::ResourcePolicy;
use crate::secret::{Secret, SecretUid};

/// The secrets of one (account, region).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceIndex {
    /// Live and scheduled secrets, and replicas, by name.
    pub by_name: OrdMap<SecretName, SecretUid>,
    /// The same secrets in the order of creation.
    pub by_creation: OrdSet<SecretUid>,
}

/// The replicated state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) time: Timestamp,
    pub(crate) next_uid: u64,
    pub(crate) cluster: Option<Arc<Cluster>>,
    pub(crate) access_keys: OrdMap<AccessKeyId, Arc<AccessKey>>,
    pub(crate) bindings: OrdMap<Arc<str>, Arc<Binding>>,
    pub(crate) keys: OrdMap<KeyId, Arc<EncryptionKey>>,
    pub(crate) key_index: KeyIndex,
    pub(crate) aliases: Aliases,
    pub(crate) grants: Grants,
    pub(crate) destroyed_keys: DestroyedKeys,
    /// By the numbers of their keys.
    pub(crate) rewraps: OrdMap<u64, Arc<RewrapJob>>,
    pub(crate) keyring: Option<Arc<Keyring>>,
    pub(crate) secrets: OrdMap<SecretUid, Arc<Secret>>,
    /// Of the secrets that have, or have had, one.
    pub(crate) policies: OrdMap<SecretUid, Arc<ResourcePolicy>>,
    pub(crate) replicas: OrdMap<SecretUid, Arc<Replica>>,
    /// Primaries with their replicas.
    pub(crate) links: OrdSet<(SecretUid, SecretUid)>,
    /// What is found in the regions of replicas: made of a replica and its primary, and kept nowhere else.
    pub(crate) shown_replicas: OrdMap<SecretUid, Arc<Secret>>,
    pub(crate) namespaces: OrdMap<Namespace, NamespaceIndex>,
    pub(crate) arns: Arns,
    /// Secrets with a deletion window, by its end.
    pub(crate) scheduled: OrdSet<(Timestamp, SecretUid)>,
    pub(crate) proposals: Proposals,
    /// The data directories of the members.
    pub(crate) boots: OrdMap<NodeId, Arc<NodeBoot>>,
}

impl State {
    /// Log time: the highest stamp that was applied.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What `Bootstrap` wrote; `None` before it.
    pub const fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref()
    }

    /// The access key of that id.
    pub fn access_key(&self, id: &AccessKeyId) -> Option<&Arc<AccessKey>> {
        self.access_keys.get(id)
    }

    /// The binding of a client certificate's URI SAN.
    pub fn binding(&self, uri: &str) -> Option<&Arc<Binding>> {
        self.bindings.get(uri)
    }

    /// The encryption key of that id.
    pub fn encryption_key(&self, id: &KeyId) -> Option<&Arc<EncryptionKey>> {
        self.keys.get(id)
    }

    /// The secret or the replica of that number.
    pub fn secret(&self, uid: SecretUid) -> Option<&Arc<Secret>> {
        self.secrets.get(&uid).or_else(|| self.shown_replicas.get(&uid))
    }

    /// The live or scheduled secret of exactly that name.
    pub fn secret_named(&self, namespace: &Namespace, name: &SecretName) -> Option<&Arc<Secret>> {
        let uid = self.namespaces.get(namespace)?.by_name.get(name)?;
        self.secret(*uid)
    }

    /// The live or scheduled secret of exactly that ARN, its suffix included.
    pub fn secret_by_arn(&self, arn: &SecretArn) -> Option<&Arc<Secret>> {
        self.secret(*self.arns.get(arn)?)
    }

    /// The secret that a request in `namespace` means by `id`.
    pub fn find(&self, namespace: &Namespace, id: &SecretId) -> Option<&Arc<Secret>> {
        match id {
            SecretId::Name(name) => self.secret_named(namespace, name),
            SecretId::Arn(arn) => self.secret_by_arn(arn).filter(|secret| secret.namespace == *namespace),
            SecretId::Nowhere => None,
        }
    }

    /// The secrets of a namespace; `None` when it has none.
    pub fn namespace(&self, namespace: &Namespace) -> Option<&NamespaceIndex> {
        self.namespaces.get(namespace)
    }

    /// All namespaces that have secrets, in their order.
    pub fn namespaces(&self) -> impl Iterator<Item = (&Namespace, &NamespaceIndex)> {
        self.namespaces.iter()
    }

    /// Live and scheduled secrets of all namespaces, without replicas.
    pub fn secret_count(&self) -> usize {
        self.secrets.len()
    }

    /// The secrets whose deletion windows end at that moment or before, the first one first.
    pub fn due(&self, at: Timestamp) -> impl Iterator<Item = SecretUid> {
        self.scheduled.range(..=(at, SecretUid(u64::MAX))).map(|(_, uid)| *uid)
    }

    /// The results of recent proposals.
    pub const fn proposals(&self) -> &Proposals {
        &self.proposals
    }

    /// Whether nothing that decides who may do what, and by which key, has changed between a state and a later one.
    ///
    /// False for two states whose parts are equal but were not made of each other. The earlier one must have been kept
    /// meanwhile, as the maps change in place what nobody else holds.
    pub fn grants_the_same_as(&self, earlier: &Self) -> bool {
        // Each part is named, so that a new one is thought of: all but secrets and what serves the log belongs here.
        let Self {
            cluster,
            access_keys,
            bindings,
            keys,
            aliases,
            grants,
            policies,
            time: _,
            next_uid: _,
            key_index: _,
            destroyed_keys: _,
            rewraps: _,
            keyring: _,
            secrets: _,
            replicas: _,
            links: _,
            shown_replicas: _,
            namespaces: _,
            arns: _,
            scheduled: _,
            proposals: _,
            boots: _,
        } = self;
        let same_cluster = match (cluster, &earlier.cluster) {
            (Some(cluster), Some(earlier)) => Arc::ptr_eq(cluster, earlier),
            (None, None) => true,
            _ => false,
        };
        same_cluster
            && access_keys.ptr_eq(&earlier.access_keys)
            && bindings.ptr_eq(&earlier.bindings)
            && keys.ptr_eq(&earlier.keys)
            && aliases.by_uid.ptr_eq(&earlier.aliases.by_uid)
            && grants.by_uid.ptr_eq(&earlier.grants.by_uid)
            && policies.ptr_eq(&earlier.policies)
    }

    /// Puts a secret into the map and every index. Its uid, name and ARN must be free.
    pub(crate) fn index(&mut self, secret: Arc<Secret>) {
        self.enter(&secret);
        self.insert_unfound(secret);
    }

    /// Puts a secret into the map without those of names and ARNs.
    pub(crate) fn insert_unfound(&mut self, secret: Arc<Secret>) {
        self.schedule(&secret);
        self.secrets.insert(secret.uid, secret);
    }

    /// Lets a secret or a replica be found by its name, its ARN and its number.
    pub(crate) fn enter(&mut self, secret: &Secret) {
        let index = self.namespaces.entry(secret.namespace.clone()).or_default();
        index.by_name.insert(secret.name.clone(), secret.uid);
        index.by_creation.insert(secret.uid);
        self.arns.insert(&secret.arn, secret.uid);
    }

    /// The opposite of [`Self::enter`].
    pub(crate) fn leave(&mut self, secret: &Secret) {
        self.arns.remove(&secret.arn);
        let Some(index) = self.namespaces.get_mut(&secret.namespace) else { return };
        index.by_name.remove(&secret.name);
        index.by_creation.remove(&secret.uid);
        if index.by_name.is_empty() {
            self.namespaces.remove(&secret.namespace);
        }
    }

    /// Puts a secret in the place of itself as it was. Its name and its ARN are the same.
    pub(crate) fn replace(&mut self, secret: Secret) {
        let secret = Arc::new(secret);
        let before = self.secrets.insert(secret.uid, secret.clone());
        self.refresh_replicas(&secret);
        if let Some(before) = before.filter(|before| before.deletion_date != secret.deletion_date) {
            self.unschedule(&before);
            self.schedule(&secret);
        }
    }

    fn schedule(&mut self, secret: &Secret) {
        if let Some(end) = secret.deletion_date {
            self.scheduled.insert((end, secret.uid));
        }
    }

    fn unschedule(&mut self, secret: &Secret) {
        if let Some(end) = secret.deletion_date {
            self.scheduled.remove(&(end, secret.uid));
        }
    }

    /// Takes a secret out of the map and every index: its name is free.
    pub(crate) fn purge(&mut self, secret: &Secret) {
        self.secrets.remove(&secret.uid);
        self.drop_policy(secret.uid);
        self.unschedule(secret);
        self.leave(secret);
    }
}
