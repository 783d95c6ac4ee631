//! The load generator of `cargo xtask bench`: Conclave against etcd, three nodes each, TLS on every link.
//!
//! For each size of a value and number of clients both clusters are made anew and filled. Then every operation is
//! measured in pairs: one run against each, at once after each other, so that whatever else the machine does falls on
//! both. What is shown are the medians, and the medians of the ratios within a pair. The generator shares the machine
//! with the servers, so only the ratios mean much elsewhere.
//!
//! A put is PutSecretValue with a fresh ClientRequestToken on one of the secrets; a get is a linearizable
//! GetSecretValue of one of them. For etcd they are Put and a linearizable Range of one key. Errors are counted as
//! errors, never as requests.

mod args;
mod cell;
mod clusters;
mod contestant;
mod drive;
mod etcd;
mod etcd_client;
mod meter;
mod report;
mod scale;
mod scale_report;
mod syncs;

use std::io::Write;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};

use args::{Args, Output};
use report::Report;
use scale::ScaleArgs;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    args: Args,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures clusters with few and with many secrets, and how long they take to start.
    Scale(ScaleArgs),
}

#[tokio::main]
async fn main() -> Result<()> {
    let Cli { task, args } = Cli::parse();
    let work = async {
        match task {
            Some(Task::Scale(args)) => Box::pin(run_scale(&args)).await,
            None => Box::pin(run(&args.plan()?)).await,
        }
    };
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn run_scale(args: &ScaleArgs) -> Result<()> {
    let sizes = scale::run(args).await?;
    match args.output {
        Output::Text => scale_report::show(&scale_report::verdict(&sizes)),
        Output::Json => scale_report::show(&format!("{:#}\n", scale_report::json(args, &sizes))),
    }
}

async fn run(plan: &args::Plan) -> Result<()> {
    let mut report = Report::default();
    for &value_bytes in &plan.value_bytes {
        for &clients in &plan.clients {
            let cell = cell::measure(plan, value_bytes, clients).await?;
            if plan.output == Output::Text {
                write!(std::io::stdout().lock(), "{}", report::table(&cell))?;
            }
            report.push(cell);
        }
    }
    if plan.output == Output::Json {
        writeln!(std::io::stdout().lock(), "{:#}", report.json(plan))?;
    }
    Ok(())
}

/// Tells who waits what goes on; the figures alone go to the standard output.
fn progress(line: impl std::fmt::Display) -> Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "{line}")?)
}
