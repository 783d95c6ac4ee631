//! The two clusters of a cell.

use std::path::Path;

use anyhow::Result;
use testkit::Cluster;

use crate::args::Plan;
use crate::etcd::EtcdCluster;
use crate::meter;

pub(crate) const NODES: usize = 3;

/// Both clusters, and what their memory was when they were empty.
#[derive(Debug)]
pub(crate) struct Clusters {
    pub(crate) conclave: Cluster,
    pub(crate) etcd: Option<EtcdCluster>,
}

/// Resident bytes of the three processes of each cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) conclave: u64,
    pub(crate) etcd: Option<u64>,
}

impl Clusters {
    /// Starts both, empty.
    pub(crate) async fn start(plan: &Plan) -> Result<Self> {
        Self::of_three(plan.etcd.as_deref()).await
    }

    /// Starts Conclave, and etcd if there is its program, empty.
    pub(crate) async fn of_three(etcd: Option<&Path>) -> Result<Self> {
        let conclave = Cluster::start(NODES)?;
        let etcd = match etcd {
            Some(program) => Some(EtcdCluster::start(program).await?),
            None => None,
        };
        Ok(Self { conclave, etcd })
    }

    /// The processes of Conclave's nodes.
    pub(crate) fn conclave_pids(&self) -> Result<Vec<u32>> {
        Ok(self.conclave.nodes()?.iter().map(|node| node.pid).collect())
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        Ok(Memory {
            conclave: meter::resident(&self.conclave_pids()?)?,
            etcd: self.etcd.as_ref().map(|etcd| meter::resident(&etcd.pids())).transpose()?,
        })
    }
}
