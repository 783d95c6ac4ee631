//! One command after the other, each shown before it runs.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// A command with the name by which a failure is reported.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    name: &'static str,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

impl Step {
    /// A step that runs `program`.
    pub(crate) fn new(name: &'static str, program: impl AsRef<OsStr>) -> Self {
        Self { name, program: program.as_ref().to_owned(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// A step that runs the cargo that runs this program.
    pub(crate) fn cargo(name: &'static str) -> Self {
        Self::new(name, env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// Runs the step in the root of the tree, with its output where ours goes.
    pub(crate) fn run(&self) -> Result<()> {
        say(format_args!("{}: {self}", self.name))?;
        let started = Instant::now();
        let status = self.command().status().with_context(|| format!("{}: cannot start {self}", self.name))?;
        if !status.success() {
            bail!("{}: `{self}` ended with {status}", self.name);
        }
        say(format_args!("{}: ok, {} s", self.name, started.elapsed().as_secs()))
    }

    /// Runs the step and answers whether it succeeded and what it printed, both streams after each other.
    pub(crate) fn capture(&self) -> Result<(bool, String)> {
        say(format_args!("{}: {self}", self.name))?;
        let output = self.command().output().with_context(|| format!("{}: cannot start {self}", self.name))?;
        let printed = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8_lossy(&printed).into_owned()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(root()).stdin(Stdio::null()).envs(self.environment.iter().cloned());
        // Python programs leave no byte code in the tree.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        // Set by cargo for us; a cargo below would build its dependencies again because of them.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        command
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = Path::new(&self.program).file_name().unwrap_or(&self.program);
        write!(f, "{}", program.to_string_lossy())?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", argument.to_string_lossy()))
    }
}

/// Prints a line that stands out among the output of the steps. The standard output is theirs alone.
pub(crate) fn say(line: impl fmt::Display) -> Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "==> {line}")?)
}

/// The root of the tree.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// Cargo's target directory.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec()?;
    Ok(metadata.target_directory.into_std_path_buf())
}

/// Whether a program can be started.
pub(crate) fn exists(program: impl AsRef<OsStr>, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
