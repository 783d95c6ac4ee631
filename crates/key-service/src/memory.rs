//! Where keys live: locked pages that are in no core file, zeroized when a key ends.
//!
//! The limit on locked memory is small on many machines, so keys share pages: a slab of pages is mapped, locked and cut
//! into slots of 32 bytes, which are given out and taken back. Slabs are never unmapped; there are as many as the most
//! keys at one time took.
//!
//! Where the system refuses to lock, keys live in pages that it may swap out. That is reported once to
//! [`on_refused`] and shows in [`status`]; it refuses no request.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memmap2::{Advice, MmapMut};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// Bytes that are mapped and locked at once: 512 keys, a quarter of the smallest usual limit.
const SLAB_BYTES: usize = 16 << 10;

type Slot = &'static mut [u8; KEY_BYTES];

static POOL: Mutex<Pool> = Mutex::new(Pool { free: Vec::new(), refusal: Refusal::None });
static LOCKED_BYTES: AtomicU64 = AtomicU64::new(0);
static UNLOCKED_BYTES: AtomicU64 = AtomicU64::new(0);

/// A 32-byte key in locked memory: born in place, zeroized when dropped, printed by name only.
///
/// It is neither cloned nor serialized; whoever needs it twice shares it.
pub struct LockedKey(Option<Slot>);

impl LockedKey {
    /// Copies the key; the bytes that it is copied from are the caller's to wipe.
    pub fn copy_from(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut key = Self::zero();
        key.slot().copy_from_slice(bytes);
        key
    }

    /// Lets `fill` write the key in place, so that no copy of it is left on the stack.
    ///
    /// # Errors
    /// Whatever `fill` answers.
    pub fn born<E>(fill: impl FnOnce(&mut [u8; KEY_BYTES]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self::zero();
        fill(key.slot())?;
        Ok(key)
    }

    /// The key itself.
    ///
    /// # Panics
    /// Never: a key has its slot until it is dropped.
    pub fn expose_secret(&self) -> &[u8; KEY_BYTES] {
        self.0.as_deref().expect("a key has a slot")
    }

    /// Compares two keys in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.expose_secret().ct_eq(other.expose_secret()).into()
    }

    fn zero() -> Self {
        Self(Some(pool().take()))
    }

    fn slot(&mut self) -> &mut [u8; KEY_BYTES] {
        self.0.as_deref_mut().expect("a key has a slot")
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            slot.zeroize();
            pool().free.push(slot);
        }
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockedKey")
    }
}

/// How much memory keys have taken so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryStatus {
    /// Bytes of pages that are locked.
    pub locked_bytes: u64,
    /// Bytes of pages that the system refused to lock. They may be swapped out.
    pub unlocked_bytes: u64,
}

/// What keys live in now.
pub fn status() -> MemoryStatus {
    MemoryStatus {
        locked_bytes: LOCKED_BYTES.load(Ordering::Relaxed),
        unlocked_bytes: UNLOCKED_BYTES.load(Ordering::Relaxed),
    }
}

/// Has the first refusal to lock memory reported, at once if it has happened.
pub fn on_refused(report: fn(&io::Error)) {
    let mut pool = pool();
    match std::mem::replace(&mut pool.refusal, Refusal::None) {
        Refusal::None | Refusal::Awaited(_) => pool.refusal = Refusal::Awaited(report),
        Refusal::Happened(error) => {
            pool.refusal = Refusal::Reported;
            drop(pool);
            report(&error);
        }
        Refusal::Reported => pool.refusal = Refusal::Reported,
    }
}

struct Pool {
    /// Every slot in it is zero.
    free: Vec<Slot>,
    refusal: Refusal,
}

enum Refusal {
    None,
    Awaited(fn(&io::Error)),
    Happened(io::Error),
    Reported,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn take(&mut self) -> Slot {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        let slab = self.map_slab();
        let (slots, _) = slab.as_chunks_mut::<KEY_BYTES>();
        self.free.extend(slots);
        self.free.pop().expect("a slab has slots")
    }

    /// # Panics
    /// When the system has no memory at all, as every allocation does.
    fn map_slab(&mut self) -> &'static mut [u8] {
        let slab = MmapMut::map_anon(SLAB_BYTES).expect("the system gives memory");
        // A kernel that does not know an advice does without; the process is not dumpable in any case.
        let _ = slab.advise(Advice::DontDump);
        let _ = slab.advise(Advice::DontFork);
        match slab.lock() {
            Ok(()) => LOCKED_BYTES.fetch_add(SLAB_BYTES as u64, Ordering::Relaxed),
            Err(error) => {
                self.refused(error);
                UNLOCKED_BYTES.fetch_add(SLAB_BYTES as u64, Ordering::Relaxed)
            }
        };
        &mut Box::leak(Box::new(slab))[..]
    }

    fn refused(&mut self, error: io::Error) {
        match self.refusal {
            Refusal::None => self.refusal = Refusal::Happened(error),
            Refusal::Awaited(report) => {
                self.refusal = Refusal::Reported;
                report(&error);
            }
            Refusal::Happened(_) | Refusal::Reported => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// The flags of the mapping that `key` lies in, and how much of it is locked.
    fn mapping_of(key: &LockedKey) -> String {
        let address = key.expose_secret().as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        let mut found = String::new();
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let range = range.and_then(|(from, to)| {
                Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
            });
            if let Some((from, to)) = range {
                inside = (from..to).contains(&address);
            } else if inside && line.starts_with("VmFlags:") {
                found = line.to_owned();
            }
        }
        found
    }

    #[test]
    fn keys_lie_in_pages_that_are_locked_and_not_dumped() {
        let key = LockedKey::copy_from(&[1; KEY_BYTES]);
        let before = status();
        assert!(before.locked_bytes + before.unlocked_bytes >= SLAB_BYTES as u64);
        let flags = mapping_of(&key);
        assert!(flags.contains(" dd"), "{flags}");
        if before.unlocked_bytes == 0 {
            assert!(flags.contains(" lo"), "{flags}");
        }
    }

    #[test]
    fn small_keys_share_pages() {
        let before = status();
        let keys: Vec<LockedKey> = (0..1_000).map(|_| LockedKey::copy_from(&[1; KEY_BYTES])).collect();
        let after = status();
        let grown = after.locked_bytes + after.unlocked_bytes - before.locked_bytes - before.unlocked_bytes;
        // Other tests of the process may hold keys too, but not thousands.
        assert!(grown <= 4 * SLAB_BYTES as u64, "{grown} bytes for {} keys", keys.len());
    }

    #[test]
    fn a_slot_is_zero_when_it_is_given_back() {
        let key = LockedKey::copy_from(&[0xaa; KEY_BYTES]);
        drop(key);
        assert!(pool().free.iter().all(|slot| **slot == [0; KEY_BYTES]));
        let failed: Result<LockedKey, &str> = LockedKey::born(|key| {
            key.fill(0xbb);
            Err("no key")
        });
        assert_eq!(failed.err(), Some("no key"));
        assert!(pool().free.iter().all(|slot| **slot == [0; KEY_BYTES]));
    }

    #[test]
    fn no_two_keys_share_a_slot() {
        let fill = |byte: u8| {
            LockedKey::born(|key| {
                key.fill(byte);
                Ok::<(), Infallible>(())
            })
        };
        let threads: Vec<_> = (0..4u8)
            .map(|thread| {
                std::thread::spawn(move || {
                    for round in 0..200u8 {
                        let keys: Vec<_> = (0..20u8).map(|key| fill(thread ^ round ^ key).unwrap()).collect();
                        for (byte, key) in (0..20u8).zip(&keys) {
                            assert_eq!(key.expose_secret(), &[thread ^ round ^ byte; KEY_BYTES]);
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn a_refusal_is_reported_once_whenever_it_was() {
        static REPORTS: AtomicUsize = AtomicUsize::new(0);
        fn report(_: &io::Error) {
            REPORTS.fetch_add(1, Ordering::Relaxed);
        }
        let refusal = || io::Error::from(io::ErrorKind::PermissionDenied);
        let mut pool = Pool { free: Vec::new(), refusal: Refusal::Awaited(report) };
        pool.refused(refusal());
        pool.refused(refusal());
        assert_eq!(REPORTS.load(Ordering::Relaxed), 1);
        let mut early = Pool { free: Vec::new(), refusal: Refusal::None };
        early.refused(refusal());
        assert!(matches!(early.refusal, Refusal::Happened(_)));
    }

    #[test]
    fn debug_prints_no_key() {
        assert_eq!(format!("{:?}", LockedKey::copy_from(&[7; KEY_BYTES])), "LockedKey");
    }
}
