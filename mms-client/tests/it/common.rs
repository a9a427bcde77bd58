//! Servers on loopback for the tests: a real one that can break down at any byte, and one that
//! says what a test wants.

pub(crate) mod script;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Removal, remove_padding};
use mms_client::{Entry, MmsUrl, OpenOptions};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    Content, Features, HResult, Input, Machine as _, Output, PlayRequest, ServerEvent, Start,
};

pub(crate) const PACKET_SIZE: u32 = 200;

/// A small clip: packets one second apart, of one audio stream.
#[derive(Clone)]
pub(crate) struct Clip {
    pub(crate) header: Bytes,
    /// As in the file.
    pub(crate) packets: Vec<Bytes>,
    pub(crate) attributes: Features,
}

impl Clip {
    pub(crate) fn new(packets: u32) -> Self {
        Self::with(packets, b"media")
    }

    pub(crate) fn with(packets: u32, data: &[u8]) -> Self {
        let streams = [TestStream::Audio(1), TestStream::Video(2)];
        let packet = |n: u32| {
            let data: Vec<u8> =
                data.iter().copied().cycle().take(20 + (n as usize * 37) % 140).collect();
            testing::packet(n, PACKET_SIZE, &data)
        };
        Self {
            header: testing::header(PACKET_SIZE, u64::from(packets), &streams),
            packets: (0..packets).map(packet).collect(),
            attributes: Features::SEEKABLE,
        }
    }

    /// Key frames of the video stream, of which a recording makes an index.
    pub(crate) fn video(packets: u32) -> Self {
        let packet = |n: u32| {
            let time = n * 1_000;
            let payload = TestPayload::whole(0x82, n, time + 3_000, b"picture");
            TestPacket { send_time: time, duration: 1_000, ..TestPacket::single(payload) }
                .build(PACKET_SIZE)
        };
        Self { packets: (0..packets).map(packet).collect(), ..Self::new(packets) }
    }

    pub(crate) fn live(packets: u32) -> Self {
        let header = testing::live_header(PACKET_SIZE, &[TestStream::Audio(1)]);
        Self { header, attributes: Features::BROADCAST, ..Self::new(packets) }
    }

    /// What a download of all of it has to be.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.packets.iter().fold(self.header.to_vec(), |file, packet| [&file[..], packet].concat())
    }

    pub(crate) fn content(&self) -> Content {
        let count = if self.attributes.is_live() { 0 } else { self.packets.len() as u64 };
        Content::new(self.header.clone())
            .unwrap()
            .with_packet_size(PACKET_SIZE)
            .unwrap()
            .with_packet_count(count)
            .with_features(self.attributes)
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry::new(self.content())
    }

    /// A packet as it travels.
    pub(crate) fn sent(&self, number: usize) -> Bytes {
        let mut out = BytesMut::new();
        remove_padding(&self.packets[number], Removal::FieldCleared, &mut out).unwrap();
        out.freeze()
    }

    fn first(&self, request: &PlayRequest) -> usize {
        match request.start {
            Start::Beginning => 0,
            Start::Time(time) => usize::try_from(time.as_secs()).unwrap(),
            Start::Packet(number) => number.get() as usize,
            Start::ByteOffset(at) => {
                usize::try_from(at).unwrap().saturating_sub(self.header.len())
                    / PACKET_SIZE as usize
            }
        }
    }
}

/// How a connection goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fault {
    /// Closes after so many bytes.
    pub(crate) cut: Option<usize>,
    /// Goes silent after so many bytes.
    pub(crate) stall: Option<usize>,
    /// From there on sends a byte each so often.
    pub(crate) trickle: Option<(usize, Duration)>,
}

impl Fault {
    pub(crate) fn cut(at: usize) -> Self {
        Self { cut: Some(at), ..Self::default() }
    }

    pub(crate) fn stall(at: usize) -> Self {
        Self { stall: Some(at), ..Self::default() }
    }
}

/// A server for one clip, `clip.wmv`.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// Taken one a connection.
    faults: Arc<Mutex<VecDeque<Fault>>>,
    /// Bytes sent over all connections.
    sent: Arc<AtomicUsize>,
    /// Where each play command began.
    pub(crate) plays: Arc<Mutex<Vec<PlayRequest>>>,
    /// The name that each client gave.
    pub(crate) clients: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub(crate) fn new(clip: Clip) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            faults: Arc::default(),
            sent: Arc::default(),
            plays: Arc::default(),
            clients: Arc::default(),
        };
        let this = host.clone();
        let clip = Arc::new(clip);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let fault = this.faults.lock().unwrap().pop_front().unwrap_or_default();
                let (this, clip) = (this.clone(), Arc::clone(&clip));
                thread::spawn(move || this.serve(socket.unwrap(), &clip, fault));
            }
        });
        host
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> MmsUrl {
        url(self.address, "clip.wmv")
    }

    fn serve(&self, mut tcp: TcpStream, clip: &Clip, fault: Fault) -> Option<()> {
        tcp.set_nodelay(true).ok()?;
        let mut server = Server::new(Instant::now(), ServerConfig::default());
        let mut next = 0;
        let mut sent = 0;
        loop {
            let now = Instant::now();
            match server.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    self.write(&mut tcp, &transmit.to_bytes(), &mut sent, fault)?;
                }
                Output::Event(ServerEvent::Open(request)) if request.path == "clip.wmv" => {
                    server.accept(now, request, clip.content()).ok()?;
                }
                Output::Event(ServerEvent::Open(request)) => {
                    server.reject(now, request, HResult::FILE_NOT_FOUND).ok()?;
                }
                Output::Event(ServerEvent::Connected(client)) => {
                    self.clients.lock().unwrap().push(client.subscriber);
                }
                Output::Event(ServerEvent::Play(request)) => {
                    next = clip.first(&request);
                    self.plays.lock().unwrap().push(request);
                }
                Output::Event(ServerEvent::PacketWanted { .. }) => {
                    if next < clip.packets.len() {
                        let number = u32::try_from(next).unwrap();
                        server.send_packet(now, number, clip.sent(next)).ok()?;
                        next += 1;
                    } else {
                        server.end_of_stream(now).ok()?;
                    }
                }
                Output::Event(ServerEvent::Closed(_)) => return Some(()),
                Output::Event(_) => {}
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(deadline) => {
                    let wait = deadline.map(|at| at.saturating_duration_since(now));
                    let wait = wait.map(|time| time.max(Duration::from_millis(1)));
                    tcp.set_read_timeout(wait).ok()?;
                    let mut buffer = [0; 4096];
                    let read = tcp.read(&mut buffer);
                    let input = match &read {
                        Ok(0) => Input::tcp_closed(),
                        Ok(count) => Input::tcp(&buffer[..*count]),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => Input::Timeout,
                        Err(_) => return None,
                    };
                    server.handle_input(Instant::now(), input).ok()?;
                }
            }
        }
    }

    fn write(
        &self,
        tcp: &mut TcpStream,
        bytes: &[u8],
        sent: &mut usize,
        fault: Fault,
    ) -> Option<()> {
        let room = [fault.cut, fault.stall, fault.trickle.map(|(at, _)| at)];
        let room =
            room.into_iter().flatten().min().map_or(usize::MAX, |at| at.saturating_sub(*sent));
        let now = bytes.len().min(room);
        tcp.write_all(&bytes[..now]).ok()?;
        *sent += now;
        self.sent.fetch_add(now, Ordering::SeqCst);
        if now == bytes.len() {
            return Some(());
        }
        if let Some((_, pause)) = fault.trickle {
            for byte in &bytes[now..] {
                thread::sleep(pause);
                tcp.write_all(&[*byte]).ok()?;
                *sent += 1;
            }
            return Some(());
        }
        if fault.stall.is_some() {
            // Until the client goes away.
            tcp.set_read_timeout(None).ok()?;
            while tcp.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
            return None;
        }
        let _ = tcp.shutdown(Shutdown::Both);
        None
    }
}

pub(crate) fn url(address: SocketAddr, path: &str) -> MmsUrl {
    MmsUrl::parse(&format!("mms://{address}/{path}")).unwrap()
}

/// Time-outs that end a test that would hang, and are not reached otherwise.
pub(crate) fn patient() -> OpenOptions {
    OpenOptions::new().timeout(Duration::from_secs(20))
}

/// A file that goes away with the test.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("mms-client-test-{}-{number}.asf", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn with(bytes: &[u8]) -> Self {
        let this = Self::new();
        fs::write(&this.0, bytes).unwrap();
        this
    }

    pub(crate) fn create(&self) -> File {
        File::create(&self.0).unwrap()
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.0
    }

    /// For resuming.
    pub(crate) fn open(&self) -> File {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).open(&self.0).unwrap()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.0).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
