//! What the tests need beside cargo: a Python environment with boto3, the AWS CLI and grpcio, and a Node.js one with AWS's
//! SDK, at pinned versions, under `target/`; strace; SoftHSM; and the privileges to trace and to mount.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::step::{Step, exists, root, say};

/// The pinned packages.
const REQUIREMENTS: &str = "tests/clients/python/requirements.txt";

/// The pinned packages of JavaScript, and the lock of what they need.
const PACKAGES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];
const PACKAGES_FOLDER: &str = "tests/clients/javascript";
/// Where distributions put SoftHSM's library.
const SOFTHSM_LIBRARIES: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
/// The oldest Node.js that AWS's SDK runs on.
const OLDEST_NODE: u32 = 20;

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
    debian_packages(&["python3", "python3-venv"])?;
    // Debian's own, should another python3 stand before it on the path.
    for base in ["python3", "/usr/bin/python3"] {
        if make(base)? {
            return Ok(base);
        }
    }
    bail!("python3-venv is installed and still makes no environment")
}

/// Makes a folder with a link to Node.js and AWS's SDK beside it, unless it is there with the same pins, and answers the
/// link.
///
/// # Errors
/// When Node.js is missing or too old, or a package cannot be installed.
pub(crate) fn javascript(target: &Path) -> Result<PathBuf> {
    let directory = target.join("javascript");
    let interpreter = directory.join("node");
    let pins = fs::read_to_string(root().join(PACKAGES_FOLDER).join("package-lock.json"))?;
    // Written last: a folder without it was not finished.
    let stamp = directory.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == pins) && exists(&interpreter, "--version") {
        return Ok(interpreter);
    }
    if !exists("node", "--version") || !exists("npm", "--version") {
        debian_packages(&["nodejs", "npm"])?;
    }
    let (_, version) = Step::new("node", "node").args(["--version"]).capture()?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    ensure!(
        major.is_some_and(|major| major >= OLDEST_NODE),
        "Node.js {OLDEST_NODE} or newer is missing; there is {}",
        version.trim()
    );
    if directory.exists() {
        fs::remove_dir_all(&directory).context("cannot remove the old packages of JavaScript")?;
    }
    fs::create_dir_all(&directory)?;
    for file in PACKAGES {
        fs::copy(root().join(PACKAGES_FOLDER).join(file), directory.join(file))?;
    }
    Step::new("javascript packages", "npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .args([&directory])
        .run()?;
    std::os::unix::fs::symlink(on_path("node")?, &interpreter)?;
    fs::write(&stamp, pins)?;
    Ok(interpreter)
}

/// Installs packages on Debian, as root.
fn debian_packages(packages: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() || !exists("apt-get", "--version") {
        bail!("{0} is missing (on Debian: apt-get install {0})", packages.join(" "));
    }
    Step::new("debian packages", "apt-get").args(["update", "--quiet"]).run()?;
    Step::new("debian packages", "apt-get")
        .args(["install", "--quiet", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

/// strace; on Debian, as root, installed when it is missing.
///
/// # Errors
/// When it is missing and cannot be installed.
pub(crate) fn strace() -> Result<PathBuf> {
    if !exists("strace", "--version") {
        debian_packages(&["strace"])?;
    }
    on_path("strace")
}

/// The library of SoftHSM; on Debian, as root, it is installed when it is missing.
///
/// # Errors
/// When it is missing and cannot be installed.
pub(crate) fn softhsm() -> Result<PathBuf> {
    if !exists("softhsm2-util", "--version") {
        debian_packages(&["softhsm2"])?;
    }
    let found = SOFTHSM_LIBRARIES.iter().map(PathBuf::from).find(|library| library.is_file());
    found.with_context(|| format!("SoftHSM's library is none of {}", SOFTHSM_LIBRARIES.join(", ")))
}

fn on_path(program: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|directory| directory.join(program)).find(|program| program.is_file());
    found.with_context(|| format!("{program} is not on the search path"))
}

/// Whether a server can be traced. It is not dumpable, so that takes root, and a system that lets root do it.
///
/// # Errors
/// When it cannot.
pub(crate) fn may_trace() -> Result<()> {
    ensure!(rustix::process::geteuid().is_root(), "tracing a server takes root");
    let step = Step::new("strace", "strace").args(["-qq", "-e", "trace=none", "true"]);
    ensure!(step.capture()?.0, "strace may not trace here");
    Ok(())
}

/// Whether small disks can be mounted.
///
/// # Errors
/// When they cannot.
pub(crate) fn may_mount(target: &Path) -> Result<()> {
    let place = target.join("mounted");
    fs::create_dir_all(&place)?;
    let mount = Step::new("mount", "mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).args([&place]);
    let (mounted, said) = mount.capture()?;
    ensure!(mounted, "a tmpfs cannot be mounted here: {}", said.trim());
    Step::new("mount", "umount").args([&place]).run()
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
