//! Stream Bitrate Properties Object, 3.12 of the specification.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// How much each stream takes on average (section 3.12 of the ASF specification).
#[doc(alias = "Stream Bitrate Properties Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamBitrates {
    /// One record a stream, at most 65,535.
    pub records: Vec<StreamBitrate>,
}

/// How much one stream takes (section 3.12 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamBitrate {
    /// Bits 0 to 6 are the stream number; the others are reserved and kept.
    pub flags: u16,
    /// Bits per second, container overhead included.
    pub bit_rate: u32,
}

impl StreamBitrate {
    /// Of the stream with this number, 1 to 127.
    pub fn new(stream: u8, bit_rate: u32) -> Self {
        Self { flags: u16::from(stream & 0x7F), bit_rate }
    }

    /// The stream number.
    pub fn stream(&self) -> u8 {
        let [low, _] = self.flags.to_le_bytes();
        low & 0x7F
    }
}

impl Layout for StreamBitrates {
    const ID: Uuid = guid::STREAM_BITRATE_PROPERTIES;
    const NAME: &'static str = "Stream Bitrate Properties Object";

    fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
        let count = cursor.u16("a number of records")?;
        let mut records = Vec::new();
        for _ in 0..count {
            let flags = cursor.u16("a stream number")?;
            let bit_rate = cursor.u32("a bit rate")?;
            records.push(StreamBitrate { flags, bit_rate });
        }
        Ok(Self { records })
    }

    fn put(&self, out: &mut Fields) {
        out.len16("the number of bit rates", self.records.len());
        for record in &self.records {
            out.u16(record.flags);
            out.u32(record.bit_rate);
        }
    }
}
