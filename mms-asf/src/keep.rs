//! Packets that lose some of their payloads and stay as they are otherwise.

use bytes::{BufMut, BytesMut};

use crate::packet::padding;
use crate::{Error, Packet, Payload};

/// How much of a packet was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// All payloads.
    All,
    /// Some payloads.
    Part,
    /// No payload. A packet without payloads is not legal.
    None,
}

/// Appends the packet to `out` with those payloads only that `keep` says yes to; it is asked about
/// each of them in order. The media objects of a compressed payload stay together.
///
/// Payloads are not changed, and do not move to other packets: the packet size, and with it every
/// offset and index of a file, stays. What becomes free is zero padding, and the padding field is
/// widened or inserted to account for it; a packet length field is taken out. A packet of which
/// everything is kept is appended byte for byte, and one of which nothing is kept is not appended.
///
/// Fails, with nothing appended, when a payload cannot be read, and when the packet is shorter
/// than the packet size: [`Restorer`](crate::Restorer) puts its padding back.
///
/// ```
/// use bytes::BytesMut;
/// use mms_asf::{Kept, Packet, keep_payloads};
/// # use mms_asf::testing::{TestPacket, TestPayload};
/// # let audio = TestPayload::whole(1, 0, 3_000, b"audio");
/// # let video = TestPayload::whole(2, 0, 3_000, b"video");
/// # let packet = TestPacket::multiple(vec![audio, video]).build(100);
///
/// let mut audio_only = BytesMut::new();
/// let kept = keep_payloads(&Packet::parse(&packet, 100)?, |p| p.stream == 1, &mut audio_only)?;
/// assert_eq!(kept, Kept::Part);
/// assert_eq!(audio_only.len(), packet.len());
/// assert_eq!(Packet::parse(&audio_only, 100)?.payloads().count(), 1);
/// # Ok::<(), mms_asf::Error>(())
/// ```
pub fn keep_payloads(
    packet: &Packet<'_>,
    keep: impl FnMut(&Payload<'_>) -> bool,
    out: &mut BytesMut,
) -> Result<Kept, Error> {
    let choice = Choice::new(packet, keep)?;
    match choice.kept() {
        Kept::All => out.extend_from_slice(packet.as_bytes()),
        Kept::Part => choice.write(packet, out)?,
        Kept::None => {}
    }
    Ok(choice.kept())
}

/// Which payloads of a packet are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// A bit for each payload, the first one lowest; there are at most 63.
    mask: u64,
    count: u32,
}

impl Choice {
    pub(crate) fn new(
        packet: &Packet<'_>,
        mut keep: impl FnMut(&Payload<'_>) -> bool,
    ) -> Result<Self, Error> {
        if packet.as_bytes().len() < packet.packet_size() as usize {
            return Err(malformed(packet, "a packet of the full size"));
        }
        // Before `keep` is asked about any, so that it may remember what it said.
        if packet.payload_end().is_none() {
            return Err(malformed(packet, "whole payloads"));
        }
        let mut choice = Self { mask: 0, count: 0 };
        for payload in packet.payloads() {
            let payload = payload?;
            choice.mask |= u64::from(keep(&payload)).checked_shl(choice.count).unwrap_or(0);
            choice.count = choice.count.saturating_add(1);
        }
        Ok(choice)
    }

    pub(crate) fn kept(&self) -> Kept {
        match self.mask.count_ones() {
            0 => Kept::None,
            ones if ones == self.count => Kept::All,
            _ => Kept::Part,
        }
    }

    /// Appends the packet, which has the multiple payloads form, with some payloads.
    pub(crate) fn write(&self, packet: &Packet<'_>, out: &mut BytesMut) -> Result<(), Error> {
        let (bytes, head) = (packet.as_bytes(), packet.head());
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        let fields = head.length.width.saturating_add(head.padding.width);
        let used = self
            .payloads(packet)
            .map(<[u8]>::len)
            .fold(packet.first_payload().saturating_sub(fields), usize::saturating_add);
        // Not narrower than the one that is there. The payloads that go leave room for it: each has
        // two bytes at least.
        let narrowest = if head.length.width == 0 { head.padding.width } else { 0 };
        let (width, padding) = padding::field(used, bytes.len(), narrowest)
            .ok_or_else(|| malformed(packet, "room for a padding field"))?;

        let end = out.len().saturating_add(bytes.len());
        out.reserve(bytes.len());
        out.extend_from_slice(part(0, head.flags_at));
        out.put_u8(padding::flags_with_padding(head.flags, width));
        out.put_u8(head.properties);
        out.extend_from_slice(part(head.sequence.offset, head.padding.offset));
        out.extend_from_slice(padding.to_le_bytes().get(..width).unwrap_or_default());
        out.extend_from_slice(part(head.send_time_at, head.end));
        let length_type = bytes.get(head.end).map_or(0, |count| count & 0xC0);
        out.put_u8(length_type | u8::try_from(self.mask.count_ones()).unwrap_or(0));
        for payload in self.payloads(packet) {
            out.extend_from_slice(payload);
        }
        out.resize(end, 0);
        Ok(())
    }

    /// The bytes of the payloads that are kept.
    fn payloads<'a>(&self, packet: &Packet<'a>) -> impl Iterator<Item = &'a [u8]> {
        let (bytes, mask) = (packet.as_bytes(), self.mask);
        let mut start = packet.first_payload();
        (0..).zip(packet.payloads().map_while(Result::ok)).filter_map(move |(number, payload)| {
            let from = std::mem::replace(&mut start, payload.end());
            let kept = mask.checked_shr(number).unwrap_or(0) & 1 != 0;
            kept.then(|| bytes.get(from..start).unwrap_or_default())
        })
    }
}

fn malformed(packet: &Packet<'_>, expected: &'static str) -> Error {
    let offset = packet.as_bytes().len() as u64;
    Error::Malformed { what: "data packet", offset, expected }
}
