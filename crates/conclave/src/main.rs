//! The binary: reads the command line and the configuration, puts the crates together, and says how it went.
//!
//! Nothing is decided here that another crate could decide. Exit status: 0 done, 1 refused or failed, 2 the command
//! line or the configuration is wrong.

mod cli;
mod commands;
mod config;
mod dev;
mod failure;
mod files;
mod harden;
mod operator;
mod output;
mod server;
mod typed;
mod value;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output;
    let done = match cli.command {
        Command::Server(args) => server::run(&args),
        Command::Dev(args) => dev::run(args, output),
        Command::Operator(command) => operator::run(command, output),
        Command::Cluster(command) => commands::cluster::run(command, output),
        Command::Secret(command) => commands::secret::run(command, output),
        Command::Key(command) => commands::key::run(command, output),
        Command::Completions { shell } => commands::completions::run(shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
