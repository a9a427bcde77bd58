//! File Properties Object, 3.2 of the specification: the facts about the file as a whole.

use std::time::Duration;

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::time::{from_ticks, to_millis, to_ticks};
use crate::{Error, guid};

/// The facts about the file as a whole (section 3.2 of the ASF specification). With the
/// [`broadcast`](Self::broadcast) flag set, sizes, counts and durations mean nothing.
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
    #[doc(alias = "Data Packets Count")]
    pub packet_count: u64,
    /// When the last media object ends, in steps of 100 ns; it includes [`preroll`](Self::preroll).
    pub play_duration: Duration,
    /// From the first to the last packet's send time, plus the last packet's duration, in steps of
    /// 100 ns.
    pub send_duration: Duration,
    /// How long a player buffers before it starts, in milliseconds.
    pub preroll: Duration,
    /// All flag bits as stored: bit 0 is [`broadcast`](Self::broadcast), bit 1
    /// [`seekable`](Self::seekable), live servers set others as well.
    pub flags: u32,
    /// Size of the smallest data packet in bytes. Equal to [`packet_size`](Self::packet_size) in
    /// every file that works.
    #[doc(alias = "Minimum Data Packet Size")]
    pub min_packet_size: u32,
    /// Size of each data packet in bytes; in a [`Header`](crate::Header) at least 1.
    #[doc(alias = "Maximum Data Packet Size")]
    pub packet_size: u32,
    /// Bits per second of the whole file; 0xFFFFFFFF occurs.
    #[doc(alias = "Maximum Bitrate")]
    pub max_bit_rate: u32,
}

impl FileProperties {
    /// The flag bit of a file whose counts and sizes are not known yet.
    pub const BROADCAST: u32 = 1;
    /// The flag bit of a file in which players may seek.
    pub const SEEKABLE: u32 = 2;

    /// Of an empty file with packets of this many bytes, at least 1: no times, no flags.
    pub fn new(file_id: Uuid, packet_size: u32) -> Self {
        Self {
            file_id,
            file_size: 0,
            creation_date: 0,
            packet_count: 0,
            play_duration: Duration::ZERO,
            send_duration: Duration::ZERO,
            preroll: Duration::ZERO,
            flags: 0,
            min_packet_size: packet_size,
            packet_size,
            max_bit_rate: 0,
        }
    }

    /// The file is being written or is a live stream.
    pub fn broadcast(&self) -> bool {
        self.flags & Self::BROADCAST != 0
    }

    /// Players may seek.
    pub fn seekable(&self) -> bool {
        self.flags & Self::SEEKABLE != 0
    }

    /// How long the media lasts: play duration without preroll, 0 when the preroll is longer.
    pub fn media_duration(&self) -> Duration {
        self.play_duration.saturating_sub(self.preroll)
    }
}

impl Layout for FileProperties {
    const ID: Uuid = guid::FILE_PROPERTIES;
    const NAME: &'static str = "File Properties Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        Ok(Self {
            file_id: cursor.guid("a File ID")?,
            file_size: cursor.u64("a file size")?,
            creation_date: cursor.u64("a creation date")?,
            packet_count: cursor.u64("a packet count")?,
            play_duration: from_ticks(cursor.u64("a play duration")?),
            send_duration: from_ticks(cursor.u64("a send duration")?),
            preroll: Duration::from_millis(cursor.u64("a preroll")?),
            flags: cursor.u32("flags")?,
            min_packet_size: cursor.u32("a minimum packet size")?,
            packet_size: cursor.u32("a maximum packet size")?,
            max_bit_rate: cursor.u32("a maximum bit rate")?,
        })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.file_id);
        out.u64(self.file_size);
        out.u64(self.creation_date);
        out.u64(self.packet_count);
        out.u64(to_ticks(self.play_duration));
        out.u64(to_ticks(self.send_duration));
        out.u64(to_millis(self.preroll));
        out.u32(self.flags);
        out.u32(self.min_packet_size);
        out.u32(self.packet_size);
        out.u32(self.max_bit_rate);
    }
}
