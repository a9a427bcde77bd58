//! The other direction of restoring: what a server leaves out of a packet.

use bytes::{BufMut, BytesMut};

use crate::packet::code;
use crate::{Error, Packet};

/// How the head of a packet tells that its padding is gone (section 5.2.2 of the ASF
/// specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removal {
    /// No padding field, and a packet length field with the length that is sent: what Windows
    /// Media servers do, and the one form that leaves nothing to guess.
    ExplicitLength,
    /// The padding field stays and holds 0. A receiver cannot tell where a single payload ends
    /// once it has appended zeros.
    FieldCleared,
    /// The head stays as it was in the file.
    FieldKept,
    /// The padding field is taken out.
    FieldRemoved,
}

/// Appends a packet of the file's size to `out` without its padding. A packet that would not get
/// shorter is appended as it is.
///
/// Fails, with nothing appended, when the packet cannot be read.
pub fn remove_padding(packet: &[u8], how: Removal, out: &mut BytesMut) -> Result<(), Error> {
    let size = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let parsed = Packet::parse(packet, size)?;
    let head = parsed.head();
    let Some(end) = parsed.payload_end() else {
        return Err(Error::Malformed {
            what: "data packet",
            offset: 0,
            expected: "whole payloads",
        });
    };
    // Bytes between the last payload and declared padding are no padding. What lies behind a packet
    // length is.
    let area = match head.length.value as usize {
        0 => packet.len(),
        length => length.min(packet.len()),
    };
    let padding = if head.padding.width == 0 || !parsed.is_multiple() {
        end
    } else {
        area.saturating_sub(head.padding.value as usize)
    };
    let end = end.max(padding);
    let part = |from: usize, to: usize| packet.get(from..to).unwrap_or_default();

    let start = out.len();
    out.extend_from_slice(part(0, head.flags_at));
    let rest_len = end.saturating_sub(head.send_time_at);
    match how {
        Removal::FieldKept => out.extend_from_slice(part(head.flags_at, head.send_time_at)),
        Removal::FieldCleared => {
            out.extend_from_slice(part(head.flags_at, head.padding.offset));
            out.put_bytes(0, head.padding.width);
        }
        Removal::FieldRemoved => {
            out.put_u8(head.flags & !0x78);
            out.put_u8(head.properties);
            out.extend_from_slice(part(head.sequence.offset, head.padding.offset));
        }
        Removal::ExplicitLength => {
            let width = if packet.len() <= usize::from(u16::MAX) { 2_usize } else { 4 };
            let others = head.flags_at.saturating_add(2).saturating_add(head.sequence.width);
            let len = others.saturating_add(width).saturating_add(rest_len);
            let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
            out.put_u8((head.flags & !0x78) | (code(width) << 5));
            out.put_u8(head.properties);
            out.extend_from_slice(len.get(..width).unwrap_or_default());
            out.extend_from_slice(part(head.sequence.offset, head.padding.offset));
        }
    }
    out.extend_from_slice(part(head.send_time_at, end));
    if out.len().saturating_sub(start) >= packet.len() {
        out.truncate(start);
        out.extend_from_slice(packet);
    }
    Ok(())
}
