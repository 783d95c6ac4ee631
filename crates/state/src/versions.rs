//! The versions of a secret, kept so that a secret with one more of them shares the others with the one before.
//!
//! A put makes a new secret beside the old one, which readers hold. With one list each put would count up, and later
//! down, the references of all versions, which are not in the processor's cache: that was most of what a put cost here.

use std::ops::Index;
use std::sync::Arc;

use types::VersionId;

use crate::secret::VersionEntry;

/// Versions of a block.
const BLOCK: usize = 8;

/// Versions in the order of creation.
#[derive(Clone, Default)]
pub struct Versions {
    /// All but the newest, shared between copies. A block is never empty.
    blocks: Vec<Arc<[VersionEntry]>>,
    /// Fewer than [`BLOCK`].
    newest: Vec<VersionEntry>,
}

impl Versions {
    /// The number of versions.
    pub fn len(&self) -> usize {
        self.parts().map(<[_]>::len).sum()
    }

    /// Whether there is no version.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.newest.is_empty()
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &VersionEntry> + Clone {
        self.blocks.iter().flat_map(|block| block.iter()).chain(&self.newest)
    }

    /// The newest version.
    pub fn last(&self) -> Option<&VersionEntry> {
        self.iter().next_back()
    }

    /// The version at a place, counted from the oldest.
    pub fn get(&self, mut at: usize) -> Option<&VersionEntry> {
        for part in self.parts() {
            match at.checked_sub(part.len()) {
                None => return part.get(at),
                Some(rest) => at = rest,
            }
        }
        None
    }

    /// The version of that id.
    pub fn of_id(&self, id: &VersionId) -> Option<&VersionEntry> {
        let mark = VersionEntry::mark_of(id);
        self.iter().rev().find(|entry| entry.mark == mark && entry.version.id == *id)
    }

    /// The version whose record has that part.
    pub fn of_part(&self, part: u64) -> Option<&VersionEntry> {
        let holds = |entries: &&[VersionEntry]| entries.last().is_some_and(|last| last.version.part >= part);
        let entries = self.parts().find(holds)?;
        let at = entries.binary_search_by_key(&part, |entry| entry.version.part).ok()?;
        entries.get(at)
    }

    /// No versions, and room for some.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { blocks: Vec::new(), newest: Vec::with_capacity(count.min(BLOCK)) }
    }

    /// Adds the newest version.
    pub(crate) fn push(&mut self, entry: VersionEntry) {
        if self.newest.is_empty() {
            // Most secrets stay with one version, and a vector that grows by itself would begin with four.
            self.newest.reserve_exact(1);
        }
        self.newest.push(entry);
        if self.newest.len() == BLOCK {
            self.blocks.push(self.newest.drain(..).collect());
        }
    }

    /// Puts a version in the place of the one with the same part.
    pub(crate) fn replace(&mut self, entry: VersionEntry) {
        let part = entry.version.part;
        let is_it = |entry: &VersionEntry| entry.version.part == part;
        if let Some(place) = self.newest.iter_mut().find(|entry| is_it(entry)) {
            *place = entry;
        } else if let Some(block) = self.blocks.iter_mut().find(|block| block.iter().any(is_it))
            && let Some(place) = Arc::make_mut(block).iter_mut().find(|entry| is_it(entry))
        {
            *place = entry;
        }
    }

    /// Drops those that are not to be kept; blocks that lose nothing stay shared.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&VersionEntry) -> bool) {
        self.blocks.retain_mut(|block| {
            let kept: Vec<_> = block.iter().map(&mut keep).collect();
            if kept.contains(&false) {
                *block = block.iter().zip(kept).filter(|(_, kept)| *kept).map(|(entry, _)| entry.clone()).collect();
            }
            !block.is_empty()
        });
        self.newest.retain(keep);
    }

    fn parts(&self) -> impl Iterator<Item = &[VersionEntry]> {
        self.blocks.iter().map(|block| &**block).chain([self.newest.as_slice()])
    }
}

/// How they lie in blocks depends on what was removed, and makes no difference.
impl PartialEq for Versions {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Versions {}

impl Index<usize> for Versions {
    type Output = VersionEntry;

    fn index(&self, at: usize) -> &VersionEntry {
        self.get(at).expect("there is a version at that place")
    }
}

impl FromIterator<VersionEntry> for Versions {
    fn from_iter<I: IntoIterator<Item = VersionEntry>>(entries: I) -> Self {
        let mut versions = Self::default();
        entries.into_iter().for_each(|entry| versions.push(entry));
        versions
    }
}

#[cfg(test)]
mod tests {
    use types::Timestamp;

    use super::*;
    use crate::secret::Version;

    fn entry(part: u64) -> VersionEntry {
        let id = VersionId::parse(&format!("{part:032}")).unwrap();
        VersionEntry::new(
            Arc::new(Version { part, id, created: Timestamp::ZERO, value: None, sealed_under: None }),
            None,
        )
    }

    fn parts(versions: &Versions) -> Vec<u64> {
        versions.iter().map(|entry| entry.version.part).collect()
    }

    #[test]
    fn every_version_is_found_by_place_id_and_part() {
        for count in 0..=3 * BLOCK as u64 + 1 {
            let versions: Versions = (0..count).map(|part| entry(2 * part)).collect();
            assert_eq!((versions.len() as u64, versions.is_empty()), (count, count == 0));
            assert_eq!(versions.last().map(|last| last.version.part), count.checked_sub(1).map(|last| 2 * last));
            for place in 0..=count {
                let expected = (place < count).then(|| entry(2 * place));
                assert!(versions.get(usize::try_from(place).unwrap()) == expected.as_ref());
                assert!(versions.of_id(&entry(2 * place).version.id) == expected.as_ref());
                assert!(versions.of_part(2 * place) == expected.as_ref());
                assert!(versions.of_part(2 * place + 1).is_none());
            }
        }
    }

    #[test]
    fn ids_that_end_alike_are_two() {
        let entry = |part, start: &str| {
            let id = VersionId::parse(&format!("{start}{:032}", 0)).unwrap();
            VersionEntry::new(
                Arc::new(Version { part, id, created: Timestamp::ZERO, value: None, sealed_under: None }),
                None,
            )
        };
        let versions: Versions = [entry(0, "a"), entry(1, "b")].into_iter().collect();
        assert_eq!(versions.of_id(&entry(9, "a").version.id).unwrap().version.part, 0);
        assert_eq!(versions.of_id(&entry(9, "b").version.id).unwrap().version.part, 1);
        assert!(versions.of_id(&entry(9, "c").version.id).is_none());
    }

    #[test]
    fn a_copy_does_not_see_what_becomes_of_the_other() {
        let before: Versions = (0..20).map(entry).collect();
        for part in 0..20 {
            let mut after = before.clone();
            let dated = VersionEntry { last_accessed: Some(Timestamp::from_millis(1)), ..entry(part) };
            after.replace(dated.clone());
            assert!(after.of_part(part) == Some(&dated) && parts(&after) == parts(&before));
            assert!(before.iter().all(|entry| entry.last_accessed.is_none()));
        }
        let mut after = before.clone();
        after.push(entry(20));
        after.retain(|entry| entry.version.part >= 10);
        assert_eq!(parts(&before), (0..20).collect::<Vec<_>>());
        assert_eq!(parts(&after), (10..=20).collect::<Vec<_>>());
    }

    #[test]
    fn equal_whatever_the_blocks() {
        let mut cut: Versions = (0..30).map(entry).collect();
        cut.retain(|entry| entry.version.part % 3 == 0);
        let made: Versions = (0..30).step_by(3).map(entry).collect();
        // The identity of a version is its content.
        assert!(cut == made && cut.blocks.len() != made.blocks.len());
        assert!(made != (0..30).step_by(2).map(entry).collect());
    }
}
