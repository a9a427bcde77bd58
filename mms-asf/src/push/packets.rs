//! Packets: one after the other, as long as they lie where they should.

use super::known::{self, Opening, check_packet, other_opening, read_send_time};
use super::search::Search;
use super::whole::Known;
use super::{Cause, Event, Next, State, StreamParser};
use crate::object::HEAD;
use crate::{Deviation, Error, Header, StreamSet};

/// What is known about the packets behind the last header.
#[derive(Debug)]
pub(super) struct Data {
    /// 0 in front of the first header.
    pub(super) packet_size: usize,
    /// Where the Data Object says that it ends; `None` when it does not, and from the moment that
    /// packets follow there.
    pub(super) end: Option<u64>,
    /// The streams that the header declares.
    pub(super) streams: StreamSet,
    /// How the packets begin.
    pub(super) opening: Opening,
    /// An object was there: what follows is one too.
    pub(super) over: bool,
    /// The send time of the last packet that was read, or that was found in a search and was of
    /// another time, in milliseconds.
    pub(super) sent: Option<u32>,
    /// The stored length of the packet at a boundary.
    pub(super) stored: Option<Known<Option<usize>>>,
    /// Whether a packet starts shortly after a boundary.
    pub(super) within: Option<Known<bool>>,
    /// The number of the next packet.
    number: u64,
    /// Where the packets end as far as they were seen.
    seen_to: u64,
    declared_end: Option<u64>,
    declared_count: Option<u64>,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            packet_size: 0,
            end: None,
            streams: StreamSet::EMPTY,
            opening: Opening::Customary,
            over: false,
            sent: None,
            stored: None,
            within: None,
            number: 0,
            seen_to: 0,
            declared_end: None,
            declared_count: None,
        }
    }
}

impl Data {
    /// For the Data Object at `offset`, whose packets start at `start`.
    pub(super) fn new(header: &Header, offset: u64, start: u64) -> Self {
        // Live servers and unfinished files may declare a Data Object without packets.
        let filled = header.declared_packet_bytes().is_some_and(|bytes| bytes > 0);
        let end = filled.then(|| offset.saturating_add(header.data_size()));
        Self {
            packet_size: header.file().packet_size as usize,
            end,
            streams: header.stream_numbers().collect(),
            seen_to: start,
            declared_end: end,
            declared_count: header.declared_packets(),
            ..Self::default()
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.packet_size == 0
    }

    /// Whether the Data Object has ended at `offset`, by what it says and by what was found.
    fn is_over(&self, offset: u64) -> bool {
        self.over || self.end.is_some_and(|end| offset >= end)
    }

    /// Whether the packet at `offset` begins like those before it and lies where packets do. It
    /// can be no object then.
    #[inline]
    pub(super) fn looks_usual(&self, packet: &[u8], offset: u64) -> bool {
        let after = offset.checked_add(self.packet_size as u64);
        packet.first() == Some(&0x82)
            && self.opening != Opening::Customary
            && self.opening.fits(packet)
            // With a packet length, it may be stored without its padding.
            && packet.get(3).is_some_and(|flags| flags & 0x60 == 0)
            && !self.over
            && after.is_some_and(|after| self.end.is_none_or(|end| after <= end))
    }

    /// Counts `count` packets up to `offset`.
    #[inline]
    pub(super) fn passed(&mut self, count: u64, offset: u64) {
        self.number = self.number.saturating_add(count);
        self.seen_to = offset;
    }

    /// Counts `len` bytes up to `offset` in which packets should have been.
    pub(super) fn lost(&mut self, len: u64, offset: u64) {
        let size = self.packet_size as u64;
        let packets = len.saturating_add(size / 2).checked_div(size).unwrap_or(0);
        self.number = self.number.saturating_add(packets);
        self.seen_to = offset;
    }
}

impl StreamParser {
    /// The packet that lies at a boundary, as nearly all of them lie: whole, in the middle of the
    /// data, and of the customary form. What is anything else, [`boundary`](Self::boundary) finds
    /// out; it would find this packet too, with more steps.
    #[inline]
    pub(super) fn usual(&mut self) -> Option<Event> {
        let bytes = self.buffer.unread().get(..self.data.packet_size)?;
        let usual = self.data.looks_usual(bytes, self.buffer.offset());
        if !usual {
            return None;
        }
        self.data.sent = Some(read_send_time(bytes, self.data.packet_size).ok()?);
        Some(self.take_packet(self.data.packet_size))
    }

    /// Reads what lies at a boundary: where a packet ended, or an object.
    pub(super) fn boundary(&mut self) -> Next {
        self.at_boundary().unwrap_or_else(|wait| wait)
    }

    fn at_boundary(&mut self) -> Result<Next, Next> {
        let head = self.view(0, HEAD)?;
        if head.is_empty() {
            return Ok(self.end());
        }
        if let Some((id, size)) = self.known(0, head) {
            return self.object(id, size);
        }
        let offset = self.buffer.offset();
        if self.data.is_over(offset) {
            return self.behind();
        }
        if let Some(len) = self.stored_len()? {
            let bytes = self.view(0, len)?;
            let opening = Opening::of(bytes);
            let sent = read_send_time(bytes, self.data.packet_size).ok();
            return Ok(self.packet(opening, len, sent));
        }
        let size = self.data.packet_size;
        let left = self.data.end.map_or(u64::MAX, |end| end.saturating_sub(offset));
        if let Some(left) = usize::try_from(left).ok().filter(|&left| left < size) {
            if self.ends_inside(left)? {
                self.data.seen_to = offset.saturating_add(left as u64);
                return Ok(Next::Event(self.damage(left, Cause::Partial)));
            }
        }
        let bytes = self.view(0, size)?;
        if bytes.len() < size {
            // A packet that was cut; but an index or a packet without its padding may follow.
            let mut rests = (1..bytes.len()).map(|at| (at, bytes.get(at..).unwrap_or_default()));
            let known = rests.any(|(at, rest)| self.known(at, rest).is_some());
            let end = bytes.len();
            if known || self.packet_before(end)? {
                self.state = State::Search(Search::new(Cause::Lost));
                return Ok(Next::Again);
            }
            return Ok(self.end());
        }
        let opening = Opening::of(bytes);
        let error = match self.check(bytes) {
            // The way of nearly all packets: nothing behind it has to be waited for.
            Ok((_, sent)) if self.data.opening.fits(bytes) => {
                return Ok(self.packet(opening, size, Some(sent)));
            }
            // Of another form than nearly all: only in front, and with the next one like it. Damage
            // has many forms, and one of them could be taken for a packet again and again.
            Ok((streams, sent))
                if self.data.opening == Opening::Customary
                    && self.data.streams.contains_all(streams)
                    && self.holds(size, opening)? =>
            {
                return Ok(self.packet(opening, size, Some(sent)));
            }
            // Legal, and without media: parity of other packets.
            Err(Error::Unsupported { .. })
                if self.data.opening.is_opaque(bytes) && self.holds(size, self.data.opening)? =>
            {
                return Ok(self.packet(self.data.opening, size, None));
            }
            Ok(_) => other_opening(),
            Err(error) => error,
        };
        if self.holds(size, self.data.opening)? {
            self.data.lost(size as u64, offset.saturating_add(size as u64));
            return Ok(Next::Event(self.damage(size, Cause::Packet(error))));
        }
        self.state = State::Search(Search::new(Cause::Lost));
        Ok(Next::Again)
    }

    /// Takes a packet of which `len` bytes are stored, sent at `sent` milliseconds.
    fn packet(&mut self, opening: Opening, len: usize, sent: Option<u32>) -> Next {
        if self.data.opening == Opening::Customary {
            self.data.opening = opening;
        }
        self.data.sent = sent.or(self.data.sent);
        Next::Event(self.take_packet(len))
    }

    #[inline]
    fn take_packet(&mut self, len: usize) -> Event {
        let (number, offset) = (self.data.number, self.buffer.offset());
        let bytes = self.buffer.take(len);
        self.data.passed(1, self.buffer.offset());
        self.headers = 0;
        Event::Packet { number, offset, bytes }
    }

    /// Whether the Data Object ends after `left` bytes, which are no packet, and more follows.
    fn ends_inside(&mut self, left: usize) -> Result<bool, Next> {
        if self.known(left, self.view(left, HEAD)?).is_some() {
            return Ok(true);
        }
        // Bytes between packets move them past the end that the Data Object declares.
        if self.packet_before(left)? {
            return Ok(false);
        }
        let size = self.data.packet_size;
        let bytes = self.view(0, size)?;
        let is_packet =
            bytes.len() == size && self.data.opening.fits(bytes) && self.check(bytes).is_ok();
        Ok(!is_packet && bytes.len() > left)
    }

    /// The streams of a packet and its send time, if the bytes can be one.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(StreamSet, u32), Error> {
        let checked = check_packet(bytes, self.data.packet_size)?;
        // A packet without its customary error correction data can be read as one that never had
        // any; then it ends with those of the next one. No packet has told otherwise yet.
        if self.data.opening == Opening::Customary
            && bytes.first().is_some_and(|first| first & 0x80 == 0)
            && bytes.ends_with(&[0x82, 0, 0])
        {
            return Err(Error::Malformed {
                what: "data packet",
                offset: 0,
                expected: "the error correction data that lie at its end",
            });
        }
        Ok(checked)
    }

    /// Whether a packet that begins like `opening` lies at `at`, or what else may follow a packet.
    pub(super) fn holds(&self, at: usize, opening: Opening) -> Result<bool, Next> {
        let head = self.view(at, HEAD)?;
        if head.is_empty() || self.known(at, head).is_some() {
            return Ok(true);
        }
        let offset = self.buffer.offset().saturating_add(at as u64);
        if self.data.end == Some(offset) && known::any_object(head, &self.limits).is_some() {
            return Ok(true);
        }
        let size = self.data.packet_size;
        let bytes = self.view(at, size)?;
        Ok(opening.fits(bytes) && (bytes.len() < size || self.check(bytes).is_ok()))
    }

    /// The input has ended, with less than a packet unread.
    fn end(&mut self) -> Next {
        let offset = self.buffer.offset();
        let leftover = self.buffer.take(usize::MAX);
        if !leftover.is_empty() {
            self.data.seen_to = self.buffer.offset();
        }
        self.close();
        self.queue.push_back(Event::End { offset, leftover });
        self.state = State::Ended;
        Next::Again
    }

    /// No more packets are expected: says what was declared otherwise, once a header.
    pub(super) fn close(&mut self) {
        let data = &mut self.data;
        let (end, count) = (data.declared_end.take(), data.declared_count.take());
        if let Some(declared) = end.filter(|&end| end != data.seen_to) {
            let deviation = Deviation::DataEnd { declared, found: data.seen_to };
            self.queue.push_back(Event::Deviation(deviation));
        }
        if let Some(declared) = count.filter(|&count| count != data.number) {
            let deviation = Deviation::PacketCount { declared, found: data.number };
            self.queue.push_back(Event::Deviation(deviation));
        }
    }
}
