//! Players that go by the rules, as simple as can be.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{ClientEvent, CloseReason, HResult, Input, Output, PlayRequest, StreamNumber};

/// Far more than anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A session over one connection.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) socket: TcpStream,
    client: Client,
    pub(crate) packets: usize,
    pub(crate) started: bool,
    /// What the server said at the end of the stream.
    pub(crate) end: Option<HResult>,
    pub(crate) closed: Option<CloseReason>,
}

impl Player {
    /// Connects and asks for a file, with all of its streams.
    pub(crate) fn connect(address: SocketAddr, path: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let client = Client::new(Instant::now(), ClientConfig::new("127.0.0.1", path));
        Self { socket, client, packets: 0, started: false, end: None, closed: None }
    }

    /// Goes on until this is true, or the session is over. Reads so many bytes at a time.
    pub(crate) fn run(&mut self, step: usize, mut until: impl FnMut(&Self) -> bool) {
        while self.closed.is_none() && !until(self) {
            match self.client.poll_output() {
                // The server may have hung up: what it said before that is still to be read.
                Output::Transmit(bytes) => drop(self.socket.write_all(&bytes.to_bytes())),
                Output::Event(event) => self.on_event(event),
                Output::Wait(_) => {
                    let mut bytes = vec![0; step];
                    let count = self.socket.read(&mut bytes).unwrap_or_default();
                    let input =
                        if count == 0 { Input::TcpClosed } else { Input::Tcp(&bytes[..count]) };
                    let _ = self.client.handle_input(Instant::now(), input);
                }
            }
        }
    }

    fn on_event(&mut self, event: ClientEvent) {
        let now = Instant::now();
        match event {
            ClientEvent::Ready(_) => {
                let streams = (1..=2).filter_map(StreamNumber::new);
                self.client.play(now, PlayRequest::all(streams)).unwrap();
            }
            ClientEvent::Started => self.started = true,
            ClientEvent::Packet(_) => self.packets += 1,
            ClientEvent::EndOfStream { hr, .. } => {
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
    player.run(256, |player| player.started);
    assert_eq!(player.closed, None);
    player
}
