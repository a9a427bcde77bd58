//! Extended Stream Properties Object, 4.1 of the specification: what 1990s players need not know
//! about a stream.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::{Body as _, Layout, StreamProperties};
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::{HEAD, Object, head};
use crate::time::{from_ticks, to_millis, to_ticks};
use crate::{Error, Text, guid};

/// More about one stream (section 4.1 of the ASF specification).
#[doc(alias = "Extended Stream Properties Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtendedStreamProperties {
    /// Presentation time of its first object, in milliseconds; 0 when not known.
    pub start_time: Duration,
    /// Presentation time of its last object and its duration, in milliseconds; 0 when not known.
    pub end_time: Duration,
    /// The buffer that a stream at its average rate needs.
    pub average: LeakyBucket,
    /// The buffer that it needs when it is sent at its peak rate.
    #[doc(alias = "Alternate Data Bitrate")]
    pub peak: LeakyBucket,
    /// Size of the largest media object in bytes; 0 when not known.
    pub max_object_size: u32,
    /// Bit 0: needs a reliable transport; bit 1: [seekable](Self::SEEKABLE); bit 2: has no key
    /// frames; bit 3: live key frames are sent again. The others are reserved and kept.
    pub flags: u32,
    /// The stream's number, 1 to 127.
    pub number: u16,
    /// The place of its language in the Language List Object.
    pub language: u16,
    /// How long a frame lasts on average, in steps of 100 ns; 0 when not known.
    pub time_per_frame: Duration,
    /// The stream's names, at most 65,535.
    pub names: Vec<StreamName>,
    /// What accompanies each media object, in the order in which it lies in replicated data, at
    /// most 65,535.
    pub extensions: Vec<ExtensionSystem>,
    /// The Stream Properties Object, where it is hidden from old players in here.
    pub nested: Option<Object>,
}

/// A buffer into which data comes in bursts and from which it leaves at a constant rate (section
/// 4.1 of the ASF specification).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeakyBucket {
    /// The rate in bits per second.
    pub bit_rate: u32,
    /// The size in milliseconds.
    pub size: u32,
    /// How full it is in the beginning, in milliseconds.
    pub fullness: u32,
}

/// The name of a stream in one language (section 4.1 of the ASF specification).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamName {
    /// The place of the language in the Language List Object.
    pub language: u16,
    /// The name, up to 65,535 bytes.
    pub name: Text,
}

/// One kind of data that accompanies each media object (section 4.1 of the ASF specification).
#[doc(alias = "Payload Extension System")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionSystem {
    /// What the data means; see [`guid`].
    pub system: Uuid,
    /// Its size in bytes; 0xFFFF when each instance starts with its own 16-bit size.
    pub size: u16,
    /// What there is to know about all instances, up to 4 GiB.
    pub info: Bytes,
}

impl ExtendedStreamProperties {
    /// The flag bit of a stream in which players may seek.
    pub const SEEKABLE: u32 = 2;

    /// The stream that is declared in here; `None` when it is declared outside.
    ///
    /// Fails when it cannot be read.
    pub fn stream(&self) -> Option<Result<StreamProperties, Error>> {
        self.nested.as_ref().map(StreamProperties::decode)
    }
}

impl Layout for ExtendedStreamProperties {
    const ID: Uuid = guid::EXTENDED_STREAM_PROPERTIES;
    const NAME: &'static str = "Extended Stream Properties Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let start_time = Duration::from_millis(cursor.u64("a start time")?);
        let end_time = Duration::from_millis(cursor.u64("an end time")?);
        let average = LeakyBucket::parse(cursor)?;
        let peak = LeakyBucket::parse(cursor)?;
        let max_object_size = cursor.u32("the size of the largest object")?;
        let flags = cursor.u32("flags")?;
        let number = cursor.u16("a stream number")?;
        let language = cursor.u16("a language index")?;
        let time_per_frame = from_ticks(cursor.u64("an average time per frame")?);
        let name_count = cursor.u16("a number of names")?;
        let system_count = cursor.u16("a number of payload extensions")?;
        let mut names = Vec::new();
        for _ in 0..name_count {
            let language = cursor.u16("a language index")?;
            let len = cursor.u16("the length of a name")?;
            names.push(StreamName {
                language,
                name: cursor.text(len.into(), &object.bytes, "a name")?,
            });
        }
        let mut extensions = Vec::new();
        for _ in 0..system_count {
            let system = cursor.guid("a payload extension system")?;
            let size = cursor.u16("the size of a payload extension")?;
            let len = cursor.u32("the length of payload extension information")? as usize;
            let info = cursor.bytes(len, &object.bytes, "payload extension information")?;
            extensions.push(ExtensionSystem { system, size, info });
        }
        Ok(Self {
            start_time,
            end_time,
            average,
            peak,
            max_object_size,
            flags,
            number,
            language,
            time_per_frame,
            names,
            extensions,
            nested: nested(cursor, object)?,
        })
    }

    fn put(&self, out: &mut Fields) {
        out.u64(to_millis(self.start_time));
        out.u64(to_millis(self.end_time));
        self.average.put(out);
        self.peak.put(out);
        out.u32(self.max_object_size);
        out.u32(self.flags);
        out.u16(self.number);
        out.u16(self.language);
        out.u64(to_ticks(self.time_per_frame));
        out.len16("the number of stream names", self.names.len());
        out.len16("the number of payload extensions", self.extensions.len());
        for StreamName { language, name } in &self.names {
            out.u16(*language);
            out.len16("the length of a stream name", name.as_bytes().len());
            out.text(name);
        }
        for ExtensionSystem { system, size, info } in &self.extensions {
            out.guid(*system);
            out.u16(*size);
            out.len32("the length of payload extension information", info.len());
            out.slice(info);
        }
        if let Some(nested) = &self.nested {
            out.slice(&nested.bytes);
        }
    }
}

impl LeakyBucket {
    /// One with this rate in bits per second, and this size and first fullness in milliseconds.
    pub fn new(bit_rate: u32, size: u32, fullness: u32) -> Self {
        Self { bit_rate, size, fullness }
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(Self {
            bit_rate: cursor.u32("a bit rate")?,
            size: cursor.u32("the size of a buffer")?,
            fullness: cursor.u32("the fullness of a buffer")?,
        })
    }

    fn put(self, out: &mut Fields) {
        out.u32(self.bit_rate);
        out.u32(self.size);
        out.u32(self.fullness);
    }
}

impl StreamName {
    /// A name in the language at this place of the Language List Object.
    pub fn new(language: u16, name: Text) -> Self {
        Self { language, name }
    }
}

impl ExtensionSystem {
    /// This system with instances of `size` bytes; 0xFFFF for a size that varies.
    pub fn new(system: Uuid, size: u16) -> Self {
        Self { system, size, info: Bytes::new() }
    }
}

/// What follows the fields: one object, of whatever kind. Other bytes than those of an object are
/// left out, as behind the fields of all objects; but a stream that is there in part is missed.
fn nested(cursor: &mut Cursor<'_>, object: &Object) -> Result<Option<Object>, Error> {
    let (rest, offset) = (cursor.rest(), cursor.offset());
    if rest.len() < HEAD {
        return Ok(None);
    }
    let found = head(rest, offset).and_then(|(id, size)| {
        let len = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes =
            cursor.bytes(len, &object.bytes, "an object that ends with the one around it")?;
        Ok(Object { id, offset, bytes })
    });
    match found {
        Err(_) if !rest.starts_with(&guid::STREAM_PROPERTIES.to_bytes_le()) => Ok(None),
        found => found.map(Some),
    }
}
