//! What is measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};

use crate::drive::Operation;

/// Numbers of clients at which HTTP is measured too, unless it is said otherwise.
const HTTP_CLIENTS: [usize; 2] = [16, 64];

/// Measures Conclave, and etcd in the same runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Args {
    /// A first figure in three minutes: 64 clients, 256 bytes, three pairs of 5 s; what else is given goes before it.
    #[arg(long)]
    quick: bool,
    /// Requests under way at once [default: 1,16,64,256].
    #[arg(long, value_delimiter = ',')]
    clients: Option<Vec<usize>>,
    /// Bytes of a value [default: 256,1024].
    #[arg(long, value_delimiter = ',')]
    value_bytes: Option<Vec<usize>>,
    /// Pairs of runs for each figure [default: 5].
    #[arg(long)]
    pairs: Option<usize>,
    /// Seconds of a run [default: 5].
    #[arg(long)]
    seconds: Option<u64>,
    /// Secrets that are written and read.
    #[arg(long, default_value_t = 10_000)]
    secrets: usize,
    /// Connections over which gRPC goes, at most one a client, at least one a node.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// What is measured.
    #[arg(long, value_delimiter = ',', default_values_t = [Measured::Put, Measured::Get])]
    operations: Vec<Measured>,
    /// Numbers of clients at which HTTP/1.1 with Signature Version 4 is measured too [default: 16,64].
    #[arg(long, value_delimiter = ',')]
    http_clients: Option<Vec<usize>>,
    /// Leaves HTTP out.
    #[arg(long, conflicts_with = "http_clients")]
    without_http: bool,
    #[command(flatten)]
    etcd: Etcd,
    /// Counts the sync calls of the servers in one more run of puts, under strace.
    #[arg(long)]
    strace: bool,
    /// How the figures are shown.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Whether etcd is measured too.
#[derive(Debug, clap::Args)]
pub(crate) struct Etcd {
    /// Leaves etcd out, and with it the ratios.
    #[arg(long)]
    without_etcd: bool,
    /// etcd's server.
    #[arg(long, default_value = "etcd")]
    etcd: PathBuf,
}

impl Etcd {
    pub(crate) fn program(&self) -> Option<&Path> {
        (!self.without_etcd).then_some(&self.etcd)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Measured {
    Put,
    Get,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Operation::from(*self).name())
    }
}

impl From<Measured> for Operation {
    fn from(measured: Measured) -> Self {
        match measured {
            Measured::Put => Self::Put,
            Measured::Get => Self::Get,
        }
    }
}

/// [`Args`] with nothing left open.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) clients: Vec<usize>,
    pub(crate) value_bytes: Vec<usize>,
    pub(crate) pairs: usize,
    pub(crate) run: Duration,
    pub(crate) secrets: usize,
    pub(crate) connections: usize,
    pub(crate) operations: Vec<Operation>,
    pub(crate) http_clients: BTreeSet<usize>,
    pub(crate) etcd: Option<PathBuf>,
    pub(crate) strace: bool,
    pub(crate) output: Output,
}

impl Args {
    pub(crate) fn plan(self) -> Result<Plan> {
        let quick = self.quick;
        let or = |given: Option<Vec<usize>>, quickly: &[usize], fully: &[usize]| {
            given.unwrap_or_else(|| if quick { quickly } else { fully }.to_vec())
        };
        let http_clients = match self.without_http {
            true => Vec::new(),
            false => self.http_clients.unwrap_or_else(|| HTTP_CLIENTS.to_vec()),
        };
        let plan = Plan {
            clients: or(self.clients, &[64], &[1, 16, 64, 256]),
            value_bytes: or(self.value_bytes, &[256], &[256, 1_024]),
            pairs: self.pairs.unwrap_or(if quick { 3 } else { 5 }),
            run: Duration::from_secs(self.seconds.unwrap_or(5)),
            secrets: self.secrets,
            connections: self.connections,
            operations: self.operations.into_iter().map(Operation::from).collect(),
            http_clients: http_clients.into_iter().collect(),
            etcd: self.etcd.program().map(Path::to_owned),
            strace: self.strace,
            output: self.output,
        };
        let positive = plan.clients.iter().chain(&plan.value_bytes).chain([&plan.pairs, &plan.secrets]);
        ensure!(positive.copied().min() > Some(0) && !plan.run.is_zero(), "every number is at least one");
        Ok(plan)
    }
}
