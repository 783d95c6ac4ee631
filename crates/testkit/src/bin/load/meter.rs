//! What processes and the machine used, and how fast the disk is.

use std::fs;
use std::io::Write;
use std::os::linux::fs::MetadataExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::process::cpu_ticks;

/// Clock ticks a second in /proc on Linux.
const TICKS: f64 = 100.0;
/// Where a block device's `stat` has what was written, in units of 512 bytes on every device.
const WRITTEN_SECTORS: usize = 6;
const SECTOR_BYTES: u64 = 512;
/// Appends that are synced to see how fast the disk is.
const SYNCS: usize = 100;
const SYNC_BYTES: usize = 4 << 10;

/// What was used until a moment, in seconds of CPU and in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Of the servers.
    pub(crate) servers: f64,
    /// Of this program.
    pub(crate) generator: f64,
    /// Of everything on the machine.
    pub(crate) machine: f64,
    /// What the disk with the clusters' files was given by everybody; `None` where there is no such disk.
    pub(crate) written: Option<u64>,
}

impl Usage {
    /// Reads what was used until now.
    pub(crate) fn now(servers: &[u32]) -> Result<Self> {
        let ticks: u64 = servers.iter().map(|pid| cpu_ticks(*pid)).sum::<Result<u64>>()?;
        Ok(Self {
            servers: ticks as f64 / TICKS,
            generator: cpu_ticks(std::process::id())? as f64 / TICKS,
            machine: machine_ticks()? as f64 / TICKS,
            written: written()?,
        })
    }

    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            servers: self.servers - earlier.servers,
            generator: self.generator - earlier.generator,
            machine: self.machine - earlier.machine,
            written: self.written.zip(earlier.written).map(|(now, then)| now.saturating_sub(then)),
        }
    }

    /// What everybody else used.
    pub(crate) fn others(self) -> f64 {
        (self.machine - self.servers - self.generator).max(0.0)
    }
}

/// CPUs that this program may use.
pub(crate) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Resident bytes of some processes.
pub(crate) fn resident(pids: &[u32]) -> Result<u64> {
    let kibibytes = |pid: &u32| field(&format!("/proc/{pid}/status"), "VmRSS:").context("a process without memory");
    Ok(pids.iter().map(kibibytes).sum::<Result<u64>>()? << 10)
}

/// The median time of an fdatasync after an append of 4 KiB, where the clusters have their files.
pub(crate) fn sync_p50() -> Result<Duration> {
    let mut file = tempfile::tempfile()?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0x5a; SYNC_BYTES])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

/// Bytes that were written to the disk with the clusters' files. Not the sum of `write_bytes` in /proc/PID/io: where the
/// page cache has large folios, those count all of a folio for each write into it.
fn written() -> Result<Option<u64>> {
    let device = fs::metadata(std::env::temp_dir())?.st_dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let Ok(text) = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/stat")) else { return Ok(None) };
    let sectors = text.split_ascii_whitespace().nth(WRITTEN_SECTORS).and_then(|sectors| sectors.parse::<u64>().ok());
    Ok(sectors.map(|sectors| sectors * SECTOR_BYTES))
}

/// The number after a name in a file of /proc.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

/// Ticks in which a CPU was not idle: proc(5), the first line of /proc/stat without idle and iowait, and without the
/// guests' times, which are in the users' already.
fn machine_ticks() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let all = text.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("/proc/stat has no CPUs")?;
    let ticks = all.split_ascii_whitespace().take(8).map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    Ok(ticks.iter().enumerate().filter(|(column, _)| ![3, 4].contains(column)).map(|(_, ticks)| ticks).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_grows() {
        let own = [std::process::id()];
        let before = Usage::now(&own).unwrap();
        let began = Instant::now();
        // The system counts the two in ticks of its own, not at the same moment.
        let grown = |used: &Usage| used.machine > 0.0 && used.servers > 0.0;
        while !grown(&Usage::now(&own).unwrap().since(before)) {
            assert!(began.elapsed() < testkit::PATIENCE);
        }
        assert!(resident(&own).unwrap() > 1 << 20);
    }
}
