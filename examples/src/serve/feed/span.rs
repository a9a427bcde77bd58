//! How long the packets of a file last, and the times of a file that is played again and again.

use mms_asf::{Error, Header, Packet, SendClock, Shift, TimeShifter};

/// How much longer media may be shown than packets are sent, in milliseconds. A presentation time
/// that is farther away is damaged.
const SHOWN_LONGER: i64 = 10_000;
/// A file lasts at least so many milliseconds, so that one without times does not spin.
const SHORTEST: i64 = 100;

/// Puts the packets of a file on a timeline, round after round.
///
/// The first round keeps its times. In each later one they are as much later as the packets last,
/// so that neither send times nor presentation times go back.
#[derive(Debug)]
pub(super) struct Rounds {
    packet_size: u32,
    shifter: TimeShifter,
    span: Span,
    first_round: bool,
    /// How far times are moved, in milliseconds.
    offset: i64,
    /// Where the file begins on the timeline.
    position: i64,
    clock: SendClock,
}

impl Rounds {
    /// A file whose first packet is at this position of the timeline, in milliseconds.
    pub(super) fn new(header: &Header, position: i64) -> Self {
        Self {
            packet_size: header.file().packet_size,
            shifter: TimeShifter::new(header),
            span: Span::default(),
            first_round: true,
            offset: 0,
            position,
            clock: SendClock::new(),
        }
    }

    /// Moves the times of the next packet, and returns its position on the timeline.
    ///
    /// Fails, with nothing changed, when the packet cannot be read or its times not be moved.
    pub(super) fn place(&mut self, packet: &mut [u8]) -> Result<i64, Error> {
        let parsed = Packet::parse(packet, self.packet_size)?;
        let send_time = parsed.send_time();
        if self.first_round {
            self.span.observe(&parsed);
        } else {
            self.shifter.shift(packet, Shift::all(self.offset))?;
        }
        let first = self.span.sent.map_or(0, |(first, _)| first);
        let sent = self.clock.follow(send_time);
        Ok(self.position.saturating_add(self.offset).saturating_add(sent.saturating_sub(first)))
    }

    /// Whether the file has not begun again.
    pub(super) fn is_first(&self) -> bool {
        self.first_round
    }

    /// The next packet is the first one again.
    pub(super) fn again(&mut self) {
        self.first_round = false;
        self.offset = self.offset.saturating_add(self.span.length());
        self.clock = SendClock::new();
    }

    /// Where the file ends on the timeline.
    pub(super) fn end(&self) -> i64 {
        self.position.saturating_add(self.offset).saturating_add(self.span.length())
    }
}

/// How long packets last, in milliseconds.
#[derive(Debug, Default)]
struct Span {
    clock: SendClock,
    /// The first and the latest send time.
    sent: Option<(i64, i64)>,
    /// The earliest and the latest presentation time.
    shown: Option<(i64, i64)>,
    packets: i64,
    /// What the last packet says of itself.
    duration: i64,
}

impl Span {
    fn observe(&mut self, packet: &Packet<'_>) {
        let sent = self.clock.follow(packet.send_time());
        let (first, last) = self.sent.unwrap_or((sent, sent));
        self.sent = Some((first, last.max(sent)));
        self.packets = self.packets.saturating_add(1);
        self.duration = i64::from(packet.duration());
        for payload in packet.payloads().map_while(Result::ok) {
            // The others have the time of the packet, which says nothing.
            if payload.object_size.is_none() && payload.compressed.is_none() {
                continue;
            }
            for piece in payload.pieces().map_while(Result::ok) {
                let time = self.clock.shown(piece.presentation_time);
                let (least, most) = self.shown.unwrap_or((time, time));
                self.shown = Some((least.min(time), most.max(time)));
            }
        }
    }

    /// From the beginning of the first packet to the end of the last one, or of what is shown
    /// where that is longer.
    fn length(&self) -> i64 {
        let length =
            |times: Option<(i64, i64)>| times.map_or(0, |(first, last)| last.saturating_sub(first));
        let (sent, shown) = (length(self.sent), length(self.shown));
        // Encoders that say 0 send a packet each so often.
        let between = sent.checked_div(self.packets.saturating_sub(1)).unwrap_or(0);
        let shown = shown.min(sent.saturating_add(SHOWN_LONGER));
        sent.max(shown).saturating_add(self.duration.max(between)).max(SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};

    use super::*;

    fn times(packet: &[u8]) -> (u32, u32) {
        let packet = Packet::parse(packet, 200).unwrap();
        (packet.send_time(), packet.payloads().next().unwrap().unwrap().presentation_time)
    }

    fn rounds(packets: &[Vec<u8>], count: usize) -> Vec<(i64, (u32, u32))> {
        let header = testing::header(200, 9, &[TestStream::Audio(1)]);
        let mut rounds = Rounds::new(&Header::parse(&header).unwrap(), 0);
        let mut all = Vec::new();
        for _ in 0..count {
            for packet in packets {
                let mut packet = packet.clone();
                let position = rounds.place(&mut packet).unwrap();
                all.push((position, times(&packet)));
            }
            rounds.again();
        }
        all
    }

    #[test]
    fn each_round_begins_where_the_one_before_ends() {
        let packets: Vec<_> = (5..8).map(|n| testing::packet(n, 200, b"x").to_vec()).collect();
        let all = rounds(&packets, 3);
        for (number, (position, (sent, shown))) in (0_u32..).zip(&all) {
            assert_eq!(*position, i64::from(number) * 1_000);
            assert_eq!((*sent, *shown), ((number + 5) * 1_000, (number + 8) * 1_000));
        }
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn media_that_is_shown_after_the_last_packet_was_sent_counts() {
        let packet = |sent: u32, shown: u32| {
            let payload = TestPayload::whole(1, 0, shown, b"x");
            let packet = TestPacket { send_time: sent, ..TestPacket::single(payload) };
            packet.build(200).to_vec()
        };
        let all = rounds(&[packet(0, 3_000), packet(100, 4_500)], 2);
        assert_eq!(all[2], (1_600, (1_600, 4_600)));
        // One that is damaged does not.
        let all = rounds(&[packet(0, 3_000), packet(100, 400_000_000)], 2);
        assert_eq!(all[2].0, 10_200);
    }

    #[test]
    fn a_file_without_times_takes_time() {
        let packet = TestPacket::single(TestPayload::whole(1, 0, 3_000, b"x")).build(200).to_vec();
        let all = rounds(&[packet], 3);
        assert_eq!(all.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [0, 100, 200]);
    }

    #[test]
    fn times_wrap_and_go_on() {
        let packets: Vec<_> = (0..3)
            .map(|n: u32| {
                let time = 0xFFFF_FC00_u32.wrapping_add(n * 1_000);
                let payload = TestPayload::whole(1, n, time.wrapping_add(3_000), b"x");
                let packet = TestPacket { send_time: time, ..TestPacket::single(payload) };
                packet.build(200).to_vec()
            })
            .collect();
        let all = rounds(&packets, 2);
        let positions: Vec<_> = all.iter().map(|(position, _)| *position).collect();
        assert_eq!(positions, [0, 1_000, 2_000, 3_000, 4_000, 5_000]);
        assert_eq!(all[3].1.0, 0xFFFF_FC00_u32.wrapping_add(3_000));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let header = testing::header(200, 9, &[TestStream::Audio(1)]);
        let mut rounds = Rounds::new(&Header::parse(&header).unwrap(), 70);
        assert!(rounds.place(&mut [0x92; 200]).is_err());
        assert_eq!(rounds.end(), 70 + SHORTEST);
    }
}
