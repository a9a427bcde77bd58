//! Where in a file playing begins and ends.

use std::time::Duration;

use mms_asf::{FileError, KeyFrameSearch};
use mms_proto::{Start, Stop};

use super::opened::Reader;

/// Streams that are sought in, each by itself.
const SOUGHT: usize = 8;

/// The search for the packet to begin with, so that each of some streams can be shown from a time
/// on. It reads a bounded number of packets a step.
#[derive(Debug)]
pub(super) struct Place {
    start: Start,
    /// Streams that were not sought in yet.
    streams: Vec<u8>,
    search: Option<KeyFrameSearch>,
    /// The earliest key frame so far.
    first: Option<u64>,
}

impl Place {
    pub(super) fn new(start: Start, mut streams: Vec<u8>) -> Self {
        streams.truncate(SOUGHT);
        streams.reverse();
        Self { start, streams, search: None, first: None }
    }

    /// The packet to begin with, which may be behind the last one; `None` when `packets` were read
    /// and more are needed.
    pub(super) fn step(
        &mut self,
        reader: &mut Reader,
        packets: &mut u32,
    ) -> Result<Option<u64>, FileError> {
        let number = match self.start {
            Start::Beginning => 0,
            Start::Packet(number) => number.get().into(),
            Start::ByteOffset(offset) => reader.packet_at_offset(offset),
            Start::Time(time) => match self.decodable(time, reader, packets)? {
                Some(number) => number,
                None => return Ok(None),
            },
        };
        Ok(Some(number.min(reader.packet_count())))
    }

    /// Where the last key frames at or before the time begin; without any, the packet that is sent
    /// then.
    fn decodable(
        &mut self,
        time: Duration,
        reader: &mut Reader,
        packets: &mut u32,
    ) -> Result<Option<u64>, FileError> {
        loop {
            let search = match &mut self.search {
                Some(search) => search,
                None => match self.streams.pop() {
                    Some(stream) => self.search.insert(KeyFrameSearch::new(time, stream)),
                    None => break,
                },
            };
            let Some(point) = search.step(reader, packets)? else { return Ok(None) };
            self.search = None;
            if point.time.is_some() {
                self.first = Some(self.first.map_or(point.packet, |first| first.min(point.packet)));
            }
        }
        self.first.map_or_else(|| reader.packet_at_time(time).map(Some), |first| Ok(Some(first)))
    }
}

/// The packet behind the last one to send, given the first one. Never before that.
pub(super) fn end(
    reader: &mut Reader,
    start: Start,
    stop: Option<Stop>,
    first: u64,
) -> Result<u64, FileError> {
    let count = reader.packet_count();
    let Some(stop) = stop else { return Ok(count) };
    let begin = time(reader, start, first)?;
    let stop = if stop.is_relative() { begin.saturating_add(stop.time()) } else { stop.time() };
    if stop < begin {
        return Ok(first);
    }
    let last = reader.packet_at_time(stop)?;
    Ok(last.saturating_add(1).clamp(first, count))
}

/// The time of a start that leads to this packet.
pub(super) fn time(reader: &mut Reader, start: Start, packet: u64) -> Result<Duration, FileError> {
    match start {
        Start::Beginning => Ok(Duration::ZERO),
        Start::Time(time) => Ok(time),
        Start::Packet(_) | Start::ByteOffset(_) => reader.time_of_packet(packet),
    }
}
