//! The starts of the nodes: what a data directory that was put back from an older copy cannot know.
//!
//! A directory raises a counter at each start and draws a nonce for it. The state holds the latest that was reported of
//! each node. A directory that was copied and put back begins again where the copy was made, so its next counters are
//! old, or have other nonces than the ones the state holds.
//!
//! # Correctness
//! A directory reports all its starts since one that it knows the state to hold. So whatever a state holds of a node,
//! the node's own directory either reports it too or had it superseded before; only another line of starts
//! contradicts it, however often that one is started.

use std::fmt;
use std::sync::Arc;

use types::NodeId;

use crate::outcome::{Applied, Outcome, Refusal};
use crate::state::State;

/// A data directory, by an id that was drawn when it was first used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DataId(pub [u8; 16]);

impl DataId {
    /// Reads the id from the wire; `None` for a node that has none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads the 32 hexadecimal digits that `Display` writes.
    pub fn from_text(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Display for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for DataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataId({self})")
    }
}

/// One start of a node, or one raise of the counter while it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// One more than that of the boot before.
    pub counter: u64,
    /// Drawn for it.
    pub nonce: u64,
}

/// Boots of one directory with nothing missing between them, the oldest first; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boots {
    first: u64,
    nonces: Vec<u64>,
}

impl Boots {
    /// Boots that a directory keeps until one of them is known to be in the state.
    pub const MAX: usize = 64;

    /// A line whose first boot has that counter; `None` if it is empty, too long, or counts beyond the last number.
    pub fn new(first: u64, nonces: Vec<u64>) -> Option<Self> {
        let more = u64::try_from(nonces.len().checked_sub(1)?).ok()?;
        first.checked_add(more)?;
        (nonces.len() <= Self::MAX).then_some(Self { first, nonces })
    }

    /// The oldest.
    pub fn first(&self) -> Boot {
        Boot { counter: self.first, nonce: self.nonces.first().copied().unwrap_or_default() }
    }

    /// The latest.
    pub fn last(&self) -> Boot {
        let before = self.nonces.len().saturating_sub(1) as u64;
        Boot { counter: self.first + before, nonce: self.nonces.last().copied().unwrap_or_default() }
    }

    /// The nonces, the oldest first.
    pub fn nonces(&self) -> &[u64] {
        &self.nonces
    }

    /// Adds a boot with that nonce. A line that is full stays as it is: a directory that has been started so often
    /// without ever being heard is still known by its last boot.
    pub fn raise(&mut self, nonce: u64) {
        if self.nonces.len() < Self::MAX && self.last().counter < u64::MAX {
            self.nonces.push(nonce);
        }
    }

    /// Forgets what came before a boot of this line; whether there was anything.
    pub fn forget_before(&mut self, boot: Boot) -> bool {
        let Some(before) = self.position(boot.counter).filter(|at| *at > 0 && self.nonces[*at] == boot.nonce) else {
            return false;
        };
        self.nonces.drain(..before);
        self.first = boot.counter;
        true
    }

    /// Whether a directory with this line cannot be the one that has reported `known`.
    pub fn contradicts(&self, known: Boot) -> bool {
        match self.position(known.counter) {
            Some(at) => self.nonces[at] != known.nonce,
            None => known.counter > self.first,
        }
    }

    fn position(&self, counter: u64) -> Option<usize> {
        let at = usize::try_from(counter.checked_sub(self.first)?).ok()?;
        (at < self.nonces.len()).then_some(at)
    }
}

/// What the state holds of a node's data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeBoot {
    /// The node.
    pub node: NodeId,
    /// Its data directory.
    pub data: DataId,
    /// The latest boot that was reported.
    pub boot: Boot,
    /// The directory was found to lack what it had acknowledged: it is not heard again.
    pub reverted: bool,
}

/// The report of a node's boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBoot {
    /// Whose.
    pub node: NodeId,
    /// The directory that was started.
    pub data: DataId,
    /// Its boots.
    pub boots: Boots,
}

/// The leader has found a directory to lack what it had acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkReverted {
    /// Whose.
    pub node: NodeId,
    /// The directory.
    pub data: DataId,
}

impl State {
    /// What is known of a node's data directory.
    pub fn node_boot(&self, node: NodeId) -> Option<&Arc<NodeBoot>> {
        self.boots.get(&node)
    }

    /// Forgets the boots of nodes that are no members any more. For entries of the log that change the membership,
    /// at which every node calls it.
    pub fn keep_boots_of(&mut self, is_member: impl Fn(NodeId) -> bool) {
        let gone: Vec<NodeId> = self.boots.keys().copied().filter(|node| !is_member(*node)).collect();
        for node in gone {
            self.boots.remove(&node);
        }
    }

    /// Takes a report that continues what is known; any other one is refused and changes nothing.
    pub(crate) fn register_boot(&mut self, command: &RegisterBoot) -> Outcome {
        let RegisterBoot { node, data, ref boots } = *command;
        if let Some(known) = self.boots.get(&node) {
            if known.data != data || known.reverted || boots.contradicts(known.boot) {
                return Err(Refusal::Conflict);
            }
            if known.boot.counter >= boots.last().counter {
                return Ok(Applied::BootNoted);
            }
        }
        let boot = boots.last();
        self.boots.insert(node, Arc::new(NodeBoot { node, data, boot, reverted: false }));
        Ok(Applied::BootNoted)
    }

    pub(crate) fn mark_reverted(&mut self, command: MarkReverted) -> Outcome {
        let MarkReverted { node, data } = command;
        let boot = match self.boots.get(&node) {
            Some(known) if known.data != data => return Err(Refusal::Conflict),
            Some(known) => known.boot,
            None => Boot { counter: 0, nonce: 0 },
        };
        self.boots.insert(node, Arc::new(NodeBoot { node, data, boot, reverted: true }));
        Ok(Applied::BootNoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boots(first: u64, nonces: &[u64]) -> Boots {
        Boots::new(first, nonces.to_vec()).unwrap()
    }

    const fn boot(counter: u64, nonce: u64) -> Boot {
        Boot { counter, nonce }
    }

    #[test]
    fn a_line_contradicts_what_only_another_line_can_have_reported() {
        let line = boots(5, &[50, 60, 70]);
        for known in [boot(5, 50), boot(6, 60), boot(7, 70), boot(4, 1), boot(0, 9)] {
            assert!(!line.contradicts(known), "{known:?}");
        }
        for known in [boot(5, 51), boot(7, 71), boot(8, 80), boot(u64::MAX, 0)] {
            assert!(line.contradicts(known), "{known:?}");
        }
    }

    #[test]
    fn a_copy_that_is_put_back_contradicts_however_often_it_is_started() {
        let copy = boots(5, &[50]);
        let mut original = copy.clone();
        original.raise(60);
        let mut put_back = copy;
        for nonce in 0..200 {
            put_back.raise(nonce);
            if nonce != 60 {
                assert!(put_back.contradicts(original.last()));
            }
        }
        assert!(put_back.nonces().len() <= Boots::MAX);
    }

    #[test]
    fn a_directory_never_contradicts_what_it_has_reported_itself() {
        let mut line = boots(1, &[1]);
        let mut reported = vec![line.last()];
        for nonce in 2..300 {
            line.raise(nonce);
            reported.push(line.last());
            if nonce % 70 == 0 {
                line.forget_before(reported[reported.len() - 3]);
            }
            assert!(reported.iter().all(|known| !line.contradicts(*known)), "{line:?}");
        }
    }

    #[test]
    fn only_a_boot_of_the_line_makes_it_forget() {
        let mut line = boots(5, &[50, 60, 70]);
        for other in [boot(5, 50), boot(6, 61), boot(8, 80), boot(4, 40)] {
            assert!(!line.forget_before(other), "{other:?}");
        }
        assert!(line.forget_before(boot(6, 60)));
        assert_eq!((line.first(), line.last()), (boot(6, 60), boot(7, 70)));
    }

    #[test]
    fn a_line_is_neither_empty_nor_too_long_nor_beyond_all_numbers() {
        assert_eq!(Boots::new(1, Vec::new()), None);
        assert!(Boots::new(1, vec![0; Boots::MAX]).is_some());
        assert_eq!(Boots::new(1, vec![0; Boots::MAX + 1]), None);
        assert!(Boots::new(u64::MAX, vec![0]).is_some());
        assert_eq!(Boots::new(u64::MAX, vec![0, 0]), None);
        let mut last = boots(u64::MAX, &[1]);
        last.raise(2);
        assert_eq!(last.last(), boot(u64::MAX, 1));
    }
}
