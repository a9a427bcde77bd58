//! Moves bytes between one socket and one machine, and answers what the machine asks.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{CloseReason, HResult, Input, OpenRequest, Output, ServerEvent, Transmit};

use super::library::Library;
use super::title::Title;

/// Bytes of one write.
const GATHER: usize = 64 << 10;
/// A player that takes no byte for this long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// What is read at most once a deadline has passed: far more than a player has to say.
const LATE: usize = 256 << 10;

/// Serves one player until it leaves, and says in one line how it went.
pub(super) fn serve(player: &TcpStream, library: &Library, config: ServerConfig) -> String {
    let mut session = Session {
        server: Server::new(Instant::now(), config),
        library,
        title: None,
        name: String::new(),
        refused: None,
        deviations: 0,
        read_late: 0,
    };
    let result = session.run(player);
    session.describe(result)
}

struct Session<'a> {
    server: Server,
    library: &'a Library,
    title: Option<Title>,
    name: String,
    refused: Option<String>,
    deviations: u64,
    /// Bytes read since a deadline has passed that the machine was not told of.
    read_late: usize,
}

impl Session<'_> {
    fn run(&mut self, player: &TcpStream) -> io::Result<CloseReason> {
        player.set_nodelay(true)?;
        player.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let mut gathered = Gathered::default();
        loop {
            match self.server.poll_output() {
                Output::Transmit(Transmit::Data { head, body }) => {
                    gathered.add(head, body, player)?;
                }
                Output::Transmit(Transmit::Message(bytes)) => {
                    gathered.flush(player)?;
                    let mut player = player;
                    player.write_all(&bytes)?;
                }
                Output::Event(ServerEvent::Closed(reason)) => {
                    gathered.flush(player)?;
                    return Ok(reason);
                }
                Output::Event(event) => self.on_event(event),
                Output::Wait(deadline) => {
                    gathered.flush(player)?;
                    self.read(player, deadline)?;
                }
            }
        }
    }

    fn on_event(&mut self, event: ServerEvent) {
        let now = Instant::now();
        // The session may have ended between an event and its answer: the last event says so.
        let _ = match event {
            ServerEvent::Open(request) => self.open(now, request),
            ServerEvent::Play(request) => match self.title.as_mut().map(|t| t.play(&request)) {
                Some(Ok(())) => Ok(()),
                _ => self.server.abort_stream(now, HResult::FAIL),
            },
            ServerEvent::PacketWanted { .. } => {
                match self.title.as_mut().map(Title::next_packet) {
                    Some(Ok(Some(packet))) => {
                        self.server.send_packet(now, packet.number, packet.body)
                    }
                    Some(Ok(None)) => self.server.end_of_stream(now),
                    // The file was cut or taken away under our hands.
                    _ => self.server.abort_stream(now, HResult::FAIL),
                }
            }
            ServerEvent::Deviation(_) => {
                self.deviations = self.deviations.saturating_add(1);
                Ok(())
            }
            _ => Ok(()),
        };
    }

    fn open(&mut self, now: Instant, request: OpenRequest) -> Result<(), mms_proto::StateError> {
        self.name.clone_from(&request.path);
        let Some(path) = self.library.find(&request.path) else {
            self.refused = Some("there is no such file".to_owned());
            return self.server.reject(now, request, HResult::FILE_NOT_FOUND);
        };
        match Title::open(&path) {
            Ok(title) => {
                let content = title.content().clone();
                self.title = Some(title);
                self.refused = None;
                self.server.accept(now, request, content)
            }
            Err(error) => {
                self.refused = Some(error.to_string());
                self.server.reject(now, request, error.hresult())
            }
        }
    }

    /// Waits for the player until `deadline`; does not wait at all when that has passed.
    fn read(&mut self, player: &TcpStream, deadline: Option<Instant>) -> io::Result<()> {
        let wait = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let late = wait.is_some_and(|wait| wait.is_zero());
        if late && self.read_late >= LATE {
            // A player that floods us is never silent, and its time runs out all the same.
            self.read_late = 0;
            let _ = self.server.handle_input(Instant::now(), Input::Timeout);
            return Ok(());
        }
        let room = self.server.recv_buffer();
        let mut player = player;
        let read = if late {
            player.set_nonblocking(true)?;
            let read = player.read(room);
            player.set_nonblocking(false)?;
            read
        } else {
            // A time-out of zero would be none at all.
            player.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
            player.read(room)
        };
        let now = Instant::now();
        self.read_late = match read {
            Ok(count) if late => self.read_late.saturating_add(count),
            _ => 0,
        };
        // An error of the machine is its last event.
        let _ = match read {
            Ok(0) => self.server.handle_input(now, Input::TcpClosed),
            Ok(count) => self.server.received(now, count),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {
                    self.server.handle_input(now, Input::Timeout)
                }
                _ => self.server.handle_input(now, Input::TcpClosed),
            },
        };
        Ok(())
    }

    fn describe(&self, result: io::Result<CloseReason>) -> String {
        let stats = self.server.stats();
        let name = format!("{:?}", self.name);
        let mut line = match &self.refused {
            Some(why) => format!("{name} refused: {why}"),
            None => format!("{name} {} packets, {} bytes", stats.packets, stats.bytes),
        };
        match result {
            Ok(CloseReason::Failed(error)) => line.push_str(&format!("; {error}")),
            Ok(CloseReason::Idle) => line.push_str("; idle for too long"),
            Ok(_) => {}
            Err(error) => line.push_str(&format!("; the connection broke: {error}")),
        }
        if self.deviations > 0 {
            line.push_str(&format!("; {} deviations tolerated", self.deviations));
        }
        line
    }
}

/// Data packets on their way into one write: a write for each would cost twenty times the time.
#[derive(Default)]
struct Gathered {
    packets: Vec<([u8; 8], Bytes)>,
    bytes: usize,
}

impl Gathered {
    fn add(&mut self, head: [u8; 8], body: Bytes, player: &TcpStream) -> io::Result<()> {
        self.bytes = self.bytes.saturating_add(head.len()).saturating_add(body.len());
        self.packets.push((head, body));
        if self.bytes >= GATHER { self.flush(player) } else { Ok(()) }
    }

    fn flush(&mut self, mut player: &TcpStream) -> io::Result<()> {
        let parts = self.packets.iter().flat_map(|(head, body)| [&head[..], &body[..]]);
        let mut slices: Vec<IoSlice<'_>> = parts.map(IoSlice::new).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match player.write_vectored(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.packets.clear();
        self.bytes = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::path::Path;

    use mms_proto::mmsp::frame::MessageWriter;
    use mms_proto::mmsp::message::{ClientMessage, Connect, PacketPair, Pong};
    use mms_proto::mmsp::server::ServerTimeouts;

    use super::*;

    #[test]
    fn a_flood_puts_no_time_limit_off() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut player = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, _) = listener.accept().unwrap();
        let (done, line) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let clips = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/clips"));
            let handshake = Duration::from_millis(200);
            let config =
                ServerConfig::default().timeouts(ServerTimeouts::default().handshake(handshake));
            let line = serve(&socket, &Library::open(clips).unwrap(), config);
            done.send(line).unwrap();
        });
        std::thread::spawn(move || {
            let mut writer = MessageWriter::default();
            let subscriber = "NSPlayer/9.0.0.2980".to_owned();
            let hello = ClientMessage::from(Connect { packet_pair: PacketPair::No, subscriber });
            player.write_all(&writer.write(0, |out| hello.encode(out))).unwrap();
            let pong = ClientMessage::from(Pong);
            let pongs: Vec<u8> =
                (0..20_000).flat_map(|_| writer.write(0, |out| pong.encode(out))).collect();
            while player.write_all(&pongs).is_ok() {}
        });
        let line = line.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(line.contains("no request for 200 ms"), "{line}");
    }
}
