//! Media objects in, packets out.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::Sample;
use super::packet::{Object, OpenPacket, SMALLEST_PART, overhead, room_alone};
use super::track::Track;
use crate::time::to_millis;
use crate::{Error, Header, Limits};

/// Fewer bytes hold too little beside the heads of packet and payload.
const SMALLEST_PACKET: u32 = 100;
/// Payload lengths have 16 bits.
const LARGEST_PACKET: u32 = 65_535;
/// The size of replicated data has 8 bits, and 8 bytes of it are fixed.
const MOST_EXTENSION_DATA: usize = 247;

/// Puts whole media objects into packets of one size, without input and output: a live encoder
/// sends a header and these packets.
///
/// Push one media object after the other, in the order in which they are to be sent, and poll for
/// packets after each. Media objects are split over packets and packed together; a packet comes out
/// when it is full, or after [`flush`](Self::flush).
///
/// ```
/// # use std::time::Duration;
/// # use mms_asf::testing::{self, TestStream};
/// use mms_asf::{Header, Packet, Packetizer, Sample};
///
/// # let header = Header::parse(&testing::live_header(256, &[TestStream::Audio(1)]))?;
/// let mut packetizer = Packetizer::new(&header)?;
/// packetizer.push(&Sample::new(1, Duration::from_millis(40), vec![7; 300].into()))?;
/// let packet = packetizer.poll().expect("a full packet");
/// assert_eq!(packet.len(), 256);
/// packetizer.flush();
/// let rest = packetizer.poll().expect("the rest, padded");
/// let rest = Packet::parse(&rest, 256)?;
/// assert_eq!(rest.send_time(), 40);
/// # Ok::<(), mms_asf::Error>(())
/// ```
///
/// A packet is sent at the time of the first media in it, and shown a preroll later. Times may run
/// backwards, as those of frames do that are shown in another order than they are decoded, by as
/// much as the preroll.
#[derive(Debug, Clone)]
pub struct Packetizer {
    packet_size: usize,
    preroll: u64,
    object_limit: u64,
    tracks: Vec<Track>,
    open: OpenPacket,
    /// Lowest media time and highest end of what is in the open packet.
    span: Option<(u64, u64)>,
    /// The highest media time so far, of all streams.
    latest: u64,
    /// First and last send time, and the last packet's duration.
    sends: Option<(u64, u64, u16)>,
    ready: VecDeque<Bytes>,
}

impl Packetizer {
    /// For the streams, the packet size and the preroll that this header declares.
    ///
    /// Fails when the packet size is below 100 or above 65,535 bytes.
    pub fn new(header: &Header) -> Result<Self, Error> {
        Self::new_with(header, &Limits::default())
    }

    /// [`Packetizer::new`] with other limits; fails as it does.
    pub fn new_with(header: &Header, limits: &Limits) -> Result<Self, Error> {
        let size = header.file().packet_size;
        if size < SMALLEST_PACKET {
            let (what, expected) = ("packet size", "at least 100");
            return Err(Error::Malformed { what, offset: 0, expected });
        }
        let largest = LARGEST_PACKET.min(limits.packet_size);
        check("packet size", size.into(), largest.into())?;
        let packet_size = size as usize;
        Ok(Self {
            packet_size,
            preroll: to_millis(header.file().preroll),
            object_limit: limits.object_bytes.min(u32::MAX.into()),
            tracks: header.streams().iter().map(Track::new).collect(),
            open: OpenPacket::new(packet_size),
            span: None,
            latest: 0,
            sends: None,
            ready: VecDeque::new(),
        })
    }

    /// Takes one media object.
    ///
    /// Fails, with nothing taken, when
    ///
    /// - the header does not declare its stream;
    /// - it has no data, or more than [`Limits::object_bytes`];
    /// - its extension data leaves too little of a packet, or has more than 247 bytes;
    /// - its time is more than the preroll lower than one before, of any stream;
    /// - its time, or its end, is beyond what 32 bits of milliseconds can say.
    pub fn push(&mut self, sample: &Sample) -> Result<(), Error> {
        let object = self.check(sample)?;
        let extension = object.extension_data.len();
        let media_time = to_millis(sample.time);
        let number = sample.stream;
        let track = self.tracks.iter_mut().find(|track| track.number == number);
        let Some(track) = track else { return Err(Error::NoSuchStream { number }) };
        let object = Object { number: track.next, ..object };
        track.next = track.next.wrapping_add(1);
        track.largest = track.largest.max(object.size);
        let end = track.object(sample, media_time);
        self.latest = self.latest.max(media_time);

        let mut rest = sample.data.clone();
        let mut offset = 0_u32;
        let mut taken = 0_u64;
        while !rest.is_empty() {
            let Some(len) = self.open.room(extension, rest.len()) else {
                self.flush();
                continue;
            };
            let part = rest.split_to(len.min(rest.len()));
            taken = taken.saturating_add(overhead(extension) as u64);
            let next = offset.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
            self.open.push(object.clone(), offset, part);
            offset = next;
            self.span = Some(match self.span {
                Some((first, last)) => (first.min(media_time), last.max(end)),
                None => (media_time, end),
            });
            if !rest.is_empty() {
                self.flush();
            }
        }
        if let Some(track) = self.tracks.iter_mut().find(|track| track.number == number) {
            let taken = taken.saturating_add(sample.data.len() as u64);
            track.bytes = track.bytes.saturating_add(taken);
        }
        Ok(())
    }

    /// The next packet; `None` when more media objects are needed to fill one.
    pub fn poll(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    /// Makes a packet of what is there, with padding: at the end, and where a live encoder has
    /// waited long enough. Poll afterwards. Media objects may be pushed again.
    pub fn flush(&mut self) {
        let Some((first, last)) = self.span.take() else { return };
        let sent = self.sends.map_or(first, |(_, sent, _)| sent.max(first));
        let duration = u16::try_from(last.saturating_sub(sent)).unwrap_or(u16::MAX);
        let start = self.sends.map_or(sent, |(start, ..)| start);
        self.sends = Some((start, sent, duration));
        // No later than a presentation time, which fits.
        let send_time = u32::try_from(sent).unwrap_or(u32::MAX);
        self.ready.push_back(self.open.close(send_time, duration));
    }

    /// The end of the last media object, preroll included.
    pub fn play_duration(&self) -> Duration {
        let end = self.tracks.iter().filter_map(Track::end).max();
        Duration::from_millis(end.map_or(0, |end| end.saturating_add(self.preroll)))
    }

    /// From the first to the last packet's send time, plus the last packet's duration.
    pub fn send_duration(&self) -> Duration {
        let duration = self.sends.map_or(0, |(first, last, duration)| {
            last.saturating_sub(first).saturating_add(duration.into())
        });
        Duration::from_millis(duration)
    }

    /// What the payloads of a stream took so far, in bytes.
    pub(super) fn stream_bytes(&self, number: u8) -> u64 {
        self.tracks.iter().find(|track| track.number == number).map_or(0, |track| track.bytes)
    }

    /// The size of the largest media object of a stream so far, in bytes.
    pub(super) fn largest_object(&self, number: u8) -> u32 {
        self.tracks.iter().find(|track| track.number == number).map_or(0, |track| track.largest)
    }

    /// The media object as payloads describe it, without a number.
    fn check(&self, sample: &Sample) -> Result<Object, Error> {
        if sample.data.is_empty() {
            let (what, expected) = ("media object", "at least one byte");
            return Err(Error::Malformed { what, offset: 0, expected });
        }
        let (stream, size) = (sample.stream, sample.data.len() as u64);
        check("media object size", size, self.object_limit)?;
        // A part and the one behind it have to fit even where the packet holds nothing else.
        let least = SMALLEST_PART.saturating_mul(2);
        let room = room_alone(self.packet_size, 0).saturating_sub(least).min(MOST_EXTENSION_DATA);
        check("extension data size", sample.extension_data.len() as u64, room as u64)?;
        let time = to_millis(sample.time);
        let shown = time.saturating_add(self.preroll);
        let end = shown.saturating_add(sample.duration.map_or(0, to_millis));
        check("presentation time", end, u32::MAX.into())?;
        if shown < self.latest {
            let (latest, preroll) = (self.latest, self.preroll);
            return Err(Error::TooLate { stream, time, latest, preroll });
        }
        Ok(Object {
            stream: stream & 0x7F | if sample.key_frame { 0x80 } else { 0 },
            number: 0,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            time: u32::try_from(shown).unwrap_or(u32::MAX),
            extension_data: sample.extension_data.clone(),
        })
    }
}

fn check(what: &'static str, value: u64, limit: u64) -> Result<(), Error> {
    if value > limit { Err(Error::Limit { what, value, limit }) } else { Ok(()) }
}
