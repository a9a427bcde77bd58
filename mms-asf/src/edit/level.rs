//! The children of the Header Object, and below them those of the Header Extension Object.

use bytes::{BufMut, Bytes, BytesMut};

use crate::object::{HEAD, Object};
use crate::objects::{Body as _, Padding};
use crate::walk::{EXTENSION_HEAD, Walk, of_extension, of_header};
use crate::{Error, Header, guid};

/// All children, and the bytes behind the last one that could be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    slots: Vec<Slot>,
    rest: Bytes,
}

/// One child of the Header Object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Slot {
    Object(Object),
    Extension(Extension),
}

/// A Header Extension Object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extension {
    /// Everything in front of the children.
    head: Bytes,
    children: Vec<Object>,
    rest: Bytes,
}

impl Level {
    /// This object and an empty Header Extension Object.
    pub(super) fn new(object: Object) -> Self {
        let slots = vec![Slot::Object(object), Slot::Extension(Extension::with(Vec::new()))];
        Self { slots, rest: Bytes::new() }
    }

    pub(super) fn of(header: &Header) -> Self {
        let (_, data_at) = header.patch_points();
        let objects = header.objects();
        let end = objects.last().map_or(super::CHILDREN, Object::end);
        let rest = header.as_bytes().slice(end.min(data_at)..data_at);
        Self { slots: objects.iter().map(Slot::of).collect(), rest }
    }

    /// The objects of both levels in the order of the file.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.slots.iter().flat_map(|slot| match slot {
            Slot::Object(object) => std::slice::from_ref(object),
            Slot::Extension(extension) => extension.children.as_slice(),
        })
    }

    /// How many children the Header Object has.
    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }

    /// The bytes of all children together.
    pub(super) fn len(&self) -> usize {
        self.slots.iter().fold(self.rest.len(), |sum, slot| sum.saturating_add(slot.len()))
    }

    /// Keeps the objects, maybe changed, for which this says so.
    pub(super) fn retain_mut(&mut self, mut keep: impl FnMut(&mut Object) -> bool) {
        self.slots.retain_mut(|slot| match slot {
            Slot::Object(object) => keep(object),
            Slot::Extension(extension) => {
                extension.children.retain_mut(&mut keep);
                true
            }
        });
    }

    /// Leaves out the bytes that could not be told apart, and makes one Header Extension Object,
    /// with the reserved fields that it should have, of all. Where its sizes contradict each other,
    /// objects in it that belong to the Header Object follow it.
    pub(super) fn normalise(&mut self) {
        self.rest = Bytes::new();
        let (mut all, mut misplaced) = (Vec::new(), Vec::new());
        for slot in &mut self.slots {
            if let Slot::Extension(extension) = slot {
                let stay = extension.says_its_size();
                let children = std::mem::take(&mut extension.children);
                let (inside, outside): (Vec<_>, _) =
                    children.into_iter().partition(|child| stay || !of_header(child.id));
                all.extend(inside);
                misplaced.extend(outside);
            }
        }
        let mut all = Some((all, misplaced));
        for slot in std::mem::take(&mut self.slots) {
            let Slot::Extension(_) = slot else {
                self.slots.push(slot);
                continue;
            };
            if let Some((children, misplaced)) = all.take() {
                self.slots.push(Slot::Extension(Extension::with(children)));
                self.slots.extend(misplaced.into_iter().map(Slot::Object));
            }
        }
    }

    /// Appends an object on the level where its kind belongs.
    pub(super) fn push(&mut self, object: Object) {
        if !of_extension(object.id) {
            self.slots.push(Slot::Object(object));
            return;
        }
        let extension = self.slots.iter_mut().find_map(|slot| match slot {
            Slot::Object(_) => None,
            Slot::Extension(extension) => Some(extension),
        });
        match extension {
            Some(extension) => extension.children.push(object),
            None => self.slots.push(Slot::Extension(Extension::with(vec![object]))),
        }
    }

    /// Makes the children as long as they were, by means of padding. Where that is not possible
    /// they get `room` bytes of it.
    pub(super) fn fit(&mut self, len: usize, room: usize) -> Result<(), Error> {
        let paddings = || self.objects().filter(|object| object.id == guid::PADDING);
        // What would be left for a single padding object, or for one of them.
        let left = |padding: usize| len.checked_add(padding)?.checked_sub(self.len());
        if self.len() == len {
            return Ok(());
        }
        let all = paddings().fold(0_usize, |sum, padding| sum.saturating_add(padding.bytes.len()));
        let fits = |left: &usize| *left == 0 || *left >= HEAD;
        let one = paddings()
            .enumerate()
            .find_map(|(at, padding)| Some((at, left(padding.bytes.len()).filter(fits)?)));
        match (one, left(all).filter(fits)) {
            (Some((at, left)), _) => self.pad(Some(at), left),
            (None, Some(left)) => self.pad(None, left),
            (None, None) => self.pad(None, room),
        }
    }

    /// Gives one padding object this size, or takes it out; all others stay. Without one, a single
    /// padding object is put in the place of all.
    fn pad(&mut self, which: Option<usize>, size: usize) -> Result<(), Error> {
        let mut new = Padding::filling(size).map(|padding| padding.encode()).transpose()?;
        let mut seen = 0_usize;
        self.retain_mut(|object| {
            if object.id != guid::PADDING {
                return true;
            }
            let at = seen;
            seen = seen.saturating_add(1);
            if which.is_some_and(|which| which != at) {
                return true;
            }
            let Some(new) = new.take() else { return false };
            *object = new;
            true
        });
        if let Some(new) = new {
            self.push(new);
        }
        Ok(())
    }

    pub(super) fn put(&self, out: &mut BytesMut) {
        for slot in &self.slots {
            match slot {
                Slot::Object(object) => out.put_slice(&object.bytes),
                Slot::Extension(extension) => extension.put(out),
            }
        }
        out.put_slice(&self.rest);
    }
}

impl Slot {
    fn of(object: &Object) -> Self {
        let extension = (object.id == guid::HEADER_EXTENSION).then(|| Extension::of(object));
        extension.flatten().map_or_else(|| Self::Object(object.clone()), Self::Extension)
    }

    fn len(&self) -> usize {
        match self {
            Self::Object(object) => object.bytes.len(),
            Self::Extension(extension) => EXTENSION_HEAD.saturating_add(extension.data_len()),
        }
    }
}

impl Extension {
    /// `None` for one that is too short: it is no more than bytes.
    fn of(object: &Object) -> Option<Self> {
        let bytes = &object.bytes;
        if bytes.len() < EXTENSION_HEAD {
            return None;
        }
        let start = object.offset.saturating_add(EXTENSION_HEAD);
        let children = Walk::new(u32::MAX).children(&bytes.slice(EXTENSION_HEAD..), start).ok()?;
        let end = children.last().map_or(start, Object::end).saturating_sub(object.offset);
        let rest = bytes.slice(end.min(bytes.len())..);
        Some(Self { head: bytes.slice(..EXTENSION_HEAD), children, rest })
    }

    /// Whether the size of its data is the one that it declares.
    fn says_its_size(&self) -> bool {
        let declared = self.head.get(42..).and_then(<[u8]>::first_chunk);
        declared.is_some_and(|size| u32::from_le_bytes(*size) as usize == self.data_len())
    }

    /// One with these children.
    fn with(children: Vec<Object>) -> Self {
        let mut head = BytesMut::new();
        head.put_slice(&guid::HEADER_EXTENSION.to_bytes_le());
        head.put_u64_le(0);
        head.put_slice(&guid::HEADER_EXTENSION_RESERVED.to_bytes_le());
        head.put_u16_le(6);
        head.put_u32_le(0);
        Self { head: head.freeze(), children, rest: Bytes::new() }
    }

    fn data_len(&self) -> usize {
        self.children
            .iter()
            .fold(self.rest.len(), |sum, child| sum.saturating_add(child.bytes.len()))
    }

    fn put(&self, out: &mut BytesMut) {
        let len = self.data_len();
        out.put_slice(self.head.get(..16).unwrap_or_default());
        out.put_u64_le((EXTENSION_HEAD as u64).saturating_add(len as u64));
        out.put_slice(self.head.get(HEAD..42).unwrap_or_default());
        out.put_u32_le(u32::try_from(len).unwrap_or(u32::MAX));
        for child in &self.children {
            out.put_slice(&child.bytes);
        }
        out.put_slice(&self.rest);
    }
}
