//! What the wall clocks of the nodes agree upon, for what cannot be undone.
//!
//! Log time will not do: one leader whose clock was ahead has moved it for ever. So the leader holds its own clock
//! against those of the other voters, again and again.
//!
//! What remains: a quorum of clocks that are wrong in the same way is believed, and a single node has only its own.

use std::time::Duration;

use futures_util::future::join_all;
use proto::raft::v1 as pb;
use types::{NodeId, Timestamp, limits};

use crate::network::PeerClient;
use crate::replica::Inner;

/// Time for a peer to tell its clock. One that takes longer does not agree: nobody knows when it looked.
const CLOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// Checks in a row that have to agree.
pub(crate) const CHECKS: u32 = 3;

/// A peer's clock, between two looks at our own.
#[derive(Clone, Copy, Debug)]
struct Reading {
    before: Timestamp,
    peer: Timestamp,
    after: Timestamp,
}

impl Reading {
    fn agrees(self) -> bool {
        [self.before, self.after].iter().all(|own| difference(*own, self.peer) <= limits::CLOCK_DIFFERENCE)
    }
}

fn difference(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

/// The earliest of the clocks that agree with our own, if they and our own are a quorum.
fn agreed(own: Timestamp, readings: impl IntoIterator<Item = Reading>, quorum: usize) -> Option<Timestamp> {
    let agreeing: Vec<_> = readings.into_iter().filter(|reading| reading.agrees()).map(|r| r.peer).collect();
    (agreeing.len() + 1 >= quorum).then(|| agreeing.into_iter().fold(own, Timestamp::min))
}

/// How often in a row the clocks have agreed.
#[derive(Debug, Default)]
pub(crate) struct Agreement(u32);

impl Agreement {
    /// Takes the result of one more check; the agreed time once it has been [`CHECKS`] in a row.
    pub(crate) fn after(&mut self, checked: Option<Timestamp>) -> Option<Timestamp> {
        self.0 = if checked.is_some() { (self.0 + 1).min(CHECKS) } else { 0 };
        checked.filter(|_| self.0 == CHECKS)
    }
}

impl Inner {
    /// One check: the time upon which this node's clock and those of a quorum agree, if this node leads.
    pub(crate) async fn agreed_time(&self) -> Option<Timestamp> {
        let voters = self.voters();
        if self.leader() != Some(self.id) || !voters.contains(&self.id) {
            return None;
        }
        let own = self.clock.now();
        let readings = join_all(voters.iter().filter(|id| **id != self.id).map(|id| self.read_clock(*id))).await;
        agreed(own, readings.into_iter().flatten(), voters.len() / 2 + 1)
    }

    async fn read_clock(&self, id: NodeId) -> Option<Reading> {
        let before = self.clock.now();
        let call = async |mut peer: PeerClient| peer.local_clock(pb::LocalClockRequest {}).await;
        let answer = self.ask(id, CLOCK_TIMEOUT, call).await.ok()?;
        Some(Reading { before, peer: Timestamp::from_millis(answer.now_ms), after: self.clock.now() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn at(offset_ms: i64) -> Timestamp {
        Timestamp::from_millis(NOW.saturating_add_signed(offset_ms))
    }

    fn reading(offset_ms: i64) -> Reading {
        Reading { before: at(0), peer: at(offset_ms), after: at(10) }
    }

    #[test]
    fn a_quorum_has_to_be_within_five_seconds_of_the_leader() {
        let days = 400 * 86_400_000;
        let agreed = |peers: &[i64], quorum| agreed(at(0), peers.iter().map(|offset| reading(*offset)), quorum);
        assert_eq!(agreed(&[], 1), Some(at(0)));
        assert_eq!(agreed(&[], 2), None);
        assert_eq!(agreed(&[5_000, days], 2), Some(at(0)));
        assert_eq!(agreed(&[-4_990, -days], 2), Some(at(-4_990)));
        assert_eq!(agreed(&[5_001, -4_991], 2), None);
        assert_eq!(agreed(&[1, days, -days, 0], 3), Some(at(0)));
        assert_eq!(agreed(&[1, days, -days, days], 3), None);
    }

    #[test]
    fn an_own_clock_that_jumps_while_a_peer_is_asked_agrees_with_nobody() {
        assert!(!Reading { before: at(0), peer: at(0), after: at(5_001) }.agrees());
        assert!(!Reading { before: at(-5_001), peer: at(0), after: at(0) }.agrees());
    }

    #[test]
    fn one_check_that_fails_begins_the_count_anew() {
        let mut agreement = Agreement::default();
        let checks = [Some(1), Some(2), None, Some(4), Some(5), Some(6), Some(7), None, Some(9)];
        let told = checks.map(|ms| agreement.after(ms.map(at)));
        assert_eq!(told, [None, None, None, None, None, Some(at(6)), Some(at(7)), None, None]);
    }
}
