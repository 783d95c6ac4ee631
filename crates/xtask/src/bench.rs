//! `cargo xtask bench`: figures. They have bounds nowhere; a test never asserts a duration.

mod crypto;
mod failover;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::step::{Step, exists, say, target};

/// Options of the load generator that are looked at here.
const WITHOUT_ETCD: &str = "--without-etcd";
const ETCD: &str = "--etcd";
const HELP: [&str; 3] = ["--help", "-h", "help"];

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct BenchArgs {
    /// What the load generator gets: `cargo xtask bench --help` shows its options, `--quick` is for a first figure.
    /// `failover` and its options measure the loss of leaders instead, `scale` what many secrets cost, `crypto` the
    /// encryption alone.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

impl BenchArgs {
    fn has(&self, option: &str) -> bool {
        let with_value = format!("{option}=");
        self.options.iter().any(|given| given == option || given.to_string_lossy().starts_with(&with_value))
    }
}

/// Measures what is asked for.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    match args.options.split_first() {
        Some((first, options)) if first == failover::NAME => failover::run(options),
        Some((first, [])) if first == crypto::NAME => crypto::run(),
        _ => load(args),
    }
}

/// Builds Conclave and the load generator in release, provides etcd, and measures.
fn load(args: &BenchArgs) -> Result<()> {
    let target = target()?;
    let release = target.join("release");
    Step::cargo("build").args(["build", "--release", "--locked", "--package", "testkit", "--bin", "load"]).run()?;
    let mut load = Step::new("bench", release.join("load")).args(&args.options);
    if !HELP.iter().any(|help| args.has(help)) {
        Step::cargo("build").args(["build", "--release", "--locked", "--package", "conclave"]).run()?;
        // Behind what is given, which may begin with `scale`.
        if !args.has(WITHOUT_ETCD) && !args.has(ETCD) {
            load = load.args([OsString::from(ETCD), etcd(&target)?.into()]);
        }
    }
    // Beside what was built, for the system's folder of temporary files may be in memory.
    let files = target.join("bench");
    fs::create_dir_all(&files)?;
    load.env("CONCLAVE_BIN", release.join("conclave")).env("TMPDIR", files).run()
}

/// etcd's server: the one on the path, or Debian's, unpacked under `target/`. Its installation would start a service.
fn etcd(target: &Path) -> Result<PathBuf> {
    let found = PathBuf::from("etcd");
    if exists(&found, "--version") {
        return Ok(found);
    }
    let directory = target.join("tools/etcd");
    let unpacked = directory.join("usr/bin/etcd");
    if !exists(&unpacked, "--version") {
        unpack(&directory)
            .with_context(|| format!("etcd is missing (on Debian: apt-get install etcd-server; or {WITHOUT_ETCD})"))?;
    }
    Ok(unpacked)
}

fn unpack(directory: &Path) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        Step::new("debian packages", "apt-get").args(["update", "--quiet"]).run()?;
    }
    fs::create_dir_all(directory)?;
    let script = "cd \"$1\" && apt-get download etcd-server && dpkg-deb --extract etcd-server_*.deb .";
    Step::new("etcd", "sh").args(["-euc", script, "etcd"]).args([directory]).run()?;
    say(format_args!("etcd: unpacked in {}", directory.display()))
}
