//! Headers, packets and indexes out of bytes that arrive in pieces and cannot be sought in.

mod behind;
mod buffer;
mod event;
mod header;
mod known;
mod packets;
mod run;
mod search;
mod size;
mod whole;

use std::collections::VecDeque;

use uuid::Uuid;

pub use self::event::{Cause, Event};
pub(crate) use self::known::{Opening, check_packet, other_opening};
pub(crate) use self::size::Sizes;
pub(crate) use self::whole::{is_near, is_plausible};

use self::buffer::Buffer;
use self::packets::Data;
use self::search::Search;
use crate::{Error, Limits, guid};

/// Reads a file or stream from a network or a pipe. Does no input itself: bytes are put in, cut
/// anywhere, and events taken out. Where the bytes were cut makes no difference to the events.
///
/// After damage it carries on. A packet that cannot be read is handed out as
/// [`Damage`](Event::Damage), and where bytes are missing or too many, the next place is looked for
/// at which a whole packet continues its streams, or two packets in a row begin. Sizes and counts in the header are not trusted: the data
/// end where an index starts or the input ends, and what was declared otherwise becomes a
/// [`Deviation`](Event::Deviation). Between two packets a new header may start, as it
/// does where a server goes on to another file.
///
/// It holds the bytes of the event that comes next, which is one header, one object or a few
/// packets, and what was pushed since the last [`poll`](Self::poll). Packets are slices of blocks of
/// 128 KiB or more: whoever keeps few of them for long copies them.
///
/// ```
/// use mms_asf::{Event, Packet, StreamParser};
///
/// # use mms_asf::testing::{self, TestStream};
/// # let mut file = testing::header(256, 3, &[TestStream::Audio(1)]).to_vec();
/// # (0..3).for_each(|n| file.extend_from_slice(&testing::packet(n, 256, b"data")));
/// let mut parser = StreamParser::new();
/// let (mut packets, mut packet_size) = (0, 0);
/// let mut pieces = file.chunks(100);
/// loop {
///     match parser.poll()? {
///         Some(Event::Header { header, .. }) => packet_size = header.file().packet_size,
///         Some(Event::Packet { bytes, .. }) => {
///             packets += Packet::parse(&bytes, packet_size)?.payloads().count();
///         }
///         Some(Event::End { .. }) => break,
///         Some(other) => println!("{other:?}"),
///         None => match pieces.next() {
///             Some(piece) => parser.push(piece),
///             None => parser.finish(),
///         },
///     }
/// }
/// assert_eq!(packets, 3);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug)]
pub struct StreamParser {
    limits: Limits,
    buffer: Buffer,
    ended: bool,
    /// With fewer bytes than this nothing can be decided. Kept so that bytes that arrive one by
    /// one do not have the same packet read again for each.
    needed: usize,
    state: State,
    /// Events that were found together.
    queue: VecDeque<Event>,
    data: Data,
    /// Headers since the last packet.
    headers: u32,
    /// Bytes that were looked at in vain.
    spent: u64,
}

/// How many bytes may be looked at in vain: so many, and so many for each byte of input. Real damage
/// needs next to nothing of it; input made to look like packets and headers everywhere is thereby
/// read in time proportional to its length.
const IN_VAIN: (u64, u64) = (16 << 20, 64);

#[derive(Debug)]
enum State {
    /// At a Header Object. The Data Object does not start in front of `scan`.
    Header { scan: usize },
    /// Where a packet or an object is expected.
    Boundary,
    /// Where neither is.
    Search(Search),
    /// In an object that is not kept.
    Skip { id: Uuid, offset: u64, left: u64 },
    /// Everything was told.
    Ended,
    /// An error was told, and will be again.
    Failed(Error),
}

/// What became of an attempt to go on.
enum Next {
    /// This happened.
    Event(Event),
    /// Look at the queue, and try again.
    Again,
    /// Nothing can be said with less than so many bytes.
    Wait(usize),
}

impl StreamParser {
    /// A parser for a file or stream from its start.
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// [`StreamParser::new`] with other limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            buffer: Buffer::new(),
            ended: false,
            needed: 0,
            state: State::Header { scan: 0 },
            queue: VecDeque::new(),
            data: Data::default(),
            headers: 0,
            spent: 0,
        }
    }

    /// Copies bytes in. [`poll`](Self::poll) until there is nothing more before the next ones: what
    /// is pushed is kept until then.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.accepts() {
            self.buffer.push(bytes);
        }
    }

    /// Where to read bytes to, at least 32 KiB of room; the way without a copy. Packets will be
    /// slices of this memory.
    pub fn room(&mut self) -> &mut [u8] {
        self.buffer.room()
    }

    /// Takes in the first `count` bytes of [`room`](Self::room), which has to be called for each
    /// time.
    pub fn received(&mut self, count: usize) {
        if self.accepts() {
            self.buffer.received(count);
        }
    }

    /// The input has ended. What is pushed from now on is ignored.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// The next event; `None` when more bytes are needed, or after [`Event::End`].
    ///
    /// Fails when the first header cannot be read, and when there are more headers without packets
    /// than [`Limits::headers`]. Nothing follows an error but the same error again.
    pub fn poll(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(Some(event));
            }
            if self.buffer.len() < self.needed && !self.ended {
                return Ok(None);
            }
            self.needed = 0;
            let next = match self.state {
                State::Header { scan } => self.header(scan)?,
                State::Boundary => match self.usual() {
                    Some(packet) => return Ok(Some(packet)),
                    None => self.boundary(),
                },
                State::Search(_) => self.search(),
                State::Skip { id, offset, left } => self.skip(id, offset, left),
                State::Ended => return Ok(None),
                State::Failed(ref error) => return Err(error.clone()),
            };
            match next {
                Next::Event(event) => return Ok(Some(event)),
                Next::Again => {}
                Next::Wait(count) => {
                    self.needed = count;
                    return Ok(None);
                }
            }
        }
    }

    fn accepts(&self) -> bool {
        !self.ended && !matches!(self.state, State::Failed(_))
    }

    /// Exactly `count` bytes from `at` on, or those up to the end of the input. When bytes are
    /// missing, the answer is how many are needed in all. What is decided by this alone does not
    /// depend on where the input was cut.
    fn view(&self, at: usize, count: usize) -> Result<&[u8], Next> {
        let rest = self.buffer.unread().get(at..).unwrap_or_default();
        match rest.get(..count) {
            Some(bytes) => Ok(bytes),
            None if self.ended => Ok(rest),
            None => Err(Next::Wait(at.saturating_add(count))),
        }
    }

    /// Whether so many bytes may be looked at, `at` bytes from here.
    fn may_look(&self, at: usize, count: usize) -> bool {
        let (base, each) = IN_VAIN;
        let place = self.buffer.offset().saturating_add(at as u64);
        self.spent.saturating_add(count as u64) <= place.saturating_mul(each).saturating_add(base)
    }

    fn looked_in_vain(&mut self, count: usize) {
        self.spent = self.spent.saturating_add(count as u64);
    }

    /// The known object `at` bytes from here, with its size; `head` is its first 24 bytes.
    fn known(&self, at: usize, head: &[u8]) -> Option<(Uuid, u64)> {
        let (id, size) = known::known(head, &self.limits)?;
        let header = usize::try_from(size).ok().filter(|_| id == guid::HEADER);
        header.is_none_or(|size| self.may_look(at, size)).then_some((id, size))
    }

    /// Takes bytes that were not understood.
    fn damage(&mut self, len: usize, cause: Cause) -> Event {
        let offset = self.buffer.offset();
        Event::Damage { offset, bytes: self.buffer.take(len), cause }
    }
}

impl Default for StreamParser {
    fn default() -> Self {
        Self::new()
    }
}
