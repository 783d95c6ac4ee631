//! The directory of a dev cluster.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use types::NodeId;

use crate::failure::Usage;
use crate::files::{self, Access};
use crate::operator::OperatorDir;

/// One node as `nodes.json` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NodeEntry {
    pub(crate) id: u64,
    /// Of the last start; whether it lives, the process tells.
    pub(crate) pid: u32,
    pub(crate) client_addr: String,
    pub(crate) peer_addr: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) log: PathBuf,
}

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    dir: PathBuf,
}

/// A lock that ends with the process that holds it.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl Layout {
    /// The directory, made if missing.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        files::private_dir(dir)?;
        let dir = std::fs::canonicalize(dir).with_context(|| format!("cannot use {}", dir.display()))?;
        Ok(Self { dir })
    }

    /// The directory of a cluster that has been started before.
    pub(crate) fn existing(dir: &Path) -> anyhow::Result<Self> {
        if !dir.join("nodes.json").exists() {
            return Err(Usage(format!("{}: there is no dev cluster here", dir.display())).into());
        }
        Self::open(dir)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn operator(&self) -> OperatorDir {
        OperatorDir(self.dir.join("operator"))
    }

    pub(crate) fn nodes(&self) -> PathBuf {
        self.dir.join("nodes")
    }

    pub(crate) fn node(&self, id: NodeId) -> PathBuf {
        self.nodes().join(id.to_string())
    }

    /// Where a new cluster is made before it takes its place.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.dir.join(".unfinished")
    }

    pub(crate) fn node_config(&self, id: NodeId) -> PathBuf {
        self.node(id).join("conclave.toml")
    }

    pub(crate) fn options_file(&self) -> PathBuf {
        self.dir.join("dev.json")
    }

    pub(crate) fn env_file(&self) -> PathBuf {
        self.dir.join("env")
    }

    /// System roots and the cluster's authority, for programs that replace their roots.
    pub(crate) fn roots_file(&self) -> PathBuf {
        self.dir.join("roots.pem")
    }

    /// The root access key, so that `env` can be written at each start.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.dir.join("root-access-key")
    }

    pub(crate) fn nodes_file(&self) -> PathBuf {
        self.dir.join("nodes.json")
    }

    /// Held while `dev` runs.
    pub(crate) fn lock_dev(&self) -> anyhow::Result<Lock> {
        let path = self.dir.join("dev.lock");
        let file = lock_file(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| anyhow::anyhow!("another `conclave dev` runs in {}", self.dir.display()))?;
        Ok(Lock(file))
    }

    /// Held while `nodes.json` is changed, or a node of it is started.
    pub(crate) fn lock_nodes(&self) -> anyhow::Result<Lock> {
        let path = self.dir.join("nodes.lock");
        let file = lock_file(&path)?;
        flock(&file, FlockOperation::LockExclusive).with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Lock(file))
    }

    /// The nodes that have been started; empty before the first start.
    pub(crate) fn read_nodes(&self) -> anyhow::Result<Vec<NodeEntry>> {
        let path = self.nodes_file();
        if !path.exists() {
            return Ok(Vec::new());
        }
        serde_json::from_str(&files::read_text(&path)?).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Replaces `nodes.json` atomically. The caller holds [`Self::lock_nodes`].
    pub(crate) fn write_nodes(&self, nodes: &[NodeEntry]) -> anyhow::Result<()> {
        files::replace(&self.nodes_file(), Access::Public, &serde_json::to_vec_pretty(nodes)?)
    }
}

fn lock_file(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options.open(path).with_context(|| format!("cannot open {}", path.display()))
}
