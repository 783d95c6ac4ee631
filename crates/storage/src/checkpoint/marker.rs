//! The file beside the engine: format, cluster, and the number of the last checkpoint that was taken.
//!
//! An engine whose file is damaged or cut comes up, without a word, as it was some time ago. The marker, which is
//! replaced after each checkpoint and before anybody hears of it, tells.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use types::ClusterId;

use super::{StateStoreError, durable};

const FORMAT_LINE: &str = "conclave state store, format 2";
const LONGEST: u64 = 4096;

/// What the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    pub(super) cluster: ClusterId,
    pub(super) checkpoint: u64,
}

impl Marker {
    /// Reads the marker in `directory`; `None` if there is none yet.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, StateStoreError> {
        let path = path(directory);
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StateStoreError::io("read", &path)(error)),
        };
        let unknown = || StateStoreError::UnknownFormat(directory.to_owned());
        if length > LONGEST {
            return Err(unknown());
        }
        let text = fs::read(&path).map_err(StateStoreError::io("read", &path))?;
        let marker = std::str::from_utf8(&text).ok().and_then(Self::parse);
        // Only what would be written is read: a changed byte is not taken for another number's spelling.
        marker.filter(|marker| marker.text().as_bytes() == text).map(Some).ok_or_else(unknown)
    }

    /// Replaces the marker; durable when this returns.
    pub(super) fn write(self, directory: &Path) -> Result<(), StateStoreError> {
        let path = path(directory);
        durable::replace_file(&path, self.text().as_bytes()).map_err(StateStoreError::io("replace", &path))
    }

    fn text(self) -> String {
        let Self { cluster, checkpoint } = self;
        format!("{FORMAT_LINE}\ncluster {cluster}\ncheckpoint {checkpoint}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (FORMAT_LINE, cluster, checkpoint) = (lines.next()?, lines.next()?, lines.next()?) else { return None };
        Some(Self {
            cluster: cluster.strip_prefix("cluster ")?.parse().ok()?,
            checkpoint: checkpoint.strip_prefix("checkpoint ")?.parse().ok()?,
        })
    }
}

pub(super) fn path(directory: &Path) -> PathBuf {
    directory.join("marker")
}
