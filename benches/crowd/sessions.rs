//! Sessions, their players, and the one thread that looks after all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_benches::{BODY, Library, requests_for_the_header, requests_to_play};
use mms_proto::Pace;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{ClientMessage, Pong};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{Content, Input, Machine as _, Output, Phase, ServerEvent, Transmit};

use crate::{Failure, RATE};

/// Players arrive at this distance.
const APART: Duration = Duration::from_micros(100);
/// What rounding may do to a moment.
pub(crate) const ROUNDED: Duration = Duration::from_micros(1);
/// More than the header takes at the bit rate.
const HEADER_TIME: Duration = Duration::from_secs(1);

pub(crate) struct Sessions {
    now: Instant,
    sessions: Vec<Session>,
    /// The next deadline of each session.
    deadlines: BinaryHeap<Reverse<(Instant, usize)>>,
    library: Library,
    content: Content,
    /// What a player says until it has the header, and then.
    requests: [Vec<u8>; 2],
    pong: Bytes,
    off: Duration,
    pings: u64,
}

struct Session {
    server: Server,
    /// Number of the next packet to be handed over, and to come out.
    next: u32,
    sent: u32,
    /// When the first one came out.
    first: Option<Instant>,
}

impl Sessions {
    pub(crate) fn new(count: usize) -> Self {
        let library = Library::default();
        let size = u32::try_from(BODY).unwrap_or(u32::MAX);
        #[expect(clippy::expect_used, reason = "a header and a size that can be sent")]
        let content = Content::new(library.header.clone())
            .expect("content")
            .with_packet_size(size)
            .expect("content");
        let pong = ClientMessage::from(Pong);
        Self {
            now: Instant::now(),
            sessions: Vec::with_capacity(count),
            deadlines: BinaryHeap::with_capacity(count),
            library,
            content: content.with_bit_rate(RATE),
            requests: [requests_for_the_header(), requests_to_play()],
            pong: MessageWriter::default().write(0, |out| pong.encode(out)),
            off: Duration::ZERO,
            pings: 0,
        }
    }

    /// Every player arrives and says everything until media flows. Time goes by as in
    /// [`play`](Self::play): the first ones play already, the last ones have the header soon.
    pub(crate) fn open(&mut self) -> Result<(), Failure> {
        for index in 0..self.sessions.capacity() {
            self.run(self.now + APART)?;
            let config = ServerConfig::default().pace(Pace::BitRate);
            let server = Server::new(self.now, config);
            let mut session = Session { server, next: 0, sent: 0, first: None };
            let [opening, _] = &self.requests;
            session.server.handle_input(self.now, Input::tcp(opening))?;
            self.sessions.push(session);
            self.serve(index)?;
        }
        self.run(self.now + HEADER_TIME)
    }

    /// Lets time pass.
    pub(crate) fn play(&mut self, time: Duration) -> Result<(), Failure> {
        self.run(self.now + time)
    }

    /// How many packets went, when all that should have gone did.
    pub(crate) fn finish(&self) -> Result<u64, Failure> {
        let mut packets = 0;
        for session in &self.sessions {
            let played = self.now.saturating_duration_since(session.first.ok_or("no packet")?);
            // What is due at this very moment may have come or not.
            let due = [1, 0].map(|more| {
                (played.as_nanos() + ROUNDED.as_nanos() * more) / step().as_nanos() + 1
            });
            if session.server.phase() != Phase::Streaming || !due.contains(&session.sent.into()) {
                return Err(format!("{} packets, not {due:?}", session.sent).into());
            }
            packets += u64::from(session.sent);
        }
        if self.pings == 0 {
            return Err("no player was asked whether it is there".into());
        }
        Ok(packets)
    }

    pub(crate) fn off(&self) -> Duration {
        self.off
    }

    /// From deadline to deadline.
    fn run(&mut self, end: Instant) -> Result<(), Failure> {
        while let Some(&Reverse((at, index))) = self.deadlines.peek() {
            if at > end {
                break;
            }
            self.deadlines.pop();
            self.now = self.now.max(at);
            let session = self.sessions.get_mut(index).ok_or("no such session")?;
            session.server.handle_input(self.now, Input::Timeout)?;
            self.serve(index)?;
        }
        self.now = end;
        Ok(())
    }

    /// Everything that one session has to do now.
    fn serve(&mut self, index: usize) -> Result<(), Failure> {
        let now = self.now;
        let session = self.sessions.get_mut(index).ok_or("no such session")?;
        let mut asked = false;
        loop {
            match session.server.poll_output() {
                Output::Transmit { data: Transmit::Data { head, body, .. }, .. } => {
                    drop(black_box((head, body)));
                    // Fragments of the header come before any packet is handed over.
                    if session.next > 0 {
                        let first = *session.first.get_or_insert(now);
                        let due = first + step() * session.sent;
                        let off = now.saturating_duration_since(due);
                        self.off = self.off.max(off).max(due.saturating_duration_since(now));
                        session.sent += 1;
                    }
                }
                Output::Transmit { data: Transmit::Message(message), .. } => {
                    drop(black_box(message));
                    // Once media flows, what is said is a Ping.
                    asked = session.first.is_some();
                }
                Output::Event(ServerEvent::PacketWanted { .. }) => {
                    let packet = self.library.packet(session.next);
                    let time = step() * session.next;
                    session.server.send_packet_at(now, session.next, time, packet)?;
                    session.next += 1;
                }
                Output::Event(ServerEvent::Open(request)) => {
                    session.server.accept(now, request, self.content.clone())?;
                }
                Output::Event(ServerEvent::Closed(reason)) => {
                    return Err(format!("closed: {reason:?}").into());
                }
                Output::Event(event) => drop(black_box(event)),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) if asked => {
                    asked = false;
                    self.pings += 1;
                    session.server.handle_input(now, Input::tcp(&self.pong))?;
                }
                Output::Wait(_) if session.server.phase() == Phase::Ready => {
                    let [_, playing] = &self.requests;
                    session.server.handle_input(now, Input::tcp(playing))?;
                }
                Output::Wait(deadline) => {
                    let deadline = deadline.ok_or("no deadline")?;
                    self.deadlines.push(Reverse((deadline, index)));
                    return Ok(());
                }
            }
        }
    }
}

/// The time that a packet takes at the bit rate.
fn step() -> Duration {
    Duration::from_nanos(BODY as u64 * 8 * 1_000_000_000 / u64::from(RATE))
}
