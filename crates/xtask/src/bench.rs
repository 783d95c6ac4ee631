//! `cargo xtask bench`: figures. They have bounds nowhere; a test never asserts a duration.

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::step::{Step, target};

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// A first figure: puts and linearizable gets over gRPC on a three-node release cluster.
    Quick(QuickArgs),
}

#[derive(Debug, Args)]
pub(crate) struct QuickArgs {
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Connections, spread over the nodes.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Secrets that are written and read.
    #[arg(long, default_value_t = 1_000)]
    secrets: usize,
    /// Seconds of each phase.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 256)]
    value_bytes: usize,
}

/// Builds both sides in release and runs the load.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    let Bench::Quick(args) = bench;
    Step::cargo("build").args(["build", "--release", "--locked", "--package", "conclave"]).run()?;
    Step::cargo("build").args(["build", "--release", "--locked", "--package", "testkit", "--bin", "load"]).run()?;
    let release = target()?.join("release");
    Step::new("bench", release.join("load"))
        .args(["--clients", &args.clients.to_string()])
        .args(["--connections", &args.connections.to_string()])
        .args(["--secrets", &args.secrets.to_string()])
        .args(["--seconds", &args.seconds.to_string()])
        .args(["--value-bytes", &args.value_bytes.to_string()])
        .env("CONCLAVE_BIN", release.join("conclave"))
        .run()
}
