//! How fast media goes through the machines, beside a `memcpy` of the same bytes in the same run.
//!
//! `cargo bench` prints a table. Each line is the best of several rounds that alternate with those
//! of the other lines, and so do the runs within a round, because a machine is never equally busy
//! for long: every line gets some of its quiet moments. The ratios count, and the table says
//! whether they are what they should be; only allocations, which are the same on every machine,
//! make it fail.

use std::hint::black_box;
use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_benches::{BODY, Library, PACKET, READ, Stream, requests};
use mms_proto::mmsp::frame::{Frame, FrameDecoder};
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{
    ClientEvent, CloseReason, ConnectionId, Content, Head, Input, Limits, Machine as _, Output,
    PlayRequest, ServerEvent, StreamNumber, Transmit,
};

type Failure = Box<dyn std::error::Error>;

/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Through {
    packets: u64,
    /// Bytes of media.
    bytes: u64,
}

/// One line of the table.
struct Line<'a> {
    name: &'static str,
    /// How fast it has to be at least, in percent of `memcpy`.
    wanted: Option<f64>,
    /// Read buffers that it may allocate.
    buffers: u64,
    run: Box<dyn Fn() -> Result<Through, Failure> + 'a>,
    best: Duration,
}

/// Allocations for which no packet is the reason: a handshake, and lists that find their size.
const HANDSHAKE: u64 = 100;

/// Runs of each line in a round.
const RUNS: usize = 32;

fn main() -> Result<(), Failure> {
    // Without cargo's flag this is a test: everything once, with little.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let (bytes, rounds, runs) = if bench { (64 << 20, 5, RUNS) } else { (1 << 20, 1, 1) };
    let packets = u32::try_from(bytes / PACKET)?;
    let stream = Stream::new(packets);
    let library = Library::default();
    let requests = requests();
    let reads = stream.bytes.len().div_ceil(READ) as u64;
    let line =
        |name, wanted, buffers, run| Line { name, wanted, buffers, run, best: Duration::MAX };
    let mut lines = [
        line("memcpy", None, 1, Box::new(|| memcpy(&stream)) as Box<dyn Fn() -> _>),
        line("frame decoder", None, reads, Box::new(|| decoder(&stream))),
        line("client session", Some(50.0), reads, Box::new(|| client(&stream))),
        line(
            "server session",
            Some(100.0 / 3.0),
            1,
            Box::new(|| server(&requests, &library, packets)),
        ),
    ];
    let expected = Through { packets: packets.into(), bytes: u64::from(packets) * BODY as u64 };
    for _ in 0..rounds * runs {
        for line in &mut lines {
            let start = Instant::now();
            let through = (line.run)()?;
            line.best = line.best.min(start.elapsed());
            assert_eq!(through, expected, "{}", line.name);
        }
    }

    let wire = f64::from(packets) * PACKET as f64;
    println!(
        "{packets} Data packets of {PACKET} bytes, {READ} bytes a read, best of {rounds} rounds"
    );
    println!();
    println!("                   MB/s  ns/packet  of memcpy  wanted  held  allocations  a packet");
    let mut memcpy = None;
    let mut slow = Vec::new();
    let mut wasteful = Vec::new();
    for line in &lines {
        let seconds = line.best.as_secs_f64();
        let ratio = *memcpy.get_or_insert(seconds) / seconds * 100.0;
        let used = allocation_counter::measure(|| {
            // It went well a moment ago.
            drop(black_box((line.run)()));
        })
        .count_total;
        let (wanted, held) = match line.wanted {
            Some(wanted) if ratio < wanted => {
                slow.push(line.name);
                (format!("{wanted:.0}%"), "no")
            }
            Some(wanted) => (format!("{wanted:.0}%"), "yes"),
            None => (String::new(), ""),
        };
        println!(
            "{:<16} {:>6.0} {:>10.1} {:>9.0}% {:>7} {:>5} {:>12} {:>9.5}",
            line.name,
            wire / seconds / 1e6,
            seconds * 1e9 / f64::from(packets),
            ratio,
            wanted,
            held,
            used,
            used as f64 / f64::from(packets),
        );
        let explained = line.buffers + HANDSHAKE;
        if used > explained {
            wasteful.push(format!("{}: {used} allocations, {explained} are explained", line.name));
        }
    }
    println!();
    println!("memcpy: the stream in reads into one buffer.");
    println!("frame decoder: the same copy into its own buffer, packets taken and dropped.");
    println!("client session: the same copy, handshake, an event for each packet, dropped.");
    println!(
        "server session: handshake, a request and an answer for each packet, heads and bodies"
    );
    println!(
        "  gathered into lists for writes of {READ} bytes; no media is copied, nothing written."
    );
    println!("allocations: one for each read buffer, and up to {HANDSHAKE} for everything else.");
    println!();
    if !wasteful.is_empty() {
        return Err(wasteful.join("; ").into());
    }
    if slow.is_empty() {
        println!("Every ratio held.");
    } else {
        println!("Too slow here and now: {}. A busy machine may be why.", slow.join(", "));
    }
    Ok(())
}

/// What the media is copied at, if it is only copied.
fn memcpy(stream: &Stream) -> Result<Through, Failure> {
    let mut buffer = vec![0; READ];
    for read in stream.media().chunks(READ) {
        let part = buffer.get_mut(..read.len()).ok_or("a read too large")?;
        part.copy_from_slice(black_box(read));
        black_box(&mut buffer);
    }
    Ok(Through { packets: stream.packets.into(), bytes: u64::from(stream.packets) * BODY as u64 })
}

/// Fills as much of `room` as a read does; returns how much, and what is left.
fn read<'a>(from: &'a [u8], room: &mut [u8]) -> (usize, &'a [u8]) {
    let count = from.len().min(room.len()).min(READ);
    let (now, later) = from.split_at(count);
    if let Some(room) = room.get_mut(..count) {
        room.copy_from_slice(black_box(now));
    }
    (count, later)
}

fn decoder(stream: &Stream) -> Result<Through, Failure> {
    let mut decoder = FrameDecoder::from_server(&Limits::default());
    let mut through = Through::default();
    let mut bytes = stream.media();
    while !bytes.is_empty() {
        let (count, rest) = read(bytes, decoder.recv_buffer());
        bytes = rest;
        decoder.received(count);
        while let Some(frame) = decoder.next_frame()? {
            if let Frame::Data(packet) = &frame {
                black_box(packet);
                through.packets += 1;
                through.bytes += packet.payload.len() as u64;
            }
        }
    }
    Ok(through)
}

fn client(stream: &Stream) -> Result<Through, Failure> {
    let mut now = Instant::now();
    let mut client = Client::new(now, ClientConfig::new("example.org", "file.wmv"));
    let mut through = Through::default();
    let mut ended = false;
    let mut bytes = &stream.bytes[..];
    loop {
        loop {
            match client.poll_output() {
                Output::Event(ClientEvent::Packet(packet)) => {
                    black_box(&packet);
                    through.packets += 1;
                    through.bytes += packet.payload.len() as u64;
                }
                Output::Event(ClientEvent::Ready(_)) => {
                    client.play(now, PlayRequest::all(StreamNumber::new(1)))?;
                }
                Output::Event(ClientEvent::EndOfStream { .. }) => ended = true,
                Output::Event(ClientEvent::Closed(CloseReason::Failed(error))) => {
                    return Err(error.into());
                }
                Output::Event(event) => drop(black_box(event)),
                Output::Transmit { data: transmit, .. } => drop(black_box(transmit)),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) => break,
            }
        }
        if bytes.is_empty() {
            break;
        }
        let (count, rest) = read(bytes, client.recv_buffer(ConnectionId::MAIN));
        bytes = rest;
        now = Instant::now();
        client.received(now, ConnectionId::MAIN, count)?;
    }
    if !ended || client.stats().deviations > 0 {
        return Err("the session did not go as it should".into());
    }
    Ok(through)
}

/// Heads and bodies on their way into one write.
#[derive(Default)]
struct Gathered {
    packets: Vec<(Head, Bytes)>,
    bytes: usize,
    through: Through,
}

impl Gathered {
    fn add(&mut self, head: Head, body: Bytes) {
        self.bytes += head.len() + body.len();
        self.packets.push((head, body));
        if self.bytes >= READ {
            self.flush();
        }
    }

    /// Makes the list that a vectored write takes.
    fn flush(&mut self) {
        let mut slices = [IoSlice::new(&[]); 2 * (READ / PACKET + 2)];
        let parts = self.packets.iter().flat_map(|(head, body)| [&head[..], &body[..]]);
        for (slice, part) in slices.iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
        }
        for pair in black_box(&slices).chunks_exact(2).take(self.packets.len()) {
            self.through.packets += 1;
            self.through.bytes += pair.last().map_or(0, |body| body.len() as u64);
        }
        self.packets.clear();
        self.bytes = 0;
    }
}

fn server(requests: &[u8], library: &Library, packets: u32) -> Result<Through, Failure> {
    let mut now = Instant::now();
    let mut server = Server::new(now, ServerConfig::default());
    let mut gathered = Gathered::default();
    let mut header = 0;
    let mut next = 0;
    let mut playing = false;
    server.handle_input(now, Input::tcp(requests))?;
    loop {
        match server.poll_output() {
            Output::Event(ServerEvent::PacketWanted { .. }) => {
                if next == packets {
                    server.end_of_stream(now)?;
                    playing = false;
                } else {
                    server.send_packet(now, next, library.packet(next))?;
                    next += 1;
                }
            }
            Output::Transmit { data: Transmit::Data { head, body, .. }, .. } => {
                if next == 0 {
                    header += body.len();
                } else {
                    gathered.add(head, body);
                }
            }
            Output::Transmit { data: Transmit::Message(message), .. } => {
                gathered.flush();
                drop(black_box(message));
            }
            Output::Event(ServerEvent::Open(request)) => {
                let content =
                    Content::new(library.header.clone())?.with_packet_size(u32::try_from(BODY)?)?;
                server.accept(now, request, content)?;
            }
            Output::Event(ServerEvent::Play(_)) => playing = true,
            Output::Event(ServerEvent::Closed(reason)) => {
                return Err(format!("closed: {reason:?}").into());
            }
            Output::Event(event) => drop(black_box(event)),
            Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                unreachable!("a session over one connection")
            }
            Output::Wait(_) if !playing => break,
            Output::Wait(_) => {
                // Another turn: a driver looks at its socket here.
                now = Instant::now();
                server.handle_input(now, Input::Timeout)?;
            }
        }
    }
    gathered.flush();
    if header != library.header.len() || server.stats().packets != packets.into() {
        return Err("the session did not go as it should".into());
    }
    Ok(gathered.through)
}
