//! The packet size: two fields of File Properties that should be equal, and the size of the data
//! divided by the number of packets.

use bytes::{Bytes, BytesMut};

use super::{DATA_HEAD, Header};
use crate::offsets::{self, at, data, file, put_at};
use crate::{Deviation, Error, Limits};

impl Header {
    /// Chooses the packet size by the header alone: the maximum, or one that is possible where that
    /// is not. Where the fields differ, packets tell more.
    ///
    /// Fails when none is possible.
    pub(super) fn with_possible_packet_size(mut self, limits: &Limits) -> Result<Self, Error> {
        let (minimum, maximum) = (self.file.min_packet_size, self.file.packet_size);
        let is_possible = |size: u32| (1..=limits.packet_size).contains(&size);
        if is_possible(maximum) {
            if minimum != maximum {
                self.deviations.push(Deviation::PacketSizes { minimum, maximum });
            }
            return Ok(self);
        }
        let others = [Some(minimum), self.counted_packet_size()];
        match others.into_iter().flatten().find(|&size| is_possible(size)) {
            Some(found) => Ok(self.with_packet_size(found)),
            None => Err(self.impossible(maximum, limits)),
        }
    }

    /// The error for a maximum packet size that is not possible.
    pub(crate) fn impossible(&self, maximum: u32, limits: &Limits) -> Error {
        if maximum == 0 {
            return Error::Malformed {
                what: "File Properties Object",
                offset: (at(self.file_at, file::PACKET_SIZE).start) as u64,
                expected: "a packet size of at least 1",
            };
        }
        let (value, limit) = (u64::from(maximum), u64::from(limits.packet_size));
        Error::Limit { what: "packet size", value, limit }
    }

    /// The same header with this packet size in both fields, as its packets have another one than
    /// it declares.
    pub(crate) fn with_packet_size(mut self, found: u32) -> Self {
        let (minimum, maximum) = self.declared_packet_sizes();
        self.deviations.retain(|deviation| !is_about_sizes(deviation));
        self.deviations.push(Deviation::PacketSize { minimum, maximum, found });
        self.file.min_packet_size = found;
        self.file.packet_size = found;
        let at = at(self.file_at, file::MIN_PACKET_SIZE).start;
        write_sizes(&mut self.bytes, at, found);
        // The objects around it hold its bytes too.
        for object in self.objects.iter_mut().chain(&mut self.extension) {
            if let Some(at) = at.checked_sub(object.offset) {
                write_sizes(&mut object.bytes, at, found);
            }
        }
        self
    }

    /// Minimum and maximum packet size as they were stored.
    pub(crate) fn declared_packet_sizes(&self) -> (u32, u32) {
        let declared = self.deviations.iter().find_map(|deviation| match deviation {
            Deviation::PacketSizes { minimum, maximum }
            | Deviation::PacketSize { minimum, maximum, .. } => Some((*minimum, *maximum)),
            _ => None,
        });
        declared.unwrap_or((self.file.min_packet_size, self.file.packet_size))
    }

    /// The size of the data divided by the number of packets, where both are declared and the one
    /// divides the other.
    pub(crate) fn counted_packet_size(&self) -> Option<u32> {
        let size = self.data_size().checked_sub(DATA_HEAD as u64).filter(|&size| size != 0)?;
        let counted = |count: u64| {
            let quotient = size.checked_div(count).filter(|_| size.checked_rem(count) == Some(0));
            u32::try_from(quotient?).ok()
        };
        let declared = Some(self.file.packet_count).filter(|_| !self.file.broadcast());
        declared.and_then(counted).or_else(|| counted(self.data_packets()))
    }

    /// Bytes of packets that the Data Object declares. `None` in a broadcast, and when they are fewer
    /// than the object's own head: live servers and unfinished files store 0.
    pub(crate) fn declared_packet_bytes(&self) -> Option<u64> {
        let bytes = self.data_size().checked_sub(DATA_HEAD as u64);
        bytes.filter(|_| !self.file.broadcast())
    }

    /// Number of packets that the File Properties Object declares. `None` in a broadcast, and for 0
    /// and 32 bits of ones, which stand for an unknown number.
    pub(crate) fn declared_packets(&self) -> Option<u64> {
        let unknown = |count: u64| count == 0 || count == u64::from(u32::MAX);
        Some(self.file.packet_count).filter(|&count| !self.file.broadcast() && !unknown(count))
    }

    /// The number of packets that the Data Object declares.
    fn data_packets(&self) -> u64 {
        offsets::u64(&self.bytes, self.data_at, data::PACKET_COUNT).unwrap_or(0)
    }

    /// Whether sizes and counts of the header contradict its packet size.
    pub(crate) fn doubts_packet_size(&self) -> bool {
        let size = self.file.packet_size;
        let differ = self.deviations.iter().any(is_about_sizes);
        let declares = !self.file.broadcast() && self.data_size() > DATA_HEAD as u64;
        differ || declares && self.counted_packet_size() != Some(size)
    }
}

/// Writes both sizes at `at`, if the bytes reach as far.
fn write_sizes(bytes: &mut Bytes, at: usize, size: u32) {
    let size = size.to_le_bytes();
    let end = at.saturating_add(2 * size.len());
    if end <= bytes.len() {
        let mut written = BytesMut::from(bytes.as_ref());
        put_at(&mut written, at, &size);
        put_at(&mut written, at.saturating_add(size.len()), &size);
        *bytes = written.freeze();
    }
}

fn is_about_sizes(deviation: &Deviation) -> bool {
    matches!(deviation, Deviation::PacketSizes { .. } | Deviation::PacketSize { .. })
}
