//! Length, id and padding: MS-MMSP 2.2.4.

use bytes::Bytes;
use mms_proto::MessageKind;
use mms_proto::mmsp::message::{ClientMessage, MessageId, Ping, SecurityResponse, ServerMessage};
use mms_proto::{Deviation, Layer, Problem};

use super::tools::{Message as _, bytes, client, reads, refused, server, server_reads};

#[test]
fn padding_fills_the_last_chunk() {
    // MMSP-W-015, MMSP-W-016
    for length in 0..=16_usize {
        let token = Bytes::from(vec![0xA5; length]);
        let message: ClientMessage = SecurityResponse { incarnation: 1, cookie: 2, token }.into();
        let written = message.write();
        let fields = 20 + length;
        let chunks = fields.div_ceil(8);
        assert_eq!(written.len(), chunks * 8);
        assert_eq!(written[..4], u32::try_from(chunks).unwrap().to_le_bytes());
        assert!(written[fields..].iter().all(|&byte| byte == 0));
        assert!(written.len() - fields < 8);
    }
}

#[test]
fn unknown_messages() {
    let unknown = |body: &str| ServerMessage::Unknown {
        id: MessageId(0x0004_0099),
        body: bytes(body).into(),
    };
    server("02000000 99000400 01020304 05060708", unknown("01020304 05060708"));
    server("01000000 99000400", unknown(""));
    // What follows the message is not its own.
    server_reads("02000000 99000400 01020304 05060708 EE*8", unknown("01020304 05060708"));
    // A client does not say what a server says.
    client(
        "02000000 1B000400 00*8",
        ClientMessage::Unknown { id: MessageId::PING, body: Bytes::from_static(&[0; 8]) },
    );
}

#[test]
fn malformed_prefixes() {
    // MMSP-W-018
    let truncated = |offset, field| (Layer::Prefix, offset, field, Problem::Truncated);
    let zero = Problem::Value { found: 0, expected: "at least 1" };
    for (notation, expected) in [
        ("", truncated(0, "chunkLen")),
        ("020000", truncated(0, "chunkLen")),
        ("02000000", truncated(4, "MID")),
        ("02000000 1B0004", truncated(4, "MID")),
        ("00000000 1B000400 00*8", (Layer::Prefix, 0, "chunkLen", zero)),
        ("03000000 1B000400 00*8", truncated(0, "chunkLen")),
        ("02000000 1B000400", truncated(0, "chunkLen")),
        ("FFFFFF1F 1B000400 00*8", truncated(0, "chunkLen")),
        ("FFFFFFFF 1B000400 00*8", truncated(0, "chunkLen")),
        ("FFFFFFFF 99000400 00*8", truncated(0, "chunkLen")),
    ] {
        assert_eq!(refused::<ServerMessage>(notation), expected, "{notation}");
        assert_eq!(refused::<ClientMessage>(notation), expected, "{notation}");
    }
    // Up to seven bytes of the last chunk may be missing: a sender that does not pad.
    reads::<ServerMessage>(
        "02000000 1B000400 00",
        Ping,
        &[Deviation::ShortMessage(MessageKind::Mmsp(MessageId::PING))],
    );
}
