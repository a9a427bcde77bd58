//! Packets that are good without a neighbour at the exact distance: whole, and of the streams and
//! the time of the packets before them.

use std::ops::Range;

use super::known::read_packet;
use super::{Next, StreamParser};
use crate::object::HEAD;
use crate::packet::explicit_length;
use crate::{Payload, StreamSet};

/// Error correction data, length type flags, property flags and the packet length field.
const MAX_HEAD_BYTES: usize = 1 + 15 + 2 + 4;

/// Distances in send time, in milliseconds, at which a packet still continues the one before it:
/// ahead, as damage may be long, and back.
const NEAR: (u32, u32) = (600_000, 60_000);

/// What is at a place. Times are send times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    /// A whole packet that continues its streams.
    Continues(u32),
    /// A packet as whole, of another time.
    OtherTime(u32),
    /// Neither.
    No,
}

/// What was found out at a boundary, kept so that it is found out and paid for once, however few
/// bytes come at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<T> {
    offset: u64,
    value: T,
}

impl StreamParser {
    /// The stored length of the packet that starts here, when that is less than the packet size:
    /// captures of what servers send hold packets without their padding, whose packet length field
    /// has the length that was sent.
    pub(super) fn stored_len(&mut self) -> Result<Option<usize>, Next> {
        let offset = self.buffer.offset();
        if let Some(known) = self.data.stored.filter(|known| known.offset == offset) {
            return Ok(known.value);
        }
        let (value, cost) = self.find_stored_len()?;
        self.looked_in_vain(cost);
        self.data.stored = Some(Known { offset, value });
        Ok(value)
    }

    /// The stored length, and the number of bytes that were looked at in vain.
    fn find_stored_len(&self) -> Result<(Option<usize>, usize), Next> {
        let size = self.data.packet_size;
        let Some(len) = self.declared_len(0)? else { return Ok((None, 0)) };
        let Alone::Continues(time) = self.alone(0)? else { return Ok((None, 0)) };
        let head = self.view(len, HEAD)?;
        let ends = head.is_empty() || self.known(len, head).is_some();
        if !ends {
            match self.alone(len)? {
                // What is left of older packets in the padding is earlier.
                Alone::Continues(next) if !is_before(next, time) => return Ok((Some(len), 0)),
                Alone::Continues(_) => {}
                _ if self.is_padded()? => return Ok((None, 0)),
                _ => {
                    let (found, cost) = self.packet_within(len.saturating_add(1)..size)?;
                    return Ok((found.then_some(len), cost));
                }
            }
        }
        Ok(((!self.is_padded()?).then_some(len), size))
    }

    /// Whether a packet starts in the first `end` bytes, but not with the first one.
    pub(super) fn packet_before(&mut self, end: usize) -> Result<bool, Next> {
        let offset = self.buffer.offset();
        if let Some(known) = self.data.within.filter(|known| known.offset == offset) {
            return Ok(known.value);
        }
        let (value, cost) = self.packet_within(1..end)?;
        self.looked_in_vain(cost);
        self.data.within = Some(Known { offset, value });
        Ok(value)
    }

    /// Whether a packet starts in these places, and the number of bytes that were looked at in vain.
    fn packet_within(&self, places: Range<usize>) -> Result<(bool, usize), Next> {
        let mut cost = 0_usize;
        for at in places {
            if !self.data.opening.fits(self.view(at, HEAD)?) {
                continue;
            }
            let len = self.declared_len(at)?.unwrap_or(self.data.packet_size);
            if !self.may_look(at, cost.saturating_add(len)) {
                break;
            }
            if matches!(self.alone(at)?, Alone::Continues(_)) {
                return Ok((true, cost));
            }
            cost = cost.saturating_add(len);
        }
        Ok((false, cost))
    }

    /// Whether a packet is at `at` that needs no neighbour.
    pub(super) fn alone(&self, at: usize) -> Result<Alone, Next> {
        let size = self.data.packet_size;
        if !self.data.opening.fits(self.view(at, HEAD)?) {
            return Ok(Alone::No);
        }
        let len = self.declared_len(at)?.unwrap_or(size);
        let bytes = self.view(at, len)?;
        if bytes.len() < len || !self.may_look(at, len) {
            return Ok(Alone::No);
        }
        let Some(time) = whole(bytes, size, self.data.streams) else { return Ok(Alone::No) };
        Ok(match self.data.sent {
            Some(last) if is_near(last, time) => Alone::Continues(time),
            Some(_) => Alone::OtherTime(time),
            // Two bytes of flags are too little when no packet was read.
            None if bytes.first().is_some_and(|first| first & 0x80 != 0) => Alone::Continues(time),
            None => Alone::No,
        })
    }

    /// Whether the packet here has all its bytes, and the next one follows them.
    fn is_padded(&self) -> Result<bool, Next> {
        let size = self.data.packet_size;
        Ok(self.view(0, size)?.len() == size && self.holds(size, self.data.opening)?)
    }

    /// The packet length at `at`, when it is less than the packet size.
    fn declared_len(&self, at: usize) -> Result<Option<usize>, Next> {
        let size = self.data.packet_size;
        let length = explicit_length(self.view(at, MAX_HEAD_BYTES.min(size))?);
        let length = length.and_then(|length| usize::try_from(length).ok());
        Ok(length.filter(|length| (1..size).contains(length)))
    }
}

/// The send time of a packet whose payloads are whole, of declared streams, and parts of media
/// objects that have room for them.
pub(super) fn whole(bytes: &[u8], packet_size: usize, streams: StreamSet) -> Option<u32> {
    let mut good = true;
    let packet = read_packet(bytes, packet_size, |payload| {
        good &= streams.contains(payload.stream) && is_plausible(&payload);
    });
    packet.ok().filter(|_| good).map(|packet| packet.send_time())
}

pub(crate) fn is_plausible(payload: &Payload<'_>) -> bool {
    if payload.compressed.is_some() {
        let mut pieces = payload.pieces().peekable();
        return pieces.peek().is_some() && pieces.all(|piece| piece.is_ok());
    }
    let end = u64::from(payload.offset).saturating_add(payload.data.len() as u64);
    !payload.data.is_empty() && payload.object_size.is_some_and(|size| end <= u64::from(size))
}

pub(crate) fn is_near(last: u32, time: u32) -> bool {
    let (ahead, back) = NEAR;
    time.wrapping_sub(last) <= ahead || last.wrapping_sub(time) <= back
}

/// Whether `time` is earlier than `other`, on a clock that wraps.
fn is_before(time: u32, other: u32) -> bool {
    (1..1 << 31).contains(&other.wrapping_sub(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, TestPacket, TestPayload};

    const SIZE: usize = 100;

    #[test]
    fn times_are_near_across_the_wrap() {
        assert!(is_near(u32::MAX, 5) && is_near(5, u32::MAX));
        assert!(is_near(0, NEAR.0) && !is_near(0, NEAR.0 + 1));
        assert!(is_near(NEAR.1, 0) && !is_near(NEAR.1 + 1, 0));
    }

    #[test]
    fn whole_packets() {
        let streams = StreamSet::of(1);
        assert_eq!(whole(&testing::packet(7, 100, b"data"), SIZE, streams), Some(7_000));
        let cases = [
            (TestPayload::whole(2, 0, 0, b"not declared"), None),
            (TestPayload::whole(1, 0, 0, b""), None),
            (TestPayload::part(1, 0, 0, 9, 5, b"too much"), None),
            (TestPayload::part(1, 0, 0, 9, 5, b"part"), Some(0)),
            (TestPayload::compressed(1, 0, 0, 10, &[b"a", b"b"]), Some(0)),
            (TestPayload::compressed(1, 0, 0, 10, &[b"", b""]), None),
        ];
        for (payload, wanted) in cases {
            let packet = TestPacket::single(payload.clone()).build(100);
            assert_eq!(whole(&packet, SIZE, streams), wanted, "{payload:?}");
        }
    }
}
