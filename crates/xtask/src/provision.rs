//! The Python environment of the tests: boto3, the AWS CLI and grpcio, at pinned versions, under `target/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::step::{Step, exists, root, say};

/// The pinned packages.
const REQUIREMENTS: &str = "tests/clients/python/requirements.txt";

/// Makes the environment unless it is there with the same pins, and answers its interpreter.
///
/// # Errors
/// When Python, its venv module or a package is missing and cannot be installed.
pub(crate) fn python(target: &Path) -> Result<PathBuf> {
    let pins = fs::read_to_string(root().join(REQUIREMENTS))?;
    let directory = target.join("python");
    let interpreter = directory.join("bin/python");
    // Written last: an environment without it was not finished.
    let stamp = directory.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == pins) && exists(&interpreter, "--version") {
        return Ok(interpreter);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory).context("cannot remove the old Python environment")?;
    }
    let base = interpreter_with_venv(&directory)?;
    say(format_args!("python environment: made by {base} in {}", directory.display()))?;
    Step::new("python packages", &interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS])
        .run()?;
    fs::write(&stamp, pins)?;
    Ok(interpreter)
}

/// Makes an empty environment with the first interpreter that can; on Debian, as root, installs what is missing.
fn interpreter_with_venv(directory: &Path) -> Result<&'static str> {
    let make = |base: &'static str| -> Result<bool> {
        if !exists(base, "--version") {
            return Ok(false);
        }
        let step = Step::new("python environment", base).args(["-m", "venv", "--clear"]).args([directory]);
        Ok(step.capture()?.0)
    };
    if make("python3")? {
        return Ok("python3");
    }
    if !rustix::process::geteuid().is_root() || !exists("apt-get", "--version") {
        bail!("python3 with its venv module is missing (on Debian: apt-get install python3 python3-venv)");
    }
    Step::new("debian packages", "apt-get").args(["update", "--quiet"]).run()?;
    Step::new("debian packages", "apt-get")
        .args(["install", "--quiet", "--yes", "--no-install-recommends", "python3", "python3-venv"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()?;
    // Debian's own, should another python3 stand before it on the path.
    for base in ["python3", "/usr/bin/python3"] {
        if make(base)? {
            return Ok(base);
        }
    }
    bail!("python3-venv is installed and still makes no environment")
}

/// A cargo tool of a pinned version under `target/tools`, installed when it is missing there.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn cargo_tool(target: &Path, package: &'static str, version: &'static str) -> Result<PathBuf> {
    let tools = target.join("tools");
    let program = tools.join("bin").join(package);
    let stamp = tools.join(format!("{package}.version"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == version) && program.is_file() {
        return Ok(program);
    }
    // A debug build: it is made once and runs for seconds, where an optimized one is made for minutes.
    Step::cargo("install")
        .args(["install", "--quiet", "--debug", "--locked", "--force", "--version", version, package, "--root"])
        .args([&tools])
        .run()
        .with_context(|| format!("{package} is missing"))?;
    fs::write(&stamp, version)?;
    Ok(program)
}
