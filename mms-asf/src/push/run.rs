//! Runs of packets, for those in this library to whom a file is not one packet after the other but
//! bytes to be passed on.

use bytes::Bytes;

use super::known::{Opening, read_packet};
use super::{State, StreamParser};
use crate::{Packet, Payload};

impl StreamParser {
    /// Takes the packets that come next and are [usual](Self::usual), as far as they were
    /// received, all in one slice, when packets begin like `opening`. `each` sees every one of
    /// them first, with its payloads, and ends the run before the packet that it refuses.
    ///
    /// `None` when there are none of this kind: [`poll`](Self::poll) tells what there is instead.
    /// It would hand out the same packets one by one.
    pub(crate) fn run(
        &mut self,
        opening: Opening,
        mut each: impl FnMut(&Packet<'_>, &[Payload<'_>]) -> bool,
    ) -> Option<Bytes> {
        if !self.is_at_boundary() || self.data.opening != opening {
            return None;
        }
        let size = self.data.packet_size;
        let mut payloads = Vec::new();
        let (mut count, mut len) = (0_u64, 0_usize);
        for bytes in self.buffer.unread().chunks_exact(size.max(1)) {
            let offset = self.buffer.offset().saturating_add(len as u64);
            if !self.data.looks_usual(bytes, offset) {
                break;
            }
            payloads.clear();
            let Ok(packet) = read_packet(bytes, size, |payload| payloads.push(payload)) else {
                break;
            };
            if !each(&packet, &payloads) {
                break;
            }
            self.data.sent = Some(packet.send_time());
            count = count.saturating_add(1);
            len = len.saturating_add(size);
        }
        if count == 0 {
            return None;
        }
        let run = self.buffer.take(len);
        self.data.passed(count, self.buffer.offset());
        self.headers = 0;
        self.needed = 0;
        Some(run)
    }

    /// Whether there was no [run](Self::run) only because the next packet was not received whole.
    pub(crate) fn lacks_packet(&self) -> bool {
        self.is_at_boundary() && !self.ended && self.buffer.len() < self.data.packet_size
    }

    fn is_at_boundary(&self) -> bool {
        matches!(self.state, State::Boundary) && self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, TestStream};
    use crate::{Event, guid};

    const SIZE: u32 = 100;

    /// A parser that has read the header and the first packet of this file.
    fn begun(parts: &[&[u8]]) -> StreamParser {
        let mut parser = StreamParser::new();
        parts.iter().for_each(|part| parser.push(part));
        while !matches!(parser.poll(), Ok(Some(Event::Packet { .. }))) {}
        parser
    }

    fn packets(count: u32) -> Vec<u8> {
        (0..count).flat_map(|number| testing::packet(number, SIZE, b"data")).collect()
    }

    #[test]
    fn a_run_is_what_the_events_would_be() {
        let header = testing::header(SIZE, 7, &[TestStream::Audio(1)]);
        let packets = packets(7);
        let opening = Opening::of(&packets);
        let mut parser = begun(&[&header, &packets[..450]]);
        let mut times = Vec::new();
        let mut note = |packet: &Packet<'_>, payloads: &[Payload<'_>]| {
            times.push((packet.send_time(), payloads.len()));
            true
        };
        assert_eq!(parser.run(opening, &mut note).unwrap(), packets[100..400]);
        assert!(parser.run(opening, &mut note).is_none() && parser.lacks_packet());
        parser.push(&packets[450..]);
        let Some(Event::Packet { number, offset, .. }) = parser.poll().unwrap() else { panic!() };
        assert_eq!((number, offset), (4, header.len() as u64 + 400));
        assert_eq!(parser.run(opening, &mut note).unwrap(), packets[500..]);
        parser.finish();
        assert!(parser.run(opening, &mut note).is_none() && !parser.lacks_packet());
        // No deviation: all of them were counted.
        assert!(matches!(parser.poll(), Ok(Some(Event::End { .. }))));
        assert_eq!(times, [(1_000, 1), (2_000, 1), (3_000, 1), (5_000, 1), (6_000, 1)]);
    }

    #[test]
    fn a_run_ends_where_something_else_lies() {
        let packets = packets(6);
        let opening = Opening::of(&packets);
        let index = testing::object(guid::SIMPLE_INDEX, &[0; 32]);
        let header = testing::header(SIZE, 3, &[TestStream::Audio(1)]);
        let hole = [0x82, 0, 0].into_iter().chain([0; 97]).collect::<Vec<_>>();
        for (between, wanted) in [(&hole, "Damage"), (&index.to_vec(), "Object")] {
            let mut parser = begun(&[&header, &packets[..300], between, &packets[300..]]);
            assert_eq!(parser.run(opening, |_, _| true).unwrap(), packets[100..300]);
            assert!(parser.run(opening, |_, _| true).is_none() && !parser.lacks_packet());
            assert!(format!("{:?}", parser.poll()).contains(wanted), "{wanted}");
        }
        // Where the Data Object says that it ends, whatever follows.
        let mut parser = begun(&[&header, &packets]);
        assert_eq!(parser.run(opening, |_, _| true).unwrap(), packets[100..300]);
        assert!(parser.run(opening, |_, _| true).is_none());
    }
}
