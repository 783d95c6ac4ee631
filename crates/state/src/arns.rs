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

impl Key {
    fn new(arn: &SecretArn) -> Self {
        let end = arn.as_str().as_bytes().last_chunk().copied().unwrap_or_default();
        Self { end, arn: arn.clone() }
    }
}

impl Arns {
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
}
