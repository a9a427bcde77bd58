//! A network between two ends. Time stands still while there is something to deliver, and then
//! jumps to the nearest deadline.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::mem::take;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{App, End, MANY, Subject};
use crate::io::{ConnectionId, Datagram, Input, Output, Transmit};

/// One of the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that dials.
    Client,
    /// The one that is dialled.
    Server,
}

impl Side {
    /// The one across.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What becomes of a write of this side: nothing, itself, something else, more than that.
type Tamper = Box<dyn FnMut(Side, &Transmit) -> Vec<Bytes>>;
/// The size of the next piece to deliver to this side, of so many bytes.
type Cut = Box<dyn FnMut(Side, usize) -> usize>;
/// Where a datagram of this side goes in the queue of so many others; nowhere when it is lost.
type Route = Box<dyn FnMut(Side, usize) -> Option<usize>>;

/// What is on its way to one end.
#[derive(Debug, Default)]
struct Inbound {
    opened: VecDeque<ConnectionId>,
    tcp: BTreeMap<ConnectionId, Vec<u8>>,
    closed: Vec<ConnectionId>,
    datagrams: VecDeque<Datagram>,
    hung_up: bool,
}

/// Two ends and the network between them.
#[expect(missing_debug_implementations, reason = "closures have none")]
pub struct Net<C: Subject, S: Subject, A, B> {
    /// The end that dials.
    pub client: End<C, A>,
    /// The end that is dialled.
    pub server: End<S, B>,
    /// When it began.
    pub begun: Instant,
    /// What becomes of writes.
    pub tamper: Tamper,
    /// How bytes are cut.
    pub cut: Cut,
    /// How datagrams are lost and put out of order.
    pub route: Route,
    /// Lines of the sequence diagram, for those who switch it on.
    pub diagram: Option<String>,
    inbound: [Inbound; 2],
    readers: (C::Peer, S::Peer),
}

impl<C: Subject, S: Subject, A: App<C>, B: App<S>> Net<C, S, A, B> {
    /// A network that delivers everything as it was sent.
    pub fn new(mut client: End<C, A>, mut server: End<S, B>) -> Self {
        (client.net, server.net) = (Some(Vec::new()), Some(Vec::new()));
        Self {
            begun: client.now,
            client,
            server,
            tamper: Box::new(|_, write| vec![write.to_bytes()]),
            cut: Box::new(|_, length| length),
            route: Box::new(|_, waiting| Some(waiting)),
            diagram: None,
            inbound: Default::default(),
            readers: Default::default(),
        }
    }

    /// Runs until both have ended, or nothing will ever happen again.
    pub fn run(&mut self) {
        self.run_for(Duration::from_secs(1_000_000));
    }

    /// Runs for so long at most.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.client.now + time;
        self.client.poll();
        self.server.poll();
        for _ in 0..MANY {
            self.collect();
            if self.deliver(Side::Server) | self.deliver(Side::Client) {
                continue;
            }
            let deadlines = [self.client.deadline, self.server.deadline];
            let next = deadlines.into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else {
                self.set_now(next.map_or(self.client.now, |_| end));
                return;
            };
            self.set_now(self.client.now.max(next));
            for (side, deadline) in [Side::Client, Side::Server].into_iter().zip(deadlines) {
                if deadline.is_some_and(|at| at <= self.client.now) {
                    self.input(side, Input::Timeout);
                }
            }
        }
        panic!("time stands still");
    }

    /// Sets the clock of both.
    pub fn set_now(&mut self, now: Instant) {
        (self.client.now, self.server.now) = (now, now);
    }

    /// Puts on the way what both said.
    pub fn collect(&mut self) {
        for output in self.client.net.as_mut().map(take).unwrap_or_default() {
            if let (Some(_), Output::Transmit { data, .. }) = (&self.diagram, &output) {
                let message = C::read(&mut self.readers.0, data);
                self.draw(Side::Client, &C::label(&message));
            }
            self.carry(Side::Client, output);
        }
        for output in self.server.net.as_mut().map(take).unwrap_or_default() {
            if let (Some(_), Output::Transmit { data, .. }) = (&self.diagram, &output) {
                let message = S::read(&mut self.readers.1, data);
                self.draw(Side::Server, &S::label(&message));
            }
            self.carry(Side::Server, output);
        }
    }

    /// Bytes of the main connection that are on their way to this side.
    pub fn wire(&mut self, to: Side) -> &mut Vec<u8> {
        self.inbound[to as usize].tcp.entry(ConnectionId::MAIN).or_default()
    }

    fn carry<E>(&mut self, from: Side, output: Output<E>) {
        let to = &mut self.inbound[from.other() as usize];
        match output {
            Output::Transmit { connection, data } => {
                let bytes = (self.tamper)(from, &data);
                to.tcp.entry(connection).or_default().extend(bytes.into_iter().flatten());
            }
            // It accepts the one that the client opens.
            Output::Connect { .. } if from == Side::Server => {}
            Output::Connect { connection } => {
                to.opened.push_back(connection);
                self.inbound[from as usize].opened.push_back(connection);
            }
            Output::Close { connection } => to.closed.push(connection),
            Output::Datagram(datagram) => {
                if let Some(place) = (self.route)(from, to.datagrams.len()) {
                    to.datagrams.insert(place.min(to.datagrams.len()), datagram);
                }
            }
            Output::Event(_) | Output::Wait(_) => {}
        }
    }

    /// Delivers to one side everything that is on its way, cut into pieces, and tells it when that
    /// was all. True when there was anything.
    pub fn deliver(&mut self, side: Side) -> bool {
        let inbound = take(&mut self.inbound[side as usize]);
        let hung_up = inbound.hung_up;
        let mut any = false;
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        for connection in inbound.opened {
            any = true;
            self.input(side, Input::TcpOpened { connection, local });
        }
        for (connection, bytes) in inbound.tcp {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                any = true;
                let size = (self.cut)(side, rest.len()).clamp(1, rest.len());
                let (bytes, later) = rest.split_at(size);
                self.input(side, Input::Tcp { connection, bytes });
                rest = later;
            }
        }
        for Datagram { from, head, body, .. } in inbound.datagrams {
            any = true;
            let bytes = [&head[..], &body].concat();
            let from = SocketAddr::new(from.unwrap_or_else(|| local.ip()), 0);
            self.input(side, Input::Datagram { from, bytes: &bytes });
        }
        for connection in inbound.closed {
            any = true;
            self.input(side, Input::TcpClosed { connection });
        }
        self.inbound[side as usize].hung_up = hung_up;
        let over = match side {
            Side::Client => self.server.closed.is_some(),
            Side::Server => self.client.closed.is_some(),
        };
        if over && !hung_up && self.wire(side).is_empty() {
            self.inbound[side as usize].hung_up = true;
            self.input(side, Input::tcp_closed());
            return true;
        }
        any
    }

    fn input(&mut self, side: Side, input: Input<'_>) {
        // A session that failed says so, and its event did before.
        let _ = match side {
            Side::Client => self.client.input(input),
            Side::Server => self.server.input(input),
        };
        self.collect();
    }

    /// Draws an arrow.
    fn draw(&mut self, from: Side, message: &str) {
        let Some(diagram) = &mut self.diagram else { return };
        let time = (self.client.now - self.begun).as_secs_f64();
        let arrow = match from {
            Side::Client => format!("── {message} "),
            Side::Server => format!("◀─ {message} "),
        };
        let head = if from == Side::Client { '▶' } else { '─' };
        writeln!(diagram, "{time:>7.3} s  client {arrow:─<40}{head} server").unwrap();
    }
}
