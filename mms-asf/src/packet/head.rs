//! The head of a packet: error correction data and payload parsing information.

use super::WHAT;
use crate::Error;
use crate::cursor::Cursor;

/// A field that may be absent (section 5.2.2 of the ASF specification).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Where it lies in the packet, or would lie, in bytes.
    pub offset: usize,
    /// Its width: 0 (absent), 1, 2 or 4 bytes.
    pub width: usize,
    /// Its value, 0 when absent.
    pub value: u32,
}

/// Everything in front of the payloads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// Where the length type flags lie; error correction data fills the bytes in front of them.
    pub(crate) flags_at: usize,
    pub(crate) flags: u8,
    pub(crate) properties: u8,
    pub(crate) length: Field,
    pub(crate) sequence: Field,
    pub(crate) padding: Field,
    pub(crate) send_time_at: usize,
    pub(crate) send_time: u32,
    pub(crate) duration: u16,
    /// Where the payloads start, or their count.
    pub(crate) end: usize,
}

impl Head {
    /// Always inlined, as [`Packet::parse_inlined`](super::Packet::parse_inlined) is.
    #[inline(always)]
    pub(super) fn parse(packet: &[u8], packet_size: u32) -> Result<Self, Error> {
        let mut cursor = Cursor::new(packet, 0, WHAT);
        let first = cursor.clone().u8("a first byte")?;
        if first & 0x80 != 0 {
            if first & 0x10 != 0 {
                return Err(Error::Unsupported { what: "opaque data packet", offset: 0 });
            }
            // Other length types than 0 are reserved; programs honour the length all the same.
            cursor.take(1, "error correction flags")?;
            cursor.take(usize::from(first & 0x0F), "error correction data")?;
        }
        let flags_at = cursor.offset();
        let flags = cursor.u8("length type flags")?;
        let properties = cursor.u8("property flags")?;
        let mut field = |shift: u8, what: &'static str| {
            let (offset, code) = (cursor.offset(), (flags >> shift) & 3);
            let value = cursor.coded(code, what)?;
            Ok(Field { offset, width: width(code), value })
        };
        let length = field(5, "a packet length")?;
        let sequence = field(1, "a sequence")?;
        let padding = field(3, "a padding length")?;
        let send_time_at = cursor.offset();
        let send_time = cursor.u32("a send time")?;
        let duration = cursor.u16("a duration")?;
        let end = cursor.offset();

        let malformed = |offset: usize, expected| Error::Malformed {
            what: WHAT,
            offset: offset as u64,
            expected,
        };
        if length.value > packet_size {
            return Err(malformed(length.offset, "a packet length up to the packet size"));
        }
        let room = (packet_size as usize).saturating_sub(end);
        if padding.value as usize >= room {
            return Err(malformed(padding.offset, "padding that leaves room for a payload"));
        }
        Ok(Self {
            flags_at,
            flags,
            properties,
            length,
            sequence,
            padding,
            send_time_at,
            send_time,
            duration,
            end,
        })
    }

    pub(crate) fn is_multiple(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// The send time of a packet, in milliseconds.
pub(crate) fn send_time(packet: &[u8], packet_size: u32) -> Option<u32> {
    Head::parse(packet, packet_size).ok().map(|head| head.send_time)
}

/// The packet length field of the packet that starts with `bytes`; `None` without a field, and when
/// it holds 0.
#[inline]
pub(crate) fn explicit_length(bytes: &[u8]) -> Option<u32> {
    let first = *bytes.first()?;
    let flags_at = match first & 0x80 {
        0 => 0,
        _ => usize::from(first & 0x0F).saturating_add(1),
    };
    let code = bytes.get(flags_at)? >> 5 & 3;
    if code == 0 {
        return None;
    }
    let rest = bytes.get(flags_at.saturating_add(2)..)?;
    let length = Cursor::new(rest, 0, WHAT).coded(code, "a packet length").ok()?;
    Some(length).filter(|&length| length != 0)
}

/// The bytes a two-bit length type stands for.
pub(crate) fn width(code: u8) -> usize {
    match code & 3 {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 4,
    }
}

/// The two-bit length type of a field of this width.
pub(crate) fn code(width: usize) -> u8 {
    match width {
        0 => 0,
        1 => 1,
        2 => 2,
        _ => 3,
    }
}
