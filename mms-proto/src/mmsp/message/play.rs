//! Playing and stopping, MS-MMSP 2.2.4.25, .10, .26, .11, .27 and .5.

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::position::{frame_offset, parse_start, put_start, read_frame_offset};
use super::wire::{Fault, Wire, f64_le, u32_le};
use super::{Body, Deviation, MessageId, hr_and_incarnation};
use crate::hresult::HResult;
use crate::message_kind::MessageKind;
use crate::request::{Accel, Rate, Start, Stop};

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
        let stop = read_frame_offset(stop);
        Ok((&[], Self { open_file_id, start, stop, incarnation, accel }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.open_file_id);
        out.put_u32_le(0); // padding
        put_start(out, self.start);
        out.put_u32_le(frame_offset(self.stop));
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
