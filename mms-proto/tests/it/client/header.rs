//! The ASF header.

use bytes::Bytes;
use mms_proto::MessageKind;
use mms_proto::mmsp::ClientConfig;
use mms_proto::mmsp::MmspDeviation;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, OpenedFile, ReportReadBlock, ReportStreamChange,
};
use mms_proto::{
    ClientEvent, CloseReason, Deviation, Error, Features, HResult, Machine as _, Phase, Strictness,
};

use super::harness::*;

fn reading() -> Script {
    Script::at(Phase::ReadingHeader, config())
}

fn small() -> ClientConfig {
    let mut config = config();
    config.session.limits.header = 100;
    config
}

fn too_large(value: u64) -> Error {
    Error::Limit { what: "bytes of the ASF header", value, limit: 100 }
}

#[test]
fn the_header_is_asked_for() {
    // MMSP-C-043, MMSP-C-044
    let mut script = Script::at(Phase::Opening, config());
    script.say(opened(file()));
    let message = script.sent_one();
    let mut bytes = bytes::BytesMut::new();
    message.encode(&mut bytes);
    let mut expected = vec![7, 0, 0, 0, 0x15, 0, 3, 0, 0x34, 0x12, 0, 0];
    expected.extend([0; 8]); // fileBlockId, offset
    expected.extend([0, 0x80, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]); // length, flags, padding
    expected.extend(0f64.to_le_bytes());
    expected.extend(3600f64.to_le_bytes());
    expected.extend([HEADER, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[..], expected);
}

#[test]
fn the_header_arrives_in_any_style() {
    // MMSP-C-050, MMSP-C-052, MMSP-W-029
    for flags in [&[0x0C][..], &[8], &[4, 0x0C], &[4, 8], &[4, 0, 8], &[0, 0, 8], &[4, 4, 4, 0x0C]]
    {
        let mut script = reading();
        script.say(read_block());
        let size = ASF.len().div_ceil(flags.len());
        let (mut number, last) = (0, flags.len() - 1);
        for (piece, &flags) in ASF.chunks(size).zip(flags) {
            assert_eq!(script.events(), []);
            script.feed(&data(number, HEADER, flags, piece));
            number += 1;
        }
        assert_eq!(number as usize, last + 1);
        let content = content(script.events());
        assert_eq!(content.header(), ASF);
        assert_eq!(content.packet_size(), Some(100));
        assert_eq!(content.packet_count(), Some(20));
        assert_eq!(content.duration(), Some(seconds(60)));
        assert_eq!(content.bit_rate(), 64_000);
        assert!(content.features().contains(Features::SEEKABLE));
        assert_eq!(script.machine.phase(), Phase::Ready);
        assert_eq!(script.deadline, None);
        assert_eq!(script.sent(), []);
    }
}

#[test]
fn a_missing_fragment_is_waited_for() {
    // MMSP-C-051, as far as it can happen over TCP
    let mut script = reading();
    script.say(read_block());
    script.feed(&data(0, HEADER, 4, b"a"));
    script.feed(&data(2, HEADER, 0x0C, b"c"));
    let (expected, found) = (1, 2);
    let missing = Deviation::Mmsp(MmspDeviation::HeaderFragment { expected, found });
    assert_eq!(script.events(), [ClientEvent::Deviation(missing)]);
    assert_eq!(script.machine.phase(), Phase::ReadingHeader);
    script.feed(&data(1, HEADER, 4, b"b"));
    script.feed(&data(2, HEADER, 0x0C, b"c"));
    let events = script.events();
    assert!(matches!(events.last(), Some(ClientEvent::Ready(_))));
}

#[test]
fn the_answer_may_come_at_any_time() {
    // MMSP-C-053
    let mut script = reading();
    script.feed(&data(0, HEADER, 0x0C, ASF));
    assert_eq!(script.machine.phase(), Phase::Ready);
    script.events();
    script.say(read_block());
    assert_eq!(script.events(), []);
    for phase in [Phase::Starting, Phase::Streaming, Phase::Stopping] {
        let mut script = Script::at(phase, config());
        script.say(read_block());
        assert_eq!(script.events(), []);
        assert_eq!(script.machine.phase(), phase);
    }
}

#[test]
fn a_header_that_is_refused() {
    // MMSP-C-105
    let hr = HResult::ACCESS_DENIED;
    for phase in [Phase::ReadingHeader, Phase::Streaming] {
        let mut script = Script::at(phase, config());
        let incarnation = HEADER.into();
        script.say(ReportReadBlock { hr, incarnation });
        script.assert_failed(&Error::Refused { phase, hr });
    }
}

#[test]
fn the_announced_size_is_limited() {
    // MMSP-C-105; for a file and for an entry
    for header_size in [101, u32::MAX] {
        let mut script = Script::at(Phase::Opening, small());
        script.say(opened(OpenedFile { header_size, ..file() }));
        script.assert_failed(&too_large(header_size.into()));
        let mut script = Script::at(Phase::ChangingEntry, small());
        script.say(ReportStreamChange {
            hr: HResult::OK,
            packet_size: 50,
            header_size,
            bit_rate: 0,
        });
        script.assert_failed(&too_large(header_size.into()));
    }
}

#[test]
fn the_size_that_arrives_is_limited() {
    // MMSP-C-105
    let mut script = Script::at(Phase::ReadingHeader, small());
    script.feed(&data(0, HEADER, 4, &[1; 100]));
    assert_eq!(script.events(), []);
    script.feed(&data(1, HEADER, 0x0C, &[1]));
    script.assert_failed(&too_large(101));
}

#[test]
fn a_size_that_is_not_the_announced_one() {
    // MMSP-C-052
    let mut script = reading();
    script.feed(&data(0, HEADER, 0x0C, b"short"));
    let events = script.events();
    let wrong = Deviation::HeaderSize { announced: 23, received: 5 };
    let [ClientEvent::Deviation(found), ClientEvent::Ready(content)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!((*found, &content.header()[..]), (wrong, &b"short"[..]));
}

#[test]
fn a_header_of_nothing() {
    // MMSP-C-105
    let mut script = reading();
    script.feed(&data(0, HEADER, 0x0C, b""));
    let events = script.events();
    assert!(
        matches!(events.last(), Some(ClientEvent::Closed(CloseReason::Failed(Error::Decode(_))))),
        "{events:?}"
    );
}

#[test]
fn a_packet_size_that_cannot_be() {
    // MMSP-C-052
    for packet_size in [0, 65_528, u32::MAX] {
        let mut script = Script::at(Phase::Opening, config());
        script.say(opened(OpenedFile { packet_size, ..file() }));
        script.feed(&data(0, HEADER, 0x0C, ASF));
        let events = script.events();
        let [ClientEvent::Deviation(_), ClientEvent::Ready(content)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(content.packet_size(), None);
        // Nothing more is said about it with every packet.
        script.play(all());
        script.say(started(PLAY));
        script.events();
        script.media(0, PLAY);
        assert_eq!(packets(&script.events()), [0]);
    }
}

#[test]
fn a_server_with_its_own_label() {
    // MMSP-C-050; said once, not with every fragment
    let mut script = reading();
    for (number, flags) in [(0, 4), (1, 4), (2, 0x0C)] {
        script.feed(&data(number, 2, flags, b"12345678"));
    }
    let events = script.events();
    let (asked, used) = (HEADER, 2);
    let adopted =
        ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::AdoptedIncarnation { asked, used }));
    assert_eq!(events[..1], [adopted]);
    assert!(matches!(events[1..], [ClientEvent::Deviation(_), ClientEvent::Ready(_)]));
}

#[test]
fn strict_mode_ends_with_the_first_deviation() {
    // MMSP-C-105
    let mut script = Script::at(Phase::ReadingHeader, config().strictness(Strictness::Strict));
    script.feed(&data(5, HEADER, 4, b"a"));
    let (expected, found) = (0, 5);
    script.assert_failed(&Error::Deviation(Deviation::Mmsp(MmspDeviation::HeaderFragment {
        expected,
        found,
    })));
}

#[test]
fn what_means_nothing_before_the_header_is_ignored() {
    // No error where going on does no harm.
    for (message, id) in [
        (connected("9.1"), MessageId::REPORT_CONNECTED_EX),
        (funnel(), MessageId::REPORT_CONNECTED_FUNNEL),
        (opened(file()), MessageId::REPORT_OPEN_FILE),
        (switched(HResult::OK), MessageId::REPORT_STREAM_SWITCH),
        (started(PLAY), MessageId::REPORT_STARTED_PLAYING),
        (ended(HResult::OK, PLAY), MessageId::REPORT_END_OF_STREAM),
        (change(), MessageId::REPORT_STREAM_CHANGE),
    ] {
        let mut script = reading();
        script.say(message);
        let odd = ClientEvent::Deviation(Deviation::OutOfPlace(MessageKind::Mmsp(id)));
        assert_eq!(script.events(), [odd]);
        assert_eq!(script.sent(), Vec::<ClientMessage>::new());
        assert_eq!(script.machine.phase(), Phase::ReadingHeader);
    }
    let mut script = Script::at(Phase::Connecting, config());
    script.feed(&data(0, HEADER, 0x0C, &Bytes::from_static(ASF)));
    let odd = ClientEvent::Deviation(Deviation::UnexpectedData);
    assert_eq!(script.events(), [odd]);
}
