//! Making files durable: what the engine does not do for its own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// How often a directory is listed again because files came while its files were synced.
const LISTINGS: usize = 16;

/// Makes a directory that only this user can enter, with its parents, and its entry durable.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    sync_parent(path)
}

/// Writes a file in place of the one that may be there: after a crash it is the old one or the new one, whole.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_parent(path)
}

/// Syncs every file and directory under `directory`, and itself.
///
/// The engine renames files in threads of its own, so a directory is listed until no name in it is new; a file that is
/// gone by then needs no sync.
pub(super) fn sync_tree(directory: &Path) -> io::Result<()> {
    let mut synced = BTreeSet::<OsString>::new();
    for _ in 0..LISTINGS {
        let mut settled = true;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if !synced.insert(entry.file_name()) {
                continue;
            }
            settled = false;
            match sync_entry(&entry) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if settled {
            return File::open(directory)?.sync_all();
        }
    }
    Err(io::Error::other("files keep coming while they are synced"))
}

fn sync_entry(entry: &fs::DirEntry) -> io::Result<()> {
    if entry.file_type()?.is_dir() { sync_tree(&entry.path()) } else { File::open(entry.path())?.sync_all() }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_bytes_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("marker");
        for bytes in [b"first".as_slice(), b"second one", b""] {
            replace_file(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_tree_is_synced_to_its_depth_and_a_file_that_cannot_be_is_named() {
        let directory = tempfile::tempdir().unwrap();
        create_directory(&directory.path().join("a/b")).unwrap();
        fs::write(directory.path().join("a/b/c"), b"c").unwrap();
        sync_tree(directory.path()).unwrap();
        sync_tree(&directory.path().join("missing")).unwrap_err();
        // A link to itself can be opened by nobody.
        std::os::unix::fs::symlink("loop", directory.path().join("a/b/loop")).unwrap();
        sync_tree(directory.path()).unwrap_err();
    }
}
