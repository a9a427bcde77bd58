//! A flood of play commands: connections that seek, again and again, while players play. How late
//! are the packets of the players then?

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{ClientMessage, StartPlaying, StreamSwitch};
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent, Input, Machine as _, Output, PlayRequest, Start, Stop, StreamNumber,
    StreamSelection,
};

use super::child::Child;
use super::clip::Clip;
use super::{Options, Report, SwarmError, crowd};

/// How long the files play.
const FILE: Duration = Duration::from_secs(160);
/// Streams that one of the files declares and does not have.
const EMPTY: u8 = 7;
/// Time between two loads of play commands of one connection.
const TICK: Duration = Duration::from_millis(100);
/// Play commands of one load: as many as have room in what a system sends at once.
const PLAYS: u32 = 14;
/// How long the connections may take until all of them flood.
const PATIENCE: Duration = Duration::from_secs(10);

/// Floods one server after the other, one for each file, and plays from it with
/// [`Options::sessions`] players for [`Options::time`].
///
/// # Errors
/// When that cannot be begun. Players that fail are counted in the report.
pub fn run(options: &Options) -> Result<[Report; 2], SwarmError> {
    Ok([flooded(options, 0)?, flooded(options, EMPTY)?])
}

fn flooded(options: &Options, empty: u8) -> Result<Report, SwarmError> {
    let clip = Clip::make(FILE, empty)?;
    let mut server = Child::start(clip.path(), options)?;
    let flood = Flood::start(&server, options.flood, empty)?;
    // A second from the beginning on: a player that seeks as well.
    let mut request = PlayRequest::all(StreamNumber::new(1));
    (request.start, request.stop) =
        (Start::Time(Duration::from_secs(1)), Stop::after(options.time));
    let played = crowd::play(options, &request, &mut server)?;
    let plays = flood.end()?;
    Ok(Report::of_flood(options, empty, plays, played))
}

/// The thread of all connections that flood.
struct Flood {
    over: Arc<AtomicBool>,
    plays: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<()>>,
}

impl Flood {
    /// Returns when all connections flood.
    fn start(server: &Child, connections: u32, empty: u8) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let (plays, flooding) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let address = server.address();
        let configs = (0..connections).map(|_| server.client()).collect::<Vec<_>>();
        let (end, sent, ready) = (Arc::clone(&over), Arc::clone(&plays), Arc::clone(&flooding));
        let load = load(empty);
        let thread = std::thread::Builder::new()
            .name("flood".to_owned())
            .spawn(move || run_all(address, configs, &load, &end, &sent, &ready))?;
        let begun = Instant::now();
        while flooding.load(Ordering::SeqCst) < connections.into() && begun.elapsed() < PATIENCE {
            if thread.is_finished() {
                break;
            }
            std::thread::sleep(TICK);
        }
        Ok(Self { over, plays, thread })
    }

    /// Ends it, and says how many play commands were sent.
    fn end(self) -> io::Result<u64> {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the flood ended early")))?;
        Ok(self.plays.load(Ordering::SeqCst))
    }
}

/// Selects all streams, and seeks here and there.
fn load(empty: u8) -> Vec<u8> {
    let streams = (1..=empty.saturating_add(1)).filter_map(StreamNumber::new);
    let selections = streams.map(StreamSelection::full).collect();
    let mut messages = vec![ClientMessage::from(StreamSwitch { selections })];
    messages.extend((0..PLAYS).map(|number| {
        let time = FILE.saturating_mul(number.saturating_add(1)) / PLAYS.saturating_add(1);
        let (start, incarnation) = (Start::Time(time), number.saturating_add(1));
        StartPlaying { open_file_id: 1, start, stop: None, incarnation, accel: None }.into()
    }));
    let mut writer = MessageWriter::default();
    messages.iter().flat_map(|message| writer.write(0, |out| message.encode(out))).collect()
}

fn run_all(
    address: SocketAddr,
    configs: Vec<ClientConfig>,
    load: &[u8],
    over: &AtomicBool,
    plays: &AtomicU64,
    flooding: &AtomicU64,
) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut attackers = Vec::new();
    for (number, config) in configs.into_iter().enumerate() {
        let mut socket = TcpStream::connect(address)?;
        let both = Interest::READABLE.add(Interest::WRITABLE);
        poll.registry().register(&mut socket, Token(number), both)?;
        let client = Client::new(Instant::now(), config);
        attackers.push(Attacker { socket, client, unsent: Vec::new(), floods: false });
    }
    let mut events = Events::with_capacity(1024);
    let mut next = Instant::now();
    while !over.load(Ordering::SeqCst) {
        poll.poll(&mut events, Some(next.saturating_duration_since(Instant::now())))?;
        for event in &events {
            if let Some(attacker) = attackers.get_mut(event.token().0) {
                let before = attacker.floods;
                attacker.exchange()?;
                flooding.fetch_add(u64::from(attacker.floods && !before), Ordering::SeqCst);
            }
        }
        if Instant::now() >= next {
            next = Instant::now().checked_add(TICK).unwrap_or(next);
            for attacker in attackers.iter_mut().filter(|it| it.floods && it.unsent.is_empty()) {
                attacker.unsent.extend_from_slice(load);
                plays.fetch_add(PLAYS.into(), Ordering::SeqCst);
                attacker.send()?;
            }
        }
    }
    Ok(())
}

/// One connection that floods, once it has opened the file.
struct Attacker {
    socket: TcpStream,
    client: Client,
    unsent: Vec<u8>,
    floods: bool,
}

impl Attacker {
    fn exchange(&mut self) -> io::Result<()> {
        if !self.floods {
            self.poll();
            self.send()?;
        }
        let mut bytes = [0; 16 << 10];
        loop {
            match self.socket.read(&mut bytes) {
                // Thrown out, which is as good as it can be.
                Ok(0) => break,
                Ok(count) => {
                    if let Some(bytes) = bytes.get(..count).filter(|_| !self.floods) {
                        // An error of the machine is its last event.
                        let _ = self.client.handle_input(Instant::now(), Input::tcp(bytes));
                        self.poll();
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_patient(&error) => break,
                Err(error) => return Err(error),
            }
        }
        self.send()
    }

    fn poll(&mut self) {
        loop {
            match self.client.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    self.unsent.extend_from_slice(&transmit.to_bytes())
                }
                Output::Event(ClientEvent::Ready(_)) => self.floods = true,
                Output::Event(_) => {}
                // A session over one TCP connection has no others.
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {}
                Output::Wait(_) => return,
            }
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count.min(self.unsent.len()))),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_patient(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A socket that is full or empty, or not connected yet.
fn is_patient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected)
}
