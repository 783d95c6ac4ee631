//! The first node's first start: it makes the cluster, of which it is the only member.
//!
//! The file is removed once its proposal is applied. A crash before that is harmless: Raft is initialized once, and
//! the proposal carries the same id each time, so it is applied once.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use consensus::{Member, Proposal, ProposeError, Replica};
use key_service::{Barrier, SealedKind};
use state::Refusal;
use storage::codec::{ProposalRequest, decode_proposal};

use crate::files;

/// Time for one attempt; without a quorum they go on.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Pause after an attempt that failed, which may be at once.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Starts the cluster if the file is there.
pub(super) async fn run(
    replica: &Replica,
    barrier: &Barrier,
    file: Option<&Path>,
    member: Member,
) -> anyhow::Result<()> {
    let Some(file) = file.filter(|file| file.exists()) else { return Ok(()) };
    let request = open(barrier, file).with_context(|| format!("bootstrap file {}", file.display()))?;
    replica.initialize(member).await?;
    while !propose(replica, &request).await? {
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    files::remove(file)?;
    tracing::info!("the cluster has been started");
    Ok(())
}

fn open(barrier: &Barrier, file: &Path) -> anyhow::Result<ProposalRequest> {
    let opened = barrier.open(SealedKind::Bootstrap, b"", &std::fs::read(file)?)?;
    Ok(decode_proposal(&opened)?)
}

/// One attempt; false when it has to be tried again.
async fn propose(replica: &Replica, request: &ProposalRequest) -> anyhow::Result<bool> {
    let proposal = Proposal {
        id: request.proposal,
        principal: request.principal.clone(),
        decided_at: request.decided_at,
        command: request.command.clone(),
    };
    match replica.propose(proposal, Instant::now() + ATTEMPT).await {
        Ok(receipt) => match receipt.outcome {
            Ok(_) => Ok(true),
            // It was applied in an earlier life of this node, and its result has been forgotten since.
            Err(_) if replica.local_state().state.cluster().is_some() => Ok(true),
            Err(Refusal::Api(error)) => Err(error.into()),
            Err(refusal) => Err(anyhow::anyhow!("the bootstrap was refused: {refusal:?}")),
        },
        Err(ProposeError::Unavailable | ProposeError::Unknown) => {
            tracing::warn!("no leader yet; the bootstrap is tried again");
            Ok(false)
        }
    }
}
