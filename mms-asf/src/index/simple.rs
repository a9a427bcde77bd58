//! Simple Index Object: the key frames of one video stream by time.

use std::fmt;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{body, limit, put_head};
use crate::{Error, guid};

const WHAT: &str = "Simple Index Object";
/// The fields between the size of the object and its entries, in bytes.
const FIELDS: usize = 32;
const ENTRY: usize = 6;

/// The key frames of one video stream by time (section 6.1 of the ASF specification).
///
/// Entry `n` belongs to the presentation time `n` times [`interval`](Self::interval), preroll
/// included, and names the last key frame that is shown then or before. The object does not name
/// its stream: the first one belongs to the video stream with the lowest number, and so on. Files
/// without video hold ones without entries and with an interval of 0.
#[doc(alias = "Simple Index Object")]
#[derive(Clone, PartialEq, Eq)]
pub struct SimpleIndex {
    file_id: Uuid,
    /// In units of 100 ns.
    interval: u64,
    max_packet_count: u32,
    entries: Bytes,
    trailing: Bytes,
}

/// Where a key frame lies (section 6.1 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SimpleEntry {
    /// The packet in which it starts, counted from 0.
    #[doc(alias = "Packet Number")]
    pub packet: u32,
    /// How many packets must be read from there to have the whole key frame. 0 occurs.
    #[doc(alias = "Packet Count")]
    pub packet_count: u16,
}

impl SimpleIndex {
    /// An index with these entries. `interval` is cut to a multiple of 100 ns.
    ///
    /// Fails when the interval or the number of entries does not fit its field, of 64 and 32 bits.
    pub fn new(
        file_id: Uuid,
        interval: Duration,
        entries: impl IntoIterator<Item = SimpleEntry>,
    ) -> Result<Self, Error> {
        let nanos = interval.as_nanos() / 100;
        let interval = u64::try_from(nanos)
            .map_err(|_| limit("interval of a Simple Index", u64::MAX, u64::MAX))?;
        let (mut bytes, mut max_packet_count) = (BytesMut::new(), 0);
        for entry in entries {
            let count = (bytes.len() / ENTRY) as u64;
            if count >= u64::from(u32::MAX) {
                let value = count.saturating_add(1);
                return Err(limit("number of Simple Index entries", value, u32::MAX.into()));
            }
            bytes.put_u32_le(entry.packet);
            bytes.put_u16_le(entry.packet_count);
            max_packet_count = u32::from(entry.packet_count).max(max_packet_count);
        }
        let (entries, trailing) = (bytes.freeze(), Bytes::new());
        Ok(Self { file_id, interval, max_packet_count, entries, trailing })
    }

    /// The File ID of File Properties; zero or that of another file after edits.
    pub fn file_id(&self) -> Uuid {
        self.file_id
    }

    /// The time from one entry to the next; 1 second in practice, 0 when there are no entries.
    #[doc(alias = "Index Entry Time Interval")]
    pub fn interval(&self) -> Duration {
        crate::time::from_ticks(self.interval)
    }

    /// The highest [`packet_count`](SimpleEntry::packet_count), as stored.
    #[doc(alias = "Maximum Packet Count")]
    pub fn max_packet_count(&self) -> u32 {
        self.max_packet_count
    }

    /// How many entries there are.
    #[doc(alias = "Index Entries Count")]
    pub fn len(&self) -> usize {
        self.entries.len() / ENTRY
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entry `number`, counted from 0.
    pub fn entry(&self, number: usize) -> Option<SimpleEntry> {
        let at = number.checked_mul(ENTRY)?;
        let bytes: [u8; ENTRY] = *self.entries.get(at..)?.first_chunk()?;
        let [a, b, c, d, e, f] = bytes;
        Some(SimpleEntry {
            packet: u32::from_le_bytes([a, b, c, d]),
            packet_count: u16::from_le_bytes([e, f]),
        })
    }

    /// All entries in order.
    pub fn entries(&self) -> impl Iterator<Item = SimpleEntry> + '_ {
        (0..self.len()).map_while(|number| self.entry(number))
    }

    /// The number of the entry for a presentation time, preroll included: the last one behind the
    /// end of the index. `None` without entries or with an interval of 0.
    pub fn position(&self, time: Duration) -> Option<usize> {
        let last = self.len().checked_sub(1)?;
        let number = (time.as_nanos() / 100).checked_div(u128::from(self.interval))?;
        Some(usize::try_from(number).unwrap_or(usize::MAX).min(last))
    }

    /// Appends the whole object with its identifier and size.
    pub fn write(&self, out: &mut BytesMut) {
        let len = FIELDS.saturating_add(self.entries.len()).saturating_add(self.trailing.len());
        put_head(out, guid::SIMPLE_INDEX, len);
        out.put_slice(&self.file_id.to_bytes_le());
        out.put_u64_le(self.interval);
        out.put_u32_le(self.max_packet_count);
        out.put_u32_le(u32::try_from(self.len()).unwrap_or(u32::MAX));
        out.put_slice(&self.entries);
        out.put_slice(&self.trailing);
    }

    pub(super) fn parse(object: &Bytes) -> Result<Self, Error> {
        let mut cursor = body(object, WHAT);
        let file_id = cursor.guid("a File ID")?;
        let interval = cursor.u64("an interval")?;
        let max_packet_count = cursor.u32("a maximum packet count")?;
        let at_count = cursor.clone();
        let count = u64::from(cursor.u32("a number of entries")?);
        let len = usize::try_from(count.saturating_mul(ENTRY as u64)).unwrap_or(usize::MAX);
        if len > cursor.rest().len() {
            return Err(at_count.malformed("no more entries than there are bytes for"));
        }
        let entries = object.slice_ref(cursor.take(len, "entries")?);
        let trailing = object.slice_ref(cursor.rest());
        Ok(Self { file_id, interval, max_packet_count, entries, trailing })
    }
}

impl fmt::Debug for SimpleIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleIndex")
            .field("file_id", &self.file_id)
            .field("interval", &self.interval())
            .field("max_packet_count", &self.max_packet_count)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
