//! How a command ends when it does not succeed.

use std::io::{self, Write};
use std::process::ExitCode;

/// The command line or the configuration is wrong; nothing was tried.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Whether the reader of our output has had enough, as `head` has. Errors of connections are wrapped in those of the
/// client; only what we print ends in a bare IO error.
fn is_closed_output(error: &anyhow::Error) -> bool {
    let kind = match (error.downcast_ref::<io::Error>(), error.downcast_ref::<serde_json::Error>()) {
        (Some(error), _) => Some(error.kind()),
        (None, Some(error)) => error.io_error_kind(),
        (None, None) => None,
    };
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// An error with its causes, for a text that has no other place for them.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

const REFUSED: u8 = 1;
const USAGE: u8 = 2;

/// Writes the error with its causes to stderr and answers the exit status.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_output(error) {
        return ExitCode::SUCCESS;
    }
    // A closed stderr must not hide the status.
    let _closed = writeln!(io::stderr().lock(), "error: {error:#}");
    ExitCode::from(if error.is::<Usage>() { USAGE } else { REFUSED })
}
