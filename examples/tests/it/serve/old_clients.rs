//! A downloader of 2006, whose protocol was published, fetches from the server.
//!
//! It writes lengths that are not multiples of 8, transport names in several forms, never selects a
//! stream and begins at a packet number. Its messages are here byte for byte; that it finds packets
//! by searching for 82 00 00 is not.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::support::served::Served;
use bytes::BytesMut;
use mms_asf::{FileReader, Restorer};
use mms_examples::serve::{Options, Title};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// Transport names, with the client's address and port for `ADDRESS` and `PORT`.
const NAMES: [&str; 8] = [
    // As its protocol prints them.
    "ADDRESS//TCP//PORT//0000000",
    " //ADDRESS/TCP/PORT\x000",
    "//ADDRESS/TCP/PORT\x000",
    // The same with the escapes of C undone.
    "ADDRESS\\TCP\\PORT\\0000000",
    "\\\\ADDRESS\\TCP\\PORT\\0000000",
    "\\\\ADDRESS\\TCP\\PORT\x000000000",
    "//192.168.66.88//TCP//7799//0",
    "//ADDRESS/TCP/0",
];

/// Ids of its messages; a `StreamSwitch` is not among them.
const CONNECT: u32 = 0x0003_0001;
const CONNECT_FUNNEL: u32 = 0x0003_0002;
const OPEN_FILE: u32 = 0x0003_0005;
const START_PLAYING: u32 = 0x0003_0007;
const CLOSE_FILE: u32 = 0x0003_000D;
const READ_BLOCK: u32 = 0x0003_0015;
const FUNNEL_INFO: u32 = 0x0003_0018;
const PONG: u32 = 0x0003_001B;

/// What arrived next.
enum Arrived {
    /// The id of a message, and the bytes after it.
    Message(u16, Vec<u8>),
    /// `LocationId`, label and payload of a Data packet.
    Data(u32, u8, Vec<u8>),
}

/// One download.
struct Downloader {
    socket: TcpStream,
    sequence: u32,
}

/// What a download came to.
struct Download {
    header: Vec<u8>,
    packets: Vec<Vec<u8>>,
}

impl Downloader {
    fn connect(server: SocketAddr) -> Self {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { socket, sequence: 0 }
    }

    /// Sends a message as the program does: `length` counts the bytes after the first eight of the
    /// body, and is written as it is.
    fn send(&mut self, id: u32, length: u32, fields: &[u32], text: &str) {
        let chunks = length.div_ceil(8);
        let head = [
            1,
            0xB00B_FACE,
            length + 32,
            u32::from_le_bytes(*b"MMS "),
            chunks + 4,
            self.sequence,
            0,
            0,
            chunks + 2,
            id,
        ];
        self.sequence += 1;
        let mut bytes: Vec<u8> =
            head.iter().chain(fields).flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(length as usize + 48, 0);
        self.socket.write_all(&bytes).unwrap();
    }

    fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn receive(&mut self) -> Arrived {
        let head = self.read(8);
        if head[4..8] == [0xCE, 0xFA, 0x0B, 0xB0] {
            let length: [u8; 4] = self.read(4).try_into().unwrap();
            let rest = self.read(u32::from_le_bytes(length) as usize + 4);
            let id = u16::from_le_bytes([rest[24], rest[25]]);
            return Arrived::Message(id, rest[28..].to_vec());
        }
        let size = u16::from_le_bytes([head[6], head[7]]);
        let location = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        Arrived::Data(location, head[4], self.read(usize::from(size) - 8))
    }

    /// The next message, which has this id; its result code.
    fn expect(&mut self, id: u16, what: &str) -> u32 {
        let Arrived::Message(found, body) = self.receive() else { panic!("Data; {what}") };
        assert_eq!(found, id, "{what}");
        u32::from_le_bytes([body[0], body[1], body[2], body[3]])
    }

    /// Fetches a file from packet `start` on.
    fn fetch(server: SocketAddr, path: &str, name: &str, start: u32) -> Download {
        let what = &format!("{path}, {name:?}");
        let mut this = Self::connect(server);
        let units = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap();
        let player = "\u{1c}\u{3}NSPlayer/9.0.0.3372; ";
        let words = [0xF0F0_F0F0, 0x0004_000B];
        this.send(CONNECT, units(player) * 2 + 8, &words, player);
        assert_eq!(this.expect(0x01, what), 0);
        this.send(FUNNEL_INFO, 0, &[0xF0F0_F0F1, 0x0004_000B], "");
        for _ in 0..3 {
            assert_eq!(this.expect(0x15, what), 0);
        }
        let local = this.socket.local_addr().unwrap();
        let name = name.replace("ADDRESS", "127.0.0.1").replace("PORT", &local.port().to_string());
        let words = [0xF0F0_F0F1, 0xFFFF_FFFF, 0, 0x00A0_0000, 2];
        this.send(CONNECT_FUNNEL, units(&name) * 2 + 8 + 12, &words, &name);
        assert_eq!(this.expect(0x02, what), 0);
        this.send(OPEN_FILE, units(path) * 2 + 8 + 8, &[1, 0xFFFF_FFFF, 0, 0], path);
        assert_eq!(this.expect(0x06, what), 0);
        let words = [1, 0, 0, 0x8000, 0xFFFF_FFFF, 0, 0, 0, 0, 0x40AC_2000, 2, 0];
        this.send(READ_BLOCK, 40, &words, "");
        assert_eq!(this.expect(0x11, what), 0);
        let mut header = Vec::new();
        // The header ends with the reserved field of the Data Object.
        while !header.ends_with(&[0, 0, 0, 0, 0, 0, 1, 1]) {
            let Arrived::Data(_, 2, piece) = this.receive() else { panic!("no header; {what}") };
            header.extend(piece);
        }
        // At once, without a selection of streams.
        let words = [1, 0x0001_FFFF, 0, 0, 0xFFFF_FFFF, start, 0x00FF_FFFF, 4];
        this.send(START_PLAYING, 24, &words, "");
        assert_eq!(this.expect(0x05, what), 0);
        let mut packets = Vec::new();
        loop {
            match this.receive() {
                Arrived::Data(location, label, packet) => {
                    // MMSP-S-051: the number of the packet in the file.
                    assert_eq!(location as usize, start as usize + packets.len(), "{what}");
                    assert_eq!(label, 4, "{what}");
                    packets.push(packet);
                }
                Arrived::Message(0x1B, _) => this.send(PONG, 0, &[1, 0x0001_FFFF], ""),
                Arrived::Message(id, _) => {
                    assert_eq!(id, 0x1E, "{what}");
                    break;
                }
            }
        }
        this.send(CLOSE_FILE, 0, &[1, 1], "");
        Download { header, packets }
    }
}

/// Compares with the file: the header, and the packets from `start` on, with their padding put
/// back.
fn check(path: &Path, download: &Download, start: u32) {
    let what = path.display();
    let mut reader = FileReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
    assert!(download.header == *reader.header().as_bytes(), "another header; {what}");
    let count = reader.packet_count() - u64::from(start);
    assert_eq!(download.packets.len() as u64, count, "{what}");
    let restorer = Restorer::new(reader.header().file().packet_size).unwrap();
    for (packet, number) in download.packets.iter().zip(u64::from(start)..) {
        let mut whole = BytesMut::new();
        restorer.restore(packet, &mut whole).unwrap();
        assert!(whole == reader.packet(number).unwrap(), "packet {number}; {what}");
    }
}

#[test]
fn a_downloader_of_2006_fetches_the_clip() {
    // MMSP-S-014, MMSP-S-047; T22, T26
    let server = Served::start(Options::new(CLIP));
    for name in NAMES {
        for start in [0, 1, 40, 84] {
            let download = Downloader::fetch(server.address, "test-pattern.wmv", name, start);
            check(Path::new(CLIP), &download, start);
        }
    }
}

#[test]
fn a_downloader_of_2006_fetches_every_sample() {
    // MMSP-S-051
    let Some(samples) = mms_tests::asf_samples() else { return };
    let folder = samples[0].parent().unwrap().to_owned();
    let server = Served::start(Options::new(folder));
    let mut fetched = 0;
    for (path, &name) in samples.iter().zip(NAMES.iter().cycle()) {
        // What is broken is refused.
        if Title::open(path).is_err() {
            continue;
        }
        let file = path.file_name().unwrap().to_str().unwrap();
        check(path, &Downloader::fetch(server.address, file, name, 0), 0);
        fetched += 1;
    }
    assert!(fetched > 60, "only {fetched} files");
}
