//! Where a command takes a secret value from.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use anyhow::Context;
use types::{Plaintext, limits};
use zeroize::Zeroizing;

use crate::cli::ValueArgs;
use crate::failure::Usage;

const WHY_NOT: &str = "a value on the command line is refused, because other users see it in the process list and the \
                       shell keeps it in its history: give it on stdin, with --from-file FILE, or at the prompt";

/// Reads the value from where the arguments say.
///
/// # Errors
/// [`Usage`] for a value among the arguments; otherwise why it cannot be read. No error holds a part of the value.
pub(crate) fn read(args: &ValueArgs) -> anyhow::Result<Plaintext> {
    refuse_on_command_line(args)?;
    match &args.from_file {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            bounded(file).with_context(|| format!("cannot read the value from {}", path.display()))
        }
        Some(_) => bounded(io::stdin().lock()).context("cannot read the value from stdin"),
        None if io::stdin().is_terminal() => {
            let typed = rpassword::prompt_password("Value (not shown): ").context("cannot read the value")?;
            Ok(Plaintext::new(typed.into_bytes()))
        }
        None => bounded(io::stdin().lock()).context("cannot read the value from stdin"),
    }
}

/// Refuses a value among the arguments, with the reason.
pub(crate) fn refuse_on_command_line(args: &ValueArgs) -> anyhow::Result<()> {
    if args.refused_value.is_some() || args.refused_option.is_some() {
        return Err(Usage(WHY_NOT.to_owned()).into());
    }
    Ok(())
}

/// Reads one byte more than a value may have, so that the server says that it is too long.
fn bounded(source: impl Read) -> io::Result<Plaintext> {
    let most = limits::SECRET_VALUE_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    source.take(most as u64).read_to_end(&mut bytes)?;
    Ok(Plaintext::copy_from(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_too_long_is_cut_one_byte_behind_the_limit() {
        let long = vec![b'x'; limits::SECRET_VALUE_BYTES * 2];
        assert_eq!(bounded(long.as_slice()).unwrap().len(), limits::SECRET_VALUE_BYTES + 1);
        assert_eq!(bounded(&b"with a line end\n"[..]).unwrap().expose_secret(), b"with a line end\n");
    }

    #[test]
    fn a_value_among_the_arguments_is_refused_with_the_reason() {
        let args = ValueArgs {
            from_file: None,
            binary: false,
            refused_value: Some("hunter2".to_owned()),
            refused_option: None,
        };
        let error = read(&args).unwrap_err();
        assert!(error.is::<Usage>());
        assert!(!format!("{error:#}").contains("hunter2"));
    }
}
