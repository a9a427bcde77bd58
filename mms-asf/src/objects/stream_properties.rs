//! Stream Properties Object, 3.3 of the specification: what one stream holds.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::formats::{AudioSpread, StreamFormat};
use crate::object::Object;
use crate::time::{from_ticks, to_ticks};
use crate::{Error, StreamKind, guid};

/// One stream, as its own object declares it (section 3.3 of the ASF specification).
/// [`Stream`](crate::Stream) adds what other objects say.
#[doc(alias = "Stream Properties Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamProperties {
    /// What it holds.
    pub kind: StreamKind,
    /// The error correction type; see [`guid`].
    pub error_correction: Uuid,
    /// Added to all times of the stream, in steps of 100 ns; zero in practice.
    pub time_offset: Duration,
    /// Bits 0 to 6 are the [`number`](Self::number), bit 15 says that payloads are
    /// [`encrypted`](Self::encrypted); the others are reserved and kept.
    pub flags: u16,
    /// Should be 0. Windows encoders leave uninitialised memory here; it is kept, so that a copy is
    /// exact.
    pub reserved: u32,
    /// The format, in a layout that depends on [`kind`](Self::kind), up to 4 GiB.
    pub type_specific: Bytes,
    /// What the error correction needs to know, up to 4 GiB.
    pub error_correction_data: Bytes,
}

/// The flag bit of a stream whose payloads are protected.
const ENCRYPTED: u16 = 0x8000;

impl StreamProperties {
    /// A stream with this number, 1 to 127, and format, without error correction.
    pub fn new(number: u8, kind: StreamKind, type_specific: Bytes) -> Self {
        Self {
            kind,
            error_correction: guid::NO_ERROR_CORRECTION,
            time_offset: Duration::ZERO,
            flags: u16::from(number & 0x7F),
            reserved: 0,
            type_specific,
            error_correction_data: Bytes::new(),
        }
    }

    /// A stream with this number, 1 to 127, and format. Windows Media and ACELP audio gets the
    /// audio spread error correction that players expect of it, without a span; players refuse MP3
    /// and AAC audio that has any.
    ///
    /// Fails as [`StreamFormat::encode`] does.
    pub fn with_format(number: u8, format: &StreamFormat) -> Result<Self, Error> {
        let mut stream = Self::new(number, format.kind(), format.encode()?);
        if let Some(spread) = format.default_spread() {
            stream.set_spread(&spread)?;
        }
        Ok(stream)
    }

    /// What [`type_specific`](Self::type_specific) says.
    pub fn format(&self) -> StreamFormat {
        StreamFormat::parse(self.kind, &self.type_specific)
    }

    /// The audio spread error correction; `None` for another type, or without its data.
    pub fn spread(&self) -> Option<AudioSpread> {
        let spread = self.error_correction == guid::AUDIO_SPREAD;
        spread.then(|| AudioSpread::parse(&self.error_correction_data).ok()).flatten()
    }

    /// Declares audio spread error correction.
    ///
    /// Fails as [`AudioSpread::encode`] does, with nothing changed.
    pub fn set_spread(&mut self, spread: &AudioSpread) -> Result<(), Error> {
        self.error_correction_data = spread.encode()?;
        self.error_correction = guid::AUDIO_SPREAD;
        Ok(())
    }

    /// The number that its payloads carry, 1 to 127; damaged files say 0.
    pub fn number(&self) -> u8 {
        let [low, _] = self.flags.to_le_bytes();
        low & 0x7F
    }

    /// Its payloads are protected.
    pub fn encrypted(&self) -> bool {
        self.flags & ENCRYPTED != 0
    }

    /// Reads an object whose lengths do not fit: the type-specific data comes first and is what is
    /// needed to play the stream, the error correction data gets what is left. `None` when the
    /// fields before them are cut.
    pub(crate) fn read_damaged(object: &Object) -> Option<Self> {
        let clipped = |cursor: &Cursor<'_>, [specific, correction]: [usize; 2]| {
            let rest = cursor.rest().len();
            let specific = specific.min(rest);
            [specific, correction.min(rest.saturating_sub(specific))]
        };
        Self::read(&mut object.cursor(Self::NAME), object, clipped).ok()
    }

    fn read(
        cursor: &mut Cursor<'_>,
        object: &Object,
        lens: impl FnOnce(&Cursor<'_>, [usize; 2]) -> [usize; 2],
    ) -> Result<Self, Error> {
        let kind = StreamKind::from(cursor.guid("a stream type")?);
        let error_correction = cursor.guid("an error correction type")?;
        let time_offset = from_ticks(cursor.u64("a time offset")?);
        let specific = cursor.u32("the length of the type-specific data")? as usize;
        let correction = cursor.u32("the length of the error correction data")? as usize;
        let flags = cursor.u16("flags")?;
        let reserved = cursor.u32("a reserved field")?;
        let [specific, correction] = lens(cursor, [specific, correction]);
        Ok(Self {
            kind,
            error_correction,
            time_offset,
            flags,
            reserved,
            type_specific: cursor.bytes(specific, &object.bytes, "the type-specific data")?,
            error_correction_data: cursor.bytes(
                correction,
                &object.bytes,
                "the error correction data",
            )?,
        })
    }
}

impl Layout for StreamProperties {
    const ID: Uuid = guid::STREAM_PROPERTIES;
    const NAME: &'static str = "Stream Properties Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        Self::read(cursor, object, |_, lens| lens)
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.kind.id());
        out.guid(self.error_correction);
        out.u64(to_ticks(self.time_offset));
        out.len32("the length of the type-specific data", self.type_specific.len());
        out.len32("the length of the error correction data", self.error_correction_data.len());
        out.u16(self.flags);
        out.u32(self.reserved);
        out.slice(&self.type_specific);
        out.slice(&self.error_correction_data);
    }
}
