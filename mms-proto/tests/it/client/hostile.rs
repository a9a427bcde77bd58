//! A server that wishes ill, or knows no better.

use bytes::Bytes;
use mms_proto::MessageKind;
use mms_proto::mmsp::MmspDeviation;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{ClientMessage, MessageId, Ping, SecurityChallenge, ServerMessage};
use mms_proto::{
    ClientEvent, ConnectionId, DecodeError, Deviation, Error, HResult, Input, Layer, Machine as _,
    Phase, Problem, Strictness,
};
use proptest::prelude::*;

use super::harness::*;

const PHASES: [Phase; 11] = [
    Phase::Connecting,
    Phase::BandwidthTest,
    Phase::ChoosingTransport,
    Phase::Opening,
    Phase::ReadingHeader,
    Phase::Ready,
    Phase::Starting,
    Phase::Streaming,
    Phase::Stopping,
    Phase::ChangingEntry,
    Phase::Closing,
];

fn packet(messages: &[u8]) -> Bytes {
    MessageWriter::default().write(0, |out| out.extend_from_slice(messages))
}

#[test]
fn pings_are_answered_in_every_phase() {
    // MMSP-C-055, MMSP-C-056
    for phase in PHASES {
        let mut script = Script::at(phase, config());
        script.say(Ping);
        assert_eq!(script.sent(), [mms_proto::mmsp::message::Pong.into()], "{phase:?}");
        assert_eq!(script.events(), []);
        assert_eq!(script.machine.phase(), phase);
    }
    // No Pong without a Ping.
    let mut script = Script::streaming();
    script.pass(seconds(89));
    assert_eq!(script.sent(), []);
}

#[test]
fn a_flood_of_pings() {
    // MMSP-C-055; T52
    let mut script = Script::streaming();
    let pongs = |script: &mut Script| {
        for _ in 0..100 {
            script.say(Ping);
        }
        let pong = ClientMessage::from(mms_proto::mmsp::message::Pong);
        let sent = script.sent();
        assert!(sent.iter().all(|message| *message == pong));
        sent.len()
    };
    assert_eq!(pongs(&mut script), 20);
    let flood = ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::PingFlood));
    assert_eq!(script.events(), std::slice::from_ref(&flood), "said once");
    script.pass(seconds(1));
    assert_eq!(pongs(&mut script), 20);
    assert_eq!(script.events(), [flood]);
    // Unless the application has its own idea.
    let mut config = config();
    config.session.limits.pongs_per_second = 0;
    let mut script = Script::at(Phase::Ready, config);
    assert_eq!(pongs(&mut script), 0);
}

#[test]
fn many_messages_in_one_packet() {
    // MMSP-W-014
    let mut script = Script::new(config());
    script.sent();
    let all = [
        encoded(&connected("9.1")),
        encoded(&Ping.into()),
        encoded(&funnel_info(Default::default(), &[])),
        encoded(&funnel()),
        encoded(&opened(file())),
        encoded(&read_block()),
    ];
    script.feed(&packet(&all.concat()));
    script.feed(&packet(&[]));
    assert_eq!(script.machine.phase(), Phase::ReadingHeader);
    assert_eq!(script.sent().len(), 5, "four requests and a Pong");
}

#[test]
fn unknown_messages() {
    // MMSP-W-021
    let mut script = Script::streaming();
    let id = MessageId(0x0004_0099);
    let body = Bytes::from_static(&[1, 2, 3, 4, 5, 6, 7, 8]);
    script.say(ServerMessage::Unknown { id, body: body.clone() });
    script.say(Ping);
    assert_eq!(
        script.events(),
        [
            ClientEvent::Deviation(Deviation::UnknownMessage(MessageKind::Mmsp(id))),
            ClientEvent::Unknown { id: id.0, body }
        ]
    );
    assert_eq!(script.sent().len(), 1);
    let mut script = Script::at(Phase::Ready, config().strictness(Strictness::Strict));
    script.say(ServerMessage::Unknown { id, body: Bytes::new() });
    script.assert_failed(&Error::Deviation(Deviation::UnknownMessage(MessageKind::Mmsp(id))));
}

#[test]
fn odd_packet_headers() {
    // MMSP-W-002, MMSP-W-019
    let mut bytes = packet(&encoded(&ended(HResult::OK, PLAY))[..14]).to_vec();
    (bytes[1], bytes[2]) = (9, 1);
    let mut script = Script::streaming();
    script.feed(&bytes);
    let (major, minor) = (9, 1);
    let events = script.events();
    let odd = [
        ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::HeaderVersion { major, minor })),
        ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::UnpaddedMessage(30))),
    ];
    assert_eq!(events[..2], odd, "before what is in it");
}

#[test]
fn what_does_not_parse_ends_the_session() {
    // MMSP-C-010, MMSP-C-105, MMSP-W-018
    for phase in PHASES {
        let mut script = Script::at(phase, config());
        // Places count from the beginning of the stream: look where it is.
        script.feed(&packet(&[0, 0, 0, 0, 0, 0, 0, 0]));
        let events = script.events();
        let Some(ClientEvent::Closed(mms_proto::CloseReason::Failed(found))) = events.last() else {
            panic!("{events:?}");
        };
        let Error::Decode(decode) = found else {
            panic!("{found:?}");
        };
        let zero = Problem::Value { found: 0, expected: "at least 1" };
        assert_eq!(
            *found,
            Error::Decode(decode_error(Layer::Prefix, decode.offset, "chunkLen", zero)),
            "{phase:?}"
        );
    }
    // The first packet of a stream: its message begins at byte 32, the fault is inside.
    let mut script = Script::new(config());
    let short = &encoded(&connected("9.1"))[..24];
    let mut short = short.to_vec();
    short[0] = 3;
    script.feed(&packet(&short));
    let field = "blockGroupPlayTime";
    let error = decode_error(
        Layer::Message(MessageKind::Mmsp(MessageId::REPORT_CONNECTED_EX)),
        32 + 24,
        field,
        Problem::Truncated,
    );
    script.assert_failed(&Error::Decode(error));
}

#[test]
fn short_answers_that_nothing_waits_for() {
    // One that is waited for ends the session, see above.
    for (id, message) in [
        (MessageId::REPORT_CONNECTED_EX, connected("9.1")),
        (MessageId::REPORT_CONNECTED_FUNNEL, funnel()),
        (MessageId::REPORT_OPEN_FILE, opened(file())),
        (MessageId::REPORT_STREAM_SWITCH, switched(HResult::OK)),
    ] {
        let mut short = encoded(&message)[..8].to_vec();
        short[0] = 1;
        let mut script = Script::streaming();
        script.feed(&packet(&short));
        let noted = ClientEvent::Deviation(Deviation::ShortMessage(MessageKind::Mmsp(id)));
        assert_eq!(script.events(), [noted], "{id:?}");
        script.media(0, PLAY);
        assert_eq!(packets(&script.events()), [0]);
    }
    let mut script = Script::at(Phase::Starting, config());
    script.feed(&packet(&[1, 0, 0, 0, 0x21, 0, 4, 0]));
    assert_eq!(script.machine.phase(), Phase::Closed, "the selection's answer is waited for");
}

/// The type cannot be built outside its crate, but taken from a decoder and changed.
fn decode_error(layer: Layer, offset: u64, field: &'static str, problem: Problem) -> DecodeError {
    let mut error = ServerMessage::decode(&Bytes::new(), &mut Vec::new()).unwrap_err();
    (error.layer, error.offset) = (layer, offset);
    (error.field, error.problem) = (field, problem);
    error
}

#[test]
fn what_is_too_long_is_refused_before_it_arrives() {
    // MMSP-W-020
    let mut config = config();
    config.session.limits.message = 1000;
    let mut script = Script::new(config);
    let mut head = packet(&[0; 985])[..16].to_vec();
    assert_eq!(head[8..10], [0xE9, 3]);
    script.feed(&head);
    let problem = Problem::AboveLimit { found: 1001, limit: 1000 };
    let error = decode_error(Layer::Frame, 8, "messageLength", problem);
    script.assert_failed(&Error::Decode(error));
    head[8] -= 1;
    let mut script = Script::new(self::config());
    script.feed(&head);
    assert_eq!(script.machine.phase(), Phase::Connecting);
}

/// A session that owes an answer, with room for this many bytes meanwhile.
fn challenged(buffered: usize) -> Script {
    let mut config = config();
    config.session.limits.buffered = buffered;
    let mut script = Script::at(Phase::Opening, config);
    script.say(SecurityChallenge {
        incarnation: OPEN,
        cookie: 1,
        token: Bytes::from_static(b"r\0"),
    });
    assert_eq!(script.machine.phase(), Phase::Authenticating);
    script.events();
    script
}

#[test]
fn what_waits_is_limited() {
    let limit = 200_000;
    // A driver that reads into the machine's buffer is told to wait.
    let mut script = challenged(limit);
    let piece = data(0, PLAY, 0, &[0; 9992]);
    let mut read = 0;
    loop {
        let room = script.machine.recv_buffer(ConnectionId::MAIN);
        if room.is_empty() {
            break;
        }
        room[..piece.len()].copy_from_slice(&piece);
        script.give(|client, now| client.received(now, ConnectionId::MAIN, piece.len())).unwrap();
        script.poll();
        read += piece.len();
        assert!(read <= limit + 2 * piece.len());
    }
    assert_eq!(script.machine.phase(), Phase::Authenticating);
    // One that pushes is stopped.
    let mut script = challenged(limit);
    let mut pushed = 0;
    while script.machine.phase() != Phase::Closed {
        script.feed(&piece);
        pushed += piece.len();
        assert!(pushed < 1 << 20);
    }
    let limit = limit as u64;
    let what = "bytes that wait to be decoded";
    // The first packet is decoded, and held; the last one was not let in.
    let value = (pushed - 2 * piece.len()) as u64;
    assert!(value > limit);
    script.assert_failed(&Error::Limit { what, value, limit });
}

#[test]
fn there_is_always_room_for_one_packet() {
    let mut config = config();
    config.session.limits.buffered = 0;
    let mut script = Script::at(Phase::Streaming, config);
    let packet = data(0, PLAY, 0, &[3; 65_527]);
    for piece in packet.chunks(1000) {
        let room = script.machine.recv_buffer(ConnectionId::MAIN);
        assert!(!room.is_empty());
        room[..piece.len()].copy_from_slice(piece);
        script.give(|client, now| client.received(now, ConnectionId::MAIN, piece.len())).unwrap();
        script.poll();
    }
    assert_eq!(packets(&script.events()), [0]);
}

#[test]
fn a_closed_session_keeps_nothing() {
    // MMSP-C-105
    let mut script = Script::at(Phase::Ready, config());
    script.close();
    script.events();
    for _ in 0..100 {
        script.feed(&[0; 60_000]);
        assert!(!script.machine.recv_buffer(ConnectionId::MAIN).is_empty());
    }
    assert_eq!(script.events(), []);
}

#[test]
fn packets_that_the_application_keeps() {
    // Large pieces, all of whose packets are kept: the next piece goes to a smaller block.
    let mut script = Script::streaming();
    let many: Vec<u8> = (0..20).flat_map(|n| data(n, PLAY, 0, &[9; 20_000])).collect();
    let mut kept = Vec::new();
    for piece in [&many[..300_000], &many[300_000..], &many[..]] {
        script.feed(piece);
        kept.extend(script.events());
    }
    assert_eq!(packets(&kept).len(), 40);
}

proptest! {
    #[test]
    fn garbage_in_any_phase(
        phase in proptest::sample::select(&PHASES[..]),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        framed in any::<bool>(),
    ) {
        // MMSP-W-074
        let mut script = Script::at(phase, config());
        let bytes = if framed { packet(&bytes) } else { bytes.into() };
        let _ = script.input(Input::tcp(&bytes));
        let _ = script.input(Input::tcp_closed());
        prop_assert!(script.events().len() < 100);
    }

    #[test]
    fn any_known_message_in_any_phase(
        phases in proptest::sample::select(&PHASES[..]),
        which in proptest::collection::vec(0..ServerMessage::IDS.len(), 1..20),
        fields in proptest::collection::vec(any::<[u8; 16]>(), 20),
    ) {
        // MMSP-C-105: an error, a deviation or an answer, and one last event
        let mut script = Script::at(phases, config());
        for (index, fields) in which.into_iter().zip(fields) {
            let (id, _) = ServerMessage::IDS[index];
            let body = [&[0; 8][..], &fields, &[0; 104]].concat().into();
            if script.machine.phase() != Phase::Closed {
                script.say(ServerMessage::Unknown { id, body });
            }
        }
        let closed = |event: &ClientEvent| matches!(event, ClientEvent::Closed(_));
        let events = script.events();
        let end = script.machine.phase() == Phase::Closed;
        prop_assert_eq!(events.iter().filter(|event| closed(event)).count(), usize::from(end));
        prop_assert_eq!(events.last().is_some_and(closed), end);
    }
}

#[test]
fn a_caller_may_have_much_at_once() {
    let mut script = Script::at(Phase::Streaming, config());
    let much: Vec<u8> =
        (0..300).flat_map(|number| data(number % 20, PLAY, 0, &[3; 65_527])).collect();
    assert!(much.len() > 16 * config().session.limits.buffered);
    script.feed(&much);
    assert_eq!(packets(&script.events()).len(), 300);
}
