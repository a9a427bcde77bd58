//! What is streamed: an ASF header, what is known about the packets, and the packets.
//!
//! Nothing here knows a transport: the same values are used over TCP, UDP and HTTP.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::StateError;

/// The largest ASF packet that a Data packet can carry: 65,535 less its eight-byte head.
pub const MAX_PACKET_SIZE: u32 = 65_527;

/// A file or live stream as a server offers it.
///
/// A value that exists is valid: the header is not empty and the packet size is between 1 and
/// [`MAX_PACKET_SIZE`].
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    header: Bytes,
    packet_size: u32,
    packet_count: Option<u64>,
    duration: Option<Duration>,
    bit_rate: u32,
    attributes: FileAttributes,
}

impl Content {
    /// Content with this ASF header (Header Object and the first 50 bytes of the Data Object) and
    /// packets of at most `packet_size` bytes.
    ///
    /// # Errors
    /// When the header is empty, longer than a `u32` can say, or the packet size out of range.
    pub fn new(header: Bytes, packet_size: u32) -> Result<Self, InvalidContent> {
        if header.is_empty() || u32::try_from(header.len()).is_err() {
            return Err(InvalidContent::Header(header.len()));
        }
        if packet_size == 0 || packet_size > MAX_PACKET_SIZE {
            return Err(InvalidContent::PacketSize(packet_size));
        }
        Ok(Self {
            header,
            packet_size,
            packet_count: None,
            duration: None,
            bit_rate: 0,
            attributes: FileAttributes::default(),
        })
    }

    /// Number of ASF packets. Zero and all ones mean unknown, as on the wire.
    #[must_use]
    pub fn with_packet_count(mut self, count: u64) -> Self {
        self.packet_count = known_count(count);
        self
    }

    /// Playing time. Zero means unknown, as on the wire.
    #[must_use]
    pub fn with_duration(mut self, duration: Duration) -> Self {
        self.duration = (!duration.is_zero()).then_some(duration);
        self
    }

    /// Bit rate of all streams together, in bits per second; zero when unknown.
    #[must_use]
    pub fn with_bit_rate(mut self, bits_per_second: u32) -> Self {
        self.bit_rate = bits_per_second;
        self
    }

    /// What can be done with the content.
    #[must_use]
    pub fn with_attributes(mut self, attributes: FileAttributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// The ASF header: Header Object and the first 50 bytes of the Data Object.
    #[must_use]
    pub fn header(&self) -> &Bytes {
        &self.header
    }

    /// Whether a packet of so many bytes can be one of its packets.
    pub(crate) fn check_packet(&self, size: usize) -> Result<(), StateError> {
        let limit = self.packet_size;
        match u32::try_from(size) {
            Ok(bytes) if (1..=limit).contains(&bytes) => Ok(()),
            _ => Err(StateError::PacketSize { size, limit }),
        }
    }

    /// Size of the largest ASF packet in bytes, as announced.
    #[must_use]
    pub fn packet_size(&self) -> u32 {
        self.packet_size
    }

    /// Number of ASF packets, where known.
    #[must_use]
    pub fn packet_count(&self) -> Option<u64> {
        self.packet_count
    }

    /// Playing time, where known.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Bits per second of all streams together; zero when unknown.
    #[must_use]
    pub fn bit_rate(&self) -> u32 {
        self.bit_rate
    }

    /// What can be done with the content.
    #[must_use]
    pub fn attributes(&self) -> FileAttributes {
        self.attributes
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("header", &format_args!("{} bytes", self.header.len()))
            .field("packet_size", &self.packet_size)
            .field("packet_count", &self.packet_count)
            .field("duration", &self.duration)
            .field("bit_rate", &self.bit_rate)
            .field("attributes", &self.attributes)
            .finish()
    }
}

/// A number of packets as it stands on the wire: live servers say 0 or all ones, in 32 bits or in
/// 64 (T42).
pub(crate) fn known_count(count: u64) -> Option<u64> {
    (!matches!(count, 0 | 0xFFFF_FFFF | u64::MAX)).then_some(count)
}

/// Why a [`Content`] could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidContent {
    /// The header is empty or does not fit the 32-bit size field.
    #[error("an ASF header of {0} bytes cannot be announced")]
    Header(usize),
    /// The packet size is zero or does not fit a Data packet.
    #[error("packet size {0} is not between 1 and {MAX_PACKET_SIZE}")]
    PacketSize(u32),
}

/// What can be done with a file, `fileAttributes` of MS-MMSP 2.2.4.7.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FileAttributes(pub u32);

impl FileAttributes {
    /// Fast forward and rewind are possible.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_CANSTRIDE")]
    pub const CAN_STRIDE: Self = Self(0x0080_0000);
    /// Any position can be asked for.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_CANSEEK")]
    pub const CAN_SEEK: Self = Self(0x0100_0000);
    /// Nobody can choose a position: a broadcast.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_BROADCAST")]
    pub const BROADCAST: Self = Self(0x0200_0000);
    /// The content is made while it is sent.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_LIVE")]
    pub const LIVE: Self = Self(0x0400_0000);
    /// A server-side playlist of several entries.
    #[doc(alias = "FILE_ATTRIBUTE_MMS_PLAYLIST")]
    pub const PLAYLIST: Self = Self(0x4000_0000);

    /// True when all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Live content as a broadcast and nothing else that is live.
    pub(crate) const fn live_as_broadcast(self) -> Self {
        if self.is_live() { Self(self.0 & !Self::LIVE.0 | Self::BROADCAST.0) } else { self }
    }

    /// True when positions mean nothing: broadcast or live.
    #[must_use]
    pub const fn is_live(self) -> bool {
        self.0 & (Self::BROADCAST.0 | Self::LIVE.0) != 0
    }
}

impl std::ops::BitOr for FileAttributes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for FileAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::CAN_STRIDE, "CAN_STRIDE"),
            (Self::CAN_SEEK, "CAN_SEEK"),
            (Self::BROADCAST, "BROADCAST"),
            (Self::LIVE, "LIVE"),
            (Self::PLAYLIST, "PLAYLIST"),
        ];
        write!(f, "0x{:08X}", self.0)?;
        for (_, name) in names.iter().filter(|(bit, _)| self.contains(*bit)) {
            write!(f, " {name}")?;
        }
        Ok(())
    }
}

/// One ASF data packet as it came over the network: its padding may have been removed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsfPacket {
    /// Number of the packet in the file, from 0; a running number in live streams. It decreases
    /// while rewinding, and gaps are legal. `LocationId` of MS-MMSP 2.2.2.
    #[doc(alias = "LocationId")]
    pub location_id: u32,
    /// Low eight bits of the sender's packet counter (`AFFlags`). It means something over UDP
    /// only: some servers always send 0 over TCP.
    #[doc(alias = "AFFlags")]
    pub sequence: u8,
    /// The packet, without the padding that the server removed.
    pub payload: Bytes,
}

impl fmt::Debug for AsfPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location_id, sequence, payload } = self;
        write!(f, "AsfPacket(#{location_id}, sequence {sequence}, {} bytes)", payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_valid_or_does_not_exist() {
        let header = Bytes::from_static(b"header");
        assert_eq!(Content::new(Bytes::new(), 10), Err(InvalidContent::Header(0)));
        for size in [0, 65_528, u32::MAX] {
            assert_eq!(Content::new(header.clone(), size), Err(InvalidContent::PacketSize(size)));
        }
        assert!(Content::new(header.clone(), 65_527).is_ok());
        assert!(Content::new(header, 1).is_ok());
    }

    #[test]
    fn unknown_counts_are_none() {
        for count in [0, 0xFFFF_FFFF, u64::MAX] {
            let content =
                Content::new(Bytes::from_static(b"h"), 1).unwrap().with_packet_count(count);
            assert_eq!(content.packet_count(), None);
        }
    }
}
