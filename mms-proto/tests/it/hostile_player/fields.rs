//! Every length, count and position of every message of a player, one after the other, at the
//! values where mistakes live: refused by name, or of no consequence.

use std::collections::BTreeSet;

use crate::hostile_player::requests::{PREFIX, one_of_each, packet, passed_over};
use crate::hostile_player::victim::{FRAME, Stage, Victim};
use crate::hostile_player::watch::Said;
use crate::hostile_player::{memory, within};
use crate::pair::script::funnel;
use bytes::Bytes;
use mms_proto::mmsp::message::{ClientMessage, MessageId};
use mms_proto::{CloseReason, Error, HResult, Machine as _, Missing};

/// The limit of the messages of one packet.
const MESSAGES: u64 = 65_536;

/// What has to come of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is as good as another: the request is answered.
    Answered,
    /// The session ends with an error that names the field, and the answer says so too.
    Names(&'static str),
    /// The rest of the packet is waited for, and does not come.
    Waits,
    /// The packet falls apart into others: the session may go on or not.
    Any,
}

/// A number that says how much there is of something, or where.
struct Field {
    at: usize,
    width: usize,
    fate: Box<dyn Fn(u64) -> Fate>,
}

impl Field {
    fn new(at: usize, width: usize, fate: impl Fn(u64) -> Fate + 'static) -> Self {
        Self { at, width, fate: Box::new(fate) }
    }

    /// Four bytes of a message.
    fn word(at: usize, fate: impl Fn(u64) -> Fate + 'static) -> Self {
        Self::new(PREFIX + at, 4, fate)
    }

    /// Four bytes of a message that mean nothing, or nothing that could be wrong.
    fn any(at: usize) -> Self {
        Self::word(at, |_| Fate::Answered)
    }

    fn read(&self, packet: &[u8]) -> u64 {
        let bytes = &packet[self.at..self.at + self.width];
        bytes.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    fn with(&self, packet: &Bytes, value: u64) -> Bytes {
        let mut changed = packet.to_vec();
        changed[self.at..self.at + self.width].copy_from_slice(&value.to_le_bytes()[..self.width]);
        changed.into()
    }
}

/// The fields of the packet and of its message.
fn fields(message: &ClientMessage, packet: &[u8]) -> Vec<Field> {
    let length = (packet.len() - PREFIX) as u64;
    let counted = length + 16;
    let only = |right: u64, name| {
        move |value| if value == right { Fate::Answered } else { Fate::Names(name) }
    };
    let mut fields = vec![
        Field::new(0, 1, only(1, "rep")),
        Field::new(1, 1, |_| Fate::Answered), // version, versionMinor
        Field::new(2, 1, |_| Fate::Answered),
        Field::new(4, 4, only(0xB00B_FACE, "sessionId")),
        Field::new(12, 4, only(0x2053_4D4D, "seal")),
        Field::new(8, 4, move |value| match value {
            ..16 | 65_537.. => Fate::Names("messageLength"),
            _ if value > counted => Fate::Waits,
            _ if value == counted => Fate::Answered,
            _ => Fate::Any,
        }),
        Field::new(16, 4, |_| Fate::Answered), // chunkCount
        Field::word(0, move |value| match value {
            0 => Fate::Names("chunkLen"),
            // As much as 7 bytes of padding may be missing, and this is a whole chunk.
            _ if value * 8 > length => Fate::Names("chunkLen"),
            _ if value * 8 == length => Fate::Answered,
            _ => Fate::Any,
        }),
    ];
    fields.extend(match message.id() {
        // The revisions; sizes and rates of blocks.
        MessageId::CONNECT => vec![Field::any(12), Field::any(16)],
        MessageId::CONNECT_FUNNEL => [12, 16, 20, 24].map(Field::any).into(),
        MessageId::OPEN_FILE => {
            // Both count from behind byte 24, and the token is 9 bytes long at offset 18.
            let present = length - 24;
            let inside = move |end: u64| match end {
                _ if end > present => Fate::Names("token"),
                _ => Fate::Answered,
            };
            // No token at all is none, wherever it stands.
            let size = move |size| if size == 0 { Fate::Answered } else { inside(18 + size) };
            vec![Field::word(16, move |offset| inside(offset + 9)), Field::word(20, size)]
        }
        MessageId::SECURITY_RESPONSE => {
            let present = length - 20;
            let size =
                move |size| if size > present { Fate::Names("pToken") } else { Fate::Answered };
            vec![Field::any(8), Field::any(12), Field::word(16, size)]
        }
        // openFileId, fileBlockId, offset, length, flags
        MessageId::READ_BLOCK => [8, 12, 16, 20, 24].map(Field::any).into(),
        MessageId::CANCEL_READ_BLOCK => vec![Field::any(8)],
        // The number of entries, and the streams of the first.
        MessageId::STREAM_SWITCH => {
            let half = |at| Field::new(PREFIX + at, 2, |_| Fate::Answered);
            vec![Field::any(8), half(12), half(14), half(16)]
        }
        MessageId::START_PLAYING => {
            let double = Field::new(PREFIX + 16, 8, |_| Fate::Answered);
            let words = [8, 24, 28, 32, 36, 40, 44, 48].map(Field::any);
            words.into_iter().chain([double]).collect()
        }
        MessageId::START_STRIDING => {
            let position = Field::new(PREFIX + 16, 8, |_| Fate::Answered);
            // A double from -5 to 5 that is not 0.
            let rate = Field::new(PREFIX + 40, 8, |bits| {
                let rate = f64::from_bits(bits);
                let fine = rate != 0.0 && (-5.0..=5.0).contains(&rate);
                if fine { Fate::Answered } else { Fate::Names("rate") }
            });
            let words = [8, 24, 28, 32, 36].map(Field::any);
            words.into_iter().chain([position, rate]).collect()
        }
        MessageId::STOP_PLAYING | MessageId::LOGGING => vec![Field::any(8), Field::any(12)],
        MessageId::PONG => vec![Field::any(8), Field::any(12)],
        MessageId::CLOSE_FILE => vec![Field::any(12)],
        // The others have none of their own.
        _ => Vec::new(),
    });
    fields
}

/// The values where mistakes live.
fn lies(truth: u64, width: usize) -> impl Iterator<Item = u64> {
    let doubles = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, 5e-324, 5.000_001];
    let numbers = [0, 1, 0x7FFF, 0xFFFF, MESSAGES, MESSAGES + 1, 0x7FFF_FFFF, 0x8000_0000];
    let near = [truth.wrapping_sub(1), truth.wrapping_add(1), u64::from(u32::MAX), u64::MAX];
    let all = if width == 8 { u64::MAX } else { (1 << (8 * width)) - 1 };
    let doubles = doubles.into_iter().map(f64::to_bits).filter(move |_| width == 8);
    numbers.into_iter().chain(near).map(move |value| value & all).chain(doubles)
}

/// Where in a session a message belongs.
fn its_place(id: MessageId) -> Stage {
    match id {
        MessageId::CONNECT => Stage::Silent,
        MessageId::FUNNEL_INFO | MessageId::CONNECT_FUNNEL => Stage::Connected,
        MessageId::OPEN_FILE => Stage::Funnel,
        MessageId::SECURITY_RESPONSE => Stage::Challenged,
        MessageId::READ_BLOCK => Stage::Opened,
        MessageId::CANCEL_READ_BLOCK => Stage::SendingHeader,
        MessageId::STREAM_SWITCH | MessageId::START_PLAYING => Stage::Ready,
        MessageId::START_STRIDING => Stage::Ready,
        _ => Stage::Streaming,
    }
}

/// True when the last message said that the request was no good.
fn was_told(victim: &Victim) -> bool {
    let bad = format!("{:?}", HResult::BAD_CONTROL_DATA);
    let mut messages = victim.app.said.iter().map(|said| format!("{said:?}"));
    messages.any(|text| text.starts_with("Message(") && text.contains(&bad))
}

#[test]
fn every_field_where_it_belongs() {
    // MMSP-S-041, MMSP-S-091
    let mut seen = BTreeSet::new();
    for message in one_of_each() {
        let honest = packet(message.clone());
        let stage = its_place(message.id());
        for field in fields(&message, &honest) {
            seen.insert(message.id());
            let truth = field.read(&honest);
            for value in lies(truth, field.width) {
                let what = format!("{:?} at {}: {value:#x}", message.id(), field.at);
                let mut victim = Victim::at(stage);
                victim.feed(&field.with(&honest, value));
                let fate = (field.fate)(value);
                match (fate, victim.closed.clone()) {
                    (Fate::Any, _) => {}
                    (Fate::Answered, reason) => {
                        let closes = message.id() == MessageId::CLOSE_FILE;
                        assert_eq!(reason, closes.then_some(CloseReason::Peer), "{what}");
                        let requests = [message.clone()];
                        assert_eq!(passed_over(&requests, &victim.app.said), None, "{what}");
                    }
                    (Fate::Names(field), Some(CloseReason::Failed(Error::Decode(error)))) => {
                        assert_eq!(error.field, field, "{what}");
                        let of_the_packet =
                            ["rep", "sessionId", "seal", "messageLength", "chunkLen"];
                        let has_answer = !of_the_packet.contains(&field);
                        assert_eq!(was_told(&victim), has_answer, "{what}: {:?}", victim.app.said);
                    }
                    (Fate::Waits, None) => {
                        assert_eq!(victim.ends_after(), FRAME, "{what}");
                        let Some(CloseReason::Failed(error)) = &victim.closed else { panic!() };
                        let rest = Missing::RestOfPacket;
                        let fine =
                            matches!(error, Error::TimedOut { missing, .. } if *missing == rest);
                        assert!(fine, "{what}: {error:?}");
                    }
                    (fate, reason) => panic!("{what}: {fate:?}, but {reason:?}"),
                }
            }
        }
    }
    assert_eq!(seen.len(), 15, "every message of a client, and one more: {seen:?}");
}

#[test]
fn every_field_at_any_moment() {
    // MMSP-S-092: bounded memory and an end, whatever is said when.
    for stage in Stage::ALL {
        for message in one_of_each() {
            let honest = packet(message.clone());
            for field in fields(&message, &honest) {
                for value in lies(field.read(&honest), field.width) {
                    let bytes = field.with(&honest, value);
                    within(memory(stage), || {
                        let mut victim = Victim::at(stage);
                        victim.feed(&bytes);
                        victim.answer();
                        victim.ends_after();
                    });
                }
            }
        }
    }
}

#[test]
fn transports_that_are_none() {
    // MMSP-S-016: refused, and the client may name another.
    let long = "9".repeat(900);
    for name in [
        "",
        "\\",
        "\\\\\\\\",
        "h",
        "\\\\h\\1755",
        "\\\\h\\TCPIP\\1755",
        "\\\\h\\SCTP\\1755",
        "\\\\h\\UDP\\1755",
        &long,
    ] {
        let mut victim = Victim::at(Stage::Connected);
        victim.feed(&packet(funnel(name)));
        let [Said::Message(answer)] = &victim.app.said[..] else { panic!("{:?}", victim.app.said) };
        assert_eq!(answer.id(), MessageId::REPORT_DISCONNECTED_FUNNEL, "{name:.30}");
        victim.feed(&packet(funnel("\\\\h\\TCP\\1755")));
        let [_, Said::Message(answer)] = &victim.app.said[..] else {
            panic!("{:?}", victim.app.said)
        };
        assert_eq!(answer.id(), MessageId::REPORT_CONNECTED_FUNNEL);
    }
}

#[test]
fn ports_of_tcp_are_not_looked_at() {
    // MMSP-S-014: media share the control connection.
    let long = format!("\\\\h\\TCP\\{}", "9".repeat(900));
    for name in [
        "TCP",
        "\\\\h\\TCP",
        "\\\\h\\TCP\\",
        "\\\\h\\TCP\\0",
        "\\\\h\\TCP\\65536",
        "\\\\h\\TCP\\-1",
        "\\\\h\\TCP\\x",
        &long,
    ] {
        let mut victim = Victim::at(Stage::Connected);
        victim.feed(&packet(funnel(name)));
        let [Said::Message(answer)] = &victim.app.said[..] else { panic!("{:?}", victim.app.said) };
        assert_eq!(answer.id(), MessageId::REPORT_CONNECTED_FUNNEL, "{name:.30}");
    }
}

#[test]
fn lists_of_odd_entries_are_reported_once() {
    // MMSP-S-041: a message has room for ten thousand entries, and a list may say so of less.
    let mut body = u32::MAX.to_le_bytes().to_vec();
    body.resize(65_000, 0xA5);
    let odd = ClientMessage::Unknown { id: MessageId::STREAM_SWITCH, body: body.into() };
    within(memory(Stage::Ready), || {
        let mut victim = Victim::at(Stage::Ready);
        victim.feed(&packet(odd));
        // Too many are announced, they are senseless, the answer, nothing is selected.
        assert_eq!(victim.app.said.len(), 4, "{:?}", victim.app.said);
        assert_eq!(victim.machine.stats().deviations, 2);
        assert_eq!(victim.closed, None);
    });
}
