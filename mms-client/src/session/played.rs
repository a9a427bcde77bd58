//! How much media has come, for the report to the server.

use std::time::Duration;

use mms_asf::{Packet, SendClock};
use mms_proto::MAX_PACKET_SIZE;

use super::Entry;

/// The times of the packets of one play command, from the earliest to the latest.
#[derive(Debug, Default)]
pub(super) struct Played {
    packet_size: u32,
    /// Send time of the first packet in milliseconds, and how far others are from it.
    first: Option<u32>,
    earliest: i64,
    latest: i64,
}

impl Played {
    /// Nothing yet of this entry.
    pub(super) fn of(entry: &Entry) -> Self {
        let announced = entry.content().packet_size().unwrap_or(MAX_PACKET_SIZE);
        let packet_size = entry.header().map_or(announced, |header| header.file().packet_size);
        Self { packet_size, ..Self::default() }
    }

    /// Begins anew with the same content.
    pub(super) fn restart(&mut self) {
        *self = Self { packet_size: self.packet_size, ..Self::default() };
    }

    /// Adds a packet, and returns how much media there is now; `None` when it cannot be read.
    pub(super) fn packet(&mut self, packet: &[u8]) -> Option<Duration> {
        let packet = Packet::parse(packet, self.packet_size).ok()?;
        Some(self.parsed(&packet))
    }

    /// [`packet`](Self::packet) for a packet that was parsed.
    pub(super) fn parsed(&mut self, packet: &Packet<'_>) -> Duration {
        let time = packet.send_time();
        let distance = SendClock::distance(*self.first.get_or_insert(time), time);
        let end = distance.saturating_add(packet.duration().into());
        (self.earliest, self.latest) = (self.earliest.min(distance), self.latest.max(end));
        Duration::from_millis(self.latest.abs_diff(self.earliest))
    }
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
    use mms_proto::Content;

    use super::*;

    #[test]
    fn from_the_earliest_to_the_latest() {
        let header = testing::header(200, 3, &[TestStream::Audio(1)]);
        let content = Content::new(header).unwrap().with_packet_size(300).unwrap();
        let mut played = Played::of(&Entry::new(content));
        let packet = |send_time: u32| {
            let payload = TestPayload::whole(1, 0, send_time, b"media");
            TestPacket { send_time, duration: 500, ..TestPacket::single(payload) }.build(200)
        };
        let mut add = |time| played.packet(&packet(time)).unwrap().as_millis();
        let start = u32::MAX - 999;
        assert_eq!(add(start), 500);
        assert_eq!(add(start.wrapping_add(2_000)), 2_500, "over the end of the clock");
        assert_eq!(add(start.wrapping_add(1_000)), 2_500, "out of order");
        assert_eq!(add(start - 4_000), 6_500, "backwards");
        assert_eq!(played.packet(b""), None);
        played.restart();
        assert_eq!(played.packet(&packet(7)).unwrap().as_millis(), 500);
    }
}
