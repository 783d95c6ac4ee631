//! What developers and CI run beside cargo itself: `cargo xtask test`, `ci`, `bench`, `prove`.
//!
//! Everything that is made lies under `target/`; nothing is written to the tree. Each step is printed before it
//! runs, and the first that fails ends the run by its name.

mod bench;
mod ci;
mod prove;
mod provision;
mod step;
mod test;

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod words;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Provides what the tests need and runs all of them.
    Test(test::TestArgs),
    /// Runs the tests and every gate.
    Ci,
    /// Measures a cluster on this machine, and etcd in the same runs.
    Bench(bench::BenchArgs),
    /// Shows that tests fail when what they promise is broken on purpose.
    Prove(prove::ProveArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Test(args) => test::run(&args),
        Task::Ci => ci::run(),
        Task::Bench(args) => bench::run(&args),
        Task::Prove(args) => prove::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr must not hide the status.
            let _closed = writeln!(std::io::stderr().lock(), "xtask: FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}
