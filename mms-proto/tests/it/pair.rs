//! A client and a server of this crate on a simulated network with a simulated clock.
//!
//! Time stands still while there is something to deliver, and then jumps to the nearest deadline.

mod entries;
pub(crate) mod media;
mod properties;
pub(crate) mod script;
mod security;
mod session;
mod timers;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{
    ClientEvent, Content, HResult, Input, Machine as _, Output, PlayRequest, ServerEvent, Start,
    StreamNumber, Transmit,
};

/// More outputs or steps than any test needs: something goes round in a circle.
const MANY: usize = 100_000;

/// One of the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What the client's application does about an event.
pub(crate) type ClientApp = Box<dyn FnMut(&mut Client, Instant, &ClientEvent)>;
/// What the server's application does about an event, if it does anything.
pub(crate) type ServerApp =
    Box<dyn FnMut(&mut Server, Instant, ServerEvent) -> Option<ServerEvent>>;
/// What becomes of a write: nothing, itself, something else, more than that.
pub(crate) type Tamper = Box<dyn FnMut(Side, &Transmit) -> Vec<Bytes>>;
/// The size of the next piece to deliver, of so many bytes.
pub(crate) type Cut = Box<dyn FnMut(Side, usize) -> usize>;

/// The server's application: it plays a file.
pub(crate) struct Player {
    pub(crate) content: Content,
    /// Number of the next packet.
    pub(crate) next: u32,
    /// Never answers requests for packets.
    pub(crate) stalled: bool,
    /// Refuses every file, for this reason.
    pub(crate) refuse: Option<HResult>,
    /// Requests for packets that were not answered.
    pub(crate) wanted: usize,
}

pub(crate) struct Pair {
    pub(crate) client: Client,
    pub(crate) server: Server,
    pub(crate) begun: Instant,
    pub(crate) now: Instant,
    pub(crate) player: Player,
    pub(crate) client_app: ClientApp,
    /// Sees events before [`Player`] does, which gets what this one returns.
    pub(crate) server_app: ServerApp,
    pub(crate) tamper: Tamper,
    pub(crate) cut: Cut,
    /// Packets arrive as they were sent.
    pub(crate) faithful: bool,
    /// Events with the time at which they came. Packets are told by their number; what the room
    /// for packets is does not matter.
    pub(crate) client_log: Vec<(Duration, String)>,
    pub(crate) server_log: Vec<(Duration, String)>,
    to_client: VecDeque<u8>,
    to_server: VecDeque<u8>,
    deadlines: [Option<Instant>; 2],
    closed: [bool; 2],
    told: [bool; 2],
}

impl Pair {
    pub(crate) fn new(client: ClientConfig, server: ServerConfig, content: Content) -> Self {
        let now = media::start();
        Self {
            client: Client::new(now, client),
            server: Server::new(now, server),
            begun: now,
            now,
            player: Player { content, next: 0, stalled: false, refuse: None, wanted: 0 },
            client_app: Box::new(play_once),
            server_app: Box::new(|_, _, event| Some(event)),
            tamper: Box::new(|_, write| vec![write.to_bytes()]),
            cut: Box::new(|_, length| length),
            faithful: true,
            client_log: Vec::new(),
            server_log: Vec::new(),
            to_client: VecDeque::new(),
            to_server: VecDeque::new(),
            deadlines: [None; 2],
            closed: [false; 2],
            told: [false; 2],
        }
    }

    pub(crate) fn simple(packets: u64) -> Self {
        let client = ClientConfig::new("host", "file.wma");
        Self::new(client, ServerConfig::default(), media::content(packets))
    }

    /// Runs until both are closed, or nothing will ever happen again.
    pub(crate) fn run(&mut self) {
        self.run_for(Duration::from_secs(1_000_000));
    }

    /// Runs for so long at most.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.poll(Side::Client);
        self.poll(Side::Server);
        for step in 0.. {
            assert!(step < MANY, "time stands still");
            if self.deliver(Side::Server) | self.deliver(Side::Client) {
                continue;
            }
            let Some(next) = self.deadlines.iter().flatten().min().copied() else { return };
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            for side in [Side::Client, Side::Server] {
                if self.deadlines[side as usize].is_some_and(|at| at <= self.now) {
                    self.input(side, Input::Timeout);
                }
            }
        }
    }

    /// A command of the client's application, outside of any event.
    pub(crate) fn command<T>(&mut self, command: impl FnOnce(&mut Client, Instant) -> T) -> T {
        let result = command(&mut self.client, self.now);
        self.poll(Side::Client);
        result
    }

    /// A command of the server's application, outside of any event.
    pub(crate) fn serve<T>(&mut self, command: impl FnOnce(&mut Server) -> T) -> T {
        let result = command(&mut self.server);
        self.poll(Side::Server);
        result
    }

    /// The client's events without their times.
    pub(crate) fn heard(&self) -> Vec<&str> {
        self.client_log.iter().map(|(_, event)| event.as_str()).collect()
    }

    /// Numbers of the packets that the client got.
    pub(crate) fn packets(&self) -> Vec<u32> {
        let number = |event: &str| event.strip_prefix("Packet #")?.parse().ok();
        self.client_log.iter().filter_map(|(_, event)| number(event)).collect()
    }

    /// Delivers everything that was written to `side` up to now, cut into pieces, and tells it
    /// when that was all. True when there was anything.
    fn deliver(&mut self, side: Side) -> bool {
        let mut bytes: Vec<u8> = self.wire(side).drain(..).collect();
        let any = !bytes.is_empty();
        while !bytes.is_empty() {
            let size = (self.cut)(side, bytes.len()).clamp(1, bytes.len());
            let rest = bytes.split_off(size);
            self.input(side, Input::tcp(&bytes));
            bytes = rest;
        }
        let over = self.closed[other(side) as usize] && self.wire(side).is_empty();
        if over && !self.told[side as usize] {
            self.told[side as usize] = true;
            self.input(side, Input::tcp_closed());
            return true;
        }
        any
    }

    fn wire(&mut self, to: Side) -> &mut VecDeque<u8> {
        match to {
            Side::Client => &mut self.to_client,
            Side::Server => &mut self.to_server,
        }
    }

    fn input(&mut self, side: Side, input: Input<'_>) {
        let result = match side {
            Side::Client => self.client.handle_input(self.now, input),
            Side::Server => self.server.handle_input(self.now, input),
        };
        assert!(result.is_ok() || self.closed[side as usize], "an error that no event named");
        self.poll(side);
    }

    fn poll(&mut self, side: Side) {
        for _ in 0..MANY {
            let wait = match side {
                Side::Client => match self.client.poll_output() {
                    Output::Transmit { data: write, .. } => self.write(side, &write),
                    Output::Event(event) => self.client_event(&event),
                    Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                        unreachable!("a session over one connection")
                    }
                    Output::Wait(deadline) => Some(deadline),
                },
                Side::Server => match self.server.poll_output() {
                    Output::Transmit { data: write, .. } => self.write(side, &write),
                    Output::Event(event) => self.server_event(event),
                    Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                        unreachable!("a session over one connection")
                    }
                    Output::Wait(deadline) => Some(deadline),
                },
            };
            if let Some(deadline) = wait {
                assert!(deadline.is_none_or(|at| at >= self.now), "a deadline in the past");
                self.deadlines[side as usize] = deadline;
                return;
            }
        }
        panic!("{side:?} never waits");
    }

    fn write(&mut self, from: Side, write: &Transmit) -> Option<Option<Instant>> {
        for bytes in (self.tamper)(from, write) {
            self.wire(other(from)).extend(bytes);
        }
        None
    }

    fn client_event(&mut self, event: &ClientEvent) -> Option<Option<Instant>> {
        let text = match event {
            ClientEvent::Packet(packet) => {
                let sent = media::packet(packet.location_id);
                assert!(!self.faithful || packet.payload == sent, "another packet");
                format!("Packet #{}", packet.location_id)
            }
            other => format!("{other:?}"),
        };
        self.client_log.push((self.now - self.begun, text));
        self.closed[Side::Client as usize] |= matches!(event, ClientEvent::Closed(_));
        (self.client_app)(&mut self.client, self.now, event);
        None
    }

    fn server_event(&mut self, event: ServerEvent) -> Option<Option<Instant>> {
        let text = match &event {
            ServerEvent::PacketWanted { .. } => "PacketWanted".to_owned(),
            other => format!("{other:?}"),
        };
        self.server_log.push((self.now - self.begun, text));
        let (now, player, server) = (self.now, &mut self.player, &mut self.server);
        self.closed[Side::Server as usize] |= matches!(event, ServerEvent::Closed(_));
        let event = (self.server_app)(server, now, event)?;
        match event {
            ServerEvent::Open(request) => match player.refuse {
                Some(hr) => server.reject(now, request, hr).unwrap(),
                None => server.accept(now, request, player.content.clone()).unwrap(),
            },
            ServerEvent::Play(request) => player.next = first_packet(&request),
            ServerEvent::PacketWanted { .. } if player.stalled => player.wanted += 1,
            ServerEvent::PacketWanted { .. } => player.answer(server, now),
            _ => {}
        }
        None
    }
}

impl Player {
    fn answer(&mut self, server: &mut Server, now: Instant) {
        if u64::from(self.next) < self.content.packet_count().unwrap() {
            server.send_packet(now, self.next, media::packet(self.next)).unwrap();
            self.next += 1;
        } else {
            server.end_of_stream(now).unwrap();
        }
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

/// Packets of 100 bytes, ten a second, behind a header of 250 bytes.
fn first_packet(request: &PlayRequest) -> u32 {
    match request.start {
        Start::Beginning => 0,
        Start::Time(time) => u32::try_from(time.as_millis() / 100).unwrap(),
        Start::ByteOffset(at) => u32::try_from(at).unwrap().saturating_sub(250) / media::PACKET,
        Start::Packet(number) => number.get(),
    }
}

/// Stream 1 from the beginning.
pub(crate) fn everything() -> PlayRequest {
    PlayRequest::all(StreamNumber::new(1))
}

/// Plays a file from the beginning to the end and closes.
pub(crate) fn play_once(client: &mut Client, now: Instant, event: &ClientEvent) {
    match event {
        ClientEvent::Ready(_) => client.play(now, everything()).unwrap(),
        ClientEvent::EndOfStream { .. } => client.close(now),
        _ => {}
    }
}
