//! How much memory `record` takes: the same for a gigabyte as for a minute.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::program::Running;
use crate::support::scratch::Scratch;
use bytes::{Bytes, BytesMut};
use mms_asf::FileReader;
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{Content, Features, Input, Machine as _, Output, ServerEvent};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// Most memory that the program may ever have had, in KiB.
const MOST: u64 = 16 << 10;
/// A gigabyte takes some ten seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// A broadcast without an end, of which the server has one packet in memory.
struct Broadcast {
    content: Content,
    packet: Bytes,
}

impl Broadcast {
    fn new() -> Self {
        let mut reader = FileReader::open(File::open(CLIP).unwrap()).unwrap();
        let mut header = BytesMut::from(&reader.header().as_bytes()[..]);
        let id = mms_asf::guid::FILE_PROPERTIES.to_bytes_le();
        let at = header.windows(id.len()).position(|window| window == id).unwrap();
        // The Broadcast Flag: what the header says of counts and times is void.
        header[at + 88] |= 1;
        let size = reader.header().file().packet_size;
        let content = Content::new(header.freeze())
            .unwrap()
            .with_packet_size(size)
            .unwrap()
            .with_features(Features::BROADCAST);
        Self { content, packet: reader.packet(0).unwrap() }
    }

    /// Sends so many packets to the next player, and returns the bytes of header and packets.
    fn send(self, count: u32) -> (SocketAddr, JoinHandle<u64>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            self.serve(&socket, count);
            self.content.header().len() as u64 + u64::from(count) * self.packet.len() as u64
        });
        (address, thread)
    }

    fn serve(&self, socket: &TcpStream, count: u32) {
        let mut reader = socket;
        let mut writer = BufWriter::with_capacity(0x1_0000, socket);
        let mut server = Server::new(Instant::now(), ServerConfig::default());
        let mut next = 0;
        loop {
            match server.poll_output() {
                Output::Transmit { data: bytes, .. } => {
                    for part in bytes.parts() {
                        writer.write_all(part).unwrap();
                    }
                }
                Output::Event(ServerEvent::Open(request)) => {
                    server.accept(Instant::now(), request, self.content.clone()).unwrap();
                }
                Output::Event(ServerEvent::PacketWanted { .. }) if next < count => {
                    server.send_packet(Instant::now(), next, self.packet.clone()).unwrap();
                    next += 1;
                }
                Output::Event(ServerEvent::PacketWanted { .. }) => {
                    server.end_of_stream(Instant::now()).unwrap();
                }
                Output::Event(ServerEvent::Closed(_)) => return,
                Output::Event(_) => {}
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(deadline) => {
                    writer.flush().unwrap();
                    let now = Instant::now();
                    if deadline.is_some_and(|deadline| deadline <= now) {
                        // The end of a turn; the player is not expected to say anything.
                        server.handle_input(now, Input::Timeout).unwrap();
                        continue;
                    }
                    let mut bytes = [0; 4096];
                    let read = reader.read(&mut bytes).unwrap();
                    let input =
                        if read == 0 { Input::tcp_closed() } else { Input::tcp(&bytes[..read]) };
                    server.handle_input(Instant::now(), input).unwrap();
                }
            }
        }
    }
}

/// The most memory that a process has had so far, in KiB; `None` when it is gone.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Records so many packets with the program as it is delivered; checks its memory and what it
/// wrote.
fn record(count: u32, output: &Path) {
    let program = crate::support::program::build("record", true);
    let (address, sending) = Broadcast::new().send(count);
    let mut command = Command::new(program);
    command.arg(format!("mms://{address}/live.asf")).arg("--quiet").arg("-o").arg(output);
    let mut running = Running::start(&mut command);
    let mut stdout = running.0.stdout.take().unwrap();
    let discarding =
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()).unwrap());
    let begin = Instant::now();
    let (mut most, mut looks) = (0, 0_u32);
    let status = loop {
        if let Some(kibibytes) = peak(running.0.id()) {
            most = most.max(kibibytes);
            looks += 1;
        }
        if let Some(status) = running.ends_within(Duration::from_millis(10)) {
            break status;
        }
        assert!(begin.elapsed() < PATIENCE, "record does not end");
    };
    let mut errors = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(status.success(), "{status}: {errors}");
    let sent = sending.join().unwrap();
    let to_stdout = discarding.join().unwrap();
    let written = std::fs::metadata(output).map_or(to_stdout, |file| file.len());
    println!(
        "{} MB recorded in {:.1} s: {most} KiB at most, seen {looks} times",
        sent / 1_000_000,
        begin.elapsed().as_secs_f64()
    );
    assert_eq!(written, sent);
    assert!(looks > 2, "too quick to be watched: {looks}");
    assert!(most > 0 && most < MOST, "{most} KiB");
}

#[test]
fn a_gigabyte_into_a_file() {
    let scratch = Scratch::new("memory");
    record(1_000_000_000 / 3200 + 1, &scratch.join("live.asf"));
}

#[test]
fn much_into_a_pipe() {
    record(500_000_000 / 3200 + 1, Path::new("-"));
}
