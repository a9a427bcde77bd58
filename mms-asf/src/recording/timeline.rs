//! Send and presentation times, which wrap on the wire, on one line of 64 bits.

use crate::clock::{WRAP, near_in_file, shown_in_file};
use crate::lasting::{Lasting, Neighbours};
use crate::preroll::Starts;
use crate::{Header, Packet, Payload, SendClock, Stream, guid};

/// All times in milliseconds. Those before the wire's zero count as zero for others.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    /// The wire's zero on the line, which begins one lap earlier when the first send time is
    /// negative.
    zero: u64,
    sends: Option<Sends>,
    /// Lowest and highest presentation time, the latter with the object's duration as far as it is
    /// known without its neighbours.
    shown: Option<(u64, u64)>,
    tracks: Vec<Track>,
}

#[derive(Debug, Clone)]
struct Sends {
    first: u64,
    last: u64,
    duration: u16,
}

/// What is known about one stream.
#[derive(Debug, Clone)]
struct Track {
    number: u8,
    lasting: Lasting,
    /// Where the sample duration lies in the payload extensions.
    sample_duration: Option<usize>,
    neighbours: Neighbours,
    starts: Starts,
}

impl Timeline {
    pub(super) fn new(header: &Header) -> Self {
        let tracks = header.streams().iter().map(Track::new).collect();
        Self { zero: 0, sends: None, shown: None, tracks }
    }

    /// Notes the times in the head of a packet, and returns its send time. Its
    /// [payloads](Self::payload) follow.
    pub(super) fn packet(&mut self, packet: &Packet<'_>) -> u64 {
        let sent = match &self.sends {
            Some(sends) => near_in_file(sends.last, packet.send_time()),
            None => u64::from(packet.send_time()),
        };
        if self.sends.is_none() && SendClock::first(packet.send_time()) < 0 {
            self.zero = WRAP.unsigned_abs();
        }
        let duration = packet.duration();
        match &mut self.sends {
            Some(sends) => (sends.last, sends.duration) = (sent, duration),
            None => self.sends = Some(Sends { first: sent, last: sent, duration }),
        }
        sent.saturating_sub(self.zero)
    }

    /// Notes a payload of the last [packet](Self::packet).
    pub(super) fn payload(&mut self, payload: &Payload<'_>) {
        let sent = self.sends.as_ref().map_or(0, |sends| sends.last);
        let mut track = self.tracks.iter_mut().find(|track| track.number == payload.stream);
        let mut note = |presentation_time: u32, len: usize| {
            let time = shown_in_file(sent, presentation_time);
            let duration = match &mut track {
                Some(track) => {
                    if payload.begins_object() {
                        track.starts.note(sent, time);
                    }
                    track.object(payload, len, time)
                }
                None => 0,
            };
            let end = time.saturating_add(duration);
            self.shown = Some(match self.shown {
                Some((lowest, highest)) => (lowest.min(time), highest.max(end)),
                None => (time, end),
            });
        };
        if payload.compressed.is_none() {
            note(payload.presentation_time, payload.data.len());
            return;
        }
        for piece in payload.pieces().map_while(Result::ok) {
            note(piece.presentation_time, piece.data.len());
        }
    }

    /// When the first media object is shown.
    pub(super) fn start(&self) -> Option<u64> {
        let media = self.tracks.iter().filter(|track| track.lasting.lasts());
        let start = media.filter_map(|track| track.starts.earliest()).min()?;
        Some(start.saturating_sub(self.zero))
    }

    pub(super) fn play_duration(&self) -> u64 {
        self.end().saturating_sub(self.zero)
    }

    /// The end of the last media object on the line.
    fn end(&self) -> u64 {
        let ends = self.tracks.iter().filter_map(|track| track.neighbours.end());
        ends.chain(self.shown.map(|(_, end)| end)).max().unwrap_or(0)
    }

    pub(super) fn media_duration(&self) -> u64 {
        self.shown.map_or(0, |(start, _)| self.end().saturating_sub(start))
    }

    pub(super) fn send_duration(&self) -> u64 {
        self.sends.as_ref().map_or(0, |sends| {
            sends.last.saturating_sub(sends.first).saturating_add(u64::from(sends.duration))
        })
    }
}

impl Track {
    fn new(stream: &Stream) -> Self {
        let sizes = stream.extensions.iter().scan(Some(0_usize), |offset, extension| {
            let at = *offset;
            // Behind an extension of variable size nothing has a fixed place.
            *offset = at.zip(extension.size).map(|(at, size)| at.saturating_add(usize::from(size)));
            Some((extension.system, at))
        });
        let sample_duration =
            sizes.into_iter().find(|(id, _)| *id == guid::SAMPLE_DURATION).and_then(|(_, at)| at);
        Self {
            number: stream.number,
            lasting: Lasting::new(stream),
            sample_duration,
            neighbours: Neighbours::default(),
            starts: Starts::default(),
        }
    }

    /// Notes an object and tells how long it lasts, as its payload extension or the stream's
    /// declaration says; 0 when only the distance to its neighbours does.
    fn object(&mut self, payload: &Payload<'_>, len: usize, time: u64) -> u64 {
        if !self.lasting.lasts() {
            return 0;
        }
        // Broken muxers declare samples of 1 ms.
        let declared = self
            .sample_duration
            .and_then(|at| payload.extensions.get(at..))
            .and_then(|rest| rest.first_chunk())
            .map(|value| u64::from(u16::from_le_bytes(*value)))
            .filter(|&duration| duration > 1);
        let size = || payload.object_size.map_or(len as u64, u64::from);
        let duration = declared.or_else(|| self.lasting.guess(size()));
        self.neighbours.note(time, duration);
        duration.unwrap_or(0)
    }
}
