//! The index of secrets by ARN.

use imbl::OrdMap;
use types::SecretArn;

use crate::secret::SecretUid;

/// Finds a secret by its full ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arns(OrdMap<Key, SecretUid>);

/// An ARN by its end first. ARNs begin alike and end at random, so the end, which lies in the map's own nodes, decides
/// nearly every comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    end: [u8; 8],
    arn: SecretArn,
}

/// An ARN and its secret, to be sorted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry(Key, SecretUid);

impl Entry {
    pub(crate) fn new(arn: &SecretArn, uid: SecretUid) -> Self {
        Self(Key::new(arn), uid)
    }
}

impl Key {
    fn new(arn: &SecretArn) -> Self {
        let end = arn.as_str().as_bytes().last_chunk().copied().unwrap_or_default();
        Self { end, arn: arn.clone() }
    }
}

impl Arns {
    /// The index of many secrets; or the later one of two of one ARN.
    pub(crate) fn of_entries(mut entries: Vec<Entry>) -> Result<Self, SecretUid> {
        entries.sort_unstable();
        let twice = entries.windows(2).find(|pair| pair[0].0 == pair[1].0);
        if let Some([_, Entry(_, uid)]) = twice {
            return Err(*uid);
        }
        Ok(Self(entries.into_iter().map(|Entry(key, uid)| (key, uid)).collect()))
    }

    pub(crate) fn get(&self, arn: &SecretArn) -> Option<&SecretUid> {
        self.0.get(&Key::new(arn))
    }

    pub(crate) fn insert(&mut self, arn: &SecretArn, uid: SecretUid) {
        self.0.insert(Key::new(arn), uid);
    }

    pub(crate) fn remove(&mut self, arn: &SecretArn) {
        self.0.remove(&Key::new(arn));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_that_end_alike_are_two() {
        let [one, two, short] = ["arn:one-a1b2c3d4", "arn:two-a1b2c3d4", "c3d4"].map(SecretArn::from_stored);
        let mut arns = Arns::default();
        arns.insert(&one, SecretUid(1));
        arns.insert(&two, SecretUid(2));
        assert_eq!(
            (arns.get(&one), arns.get(&two), arns.get(&short)),
            (Some(&SecretUid(1)), Some(&SecretUid(2)), None)
        );
        arns.remove(&one);
        assert_eq!((arns.get(&one), arns.len()), (None, 1));
    }

    #[test]
    fn many_at_once_are_found_as_those_that_came_one_by_one() {
        let arns = ["arn:one-a1b2c3d4", "arn:two-a1b2c3d4", "arn:three-00000000", "c3d4"].map(SecretArn::from_stored);
        let entries = || arns.iter().zip(1..).map(|(arn, uid)| Entry::new(arn, SecretUid(uid)));
        let mut one_by_one = Arns::default();
        arns.iter().zip(1..).for_each(|(arn, uid)| one_by_one.insert(arn, SecretUid(uid)));
        let at_once = Arns::of_entries(entries().collect()).unwrap();
        assert_eq!(at_once, one_by_one);
        assert_eq!(at_once.get(&arns[2]), Some(&SecretUid(3)));
        let twice = entries().chain([Entry::new(&arns[0], SecretUid(9))]);
        assert_eq!(Arns::of_entries(twice.collect()), Err(SecretUid(9)));
    }
}
