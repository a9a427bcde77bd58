//! What waits to be written to one player, in as few writes as the players bear.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::time::Instant;

use mms_proto::Transmit;

/// Bytes that are gathered for one write at most: a write for each packet would cost twenty times the
/// time.
const GATHER: usize = 64 << 10;
/// Bytes that are gathered for a socket that was full lately, and at first: what does not fit waits
/// here, and thousands of slow readers have to be cheap.
const GATHER_LESS: usize = 8 << 10;
/// Packets of one write. A system takes no more than 1,024 pieces, which is twice as many packets.
const PACKETS: usize = 64;
/// Room for packets that is kept while there are none.
const KEPT: usize = 16;

/// Bytes on their way to a socket that does not wait.
///
/// Data packets are gathered. A control message is a write of its own, since VLC and MPlayer fail
/// on one that comes in two pieces (T43); when the system takes only a part of it, the rest
/// follows as soon as there is room.
#[derive(Debug)]
pub(super) struct Writer {
    parts: VecDeque<Transmit>,
    /// Bytes of the first part that are written already.
    written: usize,
    /// Bytes that wait.
    bytes: usize,
    /// Bytes to gather for the next write.
    gather: usize,
    /// Since when the socket has taken nothing.
    stuck: Option<Instant>,
}

impl Default for Writer {
    fn default() -> Self {
        let parts = VecDeque::new();
        Self { parts, written: 0, bytes: 0, gather: GATHER_LESS, stuck: None }
    }
}

impl Writer {
    /// Queues what the machine wants to send.
    pub(super) fn push(&mut self, transmit: Transmit) {
        self.bytes = self.bytes.saturating_add(transmit.len());
        self.parts.push_back(transmit);
    }

    /// True when it is time to write: a message waits, or enough packets for one write.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.gather || matches!(self.parts.back(), Some(Transmit::Message(_)))
    }

    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Since when the socket has taken no byte although there is something to write.
    pub(super) fn stuck_since(&self) -> Option<Instant> {
        self.stuck
    }

    /// Writes until everything is written, which is `true`, or the socket takes no more.
    pub(super) fn flush(&mut self, socket: &mut impl Write, now: Instant) -> io::Result<bool> {
        let full = self.bytes >= self.gather;
        while !self.parts.is_empty() {
            match self.write(socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.stuck = None;
                    self.advance(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stuck.get_or_insert(now);
                    self.gather = GATHER_LESS;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        if full {
            // It took all of this at once, and may take more.
            self.gather = self.gather.saturating_mul(2).min(GATHER);
        }
        self.parts.shrink_to(KEPT);
        Ok(true)
    }

    /// One write: the packets at the front, or the message there.
    fn write(&self, socket: &mut impl Write) -> io::Result<usize> {
        if let Some(Transmit::Message(bytes)) = self.parts.front() {
            return socket.write(bytes.get(self.written..).unwrap_or_default());
        }
        let mut slices = [IoSlice::new(&[]); 2 * PACKETS];
        let packets = self.parts.iter().take_while(|part| matches!(part, Transmit::Data { .. }));
        let mut skip = self.written;
        let mut count = 0;
        for (bytes, slice) in
            packets.flat_map(Transmit::parts).filter(|part| !part.is_empty()).zip(&mut slices)
        {
            let rest = bytes.get(skip..).unwrap_or_default();
            skip = skip.saturating_sub(bytes.len());
            *slice = IoSlice::new(rest);
            count += 1;
        }
        socket.write_vectored(slices.get(..count).unwrap_or_default())
    }

    fn advance(&mut self, count: usize) {
        self.bytes = self.bytes.saturating_sub(count);
        self.written = self.written.saturating_add(count);
        while let Some(length) = self.parts.front().map(Transmit::len) {
            if self.written < length {
                break;
            }
            self.written = self.written.saturating_sub(length);
            self.parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// A socket that takes so many bytes a write, and says so when it has no more room.
    struct Socket {
        takes: VecDeque<usize>,
        writes: Vec<Vec<u8>>,
    }

    impl Socket {
        fn new(takes: impl IntoIterator<Item = usize>) -> Self {
            Self { takes: takes.into_iter().collect(), writes: Vec::new() }
        }
    }

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            let count = self.takes.pop_front().ok_or(ErrorKind::WouldBlock)?.min(all.len());
            self.writes.push(all[..count].to_vec());
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn message(byte: u8) -> Transmit {
        Transmit::Message(Bytes::from(vec![byte; 40]))
    }

    fn packet(byte: u8, length: usize) -> Transmit {
        Transmit::Data { head: [byte; 8].into(), body: Bytes::from(vec![byte; length]), tail: &[] }
    }

    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn packets_share_a_write_and_a_message_has_its_own() {
        let mut writer = Writer::default();
        for part in [packet(1, 100), packet(2, 50), message(3), message(4), packet(5, 10)] {
            writer.push(part);
        }
        let mut socket = Socket::new([usize::MAX; 9]);
        assert!(writer.flush(&mut socket, now()).unwrap());
        let lengths: Vec<_> = socket.writes.iter().map(Vec::len).collect();
        assert_eq!(lengths, [108 + 58, 40, 40, 18]);
        assert!(writer.is_empty() && writer.bytes == 0);
    }

    #[test]
    fn every_byte_goes_once_and_in_order_however_few_are_taken() {
        let parts = [packet(1, 300), message(2), packet(3, 1), packet(4, 700), message(5)];
        let wanted: Vec<u8> = parts.iter().flat_map(|part| part.to_bytes().to_vec()).collect();
        for step in 1..50 {
            let mut writer = Writer::default();
            parts.iter().for_each(|part| writer.push(part.clone()));
            let mut socket = Socket::new([]);
            let mut rounds = 0;
            while !writer.flush(&mut socket, now()).unwrap() {
                socket.takes.push_back(step);
                rounds += 1;
                assert!(rounds < 2_000);
            }
            assert_eq!(socket.writes.concat(), wanted, "{step} bytes at a time");
        }
    }

    #[test]
    fn more_packets_than_one_write_takes() {
        let mut writer = Writer::default();
        (0..200).for_each(|_| writer.push(packet(7, 2)));
        let mut socket = Socket::new([usize::MAX; 9]);
        assert!(writer.flush(&mut socket, now()).unwrap());
        assert_eq!(socket.writes.concat().len(), 2_000);
        assert_eq!(socket.writes.len(), 4);
        assert!(writer.parts.capacity() < 200);
    }

    #[test]
    fn it_is_stuck_from_the_first_refusal_until_a_byte_is_taken() {
        let mut writer = Writer::default();
        writer.push(packet(1, 10));
        let begin = now();
        let later = begin + std::time::Duration::from_secs(1);
        let mut socket = Socket::new([]);
        assert!(!writer.flush(&mut socket, begin).unwrap());
        assert!(!writer.flush(&mut socket, later).unwrap());
        assert_eq!(writer.stuck_since(), Some(begin));
        socket.takes.push_back(1);
        assert!(!writer.flush(&mut socket, later).unwrap());
        assert_eq!(writer.stuck_since(), Some(later));
    }

    #[test]
    fn it_is_full_with_a_message_or_enough_packets() {
        let mut writer = Writer::default();
        writer.push(packet(1, 1_000));
        assert!(!writer.is_full());
        writer.push(message(2));
        assert!(writer.is_full());
        let mut writer = Writer::default();
        (0..9).for_each(|_| writer.push(packet(1, 1_000)));
        assert!(writer.is_full());
    }

    /// Packets until it is full, and how many bytes that are.
    fn fill(writer: &mut Writer) -> usize {
        while !writer.is_full() {
            writer.push(packet(1, 1_000));
        }
        writer.bytes
    }

    #[test]
    fn little_waits_for_a_slow_reader_and_much_is_written_to_a_fast_one() {
        let mut writer = Writer::default();
        for least in [8, 16, 32, 64, 64] {
            let bytes = fill(&mut writer);
            assert!((least << 10..(least + 2) << 10).contains(&bytes), "{bytes}");
            assert!(writer.flush(&mut Socket::new([usize::MAX; 99]), now()).unwrap());
        }
        // Full once: no more than 8 KiB is taken from the machine until it takes all of that.
        fill(&mut writer);
        let mut socket = Socket::new([60_000]);
        assert!(!writer.flush(&mut socket, now()).unwrap());
        socket.takes.extend([usize::MAX; 99]);
        assert!(writer.flush(&mut socket, now()).unwrap());
        assert!(fill(&mut writer) < 10 << 10);
        // Small writes are no sign of a fast reader.
        assert!(writer.flush(&mut Socket::new([1; 1]), now()).is_ok_and(|done| !done));
        let mut writer = Writer::default();
        for _ in 0..9 {
            writer.push(packet(1, 1_000));
            assert!(writer.flush(&mut Socket::new([usize::MAX; 9]), now()).unwrap());
        }
        assert!(fill(&mut writer) < 10 << 10);
    }
}
