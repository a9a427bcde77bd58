//! A server with a playlist or a live stream that leaves where a test wants it to.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::PushOutcome;
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    Content, Features, Input, Machine as _, Output, PlayRequest, ServerEvent, Start, StateError,
};

/// Something to play.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) header: Bytes,
    pub(crate) packets: Vec<Bytes>,
}

impl Entry {
    fn content(&self, packet_size: u32, attributes: Features) -> Content {
        let count = if attributes.is_live() { 0 } else { self.packets.len() as u64 };
        let content =
            Content::new(self.header.clone()).unwrap().with_packet_size(packet_size).unwrap();
        content.with_packet_count(count).with_features(attributes)
    }
}

/// What there is on one connection.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) entries: Vec<Entry>,
    /// The packets of the only entry that are sent live; `None` sends the entries on demand.
    pub(crate) live: Option<Range<usize>>,
    /// Begin so many packets in front of the one that is asked for.
    pub(crate) early: usize,
    /// Go away without a word behind the last packet.
    pub(crate) cut: bool,
}

/// Serves the visits, one a connection, the last one again and again.
pub(crate) fn start(packet_size: u32, visits: Vec<Visit>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let visits = Arc::new(visits);
    std::thread::spawn(move || {
        for (number, socket) in listener.incoming().enumerate() {
            let visits = Arc::clone(&visits);
            let number = number.min(visits.len() - 1);
            std::thread::spawn(move || {
                let _ = Session::new(packet_size, &visits[number]).run(&socket.unwrap());
            });
        }
    });
    address
}

struct Session<'a> {
    packet_size: u32,
    visit: &'a Visit,
    server: Server,
    entry: usize,
    next: usize,
    over: bool,
}

impl<'a> Session<'a> {
    fn new(packet_size: u32, visit: &'a Visit) -> Self {
        let server = Server::new(Instant::now(), ServerConfig::default());
        Self { packet_size, visit, server, entry: 0, next: 0, over: false }
    }

    fn run(&mut self, mut socket: &TcpStream) -> std::io::Result<()> {
        loop {
            match self.server.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    socket.write_all(&transmit.to_bytes())?
                }
                Output::Event(ServerEvent::Closed(_)) => return Ok(()),
                Output::Event(event) => self.on_event(event).unwrap(),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) if self.over => return Ok(()),
                Output::Wait(deadline) => {
                    let wait = deadline.map(|at| at.saturating_duration_since(Instant::now()));
                    let wait = wait.map(|time| time.max(Duration::from_millis(1)));
                    socket.set_read_timeout(wait)?;
                    let mut buffer = [0; 4096];
                    let input = match socket.read(&mut buffer) {
                        Ok(0) => Input::tcp_closed(),
                        Ok(count) => Input::tcp(&buffer[..count]),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => Input::Timeout,
                        Err(error) => return Err(error),
                    };
                    let _ = self.server.handle_input(Instant::now(), input);
                }
            }
        }
    }

    fn on_event(&mut self, event: ServerEvent) -> Result<(), StateError> {
        let now = Instant::now();
        let playlist = self.visit.entries.len() > 1;
        match event {
            ServerEvent::Open(request) => {
                let attributes = match self.visit.live {
                    Some(_) => Features::BROADCAST,
                    None if playlist => Features::PLAYLIST,
                    None => Features::SEEKABLE,
                };
                let content = self.visit.entries[0].content(self.packet_size, attributes);
                match self.visit.live {
                    Some(_) => self.server.accept_live(now, request, content),
                    None => self.server.accept(now, request, content),
                }
            }
            ServerEvent::Play(request) => self.play(now, &request),
            ServerEvent::PacketWanted { .. } => self.packet(now),
            _ => Ok(()),
        }
    }

    fn play(&mut self, now: Instant, request: &PlayRequest) -> Result<(), StateError> {
        self.next = match request.start {
            Start::Packet(number) => (number.get() as usize).saturating_sub(self.visit.early),
            _ => 0,
        };
        let Some(range) = self.visit.live.clone() else { return Ok(()) };
        for number in range {
            let packet = self.visit.entries[0].packets[number].clone();
            let number = u32::try_from(number).unwrap();
            let pushed = self.server.push_packet(now, number, true, packet)?;
            assert_eq!(pushed, PushOutcome::Queued);
        }
        if !self.visit.cut {
            return self.server.end_of_stream(now);
        }
        self.over = true;
        Ok(())
    }

    fn packet(&mut self, now: Instant) -> Result<(), StateError> {
        let entry = &self.visit.entries[self.entry];
        if let Some(packet) = entry.packets.get(self.next) {
            let number = u32::try_from(self.next).unwrap();
            self.next += 1;
            return self.server.send_packet(now, number, packet.clone());
        }
        self.next = 0;
        self.entry += 1;
        if let Some(entry) = self.visit.entries.get(self.entry) {
            self.server.end_of_entry(now)?;
            let content = entry.content(self.packet_size, Features::PLAYLIST);
            return self.server.next_entry(now, content);
        }
        if self.visit.cut {
            self.over = true;
            return Ok(());
        }
        self.server.end_of_stream(now)
    }
}
