//! The service: what fronts call.

use std::sync::Arc;

use consensus::Replica;
use key_service::Barrier;
use types::Region;

use crate::door::Door;
use crate::intake::Intake;
use crate::reads::RelaxedReads;
use crate::record::Recorder;
use crate::sealing::KeyCustody;
use crate::throttle::ServiceLimits;

/// The clock of this node, for what is not replicated: signature dates and stamps of forged answers.
pub use consensus::Clock;

/// Everything a front needs; clones share it.
#[derive(Clone)]
pub struct Service {
    pub(crate) door: Arc<Door<Replica>>,
    pub(crate) intake: Intake,
    pub(crate) custody: Arc<dyn KeyCustody>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Service({:?})", self.door.replicated)
    }
}

impl Service {
    /// Builds the service over a running replica, and has it work on keys whenever the replica leads. The first of the regions is the default one.
    #[expect(clippy::too_many_arguments, reason = "it is called once, by what puts a node together")]
    pub fn new(
        replica: Replica,
        barrier: Arc<Barrier>,
        custody: Arc<dyn KeyCustody>,
        regions: Vec<Region>,
        clock: Arc<dyn Clock>,
        recorder: Arc<dyn Recorder>,
        limits: ServiceLimits,
        relaxed_reads: RelaxedReads,
    ) -> Self {
        let door = Arc::new(Door::new(replica, barrier, regions, clock, recorder, limits, relaxed_reads));
        tokio::spawn(crate::keys::work::run(Arc::downgrade(&door)));
        Self { door, intake: Intake::default(), custody }
    }

    /// The replica, for health and administration.
    pub fn replica(&self) -> &Replica {
        &self.door.replicated
    }

    /// Whether requests can be served: a leader is known, and the cluster has its root principal and keys.
    pub fn ready(&self) -> bool {
        self.replica().status().leader.is_some() && self.replica().local_state().state.cluster().is_some()
    }
}
