//! A server and a client that wishes ill: whatever it sends, the session ends as it should.

use std::time::Duration;

use crate::hostile::victim::{honest_client, server_victim};
use crate::hostile::{Frame, Outcome, change, run, whole};
use crate::pair::media;
use mms_proto::CloseReason;

/// More memory than an honest session takes that a hostile one may.
const MORE: u64 = 1 << 20;
/// Two unanswered questions, and a play command that was waited for before.
const TIME: Duration = Duration::from_secs(180);

fn measured(frames: &[Frame], limit: u64) -> (Outcome, u64) {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| {
        outcome = Some(run(server_victim(media::start()), frames, whole));
    });
    let outcome = outcome.unwrap();
    assert!(memory.bytes_max <= limit, "{} bytes: {outcome:?}", memory.bytes_max);
    assert!(outcome.after <= TIME, "{outcome:?}");
    (outcome, memory.bytes_max)
}

/// What an honest session takes, and more.
fn limit() -> u64 {
    let (outcome, memory) = measured(&honest_client(), u64::MAX);
    assert_eq!(outcome.reason, CloseReason::Peer);
    assert_eq!(outcome.outputs, 37, "{outcome:?}");
    memory + MORE
}

#[test]
fn every_number_of_every_packet() {
    let (honest, limit) = (honest_client(), limit());
    for (index, frame) in honest.iter().enumerate() {
        for (_, bytes) in change::words(&frame.bytes, 152) {
            measured(&change::with(&honest, index, bytes), limit);
        }
        for (_, bytes) in change::half_words(&frame.bytes, 64) {
            measured(&change::with(&honest, index, bytes), limit);
        }
    }
}

#[test]
fn every_packet_cut_after_every_byte() {
    let (honest, limit) = (honest_client(), limit());
    for (index, frame) in honest.iter().enumerate() {
        for bytes in change::shortened(&frame.bytes) {
            measured(&change::with(&honest, index, bytes), limit);
        }
        for bytes in change::cut(&frame.bytes) {
            let mut frames = honest[..index].to_vec();
            frames.push(Frame { after: frame.after, bytes });
            let (outcome, _) = measured(&frames, limit);
            assert_ne!(outcome.reason, CloseReason::Peer, "{index}");
        }
    }
}

#[test]
fn packets_repeated_dropped_and_swapped() {
    let (honest, limit) = (honest_client(), limit());
    for frames in change::orders(&honest) {
        measured(&frames, limit);
    }
}

#[test]
fn one_byte_a_second() {
    let slowly = |feed: &mut dyn FnMut(&[u8], Duration), bytes: &[u8]| {
        bytes.chunks(1).for_each(|byte| feed(byte, Duration::from_secs(1)));
    };
    let outcome = run(server_victim(media::start()), &honest_client(), slowly);
    assert!(format!("{:?}", outcome.reason).starts_with("Failed(TimedOut"), "{outcome:?}");
    assert_eq!(outcome.after, Duration::from_secs(30), "{outcome:?}");
}
