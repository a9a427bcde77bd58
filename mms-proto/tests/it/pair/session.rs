//! Client and server together: whole sessions, seeks, stops, changes of streams.

use std::time::Duration;

use crate::pair::media::{content, seconds};
use crate::pair::{Pair, everything};
use mms_proto::Pace;
use mms_proto::mmsp::{ClientConfig, ServerConfig};
use mms_proto::{
    ClientEvent, HResult, Machine as _, Phase, Start, Stop, StreamNumber, StreamSelection,
};

/// A pair whose server keeps to the bit rate: what is commanded falls between two packets.
fn paced(packets: u64) -> Pair {
    let config = ServerConfig::default().pace(Pace::BitRate);
    Pair::new(ClientConfig::new("host", "file.wma"), config, content(packets))
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_whole_session() {
    let mut pair = Pair::simple(14);
    pair.run();
    assert_eq!(pair.packets(), (0..14).collect::<Vec<_>>());
    let rest: Vec<_> = pair.heard().into_iter().filter(|e| !e.starts_with("Packet")).collect();
    let [connected, ready, rest @ ..] = &rest[..] else { panic!("{rest:?}") };
    assert!(connected.starts_with("Connected(ServerInfo"));
    assert!(ready.starts_with("Ready(Content"), "{ready}");
    assert_eq!(rest[..2], ["StreamsSelected", "Started"]);
    assert_eq!(rest[2..], ["EndOfStream { more: false, hr: S_OK }", "Closed(Local)"]);
    let told: Vec<_> =
        pair.server.app.log.iter().map(|(_, e)| e.split(['(', ' ']).next().unwrap()).collect();
    assert_eq!(told[..5], ["Connected", "Open", "SelectStreams", "Play", "PacketWanted"]);
    assert_eq!(told[told.len() - 2..], ["Log", "Closed"]);
    assert_eq!(pair.server.app.log.last().unwrap().1, "Closed(Peer)");
    assert_eq!(pair.client.machine.stats().packets, pair.server.machine.stats().packets);
    assert_eq!(
        (pair.client.machine.stats().deviations, pair.server.machine.stats().deviations),
        (0, 0)
    );
    assert_eq!(pair.now(), pair.begun, "nothing had to be waited for");
}

#[test]
fn what_the_server_says_of_the_file_arrives() {
    let mut pair = Pair::simple(14);
    let content = content(14);
    pair.client.app.act = Box::new(move |client, now, event| {
        if let ClientEvent::Ready(ready) = event {
            assert_eq!(*ready, content);
            client.close(now);
        }
    });
    pair.run();
    assert_eq!(pair.heard().last(), Some(&"Closed(Local)"));
}

#[test]
fn a_refused_file() {
    let mut pair = Pair::simple(14);
    pair.server.app.refuse = Some(HResult::FILE_NOT_FOUND);
    pair.run();
    let expected = "Closed(Failed(Refused { phase: Opening, hr: NS_E_FILE_NOT_FOUND }))";
    assert_eq!(pair.heard().last(), Some(&expected));
    assert_eq!(pair.server.app.log.last().unwrap().1, "Closed(Peer)");
}

#[test]
fn a_bandwidth_test() {
    let mut config = ClientConfig::new("host", "file.wma");
    config.packet_pair = true;
    let mut pair = Pair::new(config, ServerConfig::default(), content(3));
    pair.run();
    assert_eq!(pair.packets(), [0, 1, 2]);
    // No time passed between the packets: that is no measurement.
    assert!(!pair.heard().iter().any(|event| event.starts_with("Bandwidth")));
}

#[test]
fn seeking_while_streaming() {
    let mut pair = paced(600);
    let mut seeks = vec![
        (3, Start::Time(seconds(59))),
        (592, Start::ByteOffset(250 + 30_000)),
        (302, Start::packet(597).unwrap()),
    ];
    seeks.reverse();
    pair.client.app.act = Box::new(move |client, now, event| match event {
        ClientEvent::Ready(_) => client.play(now, everything()).unwrap(),
        ClientEvent::Packet(packet)
            if seeks.last().is_some_and(|(number, _)| *number == packet.location_id) =>
        {
            let (_, start) = seeks.pop().unwrap();
            client.play(now, everything().start(start)).unwrap();
        }
        ClientEvent::EndOfStream { .. } => client.close(now),
        _ => {}
    });
    pair.run();
    assert_eq!(pair.packets(), [0, 1, 2, 3, 590, 591, 592, 300, 301, 302, 597, 598, 599]);
    assert_eq!(pair.heard().iter().filter(|event| **event == "Started").count(), 4);
    assert_eq!(pair.server.app.log.iter().filter(|(_, event)| event == "Stopped").count(), 3);
    assert_eq!(pair.client.machine.stats().deviations, 0);
}

#[test]
fn seeking_at_full_speed_drops_what_was_under_way() {
    let mut pair = Pair::simple(600);
    let mut done = false;
    pair.client.app.act = Box::new(move |client, now, event| match event {
        ClientEvent::Ready(_) => client.play(now, everything()).unwrap(),
        ClientEvent::Packet(packet) if packet.location_id == 5 && !done => {
            done = true;
            let start = Start::packet(598).unwrap();
            client.play(now, everything().start(start)).unwrap();
        }
        ClientEvent::EndOfStream { .. } => client.close(now),
        _ => {}
    });
    pair.run();
    assert_eq!(pair.packets(), [0, 1, 2, 3, 4, 5, 598, 599]);
    assert_eq!(pair.client.machine.stats().deviations, 0);
    assert_eq!(pair.heard().last(), Some(&"Closed(Local)"));
}

#[test]
fn stopping_and_playing_again() {
    let mut pair = paced(10);
    let mut plays = 0;
    pair.client.app.act = Box::new(move |client, now, event| match event {
        ClientEvent::Ready(_) => client.play(now, everything()).unwrap(),
        ClientEvent::Packet(packet) if packet.location_id == 4 && plays == 0 => {
            plays += 1;
            client.stop(now).unwrap();
        }
        ClientEvent::Stopped => {
            assert_eq!(client.phase(), Phase::Ready);
            client.play(now, everything().start(Start::packet(5).unwrap())).unwrap();
        }
        ClientEvent::EndOfStream { .. } if plays == 1 => {
            plays += 1;
            client.play(now, everything()).unwrap();
        }
        ClientEvent::EndOfStream { .. } => client.close(now),
        _ => {}
    });
    pair.run();
    assert_eq!(pair.packets(), (0..10).chain(0..10).collect::<Vec<_>>());
    assert_eq!(pair.heard().iter().filter(|event| **event == "Stopped").count(), 1);
    assert_eq!(pair.client.machine.stats().deviations, 0);
}

#[test]
fn changing_streams_while_playing() {
    let mut pair = paced(10);
    let stream = |number| StreamNumber::new(number).unwrap();
    let change = [StreamSelection::replace(stream(1), stream(2))];
    pair.client.app.act = Box::new(move |client, now, event| match event {
        ClientEvent::Packet(packet) if packet.location_id == 4 => {
            client.select_streams(now, &change).unwrap();
        }
        _ => crate::pair::play_once(client, now, event),
    });
    pair.run();
    assert_eq!(pair.packets(), (0..10).collect::<Vec<_>>());
    assert_eq!(pair.heard().iter().filter(|event| **event == "StreamsSelected").count(), 2);
    let selected: Vec<_> = pair
        .server
        .app
        .log
        .iter()
        .filter(|(_, event)| event.starts_with("SelectStreams"))
        .collect();
    assert_eq!(selected[1].1, format!("SelectStreams({change:?})"));
}

#[test]
fn a_play_command_arrives_as_it_was_given() {
    for (start, stop) in [
        (Start::Beginning, None),
        (Start::Time(milliseconds(500)), Stop::at(seconds(1))),
        (Start::packet(7).unwrap(), Stop::after(seconds(1))),
        (Start::ByteOffset(500), None),
    ] {
        let mut pair = Pair::simple(14);
        let mut request = everything().start(start);
        request.stop = stop;
        let sent = request.clone();
        pair.client.app.act = Box::new(move |client, now, event| match event {
            ClientEvent::Ready(_) => client.play(now, sent.clone()).unwrap(),
            _ => crate::pair::play_once(client, now, event),
        });
        pair.run();
        let expected = format!("Play({request:?})");
        assert!(pair.server.app.log.iter().any(|(_, event)| *event == expected), "{expected}");
    }
}

#[test]
fn six_hundred_packets() {
    let mut pair = Pair::simple(600);
    pair.run();
    assert_eq!(pair.packets(), (0..600).collect::<Vec<_>>());
    assert_eq!(pair.client.machine.stats().bytes, 60_000);
}

#[test]
fn paced_by_the_bit_rate() {
    // MMSP-S-061
    let mut pair = paced(600);
    pair.run();
    let times: Vec<_> = pair
        .client
        .app
        .log
        .iter()
        .filter(|(_, event)| event.starts_with("Packet"))
        .map(|(at, _)| *at)
        .collect();
    // The header takes two packet times; then one packet every hundred milliseconds.
    for (number, at) in (0..).zip(&times) {
        assert_eq!(*at, milliseconds(200 + 100 * number), "packet {number}");
    }
    assert_eq!(times.len(), 600);
}

#[test]
fn the_diagram_of_a_session_is_the_one_in_the_documentation() {
    let config = ServerConfig::default().pace(Pace::BitRate);
    let mut pair = Pair::new(ClientConfig::new("host", "file.wma"), config, content(3));
    pair.diagram = Some(String::new());
    pair.run();
    let drawn = pair.diagram.as_deref().unwrap();
    // It is not part of the package.
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    if std::path::Path::new(docs).exists() {
        let text = std::fs::read_to_string(format!("{docs}/design.md")).unwrap();
        assert!(text.contains(drawn), "docs/design.md should have\n{drawn}");
    }
}
