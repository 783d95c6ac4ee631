//! Reads whose data may be stale, and identity, policy and keys never.
//!
//! Such a read passes the same round as all others and learns two indices from it: the read index, and the access
//! index, the last entry up to there that has changed who may do what and by which key. The second one it waits for
//! in any case. Of the data it waits for as much as its bound demands: for the index of a round that began no longer
//! ago than that. So it spares itself the wait for entries that this node has not applied yet, and nothing else.
//!
//! # Correctness
//! * A state at or above the access index of a round holds every change of access that was acknowledged before the
//!   round began: all between that index and the read index are of other kinds.
//! * A state at or above the read index of a round holds every write that was acknowledged before that round began,
//!   whatever became of its leader since. Its age is counted from there, to the beginning of the read's own round.
//! * Ages are of the monotonic clock, which stands still while the machine is suspended.
//!
//! # There is no lease here
//! openraft takes the index of a read before it asks whether the leader leads, and by a lease it is the same index.
//! Since the access index needs the quorum's answer anyway, a lease would spare nothing, and a read that gets the answer is
//! linearizable. A `lease` read is therefore served by [`Replica::read_barrier`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::barrier::{NoQuorum, Round};
use crate::machine::Published;
use crate::replica::{Inner, Replica};

/// Rounds that are remembered. When there are more, some are forgotten: ages get coarser, never too small.
const MARKS: usize = 256;
/// How many are left of them then, or fewer.
const INTERVALS: u32 = 128;
/// How long the leader waits for its own state when it is asked for the access index.
const ACCESS_WAIT: Duration = Duration::from_millis(50);

/// A state whose identity, policies and keys are current and whose data may be older.
#[derive(Clone, Debug)]
pub struct StaleState {
    /// The state, one for everything that the request needs.
    pub published: Arc<Published>,
    /// It holds every write that was acknowledged so long before the read began, or earlier.
    pub age: Duration,
}

impl Replica {
    /// A state that holds every change of identity, policy and keys acknowledged before this call, and every other
    /// write acknowledged `max_age` before it. This node waits until it has one, at worst as long as
    /// [`Self::read_barrier`].
    ///
    /// # Errors
    /// [`NoQuorum`] when no indices could be had, or were not applied here, before the deadline.
    pub async fn read_stale(&self, max_age: Duration, deadline: Instant) -> Result<StaleState, NoQuorum> {
        self.inner.read_stale(max_age, deadline).await
    }
}

impl Inner {
    async fn read_stale(&self, max_age: Duration, deadline: Instant) -> Result<StaleState, NoQuorum> {
        let round = self.rounds.round(deadline).await?;
        let needed = self.rounds.marks(|marks| marks.needed(round, max_age));
        let applied = self.publisher.applied_at_least(needed.index.max(round.access_index));
        let published =
            tokio::time::timeout_at(deadline.into(), applied).await.map_err(|_| NoQuorum)?.ok_or(NoQuorum)?;
        let age = self.rounds.marks(|marks| marks.age(round, needed, published.applied_index));
        Ok(StaleState { published, age })
    }

    /// The access index that belongs to a read index, as this leader knows it once it has applied that. When this
    /// takes long, the read index itself, which is always high enough.
    pub(crate) async fn access_index(&self, index: u64) -> u64 {
        match tokio::time::timeout(ACCESS_WAIT, self.publisher.applied_at_least(index)).await {
            Ok(Some(state)) => state.access_index.min(index),
            Ok(None) | Err(_) => index,
        }
    }
}

/// What the rounds of this node have learnt, the older ones first; both moments and indices increase.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    marks: VecDeque<Mark>,
    /// How far apart all are but the newest; nothing until there are too many.
    spacing: Duration,
}

/// Every write acknowledged before `at` is at or below `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    at: Instant,
    index: u64,
}

impl Marks {
    /// Remembers a round. Of those that are applied already only the last one is of use.
    pub(crate) fn add(&mut self, round: Round, applied: u64) {
        let Round { began: at, index, .. } = round;
        let before_last = self.marks.len().checked_sub(2).map(|position| self.marks[position].at);
        match self.marks.back_mut() {
            Some(last) if last.index >= index => last.at = last.at.max(at),
            Some(last) if before_last.is_some_and(|before| last.at < before + self.spacing) => {
                *last = Mark { at, index }
            }
            _ => self.marks.push_back(Mark { at, index }),
        }
        while self.marks.get(1).is_some_and(|second| second.index <= applied) {
            self.marks.pop_front();
        }
        if self.marks.len() <= 2 {
            self.spacing = Duration::ZERO;
        } else if self.marks.len() > MARKS {
            self.thin_out();
        }
    }

    /// Forgets about half of them, so that the rest are equally far apart. The oldest and the newest stay.
    fn thin_out(&mut self) {
        let (Some(oldest), Some(newest)) = (self.marks.front().copied(), self.marks.back().copied()) else { return };
        self.spacing = (newest.at - oldest.at) / INTERVALS;
        let mut kept = oldest.at;
        self.marks.retain(|mark| {
            let keeps = *mark == oldest || *mark == newest || mark.at >= kept + self.spacing;
            kept = if keeps { mark.at } else { kept };
            keeps
        });
    }

    /// What a state needs to hold in order to be at most `max_age` old when the round began.
    fn needed(&self, round: Round, max_age: Duration) -> Mark {
        let young = |mark: &&Mark| mark.index < round.index && mark.age(round) <= max_age;
        self.marks.iter().find(young).copied().unwrap_or(Mark { at: round.began, index: round.index })
    }

    /// How old a state of index `applied`, which holds what was `needed`, was when the round began.
    fn age(&self, round: Round, needed: Mark, applied: u64) -> Duration {
        if applied >= round.index {
            return Duration::ZERO;
        }
        // The newest of them may be forgotten by now, but not what was needed.
        let known = self.marks.iter().rev().find(|mark| mark.index <= applied);
        known.map_or(needed.age(round), |mark| mark.age(round).min(needed.age(round)))
    }
}

impl Mark {
    fn age(&self, round: Round) -> Duration {
        round.began.saturating_duration_since(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds at moments that are made up.
    struct Rounds {
        start: Instant,
        marks: Marks,
    }

    impl Rounds {
        fn new() -> Self {
            Self { start: Instant::now(), marks: Marks::default() }
        }

        fn round(&self, at_ms: u64, index: u64) -> Round {
            Round { began: self.start + Duration::from_millis(at_ms), index, access_index: 1 }
        }

        fn add(&mut self, at_ms: u64, index: u64, applied: u64) {
            self.marks.add(self.round(at_ms, index), applied);
        }

        /// What is needed at that moment, and how old a state with just that is.
        fn needed(&mut self, at_ms: u64, index: u64, max_age_ms: u64) -> (u64, u128) {
            let round = self.round(at_ms, index);
            self.marks.add(round, 0);
            let needed = self.marks.needed(round, Duration::from_millis(max_age_ms));
            (needed.index, self.marks.age(round, needed, needed.index).as_millis())
        }
    }

    #[test]
    fn a_bound_demands_what_was_acknowledged_so_long_before_and_no_more() {
        for (max_age_ms, needed) in [
            (0, (40, 0)),
            (99, (40, 0)),
            (100, (30, 100)),
            (1_099, (30, 100)),
            (1_100, (20, 1_100)),
            (5_000, (20, 1_100)),
            (6_100, (10, 6_100)),
            (u64::MAX, (10, 6_100)),
        ] {
            let mut rounds = Rounds::new();
            for (at_ms, index) in [(0, 10), (5_000, 20), (6_000, 30)] {
                rounds.add(at_ms, index, 0);
            }
            assert_eq!(rounds.needed(6_100, 40, max_age_ms), needed, "{max_age_ms}");
        }
    }

    #[test]
    fn a_node_that_has_not_asked_lately_needs_everything() {
        let mut rounds = Rounds::new();
        assert_eq!(rounds.needed(0, 7, 60_000), (7, 0));
        assert_eq!(rounds.needed(70_000, 9, 60_000), (9, 0));
    }

    #[test]
    fn a_state_does_not_age_while_nothing_is_written() {
        let mut rounds = Rounds::new();
        rounds.add(0, 7, 7);
        rounds.add(9_000, 7, 7);
        assert_eq!(rounds.needed(9_500, 8, 1_000), (7, 500));
        // A leader that is behind says less than is known, which does not make it wrong.
        rounds.add(9_700, 6, 7);
        assert_eq!(rounds.needed(9_800, 9, 100), (8, 100));
    }

    #[test]
    fn a_state_is_as_young_as_the_newest_round_that_it_holds() {
        let mut rounds = Rounds::new();
        for (at_ms, index) in [(0, 10), (1_000, 20), (2_000, 30)] {
            rounds.add(at_ms, index, 0);
        }
        let round = rounds.round(3_000, 40);
        let needed = rounds.marks.needed(round, Duration::from_secs(60));
        let ages = [10, 19, 20, 35, 40, 41].map(|applied| rounds.marks.age(round, needed, applied).as_millis());
        assert_eq!(ages, [3_000, 3_000, 2_000, 1_000, 0, 0]);
    }

    #[test]
    fn marks_are_bounded_and_what_is_left_of_them_is_true() {
        let mut rounds = Rounds::new();
        for at_ms in 0..10_000 {
            rounds.add(at_ms, at_ms + 100, 0);
            assert!(rounds.marks.marks.len() <= MARKS);
        }
        assert!(rounds.marks.marks.iter().all(|mark| mark.at == rounds.round(mark.index - 100, 0).began));
        // The whole time is covered, in steps of a hundredth or so.
        for max_age_ms in (1_000..10_000).step_by(1_000) {
            let (index, age) = rounds.needed(10_000, 20_000, max_age_ms);
            assert_eq!(u128::from(10_000 - (index - 100)), age);
            assert!((max_age_ms - 200..=max_age_ms).contains(&u64::try_from(age).unwrap()), "{max_age_ms}: {age}");
        }

        let mut rounds = Rounds::new();
        for at_ms in 0..100 {
            rounds.add(at_ms, at_ms + 100, at_ms + 50);
        }
        rounds.add(100, 200, 199);
        assert_eq!(rounds.marks.marks.len(), 2);
    }
}
