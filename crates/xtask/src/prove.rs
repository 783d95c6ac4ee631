//! `cargo xtask prove`: a test that cannot fail shows nothing.
//!
//! Each promise is broken on purpose, in a build of its own with a feature that says so, and its test must see that.
//! The features are in no default and stay out of release builds.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::step::{Step, exists, say, target};

/// The promise of the read barrier, by the name of its test in `consensus`.
const BARRIER_TEST: &str = "a_followers_read_sees_every_write_acknowledged_before_it_began";
/// A build in which linearizable reads are not.
const WITHOUT_BARRIER: &str = "unsafe-without-read-barrier";
/// A build that acknowledges before the sync.
const BEFORE_SYNC: &str = "unsafe-acknowledge-before-sync";

/// The promise of the whole cluster, by the name of its test in `tests`.
const LINEARIZABILITY_TEST: &str = "every_secret_is_one_copy_while_nodes_die_pause_and_are_cut_off";
/// What that test prints when it has found what it looks for, and not something else.
const VIOLATION: &str = "NOT LINEARIZABLE";
/// Seeds that are tried until one shows the fault.
const SEEDS: &str = "10";

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// What to prove; everything if left out.
    #[arg(value_enum)]
    what: Option<Proof>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Proof {
    /// The test of linearizable reads in `consensus` fails without the read barrier. CI runs this one.
    Barrier,
    /// The seeded runs find a violation in a cluster without the read barrier.
    BarrierOfACluster,
    /// The seeded runs find a violation in a cluster that acknowledges before the sync.
    Sync,
}

/// Runs the proofs that were asked for.
pub(crate) fn run(args: &ProveArgs) -> Result<()> {
    let chosen = |proof| args.what.is_none_or(|what| what == proof);
    if chosen(Proof::Barrier) {
        barrier()?;
    }
    if chosen(Proof::BarrierOfACluster) {
        linearizability(&format!("consensus/{WITHOUT_BARRIER}"), None)?;
    }
    if chosen(Proof::Sync) {
        // A single node that has lost what it acknowledged to its leader stays behind for good; that is no violation.
        linearizability(&format!("storage/{BEFORE_SYNC}"), Some("kill-all"))?;
    }
    Ok(())
}

/// Runs the test of the read barrier in both builds: it must pass in the one and fail in the other.
pub(crate) fn barrier() -> Result<()> {
    let (passed, printed) = barrier_test(&[])?.capture()?;
    ensure!(passed && printed.contains(BARRIER_TEST), "read barrier: its test does not pass\n{printed}");

    // Built first, so that a build that fails is not taken for a test that does.
    barrier_test(&["--no-run", "--features", WITHOUT_BARRIER])?.run()?;
    let (passed, printed) = barrier_test(&["--features", WITHOUT_BARRIER])?.capture()?;
    let failed = printed.lines().any(|line| line.contains("FAIL") && line.contains(BARRIER_TEST));
    ensure!(!passed && failed, "read barrier: its test passes although the barrier is taken out\n{printed}");
    say("read barrier: its test passes with the barrier and fails without")
}

fn barrier_test(more: &[&str]) -> Result<Step> {
    let step = Step::cargo("read barrier");
    Ok(if exists("cargo-nextest", "--version") {
        step.args(["nextest", "run", "--package", "consensus", "--locked"]).args(more).args([BARRIER_TEST])
    } else {
        step.args(["test", "--package", "consensus", "--locked"]).args(more).args([BARRIER_TEST])
    })
}

/// Runs the seeded runs against a binary with `feature`: one of them must find a violation, and nothing else.
fn linearizability(feature: &str, fault: Option<&str>) -> Result<()> {
    let binary = unsafe_binary(feature)?;
    let test = Step::cargo("linearizability").args(["test", "--package", "tests", "--locked"]);
    let test = test.args(["--features", "tests/clusters", "--test", "it"]);
    test.clone().args(["--no-run"]).run()?;
    let test = match fault {
        Some(fault) => test.env("CONCLAVE_TEST_LINEARIZABILITY_FAULT", fault),
        None => test,
    };
    let (passed, printed) = test
        .args(["--", LINEARIZABILITY_TEST, "--nocapture"])
        .env("CONCLAVE_BIN", binary)
        .env("CONCLAVE_TEST_LINEARIZABILITY_SEED", "1")
        .env("CONCLAVE_TEST_LINEARIZABILITY_RUNS", SEEDS)
        .capture()?;
    ensure!(printed.contains(LINEARIZABILITY_TEST), "linearizability: there is no such test\n{printed}");
    ensure!(!passed, "linearizability: {SEEDS} runs pass with {feature}\n{printed}");
    let (_, found) = printed.split_once(VIOLATION).with_context(|| {
        format!("linearizability: with {feature} a run fails, but not because of a violation\n{printed}")
    })?;
    let shown = found.split("\nreplay").next().unwrap_or(found);
    say(format_args!("linearizability: found with {feature}: {VIOLATION}{shown}"))
}

/// Builds the binary with `feature` beside the others. The usual place keeps the usual binary: whoever starts that one
/// meanwhile must not get this.
fn unsafe_binary(feature: &str) -> Result<PathBuf> {
    let directory = target()?.join("prove");
    std::fs::create_dir_all(&directory)?;
    let binary = directory.join(Path::new(feature).file_name().unwrap_or_default());
    Step::cargo("unsafe build")
        .args(["rustc", "--package", "conclave", "--bin", "conclave", "--locked", "--features", feature, "--"])
        .args([format!("--emit=link={}", binary.display())])
        .run()?;
    ensure!(binary.is_file(), "unsafe build: there is no {}", binary.display());
    Ok(binary)
}
