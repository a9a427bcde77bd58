//! Players that join a live channel in the middle, with a clip that FFmpeg made.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::fed::{Fed, headers, packets};
use crate::support::peers;
use bytes::Bytes;
use mms_asf::{Header, Packet, StreamKind};
use mms_examples::serve::channel::{Change, Channel, Cursor, Item, Listener, LivePacket};
use mms_examples::serve::feed::{FeedItem, FeedSource};
use mms_proto::{PlayRequest, StreamNumber};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

fn items() -> Vec<FeedItem> {
    Fed::start(FeedSource::Reader(Box::new(File::open(CLIP).unwrap()))).all()
}

/// A player, where it is, and what it got.
struct Player {
    listener: Listener,
    cursor: Cursor,
    got: Vec<Bytes>,
}

impl Player {
    fn join(channel: &Channel, streams: &[u8]) -> Self {
        let streams = streams.iter().copied().filter_map(StreamNumber::new);
        let (listener, cursor) = channel.tune_in(&PlayRequest::all(streams), false);
        let mut player = Self { listener, cursor, got: Vec::new() };
        player.hear(|_| false);
        player
    }

    /// Takes what there is, but for packets that are lost.
    fn hear(&mut self, lost: impl Fn(&LivePacket) -> bool) {
        while let Some(item) = self.cursor.take() {
            let Item::Packet(packet) = item else { continue };
            if lost(packet) {
                self.listener.dropped();
                self.got.clear();
            } else {
                self.got.extend(self.listener.packet(packet));
            }
        }
    }
}

/// Checks that nothing is there that needs what is not there.
fn check(header: &Header, packets: &[Bytes], streams: &[u8]) {
    let mut begun = HashSet::new();
    for bytes in packets {
        let packet = Packet::parse(bytes, header.file().packet_size).unwrap();
        for payload in packet.payloads().map(Result::unwrap) {
            assert!(streams.contains(&payload.stream));
            let video = header.stream(payload.stream).unwrap().kind == StreamKind::Video;
            if payload.offset > 0 {
                assert!(begun.contains(&(payload.stream, payload.object_number)), "{payload:?}");
            } else if video && !begun.iter().any(|&(stream, _)| stream == payload.stream) {
                assert!(payload.key_frame, "{payload:?}");
            }
            begun.insert((payload.stream, payload.object_number));
        }
    }
}

/// A player joins behind each packet, and all hear the channel to its end.
fn players(streams: &[u8]) -> (Header, Vec<Player>) {
    let (mut channel, mut players) = (Channel::new(), Vec::<Player>::new());
    let mut header = None;
    for item in items() {
        match channel.take(item) {
            Change::Header => {
                let content = channel.content().unwrap();
                header = Some(Header::parse(content.header()).unwrap());
            }
            Change::Packet(_) => {
                players.iter_mut().for_each(|player| player.hear(|_| false));
                players.push(Player::join(&channel, streams));
            }
            Change::Ended(why) => assert_eq!(why, None),
            Change::Nothing => {}
        }
    }
    (header.unwrap(), players)
}

#[test]
fn a_player_that_joins_anywhere_can_decode_what_it_gets() {
    for streams in [&[1, 2][..], &[1], &[2]] {
        let (header, players) = players(streams);
        assert_eq!(players.len(), 85);
        for player in &players {
            assert!(!player.got.is_empty());
            check(&header, &player.got, streams);
        }
    }
}

#[test]
fn a_player_of_everything_gets_the_packets_themselves() {
    let items = items();
    let all = packets(&items);
    let (_, players) = players(&[1, 2]);
    // The first packet may begin with parts of what a player that joins has not seen.
    assert!(players[0].got == all);
    for player in &players {
        let got = &player.got[2..];
        assert!(all.ends_with(got));
    }
}

#[test]
fn a_player_that_lost_packets_goes_on_where_it_can() {
    let items = items();
    let header = Header::parse(&headers(&items)[0]).unwrap();
    for lost in [10..12, 30..31, 50..70] {
        let mut channel = Channel::new();
        let mut player = None;
        for item in items.clone() {
            match channel.take(item) {
                Change::Header => player = Some(Player::join(&channel, &[1, 2])),
                Change::Packet(_) => {
                    player.as_mut().unwrap().hear(|packet| lost.contains(&packet.number));
                }
                Change::Ended(_) | Change::Nothing => {}
            }
        }
        check(&header, &player.unwrap().got, &[1, 2]);
    }
}

#[test]
fn ffmpeg_decodes_what_a_player_gets_from_its_join_on() {
    if !peers::is_here("ffmpeg") {
        return;
    }
    let (header, players) = players(&[1, 2]);
    for player in [0, 20, 41].map(|at| &players[at]) {
        let mut ffmpeg = Command::new("ffmpeg")
            .args("-v error -f asf -i - -f null -".split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = ffmpeg.stdin.take().unwrap();
        input.write_all(header.as_bytes()).unwrap();
        player.got.iter().for_each(|packet| input.write_all(packet).unwrap());
        drop(input);
        let output = ffmpeg.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
