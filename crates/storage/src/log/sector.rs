//! Sectors: the unit that a disk writes whole, checked one by one.

/// Bytes that a disk writes as a whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;
/// CRC, and one word with the marker and the sectors that follow.
const HEAD_BYTES: usize = 8;
/// Bytes of frames in one sector.
pub(super) const DATA_BYTES: usize = SECTOR_BYTES - HEAD_BYTES;
/// In every written sector, so that none is all zero or nearly so.
const MARKER: u32 = 0xC5;
/// Sectors that may follow the first of a batch: what is left of the word beside the marker.
const AFTER_LIMIT: usize = (1 << 24) - 1;

static BLANK: [u8; SECTOR_BYTES] = [0; SECTOR_BYTES];

/// Where a sector is; two sectors of different places never have the same CRC by right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The segment's number.
    pub(super) segment: u32,
    /// The sector's number in the segment.
    pub(super) sector: usize,
    /// The sequence of the first frame of its batch.
    pub(super) batch: u64,
}

/// What a sector turns out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sector {
    /// Zeros: never written.
    Blank,
    /// A sector of this batch, with as many of the batch `after` it.
    Written { after: usize },
    /// Neither.
    Damaged,
}

/// Decides what `bytes`, one sector, is.
pub(super) fn inspect(bytes: &[u8], place: Place) -> Sector {
    if bytes == BLANK {
        return Sector::Blank;
    }
    let (crc, rest) = bytes.split_at(4);
    let word = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]);
    if crc != checksum(rest, place).to_le_bytes() || word & 0xFF != MARKER {
        return Sector::Damaged;
    }
    Sector::Written { after: (word >> 8) as usize }
}

/// Whether nothing was ever written to these sectors.
pub(super) fn is_blank(bytes: &[u8]) -> bool {
    bytes.chunks(SECTOR_BYTES).all(|sector| *sector == BLANK[..sector.len()])
}

fn checksum(covered: &[u8], place: Place) -> u32 {
    let mut seed = [0; 20];
    seed[..4].copy_from_slice(&place.segment.to_le_bytes());
    seed[4..12].copy_from_slice(&(place.sector as u64).to_le_bytes());
    seed[12..].copy_from_slice(&place.batch.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&seed), covered)
}

/// The frames in a run of sectors, without the sectors' heads.
pub(super) fn data_of(sectors: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(sectors.len() / SECTOR_BYTES * DATA_BYTES);
    for sector in sectors.chunks_exact(SECTOR_BYTES) {
        data.extend_from_slice(&sector[HEAD_BYTES..]);
    }
    data
}

/// Sectors that so many bytes of frames take.
pub(super) const fn sectors_for(data_bytes: usize) -> usize {
    data_bytes.div_ceil(DATA_BYTES)
}

/// A batch as it is collected: frames laid out in sectors whose heads are filled in last.
#[derive(Debug, Default)]
pub(super) struct Batch {
    sectors: Vec<u8>,
    data_bytes: usize,
}

impl Batch {
    /// Bytes of frames so far.
    pub(super) fn len(&self) -> usize {
        self.data_bytes
    }

    pub(super) fn push(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let within = self.data_bytes % DATA_BYTES;
            if within == 0 {
                self.sectors.resize(self.sectors.len() + SECTOR_BYTES, 0);
            }
            let (now, later) = data.split_at(data.len().min(DATA_BYTES - within));
            let start = self.sectors.len() - DATA_BYTES + within;
            self.sectors[start..start + now.len()].copy_from_slice(now);
            self.data_bytes += now.len();
            data = later;
        }
    }

    /// Fills in the heads for a batch whose first sector is at `first`; what it returns is what goes to disk.
    pub(super) fn seal(&mut self, first: Place) -> &[u8] {
        let count = self.sectors.len() / SECTOR_BYTES;
        debug_assert!(count <= AFTER_LIMIT);
        for (at, sector) in self.sectors.chunks_exact_mut(SECTOR_BYTES).enumerate() {
            let after = u32::try_from(count - 1 - at).unwrap_or(u32::MAX);
            sector[4..HEAD_BYTES].copy_from_slice(&(after << 8 | MARKER).to_le_bytes());
            let crc = checksum(&sector[4..], Place { sector: first.sector + at, ..first });
            sector[..4].copy_from_slice(&crc.to_le_bytes());
        }
        &self.sectors
    }

    /// Empties the batch; a buffer that one large batch made is not kept.
    pub(super) fn clear(&mut self) {
        const KEEP_BYTES: usize = 1 << 20;
        self.sectors.clear();
        self.sectors.shrink_to(KEEP_BYTES);
        self.data_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { segment: 3, sector: 7, batch: 42 };

    #[test]
    fn data_survives_the_sectors() {
        for length in [1, 503, 504, 505, 1008, 5000] {
            let data: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut batch = Batch::default();
            data.chunks(100).for_each(|piece| batch.push(piece));
            assert_eq!(batch.len(), length);
            let sectors = batch.seal(PLACE);
            assert_eq!(sectors.len(), sectors_for(length) * SECTOR_BYTES);
            assert_eq!(data_of(sectors)[..length], data);
        }
    }

    #[test]
    fn sector_of_another_place_is_damaged() {
        let mut batch = Batch::default();
        batch.push(&[0; 600]);
        let sectors = batch.seal(PLACE).to_vec();
        assert_eq!(inspect(&sectors[..512], PLACE), Sector::Written { after: 1 });
        assert_eq!(inspect(&sectors[512..], Place { sector: 8, ..PLACE }), Sector::Written { after: 0 });
        assert_eq!(inspect(&sectors[512..], PLACE), Sector::Damaged);
        assert_eq!(inspect(&sectors[..512], Place { segment: 4, ..PLACE }), Sector::Damaged);
        assert_eq!(inspect(&sectors[..512], Place { batch: 43, ..PLACE }), Sector::Damaged);
        assert_eq!(inspect(&BLANK, PLACE), Sector::Blank);
    }
}
