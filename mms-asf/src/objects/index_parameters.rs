//! Index Parameters, Media Object Index Parameters and Timecode Index Parameters Objects, 4.9, 4.10
//! and 4.11 of the specification: what the index behind the packets points to.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// What one column of an index points to.
#[doc(alias = "Index Type")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IndexKind {
    /// The last packet with data of the stream (1).
    #[doc(alias = "Nearest Past Data Packet")]
    Packet,
    /// The packet in which the last media object starts (2).
    #[doc(alias = "Nearest Past Media Object")]
    MediaObject,
    /// The packet in which the last key frame starts (3).
    #[doc(alias = "Nearest Past Cleanpoint")]
    KeyFrame,
    /// An undocumented type; 0x00FF occurs.
    Other(u16),
}

impl From<u16> for IndexKind {
    fn from(value: u16) -> Self {
        match value {
            1 => Self::Packet,
            2 => Self::MediaObject,
            3 => Self::KeyFrame,
            other => Self::Other(other),
        }
    }
}

impl From<IndexKind> for u16 {
    fn from(kind: IndexKind) -> Self {
        match kind {
            IndexKind::Packet => 1,
            IndexKind::MediaObject => 2,
            IndexKind::KeyFrame => 3,
            IndexKind::Other(other) => other,
        }
    }
}

/// One column of an index (section 4.9 of the ASF specification).
#[doc(alias = "Index Specifier")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IndexSpecifier {
    /// The number of a stream, 1 to 127.
    pub stream: u16,
    /// What the column points to.
    pub kind: IndexKind,
}

impl IndexSpecifier {
    /// The bytes of a specifier.
    pub(crate) const LEN: usize = 4;

    pub(crate) fn read(bytes: [u8; Self::LEN]) -> Self {
        let [a, b, c, d] = bytes;
        Self {
            stream: u16::from_le_bytes([a, b]),
            kind: IndexKind::from(u16::from_le_bytes([c, d])),
        }
    }

    pub(crate) fn bytes(self) -> [u8; Self::LEN] {
        let ([a, b], [c, d]) = (self.stream.to_le_bytes(), u16::from(self.kind).to_le_bytes());
        [a, b, c, d]
    }
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident: $id:ident, $text:literal, $(#[$unit:meta])*;)+) => {
        $($(#[$doc])*
        #[doc(alias = $text)]
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $(#[$unit])*
            pub interval: u32,
            /// The columns, at most 65,535.
            pub specifiers: Vec<IndexSpecifier>,
        }

        impl Layout for $name {
            const ID: Uuid = guid::$id;
            const NAME: &'static str = $text;

            fn parse(cursor: &mut Cursor<'_>, _: &Object) -> Result<Self, Error> {
                let interval = cursor.u32("an interval")?;
                let count = cursor.u16("a number of index specifiers")?;
                let mut specifiers = Vec::new();
                for _ in 0..count {
                    let stream = cursor.u16("a stream number")?;
                    let kind = IndexKind::from(cursor.u16("an index type")?);
                    specifiers.push(IndexSpecifier { stream, kind });
                }
                Ok(Self { interval, specifiers })
            }

            fn put(&self, out: &mut Fields) {
                out.u32(self.interval);
                out.len16("the number of index specifiers", self.specifiers.len());
                for specifier in &self.specifiers {
                    out.slice(&specifier.bytes());
                }
            }
        })+
    };
}

parameters! {
    /// What an Index Object holds: entries at equal distances in time (section 4.9 of the ASF
    /// specification).
    IndexParameters: INDEX_PARAMETERS, "Index Parameters Object",
        /// From one entry to the next, in milliseconds.
        #[doc(alias = "Index Entry Time Interval")];
    /// What a Media Object Index Object holds: entries at equal numbers of media objects (section
    /// 4.10 of the ASF specification).
    MediaObjectIndexParameters: MEDIA_OBJECT_INDEX_PARAMETERS,
        "Media Object Index Parameters Object",
        /// From one entry to the next, in media objects.
        #[doc(alias = "Index Entry Count Interval")];
    /// What a Timecode Index Object holds: entries with SMPTE time codes (section 4.11 of the ASF
    /// specification).
    TimecodeIndexParameters: TIMECODE_INDEX_PARAMETERS, "Timecode Index Parameters Object",
        /// From one entry to the next, in media objects.
        #[doc(alias = "Index Entry Count Interval")];
}
