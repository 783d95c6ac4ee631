//! A disk that is soon full: a tmpfs in place of a directory. Mounting takes root.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What takes the space away.
const FILLER: &str = "filler";
/// The filler grows and shrinks by pages, which is what a tmpfs counts.
const PAGE_BYTES: usize = 4 << 10;

/// A directory on a small disk of its own, which is gone when this is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    directory: PathBuf,
}

impl SmallDisk {
    /// Moves a directory to a disk of `bytes`. Nobody may use it meanwhile; what it was stays beside it as `*.before`.
    ///
    /// # Errors
    /// When this process may not mount, or the files do not fit.
    pub fn under(directory: &Path, bytes: u64) -> Result<Self> {
        let before = directory.with_extension("before");
        fs::rename(directory, &before).with_context(|| format!("cannot rename {}", directory.display()))?;
        DirBuilder::new().mode(0o700).create(directory)?;
        let options = format!("size={bytes},mode=0700");
        run(
            "mount",
            [OsStr::new("-t"), "tmpfs".as_ref(), "-o".as_ref(), options.as_ref(), "tmpfs".as_ref()],
            directory,
        )?;
        let disk = Self { directory: directory.to_owned() };
        // With the dot, the files that are in the directory and not the directory itself.
        run("cp", [OsStr::new("-a"), before.join(".").as_os_str()], directory)?;
        Ok(disk)
    }

    /// Takes all the space that is left but `spared` bytes, in whole pages.
    ///
    /// # Errors
    /// When writing fails for another reason than that there is no space.
    pub fn fill(&self, spared: u64) -> Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.filler())?;
        loop {
            match filler.write(&[0; PAGE_BYTES]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error).context("cannot fill the disk"),
            }
        }
        let length = filler.metadata()?.len();
        filler.set_len(length.saturating_sub(spared))?;
        Ok(())
    }

    /// Gives the space back.
    ///
    /// # Errors
    /// When it was not filled.
    pub fn free(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("cannot free the disk")
    }

    fn filler(&self) -> PathBuf {
        self.directory.join(FILLER)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: after a failed test a process may be in it still.
        let _in_vain = run("umount", [OsStr::new("--lazy")], &self.directory);
    }
}

fn run<'a>(program: &str, arguments: impl IntoIterator<Item = &'a OsStr>, last: &Path) -> Result<()> {
    let output = Command::new(program).args(arguments).arg(last).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {} ended with {}: {said}", last.display(), output.status);
    Ok(())
}
