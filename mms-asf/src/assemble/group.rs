//! The fragments of an open media object, and the memory they take.

use std::cmp::Ordering;

use bytes::Bytes;

use super::{Assembled, IncompleteCause, MediaObject};
use crate::{Limits, Payload};

/// Fragments of one media object that follow each other without a gap.
#[derive(Debug, Clone)]
pub(super) struct Group {
    number: u32,
    presentation_time: u32,
    key_frame: bool,
    packet: u64,
    extension_data: Vec<u8>,
    size: Option<u32>,
    /// Where `data` belongs in the media object.
    start: u32,
    data: Vec<u8>,
}

/// The bytes that open groups hold, and may hold.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    held: usize,
    object: usize,
    total: usize,
}

impl Group {
    /// A group that `payload` starts, without the bytes it brings.
    pub(super) fn start(payload: &Payload<'_>, key_frame: bool, packet: u64) -> Self {
        Self {
            number: payload.object_number,
            presentation_time: payload.presentation_time,
            key_frame,
            packet,
            extension_data: Vec::new(),
            size: declared_size(payload),
            start: payload.offset,
            data: Vec::new(),
        }
    }

    /// The new group with its first bytes; `None` when they are over a limit or will be.
    pub(super) fn filled(
        mut self,
        payload: &Payload<'_>,
        hint: usize,
        budget: &mut Budget,
    ) -> Option<Self> {
        // Copied: a slice would keep the packet, and what it is a slice of, for one small field.
        let extensions = payload.extensions;
        if self.size.is_some_and(|size| size as usize > budget.object)
            || !budget.reserve(&mut self.extension_data, extensions.len(), extensions.len())
        {
            return None;
        }
        self.extension_data.extend_from_slice(extensions);
        if self.append(payload.data, hint, budget) {
            return Some(self);
        }
        budget.release(&self);
        None
    }

    /// Adds a fragment. When it does not fit, says why the group ends without it.
    pub(super) fn push(
        &mut self,
        payload: &Payload<'_>,
        hint: usize,
        budget: &mut Budget,
    ) -> Result<(), IncompleteCause> {
        let size = declared_size(payload);
        let both = self.size.zip(size);
        // A number returns after 256 objects; its time does not.
        let other_time = both.is_some() && payload.presentation_time != self.presentation_time;
        if payload.compressed.is_some() || payload.object_number != self.number || other_time {
            return Err(IncompleteCause::NextBegan);
        }
        // Old encoders declare size 0 in all fragments but the first.
        if both.is_some_and(|(ours, theirs)| ours != theirs) {
            return Err(IncompleteCause::SizeChanged);
        }
        match u64::from(payload.offset).cmp(&self.end()) {
            Ordering::Equal => {}
            Ordering::Greater => return Err(IncompleteCause::Hole),
            // Where sizes are not given, every object starts like this.
            Ordering::Less if self.size.or(size).is_none() && payload.offset == 0 => {
                return Err(IncompleteCause::NextBegan);
            }
            Ordering::Less => return Err(IncompleteCause::Overlap),
        }
        let end = self.end().saturating_add(payload.data.len() as u64);
        let size = self.size.or(size);
        if size.is_some_and(|size| end > u64::from(size)) {
            return Err(IncompleteCause::TooLong);
        }
        if !self.append(payload.data, hint, budget) {
            return Err(IncompleteCause::Limit);
        }
        self.size = size;
        Ok(())
    }

    /// Whether the last byte of the media object is there.
    pub(super) fn is_complete(&self) -> bool {
        self.size.is_some_and(|size| u64::from(size) == self.end())
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// What the group has become. `cause` is why nothing more comes, for the case that something
    /// is missing.
    pub(super) fn close(self, stream: u8, cause: IncompleteCause) -> Assembled {
        let over = matches!(cause, IncompleteCause::NextBegan | IncompleteCause::End);
        // An object of unknown size ends where the next one starts.
        let whole = self.is_complete() || over && self.size.is_none();
        let (offset, declared) = (self.start, self.size);
        let object = MediaObject {
            stream,
            number: self.number,
            presentation_time: self.presentation_time,
            key_frame: self.key_frame,
            extension_data: Bytes::from(self.extension_data),
            data: Bytes::from(self.data),
            packet: self.packet,
        };
        match (whole, offset) {
            (true, 0) => Assembled::Object(object),
            (true, _) => {
                let cause = IncompleteCause::NoBeginning;
                Assembled::Incomplete { object, offset, declared, cause }
            }
            (false, _) => Assembled::Incomplete { object, offset, declared, cause },
        }
    }

    /// The position in the media object behind the last byte.
    fn end(&self) -> u64 {
        u64::from(self.start).saturating_add(self.data.len() as u64)
    }

    fn append(&mut self, data: &[u8], hint: usize, budget: &mut Budget) -> bool {
        let needed = self.data.len().saturating_add(data.len());
        if needed > budget.object {
            return false;
        }
        if needed > self.data.capacity() {
            // The declared size only ever makes it less: what is reserved depends on what arrived,
            // for this object or for others of its stream.
            let rest = self.size.and_then(|size| size.checked_sub(self.start));
            let most = rest.map_or(budget.object, |size| size as usize).min(budget.object);
            let doubled = self.data.capacity().saturating_mul(2);
            let wanted = doubled.max(hint).min(most);
            if !budget.reserve(&mut self.data, needed, wanted) {
                return false;
            }
        }
        self.data.extend_from_slice(data);
        true
    }
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let size = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self { held: 0, object: size(limits.object_bytes), total: size(limits.open_bytes) }
    }

    /// Gives back what a group that will not grow any more has reserved.
    pub(super) fn release(&mut self, group: &Group) {
        let bytes = group.data.capacity().saturating_add(group.extension_data.capacity());
        self.held = self.held.saturating_sub(bytes);
    }

    /// The bytes that are reserved now.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Makes room for `needed` bytes altogether, better for `wanted`. Tells whether there is room.
    fn reserve(&mut self, bytes: &mut Vec<u8>, needed: usize, wanted: usize) -> bool {
        let others = self.held.saturating_sub(bytes.capacity());
        let room = self.total.saturating_sub(others);
        if needed > room {
            return false;
        }
        let capacity = wanted.min(room).max(needed);
        bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
        self.held = others.saturating_add(bytes.capacity());
        true
    }
}

/// The size of the whole media object in bytes. 0 stands for an unknown one.
pub(super) fn declared_size(payload: &Payload<'_>) -> Option<u32> {
    payload.object_size.filter(|&size| size != 0)
}
