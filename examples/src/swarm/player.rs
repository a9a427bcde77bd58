//! One player: its socket and its machine. It looks at when packets come, and keeps none.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mms_asf::Packet;
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent, CloseReason, ConnectionId, Input, MAX_PACKET_SIZE, Machine as _, Output,
    PlayRequest,
};

/// What is read at most before another player has its turn.
const TURN: usize = 64 << 10;

/// Where a player stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Connecting, asking, reading the header.
    Opening,
    /// Waiting for the first packet, or for the next one.
    Playing,
    /// It has heard the end of the stream.
    Ended,
    /// It ended in another way.
    Failed,
}

#[derive(Debug)]
pub(super) struct Player {
    pub(super) socket: TcpStream,
    pub(super) stage: Stage,
    /// How late each packet was.
    pub(super) late: Vec<Duration>,
    /// Why it failed.
    pub(super) why: Option<String>,
    client: Client,
    request: PlayRequest,
    /// What the socket did not take yet.
    unsent: Vec<u8>,
    packet_size: u32,
    /// When the first packet should have come: when it was asked for.
    asked: Instant,
    /// The first packet's time.
    first: Option<u32>,
    deadline: Option<Instant>,
}

impl Player {
    pub(super) fn new(
        socket: TcpStream,
        now: Instant,
        config: ClientConfig,
        request: PlayRequest,
    ) -> Self {
        Self {
            request,
            socket,
            stage: Stage::Opening,
            late: Vec::new(),
            why: None,
            client: Client::new(now, config),
            unsent: Vec::new(),
            packet_size: 0,
            asked: now,
            first: None,
            deadline: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended | Stage::Failed)
    }

    /// The socket can be read from or written to.
    pub(super) fn ready(&mut self) {
        if let Err(error) = self.exchange() {
            self.fail(&error);
        }
    }

    /// Time has passed.
    pub(super) fn look(&mut self, now: Instant) {
        if self.deadline.is_some_and(|at| at <= now) {
            // An error of the machine is its last event.
            let _ = self.client.handle_input(now, Input::Timeout);
            self.ready();
        }
    }

    /// The first reason counts; what goes wrong after the end does not matter.
    fn fail(&mut self, why: &dyn Display) {
        if !self.is_over() {
            self.stage = Stage::Failed;
            self.why = Some(why.to_string());
        }
    }

    fn exchange(&mut self) -> io::Result<()> {
        self.poll(Instant::now())?;
        let mut read = 0_usize;
        while !self.is_over() && read < TURN {
            let room = self.client.recv_buffer(ConnectionId::MAIN);
            match self.socket.read(room) {
                Ok(count) => {
                    let now = Instant::now();
                    read = read.saturating_add(count);
                    let _ = match count {
                        0 => self.client.handle_input(now, Input::tcp_closed()),
                        _ => self.client.received(now, ConnectionId::MAIN, count),
                    };
                    self.poll(now)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.send()
    }

    fn poll(&mut self, now: Instant) -> io::Result<()> {
        loop {
            match self.client.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    self.unsent.extend_from_slice(&transmit.to_bytes());
                    self.send()?;
                }
                Output::Event(event) => self.on_event(now, event),
                // A session over one TCP connection has no others.
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {}
                Output::Wait(deadline) => {
                    self.deadline = deadline;
                    return Ok(());
                }
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: ClientEvent) {
        match event {
            ClientEvent::Ready(content) => {
                self.packet_size = content.packet_size().unwrap_or(MAX_PACKET_SIZE);
                self.asked = now;
                self.stage = Stage::Playing;
                if let Err(error) = self.client.play(now, self.request.clone()) {
                    self.fail(&error);
                }
            }
            ClientEvent::Packet(packet) => match Packet::parse(&packet.payload, self.packet_size) {
                Ok(packet) => {
                    let first = *self.first.get_or_insert_with(|| packet.send_time());
                    let time = packet.send_time().saturating_sub(first);
                    let due = self.asked.checked_add(Duration::from_millis(time.into()));
                    let late = due.map(|due| now.saturating_duration_since(due));
                    self.late.push(late.unwrap_or_default());
                }
                Err(error) => self.fail(&error),
            },
            ClientEvent::EndOfStream { more, hr } => {
                if more || hr.is_failure() {
                    self.fail(&format!("the stream ended with {hr}, more to come: {more}"));
                } else if self.stage == Stage::Playing {
                    self.stage = Stage::Ended;
                }
                self.client.close(now);
            }
            ClientEvent::Closed(CloseReason::Local) if self.stage == Stage::Ended => {}
            ClientEvent::Closed(CloseReason::Failed(error)) => self.fail(&error),
            ClientEvent::Closed(_) => self.fail(&"the server closed the connection"),
            _ => {}
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => drop(self.unsent.drain(..count.min(self.unsent.len()))),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A socket that is not connected yet says the one or the other.
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
