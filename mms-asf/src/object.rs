//! Objects: a 16-byte identifier, a 64-bit size that includes these 24 bytes, a body.

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

use crate::cursor::Cursor;
use crate::{Deviation, Error, guid};

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
    /// The whole object with its identifier and size.
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

/// How many more objects may be read, and what was found wrong so far.
#[derive(Debug)]
pub(crate) struct Walk {
    limit: u32,
    seen: u32,
    pub(crate) deviations: Vec<Deviation>,
}

impl Walk {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, seen: 0, deviations: Vec::new() }
    }

    /// The objects that fill `bytes`, which start at `offset` of the header. A size below 24 is an
    /// error (no progress could be made); a size beyond the end stops the walk with a deviation.
    pub(crate) fn children(&mut self, bytes: &Bytes, offset: usize) -> Result<Vec<Object>, Error> {
        let mut found = Vec::new();
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let start = offset.saturating_add(at);
            if rest.len() < HEAD {
                self.deviations.push(Deviation::LeftoverBytes {
                    offset: start as u64,
                    len: rest.len() as u64,
                });
                break;
            }
            let (id, size) = head(rest, start)?;
            let Some(end) = usize::try_from(size)
                .ok()
                .filter(|&size| size <= rest.len())
                .and_then(|size| at.checked_add(size))
            else {
                let left = rest.len() as u64;
                self.deviations.push(Deviation::ChildTooLong { offset: start as u64, size, left });
                break;
            };
            self.seen = self.seen.saturating_add(1);
            if self.seen > self.limit {
                let (value, limit) = (u64::from(self.seen), u64::from(self.limit));
                return Err(Error::Limit { what: "number of header objects", value, limit });
            }
            found.push(Object { id, offset: start, bytes: bytes.slice(at..end) });
            at = end;
        }
        Ok(found)
    }
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
