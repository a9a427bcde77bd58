//! Packets that lost their padding on the way, made whole again.

use bytes::{BufMut, Bytes, BytesMut};

use super::{field, flags_with_padding};
use crate::packet::{Head, explicit_length};
use crate::{Error, Packet};

/// Makes a fixed-size packet again of one whose padding was removed on the way. The result depends
/// on the packet's bytes alone, so the same packet always becomes the same bytes.
///
/// ```
/// use bytes::BytesMut;
/// use mms_asf::{Removal, Restored, Restorer, remove_padding};
/// # let packet = mms_asf::testing::packet(3, 256, b"data");
///
/// let mut sent = BytesMut::new();
/// remove_padding(&packet, Removal::ExplicitLength, &mut sent)?;
/// assert!(sent.len() < packet.len());
///
/// let mut received = BytesMut::new();
/// let restored = Restorer::new(256)?.restore(&sent, &mut received)?;
/// assert_eq!(restored, Restored::LengthReplaced);
/// assert_eq!(received.len(), 256);
/// # Ok::<(), mms_asf::Error>(())
/// ```
///
/// Files hold packets of the form that Windows encoders write: no packet length field, and a
/// padding field whose value accounts for all bytes behind the last payload. A packet that arrives
/// whole is left alone, unless its payloads end after its packet length less its padding: programs
/// that count no padding in the packet length (`GStreamer`) make packets that other programs refuse.
#[derive(Debug, Clone)]
pub struct Restorer {
    packet_size: u32,
}

/// What [`Restorer::restore`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Restored {
    /// The packet had all its bytes.
    Whole,
    /// Zeros were appended; the head already said so.
    PaddingAppended,
    /// The padding field got another value.
    FieldPatched,
    /// The padding field was too narrow for its value and was widened.
    FieldWidened,
    /// A padding field was inserted.
    FieldInserted,
    /// The packet length field was removed and a padding field says what it said.
    LengthReplaced,
    /// The packet could not be read; zeros were appended so that nothing that was received is
    /// lost.
    Unparsed,
}

impl Restorer {
    /// For packets of `packet_size` bytes, which is at least 1. Fails with 0.
    pub fn new(packet_size: u32) -> Result<Self, Error> {
        if packet_size == 0 {
            return Err(Error::Malformed {
                what: "packet size",
                offset: 0,
                expected: "at least 1",
            });
        }
        Ok(Self { packet_size })
    }

    /// The size of every restored packet, in bytes.
    pub fn packet_size(&self) -> u32 {
        self.packet_size
    }

    /// Appends the packet to `out`, as exactly [`packet_size`](Self::packet_size) bytes.
    ///
    /// Fails, with nothing appended, when it is longer than that.
    pub fn restore(&self, packet: &[u8], out: &mut BytesMut) -> Result<Restored, Error> {
        // A packet of full size without a packet length needs no look at its payloads.
        let whole = packet.len() == self.packet_size as usize && explicit_length(packet).is_none();
        let parsed = if whole { None } else { Packet::parse(packet, self.packet_size).ok() };
        self.restore_read(packet, parsed.as_ref(), out).map(|(restored, _)| restored)
    }

    /// [`restore`](Self::restore) for a packet that was read, as far as it can be. Also returns
    /// where the send time is in the restored packet, when everything from there on is as it was
    /// read.
    pub(crate) fn restore_read(
        &self,
        bytes: &[u8],
        packet: Option<&Packet<'_>>,
        out: &mut BytesMut,
    ) -> Result<(Restored, Option<usize>), Error> {
        let size = self.packet_size as usize;
        if bytes.len() == size && !packet.is_some_and(length_contradicts) {
            out.extend_from_slice(bytes);
            return Ok((Restored::Whole, packet.map(Packet::send_time_offset)));
        }
        let (value, limit) = (bytes.len() as u64, u64::from(self.packet_size));
        if value > limit {
            return Err(Error::Limit { what: "data packet length", value, limit });
        }
        let end = out.len().saturating_add(size);
        out.reserve(size);
        let done = match packet.and_then(|packet| packet.payload_end().map(|end| (packet, end))) {
            Some((packet, payload_end)) => self.rewrite(packet, payload_end, out),
            None => {
                out.extend_from_slice(bytes);
                (Restored::Unparsed, None)
            }
        };
        // Both directions: a head that grew may push old padding beyond the end.
        out.resize(end, 0);
        Ok(done)
    }

    /// The packet with its padding; `None` for one that has all its bytes, or more.
    pub fn restored(&self, packet: &[u8]) -> Option<Bytes> {
        let size = self.packet_size as usize;
        if packet.len() >= size {
            return None;
        }
        let mut whole = BytesMut::with_capacity(size);
        self.restore(packet, &mut whole).ok()?;
        Some(whole.freeze())
    }

    /// Appends the packet, whose payloads end at `end`, as [`restore`](Self::restore) does. A single
    /// payload may have been made shorter than its packet tells.
    pub(crate) fn restore_up_to(
        &self,
        packet: &[u8],
        end: usize,
        out: &mut BytesMut,
    ) -> Result<(), Error> {
        let parsed = Packet::parse(packet, self.packet_size)?;
        let full = out.len().saturating_add(self.packet_size as usize);
        self.rewrite(&parsed, end, out);
        out.resize(full, 0);
        Ok(())
    }

    /// Returns whether the packet length and the padding of a packet of full size leave too little
    /// room for its payloads.
    pub(crate) fn contradicts(&self, packet: &[u8]) -> bool {
        if explicit_length(packet).is_none() {
            return false;
        }
        Packet::parse(packet, self.packet_size).is_ok_and(|packet| length_contradicts(&packet))
    }

    /// Appends the packet, whose payloads end at `end`, with a head that fits the file, without the
    /// padding that is missing. Also returns where its send time is, when the payloads of the
    /// restored packet end where these do.
    fn rewrite(
        &self,
        packet: &Packet<'_>,
        end: usize,
        out: &mut BytesMut,
    ) -> (Restored, Option<usize>) {
        let (bytes, head) = (packet.as_bytes(), packet.head());
        let size = self.packet_size as usize;
        if head.length.width == 0 && head.padding.width != 0 {
            let in_file = size.saturating_sub(head.padding.value as usize);
            // Payloads of the multiple form may end before the padding starts.
            let fits = if packet.is_multiple() {
                (end..=bytes.len()).contains(&in_file)
            } else {
                in_file == end
            };
            if fits {
                out.extend_from_slice(bytes);
                return (Restored::PaddingAppended, Some(head.send_time_at));
            }
        }
        let narrowest = if head.length.width == 0 { head.padding.width } else { 0 };
        let removed = head.length.width.saturating_add(head.padding.width);
        let written = end.checked_sub(removed).and_then(|used| field(used, size, narrowest));
        if let Some((width, padding)) = written {
            write(bytes, head, width, padding, out);
            let restored = match (head.length.width, head.padding.width) {
                (0, 0) => Restored::FieldInserted,
                (0, old) if old == width => Restored::FieldPatched,
                (0, _) => Restored::FieldWidened,
                _ => Restored::LengthReplaced,
            };
            let send_time_at = head.send_time_at.saturating_sub(removed).saturating_add(width);
            return (restored, Some(send_time_at));
        }
        out.extend_from_slice(bytes);
        (Restored::PaddingAppended, None)
    }
}

/// Returns whether the packet length and the padding of a packet of full size leave too little
/// room for its payloads.
fn length_contradicts(packet: &Packet<'_>) -> bool {
    let (length, padding) = (packet.length_field().value, packet.padding_field().value);
    let area = length.checked_sub(padding);
    length != 0
        && packet
            .payload_end()
            .is_some_and(|end| area.is_none_or(|area| end as u64 > u64::from(area)))
}

/// Appends the packet with such a head. Everything else is kept.
fn write(bytes: &[u8], head: &Head, width: usize, padding: u32, out: &mut BytesMut) {
    let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
    out.extend_from_slice(part(0, head.flags_at));
    out.put_u8(flags_with_padding(head.flags, width));
    out.put_u8(head.properties);
    out.extend_from_slice(part(head.sequence.offset, head.padding.offset));
    out.extend_from_slice(padding.to_le_bytes().get(..width).unwrap_or_default());
    out.extend_from_slice(part(head.send_time_at, bytes.len()));
}
