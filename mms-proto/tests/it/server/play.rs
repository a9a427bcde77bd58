//! Server: stream selection, play commands, media packets. MS-MMSP 3.2.5.10 and 3.2.5.11.

use std::time::Duration;

use crate::pair::media::{self, RATE, content, seconds};
use crate::pair::script::{Got, Script, data, events, message, messages, play, select};
use mms_proto::Pace;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    MessageId, ReportStartStriding, ReportStartedPlaying, ReportStreamSwitch, ServerMessage,
    StartPlaying, StartStriding, StopPlaying, StreamSwitch,
};
use mms_proto::{
    Accel, Delivery, HResult, Machine as _, Phase, PlayRequest, Rate, ServerEvent, Start,
    StateError, Stop, StreamNumber, StreamSelection,
};

fn started(incarnation: u32) -> ServerMessage {
    ReportStartedPlaying { hr: HResult::OK, incarnation, open_file_id: 1 }.into()
}

/// The play command that the application is told of.
fn request(got: &[Got]) -> PlayRequest {
    let requests = got.iter().filter_map(|got| match got {
        Got::Event(ServerEvent::Play(request)) => Some(request.clone()),
        _ => None,
    });
    requests.last().expect("a play command")
}

#[test]
fn selections_are_answered_and_add_up() {
    // MMSP-S-039
    let stream = |n| StreamNumber::new(n).unwrap();
    let mut script = Script::ready(ServerConfig::default(), content(3));
    let ok = ServerMessage::from(ReportStreamSwitch { hr: HResult::OK });
    let got = script.send(select(&[1, 2]));
    assert_eq!(message(&got), ok);
    assert_eq!(events(&got).len(), 1);
    let got = script.send(play(4, Start::Beginning));
    let both = [StreamSelection::full(stream(1)), StreamSelection::full(stream(2))];
    assert_eq!(request(&got).streams, both);
    // While streaming: only what changes; packets go on.
    let change = StreamSelection::replace(stream(2), stream(3));
    let got = script.send(StreamSwitch { selections: vec![change] });
    assert_eq!(message(&got), ok);
    assert_eq!(events(&got), [format!("SelectStreams([{change:?}])")]);
    assert_eq!(script.machine.phase(), Phase::Streaming);
    assert_eq!(data(&script.packet(0)).len(), 1);
    script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
    let got = script.send(play(5, Start::Beginning));
    let [one, off, three] = &request(&got).streams[..] else { panic!("{got:?}") };
    assert_eq!(*one, StreamSelection::full(stream(1)));
    assert_eq!(off.delivery, Delivery::Off);
    assert_eq!(*three, StreamSelection::full(stream(3)));
}

#[test]
fn a_selection_before_the_header_is_refused() {
    // MMSP-S-039, MMSP-S-092
    let mut script = Script::opened(ServerConfig::default(), content(3));
    let got = script.send(select(&[1]));
    assert_eq!(message(&got), ReportStreamSwitch { hr: HResult::INVALID_REQUEST }.into());
    assert!(events(&got).is_empty());
}

#[test]
fn more_entries_announced_than_sent() {
    // MMSP-S-041
    for announced in [3_u32, 4, 0x7FFF_FFFF, u32::MAX] {
        let mut script = Script::ready(ServerConfig::default(), content(3));
        let mut body = announced.to_le_bytes().to_vec();
        body.extend([0xFF, 0xFF, 1, 0, 0, 0]);
        let got = script.send_raw(MessageId::STREAM_SWITCH, &body);
        assert_eq!(message(&got), ReportStreamSwitch { hr: HResult::OK }.into());
        // The padding looks like one more entry, for a stream that cannot exist.
        let missing =
            format!("Deviation(Mmsp(MissingEntries {{ announced: {announced}, present: 2 }}))");
        assert_eq!(events(&got)[0], missing);
        assert!(events(&got)[2].starts_with("SelectStreams([StreamSelection { stream: 1"));
    }
    // Entries of streams that cannot exist are left out, the others count.
    let mut script = Script::ready(ServerConfig::default(), content(3));
    let body = [2, 0, 0, 0, 0xFF, 0xFF, 0, 2, 0, 0, 0xFF, 0xFF, 7, 0, 0, 0];
    let got = script.send_raw(MessageId::STREAM_SWITCH, &body);
    assert!(events(&got)[0].starts_with("Deviation(FieldValue"));
    assert!(events(&got)[1].starts_with("SelectStreams([StreamSelection { stream: 7"));
}

#[test]
fn a_play_command_for_another_file_is_refused() {
    // MMSP-S-042
    let mut script = Script::ready(ServerConfig::default(), content(3));
    for open_file_id in [0, 2, u32::MAX] {
        let got = script.send(StartPlaying { open_file_id, ..play(4, Start::Beginning) });
        let ServerMessage::ReportStartedPlaying(report) = message(&got) else { panic!("{got:?}") };
        assert_eq!((report.hr, report.incarnation), (HResult::INVALID_ARGUMENT, 4));
        assert!(events(&got).is_empty());
        assert_eq!(script.machine.phase(), Phase::Ready);
    }
    // While streaming the session goes on as if nothing had been said.
    script.send(play(5, Start::Beginning));
    let got = script.send(StartPlaying { open_file_id: 2, ..play(6, Start::Beginning) });
    let ServerMessage::ReportStartedPlaying(report) = message(&got) else { panic!("{got:?}") };
    assert_eq!((report.hr, report.incarnation), (HResult::INVALID_ARGUMENT, 6));
    assert_eq!(data(&script.packet(0))[0].incarnation, 5);
}

/// The fields of `StartPlaying` as they are sent.
fn raw_play(position: f64, asf_offset: u32, location_id: u32, frame_offset: u32) -> Vec<u8> {
    let mut body = 1_u32.to_le_bytes().to_vec();
    body.extend(0x0001_FFFF_u32.to_le_bytes()); // what players leave in the padding
    body.extend(position.to_le_bytes());
    for word in [asf_offset, location_id, frame_offset, 4] {
        body.extend(word.to_le_bytes());
    }
    body
}

#[test]
fn where_to_begin() {
    // MMSP-S-043, MMSP-S-044: every combination of used and unused fields.
    const NONE: u32 = u32::MAX;
    let time = |milliseconds| Start::Time(Duration::from_millis(milliseconds));
    let byte = |n| Start::ByteOffset(n);
    let packet = |n| Start::packet(n).unwrap();
    for (position, asf_offset, location_id, expected) in [
        (f64::MAX, NONE, NONE, Start::Beginning),
        (f64::MAX, NONE, 0, Start::Beginning),
        (f64::MAX, NONE, 7, packet(7)),
        (f64::MAX, 0, NONE, Start::Beginning),
        (f64::MAX, 0, 0, Start::Beginning),
        (f64::MAX, 0, 7, packet(7)),
        (f64::MAX, 1000, NONE, byte(1000)),
        (f64::MAX, 1000, 0, byte(1000)),
        (f64::MAX, 1000, 7, packet(7)),
        (0.0, NONE, NONE, Start::Beginning),
        (0.0, NONE, 0, Start::Beginning),
        (0.0, NONE, 7, packet(7)), // FFmpeg, libmms, VLC
        (0.0, 0, NONE, Start::Beginning),
        (0.0, 0, 0, Start::Beginning),
        (0.0, 0, 7, packet(7)),
        (0.0, 1000, NONE, byte(1000)),
        (0.0, 1000, 0, byte(1000)),
        (0.0, 1000, 7, packet(7)),
        (1.5, NONE, NONE, time(1500)),
        (1.5, NONE, 0, time(1500)),
        (1.5, NONE, 7, time(1500)),
        (1.5, 0, NONE, time(1500)),
        (1.5, 0, 0, time(1500)),
        (1.5, 0, 7, time(1500)),
        (1.5, 1000, NONE, time(1500)),
        (1.5, 1000, 0, time(1500)),
        (1.5, 1000, 7, time(1500)),
    ] {
        let mut script = Script::ready(ServerConfig::default(), content(3));
        let body = raw_play(position, asf_offset, location_id, 0);
        let got = script.send_raw(MessageId::START_PLAYING, &body);
        assert_eq!(request(&got).start, expected, "{position} {asf_offset} {location_id}");
    }
    // What is no time at all is no reason to refuse a packet number.
    for nonsense in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
        let mut script = Script::ready(ServerConfig::default(), content(3));
        let got = script.send_raw(MessageId::START_PLAYING, &raw_play(nonsense, NONE, 7, 0));
        assert_eq!(request(&got).start, packet(7), "{nonsense}");
        assert!(events(&got)[0].starts_with("Deviation(FieldValue { field: \"position\""));
    }
}

#[test]
fn where_to_end_and_how_fast_to_begin() {
    // MMSP-S-059: the application ends the stream there.
    let ms = Duration::from_millis;
    for (frame_offset, expected) in [
        (0, None),
        (0x00FF_FFFF, None), // FFmpeg, libmms and VLC mean no limit
        (u32::MAX, None),
        (5_000, Stop::at(ms(5_000))),
        (0x8000_1388, Stop::after(ms(5_000))),
    ] {
        let mut script = Script::ready(ServerConfig::default(), content(3));
        let got = script.send_raw(MessageId::START_PLAYING, &raw_play(0.0, 0, 0, frame_offset));
        assert_eq!(request(&got).stop, expected, "{frame_offset:#x}");
    }
    let accel = Accel::new(1_000_000, 5_000);
    let mut script = Script::ready(ServerConfig::default(), content(3));
    let got = script.send(StartPlaying { accel: Some(accel), ..play(4, Start::Beginning) });
    assert_eq!(request(&got).accel, Some(accel));
    assert_eq!(request(&got).rate, Rate::NORMAL);
}

#[test]
fn a_position_while_streaming_is_ignored_or_a_seek() {
    // MMSP-S-045
    for start in [Start::packet(2).unwrap(), Start::Time(seconds(1)), Start::Beginning] {
        let mut config = ServerConfig::default();
        config.seek_while_streaming = false;
        let mut script = Script::playing(config, content(3));
        let got = script.send(play(5, start));
        assert_eq!(messages(&got), [started(5)]);
        assert!(events(&got).is_empty());
        let packet = &data(&script.packet(0))[0];
        assert_eq!((packet.location_id, packet.incarnation), (0, 5), "on it goes");

        // The default: libmms seeks without stopping, to the beginning as well.
        let mut script = Script::playing(ServerConfig::default(), content(3));
        let got = script.send(play(5, start));
        assert_eq!(messages(&got), [started(5)]);
        assert_eq!(request(&got).start, start);
        assert_eq!(events(&got).last().unwrap(), "PacketWanted");
        assert_eq!(data(&script.packet(2))[0].incarnation, 5);
    }
}

#[test]
fn play_commands_right_behind_a_stop() {
    // MMSP-S-046: VLC seeks like this, with the same label.
    let mut script = Script::playing(ServerConfig::default(), content(3));
    let mut got = script.send(StopPlaying { open_file_id: 1, incarnation: 0x001F_FFFF });
    got.extend(script.send(play(4, Start::packet(2).unwrap())));
    let [ServerMessage::ReportEndOfStream(end), second] = &messages(&got)[..] else { panic!() };
    assert_eq!((end.hr, end.incarnation), (HResult::OK, 0x001F_FFFF));
    assert_eq!(*second, started(4));
    assert_eq!(events(&got)[0], "Stopped");
    assert_eq!(request(&got).start, Start::packet(2).unwrap());
    assert_eq!(data(&script.packet(2))[0].location_id, 2);
}

#[test]
fn nothing_selected() {
    // MMSP-S-047
    for (subscriber, all_unasked, streams) in [
        ("NSPlayer/9.0.0.2980", false, 0),
        ("NSPlayer/9.0.0.2980", true, 127),
        ("Spooooon!", false, 127),
        ("something else", false, 0),
    ] {
        let mut config = ServerConfig::default();
        config.select_all_unasked = all_unasked;
        let mut script = Script::new(config);
        script.send(crate::pair::script::connect(subscriber));
        script.send(crate::pair::script::funnel("\\\\h\\TCP\\1"));
        let open =
            crate::pair::script::open_request(script.send(crate::pair::script::open(9, "x")));
        script.give(|server, now| server.accept(now, open, content(3))).unwrap();
        script.poll();
        script.send(mms_proto::mmsp::message::ReadBlock { open_file_id: 1, incarnation: 2 });
        let got = script.send(play(4, Start::Beginning));
        assert_eq!(request(&got).streams.len(), streams, "{subscriber}");
        assert!(request(&got).streams.iter().all(|s| s.delivery == Delivery::Full));
    }
}

#[test]
fn the_answer_to_a_play_command() {
    // MMSP-S-048 (the idle time is tested with the timers), MMSP-S-049
    for (incarnation, label) in [(4, 4), (0xFE, 0xFE), (0x1234_5609, 9), (0, 1), (0xFF00, 1)] {
        let mut script = Script::ready(ServerConfig::default(), content(3));
        let got = script.send(play(incarnation, Start::Beginning));
        assert_eq!(messages(&got), [started(incarnation)]);
        assert_eq!(script.machine.phase(), Phase::Streaming);
        assert_eq!(data(&script.packet(0))[0].incarnation, label);
    }
}

#[test]
fn packets_are_sent_as_they_are() {
    // MMSP-S-051 for files, MMSP-S-052, MMSP-S-054, MMSP-S-057 over TCP
    let mut script = Script::playing(ServerConfig::default(), content(600));
    for number in 0..300_u32 {
        script.writes.clear();
        let got = script.packet(number * 2);
        let [packet] = &data(&got)[..] else { panic!("{got:?}") };
        assert_eq!(packet.location_id, number * 2);
        assert_eq!(packet.flags, number.to_le_bytes()[0]);
        assert_eq!(packet.payload, media::packet(number * 2));
        assert_eq!(script.writes[0].len(), 108);
        assert_eq!(events(&got), ["PacketWanted"]);
    }
    // Another play command goes on counting.
    script.send(play(5, Start::packet(1).unwrap()));
    for number in 300..600_u32 {
        assert_eq!(data(&script.packet(number))[0].flags, number.to_le_bytes()[0]);
    }
    assert_eq!((script.machine.stats().packets, script.machine.stats().bytes), (600, 60_000));
}

#[test]
fn the_number_after_fe() {
    // MMSP-S-053, MMSP-S-054
    for stopped in [false, true] {
        let mut script = Script::playing(ServerConfig::default(), content(600));
        for number in 0..=0xFE {
            script.packet(number);
        }
        if stopped {
            script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
        }
        script.send(play(5, Start::Beginning));
        let flags: Vec<_> = (0..3).map(|n| data(&script.packet(n))[0].flags).collect();
        assert_eq!(flags, [0, 1, 2]);
        // A second command without a packet in between changes nothing more.
        script.send(play(6, Start::Beginning));
        script.send(play(7, Start::Beginning));
        assert_eq!(data(&script.packet(0))[0].flags, 3);
    }
}

#[test]
fn the_content_rate_is_kept() {
    // MMSP-S-061: ten packets a second, the first at once.
    let config = ServerConfig::default().pace(Pace::BitRate);
    let mut script = Script::playing(config, content(600));
    script.packet(0);
    let mut sent = 1;
    for second in 1..=60 {
        let end = script.now + seconds(1);
        while script.now < end {
            let step = script.deadline.unwrap().min(end) - script.now;
            if events(&script.pass(step)).contains(&"PacketWanted".to_owned()) {
                script.packet(sent);
                sent += 1;
            }
        }
        assert_eq!(sent, second * RATE / 800 + 1);
    }
}

#[test]
fn at_full_speed_the_client_is_heard_now_and_then() {
    let mut script = Script::playing(ServerConfig::default(), content(10_000));
    let mut sent = 0;
    loop {
        let more = !events(&script.packet(sent)).is_empty();
        sent += 1;
        if !more {
            break;
        }
    }
    // The end of a turn: 256 KiB, then a look at the socket.
    assert_eq!(sent, (256 << 10) / 100 + 1);
    assert_eq!(script.deadline, Some(script.now));
    let got = script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
    assert_eq!(events(&got), ["Stopped"]);
    assert!(data(&got).is_empty());
}

#[test]
fn packets_that_nobody_wants() {
    // At the bit rate of the content there is room for one packet at the beginning.
    let config = ServerConfig::default().pace(Pace::BitRate);
    let mut script = Script::ready(config, content(3));
    let now = script.now;
    let early = script.machine.send_packet(now, 0, media::packet(0));
    let wrong = |phase| Err(StateError::Phase { operation: "send a packet", phase });
    assert_eq!(early, wrong(Phase::Ready));
    script.send(select(&[1]));
    script.send(play(4, Start::Beginning));
    for size in [0, 101] {
        let bad = script.machine.send_packet(now, 0, media::header(size));
        assert_eq!(bad, Err(StateError::PacketSize { size: size as usize, limit: 100 }));
    }
    script.machine.send_packet(now, 0, media::packet(0)).unwrap();
    let twice = script.machine.send_packet(now, 1, media::packet(1));
    assert_eq!(twice, Err(StateError::NotWanted));
    script.poll();
    script.machine.end_of_stream(now).unwrap();
    let late = script.machine.send_packet(now, 1, media::packet(1));
    assert_eq!(late, wrong(Phase::Ready));
}

#[test]
fn trick_play_is_refused() {
    let mut script = Script::playing(ServerConfig::default(), content(3));
    let rate = Rate::new(-2.0).unwrap();
    let stride = StartStriding { open_file_id: 1, start: Start::Beginning, incarnation: 5, rate };
    let refused = ReportStartStriding { hr: HResult::STRIDE_REFUSED, incarnation: 5 };
    assert_eq!(messages(&script.send(stride)), [refused.into()]);
    assert_eq!(data(&script.packet(0))[0].incarnation, 4, "the session goes on as it was");
}
