//! Where an object of a header ends, even when its size is wrong.

use bytes::Bytes;
use uuid::Uuid;

use crate::guid;
use crate::object::{HEAD, Object, id_and_size};
use crate::objects::AnyBody;

/// The Header Extension Object in front of its children, in bytes.
pub(crate) const EXTENSION_HEAD: usize = 46;
/// So many unknown objects in a row are no accident.
const UNKNOWN_IN_A_ROW: usize = 16;

/// Whether objects of this kind are children of the Header Object itself.
pub(crate) fn of_header(id: Uuid) -> bool {
    matches!(
        id,
        guid::FILE_PROPERTIES
            | guid::STREAM_PROPERTIES
            | guid::HEADER_EXTENSION
            | guid::CODEC_LIST
            | guid::SCRIPT_COMMAND
            | guid::MARKER
            | guid::BITRATE_MUTUAL_EXCLUSION
            | guid::ERROR_CORRECTION
            | guid::CONTENT_DESCRIPTION
            | guid::EXTENDED_CONTENT_DESCRIPTION
            | guid::CONTENT_BRANDING
            | guid::STREAM_BITRATE_PROPERTIES
            | guid::CONTENT_ENCRYPTION
            | guid::EXTENDED_CONTENT_ENCRYPTION
            | guid::DIGITAL_SIGNATURE
    )
}

/// Whether objects of this kind are children of the Header Extension Object.
pub(crate) fn of_extension(id: Uuid) -> bool {
    matches!(
        id,
        guid::EXTENDED_STREAM_PROPERTIES
            | guid::ADVANCED_MUTUAL_EXCLUSION
            | guid::GROUP_MUTUAL_EXCLUSION
            | guid::STREAM_PRIORITIZATION
            | guid::BANDWIDTH_SHARING
            | guid::LANGUAGE_LIST
            | guid::METADATA
            | guid::METADATA_LIBRARY
            | guid::INDEX_PARAMETERS
            | guid::MEDIA_OBJECT_INDEX_PARAMETERS
            | guid::TIMECODE_INDEX_PARAMETERS
            | guid::COMPATIBILITY
            | guid::ADVANCED_CONTENT_ENCRYPTION
    )
}

/// The identifier of a known object of a header that starts with `bytes`.
fn child(bytes: &[u8]) -> Option<Uuid> {
    // Version and variant of all of them: nearly every other place is ruled out here.
    if !matches!(bytes.get(7)? >> 4, 1 | 4) || bytes.get(8)? & 0xC0 != 0x80 {
        return None;
    }
    let (id, _) = id_and_size(bytes)?;
    let either = matches!(id, guid::PADDING | guid::INDEX_PLACEHOLDER | guid::ENCRYPTION);
    (either || of_header(id) || of_extension(id)).then_some(id)
}

/// Whether a known object of a header starts here.
pub(crate) fn is_known(bytes: &[u8]) -> bool {
    child(bytes).is_some()
}

/// How much of the bytes from its start on is an object's.
pub(super) struct Extent {
    /// The object's bytes.
    pub(super) len: usize,
    /// The bytes between it and the next object.
    pub(super) foreign: usize,
}

impl Extent {
    fn only(len: usize) -> Self {
        Self { len, foreign: 0 }
    }
}

/// Finds the ends of objects that lie one after the other.
pub(super) struct Extents<'a> {
    bytes: &'a Bytes,
    /// No known object starts between these two places; at the second one there is one, or the
    /// end.
    clear: (usize, usize),
}

impl<'a> Extents<'a> {
    pub(super) fn new(bytes: &'a Bytes) -> Self {
        Self { bytes, clear: (0, 0) }
    }

    /// The extent of the object that starts at `at`, at least 24 bytes from the end. `None` when
    /// it is unknown, its size impossible and nothing known follows.
    pub(super) fn of(&mut self, at: usize) -> Option<Extent> {
        let (id, size) = id_and_size(self.rest(at))?;
        let left = self.rest(at).len();
        let fits = |size: &usize| (HEAD..=left).contains(size);
        let declared = usize::try_from(size).ok().filter(fits);
        if id == guid::HEADER_EXTENSION {
            return Some(Extent::only(self.extension(at, declared)));
        }
        if let Some(len) = declared.filter(|len| self.follows(at.saturating_add(*len))) {
            return Some(Extent::only(self.swallowed(at, id, len).unwrap_or(len)));
        }
        let readable = |len: usize| self.fields_end(id, at, len);
        // Where bytes were put into a text, its object seems to end too early.
        let text = matches!(id, guid::CONTENT_DESCRIPTION | guid::EXTENDED_CONTENT_DESCRIPTION);
        let whole = declared.filter(|len| !text && readable(*len) == Some(*len));
        let (any, all) =
            (declared.filter(|len| readable(*len).is_some()), readable(left).is_some());
        if let Some(next) = self.next_after(id, at) {
            let to_next = next.saturating_sub(at);
            return Some(match whole.filter(|len| *len <= to_next) {
                Some(len) => Extent { len, foreign: to_next.saturating_sub(len) },
                None => Extent::only(to_next),
            });
        }
        let known = child(self.rest(at)).is_some();
        let rest = (all || (known && declared.is_none())).then_some(left);
        any.or(rest).or(declared).map(Extent::only)
    }

    fn rest(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Where the fields of the object of `len` bytes at `at` end, counted from `at`.
    fn fields_end(&self, id: Uuid, at: usize, len: usize) -> Option<usize> {
        let end = at.saturating_add(len).min(self.bytes.len());
        AnyBody::fields_end(&Object { id, offset: 0, bytes: self.bytes.slice(at.min(end)..end) })
    }

    /// Whether an object can end at `at`: there is the end, a known object, or unknown ones that
    /// lead to either.
    fn follows(&self, mut at: usize) -> bool {
        for _ in 0..UNKNOWN_IN_A_ROW {
            let rest = self.rest(at);
            if rest.is_empty() || child(rest).is_some() {
                return true;
            }
            let Some((_, size)) = id_and_size(rest) else { return false };
            let Ok(size) = usize::try_from(size) else { return false };
            if !(HEAD..=rest.len()).contains(&size) {
                return false;
            }
            at = at.saturating_add(size);
        }
        true
    }

    /// Whether objects fill the bytes from `at` to `end`: what follows `end` does not decide it, and
    /// neither does an identifier without a size.
    fn leads_to(&self, mut at: usize, end: usize) -> bool {
        while at < end {
            let size = id_and_size(self.rest(at)).and_then(|(_, size)| usize::try_from(size).ok());
            let Some(size) = size.filter(|size| *size >= HEAD) else { return false };
            at = at.saturating_add(size);
        }
        at == end
    }

    /// The first known object from `from` on.
    fn next(&mut self, from: usize) -> Option<usize> {
        let (start, end) = self.clear;
        if !(start..=end).contains(&from) {
            let found = self.rest(from).windows(HEAD).position(|place| child(place).is_some());
            let end = found.map_or(self.bytes.len(), |found| from.saturating_add(found));
            self.clear = (from, end);
        }
        Some(self.clear.1).filter(|end| *end < self.bytes.len())
    }

    /// The first known object after the one at `at`, which may have one inside.
    fn next_after(&mut self, id: Uuid, at: usize) -> Option<usize> {
        let next = self.next(at.saturating_add(HEAD))?;
        if self.is_nested(id, at, next) { self.next(next.saturating_add(HEAD)) } else { Some(next) }
    }

    /// Whether a stream is declared at `inner`, where the fields of the object at `at` end.
    fn is_nested(&self, id: Uuid, at: usize, inner: usize) -> bool {
        let len = inner.saturating_sub(at);
        id == guid::EXTENDED_STREAM_PROPERTIES
            && child(self.rest(inner)) == Some(guid::STREAM_PROPERTIES)
            && self.fields_end(id, at, len) == Some(len)
    }

    /// Where an object that ends well should have ended, because another one lies in it.
    fn swallowed(&mut self, at: usize, id: Uuid, len: usize) -> Option<usize> {
        let end = at.saturating_add(len);
        let mut inner = self.next(at.saturating_add(HEAD)).filter(|inner| *inner < end)?;
        let fields = match id {
            guid::PADDING => HEAD,
            _ => self.fields_end(id, at, len)?,
        };
        loop {
            if inner >= at.saturating_add(fields) && self.leads_to(inner, end) {
                return Some(inner.saturating_sub(at));
            }
            inner = self.next(inner.saturating_add(1)).filter(|inner| *inner < end)?;
        }
    }

    /// The length of the Header Extension Object at `at`: by its size, by the size of its data, or
    /// up to the first object that does not belong in it.
    fn extension(&mut self, at: usize, declared: Option<usize>) -> usize {
        let rest = self.rest(at);
        let data = rest.get(EXTENSION_HEAD.saturating_sub(4)..).and_then(<[u8]>::first_chunk);
        let data = data.and_then(|data| usize::try_from(u32::from_le_bytes(*data)).ok());
        let by_data = data
            .and_then(|data| data.checked_add(EXTENSION_HEAD))
            .filter(|len| *len <= rest.len() && self.follows(at.saturating_add(*len)));
        let by_size = declared.filter(|len| self.follows(at.saturating_add(*len)));
        match (by_size, by_data) {
            (Some(len), Some(shorter)) if shorter < len => {
                let follows = rest.get(shorter..).and_then(child);
                if follows.is_some_and(of_header) { shorter } else { len }
            }
            (Some(len), _) => len,
            (None, Some(len)) => len,
            (None, None) => self.extension_in_front(at),
        }
    }

    /// The bytes in front of the next object that belongs to the Header Object itself.
    fn extension_in_front(&mut self, at: usize) -> usize {
        let mut last = None;
        let mut from = at.saturating_add(HEAD);
        while let Some(next) = self.next(from) {
            let id = child(self.rest(next));
            let (before, start) = last.unwrap_or((guid::HEADER_EXTENSION, at));
            if id.is_some_and(of_header) && !self.is_nested(before, start, next) {
                return next.saturating_sub(at);
            }
            last = id.map(|id| (id, next));
            from = next.saturating_add(HEAD);
        }
        self.rest(at).len()
    }
}

/// Where the stream that an Extended Stream Properties Object declares starts in it, and how long
/// it is, whatever its size says.
pub(super) fn nested(object: &Object) -> Option<(usize, usize)> {
    let mut extents = Extents::new(&object.bytes);
    let inner = extents.next(HEAD)?;
    let rest = object.bytes.slice(inner..);
    if !extents.is_nested(object.id, 0, inner) {
        return None;
    }
    let (id, size) = id_and_size(&rest)?;
    // Other bytes may follow it.
    let declared = usize::try_from(size).ok().and_then(|size| rest.get(..size));
    let fields = |len: usize| {
        AnyBody::fields_end(&Object { id, offset: 0, bytes: rest.slice(..len.min(rest.len())) })
    };
    let readable = declared.filter(|bytes| fields(bytes.len()).is_some());
    let len = readable.map_or_else(|| fields(rest.len()), |bytes| Some(bytes.len()))?;
    Some((inner, len))
}
