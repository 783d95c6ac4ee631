//! `cargo xtask prove-barrier`: a test that cannot fail shows nothing.

use anyhow::{Result, ensure};

use crate::step::{Step, exists, say};

/// The promise, by the name of its test in `consensus`.
const TEST: &str = "a_followers_read_sees_every_write_acknowledged_before_it_began";
/// A build in which linearizable reads are not.
const WITHOUT: &str = "unsafe-without-read-barrier";

/// Runs the test in both builds: it must pass in the one and fail in the other.
pub(crate) fn run() -> Result<()> {
    let (passed, printed) = test(&[])?.capture()?;
    ensure!(passed && printed.contains(TEST), "read barrier: its test does not pass\n{printed}");

    // Built first, so that a build that fails is not taken for a test that does.
    test(&["--no-run", "--features", WITHOUT])?.run()?;
    let (passed, printed) = test(&["--features", WITHOUT])?.capture()?;
    let failed = printed.lines().any(|line| line.contains("FAIL") && line.contains(TEST));
    ensure!(!passed && failed, "read barrier: its test passes although the barrier is taken out\n{printed}");
    say("read barrier: its test passes with the barrier and fails without")
}

fn test(more: &[&str]) -> Result<Step> {
    let step = Step::cargo("read barrier");
    Ok(if exists("cargo-nextest", "--version") {
        step.args(["nextest", "run", "--package", "consensus", "--locked"]).args(more).args([TEST])
    } else {
        step.args(["test", "--package", "consensus", "--locked"]).args(more).args([TEST])
    })
}
