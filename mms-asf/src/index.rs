//! Index objects behind the data: where in the data a time, a media object or a timecode lies.

mod builder;
mod key_frames;
mod offsets;
mod simple;
mod table;

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

pub use self::builder::{IndexBuilder, Indexes};
pub use self::key_frames::KeyFrames;
pub use self::offsets::{Index, MediaObjectIndex, TimecodeIndex};
pub use self::simple::{SimpleEntry, SimpleIndex};

use crate::cursor::Cursor;
use crate::object::{self, HEAD};
use crate::{Error, guid};

/// One object behind the Data Object. Entries stay in the bytes they were read from, so an index
/// costs as much memory as it has bytes, whatever it claims.
///
/// What is read is written again byte for byte, bytes that no field accounts for included.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexObject {
    /// Key frames of a video stream by time.
    Simple(SimpleIndex),
    /// Offsets of several streams by time.
    Index(Index),
    /// Offsets of several streams by media object.
    MediaObject(MediaObjectIndex),
    /// Offsets of several streams by timecode.
    Timecode(TimecodeIndex),
    /// Anything else, such as XMP metadata.
    Other {
        /// What the object is.
        id: Uuid,
        /// The whole object with its identifier and size.
        bytes: Bytes,
    },
}

impl IndexObject {
    /// Reads the object that `bytes` start with; what follows it is left alone.
    ///
    /// Fails when the object's size is below 24 or beyond the bytes, and when an index claims more
    /// entries than it has bytes for.
    pub fn parse(bytes: &Bytes) -> Result<Self, Error> {
        let (id, size) = object::head(bytes, 0)?;
        let size = usize::try_from(size).ok().filter(|&size| size <= bytes.len());
        let Some(size) = size else {
            return Err(Error::Malformed {
                what: "object",
                offset: 16,
                expected: "a size within the bytes that are there",
            });
        };
        let bytes = bytes.slice(..size);
        Ok(match id {
            guid::SIMPLE_INDEX => Self::Simple(SimpleIndex::parse(&bytes)?),
            guid::INDEX => Self::Index(Index::parse(&bytes)?),
            guid::MEDIA_OBJECT_INDEX => Self::MediaObject(MediaObjectIndex::parse(&bytes)?),
            guid::TIMECODE_INDEX => Self::Timecode(TimecodeIndex::parse(&bytes)?),
            id => Self::Other { id, bytes },
        })
    }

    /// What the object is; see [`guid`].
    pub fn id(&self) -> Uuid {
        match self {
            Self::Simple(_) => guid::SIMPLE_INDEX,
            Self::Index(_) => guid::INDEX,
            Self::MediaObject(_) => guid::MEDIA_OBJECT_INDEX,
            Self::Timecode(_) => guid::TIMECODE_INDEX,
            Self::Other { id, .. } => *id,
        }
    }

    /// Appends the whole object with its identifier and size.
    pub fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Simple(index) => index.write(out),
            Self::Index(index) => index.write(out),
            Self::MediaObject(index) => index.write(out),
            Self::Timecode(index) => index.write(out),
            Self::Other { bytes, .. } => out.extend_from_slice(bytes),
        }
    }
}

impl From<SimpleIndex> for IndexObject {
    fn from(index: SimpleIndex) -> Self {
        Self::Simple(index)
    }
}

impl From<Index> for IndexObject {
    fn from(index: Index) -> Self {
        Self::Index(index)
    }
}

impl From<MediaObjectIndex> for IndexObject {
    fn from(index: MediaObjectIndex) -> Self {
        Self::MediaObject(index)
    }
}

impl From<TimecodeIndex> for IndexObject {
    fn from(index: TimecodeIndex) -> Self {
        Self::Timecode(index)
    }
}

/// Whether an object leads to places in the data.
pub(crate) fn is_index(id: Uuid) -> bool {
    guid::INDEXES.contains(&id)
}

/// A reader behind the identifier and size of an object.
fn body<'a>(object: &'a Bytes, what: &'static str) -> Cursor<'a> {
    Cursor::new(object.get(HEAD..).unwrap_or_default(), HEAD, what)
}

/// Appends an identifier and the size of an object with a body of `len` bytes.
fn put_head(out: &mut BytesMut, id: Uuid, len: usize) {
    out.reserve(HEAD.saturating_add(len));
    out.put_slice(&id.to_bytes_le());
    out.put_u64_le((len as u64).saturating_add(HEAD as u64));
}

/// Refuses what a field of the format cannot say.
fn limit(what: &'static str, value: u64, limit: u64) -> Error {
    Error::Limit { what, value, limit }
}
