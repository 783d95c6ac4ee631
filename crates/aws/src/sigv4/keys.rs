//! Keys derived from the secrets of access keys, kept for the day they are good for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use types::{AccessKeyId, Region, SecretBytes, limits};
use zeroize::Zeroizing;

use super::TERMINATOR;

/// What a derived key is good for. A key whose secret was changed has another `changed_at`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct KeyName {
    pub(super) access_key: AccessKeyId,
    pub(super) changed_at: u64,
    /// `YYYYMMDD`.
    pub(super) day: [u8; 8],
    pub(super) region: Region,
    pub(super) service: &'static str,
}

/// A bounded cache of derived keys, zeroed when they leave it.
pub(crate) struct SigningKeys {
    cached: RwLock<Cached>,
    decoy: Arc<SecretBytes>,
}

#[derive(Default)]
struct Cached {
    newest_day: [u8; 8],
    keys: HashMap<KeyName, Arc<SecretBytes>>,
}

impl SigningKeys {
    /// An empty cache.
    pub(crate) fn new() -> Self {
        Self { cached: RwLock::default(), decoy: Arc::new(SecretBytes::copy_from(&[0; 32])) }
    }

    /// The derived key of `name`. Nobody but the service can name an access key that exists, so what is kept here
    /// is bounded by the access keys there are, and by [`limits::SIGNING_KEYS`].
    pub(super) fn key(&self, name: KeyName, secret: &[u8]) -> Arc<SecretBytes> {
        if let Some(key) = self.cached.read().unwrap_or_else(PoisonError::into_inner).keys.get(&name) {
            return key.clone();
        }
        let key = Arc::new(derived(&name, secret));
        self.cached.write().unwrap_or_else(PoisonError::into_inner).insert(name, key.clone());
        key
    }

    /// A key that signs nothing, for the same work on behalf of access keys that do not exist.
    pub(super) fn decoy(&self) -> Arc<SecretBytes> {
        self.decoy.clone()
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys")
    }
}

impl Cached {
    /// To derive again costs microseconds, so a new day and a full cache both start from nothing.
    fn insert(&mut self, name: KeyName, key: Arc<SecretBytes>) {
        if name.day > self.newest_day || self.keys.len() >= limits::SIGNING_KEYS {
            self.keys.clear();
            self.newest_day = self.newest_day.max(name.day);
        }
        self.keys.insert(name, key);
    }
}

fn derived(name: &KeyName, secret: &[u8]) -> SecretBytes {
    let mut start = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    start.extend_from_slice(b"AWS4");
    start.extend_from_slice(secret);
    let day = hmac_sha256(&start, &name.day);
    let region = hmac_sha256(&*day, name.region.as_str().as_bytes());
    let service = hmac_sha256(&*region, name.service.as_bytes());
    SecretBytes::copy_from(&hmac_sha256(&*service, TERMINATOR.as_bytes()))
}

pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(access_key: &str, changed_at: u64, day: &[u8; 8]) -> KeyName {
        KeyName {
            access_key: AccessKeyId::parse(access_key).unwrap(),
            changed_at,
            day: *day,
            region: Region::parse("us-east-1").unwrap(),
            service: "secretsmanager",
        }
    }

    fn kept(keys: &SigningKeys) -> usize {
        keys.cached.read().unwrap().keys.len()
    }

    #[test]
    fn a_changed_secret_is_never_served_from_the_cache() {
        let keys = SigningKeys::new();
        let before = keys.key(name("AKID", 7, b"20150830"), b"old");
        let cached = keys.key(name("AKID", 7, b"20150830"), b"ignored: the same change");
        let after = keys.key(name("AKID", 8, b"20150830"), b"new");
        assert!(before.ct_eq(&cached));
        assert!(!before.ct_eq(&after));
    }

    #[test]
    fn a_new_day_forgets_the_keys_of_the_day_before() {
        let keys = SigningKeys::new();
        keys.key(name("AKIDA", 1, b"20150830"), b"a");
        keys.key(name("AKIDB", 1, b"20150830"), b"b");
        keys.key(name("AKIDA", 1, b"20150831"), b"a");
        assert_eq!(kept(&keys), 1);
        keys.key(name("AKIDB", 1, b"20150830"), b"b");
        assert_eq!(kept(&keys), 2);
    }

    #[test]
    fn the_cache_is_bounded() {
        let keys = SigningKeys::new();
        let count = u64::try_from(limits::SIGNING_KEYS).unwrap() + 10;
        for changed_at in 0..count {
            keys.cached.write().unwrap().insert(name("AKID", changed_at, b"20150830"), keys.decoy());
        }
        assert!(kept(&keys) <= limits::SIGNING_KEYS);
    }
}
