//! Grants: permissions to use a key that stand beside its policy. A grant is never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use types::{KeyId, Principal, Timestamp, limits};

use super::refusal::KeyRefusal;
use crate::outcome::{Applied, Outcome, Refusal};
use crate::record::{Record, RecordKey, RecordKind};
use crate::state::State;

/// The id of a grant, drawn by the proposer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub [u8; 32]);

impl GrantId {
    /// Reads the 64 hexadecimal digits that [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal),+ $(,)?) => {
        /// What a grant on a symmetric key for encryption may permit. The numbers stand on disk.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum GrantOperation {
            $($(#[$doc])* $name = $number,)+
        }

        impl GrantOperation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in the API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The operation of that name in the API.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|operation| operation.name() == text)
            }
        }
    };
}

operations! {
    /// Decrypt.
    Decrypt = 1,
    /// Encrypt.
    Encrypt = 2,
    /// GenerateDataKey.
    GenerateDataKey = 3,
    /// GenerateDataKeyWithoutPlaintext.
    GenerateDataKeyWithoutPlaintext = 4,
    /// ReEncrypt, of what the key has encrypted.
    ReEncryptFrom = 5,
    /// ReEncrypt, to the key.
    ReEncryptTo = 6,
    /// CreateGrant, with the same permissions or fewer.
    CreateGrant = 7,
    /// RetireGrant.
    RetireGrant = 8,
    /// DescribeKey.
    DescribeKey = 9,
    /// GenerateDataKeyPair.
    GenerateDataKeyPair = 10,
    /// GenerateDataKeyPairWithoutPlaintext.
    GenerateDataKeyPairWithoutPlaintext = 11,
}

/// What an encryption context has to be like.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantConstraints {
    /// It has at least these pairs.
    pub subset: Option<BTreeMap<Arc<str>, Arc<str>>>,
    /// It has these pairs and no others.
    pub equals: Option<BTreeMap<Arc<str>, Arc<str>>>,
}

/// What a grant says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantTerms {
    /// With a name, a grant that says the same is not made twice.
    pub name: Option<Arc<str>>,
    /// Who may.
    pub grantee: Arc<str>,
    /// Who may retire it.
    pub retiring: Option<Arc<str>>,
    /// What. Sorted, each once.
    pub operations: Vec<GrantOperation>,
    /// On which condition.
    pub constraints: GrantConstraints,
}

/// A grant that is to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// Drawn by the proposer; one that is taken means Conflict.
    pub id: GrantId,
    /// What it says.
    pub terms: Arc<GrantTerms>,
}

/// A grant of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// The record's number; grants are listed in this order.
    pub uid: u64,
    /// Unique among the grants of the key.
    pub id: GrantId,
    /// The key.
    pub key: KeyId,
    /// What it says.
    pub terms: Arc<GrantTerms>,
    /// Who has made it.
    pub issuer: Principal,
    /// When it was made.
    pub created: Timestamp,
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

debug_as_name!(Grant, NewGrant, GrantTerms, GrantConstraints);

/// All grants, and what they are found by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) by_uid: OrdMap<u64, Arc<Grant>>,
    by_key: OrdMap<KeyId, OfKey>,
    by_retiring: OrdSet<(Arc<str>, u64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfKey {
    by_id: OrdMap<GrantId, u64>,
    in_order: OrdSet<u64>,
    /// Those with names: one that says the same is not made again.
    named: OrdMap<Arc<GrantTerms>, u64>,
}

impl Grants {
    fn of_id(&self, key: &KeyId, id: &GrantId) -> Option<&Arc<Grant>> {
        self.by_uid.get(self.by_key.get(key)?.by_id.get(id)?)
    }

    /// The grant with a name that says the same.
    fn same_as(&self, key: &KeyId, terms: &GrantTerms) -> Option<&Arc<Grant>> {
        terms.name.as_ref()?;
        self.by_uid.get(self.by_key.get(key)?.named.get(terms)?)
    }

    pub(crate) fn count_of(&self, key: &KeyId) -> usize {
        self.by_key.get(key).map_or(0, |grants| grants.in_order.len())
    }

    /// Adds a grant. False if another one has its id or says the same under a name.
    pub(crate) fn insert(&mut self, grant: Arc<Grant>) -> bool {
        if self.of_id(&grant.key, &grant.id).is_some() || self.same_as(&grant.key, &grant.terms).is_some() {
            return false;
        }
        let of_key = self.by_key.entry(grant.key).or_default();
        of_key.by_id.insert(grant.id, grant.uid);
        of_key.in_order.insert(grant.uid);
        if grant.terms.name.is_some() {
            of_key.named.insert(grant.terms.clone(), grant.uid);
        }
        if let Some(retiring) = &grant.terms.retiring {
            self.by_retiring.insert((retiring.clone(), grant.uid));
        }
        self.by_uid.insert(grant.uid, grant);
        true
    }

    fn remove(&mut self, grant: &Grant) {
        self.by_uid.remove(&grant.uid);
        if let Some(retiring) = &grant.terms.retiring {
            self.by_retiring.remove(&(retiring.clone(), grant.uid));
        }
        if let Some(of_key) = self.by_key.get_mut(&grant.key) {
            of_key.by_id.remove(&grant.id);
            of_key.in_order.remove(&grant.uid);
            of_key.named.remove(&grant.terms);
            if of_key.in_order.is_empty() {
                self.by_key.remove(&grant.key);
            }
        }
    }

    /// Whether each grant is found by its id, its name and who may retire it, and nothing else is found.
    pub(crate) fn are_found(&self) -> bool {
        let is_found = |(uid, grant): (&u64, &Arc<Grant>)| {
            let retiring = grant.terms.retiring.as_ref();
            let same = self.same_as(&grant.key, &grant.terms);
            grant.uid == *uid
                && self.by_key.get(&grant.key).is_some_and(|of_key| of_key.in_order.contains(uid))
                && self.of_id(&grant.key, &grant.id).is_some_and(|found| found.uid == *uid)
                && same.map(|found| found.uid) == grant.terms.name.as_ref().map(|_| *uid)
                && retiring.is_none_or(|retiring| self.by_retiring.contains(&(retiring.clone(), *uid)))
        };
        let count = |of: fn(&OfKey) -> usize| self.by_key.values().map(of).sum::<usize>();
        let grants = || self.by_uid.values().map(|grant| &grant.terms);
        self.by_uid.iter().all(is_found)
            && count(|of_key| of_key.by_id.len()) == self.by_uid.len()
            && count(|of_key| of_key.in_order.len()) == self.by_uid.len()
            && count(|of_key| of_key.named.len()) == grants().filter(|terms| terms.name.is_some()).count()
            && self.by_retiring.len() == grants().filter(|terms| terms.retiring.is_some()).count()
            && self.by_key.values().all(|of_key| !of_key.in_order.is_empty())
    }
}

impl State {
    /// The grant of a key that has that id.
    pub fn grant(&self, key: &KeyId, id: &GrantId) -> Option<&Arc<Grant>> {
        self.grants.of_id(key, id)
    }

    /// The grants of a key whose numbers are above one, in the order in which they were made.
    pub fn grants_of(&self, key: &KeyId, after: Option<u64>) -> impl Iterator<Item = &Arc<Grant>> + use<'_> {
        let range = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let uids = self.grants.by_key.get(key).map(|grants| grants.in_order.range(range));
        uids.into_iter().flatten().filter_map(|uid| self.grants.by_uid.get(uid))
    }

    /// How many grants a key has.
    pub fn grant_count(&self, key: &KeyId) -> usize {
        self.grants.count_of(key)
    }

    /// The grants of all keys that a principal may retire, of numbers above one, in the order in which they were made.
    pub fn retirable_grants<'a>(
        &'a self,
        principal: &str,
        after: Option<u64>,
    ) -> impl Iterator<Item = &'a Arc<Grant>> + use<'a> {
        let principal: Arc<str> = principal.into();
        let first = match after {
            None => Bound::Included((principal.clone(), 0)),
            Some(uid) => Bound::Excluded((principal.clone(), uid)),
        };
        let range = (first, Bound::Included((principal, u64::MAX)));
        self.grants.by_retiring.range(range).filter_map(|(_, uid)| self.grants.by_uid.get(uid))
    }

    /// CreateGrant on a key that may have grants.
    pub(super) fn create_grant(&mut self, issuer: &Principal, key: KeyId, new: NewGrant) -> Outcome {
        let NewGrant { id, terms } = new;
        if let Some(same) = self.grants.same_as(&key, &terms) {
            return Ok(Applied::Granted { key, grant: same.id });
        }
        if self.grants.count_of(&key) >= limits::GRANTS_PER_KEY {
            return Err(KeyRefusal::GrantQuota.into());
        }
        if self.grant(&key, &id).is_some() {
            // The proposer draws another id.
            return Err(Refusal::Conflict);
        }
        let grant = Grant { uid: self.draw_uid(), id, key, terms, issuer: issuer.clone(), created: self.time };
        self.grants.insert(Arc::new(grant));
        Ok(Applied::Granted { key, grant: id })
    }

    /// Takes a grant from its key. False if it is not there.
    pub(super) fn end_grant(&mut self, key: &KeyId, id: &GrantId) -> bool {
        let Some(grant) = self.grant(key, id).cloned() else { return false };
        self.grants.remove(&grant);
        true
    }

    /// Ends the grants of a key that is gone.
    pub(super) fn drop_grants_of(&mut self, key: &KeyId) {
        let grants: Vec<_> = self.grants_of(key, None).cloned().collect();
        grants.iter().for_each(|grant| self.grants.remove(grant));
    }
}

impl Record {
    pub(crate) fn grant(grant: &Arc<Grant>) -> (RecordKey, Self) {
        (RecordKey::numbered(RecordKind::Grant, grant.uid), Self::Grant(grant.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = GrantId(std::array::from_fn(|at| u8::try_from(at * 7 % 256).unwrap()));
        assert_eq!(GrantId::parse(&id.to_string()), Some(id));
        for wrong in ["", &id.to_string()[1..], &id.to_string().to_uppercase(), &format!("{id}00"), &"g".repeat(64)] {
            assert_eq!(GrantId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn operations_have_one_name_and_one_number_each() {
        for (place, operation) in GrantOperation::ALL.iter().enumerate() {
            assert_eq!(GrantOperation::parse(operation.name()), Some(*operation));
            assert_eq!(*operation as usize, place + 1);
        }
        assert_eq!(GrantOperation::parse("Sign"), None);
    }
}
