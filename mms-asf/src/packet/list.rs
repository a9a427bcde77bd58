//! Compressed payloads that were cut: the media objects of the list that are whole.

use super::payload::{Bare, sub_payload};
use super::{Form, Packet, WHAT, width};
use crate::cursor::Cursor;

/// The part of a compressed payload that is whole. Offsets are in bytes and count from the start of
/// the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WholeList {
    /// Offset and width of the field that holds the length of the payload; `None` in a packet with a
    /// single payload, which has no such field.
    pub(crate) length: Option<(usize, usize)>,
    /// Where its data starts.
    pub(crate) start: usize,
    /// Where its last whole media object ends.
    pub(crate) end: usize,
}

impl Packet<'_> {
    /// The whole media objects of the compressed payload that starts at `at`. `None` when there is
    /// none, or another payload.
    pub(crate) fn whole_list(&self, at: usize) -> Option<WholeList> {
        let (mut cursor, bare) = Bare::parse(self.bytes, at, self.head.properties).ok()?;
        if !bare.is_compressed() {
            return None;
        }
        let mut length = None;
        let mut most = (self.packet_size as usize).saturating_sub(self.head.padding.value as usize);
        if let Form::Multiple { length_code, .. } = self.form {
            length = Some((cursor.offset(), width(length_code)));
            let declared = cursor.coded(length_code, "the length of a payload").ok()?;
            most = cursor.offset().saturating_add(declared as usize);
        }
        let start = cursor.offset();
        let most = most.min(self.bytes.len());
        let mut list = Cursor::new(self.bytes.get(start..most)?, start, WHAT);
        let (mut end, mut any) = (start, false);
        while let Ok(object) = sub_payload(&mut list) {
            (end, any) = (list.offset(), any || !object.is_empty());
        }
        any.then_some(WholeList { length, start, end })
    }
}
