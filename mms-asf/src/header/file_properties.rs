//! File Properties Object: the facts about the file as a whole.

use std::time::Duration;

use uuid::Uuid;

use crate::object::Object;
use crate::{Deviation, Error, Limits};

/// The flag bit of a file whose counts and sizes are not known yet.
pub(crate) const BROADCAST: u32 = 1;
/// The flag bit of a file in which players may seek.
pub(crate) const SEEKABLE: u32 = 2;

/// The facts about the file as a whole. With [`broadcast`](Self::broadcast) set, sizes, counts and
/// durations mean nothing.
#[doc(alias = "File Properties Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileProperties {
    /// Identifies the file; repeated in the Data Object and in indexes.
    pub file_id: Uuid,
    /// Size of the whole file in bytes.
    pub file_size: u64,
    /// When the file was made, in 100 ns since 1601-01-01 UTC.
    pub creation_date: u64,
    /// Number of data packets; live servers store 0 or 0xFFFFFFFF.
    pub packet_count: u64,
    /// The highest presentation time; it includes [`preroll`](Self::preroll).
    pub play_duration: Duration,
    /// From the first to the last packet's send time, plus the last packet's duration.
    pub send_duration: Duration,
    /// How long a player buffers before it starts.
    pub preroll: Duration,
    /// The file is being written or is a live stream.
    pub broadcast: bool,
    /// Players may seek.
    pub seekable: bool,
    /// All flag bits as stored.
    pub flags: u32,
    /// Size of each data packet in bytes, at least 1.
    pub packet_size: u32,
    /// Bits per second of the whole file; 0xFFFFFFFF occurs.
    pub max_bit_rate: u32,
}

impl FileProperties {
    /// How long the media lasts: play duration without preroll, 0 when the preroll is longer.
    pub fn media_duration(&self) -> Duration {
        self.play_duration.saturating_sub(self.preroll)
    }

    pub(super) fn parse(
        object: &Object,
        limits: &Limits,
        deviations: &mut Vec<Deviation>,
    ) -> Result<Self, Error> {
        let mut cursor = object.cursor("File Properties Object");
        let file_id = cursor.guid("a File ID")?;
        let file_size = cursor.u64("a file size")?;
        let creation_date = cursor.u64("a creation date")?;
        let packet_count = cursor.u64("a packet count")?;
        let play_duration = ticks(cursor.u64("a play duration")?);
        let send_duration = ticks(cursor.u64("a send duration")?);
        let preroll = Duration::from_millis(cursor.u64("a preroll")?);
        let flags = cursor.u32("flags")?;
        let minimum = cursor.u32("a minimum packet size")?;
        let at_maximum = cursor.clone();
        let packet_size = cursor.u32("a maximum packet size")?;
        let max_bit_rate = cursor.u32("a maximum bit rate")?;

        if packet_size == 0 {
            return Err(at_maximum.malformed("a packet size of at least 1"));
        }
        if packet_size > limits.packet_size {
            let (value, limit) = (u64::from(packet_size), u64::from(limits.packet_size));
            return Err(Error::Limit { what: "packet size", value, limit });
        }
        if minimum != packet_size {
            deviations.push(Deviation::PacketSizes { minimum, maximum: packet_size });
        }
        Ok(Self {
            file_id,
            file_size,
            creation_date,
            packet_count,
            play_duration,
            send_duration,
            preroll,
            broadcast: flags & BROADCAST != 0,
            seekable: flags & SEEKABLE != 0,
            flags,
            packet_size,
            max_bit_rate,
        })
    }
}

/// A duration stored in units of 100 ns.
pub(crate) fn ticks(value: u64) -> Duration {
    let nanos = (value % 10_000_000).saturating_mul(100);
    Duration::new(value / 10_000_000, u32::try_from(nanos).unwrap_or(0))
}
