//! Sessions of one server that differ: by their id, and by the version of the player.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::support::served::Served;
use mms_examples::serve::Options;
use mms_examples::serve::feed::FeedSource;
use mms_proto::mmsp::frame::{Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, FileAttributes, FunnelInfo, PacketPair, ServerMessage,
};
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent, ConnectionId, Content, Limits, Machine as _, Output, PlayRequest, Rate, Start,
    StreamNumber,
};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// The client id that a new session is given.
fn client_id(server: SocketAddr) -> u32 {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut writer = MessageWriter::default();
    let subscriber = "NSPlayer/9.0.0.2980".to_owned();
    let requests: [ClientMessage; 2] = [
        Connect { packet_pair: PacketPair::No, subscriber, host: None }.into(),
        FunnelInfo { test: BandwidthTest::None }.into(),
    ];
    for request in requests {
        let packet = writer.write(0, |out| request.encode(out));
        socket.write_all(&packet).unwrap();
    }
    let mut decoder = FrameDecoder::from_server(&Limits::default());
    loop {
        while let Some(frame) = decoder.next_frame().unwrap() {
            let Frame::Messages(mut messages) = frame else { panic!("{frame:?}") };
            while let Some((_, message)) = messages.split_next().unwrap() {
                let message = ServerMessage::decode(&message, &mut Vec::new()).unwrap();
                if let ServerMessage::ReportFunnelInfo(report) = message {
                    return report.client_id;
                }
            }
        }
        let count = socket.read(decoder.recv_buffer()).unwrap();
        assert_ne!(count, 0, "the server went away");
        decoder.received(count);
    }
}

#[test]
fn each_session_has_its_own_client_id() {
    // MMSP-S-007
    let server = Served::start(Options::new(CLIP));
    let ids = [(); 16].map(|()| client_id(server.address));
    assert_eq!(BTreeSet::from(ids).len(), 16, "{ids:08X?}");
}

/// A player that has opened a file.
struct Player {
    socket: TcpStream,
    client: Client,
    content: Option<Content>,
    /// `LocationId` of each packet.
    packets: Vec<u32>,
    ends: usize,
}

impl Player {
    fn open(subscriber: &str, server: SocketAddr, path: &str) -> Self {
        let socket = TcpStream::connect(server).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut config = ClientConfig::new("127.0.0.1", path);
        config.session.player = subscriber.to_owned();
        // A report after the end would show that the player is still there.
        config.session.log = None;
        let client = Client::new(Instant::now(), config);
        let mut player = Self { socket, client, content: None, packets: Vec::new(), ends: 0 };
        player.run(|player| player.content.is_some());
        player
    }

    fn play(&mut self) {
        let streams = (1..=2).filter_map(StreamNumber::new);
        self.play_as(PlayRequest::all(streams));
    }

    fn play_as(&mut self, request: PlayRequest) {
        self.client.play(Instant::now(), request).unwrap();
        let ends = self.ends;
        self.run(|player| player.ends > ends);
    }

    fn run(&mut self, until: impl Fn(&Self) -> bool) {
        while !until(self) {
            match self.client.poll_output() {
                Output::Transmit { data: bytes, .. } => {
                    self.socket.write_all(&bytes.to_bytes()).unwrap()
                }
                Output::Event(ClientEvent::Ready(content)) => self.content = Some(content),
                Output::Event(ClientEvent::Packet(packet)) => {
                    self.packets.push(packet.location_id);
                }
                Output::Event(ClientEvent::EndOfStream { .. }) => self.ends += 1,
                Output::Event(ClientEvent::Closed(reason)) => panic!("{reason:?}"),
                Output::Event(_) => {}
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) => {
                    let count =
                        self.socket.read(self.client.recv_buffer(ConnectionId::MAIN)).unwrap();
                    assert_ne!(count, 0, "the server went away");
                    self.client.received(Instant::now(), ConnectionId::MAIN, count).unwrap();
                }
            }
        }
    }
}

#[test]
fn live_content_is_called_live_to_players_of_version_9() {
    // MMSP-S-028, T20
    let source = FeedSource::Files { paths: vec![CLIP.into()], repeat: true };
    let server = Served::start(Options::live("live", source));
    let both = FileAttributes::BROADCAST | FileAttributes::LIVE;
    for (subscriber, attributes) in [
        ("NSPlayer/9.0.0.2980", both),
        ("NSPlayer/12.0.7601.17514", both),
        ("NSPlayer/7.0.0.1956", FileAttributes::BROADCAST),
        ("NSPlayer/8.9", FileAttributes::BROADCAST),
    ] {
        let player = Player::open(subscriber, server.address, "live");
        assert_eq!(player.content.unwrap().features(), attributes.into(), "{subscriber}");
    }
}

#[test]
fn players_of_version_9_may_play_again_after_the_end() {
    // MMSP-S-097, T45
    let mut options = Options::new(CLIP);
    options.close_after_end = Duration::from_millis(100);
    let server = Served::start(options);
    let mut new = Player::open("NSPlayer/9.0.0.2980", server.address, "test-pattern.wmv");
    let mut old = Player::open("NSPlayer/7.0.0.1956", server.address, "test-pattern.wmv");
    new.play();
    old.play();
    // Both are silent. The server closes the older one, which waits for that.
    assert_eq!(old.socket.read(&mut [0; 64]).unwrap(), 0);
    new.socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let read = new.socket.read(&mut [0; 64]);
    let waits = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    assert!(read.as_ref().is_err_and(|error| waits.contains(&error.kind())), "{read:?}");
    new.socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let packets = new.packets.clone();
    new.play();
    assert_eq!(new.packets, [&packets[..], &packets[..]].concat());
}

#[test]
fn packets_have_their_numbers_in_the_file_both_ways() {
    // MMSP-S-051, MMSP-S-060
    let server = Served::start(Options::new(CLIP));
    let mut player = Player::open("NSPlayer/9.0.0.2980", server.address, "test-pattern.wmv");
    player.play();
    assert!(player.packets.iter().copied().eq(0..85), "{:?}", player.packets);
    // Backwards from key frame to key frame: the packets of one are in order.
    player.packets.clear();
    let streams = (1..=2).filter_map(StreamNumber::new);
    let end = Start::packet(84).unwrap();
    let rate = Rate::new(-2.0).unwrap();
    player.play_as(PlayRequest::all(streams).start(end).rate(rate));
    let frames: Vec<_> = player.packets.chunk_by(|one, next| one + 1 == *next).collect();
    assert!(frames.len() > 2, "{frames:?}");
    assert!(frames.windows(2).all(|two| two[1].last() < two[0].first()), "{frames:?}");
    assert_eq!(player.packets.iter().min(), Some(&0));
}
