//! One packet being filled: which form it gets, and what fits.

use bytes::{BufMut, Bytes, BytesMut};

use crate::packet::code;

/// A packet in front of its payloads, without a padding field.
const HEAD: usize = 11;
/// A payload in front of its extension data, in a packet with one payload.
const SINGLE: usize = 15;
/// A payload in front of its extension data and data, in a packet with several.
const MULTIPLE: usize = 17;
/// The field for the number of payloads has six bits.
const MOST: usize = 63;
/// Smaller parts of a media object are not worth their payload head.
pub(super) const SMALLEST_PART: usize = 32;

/// A media object of which parts are put into packets.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// The stream number, with the key frame flag in bit 7.
    pub(super) stream: u8,
    pub(super) number: u8,
    pub(super) size: u32,
    /// Presentation time, preroll included.
    pub(super) time: u32,
    pub(super) extension_data: Bytes,
}

/// A packet that is not full yet.
#[derive(Debug, Clone)]
pub(super) struct OpenPacket {
    size: usize,
    parts: Vec<Part>,
    /// The bytes that it takes in the form for several payloads, without a padding field.
    used: usize,
}

#[derive(Debug, Clone)]
struct Part {
    object: Object,
    offset: u32,
    data: Bytes,
}

impl OpenPacket {
    pub(super) fn new(size: usize) -> Self {
        Self { size, parts: Vec::new(), used: HEAD.saturating_add(1) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many bytes of a media object fit, of which so many are left. None when a new packet
    /// should be started.
    ///
    /// No part is smaller than [`SMALLEST_PART`], unless the media object is.
    pub(super) fn room(&self, extension: usize, left: usize) -> Option<usize> {
        let room = if self.is_empty() {
            room_alone(self.size, extension)
        } else if self.parts.len() >= MOST {
            0
        } else {
            self.size.saturating_sub(self.used).saturating_sub(overhead(extension))
        };
        if left <= room {
            return Some(left);
        }
        let part = room.min(left.saturating_sub(SMALLEST_PART));
        (part >= SMALLEST_PART).then_some(part)
    }

    pub(super) fn push(&mut self, object: Object, offset: u32, data: Bytes) {
        let taken = overhead(object.extension_data.len()).saturating_add(data.len());
        self.used = self.used.saturating_add(taken);
        self.parts.push(Part { object, offset, data });
    }

    /// The packet, and an empty one in its place.
    pub(super) fn close(&mut self, send_time: u32, duration: u16) -> Bytes {
        let full = std::mem::replace(self, Self::new(self.size));
        let single = full.parts.len() == 1;
        // The count and the payload's length are not needed for one payload.
        let used = if single { full.used.saturating_sub(3) } else { full.used };
        let left = full.size.saturating_sub(used);
        let width = match left {
            0 => 0,
            1..=256 => 1,
            _ => 2,
        };
        let mut out = BytesMut::with_capacity(full.size);
        out.put_slice(&[0x82, 0, 0]);
        out.put_u8(code(width) << 3 | u8::from(!single));
        out.put_u8(0x5D);
        let padding = left.saturating_sub(width).to_le_bytes();
        out.put_slice(padding.get(..width).unwrap_or_default());
        out.put_u32_le(send_time);
        out.put_u16_le(duration);
        if !single {
            let count = u8::try_from(full.parts.len()).unwrap_or(u8::MAX);
            // Payload lengths have 16 bits.
            out.put_u8(0x80 | count);
        }
        for part in &full.parts {
            part.put(single, &mut out);
        }
        out.resize(full.size, 0);
        out.freeze()
    }
}

impl Part {
    fn put(&self, single: bool, out: &mut BytesMut) {
        let extension = &self.object.extension_data;
        out.put_u8(self.object.stream);
        out.put_u8(self.object.number);
        out.put_u32_le(self.offset);
        out.put_u8(u8::try_from(extension.len().saturating_add(8)).unwrap_or(u8::MAX));
        out.put_u32_le(self.object.size);
        out.put_u32_le(self.object.time);
        out.put_slice(extension);
        if !single {
            out.put_u16_le(u16::try_from(self.data.len()).unwrap_or(u16::MAX));
        }
        out.put_slice(&self.data);
    }
}

/// What a payload takes besides its data, among others in a packet.
pub(super) fn overhead(extension: usize) -> usize {
    MULTIPLE.saturating_add(extension)
}

/// How much data of one media object a whole packet holds.
pub(super) fn room_alone(size: usize, extension: usize) -> usize {
    size.saturating_sub(HEAD).saturating_sub(SINGLE).saturating_sub(extension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;

    fn object(size: usize) -> Object {
        let size = u32::try_from(size).unwrap();
        Object { stream: 1, number: 0, size, time: 0, extension_data: Bytes::new() }
    }

    /// Form and padding of a packet with payloads of these sizes.
    fn padding(sizes: &[usize]) -> (bool, usize, u32) {
        let mut open = OpenPacket::new(700);
        for &size in sizes {
            assert_eq!(open.room(0, size), Some(size));
            open.push(object(size), 0, vec![7; size].into());
        }
        let bytes = open.close(0, 0);
        assert!(open.is_empty());
        let packet = Packet::parse(&bytes, 700).unwrap();
        assert_eq!(packet.payloads().count(), sizes.len());
        assert!(packet.payloads().zip(sizes).all(|(p, &size)| p.unwrap().data.len() == size));
        let field = packet.padding_field();
        assert_eq!(packet.payload_end(), Some(700 - field.value as usize));
        (packet.is_multiple(), field.width, field.value)
    }

    #[test]
    fn the_narrowest_padding_field() {
        assert_eq!(padding(&[674]), (false, 0, 0));
        assert_eq!(padding(&[673]), (false, 1, 0));
        assert_eq!(padding(&[674 - 256]), (false, 1, 255));
        assert_eq!(padding(&[674 - 257]), (false, 2, 255));
        assert_eq!(padding(&[1]), (false, 2, 671));
        assert_eq!(padding(&[600, 54]), (true, 0, 0));
        assert_eq!(padding(&[600, 53]), (true, 1, 0));
        assert_eq!(padding(&[1; 2]), (true, 2, 650));
    }

    #[test]
    fn parts_that_are_worth_it() {
        let mut open = OpenPacket::new(700);
        assert_eq!(open.room(0, 674), Some(674));
        assert_eq!(open.room(0, 675), Some(643), "32 bytes are left for the next packet");
        assert_eq!(open.room(10, 5_000), Some(664));
        open.push(object(600), 0, vec![7; 600].into());
        assert_eq!(open.room(0, 54), Some(54));
        assert_eq!(open.room(0, 86), Some(54));
        assert_eq!(open.room(0, 70), Some(38));
        assert_eq!(open.room(0, 63), None);
        assert_eq!(open.room(30, 5_000), None);
    }

    #[test]
    fn no_more_payloads_than_can_be_counted() {
        let mut open = OpenPacket::new(5_000);
        for _ in 0..63 {
            assert_eq!(open.room(0, 1), Some(1));
            open.push(object(1), 0, Bytes::from_static(&[7]));
        }
        assert_eq!(open.room(0, 1), None);
    }
}
