//! What is streamed: an ASF header, what is known about the packets, and the packets.
//!
//! Nothing here knows a transport: the same values are used over TCP, UDP and HTTP.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use crate::error::StateError;
use crate::features::Features;

/// The largest ASF packet that a Data packet can carry: 65,535 less its eight-byte head.
pub const MAX_PACKET_SIZE: u32 = 65_527;

/// A file or live stream as a server offers it.
///
/// A value that exists is valid: the header is not empty and the packet size, where known, is
/// between 1 and [`MAX_PACKET_SIZE`].
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    header: Bytes,
    packet_size: Option<u32>,
    packet_count: Option<u64>,
    duration: Option<Duration>,
    bit_rate: u32,
    features: Features,
}

impl Content {
    /// Content with this ASF header (Header Object and the first 50 bytes of the Data Object).
    ///
    /// # Errors
    /// When the header is empty, or longer than a `u32` can say.
    pub fn new(header: Bytes) -> Result<Self, InvalidContent> {
        if header.is_empty() || u32::try_from(header.len()).is_err() {
            return Err(InvalidContent::Header(header.len()));
        }
        Ok(Self {
            header,
            packet_size: None,
            packet_count: None,
            duration: None,
            bit_rate: 0,
            features: Features::default(),
        })
    }

    /// Size of the largest ASF packet in bytes. Servers need it; clients learn it from protocols
    /// that announce it, and from the ASF header otherwise.
    ///
    /// # Errors
    /// When it is not between 1 and [`MAX_PACKET_SIZE`].
    pub fn with_packet_size(mut self, bytes: u32) -> Result<Self, InvalidContent> {
        if !(1..=MAX_PACKET_SIZE).contains(&bytes) {
            return Err(InvalidContent::PacketSize(bytes));
        }
        self.packet_size = Some(bytes);
        Ok(self)
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
    pub fn with_features(mut self, features: Features) -> Self {
        self.features = features;
        self
    }

    /// The ASF header: Header Object and the first 50 bytes of the Data Object.
    #[must_use]
    pub fn header(&self) -> &Bytes {
        &self.header
    }

    /// Size of the ASF header in bytes.
    pub(crate) fn header_size(&self) -> u32 {
        u32::try_from(self.header.len()).unwrap_or(u32::MAX)
    }

    /// Whether a packet of so many bytes can be one of its packets, where the protocol carries
    /// packets of at most `carried` bytes.
    pub(crate) fn check_packet(&self, size: usize, carried: u32) -> Result<(), StateError> {
        let limit = self.packet_limit(carried);
        match u32::try_from(size) {
            Ok(bytes) if (1..=limit).contains(&bytes) => Ok(()),
            _ => Err(StateError::PacketSize { size, limit }),
        }
    }

    /// Size of the largest ASF packet in bytes, where it was announced or set.
    #[must_use]
    pub fn packet_size(&self) -> Option<u32> {
        self.packet_size
    }

    /// Size of the largest packet that is possible, in bytes, where the protocol carries packets
    /// of at most `carried` bytes.
    pub(crate) fn packet_limit(&self, carried: u32) -> u32 {
        self.packet_size.map_or(carried, |size| size.min(carried))
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
    pub fn features(&self) -> Features {
        self.features
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
            .field("features", &self.features)
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

/// One ASF data packet as it came over the network: its padding may have been removed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsfPacket {
    /// Number of the packet in the file, from 0; a running number in live streams. It decreases
    /// while rewinding, and gaps are legal.
    #[doc(alias = "LocationId")]
    pub location_id: u32,
    /// The sender's packet counter over UDP, where gaps in it are losses. `None` over TCP and HTTP,
    /// which lose nothing, and where some servers always send 0.
    #[doc(alias = "AFFlags")]
    pub sequence: Option<u32>,
    /// The packet, without the padding that the server removed.
    pub payload: Bytes,
}

impl fmt::Debug for AsfPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location_id, sequence, payload } = self;
        write!(f, "AsfPacket(#{location_id}, ")?;
        if let Some(sequence) = sequence {
            write!(f, "sequence {sequence}, ")?;
        }
        write!(f, "{} bytes)", payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_valid_or_does_not_exist() {
        let header = Bytes::from_static(b"header");
        assert_eq!(Content::new(Bytes::new()), Err(InvalidContent::Header(0)));
        let content = Content::new(header).unwrap();
        assert_eq!(content.packet_size(), None);
        for size in [0, 65_528, u32::MAX] {
            let sized = content.clone().with_packet_size(size);
            assert_eq!(sized, Err(InvalidContent::PacketSize(size)));
        }
        for size in [1, 65_527] {
            let sized = content.clone().with_packet_size(size).unwrap();
            assert_eq!(sized.packet_size(), Some(size));
        }
    }

    #[test]
    fn unknown_counts_are_none() {
        for count in [0, 0xFFFF_FFFF, u64::MAX] {
            let content = Content::new(Bytes::from_static(b"h")).unwrap().with_packet_count(count);
            assert_eq!(content.packet_count(), None);
        }
    }
}
