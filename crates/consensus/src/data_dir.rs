//! Whose a data directory is: the file `node` in it.
//!
//! A node that has voted must not vote again under its id without its log, and what it has acknowledged must be there.
//! So the first start leaves this file beside log and state, durable before Raft starts, and every later start demands
//! that both are there. The file also draws an id for the directory, which the membership holds: a node whose whole
//! directory was lost, this file too, is known by another one and is not heard by its peers.
//!
//! A directory that was put back from an older copy has its id, its log and its state, and lacks what the node has
//! acknowledged since the copy was made. So the file also counts the starts: see `boots`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use state::{Boot, Boots};
use types::{ClusterId, NodeId};

pub(crate) use state::DataId;

use crate::boots::{boots_from_text, boots_to_text};

const MARKER: &str = "node";
const LOG: &str = "log";
const STATE: &str = "state";
const INCOMING: &str = "incoming";
const LOG_EXTENSION: &str = "log";
const ASIDE_PREFIX: &str = "aside-";
/// The first line of the file: what it is, and the version of its format.
const FORMAT: &str = "conclave node 2";
/// The format without boots.
const FIRST_FORMAT: &str = "conclave node 1";
/// Bytes of the file, generously.
const MARKER_BYTES: u64 = 4_096;

const STEPS: &str = "To go on with this machine: make the directory of a node with a new id with `conclave operator \
                     issue-node`; start `conclave server --rejoin` with its configuration; add it with `conclave \
                     cluster add-node`; and take the old id out with `conclave cluster remove-node`";

/// A data directory that this node must not use.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It belongs to another node.
    #[error(
        "{} belongs to node {found} of cluster {cluster}; a node with another id sets what lies there aside with \
         `conclave server --rejoin`",
        dir.display()
    )]
    Foreign {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        found: NodeId,
        /// Of which cluster.
        cluster: ClusterId,
    },
    /// The node has had data here, and part of it is gone.
    #[error(
        "node {node} has had data in {}, and its {part} is gone; a node that has lost its log or its state must not \
         vote again under its id. {STEPS}",
        dir.display()
    )]
    Lost {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        node: NodeId,
        /// What is gone.
        part: &'static str,
    },
    /// It is not what the node last had.
    #[error(
        "the data directory {} is an older copy of what node {node} had: the cluster knows of a later state, and what \
         the node has acknowledged or voted since may be missing here. {STEPS}",
        dir.display()
    )]
    OlderCopy {
        /// The directory.
        dir: PathBuf,
        /// Whose it is.
        node: NodeId,
    },
    /// Only a node with a new id may rejoin.
    #[error("{} has belonged to node {node}, and that id is not used again. {STEPS}", dir.display())]
    IdUsed {
        /// The directory that belonged to it.
        dir: PathBuf,
        /// The id.
        node: NodeId,
    },
    /// There is data, and nothing says whose it is.
    #[error("{} holds data, and no file `node` says whose; move it away by hand, and keep it", dir.display())]
    Unknown {
        /// The directory.
        dir: PathBuf,
    },
    /// The file is not one, or is of a version that this program does not know.
    #[error("{} is damaged, or of another version", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A running server has it.
    #[error("{} is in use by a running server", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

fn failed<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> DataDirError + 'a {
    move |source| DataDirError::Io { what, path: path.to_owned(), source }
}

fn draw<const N: usize>() -> io::Result<[u8; N]> {
    let mut drawn = [0; N];
    getrandom::fill(&mut drawn).map_err(io::Error::other)?;
    Ok(drawn)
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    cluster: ClusterId,
    node: NodeId,
    data: DataId,
    /// Absent in a file of the first format, which did not count starts.
    boots: Option<Boots>,
    /// The cluster knows a later state of this directory.
    reverted: bool,
}

impl Marker {
    fn encode(&self) -> String {
        let Self { cluster, node, data, boots, reverted } = self;
        let mut text = format!("{FORMAT}\ncluster {cluster}\nid {node}\ndata {data}\n");
        if let Some(boots) = boots {
            text += &format!("boots {}\n", boots_to_text(boots));
        }
        text += if *reverted { "copy old\n" } else { "copy none\n" };
        let checksum = crc32c::crc32c(text.as_bytes());
        format!("{text}crc32c {checksum:08x}\n")
    }

    fn decode(text: &str) -> Option<Self> {
        let (content, checksum) = text.strip_suffix('\n')?.rsplit_once("crc32c ")?;
        if checksum != format!("{:08x}", crc32c::crc32c(content.as_bytes())) {
            return None;
        }
        let mut lines = content.lines();
        let format = lines.next()?;
        let cluster = lines.next()?.strip_prefix("cluster ")?.parse().ok()?;
        let node = NodeId(lines.next()?.strip_prefix("id ")?.parse().ok()?);
        let data = DataId::from_text(lines.next()?.strip_prefix("data ")?)?;
        let (boots, reverted) = match format {
            FIRST_FORMAT => (None, false),
            FORMAT => {
                let boots = boots_from_text(lines.next()?.strip_prefix("boots ")?)?;
                let reverted = match lines.next()? {
                    "copy none" => false,
                    "copy old" => true,
                    _ => return None,
                };
                (Some(boots), reverted)
            }
            _ => return None,
        };
        lines.next().is_none().then_some(Self { cluster, node, data, boots, reverted })
    }

    fn read(dir: &Path) -> Result<Option<Self>, DataDirError> {
        let path = dir.join(MARKER);
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let text = if length > MARKER_BYTES { String::new() } else { fs::read_to_string(&path).unwrap_or_default() };
        Self::decode(&text).map(Some).ok_or(DataDirError::Damaged { path })
    }

    /// Writes the file, durable on return.
    fn write(&self, dir: &Path) -> Result<(), DataDirError> {
        let (path, new) = (dir.join(MARKER), dir.join("node.new"));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(self.encode().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync(dir)
        };
        write().map_err(failed("write", &path))
    }
}

/// Whose a directory is, as a start has found it.
pub(crate) struct Claim {
    dir: PathBuf,
    cluster: ClusterId,
    node: NodeId,
    known: Option<Marker>,
}

impl Claim {
    /// Looks whether a node may use a directory, before anything in it is opened or made.
    pub(crate) fn check(dir: &Path, cluster: ClusterId, node: NodeId) -> Result<Self, DataDirError> {
        let known = Marker::read(dir)?;
        if let Some(marker) = &known {
            if (marker.cluster, marker.node) != (cluster, node) {
                let (found, cluster) = (marker.node, marker.cluster);
                return Err(DataDirError::Foreign { dir: dir.to_owned(), found, cluster });
            }
            if marker.reverted {
                return Err(DataDirError::OlderCopy { dir: dir.to_owned(), node });
            }
            let lost = |part| DataDirError::Lost { dir: dir.to_owned(), node, part };
            if !has_file(&dir.join(LOG), |path| path.extension().is_some_and(|it| it == LOG_EXTENSION))? {
                return Err(lost("log"));
            }
            if !has_file(&dir.join(STATE), |_| true)? {
                return Err(lost("state"));
            }
        }
        Ok(Self { dir: dir.to_owned(), cluster, node, known })
    }

    /// Settles whose the directory is, once log and state are there, and counts this start; durable on return.
    /// `holds_data` says whether anything is in them: the first start leaves the file before it writes there.
    pub(crate) fn settle(self, holds_data: bool) -> Result<DataDir, DataDirError> {
        let marker = match self.known {
            Some(marker) => marker,
            None if holds_data => return Err(DataDirError::Unknown { dir: self.dir }),
            None => {
                let data = DataId(draw().map_err(failed("draw an id for", &self.dir))?);
                Marker { cluster: self.cluster, node: self.node, data, boots: None, reverted: false }
            }
        };
        let mut dir = DataDir { dir: self.dir, marker };
        dir.raise()?;
        Ok(dir)
    }
}

/// The directory of a node that runs, and what it says of itself.
pub(crate) struct DataDir {
    dir: PathBuf,
    marker: Marker,
}

impl DataDir {
    pub(crate) fn id(&self) -> DataId {
        self.marker.data
    }

    /// The boots to report: all since one that the state is known to hold.
    pub(crate) fn boots(&self) -> Option<&Boots> {
        self.marker.boots.as_ref()
    }

    /// Counts a boot; durable on return.
    pub(crate) fn raise(&mut self) -> Result<(), DataDirError> {
        let nonce = u64::from_be_bytes(draw().map_err(failed("draw a nonce for", &self.dir))?);
        let boots = match self.marker.boots.clone() {
            Some(mut boots) => {
                boots.raise(nonce);
                Some(boots)
            }
            None => Boots::new(1, vec![nonce]),
        };
        self.write(Marker { boots, ..self.marker.clone() })
    }

    /// Takes notice that the state holds a boot of this directory: what came before it need not be reported any more.
    pub(crate) fn registered(&mut self, boot: Boot) -> Result<(), DataDirError> {
        let mut boots = self.marker.boots.clone();
        if boots.as_mut().is_some_and(|boots| boots.forget_before(boot)) {
            self.write(Marker { boots, ..self.marker.clone() })?;
        }
        Ok(())
    }

    /// Writes down that this is an older copy, so that it is not started again under its id.
    pub(crate) fn condemn(&mut self) -> Result<(), DataDirError> {
        self.write(Marker { reverted: true, ..self.marker.clone() })
    }

    /// What to say to whoever starts this directory, when it is an older copy.
    pub(crate) fn older_copy(&self) -> DataDirError {
        DataDirError::OlderCopy { dir: self.dir.clone(), node: self.marker.node }
    }

    fn write(&mut self, marker: Marker) -> Result<(), DataDirError> {
        marker.write(&self.dir)?;
        self.marker = marker;
        Ok(())
    }
}

/// Moves a node's log and state into a directory `aside-STAMP` beside them, so that a node with a new id can begin
/// there. Other files, such as a keyring, stay. Answers where it all lies; `None` when there was nothing.
///
/// # Errors
/// When the directory, or one that was set aside in it earlier, belonged to `node` itself, when a running server has it,
/// or when it cannot be told whose it is. Nothing is changed then.
pub fn set_aside(dir: &Path, node: NodeId, stamp: &str) -> Result<Option<PathBuf>, DataDirError> {
    let used = |dir: &Path| DataDirError::IdUsed { dir: dir.to_owned(), node };
    for earlier in earlier(dir)? {
        if Marker::read(&earlier)?.is_some_and(|marker| marker.node == node) {
            return Err(used(&earlier));
        }
    }
    let parts: Vec<&str> = [LOG, STATE, INCOMING].into_iter().filter(|part| dir.join(part).exists()).collect();
    match Marker::read(dir)? {
        Some(marker) if marker.node == node => return Err(used(dir)),
        Some(_) => {}
        None if parts.is_empty() => return Ok(None),
        None => return Err(DataDirError::Unknown { dir: dir.to_owned() }),
    }
    let _lock = lock(dir)?;
    let aside = dir.join(format!("{ASIDE_PREFIX}{stamp}"));
    DirBuilder::new().mode(0o700).create(&aside).map_err(failed("make", &aside))?;
    // The marker goes last: until then the directory is known to lack something.
    for part in parts.into_iter().chain([MARKER]) {
        let (from, to) = (dir.join(part), aside.join(part));
        fs::rename(&from, &to).and_then(|()| sync(&aside)).map_err(failed("move", &from))?;
    }
    sync(dir).map_err(failed("sync", dir))?;
    Ok(Some(aside))
}

/// The directories that were set aside earlier.
fn earlier(dir: &Path) -> Result<Vec<PathBuf>, DataDirError> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(failed("list", dir)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed("list", dir))?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(ASIDE_PREFIX)) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Takes the log's lock, which a running server holds.
fn lock(dir: &Path) -> Result<Option<File>, DataDirError> {
    let log = dir.join(LOG);
    if !log.exists() {
        return Ok(None);
    }
    let handle = File::open(&log).map_err(failed("open", &log))?;
    match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(handle)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(DataDirError::InUse { dir: dir.to_owned() }),
        Err(error) => Err(failed("lock", &log)(error.into())),
    }
}

fn has_file(dir: &Path, is_meant: impl Fn(&Path) -> bool) -> Result<bool, DataDirError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed("list", dir)(error)),
    };
    for entry in entries {
        if is_meant(&entry.map_err(failed("list", dir))?.path()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    const CLUSTER: ClusterId = ClusterId([7; 16]);

    /// A directory in which node 3 has run.
    fn used() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let claim = Claim::check(dir.path(), CLUSTER, NodeId(3)).unwrap();
        for part in [LOG, STATE] {
            fs::create_dir(dir.path().join(part)).unwrap();
        }
        fs::write(dir.path().join("log/0000000001.log"), "").unwrap();
        fs::write(dir.path().join("state/db"), "").unwrap();
        fs::write(dir.path().join("keyring"), "k").unwrap();
        claim.settle(false).unwrap();
        dir
    }

    fn text(error: impl fmt::Display) -> String {
        error.to_string()
    }

    #[test]
    fn a_directory_keeps_its_id_and_its_node() {
        let dir = used();
        let data = |claim: Claim| claim.settle(false).unwrap().id();
        let first = data(Claim::check(dir.path(), CLUSTER, NodeId(3)).unwrap());
        assert_eq!(first, data(Claim::check(dir.path(), CLUSTER, NodeId(3)).unwrap()));
        let foreign = Claim::check(dir.path(), CLUSTER, NodeId(4)).err().unwrap();
        assert!(text(foreign).contains("belongs to node 3"));
        assert!(Claim::check(dir.path(), ClusterId([8; 16]), NodeId(3)).is_err());
    }

    fn start(dir: &Path) -> DataDir {
        Claim::check(dir, CLUSTER, NodeId(3)).unwrap().settle(false).unwrap()
    }

    fn boots(dir: &DataDir) -> Boots {
        dir.boots().unwrap().clone()
    }

    #[test]
    fn every_start_is_counted_with_a_nonce_of_its_own() {
        let dir = used();
        let (second, third) = (boots(&start(dir.path())), boots(&start(dir.path())));
        assert_eq!((second.last().counter, third.last().counter), (2, 3));
        assert_eq!(third.first().counter, 1);
        assert_eq!(third.nonces()[..2], *second.nonces());
        assert_ne!(third.nonces()[1], third.nonces()[2]);
        let mut running = start(dir.path());
        running.raise().unwrap();
        running.registered(third.last()).unwrap();
        let again = boots(&start(dir.path()));
        assert_eq!((again.first(), again.last().counter), (third.last(), 6));
    }

    #[test]
    fn a_directory_of_the_first_format_opens_and_begins_to_count() {
        let dir = used();
        let Marker { cluster, node, data, .. } = Marker::read(dir.path()).unwrap().unwrap();
        let text = format!("conclave node 1\ncluster {cluster}\nid {node}\ndata {data}\n");
        let checksum = crc32c::crc32c(text.as_bytes());
        fs::write(dir.path().join(MARKER), format!("{text}crc32c {checksum:08x}\n")).unwrap();
        let opened = start(dir.path());
        assert_eq!((opened.id(), boots(&opened).last().counter), (data, 1));
        assert_eq!(boots(&start(dir.path())).last().counter, 2);
    }

    #[test]
    fn a_directory_that_is_known_to_be_an_older_copy_is_not_started_again() {
        let dir = used();
        start(dir.path()).condemn().unwrap();
        let refused = text(Claim::check(dir.path(), CLUSTER, NodeId(3)).err().unwrap());
        assert!(refused.contains("is an older copy") && refused.contains("server --rejoin"), "{refused}");
        assert!(matches!(set_aside(dir.path(), NodeId(3), "x"), Err(DataDirError::IdUsed { .. })));
        set_aside(dir.path(), NodeId(4), "x").unwrap().unwrap();
    }

    #[test]
    fn the_longest_marker_is_read_again() {
        let dir = used();
        for _ in 0..Boots::MAX + 10 {
            start(dir.path());
        }
        assert_eq!(boots(&start(dir.path())).nonces().len(), Boots::MAX);
        assert!(fs::metadata(dir.path().join(MARKER)).unwrap().len() < MARKER_BYTES);
    }

    #[test]
    fn a_node_that_lost_its_log_or_its_state_does_not_start_under_its_id() {
        for (lost, part) in [("log/0000000001.log", "log"), ("state/db", "state")] {
            let dir = used();
            fs::remove_file(dir.path().join(lost)).unwrap();
            let refused = text(Claim::check(dir.path(), CLUSTER, NodeId(3)).err().unwrap());
            assert!(refused.contains(&format!("its {part} is gone")), "{refused}");
            assert!(refused.contains("server --rejoin"), "{refused}");
        }
    }

    #[test]
    fn a_damaged_marker_is_refused_bit_by_bit() {
        let dir = used();
        let path = dir.path().join(MARKER);
        let good = fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bad).unwrap();
            assert!(Claim::check(dir.path(), CLUSTER, NodeId(3)).is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            fs::write(&path, &good[..length]).unwrap();
            assert!(Claim::check(dir.path(), CLUSTER, NodeId(3)).is_err(), "length {length}");
        }
    }

    #[test]
    fn rejoining_sets_log_and_state_aside_and_keeps_the_keyring() {
        let dir = used();
        let aside = set_aside(dir.path(), NodeId(4), "x").unwrap().unwrap();
        for moved in ["log/0000000001.log", "state/db", MARKER] {
            assert!(aside.join(moved).exists(), "{moved}");
        }
        assert!(dir.path().join("keyring").exists());
        assert!(Claim::check(dir.path(), CLUSTER, NodeId(4)).is_ok());
        assert_eq!(set_aside(dir.path(), NodeId(5), "y").unwrap(), None);
        // What is aside remembers its id.
        assert!(matches!(set_aside(dir.path(), NodeId(3), "y"), Err(DataDirError::IdUsed { .. })));
    }

    #[test]
    fn rejoining_under_the_same_id_is_refused_and_changes_nothing() {
        let dir = used();
        fs::remove_file(dir.path().join("log/0000000001.log")).unwrap();
        let refused = text(set_aside(dir.path(), NodeId(3), "x").unwrap_err());
        assert!(refused.contains("issue-node") && refused.contains("add-node"), "{refused}");
        assert!(dir.path().join("state/db").exists());
    }

    #[test]
    fn a_rejoin_that_was_cut_off_in_the_middle_can_be_made_again() {
        let dir = used();
        let aside = dir.path().join("aside-x");
        fs::create_dir(&aside).unwrap();
        fs::rename(dir.path().join(LOG), aside.join(LOG)).unwrap();
        assert!(Claim::check(dir.path(), CLUSTER, NodeId(3)).is_err());
        assert!(set_aside(dir.path(), NodeId(4), "y").unwrap().is_some());
        assert!(Claim::check(dir.path(), CLUSTER, NodeId(4)).is_ok());
    }

    #[test]
    fn what_nobody_is_known_to_own_is_not_taken_for_a_new_directory() {
        let dir = used();
        fs::remove_file(dir.path().join(MARKER)).unwrap();
        let claim = || Claim::check(dir.path(), CLUSTER, NodeId(3)).unwrap();
        assert!(matches!(claim().settle(true), Err(DataDirError::Unknown { .. })));
        assert!(!dir.path().join(MARKER).exists());
        // A first start that was cut off before it was settled left nothing in log and state.
        claim().settle(false).unwrap();
    }

    #[test]
    fn what_nobody_is_known_to_own_is_not_set_aside() {
        let dir = used();
        fs::remove_file(dir.path().join(MARKER)).unwrap();
        assert!(matches!(set_aside(dir.path(), NodeId(4), "x"), Err(DataDirError::Unknown { .. })));
    }

    #[test]
    fn a_directory_in_use_is_not_set_aside() {
        let dir = used();
        let _server = lock(dir.path()).unwrap();
        assert!(matches!(set_aside(dir.path(), NodeId(4), "x"), Err(DataDirError::InUse { .. })));
    }
}
