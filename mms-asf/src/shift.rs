//! All times of a packet moved in place.

mod timing;

use self::timing::Timings;
use crate::clock::{moved, near, shown_near};
use crate::packet::{Head, width};
use crate::{Error, Header, Packet, Payload};

/// How far times are moved, in milliseconds; a negative distance makes them earlier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift {
    /// For send times.
    pub send: i64,
    /// For presentation times, and for the times in payload extensions of recorded TV.
    pub presentation: i64,
}

impl Shift {
    /// The same distance for all times.
    pub fn all(milliseconds: i64) -> Self {
        Self { send: milliseconds, presentation: milliseconds }
    }

    /// A send time of 32 bits, moved.
    pub fn send_time(self, time: u32) -> u32 {
        moved(time, self.send)
    }

    /// The presentation time of a payload, moved. One without a time has the packet's send time.
    pub fn presentation_time(self, payload: &Payload<'_>) -> u32 {
        let given = payload.compressed.is_some() || payload.object_size.is_some();
        moved(payload.presentation_time, if given { self.presentation } else { self.send })
    }

    /// Both distances, one after the other.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            send: self.send.saturating_add(other.send),
            presentation: self.presentation.saturating_add(other.presentation),
        }
    }

    /// The shift that takes this one back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { send: self.send.wrapping_neg(), presentation: self.presentation.wrapping_neg() }
    }
}

/// What a shift led to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shifted {
    /// A time came out below zero and wrapped to a very late one.
    pub below_zero: bool,
    /// A time came out too late for its field and wrapped to an early one. Normal 49.7 days after
    /// time zero.
    pub beyond: bool,
    /// A payload could not be read: it and those behind it kept their presentation times.
    pub incomplete: bool,
}

/// Moves the times of packets: the send time, the presentation time of every payload and of every
/// fragment, the presentation time in the offset field of compressed payloads, and the timing
/// extension of recorded TV where the header declares it. Nothing else of a packet changes, and its
/// length stays.
///
/// Times have 32 bits on the wire and wrap after 49.7 days, so arithmetic is modular: a shift and
/// its reverse give the same bytes again, whatever wrapped between them. [`Shifted`] says whether
/// something did.
///
/// ```
/// use mms_asf::{Packet, Shift, TimeShifter};
/// # let header = mms_asf::testing::header(256, 9, &[mms_asf::testing::TestStream::Audio(1)]);
/// # let header = mms_asf::Header::parse(&header)?;
/// # let mut packet = mms_asf::testing::packet(8, 256, b"data").to_vec();
///
/// let mut shifter = TimeShifter::new(&header);
/// assert_eq!(Packet::parse(&packet, 256)?.send_time(), 8_000);
/// let shifted = shifter.shift(&mut packet, Shift::all(-5_000))?;
/// assert_eq!(Packet::parse(&packet, 256)?.send_time(), 3_000);
/// assert!(!shifted.below_zero);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TimeShifter {
    packet_size: u32,
    timings: Timings,
    edits: Vec<Edit>,
}

/// A field that gets another value.
#[derive(Debug, Clone, Copy)]
struct Edit {
    at: usize,
    width: usize,
    value: u64,
}

impl TimeShifter {
    /// For the packets of this header's file or stream.
    pub fn new(header: &Header) -> Self {
        Self {
            packet_size: header.file().packet_size,
            timings: Timings::new(header.streams()),
            edits: Vec::new(),
        }
    }

    /// Moves all times of one packet, whole or with its padding removed.
    ///
    /// Fails, with nothing changed, when the packet cannot be read, and when the presentation time
    /// of a compressed payload lies in an offset field of 16 bits or less and does not fit there
    /// after the shift: what such a field stands for beyond its range is unknown.
    ///
    /// In the timing extension 0 and all ones mean that there is no time, and stay; a time that
    /// comes out as one of the two reads as none from then on.
    pub fn shift(&mut self, packet: &mut [u8], by: Shift) -> Result<Shifted, Error> {
        self.shift_near(packet, by, None).map(|(shifted, _)| shifted)
    }

    /// [`shift`](Self::shift) on a timeline of 64 bits: the wire's times stand for those nearest
    /// to `reference`, and only what is out of range on that timeline counts as out of range. Also
    /// returns the send time as it was, on that timeline.
    pub(crate) fn shift_near(
        &mut self,
        packet: &mut [u8],
        by: Shift,
        reference: Option<i64>,
    ) -> Result<(Shifted, i64), Error> {
        let parsed = Packet::parse(packet, self.packet_size)?;
        let planned = self.plan(&parsed, by, reference)?;
        self.write(packet, 0);
        Ok(planned)
    }

    /// Computes what [`shift_near`](Self::shift_near) changes in a packet, for
    /// [`write`](Self::write). Fails where it does.
    pub(crate) fn plan(
        &mut self,
        parsed: &Packet<'_>,
        by: Shift,
        reference: Option<i64>,
    ) -> Result<(Shifted, i64), Error> {
        let head = *parsed.head();
        let sent = match reference {
            Some(reference) => near(reference, head.send_time),
            None => i64::from(head.send_time),
        };
        let mut shifted = Shifted::default();
        self.edits.clear();
        self.edits.push(Edit::wire(head.send_time_at, sent, by.send, &mut shifted));

        let mut start = parsed.first_payload();
        for payload in parsed.payloads() {
            let Ok(payload) = payload else {
                shifted.incomplete = true;
                break;
            };
            let fields = Fields::new(&head, start);
            start = payload.end();
            let time = match reference {
                Some(_) => shown_near(sent, payload.presentation_time),
                None => i64::from(payload.presentation_time),
            };
            if payload.compressed.is_some() && fields.offset_width == 4 {
                self.edits.push(Edit::wire(fields.offset, time, by.presentation, &mut shifted));
            } else if payload.compressed.is_some() {
                self.edits.push(Edit::narrow(&fields, &payload, by.presentation)?);
            } else if payload.object_size.is_some() {
                let at = fields.replicated.saturating_add(4);
                self.edits.push(Edit::wire(at, time, by.presentation, &mut shifted));
                let at = fields.replicated.saturating_add(8);
                let times = self.timings.of(&payload).map(|(offset, ticks)| {
                    Edit::ticks(at.saturating_add(offset), ticks, by.presentation, &mut shifted)
                });
                self.edits.extend(times);
            }
        }
        Ok((shifted, sent))
    }

    /// Writes the times that were [planned](Self::plan). `bytes` are those of the packet from the
    /// offset `from` on, at most the one of its send time.
    pub(crate) fn write(&self, bytes: &mut [u8], from: usize) {
        for edit in &self.edits {
            edit.apply(bytes, from);
        }
    }
}

/// Where the fields of a payload lie that a shift may change.
struct Fields {
    offset: usize,
    offset_width: usize,
    replicated: usize,
}

impl Fields {
    fn new(head: &Head, start: usize) -> Self {
        let offset = start.saturating_add(1).saturating_add(width(head.properties >> 4));
        let offset_width = width(head.properties >> 2);
        let replicated = offset.saturating_add(offset_width).saturating_add(width(head.properties));
        Self { offset, offset_width, replicated }
    }
}

impl Edit {
    /// A time of 32 bits.
    fn wire(at: usize, time: i64, by: i64, shifted: &mut Shifted) -> Self {
        let exact = i128::from(time).saturating_add(i128::from(by));
        shifted.below_zero |= exact < 0;
        shifted.beyond |= exact > i128::from(u32::MAX);
        let [a, b, c, d, ..] = exact.to_le_bytes();
        Self { at, width: 4, value: u64::from(u32::from_le_bytes([a, b, c, d])) }
    }

    /// A time in a field that is narrower.
    fn narrow(fields: &Fields, payload: &Payload<'_>, by: i64) -> Result<Self, Error> {
        let most = match fields.offset_width {
            0 => 0,
            1 => u64::from(u8::MAX),
            _ => u64::from(u16::MAX),
        };
        let value = i64::from(payload.presentation_time).checked_add(by);
        value
            .and_then(|value| u64::try_from(value).ok())
            .filter(|&value| value <= most)
            .map(|value| Self { at: fields.offset, width: fields.offset_width, value })
            .ok_or(Error::Unsupported {
                what: "shifted time in a narrow offset field",
                offset: fields.offset as u64,
            })
    }

    /// A time of 64 bits in units of 100 ns.
    fn ticks(at: usize, ticks: u64, by: i64, shifted: &mut Shifted) -> Self {
        let exact = i128::from(ticks).saturating_add(i128::from(by).saturating_mul(10_000));
        shifted.below_zero |= exact < 0;
        shifted.beyond |= exact > i128::from(u64::MAX);
        let value = ticks.wrapping_add_signed(by.wrapping_mul(10_000));
        Self { at, width: 8, value }
    }

    fn apply(&self, bytes: &mut [u8], from: usize) {
        let value = self.value.to_le_bytes();
        let at = self.at.saturating_sub(from);
        let field = bytes.get_mut(at..at.saturating_add(self.width));
        if let (Some(field), Some(value)) = (field, value.get(..self.width)) {
            field.copy_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_is_said() {
        let wire = |time, by| {
            let mut shifted = Shifted::default();
            let edit = Edit::wire(0, time, by, &mut shifted);
            (edit.value, shifted.below_zero, shifted.beyond)
        };
        assert_eq!(wire(100, -100), (0, false, false));
        assert_eq!(wire(100, -101), (0xFFFF_FFFF, true, false));
        assert_eq!(wire(0xFFFF_FFFF, 1), (0, false, true));
        assert_eq!(wire(0x1_0000_0005, -10), (0xFFFF_FFFB, false, false));
        assert_eq!(wire(0, i64::MIN), (0, true, false));

        let ticks = |ticks, by| {
            let mut shifted = Shifted::default();
            let edit = Edit::ticks(0, ticks, by, &mut shifted);
            (edit.value, shifted.below_zero, shifted.beyond)
        };
        assert_eq!(ticks(25_000, -2), (5_000, false, false));
        assert_eq!(ticks(5_000, -1), (u64::MAX - 4_999, true, false));
        assert_eq!(ticks(u64::MAX - 4_999, 1), (5_000, false, true));
    }
}
