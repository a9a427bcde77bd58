//! Values that cannot be worked with are refused, and the error says where.

use mms_proto::MessageKind;
use mms_proto::mmsp::message::{ClientMessage, MessageId, ServerMessage};
use mms_proto::{Layer, Problem};

use super::tools::refused;

#[test]
fn every_client_message_can_be_refused() {
    // MMSP-W-018, MMSP-W-074
    for (notation, id, offset, field) in [
        ("02000000 01000300 00*8", MessageId::CONNECT, 16, "ViewerToMacProtocolRevision"),
        ("01000000 18000300", MessageId::FUNNEL_INFO, 8, "playIncarnation"),
        ("03000000 02000300 00*16", MessageId::CONNECT_FUNNEL, 24, "funnelMode"),
        ("02000000 05000300 00*8", MessageId::OPEN_FILE, 16, "token"),
        ("03000000 1A000300 00*8 05000000 00*4", MessageId::SECURITY_RESPONSE, 20, "pToken"),
        ("06000000 15000300 00*40", MessageId::READ_BLOCK, 48, "playIncarnation"),
        ("01000000 25000300", MessageId::CANCEL_READ_BLOCK, 8, "playIncarnation"),
        ("01000000 33000300", MessageId::STREAM_SWITCH, 8, "cStreamEntries"),
        ("04000000 07000300 00*24", MessageId::START_PLAYING, 32, "frameOffset"),
        ("05000000 28000300 00*32", MessageId::START_STRIDING, 40, "rate"),
        ("01000000 09000300", MessageId::STOP_PLAYING, 8, "openFileId"),
        ("BB000000 32000300 00*1488", MessageId::LOGGING, 1494, "dwPacketsResent"),
        ("01000000 0D000300", MessageId::CLOSE_FILE, 8, "playIncarnation"),
    ] {
        let expected = (Layer::Message(MessageKind::Mmsp(id)), offset, field, Problem::Truncated);
        assert_eq!(refused::<ClientMessage>(notation), expected, "{notation}");
    }
    // A Pong has no field that is looked at: only its prefix can be wrong.
    assert_eq!(refused::<ClientMessage>("00000000 1B000300 00*8").0, Layer::Prefix);
}

#[test]
fn every_server_message_can_be_refused() {
    // MMSP-W-018, MMSP-W-074
    for (notation, id, offset, field) in [
        ("06000000 01000400 00*40", MessageId::REPORT_CONNECTED_EX, 48, "cbServerVersionInfo"),
        ("03000000 15000400 00*16", MessageId::REPORT_FUNNEL_INFO, 16, "transportMask"),
        ("01000000 02000400", MessageId::REPORT_CONNECTED_FUNNEL, 8, "hr"),
        ("01000000 03000400", MessageId::REPORT_DISCONNECTED_FUNNEL, 8, "hr"),
        ("09000000 06000400 00*64", MessageId::REPORT_OPEN_FILE, 72, "fileBitRate"),
        ("01000000 22000400", MessageId::REPORT_REDIRECT, 8, "hr"),
        ("02000000 1A000400 00*8", MessageId::SECURITY_CHALLENGE, 16, "cbToken"),
        ("01000000 11000400", MessageId::REPORT_READ_BLOCK, 8, "hr"),
        ("01000000 21000400", MessageId::REPORT_STREAM_SWITCH, 8, "hr"),
        ("02000000 05000400 00*4", MessageId::REPORT_STARTED_PLAYING, 12, "playIncarnation"),
        ("02000000 0A000400 00*4", MessageId::REPORT_START_STRIDING, 12, "playIncarnation"),
        ("02000000 1E000400 00*4", MessageId::REPORT_END_OF_STREAM, 12, "playIncarnation"),
        ("03000000 20000400 00*16", MessageId::REPORT_STREAM_CHANGE, 24, "dwBitRate"),
    ] {
        let expected = (Layer::Message(MessageKind::Mmsp(id)), offset, field, Problem::Truncated);
        assert_eq!(refused::<ServerMessage>(notation), expected, "{notation}");
    }
    // A Ping has no field that is looked at: only its prefix can be wrong.
    assert_eq!(refused::<ServerMessage>("00000000 1B000400 00*8").0, Layer::Prefix);
}

#[test]
fn lengths_that_lie() {
    // MMSP-W-018, MMSP-W-031, MMSP-W-032, MMSP-W-033, MMSP-W-074
    // The token of OpenFile: 16 bytes of name and 8 of token are there.
    for (offset, length, found) in [
        ("19000000", "01000000", 0x19),
        ("18000000", "01000000", 0x18),
        ("10000000", "09000000", 0x10),
        ("00000000", "19000000", 0),
        ("FFFFFFFF", "01000000", 0xFFFF_FFFF),
        ("01000000", "FFFFFFFF", 1),
        ("FFFFFFFF", "FFFFFFFF", 0xFFFF_FFFF),
    ] {
        let notation = format!(
            "06000000 05000300 09000000 00*4 {offset} {length} u'abc.asf' 0000 a'tokentok'"
        );
        let problem = Problem::Value { found, expected: "a place inside the message" };
        assert_eq!(
            refused::<ClientMessage>(&notation),
            (Layer::Message(MessageKind::Mmsp(MessageId::OPEN_FILE)), 16, "token", problem)
        );
    }
    // cbToken: 4 bytes are there.
    for length in ["05000000", "FFFFFFFF"] {
        let fields = format!("09000000 01020304 {length} AAAAAAAA");
        let error = |id| (Layer::Message(MessageKind::Mmsp(id)), 20, "pToken", Problem::Truncated);
        assert_eq!(
            refused::<ClientMessage>(&format!("03000000 1A000300 {fields}")),
            error(MessageId::SECURITY_RESPONSE)
        );
        assert_eq!(
            refused::<ServerMessage>(&format!("03000000 1A000400 {fields}")),
            error(MessageId::SECURITY_CHALLENGE)
        );
    }
    // cbLocation: 8 bytes are there.
    for length in ["0900", "FFFF"] {
        assert_eq!(
            refused::<ServerMessage>(&format!("03000000 22000400 00*4 0200 {length} u'abcd'")),
            (
                Layer::Message(MessageKind::Mmsp(MessageId::REPORT_REDIRECT)),
                16,
                "wszLocation",
                Problem::Truncated
            )
        );
    }
    // The four counts: 16 bytes are there, 2 of each text.
    for (lie, field) in
        ["ServerVersionInfo", "VersionInfo", "VersionUrl", "AuthenPackage"].iter().enumerate()
    {
        for count in ["0B000000", "00000080", "FFFFFF7F", "FFFFFFFF"] {
            let mut counts = ["01000000"; 4];
            counts[lie] = count;
            let counts = counts.join(" ");
            let notation = format!("0A000000 01000400 00*8 00*32 {counts} 00*16");
            let offset = 64 + 2 * u64::try_from(lie).unwrap();
            let layer = Layer::Message(MessageKind::Mmsp(MessageId::REPORT_CONNECTED_EX));
            assert_eq!(
                refused::<ServerMessage>(&notation),
                (layer, offset, *field, Problem::Truncated)
            );
        }
    }
}

#[test]
fn values_that_cannot_be_worked_with() {
    // MMSP-W-045, MMSP-W-058
    let striding = "06000000 28000300 01000000 00*4 00*8 FF*4 FF*4 00*4 0A000000";
    for (rate, found) in [
        ("0000000000000000", 0),
        ("0000000000000080", 0x8000_0000_0000_0000), // minus zero
        ("000000000000F87F", 0x7FF8_0000_0000_0000), // not a number
        ("000000000000F07F", 0x7FF0_0000_0000_0000), // infinite
        ("0000000000001840", 0x4018_0000_0000_0000), // 6
        ("00000000000018C0", 0xC018_0000_0000_0000), // minus 6
    ] {
        let problem = Problem::Value { found, expected: "a double from -5 to 5, not 0" };
        assert_eq!(
            refused::<ClientMessage>(&format!("{striding} {rate}")),
            (Layer::Message(MessageKind::Mmsp(MessageId::START_STRIDING)), 40, "rate", problem)
        );
    }
    let redirect = Layer::Message(MessageKind::Mmsp(MessageId::REPORT_REDIRECT));
    for (kind, found) in [("0000", 0), ("0300", 3), ("FFFF", 0xFFFF)] {
        let problem = Problem::Value { found, expected: "1 or 2" };
        assert_eq!(
            refused::<ServerMessage>(&format!("03000000 22000400 00*4 {kind} 0200 0000 00*6")),
            (redirect, 12, "RedirectType", problem)
        );
    }
    for location in ["0000 | 00*8", "0200 | 0000 00*6", "0600 | 0000 u'ab' 00*2"] {
        let (length, location) = location.split_once('|').unwrap();
        let problem = Problem::Value { found: 0, expected: "a URL" };
        assert_eq!(
            refused::<ServerMessage>(&format!("03000000 22000400 00*4 0100 {length} {location}")),
            (redirect, 16, "wszLocation", problem)
        );
    }
}
