//! The other direction of restoring: what a server leaves out of a packet.

use bytes::{BufMut, Bytes, BytesMut};

use super::{comes_back, flags_with_length, flags_with_padding};
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
    match how {
        Removal::FieldKept => out.extend_from_slice(part(head.flags_at, head.send_time_at)),
        Removal::FieldCleared => {
            out.extend_from_slice(part(head.flags_at, head.padding.offset));
            out.put_bytes(0, head.padding.width);
        }
        Removal::FieldRemoved => {
            out.put_u8(flags_with_padding(head.flags, 0));
            out.put_u8(head.properties);
            out.extend_from_slice(part(head.sequence.offset, head.padding.offset));
        }
        Removal::ExplicitLength => {
            put_length(&parsed, end, out);
        }
    }
    out.extend_from_slice(part(head.send_time_at, end));
    if out.len().saturating_sub(start) >= packet.len() {
        out.truncate(start);
        out.extend_from_slice(packet);
    }
    Ok(())
}

/// The packet without its padding and with its length in the head, as
/// [`Removal::ExplicitLength`] tells; `None` when it would not get shorter, and when a
/// [`Restorer`](super::Restorer) would not make the same bytes of it again: then its padding is not
/// zeros, or its padding field is not the one that a [`Restorer`](super::Restorer) writes.
///
/// ```
/// use mms_asf::{Packet, Restorer, remove_restorable_padding};
/// # use mms_asf::testing::{TestPacket, TestPayload};
/// # let media = vec![TestPayload::whole(1, 0, 3_000, b"data")];
/// # let packet = TestPacket { padding_width: 1, ..TestPacket::multiple(media) }.build(256);
///
/// let sent = remove_restorable_padding(&Packet::parse(&packet, 256)?).expect("padding");
/// assert!(sent.len() < packet.len());
/// assert_eq!(Restorer::new(256)?.restored(&sent), Some(packet));
/// # Ok::<(), mms_asf::Error>(())
/// ```
pub fn remove_restorable_padding(packet: &Packet<'_>) -> Option<Bytes> {
    let bytes = packet.as_bytes();
    let end = packet.payload_end().filter(|&end| comes_back(packet, end))?;
    let head = packet.head();
    // The length takes the place of the padding field.
    let len = end.saturating_sub(head.padding.width).saturating_add(length_width(bytes.len()));
    if len >= bytes.len() {
        return None;
    }
    let mut short = BytesMut::with_capacity(len);
    short.extend_from_slice(bytes.get(..head.flags_at)?);
    put_length(packet, end, &mut short);
    short.extend_from_slice(bytes.get(head.send_time_at..end)?);
    Some(short.freeze())
}

/// Appends the head of a packet that is cut at `end`, from its flags to its send time, with a packet
/// length and without a padding field.
fn put_length(packet: &Packet<'_>, end: usize, out: &mut BytesMut) {
    let (bytes, head) = (packet.as_bytes(), packet.head());
    let width = length_width(bytes.len());
    let others = head.flags_at.saturating_add(2).saturating_add(head.sequence.width);
    let len = others.saturating_add(width).saturating_add(end.saturating_sub(head.send_time_at));
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    out.put_u8(flags_with_length(head.flags, width));
    out.put_u8(head.properties);
    out.extend_from_slice(len.get(..width).unwrap_or_default());
    let sequence = bytes.get(head.sequence.offset..head.padding.offset);
    out.extend_from_slice(sequence.unwrap_or_default());
}

/// The width of the packet length of packets of this size.
fn length_width(size: usize) -> usize {
    if size <= usize::from(u16::MAX) { 2 } else { 4 }
}

#[cfg(test)]
mod tests {
    use super::super::Restorer;
    use super::*;
    use crate::testing::{TestPacket, TestPayload};

    fn removed(packet: &Bytes) -> Option<Bytes> {
        let size = u32::try_from(packet.len()).unwrap();
        remove_restorable_padding(&Packet::parse(packet, size).unwrap())
    }

    #[test]
    fn only_what_comes_back_is_left_out() {
        let media = vec![TestPayload::whole(1, 0, 3_000, b"media")];
        // Of the field's widths a receiver takes the narrowest, as Windows encoders do.
        let packet = TestPacket { padding_width: 1, ..TestPacket::multiple(media) };
        let plain = packet.build(200);
        let short = removed(&plain).unwrap();
        assert!(short.len() < 100, "{}", short.len());
        assert_eq!(Restorer::new(200).unwrap().restored(&short), Some(plain.clone()));
        let wide = TestPacket { padding_width: 4, ..packet }.build(200);
        assert_eq!(removed(&wide), None);
        // What lies in padding is lost without it, wherever it lies.
        for at in short.len() + 1..200 {
            let mut odd = plain.to_vec();
            odd[at] = 7;
            assert_eq!(removed(&odd.into()), None, "{at}");
        }
    }

    #[test]
    fn a_short_packet_has_no_padding_to_take_out() {
        let media = vec![TestPayload::whole(1, 0, 3_000, b"media")];
        let whole = TestPacket { padding_width: 1, ..TestPacket::multiple(media) }.build(200);
        let short = removed(&whole).unwrap();
        assert_eq!(remove_restorable_padding(&Packet::parse(&short, 200).unwrap()), None);
    }
}
