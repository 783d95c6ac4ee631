//! How often the servers sync their files, by strace. It slows them down, so nothing else is measured meanwhile.

use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tempfile::NamedTempFile;
use testkit::process::signal;
use testkit::{PATIENCE, until};

/// The calls that make what was written durable, or begin to.
const CALLS: [&str; 5] = ["fsync", "fdatasync", "sync_file_range", "msync", "syncfs"];

/// A strace that counts until it is finished.
#[derive(Debug)]
pub(crate) struct SyncCount {
    strace: Child,
    summary: NamedTempFile,
}

impl SyncCount {
    /// Attaches to all threads of some processes.
    pub(crate) fn begin(pids: &[u32]) -> Result<Self> {
        let summary = NamedTempFile::new()?;
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-e", &format!("trace={}", CALLS.join(",")), "-o"]).arg(summary.path());
        for pid in pids {
            command.args(["-p", &pid.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut count = Self { strace: command.spawn().context("cannot start strace")?, summary };
        until("strace to attach", PATIENCE, || {
            ensure!(count.strace.try_wait()?.is_none(), "strace could not attach to the servers");
            Ok(pids.iter().all(|pid| is_traced(*pid)).then_some(()))
        })?;
        Ok(count)
    }

    /// Detaches and answers how many calls there were.
    pub(crate) fn finish(mut self) -> Result<u64> {
        signal(self.strace.id(), Signal::INT);
        until("the end of strace", PATIENCE, || Ok(self.strace.try_wait()?))?;
        Ok(calls(&fs::read_to_string(self.summary.path())?))
    }
}

impl Drop for SyncCount {
    fn drop(&mut self) {
        if matches!(self.strace.try_wait(), Ok(None)) {
            signal(self.strace.id(), Signal::INT);
            let _reaped = self.strace.wait();
        }
    }
}

fn is_traced(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
}

/// Adds up the column of calls in strace's table: `% time, seconds, usecs/call, calls, [errors,] syscall`.
fn calls(summary: &str) -> u64 {
    let rows = summary.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let ours = rows.filter(|row| row.last().is_some_and(|name| CALLS.contains(name)));
    ours.filter_map(|row| row.get(3)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn calls_are_read_from_the_table() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 99.90    0.400000         100      4000           fdatasync
  0.10    0.000400          10        40         1 sync_file_range
------ ----------- ----------- --------- --------- ----------------
100.00    0.400400          99      4040         1 total
";
        assert_eq!(super::calls(summary), 4_040);
        assert_eq!(super::calls(""), 0);
    }
}
