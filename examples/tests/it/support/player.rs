//! Players that go by the rules, as simple as can be.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent, CloseReason, Credentials, HResult, Input, Machine as _, Output, PlayRequest,
    Redirect, StreamNumber,
};

/// Far more than anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A player before version 9, which is sent packets with their padding.
pub(crate) const OLD: &str = "NSPlayer/7.1.0.3055";
/// One that is sent the next entry of a list unasked, and packets without their padding.
pub(crate) const NEW: &str = "NSPlayer/9.0.0.2980";

/// A session over one connection.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) socket: TcpStream,
    client: Client,
    /// It is sent packets without their padding.
    pub(crate) strips: bool,
    /// Name and password to answer a challenge with.
    pub(crate) credentials: Option<(&'static str, &'static str)>,
    /// More of them, for the challenges after that.
    pub(crate) guesses: VecDeque<(&'static str, String)>,
    pub(crate) packets: usize,
    /// `LocationId` of each packet.
    pub(crate) numbers: Vec<u32>,
    /// Payloads, one after the other.
    pub(crate) media: Vec<u8>,
    pub(crate) headers: Vec<Bytes>,
    /// Play commands that were accepted.
    pub(crate) started: usize,
    /// It does not play what it opens.
    pub(crate) waits: bool,
    pub(crate) redirect: Option<Redirect>,
    /// What the server said at the end of the stream.
    pub(crate) end: Option<HResult>,
    pub(crate) closed: Option<CloseReason>,
}

impl Player {
    /// Connects as an [`OLD`] player and asks for a file, with all of its streams.
    pub(crate) fn connect(address: SocketAddr, path: &str) -> Self {
        Self::connect_as(OLD, address, path)
    }

    pub(crate) fn connect_as(player: &str, address: SocketAddr, path: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut config = ClientConfig::new("127.0.0.1", path);
        config.session.player = player.to_owned();
        config.session.allow_clear_text = true;
        Self {
            socket,
            client: Client::new(Instant::now(), config),
            strips: player == NEW,
            credentials: None,
            guesses: VecDeque::new(),
            packets: 0,
            numbers: Vec::new(),
            media: Vec::new(),
            headers: Vec::new(),
            started: 0,
            waits: false,
            redirect: None,
            end: None,
            closed: None,
        }
    }

    /// Goes on until this is true, or the session is over. Reads so many bytes at a time.
    pub(crate) fn run(&mut self, step: usize, mut until: impl FnMut(&Self) -> bool) {
        while self.closed.is_none() && !until(self) {
            match self.client.poll_output() {
                // The server may have hung up: what it said before that is still to be read.
                Output::Transmit { data: bytes, .. } => {
                    drop(self.socket.write_all(&bytes.to_bytes()))
                }
                Output::Event(event) => self.on_event(event),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) => {
                    let mut bytes = vec![0; step];
                    let count = self.socket.read(&mut bytes).unwrap_or_default();
                    let input =
                        if count == 0 { Input::tcp_closed() } else { Input::tcp(&bytes[..count]) };
                    let _ = self.client.handle_input(Instant::now(), input);
                }
            }
        }
    }

    /// Plays all streams.
    pub(crate) fn play(&mut self) {
        let streams = (1..=2).filter_map(StreamNumber::new);
        self.client.play(Instant::now(), PlayRequest::all(streams)).unwrap();
    }

    fn next_guess(&mut self) -> Option<(&'static str, String)> {
        let first = self.credentials.take().map(|(user, password)| (user, password.to_owned()));
        first.or_else(|| self.guesses.pop_front())
    }

    fn on_event(&mut self, event: ClientEvent) {
        let now = Instant::now();
        match event {
            ClientEvent::Challenge(challenge) => match self.next_guess() {
                Some((user, password)) => {
                    let user = user.to_owned();
                    let credentials = Credentials::Basic { user, password };
                    self.client.authenticate(now, &challenge, &credentials).unwrap();
                }
                None => self.client.close(now),
            },
            ClientEvent::Redirected(redirect) => self.redirect = Some(redirect),
            ClientEvent::Ready(content) | ClientEvent::NextEntry(content) => {
                self.headers.push(content.header().clone());
                if !self.waits {
                    self.play();
                }
            }
            ClientEvent::Started => self.started += 1,
            ClientEvent::Packet(packet) => {
                self.packets += 1;
                self.numbers.push(packet.location_id);
                self.media.extend_from_slice(&packet.payload);
            }
            ClientEvent::EndOfStream { more: false, hr } => {
                self.end = Some(hr);
                self.client.close(now);
            }
            ClientEvent::Closed(reason) => self.closed = Some(reason),
            _ => {}
        }
    }
}

/// Plays a file to its end, and returns the number of its packets.
pub(crate) fn fetch(address: SocketAddr, path: &str) -> Result<usize, CloseReason> {
    let mut player = Player::connect(address, path);
    player.run(0x1_0000, |_| false);
    match player.closed {
        Some(CloseReason::Local) => Ok(player.packets),
        reason => Err(reason.unwrap()),
    }
}

/// Plays until the server says that media follows; the rest is left for it to wait with.
pub(crate) fn begin(address: SocketAddr, path: &str) -> Player {
    let mut player = Player::connect(address, path);
    player.run(256, |player| player.started > 0);
    assert_eq!(player.closed, None);
    player
}
