//! Server: the file and its header. MS-MMSP 3.2.5.6, 3.2.5.8 and 3.2.5.9.

use mms_proto::Features;
use mms_proto::mmsp::message::FileAttributes;
use std::time::Duration;

use crate::pair::media::{self, PACKET, content, seconds};
use crate::pair::script::{
    Got, Script, connect, data, events, funnel, message, messages, open, open_request, play,
};
use mms_proto::Pace;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    CancelReadBlock, OpenedFile, ReadBlock, ReportOpenFile, ReportReadBlock, ServerMessage,
};
use mms_proto::{
    CloseReason, Content, HResult, Machine as _, Output, Phase, Redirect, ServerEvent, Start,
    StateError,
};

/// A session with a transport.
fn connected() -> Script {
    connected_as("NSPlayer/7.0.0.1956")
}

fn connected_as(subscriber: &str) -> Script {
    let mut script = Script::new(ServerConfig::default());
    script.send(connect(subscriber));
    script.send(funnel("\\\\h\\TCP\\1"));
    script
}

const READ: ReadBlock = ReadBlock { open_file_id: 1, incarnation: 0x0102_0302 };

#[test]
fn content_without_a_packet_size_is_not_accepted() {
    let mut script = Script::new(ServerConfig::default());
    script.send(connect("x"));
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(9, "clip")));
    let unsized_content = Content::new(media::header(100)).unwrap();
    let answer = script.give(|server, now| server.accept(now, request, unsized_content));
    assert_eq!(answer, Err(StateError::NoPacketSize));
}

#[test]
fn a_bad_path_is_refused_and_another_may_be_tried() {
    // MMSP-S-017, MMSP-S-025
    let mut script = connected();
    let request = open_request(script.send(open(0xA1B2_C309, "no/such file?x=%20")));
    assert_eq!(request.path, "no/such file?x=%20");
    script.give(|server, now| server.reject(now, request, HResult::FILE_NOT_FOUND)).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    assert_eq!(report.result, Err(HResult::FILE_NOT_FOUND.into()));
    assert_eq!(report.incarnation, 0xA1B2_C309);
    let request = open_request(script.send(open(10, "file.wma")));
    // A success is no reason to refuse something.
    script.give(|server, now| server.reject(now, request, HResult::OK)).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    assert_eq!((report.incarnation, report.result), (10, Err(HResult::FAIL.into())));
    let request = open_request(script.send(open(11, "file.wma")));
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    assert!(report.result.is_ok());
}

#[test]
fn the_file_is_called_1_for_the_whole_session() {
    // MMSP-S-019 as far as one entry goes, MMSP-S-020, MMSP-S-025, MMSP-S-094
    for incarnation in [0, 1, 9, 0xFE, u32::MAX] {
        let mut script = connected();
        let request = open_request(script.send(open(incarnation, "x")));
        script.give(|server, now| server.accept(now, request, content(3))).unwrap();
        let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
        assert_eq!(report.incarnation, incarnation);
        assert_eq!(report.result.unwrap().open_file_id, 1);
        // One file a connection.
        let ServerMessage::ReportOpenFile(report) = message(&script.send(open(12, "y"))) else {
            panic!()
        };
        assert_eq!((report.incarnation, report.result), (12, Err(HResult::OPEN_FILE_LIMIT.into())));
        assert_eq!(message(&script.send(READ)), ok(READ.incarnation));
    }
}

fn ok(incarnation: u32) -> ServerMessage {
    ReportReadBlock { hr: HResult::OK, incarnation }.into()
}

#[test]
fn every_field_of_an_open_file() {
    // MMSP-S-027
    let content = Content::new(media::header(5_000))
        .unwrap()
        .with_packet_size(1_234)
        .unwrap()
        .with_packet_count(0x1_0000_0002)
        .with_duration(Duration::from_millis(61_250))
        .with_bit_rate(350_000)
        .with_features(Features::SEEKABLE);
    let mut script = connected();
    let request = open_request(script.send(open(9, "x")));
    script.writes.clear();
    script.give(|server, now| server.accept(now, request, content)).unwrap();
    script.poll();
    let bytes = script.writes[0].to_bytes();
    let mut expected = Vec::new();
    for word in [15_u32, 0x0004_0006, 0, 9, 1, 0, 0, 0x0100_0000] {
        expected.extend(word.to_le_bytes());
    }
    expected.extend(61.25_f64.to_le_bytes());
    expected.extend(62_u32.to_le_bytes()); // fileBlocks: whole seconds, rounded up
    expected.extend([0; 16]);
    expected.extend(1_234_u32.to_le_bytes());
    expected.extend(0x1_0000_0002_u64.to_le_bytes());
    expected.extend(350_000_u32.to_le_bytes());
    expected.extend(5_000_u32.to_le_bytes());
    expected.resize(120, 0);
    assert_eq!(bytes[32..], expected);
}

#[test]
fn attributes_are_passed_on() {
    // MMSP-S-028: which ones apply is the application's knowledge. MMSP-S-027: no count when live.
    let all = FileAttributes::CAN_SEEK
        | FileAttributes::CAN_STRIDE
        | FileAttributes::BROADCAST
        | FileAttributes::LIVE
        | FileAttributes::PLAYLIST;
    for attributes in [FileAttributes(0), FileAttributes::CAN_SEEK, FileAttributes::BROADCAST, all]
    {
        let file = opened_as("NSPlayer/9.0.0.2980", attributes);
        assert_eq!((file.attributes, file.packet_count), (attributes, 0));
        assert_eq!(file.duration, Duration::ZERO);
    }
}

#[test]
fn live_content_is_a_broadcast_to_old_players() {
    // T20: libmms and VLC want the top byte to be 2.
    const SEEK: FileAttributes = FileAttributes::CAN_SEEK;
    const BROADCAST: FileAttributes = FileAttributes::BROADCAST;
    const LIVE: FileAttributes = FileAttributes::LIVE;
    for (subscriber, attributes, sent) in [
        ("NSPlayer/7.0.0.1956", BROADCAST | LIVE, 0x0200_0000),
        ("NSPlayer/7.0.0.1956", LIVE, 0x0200_0000),
        ("NSPlayer/7.0.0.1956", BROADCAST, 0x0200_0000),
        ("NSPlayer/7.0.0.1956", SEEK, 0x0100_0000),
        ("NSPlayer/8.0", BROADCAST | LIVE, 0x0200_0000),
        ("somebody", BROADCAST | LIVE, 0x0200_0000),
        ("NSPlayer/9.0.0.2980", BROADCAST | LIVE, 0x0600_0000),
        ("NSPlayer/9.0.0.2980", LIVE, 0x0400_0000),
    ] {
        let file = opened_as(subscriber, attributes);
        assert_eq!(file.attributes.0, sent, "{subscriber} {attributes:?}");
    }
}

/// What a client is told about a file with these attributes.
fn opened_as(subscriber: &str, attributes: FileAttributes) -> OpenedFile {
    let mut script = connected_as(subscriber);
    let request = open_request(script.send(open(9, "x")));
    let content = Content::new(media::header(100))
        .unwrap()
        .with_packet_size(PACKET)
        .unwrap()
        .with_features(attributes.into());
    script.give(|server, now| server.accept(now, request, content)).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    report.result.unwrap()
}

#[test]
fn a_redirect_ends_the_session() {
    // MMSP-S-018, MMSP-W-045: compared with the words of the specification.
    for (target, kind, location) in [
        (Redirect::Url("mmst://other/x".to_owned()), 1, "mmst://other/x\0"),
        // Sent as given: whether UDP is meant (T39) is the application's knowledge.
        (Redirect::Url("mms://h/a?b=1".to_owned()), 1, "mms://h/a?b=1\0"),
        (Redirect::Proxy(Some("proxy:8080".to_owned())), 2, "mmst://proxy:8080\0"),
        (Redirect::Proxy(Some("mms://proxy".to_owned())), 2, "mms://proxy\0"),
        (Redirect::Proxy(None), 2, "\0"),
    ] {
        let mut script = connected();
        let request = open_request(script.send(open(9, "x")));
        script.writes.clear();
        script.give(|server, now| server.redirect(now, request, target)).unwrap();
        assert_eq!(events(&script.poll()), ["Closed(Redirected)"]);
        let location: Vec<u8> = location.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = (16 + location.len()).next_multiple_of(8);
        let mut expected = Vec::new();
        for word in [u32::try_from(length / 8).unwrap(), 0x0004_0022, 0] {
            expected.extend(word.to_le_bytes());
        }
        expected.extend([kind, 0, u8::try_from(location.len()).unwrap(), 0]);
        expected.extend(location);
        expected.resize(length, 0);
        assert_eq!(script.writes.len(), 1);
        assert_eq!(script.writes[0].to_bytes()[32..], expected);
        assert_eq!((script.machine.phase(), script.deadline), (Phase::Closed, None));
        assert!(script.send(READ).is_empty());
    }
}

#[test]
fn a_redirect_that_cannot_be_said_or_understood() {
    // MMSP-S-018
    let url = |text: &str| Redirect::Url(text.to_owned());
    let proxy = |text: &str| Redirect::Proxy(Some(text.to_owned()));
    const NEW: &str = "NSPlayer/7.0.0.1956";
    for (subscriber, target, hr) in [
        ("NSPlayer/6.4.7.1028", url("mmst://h/x"), HResult::FILE_NOT_FOUND),
        ("Spooooon!", proxy("h:8"), HResult::FILE_NOT_FOUND),
        ("somebody", Redirect::Proxy(None), HResult::FILE_NOT_FOUND),
        (NEW, url(""), HResult::INVALID_NAME),
        (NEW, proxy(""), HResult::INVALID_NAME),
        (NEW, url("mmst://h/x\0y"), HResult::INVALID_NAME),
        (NEW, url(&"x".repeat(32_767)), HResult::INVALID_NAME),
        (NEW, proxy(&"x".repeat(32_767)), HResult::INVALID_NAME),
    ] {
        let mut script = connected_as(subscriber);
        let request = open_request(script.send(open(9, "x")));
        script.give(|server, now| server.redirect(now, request, target)).unwrap();
        let refused = ReportOpenFile { incarnation: 9, result: Err(hr.into()) };
        assert_eq!(message(&script.poll()), refused.into());
        // Another may be tried.
        let request = open_request(script.send(open(10, "y")));
        script.give(|server, now| server.accept(now, request, content(3))).unwrap();
        assert_eq!(messages(&script.poll()).len(), 1);
    }
    let mut script = connected();
    let request = open_request(script.send(open(9, "x")));
    // More would fit the field, but not what players take as one message.
    script.give(|server, now| server.redirect(now, request, url(&"x".repeat(32_700)))).unwrap();
    assert_eq!(events(&script.poll()), ["Closed(Redirected)"]);
}

#[test]
fn a_read_block_for_another_file_is_refused() {
    // MMSP-S-029
    let mut script = Script::opened(ServerConfig::default(), content(3));
    for open_file_id in [0, 2, u32::MAX] {
        let got = script.send(ReadBlock { open_file_id, incarnation: 2 });
        let refused = ReportReadBlock { hr: HResult::INVALID_ARGUMENT, incarnation: 2 };
        assert_eq!(message(&got), refused.into());
        assert_eq!(data(&got), []);
    }
    assert_eq!(data(&script.send(READ)).len(), 3);
}

#[test]
fn the_header_in_fragments() {
    // MMSP-S-030, MMSP-S-032, MMSP-S-033, MMSP-S-034
    for (length, flags) in [
        (1, &[0x0C][..]),
        (100, &[0x0C]),
        (101, &[4, 0x0C]),
        (250, &[4, 4, 0x0C]),
        (300, &[4, 4, 0x0C]),
    ] {
        let header = media::header(length);
        let content = Content::new(header.clone()).unwrap().with_packet_size(PACKET).unwrap();
        let mut script = Script::opened(ServerConfig::default(), content);
        script.writes.clear();
        assert_eq!(script.machine.phase(), Phase::Opening);
        let got = script.send(READ);
        assert_eq!(script.machine.phase(), Phase::Ready);
        assert!(matches!(&got[0], Got::Message(ServerMessage::ReportReadBlock(_))));
        assert_eq!(messages(&got), [ok(READ.incarnation)]);
        let fragments = data(&got);
        let heads: Vec<_> =
            fragments.iter().map(|f| (f.location_id, f.incarnation, f.flags)).collect();
        let expected: Vec<_> = (0..).zip(flags).map(|(n, &flags)| (n, 2, flags)).collect();
        assert_eq!(heads, expected);
        assert!(fragments.iter().all(|f| f.payload.len() <= PACKET as usize));
        let whole: Vec<u8> = fragments.iter().flat_map(|f| f.payload.to_vec()).collect();
        assert_eq!(whole, header);
        // MMSP-S-035 over TCP: on the control connection, each a packet of its own.
        let sizes: Vec<_> = script.writes[1..].iter().map(|write| write.len()).collect();
        let expected: Vec<_> = fragments.iter().map(|f| f.payload.len() + 8).collect();
        assert_eq!(sizes, expected);
    }
}

#[test]
fn a_label_of_zero_is_never_written() {
    // MMSP-S-030 within the rule that 0 is reserved
    for (incarnation, label) in [(0, 1), (0x100, 1), (0xFE, 0xFE), (0xFFFF_FF08, 8)] {
        let mut script = Script::opened(ServerConfig::default(), content(3));
        let got = script.send(ReadBlock { open_file_id: 1, incarnation });
        assert_eq!(message(&got), ok(incarnation));
        assert!(data(&got).iter().all(|fragment| fragment.incarnation == label));
    }
}

#[test]
fn the_header_is_paced_at_the_bit_rate() {
    // MMSP-S-036, MMSP-S-037: 250 bytes at 8,000 bits per second
    let config = ServerConfig::default().pace(Pace::BitRate);
    let mut script = Script::opened(config, content(3));
    let begin = script.now;
    let mut fragments = data(&script.send(READ));
    assert_eq!(fragments.len(), 1);
    assert_eq!(script.machine.phase(), Phase::ReadingHeader);
    while script.machine.phase() == Phase::ReadingHeader {
        let next = script.deadline.unwrap();
        let sent = fragments.iter().map(|f| f.payload.len() as u64).sum::<u64>();
        assert_eq!(next, begin + Duration::from_millis(sent), "8 bits at 8,000 a second");
        fragments.extend(data(&script.pass(next - script.now)));
    }
    assert_eq!(script.now, begin + Duration::from_millis(200));
    assert_eq!(fragments.len(), 3);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn a_cancelled_header() {
    // MMSP-S-038
    let config = ServerConfig::default().pace(Pace::BitRate);
    let mut script = Script::opened(config, content(3));
    assert_eq!(data(&script.send(READ)).len(), 1);
    let cancel = CancelReadBlock { incarnation: 2 };
    assert!(script.send(cancel).is_empty());
    assert_eq!(script.machine.phase(), Phase::Opening);
    assert!(data(&script.pass(seconds(10))).is_empty());
    assert!(script.send(cancel).is_empty());
    // Without a header there is nothing to play.
    let ServerMessage::ReportStartedPlaying(report) =
        message(&script.send(play(4, Start::Beginning)))
    else {
        panic!()
    };
    assert_eq!(report.hr, HResult::INVALID_REQUEST);
    // Again from the first fragment, under the new label.
    let again = ReadBlock { open_file_id: 1, incarnation: 3 };
    let mut fragments = data(&script.send(again));
    fragments.extend(data(&script.pass(seconds(1))));
    let heads: Vec<_> = fragments.iter().map(|f| (f.location_id, f.incarnation)).collect();
    assert_eq!(heads, [(0, 3), (1, 3), (2, 3)]);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn a_refused_file_and_a_player_that_does_not_see_it() {
    // MMSP-S-096: MPlayer asks for the header all the same, and would wait for ever.
    let mut script = connected();
    let request = open_request(script.send(open(0, "x")));
    script.writes.clear();
    script.give(|server, now| server.reject(now, request, HResult::FILE_NOT_FOUND)).unwrap();
    script.poll();
    let bytes = script.writes[0].to_bytes();
    assert_eq!(bytes.len(), 152, "as long as a success");
    assert_eq!(bytes[48..], [0; 104], "no openFileId and nothing else");
    let got = script.send(READ);
    let refused = ReportReadBlock { hr: HResult::INVALID_REQUEST, incarnation: READ.incarnation };
    assert_eq!(message(&got), refused.into());
    assert_eq!(events(&got), ["Closed(Local)"]);
}

#[test]
fn the_application_takes_its_time() {
    let mut script = connected();
    let request = open_request(script.send(open(9, "x")));
    // What comes meanwhile is looked at afterwards; nobody is pinged whose Pong nobody reads.
    assert!(script.send(READ).is_empty());
    assert!(script.pass(seconds(600)).is_empty());
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    let got = script.poll();
    assert_eq!(messages(&got).len(), 2);
    assert_eq!(script.machine.phase(), Phase::Ready);
}

#[test]
fn the_client_goes_while_the_application_thinks() {
    // MMSP-S-087
    let mut script = connected();
    let request = open_request(script.send(open(9, "x")));
    let got = script.hang_up();
    assert!(matches!(got[..], [Got::Event(ServerEvent::Closed(CloseReason::Peer))]), "{got:?}");
    let answer = script.give(|server, now| server.accept(now, request, content(3)));
    let wrong = StateError::Phase { operation: "accept a file", phase: Phase::Closed };
    assert_eq!(answer, Err(wrong));
    assert!(matches!(script.machine.poll_output(), Output::Wait(None)));
}

#[test]
fn a_header_asked_for_while_streaming_is_refused() {
    // T40
    let mut script = Script::playing(ServerConfig::default(), content(3));
    let got = script.send(READ);
    let refused = ReportReadBlock { hr: HResult::INVALID_REQUEST, incarnation: READ.incarnation };
    assert_eq!(messages(&got), [refused.into()]);
    assert_eq!(data(&got), []);
    assert_eq!(data(&script.packet(0)).len(), 1, "the session goes on as it was");
}
