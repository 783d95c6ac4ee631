//! How a command ends when it does not succeed.

use std::io::{self, Write};
use std::process::ExitCode;

/// The command line or the configuration is wrong; nothing was tried.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

const REFUSED: u8 = 1;
const USAGE: u8 = 2;

/// Writes the error with its causes to stderr and answers the exit status.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    // A closed stderr must not hide the status.
    let _closed = writeln!(io::stderr().lock(), "error: {error:#}");
    ExitCode::from(if error.is::<Usage>() { USAGE } else { REFUSED })
}
