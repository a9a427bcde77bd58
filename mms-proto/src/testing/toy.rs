//! A protocol of three sockets, for tests of what is written against [`Machine`] and of what all
//! protocols share: two TCP connections, datagrams, and no packet size.
//!
//! | where | bytes |
//! |---|---|
//! | main connection, to the server | [`PLAY`] and the client's UDP port; [`STOP`] |
//! | main connection, to the client | packets: one byte of length, then the payload; length zero ends the stream |
//! | datagrams to the client | live packets, one each; the client sends each one back |
//! | second connection | [`SELECT`] and a stream's number; the server answers with the number of streams selected so far |
//!
//! Both ends ask for the second connection: the client's driver connects, the server's accepts.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::config::Strictness;
use crate::content::Content;
use crate::deviation::Deviation;
use crate::error::{Error, Phase, StateError};
use crate::event::{CloseReason, Stats};
use crate::io::{ConnectionId, Datagram, Head, Input, Output, Transmit};
use crate::machine::Machine;
use crate::receive::ReceiveBuffer;
use crate::serving::demand::Demand;
use crate::serving::pacing::Pacing;
use crate::serving::queue::{Queue, Queued};
use crate::serving::selection::Selection;
use crate::serving::{Pace, PacingPolicy, PushOutcome};
use crate::session::SessionCore;
use crate::stream::{StreamNumber, StreamSelection};
use crate::testing::sim::Subject;

pub const PLAY: u8 = 1;
pub const STOP: u8 = 2;
pub const SELECT: u8 = 3;
/// The longest packet that the main connection carries, in bytes.
const MAX_PACKET: u32 = 255;
const POLICY: PacingPolicy =
    PacingPolicy { pace: Pace::BitRate, percent: 100, start_burst: None, accel_limit: 0 };

#[derive(Debug, Clone, PartialEq)]
pub enum ToyEvent {
    // To a client's application.
    Packet(Bytes),
    Selected(u8),
    SecondEnded,
    Silence,
    // To a server's.
    Play(SocketAddr),
    Select(Vec<StreamSelection>),
    Wanted(usize),
    // To both.
    Datagram(SocketAddr, Bytes),
    Deviation(Deviation),
    Closed(CloseReason),
}

impl From<Deviation> for ToyEvent {
    fn from(deviation: Deviation) -> Self {
        Self::Deviation(deviation)
    }
}

impl Subject for Toy {
    type Message = Bytes;
    type Peer = ();

    fn read(_: &mut (), written: &Transmit) -> Bytes {
        written.to_bytes()
    }

    fn reason(event: &ToyEvent) -> Option<&CloseReason> {
        if let ToyEvent::Closed(reason) = event { Some(reason) } else { None }
    }

    fn describe(event: &ToyEvent) -> Option<String> {
        (!matches!(event, ToyEvent::Wanted(_))).then(|| format!("{event:?}"))
    }
}

/// One end of a session.
#[derive(Debug)]
pub struct Toy {
    core: SessionCore<ToyEvent>,
    main: ReceiveBuffer,
    main_ended: bool,
    closed: Option<CloseReason>,
    /// From when it is asked for until its end.
    second: Option<(ConnectionId, ReceiveBuffer)>,
    silence: Option<Duration>,
    deadline: Option<Instant>,
    /// A server's part.
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    content: Content,
    client: SocketAddr,
    pacing: Pacing,
    demand: Demand,
    queue: Queue,
    selection: Selection,
}

impl Toy {
    /// A client that asks for the stream, with datagrams for this port.
    pub fn client(now: Instant, udp_port: u16, silence: Duration) -> Self {
        let mut client = Self::new(now, Some(silence), None);
        let [high, low] = udp_port.to_be_bytes();
        client.transmit(ConnectionId::MAIN, &[PLAY, high, low]);
        client
    }

    /// A server of this content for the client at this address.
    pub fn server(now: Instant, client: IpAddr, content: Content) -> Self {
        let pacing = Pacing::new(now, POLICY.paced(content.bit_rate()));
        let (client, demand) = (SocketAddr::new(client, 0), Demand::Ended);
        let (queue, selection) = (Queue::default(), Selection::default());
        Self::new(now, None, Some(Serving { content, client, pacing, demand, queue, selection }))
    }

    fn new(now: Instant, silence: Option<Duration>, serving: Option<Serving>) -> Self {
        let core = SessionCore::new(now, Strictness::Tolerant);
        let main = ReceiveBuffer::new(64);
        let deadline = silence.and_then(|silence| now.checked_add(silence));
        Self {
            core,
            main,
            main_ended: false,
            closed: None,
            second: None,
            silence,
            deadline,
            serving,
        }
    }

    /// Ends the session, and says so.
    pub fn close(&mut self) {
        if self.closed.is_none() {
            self.transmit(ConnectionId::MAIN, &[if self.serving.is_some() { 0 } else { STOP }]);
            self.end(CloseReason::Local);
        }
    }

    /// Sends a packet on the main connection, in answer to [`ToyEvent::Wanted`].
    pub fn send_packet(&mut self, now: Instant, body: Bytes) -> Result<(), StateError> {
        let Some(serving) = &mut self.serving else { return Err(StateError::NotWanted) };
        serving.content.check_packet(body.len(), MAX_PACKET)?;
        if self.closed.is_some() || !serving.demand.take(body.len()) {
            return Err(StateError::NotWanted);
        }
        self.core.set_now(now);
        serving.pacing.sent(self.core.now(), body.len());
        self.core.stats.packets += 1;
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        if let Some(head) = Head::new(&[length]) {
            self.core.transmit(ConnectionId::MAIN, Transmit::Data { head, body, tail: &[] });
        }
        Ok(())
    }

    /// Queues a live packet, which goes as a datagram.
    pub fn push_packet(&mut self, now: Instant, packet: Bytes) -> PushOutcome {
        self.core.set_now(now);
        let serving = self.serving.as_mut();
        serving.map_or(PushOutcome::NotPlaying, |it| it.queue.push(0, true, packet, 1000))
    }

    /// Ends the stream after what is queued.
    pub fn end_of_stream(&mut self, now: Instant) {
        self.core.set_now(now);
        if let Some(serving) = &mut self.serving {
            serving.demand = Demand::Ended;
            serving.queue.mark(Queued::End);
        }
    }

    fn end(&mut self, reason: CloseReason) {
        self.core.event(ToyEvent::Closed(reason.clone()));
        self.closed = Some(reason);
    }

    fn transmit(&mut self, connection: ConnectionId, bytes: &[u8]) {
        self.core.transmit(connection, Transmit::Message(Bytes::copy_from_slice(bytes)));
    }

    fn send_datagram(&mut self, to: SocketAddr, body: Bytes) {
        if let Some(head) = Head::new(&[]) {
            self.core.push(Output::Datagram(Datagram { to, from: None, head, body }));
        }
    }

    fn ask_for_second(&mut self) {
        if let Some(connection) = ConnectionId::MAIN.next() {
            self.second = Some((connection, ReceiveBuffer::new(64)));
            self.core.push(Output::Connect { connection });
        }
    }

    fn buffer(&mut self, connection: ConnectionId) -> Option<&mut ReceiveBuffer> {
        let second = self.second.as_mut().filter(|(id, _)| *id == connection);
        if connection.is_main() { Some(&mut self.main) } else { second.map(|(_, buffer)| buffer) }
    }

    /// Takes in one answer or packet; false when there is none.
    fn take_in(&mut self) -> bool {
        if let Some((connection, buffer)) = &mut self.second {
            if let Some(&[count]) = buffer.take(1).as_deref() {
                self.core.event(ToyEvent::Selected(count));
                self.core.push(Output::Close { connection: *connection });
                self.second = None;
                return true;
            }
        }
        match self.main.unread() {
            [0, ..] => self.end(CloseReason::Peer),
            &[length, ref rest @ ..] if rest.len() >= length.into() => {
                let packet = self.main.take(usize::from(length) + 1).unwrap_or_default();
                self.core.stats.packets += 1;
                self.core.event(ToyEvent::Packet(packet.slice(1..)));
                if self.core.stats.packets == 1 {
                    self.ask_for_second();
                }
            }
            _ => return false,
        }
        true
    }

    /// Takes in one command, or sends one thing; false when there is nothing to do.
    fn serve(&mut self) -> Result<bool, Error> {
        let Some(serving) = &mut self.serving else { return Ok(false) };
        let now = self.core.now();
        if let Some((connection, buffer)) = &mut self.second {
            if let Some(&[SELECT, stream]) = buffer.take(2).as_deref() {
                let stream = StreamNumber::new(stream).map(StreamSelection::full);
                serving.selection.select(stream.as_slice());
                let selected = serving.selection.selected().unwrap_or_default().to_vec();
                let connection = *connection;
                self.transmit(connection, &[u8::try_from(selected.len()).unwrap_or(u8::MAX)]);
                self.core.event(ToyEvent::Select(selected));
                return Ok(true);
            }
        }
        match *self.main.unread() {
            [PLAY, high, low, ..] => {
                self.main.take(3);
                serving.client.set_port(u16::from_be_bytes([high, low]));
                serving.pacing = Pacing::new(now, POLICY.paced(serving.content.bit_rate()));
                serving.demand = Demand::Idle;
                let begins = !serving.queue.on;
                serving.queue.tune(true);
                let client = serving.client;
                self.core.event(ToyEvent::Play(client));
                if begins {
                    self.ask_for_second();
                }
            }
            [STOP, ..] => self.end(CloseReason::Peer),
            [other, ..] if other != PLAY => {
                self.main.take(1);
                let value = other.into();
                self.core.on_deviation(Deviation::FieldValue { field: "command", value })?;
            }
            _ => return Ok(self.send()),
        }
        Ok(true)
    }

    fn send(&mut self) -> bool {
        let now = self.core.now();
        let Some(Serving { client, pacing, demand, queue, .. }) = &mut self.serving else {
            return false;
        };
        match queue.pop_if(pacing.has_quantum()) {
            Some(Queued::Packet(_, packet)) => {
                pacing.charge(packet.len());
                let client = *client;
                self.send_datagram(client, packet);
            }
            Some(_) => self.close(),
            None if queue.is_empty() && demand.ask(pacing.room(now)) => {
                self.core.event(ToyEvent::Wanted(pacing.room(now)));
            }
            None => {
                let next = if queue.is_empty() { pacing.deadline(now) } else { now };
                self.deadline = (!queue.is_empty() || !demand.is_busy()).then_some(next);
                return false;
            }
        }
        true
    }
}

impl Machine for Toy {
    type Event = ToyEvent;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        match &self.closed {
            Some(CloseReason::Failed(error)) => return Err(error.clone()),
            Some(_) => return Ok(()),
            None => self.core.set_now(now),
        }
        let is_second = |connection| self.second.as_ref().is_some_and(|(id, _)| *id == connection);
        if let (Some(silence), false) = (self.silence, matches!(input, Input::Timeout)) {
            self.deadline = self.core.now().checked_add(silence);
        }
        self.serving.iter_mut().for_each(|serving| serving.pacing.new_quantum());
        match input {
            Input::Tcp { connection, bytes } => {
                self.buffer(connection).into_iter().for_each(|buffer| buffer.push(bytes));
            }
            Input::TcpClosed { connection: ConnectionId::MAIN } => self.main_ended = true,
            Input::TcpOpened { connection, .. }
                if is_second(connection) && self.serving.is_none() =>
            {
                self.transmit(connection, &[SELECT, 1]);
            }
            Input::TcpFailed { connection } | Input::TcpClosed { connection }
                if is_second(connection) =>
            {
                self.second = None;
                self.core.event(ToyEvent::SecondEnded);
            }
            Input::Datagram { from, bytes } => {
                let bytes = Bytes::copy_from_slice(bytes);
                self.core.event(ToyEvent::Datagram(from, bytes.clone()));
                if self.serving.is_none() {
                    self.send_datagram(from, bytes);
                }
            }
            Input::Timeout
                if self.silence.is_some() && self.deadline.take_if(|at| *at <= now).is_some() =>
            {
                self.core.event(ToyEvent::Silence);
            }
            _ => {}
        }
        Ok(())
    }

    fn recv_buffer(&mut self, connection: ConnectionId) -> &mut [u8] {
        self.buffer(connection).map(ReceiveBuffer::room).unwrap_or_default()
    }

    fn received(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        count: usize,
    ) -> Result<(), Error> {
        self.buffer(connection).into_iter().for_each(|buffer| buffer.received(count));
        self.handle_input(now, Input::Tcp { connection, bytes: &[] })
    }

    fn poll_output(&mut self) -> Output<ToyEvent> {
        loop {
            if let Some(output) = self.core.pop() {
                return output;
            }
            if self.closed.is_some() {
                return Output::Wait(None);
            }
            match if self.serving.is_some() { self.serve() } else { Ok(self.take_in()) } {
                Ok(true) => {}
                Ok(false) if self.main_ended => self.end(CloseReason::Peer),
                Ok(false) => {
                    return Output::Wait(self.deadline);
                }
                Err(error) => self.end(CloseReason::Failed(error)),
            }
        }
    }

    fn phase(&self) -> Phase {
        if self.closed.is_some() { Phase::Closed } else { Phase::Streaming }
    }

    fn stats(&self) -> Stats {
        self.core.stats
    }
}
