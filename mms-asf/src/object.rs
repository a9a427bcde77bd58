//! Objects: a 16-byte identifier, a 64-bit size that includes these 24 bytes, a body.

use std::fmt;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use crate::cursor::Cursor;
use crate::offsets::object::SIZE;
use crate::offsets::put;
use crate::{Error, guid};

/// The identifier and size that start every object, in bytes.
pub(crate) const HEAD: usize = 24;

/// One object of a header, known or not, kept byte for byte (section 2.1 of the ASF specification).
/// Objects are equal when their bytes are, wherever they lie.
#[derive(Clone)]
#[non_exhaustive]
pub struct Object {
    /// What the object is; see [`guid`].
    pub id: Uuid,
    /// Where it starts, in bytes from the first one of the header.
    pub offset: usize,
    /// The whole object with its identifier and size; a wrong size is put right
    /// ([`Deviation::ChildSize`](crate::Deviation::ChildSize)).
    pub bytes: Bytes,
}

impl Object {
    /// The object that these bytes are, at offset 0.
    ///
    /// Fails when they do not start with an identifier and a size, or when the size is not theirs.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        let (id, size) = head(&bytes, 0)?;
        if size != bytes.len() as u64 {
            return Err(Error::Malformed {
                what: "object",
                offset: 16,
                expected: "the size of the bytes that are there",
            });
        }
        Ok(Self { id, offset: 0, bytes })
    }

    /// The object that starts with these bytes and is as long as they are, whatever size it says.
    pub(crate) fn sized(id: Uuid, offset: usize, bytes: Bytes) -> Self {
        let size = (bytes.len() as u64).to_le_bytes();
        if bytes.get(SIZE) == Some(&size) {
            return Self { id, offset, bytes };
        }
        let mut bytes = BytesMut::from(bytes.as_ref());
        put(&mut bytes, 0, SIZE, &size);
        Self { id, offset, bytes: bytes.freeze() }
    }

    /// The object's name, if its identifier is a known one.
    pub fn name(&self) -> Option<&'static str> {
        guid::name(self.id)
    }

    /// The object without identifier and size.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(HEAD..).unwrap_or_default()
    }

    /// Where it ends, counted like [`offset`](Self::offset).
    pub(crate) fn end(&self) -> usize {
        self.offset.saturating_add(self.bytes.len())
    }

    /// A reader at the start of the body.
    pub(crate) fn cursor(&self, what: &'static str) -> Cursor<'_> {
        Cursor::new(self.body(), self.offset.saturating_add(HEAD), what)
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        // The identifier is part of the bytes.
        self.bytes == other.bytes
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Pictures of many kilobytes occur.
        match self.name() {
            Some(name) => write!(f, "{name}")?,
            None => write!(f, "{}", self.id)?,
        }
        write!(f, " ({} bytes at {})", self.bytes.len(), self.offset)
    }
}

/// Identifier and size at the start of `bytes`, whatever the size; `None` for fewer than 24 bytes.
pub(crate) fn id_and_size(bytes: &[u8]) -> Option<(Uuid, u64)> {
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let (size, _) = rest.split_first_chunk::<8>()?;
    Some((Uuid::from_bytes_le(*id), u64::from_le_bytes(*size)))
}

/// Identifier and size of the object at the start of `bytes`; the size is at least 24.
pub(crate) fn head(bytes: &[u8], offset: usize) -> Result<(Uuid, u64), Error> {
    let mut cursor = Cursor::new(bytes, offset, "object");
    let id = cursor.guid("a 16-byte identifier")?;
    let at_size = cursor.clone();
    let size = cursor.u64("a 64-bit size")?;
    if size < HEAD as u64 {
        return Err(at_size.malformed("a size of at least 24"));
    }
    Ok((id, size))
}
