//! One thread serves everybody: what one player does, the others do not notice.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::player::{PATIENCE, begin, fetch};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_asf::{FileReader, FileWriter};
use mms_examples::serve::{Options, Pace};
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{ClientMessage, Connect, PacketPair, Pong};
use mms_proto::{CloseReason, HResult};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const NAME: &str = "test-pattern.wmv";
const PACKETS: usize = 85;
/// So often that the system cannot take the whole file at once.
const REPEATED: usize = 60;

/// A file of 16 MB.
fn long(scratch: &Scratch) -> PathBuf {
    let path = scratch.join("long.wmv");
    let mut reader = FileReader::open(File::open(CLIP).unwrap()).unwrap();
    let header = reader.header().clone();
    let mut writer = FileWriter::new(File::create(&path).unwrap(), &header).unwrap();
    let count = reader.packet_count();
    for number in (0..REPEATED).flat_map(|_| 0..count) {
        writer.write_packet(&reader.packet(number).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn served(path: &Path, change: impl FnOnce(&mut Options)) -> Served {
    let mut options = Options::new(path);
    change(&mut options);
    Served::start(options)
}

/// True when the server has closed this connection.
fn is_closed(mut socket: &TcpStream) -> bool {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = [0; 4096];
    loop {
        match socket.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// What a player says first.
fn hello(writer: &mut MessageWriter) -> Vec<u8> {
    let subscriber = "NSPlayer/9.0.0.2980".to_owned();
    let hello =
        ClientMessage::from(Connect { packet_pair: PacketPair::No, subscriber, host: None });
    writer.write(0, |out| hello.encode(out)).to_vec()
}

fn shout(address: SocketAddr) {
    let mut socket = TcpStream::connect(address).unwrap();
    let mut writer = MessageWriter::default();
    socket.write_all(&hello(&mut writer)).unwrap();
    let pong = ClientMessage::from(Pong);
    let pongs: Vec<u8> =
        (0..20_000).flat_map(|_| writer.write(0, |out| pong.encode(out))).collect();
    while socket.write_all(&pongs).is_ok() {}
}

#[test]
fn many_players_at_once_get_every_packet() {
    let server = served(Path::new(CLIP), |_| {});
    let address = server.address;
    let players: Vec<_> =
        (0..100).map(|_| std::thread::spawn(move || fetch(address, NAME))).collect();
    for player in players {
        assert_eq!(player.join().unwrap(), Ok(PACKETS));
    }
    let goal = format!("{NAME:?} {PACKETS} packets, 272000 bytes");
    let begun = std::time::Instant::now();
    while server.lines().len() < 100 && begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(10));
    }
    let lines = server.lines();
    assert_eq!(lines.iter().filter(|line| line.ends_with(&goal)).count(), 100, "{lines:#?}");
    let opened = server.all_lines().iter().filter(|line| line.contains(" opened ")).count();
    assert_eq!(opened, 100);
}

#[test]
fn readers_that_stall_or_crawl_leave_others_alone() {
    let scratch = Scratch::new("stall");
    let server = served(&long(&scratch), |options| options.stall = Duration::from_secs(5));
    let address = server.address;
    let stalled = begin(address, "long.wmv");
    let crawling = begin(address, "long.wmv");
    let mut socket = crawling.socket.try_clone().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&done);
    let crawler = std::thread::spawn(move || {
        let mut byte = [0];
        while !end.load(Ordering::SeqCst) && socket.read(&mut byte).is_ok_and(|count| count > 0) {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    for _ in 0..3 {
        assert_eq!(fetch(address, "long.wmv"), Ok(PACKETS * REPEATED));
    }
    // Nobody waits for them for ever.
    let port =
        |player: &crate::support::player::Player| player.socket.local_addr().unwrap().to_string();
    for player in [&stalled, &crawling] {
        let who = port(player);
        server.says(|line| line.starts_with(&who) && line.ends_with("; it took nothing for 5s"));
        assert!(is_closed(&player.socket));
    }
    done.store(true, Ordering::SeqCst);
    crawler.join().unwrap();
}

#[test]
fn a_slow_reader_gets_everything_all_the_same() {
    let scratch = Scratch::new("slow");
    let server = served(&long(&scratch), |_| {});
    let mut player = begin(server.address, "long.wmv");
    // The system has taken what it takes, and the server waits.
    std::thread::sleep(Duration::from_millis(300));
    // In pieces that are no packets.
    player.run(7_001, |_| false);
    assert_eq!((player.packets, player.closed), (PACKETS * REPEATED, Some(CloseReason::Local)));
}

#[test]
fn a_flood_puts_no_time_limit_off_and_nobody_else() {
    let server = served(Path::new(CLIP), |options| {
        options.timeouts = options.timeouts.clone().with_handshake(Duration::from_secs(5));
    });
    let address = server.address;
    let flood = std::thread::spawn(move || shout(address));
    assert_eq!(fetch(address, NAME), Ok(PACKETS));
    server.says(|line| line.contains("no request for 5 s"));
    flood.join().unwrap();
}

#[test]
fn more_players_than_there_are_places() {
    let scratch = Scratch::new("places");
    let server = served(&long(&scratch), |options| options.max_players = 2);
    let address = server.address;
    let first = begin(address, "long.wmv");
    let _second = begin(address, "long.wmv");
    let Err(CloseReason::Failed(error)) = fetch(address, "long.wmv") else { panic!() };
    assert!(error.to_string().contains("no room for more clients"), "{error}");
    server.says(|line| line.ends_with("refused: 2 players are here already"));
    let who = first.socket.local_addr().unwrap().to_string();
    first.socket.shutdown(Shutdown::Both).unwrap();
    drop(first);
    server.says(|line| line.starts_with(&who) && line.contains(" left after "));
    assert_eq!(fetch(address, "long.wmv"), Ok(PACKETS * REPEATED));
}

#[test]
fn connections_that_say_nothing_take_no_place() {
    let server = served(Path::new(CLIP), |options| {
        options.max_players = 1;
        options.timeouts = options.timeouts.clone().with_handshake(Duration::from_secs(5));
    });
    let address = server.address;
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(fetch(address, NAME), Ok(PACKETS));
    for socket in &silent {
        assert!(is_closed(socket));
    }
    server.says(|line| line.contains("asked for nothing; no request for 5 s"));
}

#[test]
fn players_are_told_that_the_server_stops() {
    let server = served(Path::new(CLIP), |options| options.pace = Pace::BitRate);
    let address = server.address;
    let mut streaming = begin(address, NAME);
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(&hello(&mut MessageWriter::default())).unwrap();
    let mut answer = [0; 32];
    waiting.read_exact(&mut answer).unwrap();
    let silent = TcpStream::connect(address).unwrap();

    server.stop();
    streaming.run(1_000, |_| false);
    assert_eq!(streaming.end, Some(HResult::SHUTDOWN));
    assert!(streaming.packets < PACKETS);
    assert!(is_closed(&streaming.socket) && is_closed(&waiting) && is_closed(&silent));
    let line = server.says(|line| line.contains(&format!("{NAME:?}")) && line.contains("left"));
    assert!(line.ends_with("; the server stopped"), "{line}");
    server.stopped().unwrap();
}

#[test]
fn a_player_that_does_not_read_does_not_keep_it_from_stopping() {
    let scratch = Scratch::new("deaf");
    let server = served(&long(&scratch), |_| {});
    let address = server.address;
    let player = begin(address, "long.wmv");
    server.says(|line| line.contains(" opened "));
    server.stop();
    // It would be 30 s otherwise; a second word ends it at once.
    server.stop();
    let line = server.says(|line| line.contains(" left after "));
    assert!(line.ends_with("; the server stopped"), "{line}");
    server.stopped().unwrap();
    assert!(is_closed(&player.socket));
}
