//! Playing backwards: from key frame to key frame before it.

use std::time::Duration;

use bytes::BytesMut;
use mms_asf::{FileError, KeyFrameSearch, Rewind};
use mms_proto::{Start, Stop};

use super::clock::Clock;
use super::opened::{Opened, Reader};
use super::{Found, STEP, send_time};

/// Key frames that one step looks for, and packets that it reads, at most.
const LOOKED_AT: usize = 8;
const MILLISECOND: Duration = Duration::from_millis(1);

/// The key frames of one stream, last one first.
///
/// Each is found by its time: by the file's index, or by send times and from there backwards to a
/// key frame. What is remembered is the time of the one before.
#[derive(Debug)]
pub(super) struct Rewinding {
    /// `None` for a stream that cannot be played.
    rewind: Option<Rewind>,
    keys: Keys,
}

/// The search for key frames.
#[derive(Debug)]
struct Keys {
    stream: u8,
    /// The next one begins in front of this packet.
    before: u64,
    /// The next one is shown at this time or before; `None` when there is no more.
    latest: Option<Duration>,
    /// The search for it, which goes on in the next step.
    search: Option<KeyFrameSearch>,
    /// The last one is shown at this time or after.
    until: Duration,
    /// The packet in which the next one begins, once it is found, and the latest time of the one
    /// after it.
    found: Option<(u64, Option<Duration>)>,
}

impl Rewinding {
    /// Over the key frames of this stream from packet `first` and its time, where a play command
    /// begins, back to where it ends.
    pub(super) fn new(
        file: &Opened,
        stream: u8,
        (start, stop): (Start, Option<Stop>),
        first: u64,
        begin: Duration,
    ) -> Self {
        let until = match stop {
            None => Duration::ZERO,
            Some(stop) if stop.is_relative() => begin.saturating_sub(stop.time()),
            Some(stop) => stop.time(),
        };
        let before = first.saturating_add(1).min(file.packet_count());
        // Media in a packet is shown up to the preroll after it was sent.
        let preroll = file.header().file().preroll;
        let latest = match start {
            Start::Time(time) => time,
            _ => begin.saturating_add(preroll),
        };
        let latest = Some(latest).filter(|_| until <= begin);
        let keys = Keys { stream, before, latest, search: None, until, found: None };
        let rewind = Rewind::new(file.header(), stream, before).ok();
        Self { rewind, keys }
    }

    /// Goes on with another stream, if it is another one.
    pub(super) fn change(&mut self, file: &Opened, stream: u8) {
        if stream != self.keys.stream {
            (self.keys.stream, self.keys.found, self.keys.search) = (stream, None, None);
            self.rewind = Rewind::new(file.header(), stream, self.keys.before).ok();
        }
    }

    /// The next packet in which something of a key frame lies.
    pub(super) fn step(
        &mut self,
        file: &Opened,
        clock: &mut Clock,
        buffer: &mut BytesMut,
    ) -> Result<Found, FileError> {
        let Some(rewind) = &mut self.rewind else { return Ok(Found::End) };
        let mut packets = STEP;
        for _ in 0..LOOKED_AT {
            if !self.keys.find(&mut file.reader(), &mut packets)? {
                continue;
            }
            let Some(number) = rewind.next_packet(|_| self.keys.take()) else {
                return Ok(Found::End);
            };
            if number >= file.packet_count() {
                // The rest of the last key frame is missing.
                rewind.skip();
                continue;
            }
            file.reader().packet_into(number, buffer)?;
            let packet = buffer.split().freeze();
            // A packet that cannot be read ends its key frame.
            if let Some(body) = rewind.packet(&packet).ok().and_then(|sent| sent.into_bytes()) {
                let time = clock.tick(send_time(&packet, file));
                return Ok(Found::Packet(number, time, body));
            }
        }
        Ok(Found::Nothing)
    }
}

impl Keys {
    /// Looks for the next one. `false`: another look is needed, since it is not the one that is
    /// found by its time, as where several begin in one packet, or so many packets were read.
    fn find(&mut self, reader: &mut Reader, packets: &mut u32) -> Result<bool, FileError> {
        if self.found.is_some() {
            return Ok(true);
        }
        let Some(latest) = self.latest else { return Ok(true) };
        let stream = self.stream;
        let search = self.search.get_or_insert_with(|| KeyFrameSearch::new(latest, stream));
        let Some(point) = search.step(reader, packets)? else { return Ok(false) };
        self.search = None;
        let Some(shown) = point.time.filter(|&shown| shown >= self.until) else {
            self.latest = None;
            return Ok(true);
        };
        let earlier = shown.checked_sub(MILLISECOND);
        if point.packet < self.before {
            self.found = Some((point.packet, earlier));
            return Ok(true);
        }
        self.latest = earlier;
        Ok(false)
    }

    /// The packet in which it begins.
    fn take(&mut self) -> Option<u64> {
        let (packet, earlier) = self.found.take()?;
        (self.before, self.latest) = (packet, earlier);
        Some(packet)
    }
}
