//! Server: frames, malformed messages, messages at a wrong moment, garbage where nobody looks.

use crate::pair::media::content;
use crate::pair::script::{
    Script, connect, data, events, funnel, message, messages, open, open_request, play, select,
};
use bytes::{Bytes, BytesMut};
use mms_proto::MessageKind;
use mms_proto::Pace;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, CloseFile, FunnelInfo, Logging, MessageId, Pong,
    ReadBlock, SecurityResponse, ServerMessage, StartStriding, StopPlaying,
};
use mms_proto::{
    Deviation, Error, HResult, Input, Layer, Machine as _, Phase, Rate, Start, Strictness, Transmit,
};

#[test]
fn every_write_is_one_whole_packet() {
    // MMSP-S-089, MMSP-S-095: `Script` decodes every write by itself and insists on one message.
    let mut script = Script::playing(ServerConfig::default(), content(3));
    script.packet(0);
    script.give(|server, now| server.end_of_stream(now)).unwrap();
    script.poll();
    let messages = |write: &&Transmit| matches!(write, Transmit::Message(_));
    assert_eq!(script.writes.iter().filter(messages).count(), 7);
    assert_eq!(script.writes.len(), 7 + 3 + 1);
    // Numbers of the packets count from 0; the lengths agree with each other.
    for (number, write) in (0_u8..).zip(script.writes.iter().filter(messages)) {
        let bytes = write.to_bytes();
        assert_eq!(bytes[20..24], [number, 0, 0, 0]);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(word(8) + 16, bytes.len());
        assert_eq!(word(16) * 8, word(8));
        assert_eq!(word(32) * 8 + 32, bytes.len());
    }
}

#[test]
fn all_messages_of_a_packet_are_processed() {
    // MMSP-S-090
    let all: [ClientMessage; 4] = [
        ReadBlock { open_file_id: 1, incarnation: 2 }.into(),
        select(&[1]).into(),
        play(4, Start::Beginning).into(),
        StopPlaying { open_file_id: 1, incarnation: 4 }.into(),
    ];
    let mut script = Script::opened(ServerConfig::default(), content(3));
    let packet = MessageWriter::new(7).write(0, |out| all.iter().for_each(|m| m.encode(out)));
    let got = script.feed(&packet);
    assert_eq!(messages(&got).len(), 4);
    assert_eq!(data(&got).len(), 3);
    assert_eq!(script.machine.phase(), Phase::Ready);
    // A packet without any message is none.
    let empty = MessageWriter::new(8).write(0, |_| {});
    assert!(script.feed(&empty).is_empty());
}

/// Every request that has an answer, with the length below which it says nothing.
const ANSWERED: [(MessageId, usize, MessageId); 10] = [
    (MessageId::CONNECT, 12, MessageId::REPORT_CONNECTED_EX),
    (MessageId::FUNNEL_INFO, 4, MessageId::REPORT_FUNNEL_INFO),
    (MessageId::CONNECT_FUNNEL, 20, MessageId::REPORT_DISCONNECTED_FUNNEL),
    (MessageId::OPEN_FILE, 16, MessageId::REPORT_OPEN_FILE),
    (MessageId::SECURITY_RESPONSE, 12, MessageId::REPORT_OPEN_FILE),
    (MessageId::READ_BLOCK, 20, MessageId::REPORT_READ_BLOCK),
    (MessageId::STREAM_SWITCH, 4, MessageId::REPORT_STREAM_SWITCH),
    (MessageId::START_PLAYING, 32, MessageId::REPORT_STARTED_PLAYING),
    (MessageId::START_STRIDING, 40, MessageId::REPORT_START_STRIDING),
    (MessageId::STOP_PLAYING, 8, MessageId::REPORT_END_OF_STREAM),
];

/// `hr` of an answer, by its place on the wire.
fn hr(message: &ServerMessage) -> HResult {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    HResult(u32::from_le_bytes(out[8..12].try_into().unwrap()))
}

fn encode(message: impl Into<ClientMessage>) -> Bytes {
    let mut out = BytesMut::new();
    message.into().encode(&mut out);
    out.freeze()
}

#[test]
fn malformed_messages_are_answered_where_there_is_an_answer() {
    // MMSP-S-091
    for (id, least, answer) in ANSWERED {
        for length in (0..least).step_by(8) {
            let mut script = Script::ready(ServerConfig::default(), content(3));
            let got = script.send_raw(id, &vec![0; length]);
            assert_eq!(message(&got).id(), answer, "{id:?} of {length} bytes");
            assert_eq!(hr(&message(&got)), HResult::BAD_CONTROL_DATA, "{id:?}");
            let event = &events(&got)[0];
            assert!(event.starts_with("Closed(Failed(Decode("), "{event}");
            let Err(Error::Decode(error)) =
                script.give(|server, now| server.handle_input(now, Input::tcp(&[])))
            else {
                panic!("{id:?} of {length} bytes was read")
            };
            assert_eq!(error.layer, Layer::Message(MessageKind::Mmsp(id)));
            assert!(!error.field.is_empty());
            // Every later input is told the same.
            let again = script.give(|server, now| server.handle_input(now, Input::tcp_closed()));
            assert_eq!(again, Err(Error::Decode(error)));
        }
    }
}

#[test]
fn a_report_that_is_too_short_is_skipped() {
    // MMSP-S-088: nothing depends on it.
    let whole = encode(Logging { open_file_id: 0, log: Box::default() });
    let short = Deviation::ShortMessage(MessageKind::Mmsp(MessageId::LOGGING));
    for length in (8..whole.len() - 8).step_by(8) {
        let mut script = Script::playing(ServerConfig::default(), content(3));
        let got = script.send_raw(MessageId::LOGGING, &whole[8..length]);
        assert_eq!(events(&got), [format!("Deviation({short:?})")], "{length} bytes");
        assert!(messages(&got).is_empty());
        assert_eq!(data(&script.packet(0)).len(), 1, "the session goes on");
    }
    let strict = ServerConfig::default().strictness(Strictness::Strict);
    let got = Script::playing(strict, content(3)).send_raw(MessageId::LOGGING, &[0; 8]);
    let error = Error::from(short);
    assert_eq!(events(&got), [format!("Closed(Failed({error:?}))")]);
    // Nothing but Connect may come first, short or not.
    let got = Script::new(ServerConfig::default()).send_raw(MessageId::LOGGING, &[]);
    assert!(events(&got)[0].starts_with("Closed(Failed(Decode("), "{got:?}");
}

#[test]
fn messages_that_are_understood_without_their_fields() {
    // MMSP-S-038, MMSP-S-086: whatever they name, they mean the one thing that there is.
    let mut script = Script::ready(ServerConfig::default(), content(3));
    let got = script.send_raw(MessageId::CLOSE_FILE, &[]);
    let short = |id| format!("Deviation({:?})", Deviation::ShortMessage(MessageKind::Mmsp(id)));
    assert_eq!(events(&got), [short(MessageId::CLOSE_FILE), "Closed(Peer)".to_owned()]);
    let slow = ServerConfig::default().pace(Pace::BitRate);
    let mut script = Script::opened(slow, content(3));
    script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    let got = script.send_raw(MessageId::CANCEL_READ_BLOCK, &[]);
    assert_eq!(events(&got), [short(MessageId::CANCEL_READ_BLOCK)]);
    script.send(ReadBlock { open_file_id: 1, incarnation: 3 });
    script.pass(crate::pair::media::seconds(60));
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn frames_that_are_none() {
    // MMSP-S-091, and the first rule of 3.2.5.1: what begins with no TcpMessageHeader is refused.
    let good = MessageWriter::new(0).write(0, |out| ClientMessage::from(Pong).encode(out));
    for (at, value, field) in [
        (0, 2, "rep"),
        (4, 0, "sessionId"),
        (12, 0, "seal"),
        (8, 15, "messageLength"),
        (11, 0xFF, "messageLength"),
        (32, 0, "chunkLen"),
        (35, 0xFF, "chunkLen"),
    ] {
        let mut bad = good.to_vec();
        bad[at] = value;
        let mut script = Script::playing(ServerConfig::default(), content(3));
        let got = script.feed(&bad);
        assert!(messages(&got).is_empty());
        let Err(Error::Decode(error)) =
            script.give(|server, now| server.handle_input(now, Input::Timeout))
        else {
            panic!("byte {at} = {value} was accepted")
        };
        assert_eq!(error.field, field);
        assert_eq!(events(&got), [format!("Closed(Failed(Decode({error:?})))")]);
    }
    // A Data packet is nothing that a client sends.
    let mut script = Script::playing(ServerConfig::default(), content(3));
    let got = script.feed(&[0, 0, 0, 0, 4, 0, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(events(&got)[0].contains("sessionId"));
}

/// Every message of a client, well-formed.
fn one_of_each() -> Vec<ClientMessage> {
    let rate = Rate::new(2.0).unwrap();
    vec![
        connect("NSPlayer/9.0").into(),
        FunnelInfo { test: BandwidthTest::TcpHighEntropy }.into(),
        funnel("\\\\h\\TCP\\1"),
        open(9, "x").into(),
        SecurityResponse { incarnation: 9, cookie: 1, token: Bytes::from_static(b"x") }.into(),
        ReadBlock { open_file_id: 1, incarnation: 2 }.into(),
        CancelReadBlock { incarnation: 2 }.into(),
        select(&[1]).into(),
        play(4, Start::Beginning).into(),
        StartStriding { open_file_id: 1, start: Start::Beginning, incarnation: 4, rate }.into(),
        StopPlaying { open_file_id: 1, incarnation: 4 }.into(),
        Pong.into(),
        Logging { open_file_id: 0, log: Box::default() }.into(),
        CloseFile { open_file_id: 1 }.into(),
        ClientMessage::Unknown { id: MessageId(0x0003_0030), body: Bytes::from_static(&[0; 8]) },
    ]
}

#[test]
fn two_messages_at_any_moment_in_any_order() {
    // MMSP-S-092: never a panic, never silence for ever, and a session that is not over can play.
    for phase in 0..5 {
        for (first, second) in pairs(one_of_each()) {
            let config = ServerConfig::default();
            let mut script = match phase {
                0 => Script::new(config),
                1 => {
                    let mut script = Script::new(config);
                    script.send(connect("x"));
                    script
                }
                2 => Script::opened(config, content(3)),
                3 => Script::ready(config.pace(Pace::BitRate), content(3)),
                _ => Script::playing(config, content(3)),
            };
            for message in [&first, &second] {
                let got = script.send(message.clone());
                if got.iter().any(|got| format!("{got:?}").starts_with("Event(Open")) {
                    let request = open_request(got);
                    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
                    script.poll();
                }
            }
            script.pass(crate::pair::media::seconds(1));
            let phase = script.machine.phase();
            if phase == Phase::Closed || phase == Phase::Connecting {
                continue;
            }
            script.send(funnel("\\\\h\\TCP\\1"));
            if matches!(phase, Phase::ChoosingTransport) {
                let request = open_request(script.send(open(9, "x")));
                script.give(|server, now| server.accept(now, request, content(3))).unwrap();
                script.poll();
            }
            script.send(StopPlaying { open_file_id: 1, incarnation: 4 });
            script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
            script.pass(crate::pair::media::seconds(1));
            script.send(play(7, Start::Beginning));
            assert_eq!(data(&script.packet(0))[0].incarnation, 7, "{first:?}, {second:?}");
        }
    }
}

fn pairs(messages: Vec<ClientMessage>) -> Vec<(ClientMessage, ClientMessage)> {
    let second = messages.clone();
    messages.into_iter().flat_map(|a| second.iter().map(move |b| (a.clone(), b.clone()))).collect()
}

#[test]
fn what_is_out_of_place_is_reported_or_ends_the_session() {
    // MMSP-S-092
    let late: [(ClientMessage, MessageId); 3] = [
        (connect("again").into(), MessageId::CONNECT),
        (one_of_each().swap_remove(4), MessageId::SECURITY_RESPONSE),
        (CancelReadBlock { incarnation: 2 }.into(), MessageId::CANCEL_READ_BLOCK),
    ];
    for (message, id) in late {
        let mut script = Script::playing(ServerConfig::default(), content(3));
        let got = script.send(message.clone());
        assert_eq!(
            events(&got),
            [format!("Deviation({:?})", Deviation::OutOfPlace(MessageKind::Mmsp(id)))]
        );
        assert_eq!(data(&script.packet(0)).len(), 1);
        assert_eq!(script.machine.stats().deviations, 1);
        let strict = ServerConfig::default().strictness(Strictness::Strict);
        let mut script = Script::playing(strict, content(3));
        let got = script.send(message);
        let error = Error::from(Deviation::OutOfPlace(MessageKind::Mmsp(id)));
        assert_eq!(events(&got), [format!("Closed(Failed({error:?}))")]);
    }
    // Nothing but Connect may come first.
    let mut script = Script::new(ServerConfig::default());
    let error =
        Error::Unexpected { message: MessageKind::Mmsp(MessageId::PONG), phase: Phase::Connecting };
    assert_eq!(events(&script.send(Pong)), [format!("Closed(Failed({error:?}))")]);
}

#[test]
fn unknown_messages_are_handed_on_unread() {
    // MMSP-S-092: MPlayer's and WMP's "have stopped playing" has no name in the specification.
    let mut script = Script::playing(ServerConfig::default(), content(3));
    let got = events(&script.send_raw(MessageId(0x0003_0030), b"anything"));
    assert_eq!(got[0], "Deviation(UnknownMessage(0x00030030))");
    assert_eq!(got[1], "Unknown { id: 196656, body: b\"anything\" }");
    // What a server says is unknown as well, when a client says it.
    let got = events(&script.send_raw(MessageId::PING, &[0; 8]));
    assert!(got[1].starts_with("Unknown"), "{got:?}");
    assert_eq!(data(&script.packet(0)).len(), 1);
}

#[test]
fn garbage_where_nobody_looks() {
    // MMSP-S-093: reserved fields, padding and unused labels of every message of a session.
    let mut script = Script::new(ServerConfig::default());
    let mut numbers = MessageWriter::new(0);
    let mut say = |script: &mut Script, id: MessageId, words: &[u32], tail: &[u8]| {
        let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        body.extend(tail);
        let message = ClientMessage::Unknown { id, body: body.into() };
        let mut packet = numbers.write(u64::MAX, |out| message.encode(out)).to_vec();
        packet[3] = 0xA5; // padding
        packet[16..24].fill(0xA5); // chunkCount, seq, MBZ
        script.feed(&packet)
    };
    const X: u32 = 0xDEAD_BEEF;
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let mut all = Vec::new();
    all.extend(say(&mut script, MessageId::CONNECT, &[X, X, X], &utf16("NSPlayer/4.1\0\u{7777}")));
    all.extend(say(&mut script, MessageId::FUNNEL_INFO, &[X, X], &[]));
    let name = utf16("\\\\h\\TCP\\1\0\u{7777}");
    all.extend(say(&mut script, MessageId::CONNECT_FUNNEL, &[X, X, X, X, X], &name));
    let request =
        open_request(say(&mut script, MessageId::OPEN_FILE, &[X, X, X, 0], &utf16("x\0\u{7777}")));
    assert_eq!((request.path.as_str(), &request.credentials), ("x", &None));
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    all.extend(script.poll());
    let read = [1, X, X, X, X, X, X, X, X, X, 2, X, X];
    all.extend(say(&mut script, MessageId::READ_BLOCK, &read, &[]));
    all.extend(say(&mut script, MessageId::STREAM_SWITCH, &[1, 0x0001_FFFF, 0], &[0xA5; 6]));
    let start = [1, X, 0, 0, 0, u32::MAX, 0, 4];
    all.extend(say(&mut script, MessageId::START_PLAYING, &start, &[]));
    all.extend(script.packet(0));
    all.extend(say(&mut script, MessageId::PONG, &[X, X, X, X], &[]));
    all.extend(say(&mut script, MessageId::STOP_PLAYING, &[X, X], &[]));
    all.extend(say(&mut script, MessageId::CLOSE_FILE, &[X, 1, X, X], &[]));
    assert!(!events(&all).iter().any(|event| event.starts_with("Deviation")), "{all:?}");
    assert_eq!(messages(&all).len(), 8);
    assert_eq!(events(&all).last().unwrap(), "Closed(Peer)");
    assert_eq!(data(&all).len(), 4);
}
