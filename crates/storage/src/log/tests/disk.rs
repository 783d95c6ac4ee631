//! A disk that fails, waits or loses power when the test says so.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};

use super::super::sector::SECTOR_BYTES;
use super::super::segment::Disk;

/// Deterministic numbers (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// What a call does when its number comes.
#[derive(Debug)]
pub(super) enum Fault {
    /// It fails, and nothing else happens.
    Error,
    /// It fails, and so do all after it. Of what was not synced each sector and each name is kept or lost.
    PowerLoss(Random),
}

#[derive(Debug, Default)]
pub(super) struct FaultyDisk {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    writes: Vec<usize>,
    syncs: u64,
    fault: Option<(u64, Fault)>,
    calls_after_fault: Option<u64>,
    is_off: bool,
    is_shut: bool,
    undo: Vec<Undo>,
}

#[derive(Debug)]
enum Undo {
    Sector { file: File, offset: u64, old: Vec<u8> },
    Name { from: PathBuf, to: PathBuf },
}

impl FaultyDisk {
    /// Makes call number `call`, from 1 on, go wrong.
    pub(super) fn fail_at(&self, call: u64, fault: Fault) {
        self.state.lock().unwrap().fault = Some((call, fault));
    }

    /// Lets calls wait from now on, until [`FaultyDisk::open_gate`].
    pub(super) fn shut_gate(&self) {
        self.state.lock().unwrap().is_shut = true;
    }

    pub(super) fn open_gate(&self) {
        self.state.lock().unwrap().is_shut = false;
        self.opened.notify_all();
    }

    pub(super) fn calls(&self) -> u64 {
        self.state.lock().unwrap().calls
    }

    pub(super) fn syncs(&self) -> u64 {
        self.state.lock().unwrap().syncs
    }

    /// Bytes of each write.
    pub(super) fn writes(&self) -> Vec<usize> {
        self.state.lock().unwrap().writes.clone()
    }

    /// Calls after the one that failed.
    pub(super) fn calls_after_fault(&self) -> u64 {
        self.state.lock().unwrap().calls_after_fault.unwrap()
    }

    fn call(&self, is_sync: bool, act: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        while state.is_shut {
            state = self.opened.wait(state).unwrap();
        }
        state.calls += 1;
        state.calls_after_fault = state.calls_after_fault.map(|calls| calls + 1);
        if state.is_off {
            return Err(io::Error::other("no power"));
        }
        if state.fault.as_ref().is_none_or(|(call, _)| *call != state.calls) {
            return act(&mut state);
        }
        state.calls_after_fault = Some(0);
        if let Some((_, Fault::PowerLoss(mut random))) = state.fault.take() {
            // A write or a new name is under way when the power goes; a sync may have ended or not begun.
            if !is_sync || random.below(2) == 0 {
                act(&mut state)?;
            }
            state.lose_power(&mut random)?;
        }
        Err(io::Error::other("injected"))
    }
}

impl State {
    fn lose_power(&mut self, random: &mut Random) -> io::Result<()> {
        self.is_off = true;
        // All, nothing, or each by chance.
        let kind = random.below(4);
        while let Some(undo) = self.undo.pop() {
            let is_lost = match kind {
                0 => false,
                1 => true,
                _ => random.below(2) == 0,
            };
            match undo {
                Undo::Sector { file, offset, old } if is_lost => file.write_all_at(&old, offset)?,
                Undo::Name { from, to } if is_lost => fs::rename(to, from)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.call(false, |state| {
            state.writes.push(bytes.len());
            for (at, _) in bytes.chunks(SECTOR_BYTES).enumerate() {
                let offset = offset + (at * SECTOR_BYTES) as u64;
                let mut old = vec![0; SECTOR_BYTES];
                file.read_exact_at(&mut old, offset)?;
                state.undo.push(Undo::Sector { file: file.try_clone()?, offset, old });
            }
            file.write_all_at(bytes, offset)
        })
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.call(true, |state| {
            state.syncs += 1;
            state.undo.retain(|undo| !matches!(undo, Undo::Sector { .. }));
            file.sync_data()
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(false, |state| {
            state.undo.push(Undo::Name { from: from.to_owned(), to: to.to_owned() });
            fs::rename(from, to)
        })
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        self.call(true, |state| {
            state.undo.retain(|undo| !matches!(undo, Undo::Name { .. }));
            directory.sync_all()
        })
    }
}
