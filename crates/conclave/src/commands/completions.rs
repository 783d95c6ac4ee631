//! `conclave completions`.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;

/// Prints what a shell needs to complete this command line.
pub(crate) fn run(shell: Shell) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(&script(shell))?;
    out.flush()?;
    Ok(())
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "conclave", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_the_commands() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).unwrap();
            for word in ["random-password", "include-deprecated", "restart-node"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
