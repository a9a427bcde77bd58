//! A protocol of three sockets, for tests of what is written against [`Machine`]: two TCP
//! connections, datagrams, and no packet size.
//!
//! | where | bytes |
//! |---|---|
//! | main connection, to the server | [`PLAY`] and the client's UDP port; [`STOP`] |
//! | main connection, to the client | packets: one byte of length, then the payload; length zero ends the stream |
//! | datagrams to the client | one packet each; the client sends each one back |
//! | second connection, opened at the first packet | [`COUNT`]; the server answers with one byte |

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Error, Phase};
use crate::event::Stats;
use crate::io::{ConnectionId, Datagram, Head, Input, Output, Transmit};
use crate::machine::Machine;

/// Asks for the stream; two bytes with the UDP port follow, big-endian.
pub const PLAY: u8 = 1;
/// Ends the session.
pub const STOP: u8 = 2;
/// Asks for the number of packets that were sent so far.
pub const COUNT: u8 = 3;

/// What the application of a [`ToyClient`] is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToyEvent {
    /// A packet from the main connection.
    Packet(Bytes),
    /// A packet from a datagram.
    Datagram(SocketAddr, Bytes),
    /// The answer on the second connection.
    Count(u8),
    /// The second connection could not be opened, or ended before its answer.
    Uncounted,
    /// Nothing came for the whole time-out.
    Silence,
    /// The last event: the stream ended, or the main connection did.
    Closed,
}

/// The client's end.
#[derive(Debug)]
pub struct ToyClient {
    outputs: VecDeque<Output<ToyEvent>>,
    read: [u8; 64],
    /// Bytes of the main connection that are not decoded.
    pending: BytesMut,
    /// The second connection, once it was asked for; false after its end.
    second: Option<(ConnectionId, bool)>,
    timeout: Duration,
    deadline: Option<Instant>,
    stats: Stats,
    closed: bool,
}

impl ToyClient {
    /// Asks for the stream, with datagrams for this port.
    pub fn new(now: Instant, udp_port: u16, timeout: Duration) -> Self {
        let [high, low] = udp_port.to_be_bytes();
        let mut client = Self {
            outputs: VecDeque::new(),
            read: [0; 64],
            pending: BytesMut::new(),
            second: None,
            timeout,
            deadline: now.checked_add(timeout),
            stats: Stats::default(),
            closed: false,
        };
        client.transmit(ConnectionId::MAIN, &[PLAY, high, low]);
        client
    }

    /// Ends the session.
    pub fn close(&mut self) {
        self.transmit(ConnectionId::MAIN, &[STOP]);
        self.end();
    }

    fn transmit(&mut self, connection: ConnectionId, bytes: &[u8]) {
        let data = Transmit::Message(Bytes::copy_from_slice(bytes));
        self.outputs.push_back(Output::Transmit { connection, data });
    }

    fn event(&mut self, event: ToyEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    fn end(&mut self) {
        if !self.closed {
            self.closed = true;
            self.event(ToyEvent::Closed);
        }
    }

    fn packet(&mut self, payload: Bytes) {
        self.stats.packets += 1;
        self.event(ToyEvent::Packet(payload));
        if self.second.is_none() {
            if let Some(connection) = ConnectionId::MAIN.next() {
                self.second = Some((connection, true));
                self.outputs.push_back(Output::Connect { connection });
            }
        }
    }

    fn decode(&mut self) {
        while let Some(&length) = self.pending.first().filter(|_| !self.closed) {
            if length == 0 {
                self.end();
            } else if self.pending.len() > length.into() {
                self.pending.advance(1);
                let payload = self.pending.split_to(length.into()).freeze();
                self.packet(payload);
            } else {
                break;
            }
        }
    }

    fn second(&mut self, connection: ConnectionId, event: ToyEvent) {
        self.second = Some((connection, false));
        self.event(event);
    }
}

impl Machine for ToyClient {
    type Event = ToyEvent;

    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        let is_second = |connection| self.second == Some((connection, true));
        if !matches!(input, Input::Timeout) {
            self.deadline = now.checked_add(self.timeout);
        }
        match input {
            Input::Tcp { connection: ConnectionId::MAIN, bytes } => {
                self.pending.extend_from_slice(bytes);
                self.decode();
            }
            Input::TcpClosed { connection: ConnectionId::MAIN } => self.end(),
            Input::TcpOpened { connection, .. } if is_second(connection) => {
                self.transmit(connection, &[COUNT]);
            }
            Input::Tcp { connection, bytes } if is_second(connection) => {
                if let Some(&count) = bytes.first() {
                    self.second(connection, ToyEvent::Count(count));
                    self.outputs.push_back(Output::Close { connection });
                }
            }
            Input::TcpFailed { connection } | Input::TcpClosed { connection }
                if is_second(connection) =>
            {
                self.second(connection, ToyEvent::Uncounted);
            }
            Input::Datagram { from: to, bytes } => {
                let body = Bytes::copy_from_slice(bytes);
                self.event(ToyEvent::Datagram(to, body.clone()));
                if let Some(head) = Head::new(&[]) {
                    let echo = Datagram { to, from: None, head, body };
                    self.outputs.push_back(Output::Datagram(echo));
                }
            }
            Input::Timeout if self.deadline.is_some_and(|deadline| deadline <= now) => {
                self.deadline = None;
                self.event(ToyEvent::Silence);
            }
            _ => {}
        }
        Ok(())
    }

    fn recv_buffer(&mut self, connection: ConnectionId) -> &mut [u8] {
        let open = connection.is_main() || self.second == Some((connection, true));
        if open { &mut self.read } else { &mut [] }
    }

    fn received(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        count: usize,
    ) -> Result<(), Error> {
        let read = self.read;
        let bytes = read.get(..count).unwrap_or(&read);
        self.handle_input(now, Input::Tcp { connection, bytes })
    }

    fn poll_output(&mut self) -> Output<ToyEvent> {
        self.outputs.pop_front().unwrap_or(Output::Wait(self.deadline.filter(|_| !self.closed)))
    }

    fn phase(&self) -> Phase {
        if self.closed { Phase::Closed } else { Phase::Streaming }
    }

    fn stats(&self) -> Stats {
        self.stats
    }
}
