//! Bytes that end too early, and bytes that come in pieces.

use std::mem::take;
use std::time::Duration;

use crate::hostile::change;
use crate::hostile_player::requests::{one_of_each, packet, packet_of};
use crate::hostile_player::victim::{FRAME, Stage, Victim, expected_phase};
use crate::hostile_player::watch::Said;
use bytes::{Bytes, BytesMut};
use mms_proto::mmsp::message::MessageId;
use mms_proto::{CloseReason, Error, Machine as _, Missing, Phase, Stats};

fn rest_of_packet(phase: Phase) -> CloseReason {
    let missing = Missing::RestOfPacket;
    CloseReason::Failed(Error::TimedOut { phase, missing, after: FRAME })
}

/// Every message cut after every byte: nobody notices until more is missing.
fn stumps(stage: Stage, check: impl Fn(Victim, &str)) {
    for message in one_of_each() {
        // A report has 1,500 bytes, of which the first fifty do: it is cut everywhere once.
        let few = message.id() == MessageId::LOGGING && stage != Stage::Streaming;
        let most = if few { 50 } else { usize::MAX };
        for stump in change::cut(&packet(message.clone())).skip(1).take(most) {
            let mut victim = Victim::at(stage);
            victim.feed(&stump);
            let what = format!("{stage:?}: {} bytes of {:?}", stump.len(), message.id());
            assert_eq!(victim.app.said, [], "{what}");
            check(victim, &what);
        }
    }
}

#[test]
fn a_message_cut_by_the_end_of_the_connection() {
    for stage in Stage::ALL {
        stumps(stage, |mut victim, what| {
            victim.hang_up();
            assert_eq!(victim.ends_after(), Duration::ZERO, "{what}");
            assert_eq!(victim.closed, Some(CloseReason::Peer), "{what}");
        });
    }
}

#[test]
fn a_message_cut_by_silence() {
    for stage in Stage::ALL {
        if stage == Stage::OpenAsked {
            continue;
        }
        stumps(stage, |mut victim, what| {
            assert_eq!(victim.ends_after(), FRAME, "{what}");
            let phase = match stage {
                // Header and media go out all the same.
                Stage::SendingHeader | Stage::Streaming => Phase::Ready,
                other => expected_phase(other),
            };
            assert_eq!(victim.closed, Some(rest_of_packet(phase)), "{what}");
        });
    }
    // While the application thinks nobody looks at what came; then the time begins.
    stumps(Stage::OpenAsked, |mut victim, what| {
        victim.pass(FRAME * 10);
        victim.answer();
        assert_eq!(victim.ends_after(), FRAME, "{what}");
        assert_eq!(victim.closed, Some(rest_of_packet(Phase::Opening)), "{what}");
    });
}

#[test]
fn one_byte_a_second() {
    // The time for the rest of a packet runs from its first byte, whatever trickles in after it.
    for stage in Stage::ALL {
        for message in one_of_each() {
            let mut victim = Victim::at(stage);
            let begin = victim.now;
            victim.answer();
            let phase =
                expected_phase(if stage == Stage::OpenAsked { Stage::Opened } else { stage });
            assert_eq!(victim.machine.phase(), phase);
            for byte in packet(message).chunks(1).take(60) {
                victim.feed(byte);
                victim.pass(Duration::from_secs(1));
            }
            assert_eq!(victim.machine.phase(), Phase::Closed, "{stage:?}");
            let Some(CloseReason::Failed(Error::TimedOut { missing, .. })) = victim.closed else {
                panic!("{stage:?}: {:?}", victim.closed)
            };
            assert_eq!(missing, Missing::RestOfPacket, "{stage:?}");
            assert!(victim.now - begin > FRAME);
        }
    }
}

#[test]
fn messages_that_end_too_early() {
    // MMSP-S-091: the lengths agree with each other, and the fields do not fit into them.
    for stage in Stage::ALL {
        for message in one_of_each() {
            let most = if message.id() == MessageId::LOGGING { 50 } else { usize::MAX };
            for bytes in change::shortened(&packet(message)).take(most) {
                let mut victim = Victim::at(stage);
                victim.feed(&bytes);
                victim.answer();
                if let Some(CloseReason::Failed(error)) = &victim.closed {
                    assert!(
                        matches!(error, Error::Decode(_) | Error::Unexpected { .. }),
                        "{error}"
                    );
                }
                victim.ends_after();
            }
        }
    }
}

/// Everything that must not depend on how bytes were cut.
#[derive(Debug, PartialEq)]
struct Seen {
    said: Vec<Said>,
    closed: Option<CloseReason>,
    deadline: Option<Duration>,
    phase: Phase,
    stats: Stats,
}

fn seen(stage: Stage, feed: impl FnOnce(&mut Victim)) -> Seen {
    let mut victim = Victim::at(stage);
    let begin = victim.now;
    victim.app.application.stalled = true;
    feed(&mut victim);
    victim.answer();
    let deadline = victim.deadline.map(|at| at - begin);
    let (phase, stats) = (victim.machine.phase(), victim.machine.stats());
    Seen { said: take(&mut victim.app.said), closed: victim.closed.clone(), deadline, phase, stats }
}

/// Panics with the first difference only: the whole is too long to be read.
#[track_caller]
fn same(pieces: &Seen, whole: &Seen, what: &str) {
    for (pieces, whole) in pieces.said.iter().zip(&whole.said) {
        assert_eq!(pieces, whole, "{what}");
    }
    assert_eq!(pieces, whole, "{what}");
}

/// All messages from one of them on, so many together in one packet. Half of the streams end with
/// what ends a session, the others without it.
fn stream(first: usize, together: usize) -> Bytes {
    let mut messages = one_of_each();
    let close = messages.remove(13);
    messages.rotate_left(first);
    messages.extend((first % 2 == 0).then_some(close));
    let mut stream = BytesMut::new();
    messages.chunks(together).for_each(|some| stream.extend_from_slice(&packet_of(some)));
    stream.freeze()
}

#[test]
fn pieces_say_the_same_as_the_whole() {
    let mut state = 0x9E37_79B9_u32;
    let mut random = |most: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        1 + state as usize % most
    };
    for stage in Stage::ALL {
        for (first, together) in (0..14).map(|first| (first, [1, 1, 4, 3][first % 4])) {
            let what = format!("{stage:?}, {first}, {together}");
            let bytes = stream(first, together);
            let whole = seen(stage, |victim| victim.feed(&bytes));
            assert!(!whole.said.is_empty(), "{what}");
            let single = seen(stage, |victim| bytes.chunks(1).for_each(|byte| victim.feed(byte)));
            same(&single, &whole, &what);
            same(&seen(stage, |victim| victim.feed_in_place(&bytes)), &whole, &what);
            let pieces = seen(stage, |victim| {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let (piece, later) = rest.split_at(random(200).min(rest.len()));
                    if random(2) == 1 {
                        victim.feed(piece)
                    } else {
                        victim.feed_in_place(piece)
                    }
                    rest = later;
                }
            });
            same(&pieces, &whole, &what);
        }
    }
}

#[test]
fn two_pieces_cut_anywhere() {
    for stage in Stage::ALL {
        // From the request for the header on, without the long report.
        let mut messages = one_of_each();
        messages.remove(12);
        let bytes: Bytes = messages[5..].chunks(2).flat_map(packet_of).collect();
        let whole = seen(stage, |victim| victim.feed(&bytes));
        for cut in 1..bytes.len() {
            let pieces = seen(stage, |victim| {
                victim.feed(&bytes[..cut]);
                victim.feed(&bytes[cut..]);
            });
            same(&pieces, &whole, &format!("{stage:?} at {cut}"));
        }
    }
}
