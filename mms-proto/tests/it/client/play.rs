//! Play commands, media packets, stream selection.

use bytes::BytesMut;
use mms_proto::MessageKind;
use mms_proto::mmsp::MmspDeviation;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, ReportStartStriding, ReportStartedPlaying, StreamSwitch,
};
use mms_proto::{
    Accel, ClientEvent, Delivery, Deviation, HResult, Machine as _, Phase, PlayRequest, Position,
    Rate, Start, StateError, Stop, StreamSelection,
};

use super::harness::*;

fn ready() -> Script {
    Script::at(Phase::Ready, config())
}

fn encoded_body(message: &ClientMessage) -> Vec<u8> {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out[8..].to_vec()
}

#[test]
fn playing_needs_a_header_and_nothing_under_way() {
    // MMSP-C-057
    for phase in [
        Phase::Connecting,
        Phase::BandwidthTest,
        Phase::ChoosingTransport,
        Phase::Opening,
        Phase::ReadingHeader,
        Phase::Starting,
        Phase::Stopping,
        Phase::Closing,
        Phase::ChangingEntry,
    ] {
        let mut script = Script::at(phase, config());
        let operation = "play";
        let error = StateError::Phase { operation, phase };
        assert_eq!(script.give(|client, now| client.play(now, all())), Err(error));
        script.poll();
        assert_eq!((script.sent(), script.events()), (vec![], vec![]));
        assert_eq!(script.machine.phase(), phase);
    }
}

#[test]
fn selecting_and_stopping_need_a_stream() {
    // MMSP-C-058
    for phase in [
        Phase::Connecting,
        Phase::Opening,
        Phase::ReadingHeader,
        Phase::Ready,
        Phase::Starting,
        Phase::Stopping,
        Phase::Closing,
        Phase::ChangingEntry,
    ] {
        let mut script = Script::at(phase, config());
        let operation = "select streams";
        let error = StateError::Phase { operation, phase };
        assert_eq!(script.give(|client, now| client.select_streams(now, &[])), Err(error));
        let operation = "stop";
        let error = StateError::Phase { operation, phase };
        assert_eq!(script.give(|client, now| client.stop(now)), Err(error));
        script.poll();
        assert_eq!((script.sent(), script.events()), (vec![], vec![]));
    }
}

#[test]
fn all_streams_are_named_before_the_play_command() {
    // MMSP-C-059, MMSP-C-060
    let selections = vec![
        StreamSelection::full(stream(1)),
        StreamSelection::off(stream(2)),
        StreamSelection::new(stream(3), Delivery::KeyFramesOnly),
        StreamSelection::off(stream(127)),
    ];
    let mut script = ready();
    script.play(PlayRequest::select(selections.clone()));
    let sent = script.sent();
    let [switch, ClientMessage::StartPlaying(_)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(*switch, StreamSwitch { selections }.into());
    assert_eq!(
        encoded_body(switch)[..28],
        [
            4, 0, 0, 0, 0xFF, 0xFF, 1, 0, 0, 0, 2, 0, 0xFF, 0xFF, 2, 0, 3, 0, 3, 0, 1, 0, 127, 0,
            0xFF, 0xFF, 2, 0
        ]
    );
}

#[test]
fn more_streams_than_there_can_be() {
    // MMSP-C-060
    let many = vec![StreamSelection::full(stream(1)); 128];
    let mut script = ready();
    let answer = script.give(|client, now| client.play(now, PlayRequest::select(many.clone())));
    assert_eq!(answer, Err(StateError::TooMany(128)));
    let mut script = Script::streaming();
    let answer = script.give(|client, now| client.select_streams(now, &many));
    assert_eq!(answer, Err(StateError::TooMany(128)));
    script.poll();
    assert_eq!(script.sent(), []);
}

#[test]
fn a_byte_offset_that_the_field_cannot_hold() {
    let mut script = ready();
    for offset in [0xFFFF_FFFF, 1 << 32, u64::MAX] {
        let request = all().start(Start::ByteOffset(offset));
        let answer = script.give(|client, now| client.play(now, request));
        assert_eq!(answer, Err(StateError::Position(offset)));
    }
    script.poll();
    assert_eq!(script.sent(), []);
    script.play(all().start(Start::ByteOffset(0xFFFF_FFFE)));
    assert_eq!(encoded_body(&script.sent()[1])[16..20], [0xFE, 0xFF, 0xFF, 0xFF]);
}

#[test]
fn one_position_counts() {
    // MMSP-C-062, MMSP-C-063
    let none = u32::MAX;
    let number = |value| Position::new(value).unwrap();
    let time = std::time::Duration::from_millis(1500);
    for (start, position, offset, packet) in [
        (Start::Beginning, 0.0, none, none),
        (Start::Time(time), 1.5, none, none),
        (Start::ByteOffset(30_000), f64::MAX, 30_000, none),
        (Start::Packet(number(9)), f64::MAX, none, 9),
    ] {
        let mut script = ready();
        script.play(all().start(start));
        let body = encoded_body(&script.sent()[1]);
        assert_eq!(body[..4], FILE.to_le_bytes());
        assert_eq!(body[8..16], f64::to_le_bytes(position), "{start:?}");
        assert_eq!(body[16..20], u32::to_le_bytes(offset), "{start:?}");
        assert_eq!(body[20..24], u32::to_le_bytes(packet), "{start:?}");
        assert_eq!(body[24..28], [0; 4], "to the end");
        assert_eq!(body.len(), 32, "no accel fields");
    }
    let mut script = ready();
    script.play(all().stop(Stop::at(time).unwrap()));
    assert_eq!(encoded_body(&script.sent()[1])[24..28], [0xDC, 5, 0, 0]);
}

#[test]
fn labels_of_play_commands() {
    // MMSP-C-064, MMSP-W-024
    let mut script = ready();
    let mut labels = Vec::new();
    for _ in 0..250 {
        script.play(all());
        let label = script.sent_play().incarnation;
        labels.push(label);
        script.say(switched(HResult::OK));
        script.say(started(u8::try_from(label).unwrap()));
        script.say(ended(HResult::OK, u8::try_from(label).unwrap()));
        assert_eq!(script.machine.phase(), Phase::Ready);
        script.sent();
    }
    // OpenFile had the first one.
    let expected: Vec<u32> = (9..=0xFE).filter(|&label| label != 0xCE).collect();
    let expected = expected.iter().cycle().skip(1).take(250).copied();
    assert_eq!(labels, expected.collect::<Vec<_>>());
}

#[test]
fn a_fast_start_for_servers_that_know_it() {
    // MMSP-C-065, MMSP-C-066
    let accel = |link_bandwidth| Accel::new(3_500_000, 5000).with_link_bandwidth(link_bandwidth);
    for (version, accel, fields) in [
        ("9.1", Some(accel(None)), 8),
        ("9.1", Some(accel(Some(0x7FFF_FFFF))), 16),
        ("9.1", None, 0),
        ("8.9", Some(accel(None)), 0),
        ("4.1.0.3920", Some(accel(None)), 0),
    ] {
        let mut script = Script::ready_with(version, file());
        let mut request = all();
        request.accel = accel;
        script.play(request);
        let sent = script.sent();
        // Three fields are 12 bytes and 4 of padding.
        assert_eq!(encoded_body(&sent[1]).len(), 32 + fields, "{version}");
    }
}

#[test]
fn another_speed() {
    // MMSP-C-061, MMSP-C-070, MMSP-C-085, MMSP-C-068
    assert!(Rate::new(0.0).is_none() && Rate::new(5.5).is_none());
    let rate = Rate::new(-2.5).unwrap();
    let mut script = ready();
    script.play(all().rate(rate).start(Start::Time(seconds(30))));
    let sent = script.sent();
    let [ClientMessage::StreamSwitch(_), ClientMessage::StartStriding(stride)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!((stride.open_file_id, stride.rate), (FILE, rate));
    assert_eq!(stride.start, Start::Time(seconds(30)));
    assert_eq!(stride.incarnation, PLAY.into());
    script.say(switched(HResult::OK));
    let (hr, incarnation) = (HResult::OK, PLAY.into());
    script.say(ReportStartStriding { hr, incarnation });
    assert_eq!(script.events(), [ClientEvent::StreamsSelected, ClientEvent::Started]);
    // Backwards, numbers fall.
    script.media(9, PLAY);
    script.media(6, PLAY);
    assert_eq!(packets(&script.events()), [9, 6]);
}

#[test]
fn streaming_begins_with_the_answer() {
    // MMSP-C-067, MMSP-C-068, MMSP-C-074
    let mut script = ready();
    script.play(all());
    script.say(switched(HResult::OK));
    assert_eq!(script.events(), [ClientEvent::StreamsSelected]);
    assert_eq!(script.machine.phase(), Phase::Starting);
    script.media(0, PLAY - 1);
    let (expected, found) = (PLAY, PLAY - 1);
    let stale = ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::StaleIncarnation {
        expected,
        found,
    }));
    assert_eq!(script.events(), [stale]);
    script.say(started(PLAY));
    assert_eq!(script.events(), [ClientEvent::Started]);
    assert_eq!(script.machine.phase(), Phase::Streaming);
    assert_eq!(script.machine.stats().dropped, 1);
}

#[test]
fn a_play_command_that_is_refused() {
    // MMSP-C-069
    let hr = HResult::NO_STREAM;
    let mut script = ready();
    script.play(all());
    script.say(switched(hr));
    assert_eq!(script.events(), [ClientEvent::SelectionRefused(hr)]);
    script.say(ReportStartedPlaying { hr, incarnation: PLAY.into(), open_file_id: FILE });
    assert_eq!(script.events(), [ClientEvent::PlayRefused(hr)]);
    assert_eq!((script.machine.phase(), script.deadline), (Phase::Ready, None));
    // The session goes on.
    script.sent();
    script.play(all());
    assert_eq!(script.sent_play().incarnation, u32::from(PLAY) + 1);
}

#[test]
fn selecting_streams_while_they_play() {
    // MMSP-C-076, MMSP-C-077, MMSP-C-078
    let mut script = Script::streaming();
    let selections = [StreamSelection::replace(stream(1), stream(2))];
    script.give(|client, now| client.select_streams(now, &selections)).unwrap();
    script.poll();
    let sent = script.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(encoded_body(&sent[0])[..10], [1, 0, 0, 0, 1, 0, 2, 0, 0, 0]);
    script.media(0, PLAY);
    let again = script.give(|client, now| client.select_streams(now, &selections));
    assert_eq!(again, Err(StateError::SelectionPending));
    script.say(switched(HResult::OK));
    script.media(1, PLAY);
    let events = script.events();
    assert_eq!(packets(&events), [0, 1]);
    assert_eq!(events[1], ClientEvent::StreamsSelected);
    script.give(|client, now| client.select_streams(now, &selections)).unwrap();
    script.say(switched(HResult::NO_STREAM));
    let refused = ClientEvent::SelectionRefused(HResult::NO_STREAM);
    assert_eq!(script.events(), [refused]);
    assert_eq!(script.machine.phase(), Phase::Streaming);
    // The answer is no longer waited for; only media is.
    assert_eq!(script.deadline, Some(script.now + seconds(90)));
}

#[test]
fn an_answer_with_another_label() {
    // No error where going on does no harm.
    let mut script = ready();
    script.play(all());
    script.say(started(4));
    let odd = Deviation::Mmsp(MmspDeviation::AnswerIncarnation {
        message: MessageId::REPORT_STARTED_PLAYING,
        expected: PLAY.into(),
        found: 4,
    });
    let events = [ClientEvent::Deviation(odd), ClientEvent::Started];
    assert_eq!(script.events(), events);
}

#[test]
fn the_selection_may_be_answered_after_the_play_command() {
    // MMSP-C-067, MMSP-C-077
    let mut script = ready();
    script.play(all());
    script.say(started(PLAY));
    let pending = script.give(|client, now| client.select_streams(now, &[]));
    assert_eq!(pending, Err(StateError::SelectionPending));
    script.say(switched(HResult::OK));
    assert_eq!(script.events(), [ClientEvent::Started, ClientEvent::StreamsSelected]);
    script.say(switched(HResult::OK));
    let odd = Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::REPORT_STREAM_SWITCH));
    assert_eq!(script.events(), [ClientEvent::Deviation(odd)]);
}
