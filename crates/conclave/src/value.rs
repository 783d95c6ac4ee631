//! Where a command takes a secret value from.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use anyhow::Context;
use types::{Plaintext, limits};
use zeroize::Zeroizing;

use crate::cli::{Refused, ValueArgs};
use crate::failure::Usage;

const WHY_NOT: &str = "a value on the command line is refused, because other users see it in the process list and the \
                       shell keeps it in its history: give it on stdin, with --from-file FILE, or at the prompt";

/// Reads the value from where the arguments say.
///
/// # Errors
/// [`Usage`] for a value among the arguments; otherwise why it cannot be read. No error holds a part of the value.
pub(crate) fn read(args: &ValueArgs) -> anyhow::Result<Plaintext> {
    refuse_on_command_line(&args.refused)?;
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
pub(crate) fn refuse_on_command_line(refused: &Refused) -> anyhow::Result<()> {
    if refused.is_there() {
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
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, SecretCommand};

    #[test]
    fn a_value_that_is_too_long_is_cut_one_byte_behind_the_limit() {
        let long = vec![b'x'; limits::SECRET_VALUE_BYTES * 2];
        assert_eq!(bounded(long.as_slice()).unwrap().len(), limits::SECRET_VALUE_BYTES + 1);
        assert_eq!(bounded(&b"with a line end\n"[..]).unwrap().expose_secret(), b"with a line end\n");
    }

    #[test]
    fn a_value_among_the_arguments_is_refused_with_the_reason() {
        for arguments in [
            &["secret", "create", "s", "hunter2"][..],
            &["secret", "put", "s", "--secret-string", "hunter2"],
            &["secret", "update", "s", "hunter2"],
            &["secret", "update", "s", "--value=hunter2", "--description", "d"],
        ] {
            let cli = Cli::try_parse_from([&["conclave"], arguments].concat()).unwrap();
            let refused = match cli.command {
                Command::Secret(SecretCommand::Create { value, .. } | SecretCommand::Put { value, .. }) => {
                    read(&value).unwrap_err()
                }
                Command::Secret(SecretCommand::Update { refused, .. }) => refuse_on_command_line(&refused).unwrap_err(),
                other => panic!("{other:?}"),
            };
            assert!(refused.is::<Usage>());
            assert!(!format!("{refused:#}").contains("hunter2"));
        }
    }
}
