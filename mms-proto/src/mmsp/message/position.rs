//! Where playing begins and ends, in the fields of the play commands: MS-MMSP 2.2.4.25.

use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use nom::Parser as _;

use super::wire::{Wire, f64_le, u32_le};
use super::{Deviation, put_seconds, seconds};
use crate::request::{Position, Start, Stop};

/// Says that a position field is not used.
const UNUSED: u32 = u32::MAX;

/// The largest `asfOffset`, in bytes.
pub(crate) const MAX_BYTE_OFFSET: u32 = UNUSED - 1;

/// Reads the three position fields, of which one counts. Time goes before packet before byte
/// offset, as every server does it: players send a time of 0.0 beside a packet number, where the
/// specification wants the largest double (T7).
pub(super) fn parse_start<'a>(body: &'a [u8], deviations: &mut Vec<Deviation>) -> Wire<'a, Start> {
    let (rest, (position, asf_offset, location_id)) =
        (f64_le("position"), u32_le("asfOffset"), u32_le("locationId")).parse(body)?;
    let used = |value: u32| Position::new(value).filter(|position| position.get() != 0);
    let offset = |position: Position| Start::ByteOffset(position.get().into());
    if position != f64::MAX {
        match seconds(position) {
            Some(time) if !time.is_zero() => return Ok((rest, Start::Time(time))),
            Some(_) => {}
            None => deviations
                .push(Deviation::FieldValue { field: "position", value: position.to_bits() }),
        }
    }
    let start = used(location_id)
        .map(Start::Packet)
        .or_else(|| used(asf_offset).map(offset))
        .unwrap_or(Start::Beginning);
    Ok((rest, start))
}

/// Writes the three position fields, the two that do not count as "not used". A byte offset above
/// [`MAX_BYTE_OFFSET`] is written as that; the session refuses it before.
pub(super) fn put_start(out: &mut BytesMut, start: Start) {
    let (asf_offset, location_id) = match start {
        // The number 0 says "not used" in both fields, and both mean the beginning.
        Start::Packet(number) if number.get() != 0 => (UNUSED, number.get()),
        Start::ByteOffset(offset @ 1..) => {
            (u32::try_from(offset).unwrap_or(MAX_BYTE_OFFSET).min(MAX_BYTE_OFFSET), UNUSED)
        }
        _ => (UNUSED, UNUSED),
    };
    match start {
        Start::Time(time) => put_seconds(out, time),
        _ if (asf_offset, location_id) == (UNUSED, UNUSED) => out.put_f64_le(0.0),
        _ => out.put_f64_le(f64::MAX),
    }
    out.put_u32_le(asf_offset);
    out.put_u32_le(location_id);
}

/// Decodes `frameOffset`.
pub(super) fn read_frame_offset(value: u32) -> Option<Stop> {
    let time = Duration::from_millis((value & 0x7FFF_FFFF).into());
    match value {
        // Most players send 0x00FFFFFF, and mean no limit (T5).
        0 | 0x00FF_FFFF | u32::MAX | 0x8000_0000 => None,
        0x8000_0000.. => Stop::after(time),
        _ => Stop::at(time),
    }
}

/// Encodes `frameOffset`.
pub(super) fn frame_offset(stop: Option<Stop>) -> u32 {
    let Some(stop) = stop else { return 0 };
    let milliseconds = u32::try_from(stop.time().as_millis()).unwrap_or(0x7FFF_FFFF);
    match (milliseconds, stop.is_relative()) {
        // The two values that servers take for "no limit": a millisecond earlier is closer to
        // what was asked for.
        (0x00FF_FFFF, false) => 0x00FF_FFFE,
        (0x7FFF_FFFF, true) => 0xFFFF_FFFE,
        (_, relative) => milliseconds | if relative { 0x8000_0000 } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_positions() {
        let ms = Duration::from_millis;
        assert_eq!(frame_offset(None), 0);
        assert_eq!(frame_offset(Stop::at(ms(5000))), 5000);
        assert_eq!(frame_offset(Stop::after(ms(5000))), 0x8000_1388);
        for none in [0, 0x00FF_FFFF, u32::MAX] {
            assert_eq!(read_frame_offset(none), None);
        }
        for stop in [Stop::at(ms(1)), Stop::after(ms(1)), Stop::at(ms(0x7FFF_FFFF))] {
            assert_eq!(read_frame_offset(frame_offset(stop)), stop);
        }
        // What cannot be said is said as nearly as possible, never as "no limit".
        assert!(read_frame_offset(frame_offset(Stop::at(ms(0x00FF_FFFF)))).is_some());
        assert!(read_frame_offset(frame_offset(Stop::after(ms(0x7FFF_FFFF)))).is_some());
    }

    #[test]
    fn a_byte_offset_is_written_up_to_the_largest_that_is_one() {
        for (offset, written) in [(1, 1), (0xFFFF_FFFE, 0xFFFF_FFFE), (1 << 32, 0xFFFF_FFFE)] {
            let mut out = BytesMut::new();
            put_start(&mut out, Start::ByteOffset(offset));
            assert_eq!(out[8..12], u32::to_le_bytes(written));
        }
    }
}
