//! `cargo xtask bench crypto`: what the key-committing encryption costs beside the plain one.

use anyhow::Result;

use crate::step::{Step, target};

/// What [`super::BenchArgs`] are when this is meant.
pub(super) const NAME: &str = "crypto";
const EXAMPLE: &str = "committed_rate";

/// Builds the measuring program in release, and measures.
pub(super) fn run() -> Result<()> {
    let build = ["build", "--release", "--locked", "--package", "key-service", "--example", EXAMPLE];
    Step::cargo("build").args(build).run()?;
    Step::new("bench crypto", target()?.join("release/examples").join(EXAMPLE)).run()
}
