//! The indexes of a state that is put together from its records.
//!
//! A name or an ARN that is added to a map somewhere in its middle costs a walk over nodes and texts that are in no
//! cache; with a million secrets that was most of a start. So they are collected, sorted once, and added in order.

use std::collections::BTreeMap;
use std::{panic, thread};

use types::{Namespace, SecretName};

use crate::arns::{self, Arns};
use crate::invariants::BrokenInvariant;
use crate::record::{RecordKey, RecordKind};
use crate::secret::{Secret, SecretUid};
use crate::state::{NamespaceIndex, State};

/// Collects what secrets are found by. They come in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    namespaces: BTreeMap<Namespace, Vec<(SecretName, SecretUid)>>,
    arns: Vec<arns::Entry>,
}

impl IndexBuilder {
    /// Notes a secret, and has it share the namespace of the others.
    pub(crate) fn push(&mut self, secret: &mut Secret) {
        if !self.namespaces.contains_key(&secret.namespace) {
            self.namespaces.insert(secret.namespace.clone(), Vec::new());
        }
        let Some((namespace, _)) = self.namespaces.get_key_value(&secret.namespace) else { return };
        secret.namespace = namespace.clone();
        if let Some(names) = self.namespaces.get_mut(&secret.namespace) {
            names.push((secret.name.clone(), secret.uid));
        }
        self.arns.push(arns::Entry::new(&secret.arn, secret.uid));
    }

    /// Puts the indexes into a state that has none yet.
    ///
    /// # Errors
    /// A secret that has the name or the ARN of one before it.
    pub(crate) fn finish(self, state: &mut State) -> Result<(), BrokenInvariant> {
        let Self { namespaces, arns } = self;
        let (indexes, arns) = thread::scope(|scope| {
            let arns = scope.spawn(|| Arns::of_entries(arns));
            let indexes = namespaces.into_iter().map(|(namespace, names)| Ok((namespace, index(names)?)));
            let indexes = indexes.collect::<Result<_, _>>();
            (indexes, arns.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
        });
        state.namespaces = indexes.map_err(|uid| broken(uid, "has the name of another"))?;
        state.arns = arns.map_err(|uid| broken(uid, "has the ARN of another"))?;
        Ok(())
    }
}

fn broken(uid: SecretUid, why: &'static str) -> BrokenInvariant {
    BrokenInvariant { key: RecordKey::numbered(RecordKind::Secret, uid.0), why }
}

/// The index of a namespace; or the later one of two secrets of one name.
fn index(names: Vec<(SecretName, SecretUid)>) -> Result<NamespaceIndex, SecretUid> {
    let by_creation = names.iter().map(|(_, uid)| *uid).collect();
    let shared = shared_prefix(&names);
    // The start of the part that differs lies beside the number: nearly every comparison ends there.
    let mut sorted: Vec<_> = names.into_iter().map(|(name, uid)| (start(&name, shared), name, uid)).collect();
    sorted.sort_unstable();
    let twice = sorted.windows(2).find(|pair| pair[0].1 == pair[1].1);
    if let Some([_, (_, _, uid)]) = twice {
        return Err(*uid);
    }
    let by_name = sorted.into_iter().map(|(_, name, uid)| (name, uid)).collect();
    Ok(NamespaceIndex { by_name, by_creation })
}

/// Bytes with which all the names begin.
fn shared_prefix(names: &[(SecretName, SecretUid)]) -> usize {
    let Some((first, rest)) = names.split_first() else { return 0 };
    let first = first.0.as_str().as_bytes();
    rest.iter().fold(first.len(), |shared, (name, _)| {
        first.iter().zip(name.as_str().as_bytes()).take(shared).take_while(|(one, other)| one == other).count()
    })
}

/// The bytes of a name from a place on as a number: in the order of the names, unless they are the same.
fn start(name: &SecretName, from: usize) -> u128 {
    let bytes = name.as_str().as_bytes().get(from..).unwrap_or_default();
    let mut digits = [0; size_of::<u128>()];
    digits.iter_mut().zip(bytes).for_each(|(digit, byte)| *digit = *byte);
    u128::from_be_bytes(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<(SecretName, SecretUid)> {
        let name = |(text, uid): (&&str, u64)| (SecretName::parse(text).unwrap(), SecretUid(uid));
        texts.iter().zip(1..).map(name).collect()
    }

    #[test]
    fn every_name_is_found_whatever_they_have_in_common() {
        let long = "a".repeat(40);
        let longer = format!("{long}b");
        for texts in [
            &["b", "a", "c"][..],
            &["prod/db/one", "prod/db/another", "prod/db/", "prod/db/oneself"],
            &[&longer, &long, "aa"],
            &[&longer, &long],
            &["alone"],
        ] {
            let index = index(names(texts)).unwrap();
            assert_eq!(index, {
                let mut expected = NamespaceIndex::default();
                for (name, uid) in names(texts) {
                    expected.by_name.insert(name, uid);
                    expected.by_creation.insert(uid);
                }
                expected
            });
            for (name, uid) in names(texts) {
                assert_eq!(index.by_name.get(&name), Some(&uid));
            }
        }
    }

    #[test]
    fn the_later_one_of_two_of_one_name_is_named() {
        let long = "a".repeat(40);
        assert_eq!(index(names(&["b", "a", "b"])).unwrap_err(), SecretUid(3));
        assert_eq!(index(names(&[&long, &long])).unwrap_err(), SecretUid(2));
    }
}
