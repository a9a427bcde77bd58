//! The children of a header, one after the other, after wrong sizes too.

mod extent;

use bytes::{Bytes, BytesMut};

pub(crate) use self::extent::{EXTENSION_HEAD, is_known, of_extension, of_header};
use self::extent::{Extents, nested};
use crate::object::{HEAD, Object, id_and_size};
use crate::offsets::put_at;
use crate::{Deviation, Error, guid};

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

    /// The objects that fill `bytes`, which start at `offset` of the header. An object of a wrong
    /// size gets the right one and a deviation; where nothing tells the right one, the walk ends
    /// with a deviation.
    pub(crate) fn children(&mut self, bytes: &Bytes, offset: usize) -> Result<Vec<Object>, Error> {
        let mut found = Vec::new();
        let mut extents = Extents::new(bytes);
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let start = offset.saturating_add(at);
            let left = rest.len() as u64;
            let Some((id, declared)) = id_and_size(rest) else {
                self.deviations.push(Deviation::LeftoverBytes { offset: start as u64, len: left });
                break;
            };
            let Some(extent) = extents.of(at) else {
                let (offset, size) = (start as u64, declared);
                self.deviations.push(Deviation::ChildTooLong { offset, size, left });
                break;
            };
            self.seen = self.seen.saturating_add(1);
            if self.seen > self.limit {
                let (value, limit) = (u64::from(self.seen), u64::from(self.limit));
                return Err(Error::Limit { what: "number of header objects", value, limit });
            }
            let end = at.saturating_add(extent.len);
            let object = Object::sized(id, start, bytes.slice(at..end));
            if declared != extent.len as u64 {
                self.wrong_size(start, declared, extent.len);
            }
            found.push(self.with_nested(object));
            at = end.saturating_add(extent.foreign);
            if extent.foreign > 0 {
                let (offset, len) = (offset.saturating_add(end) as u64, extent.foreign as u64);
                self.deviations.push(Deviation::ForeignBytes { offset, len });
            }
        }
        Ok(found)
    }

    /// The same object; a stream that is declared in it has its right size.
    fn with_nested(&mut self, object: Object) -> Object {
        if object.id != guid::EXTENDED_STREAM_PROPERTIES {
            return object;
        }
        let Some((inner, len)) = nested(&object) else { return object };
        let rest = object.bytes.slice(inner..);
        let Some((id, declared)) = id_and_size(&rest) else { return object };
        if declared == len as u64 {
            return object;
        }
        self.wrong_size(object.offset.saturating_add(inner), declared, len);
        let stream = Object::sized(id, 0, rest.slice(..len.min(rest.len())));
        let mut bytes = BytesMut::from(object.bytes.as_ref());
        put_at(&mut bytes, inner, stream.bytes.get(..HEAD).unwrap_or_default());
        Object { bytes: bytes.freeze(), ..object }
    }

    fn wrong_size(&mut self, offset: usize, declared: u64, found: usize) {
        let (offset, found) = (offset as u64, found as u64);
        self.deviations.push(Deviation::ChildSize { offset, declared, found });
    }
}
