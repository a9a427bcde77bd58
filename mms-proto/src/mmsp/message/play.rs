//! Playing and stopping, MS-MMSP 2.2.4.25, .10, .26, .11, .27 and .5.

use crate::message_kind::MessageKind;
use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{Fault, Wire, f64_le, u32_le};
use super::{Body, Deviation, MessageId, hr_and_incarnation, put_seconds, seconds};
use crate::hresult::HResult;
use crate::request::{Accel, Position, Rate, Start, Stop};

/// Says that a position field is not used.
const UNUSED: u32 = u32::MAX;

/// The client plays at normal speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartPlaying {
    /// The file, as the server named it.
    #[doc(alias = "openFileId")]
    pub open_file_id: u32,
    /// Where to begin.
    pub start: Start,
    /// Where to end; `None` plays to the end.
    #[doc(alias = "frameOffset")]
    pub stop: Option<Stop>,
    /// Its low byte labels the media packets.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// A start faster than real time.
    pub accel: Option<Accel>,
}

impl Body for StartPlaying {
    const ID: MessageId = MessageId::START_PLAYING;

    fn parse<'a>(body: &'a [u8], _: &Bytes, deviations: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (open_file_id, _)) = (u32_le("openFileId"), u32_le("padding")).parse(body)?;
        let (rest, start) = parse_start(rest, deviations)?;
        let (rest, (stop, incarnation)) =
            (u32_le("frameOffset"), u32_le("playIncarnation")).parse(rest)?;
        // Their presence follows from the length.
        let mut words = rest
            .chunks_exact(4)
            .filter_map(|word| word.first_chunk().map(|&bytes| u32::from_le_bytes(bytes)));
        let accel = match (words.next(), words.next(), words.next()) {
            (Some(bandwidth), Some(duration), link_bandwidth) => {
                Some(Accel { bandwidth, duration, link_bandwidth })
            }
            _ => None,
        };
        let stop = Stop::from_wire(stop);
        Ok((&[], Self { open_file_id, start, stop, incarnation, accel }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.open_file_id);
        out.put_u32_le(0); // padding
        put_start(out, self.start);
        out.put_u32_le(Stop::to_wire(self.stop));
        out.put_u32_le(self.incarnation);
        if let Some(accel) = self.accel {
            out.put_u32_le(accel.bandwidth);
            out.put_u32_le(accel.duration);
            if let Some(link) = accel.link_bandwidth {
                out.put_u32_le(link);
            }
        }
    }
}

/// The client plays at another speed, forwards or backwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartStriding {
    /// The file, as the server named it.
    #[doc(alias = "openFileId")]
    pub open_file_id: u32,
    /// Where to begin.
    pub start: Start,
    /// Its low byte labels the media packets.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// Speed and direction.
    pub rate: Rate,
}

impl Body for StartStriding {
    const ID: MessageId = MessageId::START_STRIDING;

    fn parse<'a>(body: &'a [u8], _: &Bytes, deviations: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (open_file_id, _)) = (u32_le("openFileId"), u32_le("padding")).parse(body)?;
        let (rest, start) = parse_start(rest, deviations)?;
        let (at_rate, (_, incarnation)) =
            (u32_le("frameOffset"), u32_le("playIncarnation")).parse(rest)?;
        let (rest, rate) = f64_le("rate").parse(at_rate)?;
        let Some(rate) = Rate::new(rate) else {
            return Fault::value(at_rate, "rate", rate.to_bits(), "a double from -5 to 5, not 0");
        };
        Ok((rest, Self { open_file_id, start, incarnation, rate }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.open_file_id);
        out.put_u32_le(0); // padding
        put_start(out, self.start);
        out.put_u32_le(0); // frameOffset, not used
        out.put_u32_le(self.incarnation);
        out.put_f64_le(self.rate.get());
    }
}

/// Reads the three position fields, of which one counts. Time goes before packet before byte
/// offset, as every server does it: players send a time of 0.0 beside a packet number, where the
/// specification wants the largest double (T7).
fn parse_start<'a>(body: &'a [u8], deviations: &mut Vec<Deviation>) -> Wire<'a, Start> {
    let (rest, (position, asf_offset, location_id)) =
        (f64_le("position"), u32_le("asfOffset"), u32_le("locationId")).parse(body)?;
    let used = |value: u32| Position::new(value).filter(|position| position.get() != 0);
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
        .or_else(|| used(asf_offset).map(Start::ByteOffset))
        .unwrap_or(Start::Beginning);
    Ok((rest, start))
}

/// Writes the three position fields, the two that do not count as "not used".
fn put_start(out: &mut BytesMut, start: Start) {
    let (asf_offset, location_id) = match start {
        // The number 0 says "not used" in both fields, and both mean the beginning.
        Start::Packet(number) if number.get() != 0 => (UNUSED, number.get()),
        Start::ByteOffset(offset) if offset.get() != 0 => (offset.get(), UNUSED),
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

/// Media packets follow at normal speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStartedPlaying {
    /// Whether they follow.
    pub hr: HResult,
    /// The request's label.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// The file.
    #[doc(alias = "tigerFileId")]
    pub open_file_id: u32,
}

impl Body for ReportStartedPlaying {
    const ID: MessageId = MessageId::REPORT_STARTED_PLAYING;

    fn parse<'a>(body: &'a [u8], _: &Bytes, deviations: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, incarnation)) = hr_and_incarnation(body)?;
        let open_file_id = rest.first_chunk().map(|&bytes| u32::from_le_bytes(bytes));
        if open_file_id.is_none() {
            deviations.push(Deviation::ShortMessage(MessageKind::Mmsp(Self::ID)));
        }
        Ok((&[], Self { hr, incarnation, open_file_id: open_file_id.unwrap_or(0) }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(self.incarnation);
        out.put_u32_le(self.open_file_id);
        out.put_u32_le(0); // unused1
        out.put_bytes(0, 12); // unused2
    }
}

/// Media packets follow at another speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStartStriding {
    /// Whether they follow.
    pub hr: HResult,
    /// The request's label.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
}

impl Body for ReportStartStriding {
    const ID: MessageId = MessageId::REPORT_START_STRIDING;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, incarnation)) = hr_and_incarnation(body)?;
        Ok((rest, Self { hr, incarnation }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(self.incarnation);
        out.put_u32_le(0); // spare
    }
}

/// The client stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopPlaying {
    /// The file, as the server named it.
    #[doc(alias = "openFileId")]
    pub open_file_id: u32,
    /// Label of the play command that is stopped; old players send garbage.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
}

impl Body for StopPlaying {
    const ID: MessageId = MessageId::STOP_PLAYING;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (open_file_id, incarnation)) =
            (u32_le("openFileId"), u32_le("playIncarnation")).parse(body)?;
        Ok((rest, Self { open_file_id, incarnation }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.open_file_id);
        out.put_u32_le(self.incarnation);
    }
}

/// No more media packets of this entry, or the answer to [`StopPlaying`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportEndOfStream {
    /// Success at the end; [`HResult::FALSE`] when another entry follows; or what went wrong.
    pub hr: HResult,
    /// Label of the play command that ends, or of the stop that is answered.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
}

impl Body for ReportEndOfStream {
    const ID: MessageId = MessageId::REPORT_END_OF_STREAM;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, incarnation)) = hr_and_incarnation(body)?;
        Ok((rest, Self { hr, incarnation }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(self.incarnation);
    }
}
