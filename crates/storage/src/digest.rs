//! The digest of a state: equal on two nodes exactly if their states are equal.

use sha2::{Digest, Sha256};
use state::{RecordKey, State};

use crate::codec::encode_record;

/// SHA-256 over all records of `state` in the order of their keys.
///
/// A record enters as `kind u8 | id u64 | part u64 | length u64 | record`, integers big-endian.
pub fn digest(state: &State) -> [u8; 32] {
    let mut digest = StateDigest::default();
    for (key, record) in state.records() {
        digest.add(key, &encode_record(&record));
    }
    digest.finish()
}

/// A digest under way.
#[derive(Default)]
pub(crate) struct StateDigest(Sha256);

impl StateDigest {
    /// Adds the next record.
    pub(crate) fn add(&mut self, key: RecordKey, record: &[u8]) {
        self.0.update([key.kind as u8]);
        self.0.update(key.id.to_be_bytes());
        self.0.update(key.part.to_be_bytes());
        self.0.update((record.len() as u64).to_be_bytes());
        self.0.update(record);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
