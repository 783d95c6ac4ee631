//! `cargo xtask ci`: the tests and every gate.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::provision::cargo_tool;
use crate::step::{Step, exists, root, say, target};
use crate::{prove, test};

const CARGO_DENY: &str = "0.20.2";
const CARGO_MACHETE: &str = "0.9.2";

/// Runs all of it, the quick gates first.
pub(crate) fn run() -> Result<()> {
    let target = target()?;
    let before = changes()?;

    Step::cargo("format").args(["fmt", "--all", "--check"]).run()?;
    unused_dependencies(&target)?;
    denied_dependencies(&target)?;
    test::run(&test::TestArgs::default())?;
    prove::barrier()?;
    Step::cargo("clippy")
        .args(["clippy", "--workspace", "--locked", "--all-targets", "--features", "tests/clusters"])
        .args(["--", "--deny", "warnings"])
        .run()?;
    Step::cargo("documentation")
        .args(["doc", "--workspace", "--locked", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "--deny warnings")
        .run()?;

    let after = changes()?;
    ensure!(before == after, "clean tree: something was written to it\nbefore:\n{before}\nafter:\n{after}");
    say("ci: all passed")
}

fn unused_dependencies(target: &Path) -> Result<()> {
    let machete = cargo_tool(target, "cargo-machete", CARGO_MACHETE)?;
    Step::new("unused dependencies", machete).args(["--skip-target-dir"]).args([root()]).run()
}

fn denied_dependencies(target: &Path) -> Result<()> {
    let deny = cargo_tool(target, "cargo-deny", CARGO_DENY)?;
    let check = |checks: &[&str]| {
        Step::new("dependencies", &deny)
            .args(["--workspace", "--locked", "--config", ".cargo/deny.toml", "check"])
            .args(checks)
    };
    check(&["bans", "licenses", "sources"]).run()?;
    // The database of advisories comes from outside; where it was fetched before, it is used.
    let home = std::env::var_os("CARGO_HOME").map_or_else(|| Path::new("").to_owned(), Into::into);
    let databases = [home.join("advisory-db"), home.join("advisory-dbs")];
    if databases.iter().any(|database| database.is_dir()) {
        return check(&["--disable-fetch", "advisories"]).run();
    }
    say("dependencies: SKIPPED advisories: their database is not on this machine (`cargo deny fetch db`)")
}

/// What git sees as changed; empty in a clean clone, and where there is no git.
fn changes() -> Result<String> {
    if !exists("git", "--version") {
        return Ok(String::new());
    }
    Ok(Step::new("clean tree", "git").args(["status", "--porcelain"]).capture()?.1)
}
