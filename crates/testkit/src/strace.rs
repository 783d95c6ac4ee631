//! What a process asks of the kernel, in order, as strace sees it.
//!
//! A thread stands still from the moment that strace is told of the end of a call until strace has noted it, and before a
//! call begins until strace has noted that. So a call that is noted to have ended before another one is noted to have
//! begun did end before it began, also in another process that another strace watches.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tempfile::NamedTempFile;

use crate::process::signal;
use crate::wait::{PATIENCE, until};

/// One call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its arguments as strace shows them, descriptors with what they stand for.
    pub arguments: String,
    /// What it returned; `None` for what is no number, and for what was cut off.
    pub result: Option<i64>,
    /// Microseconds since the epoch when it began.
    pub began: u64,
    /// Microseconds since the epoch when it had ended.
    pub ended: u64,
}

impl Call {
    /// The file or the socket that its first argument stands for: a path, or `TCP:[ours->theirs]`.
    pub fn descriptor(&self) -> Option<&str> {
        let (_, rest) = self.arguments.split_once('<')?;
        // `->` stands in the middle of a connection.
        let end = rest.match_indices('>').map(|(at, _)| at).find(|at| !rest[..*at].ends_with('-'))?;
        rest.get(..end)
    }

    /// The text in quotation marks at `position`, counted from 0.
    pub fn text(&self, position: usize) -> Option<&str> {
        self.arguments.split('"').nth(2 * position + 1)
    }
}

/// A strace that watches a process until it is finished.
#[derive(Debug)]
pub struct Strace {
    pid: u32,
    strace: Child,
    output: NamedTempFile,
}

impl Strace {
    /// Attaches to all threads of a process and notes the calls of these names; `more` are further arguments.
    ///
    /// # Errors
    /// When strace is missing or may not attach: servers are not dumpable, so it takes root.
    pub fn attach(program: &Path, pid: u32, calls: &[&str], more: &[&str]) -> Result<Self> {
        let output = NamedTempFile::new()?;
        let mut command = Command::new(program);
        command.args(["-f", "-yy", "-ttt", "-T", "-s", "256", "-e", &format!("trace={}", calls.join(","))]);
        command.args(more).args(["-p", &pid.to_string(), "-o"]).arg(output.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut strace = Self { pid, strace: command.spawn().context("cannot start strace")?, output };
        until("strace to attach", PATIENCE, || {
            ensure!(strace.strace.try_wait()?.is_none(), "strace could not attach to process {pid}");
            Ok(strace.is_attached().then_some(()))
        })?;
        Ok(strace)
    }

    /// Detaches and answers the calls in the order of their ends.
    ///
    /// # Errors
    /// When strace does not end or its output cannot be read.
    pub fn finish(mut self) -> Result<Vec<Call>> {
        signal(self.strace.id(), Signal::INT);
        until("the end of strace", PATIENCE, || Ok(self.strace.try_wait()?))?;
        calls(&fs::read_to_string(self.output.path())?)
    }

    fn is_attached(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).into_iter().flatten().flatten();
        let mut statuses = threads.map(|thread| fs::read_to_string(thread.path().join("status")).unwrap_or_default());
        let tracer = format!("TracerPid:\t{}", self.strace.id());
        statuses.all(|status| status.lines().any(|line| line == tracer))
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        if matches!(self.strace.try_wait(), Ok(None)) {
            signal(self.strace.id(), Signal::INT);
            let _reaped = self.strace.wait();
        }
    }
}

/// Reads strace's lines. A call during which another thread was noted takes two of them.
fn calls(output: &str) -> Result<Vec<Call>> {
    let mut unfinished: Vec<(&str, u64, &str)> = Vec::new();
    let mut calls = Vec::new();
    for line in output.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((time, rest)) = rest.trim_start().split_once(' ') else { continue };
        let at = micros(time).with_context(|| format!("no time in {line:?}"))?;
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.push((thread, at, begun));
        } else if let Some((_, end)) = rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            let Some(at_begin) = unfinished.iter().position(|(other, ..)| *other == thread) else { continue };
            let (_, began, begun) = unfinished.swap_remove(at_begin);
            calls.extend(call(&format!("{begun}{end}"), began).map(|call| Call { ended: at.max(call.began), ..call }));
        } else {
            calls.extend(call(rest, at));
        }
    }
    calls.sort_by_key(|call| call.ended);
    Ok(calls)
}

/// `name(arguments) = result <duration>`; `None` for signals and ends of threads.
fn call(text: &str, began: u64) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(") = ")?;
    let number = result.split(|c: char| c != '-' && !c.is_ascii_digit()).next()?;
    let duration = result.rsplit_once('<').and_then(|(_, duration)| micros(duration.strip_suffix('>')?));
    Some(Call {
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        result: number.parse().ok(),
        began,
        ended: began + duration.unwrap_or(0),
    })
}

/// Seconds with six decimals.
fn micros(text: &str) -> Option<u64> {
    let (seconds, micros) = text.split_once('.')?;
    (micros.len() == 6).then(|| Some(seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
7 100.000010 pwrite64(13</data/log/0000000001.log>, \"\\33\\\"a\"..., 1024, 7680) = 1024 <0.000051>
7 100.000100 fdatasync(13</data/log/0000000001.log> <unfinished ...>
8 100.000120 writev(19<TCP:[127.0.0.1:33598->127.0.0.1:24671]>, [{iov_base=\"x\", iov_len=589}], 1) = 589 <0.000044>
7 100.001500 <... fdatasync resumed>) = 0 <0.001414>
9 100.001600 fsync(4</data>) = -1 EIO (Input/output error) (INJECTED) <0.000005>
9 100.001700 rename(\"/data/a.tmp\", \"/data/a\") = 0 <0.000001>
8 100.001800 --- SIGURG {si_signo=SIGURG} ---
8 100.001900 fdatasync(5</data/b> <unfinished ...>
8 100.002000 +++ exited with 0 +++
";

    #[test]
    fn calls_are_read_in_the_order_of_their_ends() {
        let calls = calls(OUTPUT).unwrap();
        let seen: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.result, call.began, call.ended)).collect();
        let expected = [
            ("pwrite64", Some(1024), 100_000_010, 100_000_061),
            ("writev", Some(589), 100_000_120, 100_000_164),
            ("fdatasync", Some(0), 100_000_100, 100_001_500),
            ("fsync", Some(-1), 100_001_600, 100_001_605),
            ("rename", Some(0), 100_001_700, 100_001_701),
        ];
        assert_eq!(seen, expected);
        let descriptors: Vec<_> = calls.iter().filter_map(Call::descriptor).collect();
        let log = "/data/log/0000000001.log";
        assert_eq!(descriptors, [log, "TCP:[127.0.0.1:33598->127.0.0.1:24671]", log, "/data"]);
        assert_eq!(
            (calls[4].text(0), calls[4].text(1), calls[4].text(2)),
            (Some("/data/a.tmp"), Some("/data/a"), None)
        );
    }
}
