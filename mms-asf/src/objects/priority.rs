//! Stream Prioritization and Bandwidth Sharing Objects, 4.4 and 4.5 of the specification.

use uuid::Uuid;

use super::Layout;
use super::exclusion::{put_streams, streams};
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// Which streams matter most when not all can be had (section 4.4 of the ASF specification).
#[doc(alias = "Stream Prioritization Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPrioritization {
    /// The most important one first, at most 65,535.
    pub records: Vec<StreamPriority>,
}

/// A stream in the order of priorities (section 4.4 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPriority {
    /// The stream's number, 1 to 127.
    pub stream: u16,
    /// Bit 0 says that nothing can be played without it; the others are reserved and kept.
    pub flags: u16,
}

impl StreamPriority {
    /// A stream, and whether nothing can be played without it.
    pub fn new(stream: u16, mandatory: bool) -> Self {
        Self { stream, flags: u16::from(mandatory) }
    }

    /// Nothing can be played without it.
    pub fn mandatory(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// Streams that share one rate (section 4.5 of the ASF specification).
#[doc(alias = "Bandwidth Sharing Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BandwidthSharing {
    /// How they share it: [`guid::SHARING_EXCLUSIVE`] or [`guid::SHARING_PARTIAL`].
    pub kind: Uuid,
    /// The rate of all together in bits per second.
    pub bit_rate: u32,
    /// The buffer of all together in milliseconds.
    pub buffer_size: u32,
    /// Their numbers, 1 to 127, at most 65,535.
    pub streams: Vec<u16>,
}

impl BandwidthSharing {
    /// These streams share a rate, without the rate and its buffer.
    pub fn new(kind: Uuid, streams: Vec<u16>) -> Self {
        Self { kind, bit_rate: 0, buffer_size: 0, streams }
    }
}

impl Layout for StreamPrioritization {
    const ID: Uuid = guid::STREAM_PRIORITIZATION;
    const NAME: &'static str = "Stream Prioritization Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        let count = cursor.u16("a number of priorities")?;
        let mut records = Vec::new();
        for _ in 0..count {
            let stream = cursor.u16("a stream number")?;
            let flags = cursor.u16("flags")?;
            records.push(StreamPriority { stream, flags });
        }
        Ok(Self { records })
    }

    fn put(&self, out: &mut Fields) {
        out.len16("the number of priorities", self.records.len());
        for record in &self.records {
            out.u16(record.stream);
            out.u16(record.flags);
        }
    }
}

impl Layout for BandwidthSharing {
    const ID: Uuid = guid::BANDWIDTH_SHARING;
    const NAME: &'static str = "Bandwidth Sharing Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        Ok(Self {
            kind: cursor.guid("a sharing type")?,
            bit_rate: cursor.u32("a bit rate")?,
            buffer_size: cursor.u32("the size of a buffer")?,
            streams: streams(cursor)?,
        })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.kind);
        out.u32(self.bit_rate);
        out.u32(self.buffer_size);
        put_streams(&self.streams, out);
    }
}
