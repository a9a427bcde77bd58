//! Every length and count field of every message of a server, one after the other, at the values
//! where mistakes live.

use std::collections::BTreeSet;

use crate::hostile::victim::{Honest, client_victim, honest_servers};
use crate::hostile::{Frame, Outcome, change, run, whole};
use crate::pair::media;
use mms_proto::ClientTimeouts;
use mms_proto::mmsp::message::MessageId;
use mms_proto::{CloseReason, Error, MAX_PACKET_SIZE, Rate};

/// What a session may take whatever is sent.
const MEMORY: u64 = 2 << 20;
/// The victim's limit of an ASF header, and the name of the fields and of the error.
const HEADER: (&str, u64) = ("bytes of the ASF header", 256 << 10);
/// The limit of the messages of one packet.
const MESSAGES: (&str, u64) = ("messageLength", 65_536);
/// Bytes before a message.
const PREFIX: usize = 32;

/// A number that says how much there is of something.
struct Field {
    name: &'static str,
    at: usize,
    width: usize,
    least: u64,
    most: u64,
}

impl Field {
    /// Four bytes of a message.
    const fn new(name: &'static str, at: usize, least: u64, most: u64) -> Self {
        Self { name, at: PREFIX + at, width: 4, least, most }
    }
}

fn id(frame: &[u8]) -> Option<MessageId> {
    let id = frame.get(PREFIX + 4..PREFIX + 8).filter(|_| change::has_messages(frame))?;
    Some(MessageId(u32::from_le_bytes(id.try_into().unwrap())))
}

fn fields(frame: &[u8]) -> Vec<Field> {
    let Some(id) = id(frame) else {
        let (least, most) = (8, u64::from(u16::MAX));
        return vec![Field { name: "PacketSize", at: 6, width: 2, least, most }];
    };
    let length = (frame.len() - PREFIX) as u64;
    let behind = |at: u64| length - at;
    let any = u64::from(u32::MAX);
    let size = u64::from(MAX_PACKET_SIZE);
    let mut fields = vec![
        Field { name: MESSAGES.0, at: 8, width: 4, least: 16, most: MESSAGES.1 },
        Field { name: "chunkCount", at: 16, width: 4, least: 2, most: any },
        Field::new("chunkLen", 0, 1, length / 8),
    ];
    fields.extend(match id {
        MessageId::REPORT_CONNECTED_EX => vec![
            Field::new("blockGroupBlocks", 32, 0, any),
            Field::new("nBlockMaxBytes", 40, 0, any),
            Field::new("cbServerVersionInfo", 48, 0, behind(64) / 2),
            Field::new("cbVersionInfo", 52, 0, behind(64) / 2),
            Field::new("cbVersionUrl", 56, 0, behind(64) / 2),
            Field::new("cbAuthenPackage", 60, 0, behind(64) / 2),
        ],
        MessageId::REPORT_FUNNEL_INFO => vec![
            Field::new("nBlockFragments", 20, 0, any),
            Field::new("fragmentBytes", 24, 0, any),
            Field::new("nDisks", 36, 0, any),
            Field::new("cubddDatagramSize", 44, 0, any),
        ],
        MessageId::REPORT_CONNECTED_FUNNEL => vec![Field::new("packetPayloadSize", 16, 0, any)],
        MessageId::SECURITY_CHALLENGE => vec![Field::new("cbSecurityToken", 16, 0, behind(20))],
        MessageId::REPORT_REDIRECT => {
            let (least, most) = (2, behind(16));
            vec![Field { width: 2, ..Field::new("cbRedirect", 14, least, most) }]
        }
        MessageId::REPORT_OPEN_FILE => vec![
            Field::new("fileBlocks", 40, 0, any),
            Field::new("filePacketSize", 60, 1, size),
            Field { width: 8, ..Field::new("filePacketCount", 64, 0, any) },
            Field::new(HEADER.0, 76, 1, HEADER.1),
        ],
        MessageId::REPORT_STREAM_CHANGE => {
            vec![Field::new("cbPacketSize", 16, 1, size), Field::new(HEADER.0, 20, 1, HEADER.1)]
        }
        // The others have none of their own.
        _ => Vec::new(),
    });
    fields
}

fn client(rate: Rate, frames: &[Frame]) -> Outcome {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| {
        outcome = Some(run(client_victim(media::start(), rate), frames, whole));
    });
    assert!(memory.bytes_max < MEMORY, "{} bytes: {outcome:?}", memory.bytes_max);
    let outcome = outcome.unwrap();
    assert!(outcome.after <= ClientTimeouts::default().silence, "{outcome:?}");
    outcome
}

#[test]
fn every_length_field_at_its_limits() {
    let mut seen = BTreeSet::new();
    for Honest { frames, rate, .. } in honest_servers() {
        for index in 0..frames.len() {
            seen.extend(id(&frames[index].bytes));
            for field in fields(&frames[index].bytes) {
                let Field { name, at, width, least, most } = field;
                for value in [0, 1, least.wrapping_sub(1), most, most.wrapping_add(1), u64::MAX] {
                    let mut changed = frames.clone();
                    let mut bytes = changed[index].bytes.to_vec();
                    let value = &value.to_le_bytes()[..width];
                    bytes[at..at + width].copy_from_slice(value);
                    changed[index].bytes = bytes.into();
                    let outcome = client(rate, &changed);
                    // What the field says now, behind the limit of one of ours: the error names it.
                    let value = value.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
                    if value <= most || ![HEADER.0, MESSAGES.0].contains(&name) {
                        continue;
                    }
                    match outcome.reason {
                        CloseReason::Failed(Error::Decode(error)) => assert_eq!(error.field, name),
                        CloseReason::Failed(Error::Limit { what, .. }) => assert_eq!(what, name),
                        other => panic!("{index} {name} {value}: {other:?}"),
                    }
                }
            }
        }
    }
    assert_eq!(seen.len(), 14, "every message of a server: {seen:?}");
}
