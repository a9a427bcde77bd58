//! Players of a live stream whose key frames are far apart: those that join begin with everything
//! since the last one, and the report counts what the others did not get.

use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::support::origin::{self, Entry, Visit};
use crate::support::pipe::broadcast;
use crate::support::player::{NEW, OLD, Player};
use crate::support::served::Served;
use bytes::Bytes;
use mms_asf::Packet;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_examples::serve::Options;
use mms_examples::serve::feed::{FeedSource, UpstreamOptions};
use mms_proto::HResult;

const SIZE: u32 = 1_400;

/// A header with one video stream.
fn header() -> Vec<u8> {
    testing::live_header(SIZE, &[TestStream::Video(1)]).to_vec()
}

/// One object, 10 ms after the one before.
fn packet(number: u32, key_frame: bool) -> Bytes {
    let stream = if key_frame { 0x81 } else { 1 };
    let payload = TestPayload::whole(stream, number, 3_000 + number * 10, &[7; 1_300]);
    TestPacket { send_time: number * 10, ..TestPacket::single(payload) }.build(SIZE)
}

fn concat(packets: &[Bytes]) -> Vec<u8> {
    packets.concat()
}

/// Sends a header and these packets to a player that has all of them at the end. It is never farther
/// behind than a player may be.
fn follow(server: &Served, pipe: &Sender<Vec<u8>>, packets: &[Bytes]) -> Player {
    pipe.send(header()).unwrap();
    let mut player = Player::connect(server.address, "live");
    player.run(0x1_0000, |player| player.started > 0);
    let mut sent = 0;
    for some in packets.chunks(200) {
        pipe.send(concat(some)).unwrap();
        sent += some.len();
        player.run(0x1_0000, |player| player.packets == sent);
    }
    player
}

fn play(mut player: Player) -> Player {
    player.run(0x1_0000, |_| false);
    player
}

#[test]
fn who_joins_gets_everything_since_the_key_frame() {
    // 3.6 MB after one key frame: seven times what is queued for a player.
    let packets: Vec<_> = (0..2_600).map(|number| packet(number, number == 0)).collect();
    let (server, pipe) = broadcast();
    let first = follow(&server, &pipe, &packets[..2_400]);
    let mut late = [OLD, NEW].map(|product| Player::connect_as(product, server.address, "live"));
    for player in &mut late {
        player.run(0x1_0000, |player| player.packets > 0);
    }
    // This one takes nothing while the stream goes on, and its backlog waits for it.
    let mut slow = Player::connect(server.address, "live");
    slow.run(256, |player| player.started > 0);
    pipe.send(concat(&packets[2_400..])).unwrap();
    drop(pipe);
    for player in [first, slow].into_iter().chain(late) {
        let who = player.socket.local_addr().unwrap().to_string();
        let player = play(player);
        assert_eq!((player.packets, player.end), (2_600, Some(HResult::OK)));
        assert!(player.strips || player.media == concat(&packets), "byte for byte");
        let line = server.says(|line| line.starts_with(&who) && line.contains(" left after "));
        assert!(line.contains("2600 packets") && !line.contains("dropped"), "{line}");
    }
    server.stopped().unwrap();
}

#[test]
fn the_next_header_waits_until_the_backlog_was_taken() {
    let packets: Vec<_> = (0..1_000).map(|number| packet(number, number == 0)).collect();
    let (server, pipe) = broadcast();
    let mut first = follow(&server, &pipe, &packets);
    let mut slow = [OLD, NEW].map(|product| Player::connect_as(product, server.address, "live"));
    for player in &mut slow {
        player.run(256, |player| player.started > 0);
    }
    let other = testing::live_header(SIZE, &[TestStream::Video(1), TestStream::Audio(2)]);
    pipe.send(other.to_vec()).unwrap();
    first.run(0x1_0000, |player| player.headers.len() == 2);
    for mut player in slow {
        player.run(0x1_0000, |player| player.headers.len() == 2);
        assert_eq!((player.packets, &player.headers[1]), (1_000, &other));
    }
}

#[test]
fn packets_carry_their_number_in_the_broadcast() {
    // MMSP-S-051: whoever joins late sees them, and they go on over the next header.
    let packets: Vec<_> = (0..300).map(|number| packet(number, number % 100 == 0)).collect();
    let (server, pipe) = broadcast();
    let mut first = follow(&server, &pipe, &packets);
    let mut late = [OLD, NEW].map(|product| Player::connect_as(product, server.address, "live"));
    for player in &mut late {
        player.run(0x1_0000, |player| player.packets == 100);
    }
    let other = testing::live_header(SIZE, &[TestStream::Video(1), TestStream::Audio(2)]);
    pipe.send(other.to_vec()).unwrap();
    for player in late.iter_mut().chain([&mut first]) {
        player.run(0x1_0000, |player| player.headers.len() == 2 && player.started == 2);
    }
    pipe.send(concat(&packets[..100])).unwrap();
    drop(pipe);
    assert!(play(first).numbers.into_iter().eq(0..400));
    for player in late {
        assert!(play(player).numbers.into_iter().eq(200..400));
    }
}

/// Send and presentation time of each packet.
fn times(media: &[u8]) -> Vec<(u32, u32)> {
    let time = |packet: &[u8]| {
        let packet = Packet::parse(packet, SIZE).unwrap();
        let shown = packet.payloads().next().unwrap().unwrap().presentation_time;
        (packet.send_time(), shown)
    };
    media.chunks(SIZE as usize).map(time).collect()
}

#[test]
fn an_encoder_that_starts_its_clock_anew_goes_on() {
    let (server, pipe) = broadcast();
    pipe.send([header(), packet(10_000, true).to_vec()].concat()).unwrap();
    let mut player = Player::connect(server.address, "live");
    player.run(1_000, |player| player.packets > 0);
    let packets = (10_001..10_050).chain(0..50).map(|number| packet(number, true));
    pipe.send(packets.collect::<Vec<_>>().concat()).unwrap();
    drop(pipe);
    let player = play(player);
    let wanted: Vec<_> = (10_000..10_100).map(|n| (n * 10, n * 10 + 3_000)).collect();
    assert_eq!(times(&player.media), wanted);
    server.says(|line| line.contains("the clock of the stream has stepped back by 100.5 s"));
}

#[test]
fn an_upstream_that_comes_back_with_another_clock_goes_on() {
    let entry = Entry {
        header: header().into(),
        packets: (100_000..100_050).chain(0..50).map(|number| packet(number, true)).collect(),
    };
    let visits = [(0..50, true), (50..100, false)].map(|(range, cut)| Visit {
        entries: vec![entry.clone()],
        live: Some(range),
        early: 0,
        cut,
    });
    let origin = origin::start(SIZE, visits.to_vec());
    let mut upstream = UpstreamOptions::new(format!("mms://{origin}/live").parse().unwrap());
    upstream.first_pause = Duration::from_secs(2);
    let relay = Served::start(Options::live("live", FeedSource::Upstream(upstream)));
    let player = play(Player::connect(relay.address, "live"));
    let sent = times(&player.media);
    // It joins at the latest key frame of the first part.
    assert!(sent.len() > 50 && sent[0].0 >= 1_000_000, "{sent:?}");
    let wanted: Vec<_> = (100_100 - u32::try_from(sent.len()).unwrap()..100_100)
        .map(|number| (number * 10, number * 10 + 3_000))
        .collect();
    assert_eq!(sent, wanted);
}

/// The number in front of these words.
fn number(line: &str, words: &str) -> usize {
    let before = line.split(words).next().unwrap();
    before.rsplit([' ', ':']).next().unwrap().parse().unwrap()
}

#[test]
fn the_report_counts_every_packet_that_was_left_out() {
    const ALL: u32 = 15_000;
    // A key frame each second, of a stream that no system buffers whole.
    let packets: Vec<_> = (0..ALL).map(|number| packet(number, number % 100 == 0)).collect();
    let (server, pipe) = broadcast();
    pipe.send([header(), packets[0].to_vec()].concat()).unwrap();
    let mut players = [(); 2].map(|()| Player::connect(server.address, "live"));
    for player in &mut players {
        player.run(1_000, |player| player.packets > 0);
    }
    let [slow, fast] = players;
    // In pieces, as the other one takes them.
    let fed = std::thread::spawn(move || {
        packets[1..].chunks(100).for_each(|some| pipe.send(concat(some)).unwrap());
    });
    assert_eq!(play(fast).end, Some(HResult::OK));
    fed.join().unwrap();
    let who = slow.socket.local_addr().unwrap().to_string();
    let slow = play(slow);
    assert_eq!(slow.end, Some(HResult::OK));
    let line = server.says(|line| line.starts_with(&who) && line.contains(" left after "));
    let (dropped, waited) =
        (number(&line, " packets dropped"), number(&line, " packets left out before"));
    assert!(dropped > 0 && waited > 0, "{line}");
    assert_eq!(slow.packets + dropped + waited, ALL as usize, "{line}");
}
