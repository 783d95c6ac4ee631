//! A program that answers line by line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::Program;

/// A running program that reads JSON by lines and answers each with a line of JSON. Dropping it ends it.
#[derive(Debug)]
pub struct Dialog {
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Dialog {
    /// Starts the program. What it writes to standard error goes to that of the test.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &Program) -> Result<Self> {
        let mut child = program
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{program}`"))?;
        let input = child.stdin.take().context("the program has no standard input")?;
        let output = BufReader::new(child.stdout.take().context("the program has no standard output")?);
        Ok(Self { name: program.to_string(), child, input, output })
    }

    /// Says one line and waits for one.
    ///
    /// # Errors
    /// When the program has ended, or says what is no JSON.
    pub fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.input, "{question}").with_context(|| format!("`{}` does not listen", self.name))?;
        self.input.flush()?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("`{}` ended without an answer: {:?}", self.name, self.child.wait()?);
        }
        serde_json::from_str(&line).with_context(|| format!("`{}` said no JSON: {line:?}", self.name))
    }
}

impl Drop for Dialog {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn shell(script: &str) -> Dialog {
        Dialog::start(&Program::new("/bin/sh", Path::new("/")).args(["-c", script])).unwrap()
    }

    #[test]
    fn each_line_has_its_answer() {
        let mut echo = shell("while read -r line; do echo \"[$line]\"; done");
        for number in 0..3 {
            assert_eq!(echo.ask(&json!({"number": number})).unwrap(), json!([{"number": number}]));
        }
    }

    #[test]
    fn a_program_that_ended_or_babbles_is_told_so() {
        let ended = shell("read -r line; exit 3").ask(&json!(1)).unwrap_err().to_string();
        assert!(ended.contains("without an answer"), "{ended}");
        let babbled = shell("read -r line; echo hello").ask(&json!(1)).unwrap_err().to_string();
        assert!(babbled.contains("no JSON"), "{babbled}");
    }
}
