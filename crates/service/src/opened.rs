//! Opened keys, kept so that a request does not open them again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// Things that were opened, by name and by the log index of their last change.
///
/// An entry answers only for the index that it was opened at, so a change is seen by every state that holds it. What
/// is replaced or evicted is dropped, and zeroed by its own type, once the last request lets go of it.
pub(crate) struct Opened<K, V> {
    entries: RwLock<HashMap<K, Entry<V>>>,
    capacity: usize,
}

struct Entry<V> {
    changed_at: u64,
    value: Arc<V>,
}

impl<K: Clone + Eq + Hash, V> Opened<K, V> {
    /// Keeps at most `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: RwLock::default(), capacity }
    }

    /// The thing of that name as of `changed_at`, opened if need be.
    ///
    /// # Errors
    /// Whatever `open` answers; failures are not kept.
    pub(crate) fn get_or_open<Q, E>(
        &self,
        name: &Q,
        changed_at: u64,
        open: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(entry) = self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name)
            && entry.changed_at == changed_at
        {
            return Ok(entry.value.clone());
        }
        let value = Arc::new(open()?);
        self.keep(name.to_owned(), Entry { changed_at, value: value.clone() });
        Ok(value)
    }

    fn keep(&self, name: K, entry: Entry<V>) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        // A request on an older state must not push out what newer ones use.
        if entries.get(&name).is_some_and(|kept| kept.changed_at > entry.changed_at) {
            return;
        }
        if entries.len() >= self.capacity && !entries.contains_key(&name) {
            let any = entries.keys().next().cloned();
            any.and_then(|name| entries.remove(&name));
        }
        entries.insert(name, entry);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn open(value: u32) -> impl FnOnce() -> Result<u32, Infallible> {
        move || Ok(value)
    }

    #[test]
    fn a_change_is_opened_again_and_an_older_state_does_not_undo_it() {
        let opened = Opened::<String, u32>::new(8);
        assert_eq!(*opened.get_or_open("a", 1, open(10)).unwrap(), 10);
        assert_eq!(*opened.get_or_open("a", 1, open(99)).unwrap(), 10);
        assert_eq!(*opened.get_or_open("a", 2, open(20)).unwrap(), 20);
        assert_eq!(*opened.get_or_open("a", 1, open(10)).unwrap(), 10);
        assert_eq!(*opened.get_or_open("a", 2, open(99)).unwrap(), 20);
        assert_eq!(opened.get_or_open("b", 1, || Err("refused")), Err("refused"));
    }

    #[test]
    fn no_more_than_the_capacity_is_kept() {
        let opened = Opened::<u32, u32>::new(3);
        for name in 0..10 {
            opened.get_or_open(&name, 1, open(name)).unwrap();
            assert!(opened.entries.read().unwrap().len() <= 3);
        }
        assert_eq!(*opened.get_or_open(&9, 1, open(99)).unwrap(), 9);
    }
}
