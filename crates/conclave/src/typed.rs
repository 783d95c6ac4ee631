//! What operators type in: passphrases and shares, never among the arguments.

use std::io::{self, BufRead, IsTerminal};

use anyhow::Context;
use zeroize::Zeroizing;

/// Bytes of one line that are read.
const MAX_LINE_BYTES: u64 = 4 << 10;

/// One line, without its end; `None` at the end of stdin. At a terminal the prompt is shown and what is typed is not.
pub(crate) fn line(prompt: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
    if io::stdin().is_terminal() {
        let typed = rpassword::prompt_password(prompt).context("cannot read what is typed")?;
        return Ok(Some(Zeroizing::new(typed)));
    }
    from(io::stdin().lock())
}

fn from(source: impl BufRead) -> anyhow::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::with_capacity(usize::try_from(MAX_LINE_BYTES)?));
    let read = source.take(MAX_LINE_BYTES).read_line(&mut line).context("cannot read a line of stdin")?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok((read > 0).then_some(line))
}

/// A passphrase that is in use.
pub(crate) fn passphrase() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let typed = line("Passphrase (not shown): ")?.context("stdin has no passphrase")?;
    Ok(Zeroizing::new(typed.as_bytes().to_vec()))
}

/// A new passphrase, typed twice at a terminal.
pub(crate) fn new_passphrase() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let typed = line("New passphrase (not shown): ")?.context("stdin has no passphrase")?;
    if io::stdin().is_terminal() {
        let again = line("The same again: ")?;
        anyhow::ensure!(again.is_some_and(|again| *again == *typed), "the two are not the same; nothing was changed");
    }
    Ok(Zeroizing::new(typed.as_bytes().to_vec()))
}

/// One share; `None` when there are no more.
pub(crate) fn share(number: usize) -> anyhow::Result<Option<Zeroizing<String>>> {
    let typed = line(&format!("Share {number} (not shown; nothing to end): "))?;
    Ok(typed.filter(|typed| !typed.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one_without_their_ends() {
        let mut source = &b"first\r\nsecond\n\nlast"[..];
        let mut next = || from(&mut source).unwrap().map(|line| line.to_string());
        assert_eq!(next().as_deref(), Some("first"));
        assert_eq!(next().as_deref(), Some("second"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("last"));
        assert_eq!(next(), None);
    }
}
