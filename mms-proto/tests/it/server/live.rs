//! Server: live content, which the application pushes.

use crate::pair::media::{self, PACKET};
use crate::pair::script::{
    Script, connect, data, events, funnel, messages, open, open_request, play, select,
};
use bytes::Bytes;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    ReadBlock, ReportEndOfStream, ReportStreamChange, ServerMessage, StopPlaying,
};
use mms_proto::{
    Content, Features, HResult, Input, Machine as _, Phase, Start, StateError, Transmit,
};
use mms_proto::{EntryDelivery, PushOutcome};

fn broadcast(packet_size: u32) -> Content {
    Content::new(media::header(250))
        .unwrap()
        .with_packet_size(packet_size)
        .unwrap()
        .with_bit_rate(media::RATE)
        .with_features(Features::BROADCAST)
}

fn config(delivery: EntryDelivery, queued: usize) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.entry_delivery = delivery;
    config.limits.queued = queued;
    config
}

/// A player that has the header of a broadcast.
fn ready(config: ServerConfig) -> Script {
    let mut script = Script::new(config);
    script.send(connect("NSPlayer/9.0.0.2980"));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "live")));
    script.give(|server, now| server.accept_live(now, request, broadcast(PACKET))).unwrap();
    script.poll();
    script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    script.send(select(&[1]));
    script
}

fn playing(config: ServerConfig) -> Script {
    let mut script = ready(config);
    let got = script.send(play(4, Start::Beginning));
    // Nothing is asked for.
    assert_eq!(events(&got).len(), 1, "{got:?}");
    assert_eq!(script.deadline.map(|at| (at - script.now).as_secs()), Some(30));
    script
}

fn push(script: &mut Script, number: u32) -> PushOutcome {
    push_as(script, number, true)
}

fn push_as(script: &mut Script, number: u32, key_frame: bool) -> PushOutcome {
    script
        .give(|server, now| server.push_packet(now, number, key_frame, media::packet(number)))
        .unwrap()
}

fn numbers(script: &mut Script) -> Vec<u32> {
    data(&script.poll()).iter().map(|packet| packet.location_id).collect()
}

fn end(hr: HResult, incarnation: u32) -> ServerMessage {
    ReportEndOfStream { hr, incarnation }.into()
}

#[test]
fn packets_go_as_they_come() {
    // MMSP-S-051: the number counts the packets of the broadcast.
    let mut script = ready(ServerConfig::default());
    assert_eq!(push(&mut script, 70_000), PushOutcome::NotPlaying);
    script.send(play(4, Start::Beginning));
    for number in 70_001..70_400 {
        assert_eq!(push(&mut script, number), PushOutcome::Queued);
        let got = script.poll();
        let [packet] = &data(&got)[..] else { panic!("{got:?}") };
        let sequence = (number - 70_001).to_le_bytes()[0];
        assert_eq!((packet.location_id, packet.incarnation), (number, 4));
        assert_eq!(packet.flags, sequence);
        assert_eq!(packet.payload, media::packet(number));
    }
    script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
    assert_eq!(push(&mut script, 70_400), PushOutcome::NotPlaying);
    script.send(play(5, Start::Beginning));
    assert_eq!(push(&mut script, 70_401), PushOutcome::Queued);
    assert_eq!(data(&script.poll())[0].incarnation, 5);
}

#[test]
fn one_body_is_shared_by_all_players() {
    let body = media::packet(0);
    for _ in 0..3 {
        let mut script = playing(ServerConfig::default());
        script.writes.clear();
        let _ = script.give(|server, now| server.push_packet(now, 0, true, body.clone())).unwrap();
        script.poll();
        let [Transmit::Data { body: sent, .. }] = &script.writes[..] else { panic!() };
        assert_eq!(sent.as_ptr(), body.as_ptr());
    }
}

#[test]
fn half_a_mebibyte_waits_by_default() {
    let mut script = playing(ServerConfig::default());
    let most = (512 << 10) / PACKET;
    for number in 0..most {
        assert_eq!(push(&mut script, number), PushOutcome::Queued, "{number} of {most}");
    }
    assert_eq!(push(&mut script, most), PushOutcome::Dropped);
}

#[test]
fn a_slow_player_loses_whole_packets_and_goes_on_with_a_key_frame() {
    let mut script = playing(config(EntryDelivery::AtOnce, 1_000));
    // It takes nothing: ten packets of 100 bytes fit.
    let pushed: Vec<_> = (0..15).map(|n| push_as(&mut script, n, n % 5 == 0)).collect();
    assert_eq!(pushed, [[PushOutcome::Queued; 10].as_slice(), &[PushOutcome::Dropped; 5]].concat());
    assert_eq!(script.machine.stats().dropped, 5);
    assert_eq!(numbers(&mut script), (0..10).collect::<Vec<_>>());
    // There is room, but what comes now cannot be decoded without what was dropped.
    assert_eq!(push_as(&mut script, 15, false), PushOutcome::Dropped);
    assert_eq!(push_as(&mut script, 16, true), PushOutcome::Queued);
    assert_eq!(push_as(&mut script, 17, false), PushOutcome::Queued);
    assert_eq!(numbers(&mut script), [16, 17]);
    // The sequence numbers have no gap: nothing was lost on the way.
    assert_eq!(script.machine.stats().packets, 12);
}

#[test]
fn at_full_speed_the_client_is_heard_now_and_then() {
    let mut script = playing(ServerConfig::default());
    for number in 0..5_000 {
        assert_eq!(push(&mut script, number), PushOutcome::Queued);
    }
    let first = numbers(&mut script).len();
    assert_eq!(first, (256 << 10) / 100 + 1, "one turn");
    assert_eq!(script.deadline, Some(script.now));
    let got = script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
    assert_eq!(events(&got), ["Stopped"]);
    assert!(data(&got).is_empty(), "the rest is forgotten");
    script.send(play(5, Start::Beginning));
    assert!(numbers(&mut script).is_empty());
}

#[test]
fn a_backlog_larger_than_the_queue_goes_piece_by_piece() {
    let mut script = playing(ServerConfig::default());
    let mut got = Vec::new();
    let mut next = 0;
    while next < 10_000 {
        while script.machine.queued_bytes() < 64 << 10 {
            assert_eq!(push_as(&mut script, next, next == 0), PushOutcome::Queued);
            next += 1;
        }
        got.extend(numbers(&mut script));
        assert_eq!(script.machine.queued_bytes(), 0);
        let now = script.now;
        let _ = script.machine.handle_input(now, Input::Timeout);
    }
    assert_eq!(got, (0..next).collect::<Vec<_>>());
    assert_eq!(script.machine.stats().dropped, 0);
}

#[test]
fn the_end_comes_after_what_is_queued() {
    for more in [false, true] {
        let mut script = playing(ServerConfig::default());
        let _ = push(&mut script, 0);
        let _ = push(&mut script, 1);
        let now = script.now;
        if more {
            script.machine.end_of_entry(now).unwrap();
        } else {
            script.machine.end_of_stream(now).unwrap();
        }
        let got = script.poll();
        assert_eq!(data(&got).len(), 2);
        assert_eq!(messages(&got), [end(HResult(u32::from(more)), 4)]);
        assert!(matches!(got[2], crate::pair::script::Got::Message(_)));
        assert_eq!(push(&mut script, 2), PushOutcome::NotPlaying);
    }
    // What goes wrong does not wait.
    let mut script = playing(ServerConfig::default());
    let _ = push(&mut script, 0);
    script.give(|server, now| server.abort_stream(now, HResult::SHUTDOWN)).unwrap();
    let got = script.poll();
    assert_eq!((messages(&got), data(&got).len()), (vec![end(HResult::SHUTDOWN, 4)], 0));
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn another_header_in_the_middle() {
    let change = ServerMessage::from(ReportStreamChange {
        hr: HResult::OK,
        packet_size: 60,
        header_size: 250,
        bit_rate: media::RATE,
    });
    let small = |number: u32| Bytes::from(vec![number.to_le_bytes()[0]; 60]);
    for at_once in [true, false] {
        let delivery = if at_once { EntryDelivery::AtOnce } else { EntryDelivery::WhenPlayed };
        let mut script = playing(config(delivery, 1 << 20));
        let now = script.now;
        let _ = push(&mut script, 0);
        script.machine.end_of_entry(now).unwrap();
        // Before the next entry is named there is none that a packet could belong to.
        assert_eq!(push(&mut script, 1), PushOutcome::NotPlaying);
        script.machine.next_entry(now, broadcast(60)).unwrap();
        let too_large = script.machine.push_packet(now, 1, true, media::packet(1));
        assert_eq!(too_large, Err(StateError::PacketSize { size: 100, limit: 60 }));
        let pushed = script.machine.push_packet(now, 1, true, small(1)).unwrap();
        assert_eq!(pushed, if at_once { PushOutcome::Queued } else { PushOutcome::NotPlaying });
        let got = script.poll();
        assert_eq!(messages(&got), [end(HResult::FALSE, 4), change.clone()]);
        let labels: Vec<_> = data(&got).iter().map(|p| (p.location_id, p.incarnation)).collect();
        let header = [(0, 0xFF), (1, 0xFF), (2, 0xFF), (3, 0xFF), (4, 0xFF)];
        let media: &[_] = if at_once { &[(1, 0xFF)] } else { &[] };
        assert_eq!(labels, [&[(0, 4)], &header[..], media].concat());
        let got = script.send(play(5, Start::Beginning));
        assert_eq!(events(&got).len(), usize::from(!at_once), "{got:?}");
        let _ = script.machine.push_packet(now, 2, true, small(2)).unwrap();
        let got = script.poll();
        assert_eq!((data(&got)[0].location_id, data(&got)[0].incarnation), (2, 5));
    }
}

#[test]
fn a_player_that_stops_is_told_of_the_newest_header_only() {
    for delivery in [EntryDelivery::AtOnce, EntryDelivery::WhenPlayed] {
        let mut script = playing(config(delivery, 1 << 20));
        let now = script.now;
        // It is slow, and has not seen any of this.
        for size in [50, 60] {
            let _ = script.machine.push_packet(now, 0, true, Bytes::from_static(&[1])).unwrap();
            script.machine.end_of_entry(now).unwrap();
            script.machine.next_entry(now, broadcast(size)).unwrap();
        }
        let stop = StopPlaying { open_file_id: 1, incarnation: 4 };
        // The machine answers before it sends what waits.
        let got = script.send(stop);
        let first = messages(&got).iter().position(|m| *m == end(HResult::OK, 4)).unwrap();
        let got = script.send(play(5, Start::Beginning));
        let changes = messages(&got);
        let sizes: Vec<_> = changes
            .iter()
            .filter_map(|message| match message {
                ServerMessage::ReportStreamChange(change) => Some(change.packet_size),
                _ => None,
            })
            .collect();
        assert_eq!((first, sizes), (0, vec![60]), "{delivery:?}: {changes:?}");
        // Before it has played that entry nothing is for it, unless entries follow at once.
        let pushed = script.machine.push_packet(now, 1, true, Bytes::from_static(&[1])).unwrap();
        let waits = delivery == EntryDelivery::WhenPlayed;
        assert_eq!(pushed, if waits { PushOutcome::NotPlaying } else { PushOutcome::Queued });
    }
}

#[test]
fn what_is_not_live_cannot_be_pushed() {
    let mut script = Script::playing(ServerConfig::default(), media::content(3));
    let pushed = script.give(|server, now| server.push_packet(now, 0, true, media::packet(0)));
    assert_eq!(pushed, Err(StateError::NotWanted));
    let mut script = playing(ServerConfig::default());
    for size in [0, 101] {
        let bad = script.give(|server, now| server.push_packet(now, 0, true, media::header(size)));
        assert_eq!(bad, Err(StateError::PacketSize { size: size as usize, limit: 100 }));
    }
}
