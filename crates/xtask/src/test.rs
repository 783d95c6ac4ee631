//! `cargo xtask test`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::provision;
use crate::step::{Step, exists, say, target};

/// Switches on the tests of whole clusters; without it they show as ignored.
const CLUSTERS: &str = "tests/clusters";
/// The module of the tests that need Python.
const PYTHON_TESTS: &str = "aws_clients::";

#[derive(Debug, Default, Args)]
pub(crate) struct TestArgs {
    /// Leaves out the tests for which something is missing on this machine, and says which.
    #[arg(long)]
    skip_missing: bool,
    /// Runs only the tests with this in their names, in packages and crates alike.
    filter: Option<String>,
}

/// Provides, builds and runs everything.
pub(crate) fn run(args: &TestArgs) -> Result<()> {
    let target = target()?;
    let (python, missing) = match provision::python(&target) {
        Ok(python) => (Some(python), None),
        Err(error) if args.skip_missing => (None, Some(error)),
        Err(error) => return Err(error.context("tests need Python; --skip-missing runs the others")),
    };

    // The same features as the tests are built with, so that nothing is built twice; examples are among the clients.
    Step::cargo("build").args(["build", "--workspace", "--locked", "--all-targets", "--features", CLUSTERS]).run()?;

    let binary = target.join("debug/conclave");
    let filter = args.filter.as_deref();
    if exists("cargo-nextest", "--version") {
        provided(nextest(filter, python.is_none()), &binary, python.as_ref()).run()?;
    } else {
        for step in libtest(filter, python.is_none()) {
            provided(step, &binary, python.as_ref()).run()?;
        }
    }
    match missing {
        Some(error) => say(format_args!("SKIPPED: the tests named {PYTHON_TESTS}*: {error:#}")),
        None => Ok(()),
    }
}

fn provided(step: Step, binary: &Path, python: Option<&PathBuf>) -> Step {
    let step = step.env("CONCLAVE_BIN", binary);
    match python {
        Some(python) => step.env("CONCLAVE_TEST_PYTHON", python),
        None => step,
    }
}

fn nextest(filter: Option<&str>, without_python: bool) -> Step {
    let mut step = Step::cargo("test").args(["nextest", "run", "--workspace", "--locked", "--features", CLUSTERS]);
    if without_python {
        step = step.args(["--filterset".to_owned(), format!("not (package(tests) and test(/^{PYTHON_TESTS}/))")]);
    }
    step.args(filter)
}

/// Without nextest: the clusters one at a time, because each takes the whole machine.
fn libtest(filter: Option<&str>, without_python: bool) -> [Step; 2] {
    let crates = Step::cargo("test").args(["test", "--workspace", "--locked", "--exclude", "tests"]).args(filter);
    let clusters = Step::cargo("test of clusters")
        .args(["test", "--package", "tests", "--locked", "--features", CLUSTERS])
        .args(filter)
        .args(["--", "--test-threads", "1"])
        .args(if without_python { &["--skip", PYTHON_TESTS][..] } else { &[] });
    [crates, clusters]
}
