//! Segment files and the directory that holds them.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, BufMut};
use rustix::fs::{FlockOperation, flock};
use types::{ClusterId, NodeId};

use super::LogError;
use super::frame::{Preamble, Record};
use super::sector::{Batch, Place, SECTOR_BYTES};

/// The first batch of a segment, the preamble, has this sector.
pub(super) const FIRST_BATCH: usize = 1;
/// Where the batches begin that the writer adds.
pub(super) const SECOND_BATCH: usize = 2;
/// The most that a segment may have; places in it fit into 32 bits.
pub(super) const SEGMENT_BYTES_LIMIT: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"conclog\n";
const FORMAT: u32 = 1;
/// Magic and version, then the checksum: the same in every version, so that each can name any other.
const FIELDS_AT: usize = 16;
/// A segment that is not in use yet: nothing in it counts.
const SPARE: &str = "spare";
const EXTENSION: &str = ".log";

/// The calls that make bytes durable, as tests replace them.
pub(super) trait Disk: Send + Sync + fmt::Debug {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Makes what was written durable; the file's size is so already.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, directory: &File) -> io::Result<()> {
        directory.sync_all()
    }
}

/// The operating system's calls as they are.
#[derive(Debug)]
pub(super) struct SystemDisk;

impl Disk for SystemDisk {}

/// A segment that is in use.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u32,
    /// Its length.
    pub(super) sectors: usize,
    file: File,
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Segment {
    pub(super) fn write(&self, first_sector: usize, sectors: &[u8]) -> Result<(), LogError> {
        let offset = byte_of(first_sector);
        self.disk.write(&self.file, sectors, offset).map_err(LogError::io("write", &self.path))
    }

    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.disk.sync(&self.file).map_err(LogError::io("sync", &self.path))
    }

    pub(super) fn read(&self, first_sector: usize, count: usize) -> io::Result<Vec<u8>> {
        let mut sectors = vec![0; count * SECTOR_BYTES];
        self.file.read_exact_at(&mut sectors, byte_of(first_sector))?;
        Ok(sectors)
    }
}

/// The byte of the file at which a sector starts.
pub(super) const fn byte_of(sector: usize) -> u64 {
    sector as u64 * SECTOR_BYTES as u64
}

/// A segment as opening finds it.
pub(super) struct Loaded {
    pub(super) segment: Segment,
    pub(super) first_sequence: u64,
    /// The whole file.
    pub(super) sectors: Vec<u8>,
}

/// The log's directory, locked against other processes.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Holds the lock, and is what is synced when names change.
    handle: File,
    cluster: ClusterId,
    node: NodeId,
    disk: Arc<dyn Disk>,
}

impl Directory {
    /// Creates the directory if it is missing, and locks it.
    pub(super) fn open(path: &Path, cluster: ClusterId, node: NodeId, disk: Arc<dyn Disk>) -> Result<Self, LogError> {
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(LogError::io("create", path))?;
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(LogError::io("sync", parent))?;
        }
        let handle = File::open(path).map_err(LogError::io("open", path))?;
        match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.to_owned(), handle, cluster, node, disk }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LogError::Locked(path.to_owned())),
            Err(error) => Err(LogError::io("lock", path)(error.into())),
        }
    }

    /// The numbers of the segments, ascending.
    pub(super) fn segments(&self) -> Result<Vec<u32>, LogError> {
        let failed = || LogError::io("list", &self.path);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed())? {
            let name = entry.map_err(failed())?.file_name();
            let Some(digits) = name.to_str().and_then(|name| name.strip_suffix(EXTENSION)) else { continue };
            let number =
                digits.parse().ok().filter(|number| file_name(*number).strip_suffix(EXTENSION) == Some(digits));
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a segment. `expected` is the sequence to name when nothing better is known.
    pub(super) fn load(&self, number: u32, expected: u64) -> Result<Loaded, LogError> {
        let path = self.path.join(file_name(number));
        let corrupt = |what| LogError::Corrupt { segment: number, offset: 0, sequence: expected, what };
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(LogError::io("open", &path))?;
        let length = file.metadata().map_err(LogError::io("read", &path))?.len();
        if length > SEGMENT_BYTES_LIMIT {
            return Err(corrupt("a file that is too long"));
        }
        let mut sectors = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut sectors, 0).map_err(LogError::io("read", &path))?;

        let header = sectors.first_chunk().ok_or_else(|| corrupt("a file without a header"))?;
        let header = Header::decode(header, number).map_err(|problem| match problem {
            Problem::Corrupt(what) => corrupt(what),
            Problem::Version(version) => LogError::Version { segment: number, version },
        })?;
        if (header.cluster, header.node) != (self.cluster, self.node) {
            return Err(LogError::Foreign { segment: number });
        }
        if byte_of(header.sectors as usize) != length {
            return Err(corrupt("a file that has not the length that its header names"));
        }
        let segment = Segment { number, sectors: header.sectors as usize, file, path, disk: Arc::clone(&self.disk) };
        Ok(Loaded { segment, first_sequence: header.first_sequence, sectors })
    }

    /// Makes a file of zeros for a segment to come. It is synced piece by piece, so that no batch waits behind all of it.
    pub(super) fn make_spare(&self, bytes: u64, stop: &AtomicBool) -> Result<File, LogError> {
        static ZEROS: [u8; 1 << 20] = [0; 1 << 20];
        self.remove_spare()?;
        let path = self.path.join(SPARE);
        let failed = || LogError::io("preallocate", &path);
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path).map_err(failed())?;
        let mut offset = 0;
        while offset < bytes && !stop.load(Ordering::Relaxed) {
            let length = usize::try_from(bytes - offset).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
            file.write_all_at(&ZEROS[..length], offset).and_then(|()| file.sync_all()).map_err(failed())?;
            offset += length as u64;
        }
        Ok(file)
    }

    /// Deletes a spare file, whatever is in it.
    pub(super) fn remove_spare(&self) -> Result<(), LogError> {
        self.remove(SPARE)
    }

    /// Makes a segment out of the spare file. The file gets its name only when header and preamble are durable, so
    /// a file with a segment's name has both, whole.
    pub(super) fn start_segment(
        &self,
        spare: File,
        number: u32,
        sequence: u64,
        preamble: Preamble,
    ) -> Result<Segment, LogError> {
        let (from, path) = (self.path.join(SPARE), self.path.join(file_name(number)));
        let length = spare.metadata().map_err(LogError::io("read", &from))?.len();
        let sectors =
            u32::try_from(length / SECTOR_BYTES as u64).map_err(|_| LogError::Writer("a segment that is too long"))?;
        let header =
            Header { cluster: self.cluster, node: self.node, segment: number, sectors, first_sequence: sequence };
        let mut batch = Batch::default();
        Record::Preamble(preamble).encode(sequence, &mut batch);
        let mut start = header.encode().to_vec();
        start.extend_from_slice(batch.seal(Place { segment: number, sector: FIRST_BATCH, batch: sequence }));

        self.disk.write(&spare, &start, 0).map_err(LogError::io("write", &from))?;
        self.disk.sync(&spare).map_err(LogError::io("sync", &from))?;
        self.disk.rename(&from, &path).map_err(LogError::io("name", &path))?;
        self.sync()?;
        Ok(Segment { number, sectors: sectors as usize, file: spare, path, disk: Arc::clone(&self.disk) })
    }

    /// Deletes a segment for good.
    pub(super) fn remove_segment(&self, number: u32) -> Result<(), LogError> {
        self.remove(&file_name(number))?;
        self.handle.sync_all().map_err(LogError::io("sync", &self.path))
    }

    fn remove(&self, name: &str) -> Result<(), LogError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LogError::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// Makes the names in the directory durable.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.disk.sync_directory(&self.handle).map_err(LogError::io("sync", &self.path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

pub(super) fn file_name(number: u32) -> String {
    format!("{number:010}{EXTENSION}")
}

/// Sector 0 of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    cluster: ClusterId,
    node: NodeId,
    segment: u32,
    sectors: u32,
    first_sequence: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Problem {
    Corrupt(&'static str),
    Version(u32),
}

impl Header {
    fn encode(&self) -> [u8; SECTOR_BYTES] {
        let mut sector = [0; SECTOR_BYTES];
        let mut put = &mut sector[..];
        put.put_slice(&MAGIC);
        put.put_u32_le(FORMAT);
        put.put_u32_le(0);
        put.put_slice(&self.cluster.0);
        put.put_u64_le(self.node.0);
        put.put_u32_le(self.segment);
        put.put_u32_le(self.sectors);
        put.put_u64_le(self.first_sequence);
        let crc = Self::checksum(&sector);
        sector[FIELDS_AT - 4..FIELDS_AT].copy_from_slice(&crc.to_le_bytes());
        sector
    }

    fn decode(sector: &[u8; SECTOR_BYTES], number: u32) -> Result<Self, Problem> {
        let mut take = &sector[..];
        let mut magic = MAGIC;
        take.copy_to_slice(&mut magic);
        let version = take.get_u32_le();
        if magic != MAGIC || take.get_u32_le() != Self::checksum(sector) {
            return Err(Problem::Corrupt("a header that is damaged"));
        }
        if version != FORMAT {
            return Err(Problem::Version(version));
        }
        let mut cluster = ClusterId::default();
        take.copy_to_slice(&mut cluster.0);
        let header = Self {
            cluster,
            node: NodeId(take.get_u64_le()),
            segment: take.get_u32_le(),
            sectors: take.get_u32_le(),
            first_sequence: take.get_u64_le(),
        };
        if header.segment != number {
            return Err(Problem::Corrupt("a file with the name of another segment"));
        }
        Ok(header)
    }

    /// Over all of the sector but the checksum itself.
    fn checksum(sector: &[u8; SECTOR_BYTES]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&sector[..FIELDS_AT - 4]), &sector[FIELDS_AT..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { cluster: ClusterId([7; 16]), node: NodeId(3), segment: 5, sectors: 16, first_sequence: 99 }
    }

    #[test]
    fn header_survives_its_sector() {
        assert_eq!(Header::decode(&header().encode(), 5), Ok(header()));
        assert!(matches!(Header::decode(&header().encode(), 6), Err(Problem::Corrupt(_))));
    }

    #[test]
    fn another_format_version_is_named() {
        let mut sector = header().encode();
        sector[8] = 7;
        assert!(matches!(Header::decode(&sector, 5), Err(Problem::Corrupt(_))), "a flipped bit is not a version");
        let crc = Header::checksum(&sector);
        sector[FIELDS_AT - 4..FIELDS_AT].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Header::decode(&sector, 5), Err(Problem::Version(7)));
    }
}
