//! `cargo xtask bench failover`: how long a cluster is without a leader when it loses it.

use std::ffi::OsString;
use std::fs;

use anyhow::Result;

use crate::step::{Step, target};

/// What [`super::BenchArgs`] begin with when this is meant.
pub(super) const NAME: &str = "failover";

/// Builds the servers and the measuring program in release, and measures.
pub(super) fn run(options: &[OsString]) -> Result<()> {
    let target = target()?;
    let release = target.join("release");
    for (package, binary) in [("testkit", NAME), ("conclave", "conclave")] {
        let build = ["build", "--release", "--locked", "--package", package, "--bin", binary];
        Step::cargo("build").args(build).run()?;
    }
    let files = target.join("bench");
    fs::create_dir_all(&files)?;
    let measure = Step::new("bench failover", release.join(NAME)).args(options);
    measure.env("CONCLAVE_BIN", release.join("conclave")).env("TMPDIR", files).run()
}
