//! What `cargo xtask test` provides, by environment variables.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The `conclave` binary under test.
pub const BINARY_VARIABLE: &str = "CONCLAVE_BIN";
/// The Python interpreter of the environment with boto3, awscli and grpcio.
pub const PYTHON_VARIABLE: &str = "CONCLAVE_TEST_PYTHON";
/// The JavaScript interpreter, with AWS's SDK in `node_modules` beside it.
pub const NODE_VARIABLE: &str = "CONCLAVE_TEST_NODE";
/// The strace program.
pub const STRACE_VARIABLE: &str = "CONCLAVE_TEST_STRACE";

/// Paths of the programs that tests run.
#[derive(Clone, Debug)]
pub struct Provision {
    binary: PathBuf,
    python: Option<PathBuf>,
    node: Option<PathBuf>,
    strace: Option<PathBuf>,
}

impl Provision {
    /// Reads the variables.
    ///
    /// # Errors
    /// When [`BINARY_VARIABLE`] names no file.
    pub fn from_environment() -> Result<Self> {
        let binary = file(BINARY_VARIABLE).with_context(|| {
            format!("{BINARY_VARIABLE} does not name the conclave binary: run the tests with `cargo xtask test`")
        })?;
        Ok(Self { binary, python: file(PYTHON_VARIABLE), node: file(NODE_VARIABLE), strace: file(STRACE_VARIABLE) })
    }

    /// The `conclave` binary.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The Python interpreter.
    ///
    /// # Errors
    /// When [`PYTHON_VARIABLE`] names no file.
    pub fn python(&self) -> Result<&Path> {
        self.python.as_deref().with_context(|| {
            format!("{PYTHON_VARIABLE} does not name a Python with boto3: run the tests with `cargo xtask test`")
        })
    }

    /// The JavaScript interpreter.
    ///
    /// # Errors
    /// When [`NODE_VARIABLE`] names no file.
    pub fn node(&self) -> Result<&Path> {
        self.node.as_deref().with_context(|| {
            format!("{NODE_VARIABLE} does not name a Node.js with AWS's SDK: run the tests with `cargo xtask test`")
        })
    }

    /// The strace program.
    ///
    /// # Errors
    /// When [`STRACE_VARIABLE`] names no file.
    pub fn strace(&self) -> Result<&Path> {
        self.strace
            .as_deref()
            .with_context(|| format!("{STRACE_VARIABLE} does not name strace: run the tests with `cargo xtask test`"))
    }

    /// A program that was built beside the binary, such as an example's `examples/NAME`.
    ///
    /// # Errors
    /// When it was not built.
    pub fn beside_binary(&self, name: &str) -> Result<PathBuf> {
        let path = self.binary.parent().map(|dir| dir.join(name)).filter(|path| path.is_file());
        path.with_context(|| format!("{name} was not built: run the tests with `cargo xtask test`"))
    }
}

/// The root of the source tree.
pub fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn file(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file())
}
