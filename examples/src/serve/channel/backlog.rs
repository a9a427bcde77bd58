//! The last packets of a channel, for players that join.

use std::collections::VecDeque;
use std::time::Duration;

use mms_asf::StreamSet;

use super::{Cursor, LivePacket};

/// Bytes of packets that are kept at most.
pub const BACKLOG_BYTES: usize = 4 << 20;
/// Packets that are kept at most.
pub const BACKLOG_PACKETS: usize = 8_192;
/// Send time that is kept at most. Encoders put key frames closer together, and a player that
/// joins would be as much behind the others.
pub const BACKLOG_TIME: Duration = Duration::from_secs(30);
/// Send time that is kept where there is no video: what most players buffer before they begin.
pub const CUSHION: Duration = Duration::from_secs(3);

/// A step back in send time from which on the packets before are of another time.
const STEP_BACK: Duration = Duration::from_secs(1);

/// Packets since the latest key frame of each video stream; without video, the last seconds.
#[derive(Debug)]
pub(super) struct Backlog {
    packets: VecDeque<Kept>,
    bytes: usize,
    longest: Duration,
}

/// A packet and its position in the channel.
#[derive(Debug)]
struct Kept {
    time: Duration,
    bytes: usize,
    keys: StreamSet,
    position: Cursor,
}

impl Backlog {
    pub(super) fn new(video: bool) -> Self {
        let longest = if video { BACKLOG_TIME } else { CUSHION };
        Self { packets: VecDeque::new(), bytes: 0, longest }
    }

    pub(super) fn push(&mut self, packet: &LivePacket, position: Cursor) {
        let now = packet.time;
        if self.packets.back().is_some_and(|last| now.saturating_add(STEP_BACK) < last.time) {
            self.packets.clear();
            self.bytes = 0;
        }
        let keys = packet.keys;
        self.bytes = self.bytes.saturating_add(packet.body.len());
        let (time, bytes) = (packet.time, packet.body.len());
        self.packets.push_back(Kept { time, bytes, keys, position });
        if !keys.is_empty() {
            for _ in 0..self.start(self.keys()) {
                self.forget_first();
            }
        }
        while self.packets.front().is_some_and(|first| {
            self.bytes > BACKLOG_BYTES
                || self.packets.len() > BACKLOG_PACKETS
                || now.saturating_sub(first.time) > self.longest
        }) {
            self.forget_first();
        }
    }

    /// The position of the latest packet with which all of these video streams can be begun; those
    /// of which no key frame is here are begun later. Without any, that of the last seconds; `None`
    /// before the first packet.
    pub(super) fn since_key_frame(&self, streams: StreamSet) -> Option<Cursor> {
        let wanted = streams.and(self.keys());
        let start = if wanted.is_empty() { self.cushion() } else { self.start(wanted) };
        self.packets.get(start).map(|kept| kept.position.clone())
    }

    /// The streams of which a key frame is here.
    fn keys(&self) -> StreamSet {
        self.packets.iter().fold(StreamSet::EMPTY, |all, packet| all.or(packet.keys))
    }

    /// The place of the latest packet since which a key frame of each of these streams began.
    fn start(&self, wanted: StreamSet) -> usize {
        let mut missing = wanted;
        let found = self.packets.iter().enumerate().rev().find(|(_, packet)| {
            missing = missing.without(packet.keys);
            missing.is_empty()
        });
        found.map_or(0, |(place, _)| place)
    }

    fn cushion(&self) -> usize {
        let Some(last) = self.packets.back() else { return 0 };
        let old = |packet: &Kept| last.time.saturating_sub(packet.time) > CUSHION;
        self.packets.iter().rposition(old).map_or(0, |place| place.saturating_add(1))
    }

    fn forget_first(&mut self) {
        if let Some(packet) = self.packets.pop_front() {
            self.bytes = self.bytes.saturating_sub(packet.bytes);
        }
    }
}
