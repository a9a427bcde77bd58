//! Server: from one entry of a playlist to the next. MS-MMSP 3.2.4.1 and 3.2.4.2.

use crate::pair::media::{self, content, seconds};
use crate::pair::script::{
    Got, Script, connect, data, events, funnel, message, messages, open, open_request, play, select,
};
use mms_proto::EntryDelivery;
use mms_proto::Features;
use mms_proto::Pace;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    OpenedFile, ReadBlock, ReportEndOfStream, ReportReadBlock, ReportStartedPlaying,
    ReportStreamChange, ServerMessage, StartPlaying, StopPlaying,
};
use mms_proto::{
    Accel, Content, HResult, Machine as _, Phase, ServerEvent, Start, StateError, StreamNumber,
    StreamSelection,
};

/// The second entry: another header, larger packets, another rate.
fn second() -> Content {
    Content::new(media::header(300))
        .unwrap()
        .with_packet_size(120)
        .unwrap()
        .with_packet_count(2)
        .with_bit_rate(16_000)
}

fn delivery(delivery: EntryDelivery) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.entry_delivery = delivery;
    config
}

/// A session that has sent the only packet of its first entry.
fn at_the_end_of_an_entry(config: ServerConfig) -> Script {
    let mut script = Script::playing(config, content(1));
    script.packet(0);
    script.give(|server, now| server.end_of_entry(now)).unwrap();
    script
}

fn end(hr: HResult, incarnation: u32) -> ServerMessage {
    ReportEndOfStream { hr, incarnation }.into()
}

fn started(incarnation: u32) -> ServerMessage {
    ReportStartedPlaying { hr: HResult::OK, incarnation, open_file_id: 1 }.into()
}

/// Number, label and flags of each Data packet.
fn heads(got: &[Got]) -> Vec<(u32, u8, u8)> {
    data(got).iter().map(|packet| (packet.location_id, packet.incarnation, packet.flags)).collect()
}

#[test]
fn media_that_follow_at_once() {
    // MMSP-S-033, MMSP-S-064, MMSP-S-069, MMSP-S-071
    let mut script = at_the_end_of_an_entry(delivery(EntryDelivery::AtOnce));
    let got = script.poll();
    assert_eq!(messages(&got), [end(HResult::FALSE, 4)]);
    assert_eq!((got.len(), script.machine.phase()), (1, Phase::Streaming));

    script.give(|server, now| server.next_entry(now, second())).unwrap();
    let got = script.poll();
    let change = ReportStreamChange {
        hr: HResult::OK,
        packet_size: 120,
        header_size: 300,
        bit_rate: 16_000,
    };
    assert!(matches!(&got[0], Got::Message(first) if *first == change.into()), "{got:?}");
    // Pieces of the new packet size.
    assert_eq!(heads(&got), [(0, 0xFF, 4), (1, 0xFF, 4), (2, 0xFF, 0x0C)]);
    let sizes: Vec<_> = data(&got).iter().map(|piece| piece.payload.len()).collect();
    assert_eq!(sizes, [120, 120, 60]);
    assert_eq!(events(&got), ["PacketWanted"], "and on it goes");

    // The packets are counted on, under the label of the change.
    assert_eq!(heads(&script.packet(0)), [(0, 0xFF, 1)]);
    // The play command gives them another label, and nothing begins again.
    script.send(select(&[3]));
    let got = script.send(play(5, Start::Beginning));
    assert_eq!(messages(&got), [started(5)]);
    assert!(events(&got).is_empty());
    assert_eq!(heads(&script.packet(1)), [(1, 5, 2)]);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    assert_eq!(messages(&script.poll()), [end(HResult::OK, 5)]);
}

#[test]
fn the_end_of_an_entry_that_nobody_played() {
    // MMSP-S-067: the latest play command is the one of the entry before.
    let mut script = at_the_end_of_an_entry(delivery(EntryDelivery::AtOnce));
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    script.poll();
    script.packet(0);
    // The play command may be on its way, and would begin the entry again behind its end.
    script.give(|server, now| server.end_of_entry(now)).unwrap();
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    assert!(script.poll().is_empty());
    assert!(script.pass(seconds(29)).is_empty());
    let mut said = messages(&script.pass(seconds(1)));
    said.retain(|message| !matches!(message, ServerMessage::Ping(_)));
    assert_eq!(said[0], end(HResult::FALSE, 4));
    assert!(matches!(said[1], ServerMessage::ReportStreamChange(_)));
}

#[test]
fn a_play_command_does_not_cross_the_end_of_its_entry() {
    for more in [false, true] {
        let mut script = at_the_end_of_an_entry(delivery(EntryDelivery::AtOnce));
        script.give(|server, now| server.next_entry(now, second())).unwrap();
        script.poll();
        script.packet(0);
        if more {
            script.give(|server, now| server.end_of_entry(now)).unwrap();
        } else {
            script.give(|server, now| server.end_of_stream(now)).unwrap();
        }
        assert!(script.poll().is_empty());
        // That was the answer: a packet would lie behind the end.
        let late = script.give(|server, now| server.send_packet(now, 1, media::packet(1)));
        assert_eq!(late, Err(StateError::NotWanted));
        let got = script.send(play(5, Start::Beginning));
        assert_eq!(messages(&got), [started(5), end(HResult(u32::from(more)), 5)]);
        assert!(events(&got).is_empty(), "{got:?}");
    }
}

#[test]
fn media_that_wait_for_the_play_command() {
    // MMSP-S-072
    let mut script = at_the_end_of_an_entry(delivery(EntryDelivery::WhenPlayed));
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    let got = script.poll();
    assert_eq!(heads(&got).len(), 3);
    assert!(events(&got).is_empty(), "{got:?}");
    assert_eq!(script.machine.phase(), Phase::Streaming);
    assert!(script.send(select(&[3])).len() == 2, "an answer and an event");
    let got = script.send(play(5, Start::Beginning));
    assert_eq!(messages(&got), [started(5)]);
    let [plays, wanted] = &events(&got)[..] else { panic!("{got:?}") };
    assert!(plays.starts_with("Play(") && plays.contains("stream: 3"), "{plays}");
    assert_eq!(wanted, "PacketWanted");
    assert_eq!(heads(&script.packet(0)), [(0, 5, 1)]);
}

#[test]
fn the_version_decides_who_waits() {
    // MMSP-S-071, MMSP-S-072: libmms says that it is version 7.
    for (subscriber, waits) in [
        ("NSPlayer/9.0.0.2980; {guid}", false),
        ("NSPlayer/12.0.7601", false),
        ("NSPlayer/7.0.0.1956; {guid}; Host: h", true),
        ("something else", true),
    ] {
        let mut script = Script::new(ServerConfig::default());
        script.send(connect(subscriber));
        script.send(funnel("\\\\h\\TCP\\1"));
        let request = open_request(script.send(open(9, "x")));
        script.give(|server, now| server.accept(now, request, content(1))).unwrap();
        script.poll();
        script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
        script.send(select(&[1]));
        script.send(play(4, Start::Beginning));
        script.packet(0);
        script.give(|server, now| server.end_of_entry(now)).unwrap();
        script.poll();
        script.give(|server, now| server.next_entry(now, second())).unwrap();
        assert_eq!(events(&script.poll()).is_empty(), waits, "{subscriber}");
    }
}

#[test]
fn an_entry_needs_an_end_that_promised_it() {
    // MMSP-S-070
    let wrong = |operation, phase| Err(StateError::Phase { operation, phase });
    let mut script = Script::ready(ServerConfig::default(), content(1));
    let (now, ready, streaming) = (script.now, Phase::Ready, Phase::Streaming);
    assert_eq!(script.machine.end_of_entry(now), wrong("end the entry", ready));
    assert_eq!(script.machine.next_entry(now, second()), wrong("begin an entry", ready));
    script.send(select(&[1]));
    script.send(play(4, Start::Beginning));
    assert_eq!(script.machine.next_entry(now, second()), wrong("begin an entry", streaming));
    script.machine.end_of_entry(now).unwrap();
    assert_eq!(script.machine.end_of_entry(now), wrong("end the entry", streaming));
    script.poll();
    script.machine.next_entry(now, second()).unwrap();
    assert_eq!(script.machine.next_entry(now, second()), wrong("begin an entry", streaming));
    script.poll();
    assert_eq!(script.machine.next_entry(now, second()), wrong("begin an entry", streaming));
}

#[test]
fn a_promise_that_cannot_be_kept() {
    // MMSP-S-064: no file of the rest can be opened.
    let mut script = at_the_end_of_an_entry(ServerConfig::default());
    assert_eq!(messages(&script.poll()), [end(HResult::FALSE, 4)]);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    assert_eq!(messages(&script.poll()), [end(HResult::OK, 4)]);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn a_request_for_the_header_of_an_entry() {
    // MMSP-S-019, MMSP-S-100: the header that came unasked is sent again, with its label.
    for at_once in [false, true] {
        let kind = if at_once { EntryDelivery::AtOnce } else { EntryDelivery::WhenPlayed };
        let mut script = at_the_end_of_an_entry(delivery(kind));
        script.poll();
        script.give(|server, now| server.next_entry(now, second())).unwrap();
        script.poll();
        let got = script.send(ReadBlock { open_file_id: 2, incarnation: 3 });
        let refused = ReportReadBlock { hr: HResult::INVALID_ARGUMENT, incarnation: 3 };
        assert_eq!(message(&got), refused.into(), "the file is called 1 as ever");
        let got = script.send(ReadBlock { open_file_id: 1, incarnation: 3 });
        assert_eq!(message(&got), ReportReadBlock { hr: HResult::OK, incarnation: 3 }.into());
        assert_eq!(heads(&got), [(0, 3, 4), (1, 3, 4), (2, 3, 0x0C)]);
        if at_once {
            // The packet that the application owes is for afterwards.
            assert_eq!(heads(&script.packet(0)), [(0, 0xFF, 1)]);
        }
        let got = script.send(play(5, Start::Beginning));
        assert_eq!(messages(&got), [started(5)]);
        assert_eq!(events(&got).len(), if at_once { 0 } else { 2 });
        // Among media that are played it is refused.
        let got = script.send(ReadBlock { open_file_id: 1, incarnation: 4 });
        let refused = ReportReadBlock { hr: HResult::INVALID_REQUEST, incarnation: 4 };
        assert_eq!(message(&got), refused.into());
    }
}

#[test]
fn a_packet_that_comes_while_the_header_is_sent_again() {
    // MMSP-S-100, at the pace of the content: 300 bytes at 16,000 bit/s.
    let mut config = delivery(EntryDelivery::AtOnce);
    config.pace = Pace::BitRate;
    let mut script = at_the_end_of_an_entry(config);
    script.poll();
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    script.poll();
    let got = script.pass(seconds(1));
    assert_eq!(events(&got), ["PacketWanted"]);
    script.send(ReadBlock { open_file_id: 1, incarnation: 3 });
    let got = script.packet(7);
    assert!(data(&got).is_empty(), "the header goes first: {got:?}");
    let got = script.pass(seconds(1));
    assert_eq!(heads(&got), [(1, 3, 4), (2, 3, 0x0C), (7, 0xFF, 1)]);
}

#[test]
fn play_commands_that_come_early() {
    // While the header is on its way, and before it.
    let mut config = delivery(EntryDelivery::WhenPlayed);
    config.pace = Pace::BitRate;
    let mut script = at_the_end_of_an_entry(config);
    script.poll();
    // It crossed the end of the entry, which it does not begin again.
    let got = script.send(play(5, Start::Beginning));
    assert_eq!((messages(&got), events(&got).len()), (vec![started(5)], 0));
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    assert_eq!(heads(&script.poll()), [(0, 0xFF, 4)]);
    let got = script.send(play(6, Start::Beginning));
    assert_eq!((messages(&got), events(&got).len()), (vec![started(6)], 0));
    let got = script.pass(seconds(1));
    assert_eq!(heads(&got), [(1, 0xFF, 4), (2, 0xFF, 0x0C)]);
    assert!(events(&got)[0].starts_with("Play("), "{got:?}");
    assert_eq!(heads(&script.packet(0)), [(0, 6, 1)]);
}

#[test]
fn a_stop_between_entries() {
    let stop = StopPlaying { open_file_id: 1, incarnation: 4 };
    // Between the end and the next entry: the file that was open stays open.
    let mut script = at_the_end_of_an_entry(ServerConfig::default());
    script.poll();
    let got = script.send(stop);
    assert_eq!(messages(&got), [end(HResult::OK, 4)]);
    assert_eq!(events(&got), ["Stopped"]);
    assert_eq!(script.machine.phase(), Phase::Ready);
    // In the middle of the header: it has to be asked for.
    let mut config = ServerConfig::default();
    config.pace = Pace::BitRate;
    let mut script = at_the_end_of_an_entry(config);
    script.poll();
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    script.poll();
    assert_eq!(events(&script.send(stop)), ["Stopped"]);
    assert_eq!(script.machine.phase(), Phase::Opening);
    let got = script.send(play(5, Start::Beginning));
    let ServerMessage::ReportStartedPlaying(report) = message(&got) else { panic!() };
    assert_eq!(report.hr, HResult::INVALID_REQUEST);
    let got = script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    assert_eq!(message(&got), ReportReadBlock { hr: HResult::OK, incarnation: 2 }.into());
    assert_eq!(heads(&got), [(0, 2, 4)]);
}

#[test]
fn selections_of_an_earlier_entry() {
    let stream = |n| StreamSelection::full(StreamNumber::new(n).unwrap());
    for selects in [false, true] {
        let mut script = at_the_end_of_an_entry(delivery(EntryDelivery::WhenPlayed));
        script.poll();
        script.give(|server, now| server.next_entry(now, second())).unwrap();
        script.poll();
        if selects {
            script.send(select(&[2]));
            script.send(select(&[3]));
        }
        let got = script.send(play(5, Start::Beginning));
        let Some(Got::Event(ServerEvent::Play(request))) = got.get(1) else { panic!("{got:?}") };
        let wanted = if selects { vec![stream(2), stream(3)] } else { vec![stream(1)] };
        assert_eq!(request.streams, wanted);
    }
}

#[test]
fn a_player_that_does_not_know_entries_is_closed() {
    // T45: MPlayer waits for the server to close.
    let mut config = delivery(EntryDelivery::WhenPlayed);
    config.close_after_end = Some(seconds(5));
    let mut script = Script::playing_as("NSPlayer/7.0.0.1956", config, content(1));
    script.packet(0);
    script.give(|server, now| server.end_of_entry(now)).unwrap();
    script.poll();
    script.give(|server, now| server.next_entry(now, second())).unwrap();
    script.poll();
    assert!(events(&script.pass(seconds(4))).is_empty());
    assert_eq!(events(&script.pass(seconds(1))), ["Closed(Local)"]);
}

#[test]
fn the_rate_of_the_link() {
    // MMSP-S-074: the application, which chooses the streams, can ask for it.
    let mut script = Script::ready(ServerConfig::default(), content(3));
    script.send(select(&[1]));
    let accel = |link| Accel::new(0, 0).with_link_bandwidth(link);
    for (link, known) in [
        (None, None),
        (Some(0x7FFF_FFFF), None),
        (Some(300_000), Some(300_000)),
        (Some(0), Some(300_000)),
        (Some(u32::MAX), Some(300_000)),
        (Some(56_000), Some(56_000)),
    ] {
        script.send(StartPlaying { accel: Some(accel(link)), ..play(4, Start::Beginning) });
        assert_eq!(script.machine.link_bandwidth(), known);
    }
}

#[test]
fn what_is_said_of_a_file_is_said_of_the_first_entry() {
    let mut script = Script::new(ServerConfig::default());
    script.send(connect("NSPlayer/9.0.0.2980"));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "x")));
    let attributes = Features::PLAYLIST;
    let list = second().with_features(attributes);
    script.give(|server, now| server.accept(now, request, list)).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    let Ok(OpenedFile { attributes: said, packet_size, .. }) = report.result else { panic!() };
    assert_eq!((Features::from(said), packet_size), (attributes, 120));
}
