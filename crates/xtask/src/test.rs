//! `cargo xtask test`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::provision;
use crate::step::{Step, exists, say, target};

/// Switches on the tests of whole clusters; without it they show as ignored.
const CLUSTERS: &str = "tests/clusters";
/// The tests that need Python: whole modules, and by name.
const PYTHON_TESTS: &[&str] =
    &["aws_clients::", "model::", "whole_api::boto3_", "whole_api::the_aws_cli_", "whole_api::awss_caching_library_"];
/// The tests that need Node.js.
const JAVASCRIPT_TESTS: &[&str] = &["whole_api::javascript_"];
/// Switches on the tests of the PKCS#11 provider, which need SoftHSM.
const SOFTHSM: &str = "key-service/softhsm";
/// The module of the tests of clusters that need SoftHSM.
const SOFTHSM_TESTS: &[&str] = &["softhsm::"];
/// The module of the tests that look at what servers ask of the kernel.
const STRACE_TESTS: &[&str] = &["synced::"];
/// The module of the tests that mount small disks.
const MOUNT_TESTS: &[&str] = &["disk_full::"];

#[derive(Debug, Default, Args)]
pub(crate) struct TestArgs {
    /// Leaves out the tests for which something is missing on this machine, and says which.
    #[arg(long)]
    skip_missing: bool,
    /// Runs only the tests with this in their names, in packages and crates alike.
    filter: Option<String>,
}

/// What tests need beside cargo.
#[derive(Debug, Default)]
struct Provided {
    python: Option<PathBuf>,
    javascript: Option<PathBuf>,
    strace: Option<PathBuf>,
    softhsm: Option<PathBuf>,
    /// The beginnings of the names of tests that are left out, and why.
    skipped: Vec<(&'static [&'static str], anyhow::Error)>,
}

impl Provided {
    fn find(target: &Path, skip_missing: bool) -> Result<Self> {
        let mut provided = Self::default();
        match provision::python(target) {
            Ok(python) => provided.python = Some(python),
            Err(error) if skip_missing => provided.skipped.push((PYTHON_TESTS, error)),
            Err(error) => return Err(error.context("tests need Python; --skip-missing runs the others")),
        }
        match provision::javascript(target) {
            Ok(javascript) => provided.javascript = Some(javascript),
            Err(error) if skip_missing => provided.skipped.push((JAVASCRIPT_TESTS, error)),
            Err(error) => return Err(error.context("tests need Node.js; --skip-missing runs the others")),
        }
        match provision::strace() {
            Ok(strace) => provided.strace = Some(strace),
            Err(error) if skip_missing => provided.skipped.push((STRACE_TESTS, error)),
            Err(error) => return Err(error.context("tests need strace; --skip-missing runs the others")),
        }
        match provision::softhsm() {
            Ok(softhsm) => provided.softhsm = Some(softhsm),
            Err(error) if skip_missing => provided.skipped.push((SOFTHSM_TESTS, error)),
            Err(error) => return Err(error.context("tests need SoftHSM; --skip-missing runs the others")),
        }
        // No package brings a privilege, so what lacks one is left out in any case, and named.
        let allowed = [(STRACE_TESTS, provision::may_trace()), (MOUNT_TESTS, provision::may_mount(target))];
        for (tests, allowed) in allowed {
            if let Err(error) = allowed
                && provided.skipped.iter().all(|(skipped, _)| *skipped != tests)
            {
                provided.skipped.push((tests, error));
            }
        }
        Ok(provided)
    }

    fn to(&self, step: Step, binary: &Path) -> Step {
        let programs = [
            ("CONCLAVE_TEST_PYTHON", &self.python),
            ("CONCLAVE_TEST_NODE", &self.javascript),
            ("CONCLAVE_TEST_STRACE", &self.strace),
            ("CONCLAVE_TEST_SOFTHSM", &self.softhsm),
        ];
        programs.into_iter().fold(step.env("CONCLAVE_BIN", binary), |step, (name, program)| match program {
            Some(program) => step.env(name, program),
            None => step,
        })
    }

    /// The features that the workspace is built with.
    fn features(&self) -> String {
        self.softhsm.as_ref().map_or_else(|| CLUSTERS.to_owned(), |_| format!("{CLUSTERS},{SOFTHSM}"))
    }

    fn skipped(&self) -> impl Iterator<Item = &'static str> {
        self.skipped.iter().flat_map(|(tests, _)| *tests).copied()
    }
}

/// Provides, builds and runs everything.
pub(crate) fn run(args: &TestArgs) -> Result<()> {
    let target = target()?;
    let provided = Provided::find(&target, args.skip_missing)?;

    // The same features as the tests are built with, so that nothing is built twice; examples are among the clients.
    let build = ["build", "--workspace", "--locked", "--all-targets", "--features"];
    Step::cargo("build").args(build).args([provided.features()]).run()?;

    let binary = target.join("debug/conclave");
    let filter = args.filter.as_deref();
    if exists("cargo-nextest", "--version") {
        provided.to(nextest(filter, &provided), &binary).run()?;
    } else {
        for step in libtest(filter, &provided) {
            provided.to(step, &binary).run()?;
        }
    }
    provided.skipped.iter().try_for_each(|(tests, why)| {
        let tests = tests.iter().map(|tests| format!("{tests}*")).collect::<Vec<_>>().join(", ");
        say(format_args!("SKIPPED: the tests named {tests}: {why:#}"))
    })
}

fn nextest(filter: Option<&str>, provided: &Provided) -> Step {
    let step = Step::cargo("test").args(["nextest", "run", "--workspace", "--locked", "--features"]);
    let step = step.args([provided.features()]);
    let skipped: Vec<String> = provided.skipped().map(|tests| format!("test(/^{tests}/)")).collect();
    let step = match skipped.as_slice() {
        [] => step,
        _ => step.args(["--filterset".to_owned(), format!("not (package(tests) and ({}))", skipped.join(" or "))]),
    };
    step.args(filter)
}

/// Without nextest: the clusters one at a time, because each takes the whole machine.
fn libtest(filter: Option<&str>, provided: &Provided) -> [Step; 2] {
    let crates = Step::cargo("test").args(["test", "--workspace", "--locked", "--exclude", "tests"]);
    let crates = if provided.softhsm.is_some() { crates.args(["--features", SOFTHSM]) } else { crates };
    let crates = crates.args(filter);
    let clusters = Step::cargo("test of clusters")
        .args(["test", "--package", "tests", "--locked", "--features", CLUSTERS])
        .args(filter)
        .args(["--", "--test-threads", "1"])
        .args(provided.skipped().flat_map(|tests| ["--skip", tests]));
    [crates, clusters]
}
