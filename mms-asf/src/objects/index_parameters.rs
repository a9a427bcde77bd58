//! Index Parameters, Media Object Index Parameters and Timecode Index Parameters Objects, 4.9, 4.10
//! and 4.11 of the specification: what the index behind the packets points to.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// One column of an index.
#[doc(alias = "Index Specifier")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexSpecifier {
    /// The stream's number, 1 to 127.
    pub stream: u16,
    /// What its entries point to: 1 the nearest packet before, 2 the nearest media object before,
    /// 3 the nearest key frame before. 0x00FF occurs and is not documented.
    #[doc(alias = "Index Type")]
    pub kind: u16,
}

impl IndexSpecifier {
    /// Entries point to the nearest packet at or before their time.
    pub const PACKET: u16 = 1;
    /// Entries point to the nearest media object at or before their time.
    pub const OBJECT: u16 = 2;
    /// Entries point to the nearest key frame at or before their time.
    pub const KEY_FRAME: u16 = 3;

    /// A column for this stream, 1 to 127, of this kind.
    pub fn new(stream: u16, kind: u16) -> Self {
        Self { stream, kind }
    }

    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        Ok(Self { stream: cursor.u16("a stream number")?, kind: cursor.u16("an index type")? })
    }

    pub(crate) fn put(self, out: &mut Fields) {
        out.u16(self.stream);
        out.u16(self.kind);
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
                let specifiers =
                    (0..count).map(|_| IndexSpecifier::parse(cursor)).collect::<Result<_, _>>()?;
                Ok(Self { interval, specifiers })
            }

            fn put(&self, out: &mut Fields) {
                out.u32(self.interval);
                out.len16("the number of index specifiers", self.specifiers.len());
                for specifier in &self.specifiers {
                    specifier.put(out);
                }
            }
        })+
    };
}

parameters! {
    /// What an Index Object holds: entries at equal distances in time.
    IndexParameters: INDEX_PARAMETERS, "Index Parameters Object",
        /// From one entry to the next, in milliseconds.
        #[doc(alias = "Index Entry Time Interval")];
    /// What a Media Object Index Object holds: entries at equal numbers of media objects.
    MediaObjectIndexParameters: MEDIA_OBJECT_INDEX_PARAMETERS,
        "Media Object Index Parameters Object",
        /// From one entry to the next, in media objects.
        #[doc(alias = "Index Entry Count Interval")];
    /// What a Timecode Index Object holds: entries with SMPTE time codes.
    TimecodeIndexParameters: TIMECODE_INDEX_PARAMETERS, "Timecode Index Parameters Object",
        /// From one entry to the next, in media objects.
        #[doc(alias = "Index Entry Count Interval")];
}
