//! Both ends of this crate: playlists, trick play, live content.

use std::collections::VecDeque;
use std::time::Duration;

use crate::pair::media::{self, PACKET, seconds};
use crate::pair::{Pair, everything};
use mms_proto::mmsp::{Client, ClientConfig, ServerConfig};
use mms_proto::{ClientEvent, Content, Features, PlayRequest, Rate, ServerEvent, Start};
use mms_proto::{EntryDelivery, Pace, PushOutcome};

fn entry(header: u32) -> Content {
    Content::new(media::header(header))
        .unwrap()
        .with_packet_size(PACKET)
        .unwrap()
        .with_bit_rate(media::RATE)
}

/// A playlist of three entries with five packets each: 0 to 4, 10 to 14, 20 to 24.
fn playlist(mut config: ServerConfig, delivery: EntryDelivery) -> Pair {
    config.entry_delivery = delivery;
    let first = entry(250).with_features(Features::PLAYLIST);
    let mut pair = Pair::new(ClientConfig::new("host", "list"), config, first);
    let (mut next, mut entries) = (0, VecDeque::from([entry(90), entry(350)]));
    pair.server.app.act = Box::new(move |server, now, event| {
        if !matches!(event, ServerEvent::PacketWanted { .. }) {
            return Some(event);
        }
        if next % 10 < 5 {
            server.send_packet(now, next, media::packet(next)).unwrap();
            next += 1;
        } else if let Some(entry) = entries.pop_front() {
            next += 5;
            server.end_of_entry(now).unwrap();
            server.next_entry(now, entry).unwrap();
        } else {
            server.end_of_stream(now).unwrap();
        }
        None
    });
    pair.client.app.act = Box::new(|client: &mut Client, now, event| match event {
        ClientEvent::Ready(_) | ClientEvent::NextEntry(_) => {
            client.play(now, everything()).unwrap();
        }
        ClientEvent::EndOfStream { more: false, .. } => client.close(now),
        _ => {}
    });
    pair
}

#[test]
fn a_playlist_to_its_end() {
    // MMSP-S-071, MMSP-S-072: every packet arrives once, in its entry.
    for delivery in [EntryDelivery::AtOnce, EntryDelivery::WhenPlayed] {
        for pace in [Pace::Full, Pace::BitRate] {
            for cut in [usize::MAX, 7, 1] {
                let mut pair = playlist(ServerConfig::default().pace(pace), delivery);
                pair.cut = Box::new(move |_, length| length.min(cut));
                pair.run();
                let what = format!("{delivery:?}, {pace:?}, {cut}");
                let numbers: Vec<_> = (0..5).chain(10..15).chain(20..25).collect();
                assert_eq!(pair.packets(), numbers, "{what}");
                let heard = pair.heard();
                let at = |start: &str| {
                    let begins = |event: &&str| event.starts_with(start);
                    heard.iter().enumerate().filter(|(_, e)| begins(e)).map(|(n, _)| n).collect()
                };
                let entries: Vec<usize> = at("NextEntry");
                let firsts: Vec<_> =
                    [10, 20].iter().flat_map(|number| at(&format!("Packet #{number}"))).collect();
                assert_eq!((entries.len(), firsts.len()), (2, 2), "{what}");
                assert!(entries[0] < firsts[0] && firsts[0] < entries[1], "{what}: {heard:?}");
                assert!(entries[1] < firsts[1], "{what}: {heard:?}");
                assert_eq!(heard.last(), Some(&"Closed(Local)"), "{what}");
                assert!(!heard.iter().any(|event| event.starts_with("Deviation")), "{heard:?}");
            }
        }
    }
}

#[test]
fn trick_play_there_and_back() {
    // MMSP-S-060: every second packet, each 50 ms of content after the one before.
    let strides = media::content(100).with_features(Features::SEEKABLE | Features::STRIDABLE);
    let config = ServerConfig::default().pace(Pace::BitRate);
    let mut pair = Pair::new(ClientConfig::new("host", "file.wmv"), config, strides);
    let mut walk: Box<dyn Iterator<Item = u32>> = Box::new(std::iter::empty());
    let mut time = Duration::ZERO;
    pair.server.app.act = Box::new(move |server, now, event| {
        match event {
            ServerEvent::Play(request) => {
                let Start::Packet(start) = request.start else { panic!("{request:?}") };
                let start = start.get();
                walk = if request.rate.get() < 0.0 {
                    Box::new((0..=start).rev().step_by(2))
                } else {
                    Box::new((start..100).step_by(2))
                };
            }
            ServerEvent::PacketWanted { .. } => match walk.next() {
                Some(number) => {
                    time += Duration::from_millis(50);
                    server.send_packet_at(now, number, time, media::packet(number)).unwrap();
                }
                None => server.end_of_stream(now).unwrap(),
            },
            other => return Some(other),
        }
        None
    });
    let mut plays = VecDeque::from([(1, -5.0), (90, 2.5)]);
    pair.client.app.act = Box::new(move |client: &mut Client, now, event| match event {
        ClientEvent::Ready(_) => {
            let play = everything().start(Start::packet(10).unwrap());
            client.play(now, play.rate(Rate::new(-1.0).unwrap())).unwrap();
        }
        ClientEvent::EndOfStream { .. } => match plays.pop_front() {
            Some((start, rate)) => {
                let play = everything().start(Start::packet(start).unwrap());
                client.play(now, play.rate(Rate::new(rate).unwrap())).unwrap();
            }
            None => client.close(now),
        },
        _ => {}
    });
    pair.run();
    assert_eq!(pair.packets(), [10, 8, 6, 4, 2, 0, 1, 90, 92, 94, 96, 98]);
    let times: Vec<_> = pair
        .client
        .app
        .log
        .iter()
        .filter(|(_, event)| event.starts_with("Packet"))
        .map(|(at, _)| at.as_millis())
        .collect();
    let steps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps[..5], [50; 5]);
    assert_eq!(steps[7..], [20; 4]);
}

#[test]
fn a_broadcast_joined_in_the_middle() {
    // Packets come every 100 ms; the header changes after the thirtieth.
    for delivery in [EntryDelivery::AtOnce, EntryDelivery::WhenPlayed] {
        let mut config = ServerConfig::default();
        config.entry_delivery = delivery;
        let live = |header| entry(header).with_features(Features::BROADCAST);
        let mut pair = Pair::new(ClientConfig::new("host", "live"), config, live(250));
        pair.server.app.act = Box::new(move |server, now, event| match event {
            ServerEvent::Open(request) => {
                server.accept_live(now, request, live(250)).unwrap();
                None
            }
            ServerEvent::PacketWanted { .. } => panic!("live packets are not asked for"),
            other => Some(other),
        });
        pair.client.app.act = Box::new(|client: &mut Client, now, event| match event {
            ClientEvent::Ready(content) => {
                assert!(content.features().is_live() && content.packet_count().is_none());
                client.play(now, PlayRequest::all(mms_proto::StreamNumber::new(1))).unwrap();
            }
            ClientEvent::NextEntry(_) => client.play(now, everything()).unwrap(),
            ClientEvent::EndOfStream { more: false, .. } => client.close(now),
            _ => {}
        });
        pair.run_for(seconds(1));
        for number in 500..560 {
            let now = pair.now();
            if number == 530 {
                pair.server.command(|server, _| server.end_of_entry(now)).unwrap();
                pair.server.command(|server, _| server.next_entry(now, live(90))).unwrap();
            }
            let push = |server: &mut mms_proto::mmsp::Server| {
                server.push_packet(now, number, true, media::packet(number))
            };
            assert_ne!(
                pair.server.command(|server, _| push(server)).unwrap(),
                PushOutcome::Dropped
            );
            pair.run_for(Duration::from_millis(100));
        }
        let now = pair.now();
        pair.server.command(|server, _| server.end_of_stream(now)).unwrap();
        pair.run();
        let waits = delivery == EntryDelivery::WhenPlayed;
        // What is pushed before the player has played the new header is not for it.
        let missing = if waits { 530..531 } else { 0..0 };
        let wanted: Vec<_> = (500..560).filter(|number| !missing.contains(number)).collect();
        assert_eq!(pair.packets(), wanted, "{delivery:?}");
        assert_eq!(pair.heard().last(), Some(&"Closed(Local)"));
    }
}
