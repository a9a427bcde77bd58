//! A client and a server that wishes ill: whatever it sends, the session ends as it should.
#![cfg(test)]

#[expect(dead_code, reason = "every test program uses another part of it")]
mod hostile;
#[expect(dead_code, reason = "every test program uses another part of it")]
mod pair;

use std::time::Duration;

use hostile::victim::{ClientVictim, honest_server};
use hostile::{Frame, Outcome, change, run, whole};
use mms_proto::CloseReason;
use pair::media;

/// More memory than an honest session takes that a hostile one may.
const MORE: u64 = 1 << 20;
/// The longest that a client waits for anything, and a little for all that it waits for in turn.
const TIME: Duration = Duration::from_secs(180);

fn victim() -> ClientVictim {
    ClientVictim::new(media::start())
}

/// Runs a session and compares what memory it takes with what it may.
fn measured(frames: &[Frame], limit: u64) -> (Outcome, u64) {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| {
        outcome = Some(run(&mut victim(), media::start(), frames, whole));
    });
    let outcome = outcome.unwrap();
    assert!(memory.bytes_max <= limit, "{} bytes: {outcome:?}", memory.bytes_max);
    assert!(outcome.after <= TIME, "{outcome:?}");
    (outcome, memory.bytes_max)
}

/// What an honest session takes, and more.
fn limit() -> u64 {
    let (outcome, memory) = measured(&honest_server(), u64::MAX);
    assert_eq!(outcome.reason, CloseReason::Local);
    assert!(outcome.outputs > 40, "{outcome:?}");
    memory + MORE
}

/// The honest frames with the one at `index` replaced.
fn with(frames: &[Frame], index: usize, bytes: bytes::Bytes) -> Vec<Frame> {
    let mut changed = frames.to_vec();
    changed[index].bytes = bytes;
    changed
}

#[test]
fn every_number_of_every_packet() {
    let (honest, limit) = (honest_server(), limit());
    for (index, frame) in honest.iter().enumerate() {
        for (_, bytes) in change::words(&frame.bytes, 152) {
            measured(&with(&honest, index, bytes), limit);
        }
        if !change::has_messages(&frame.bytes) {
            for (_, bytes) in change::half_words(&frame.bytes, 8) {
                measured(&with(&honest, index, bytes), limit);
            }
        }
    }
}

#[test]
fn every_packet_cut_after_every_byte() {
    let (honest, limit) = (honest_server(), limit());
    for (index, frame) in honest.iter().enumerate() {
        for bytes in change::shortened(&frame.bytes) {
            measured(&with(&honest, index, bytes), limit);
        }
        for bytes in change::cut(&frame.bytes) {
            // Nothing more comes after it: no packet ends there.
            let cut = !bytes.is_empty();
            let mut frames = honest[..index].to_vec();
            frames.push(Frame { after: frame.after, bytes });
            let (outcome, _) = measured(&frames, limit);
            assert!(!cut || outcome.reason != CloseReason::Local, "{index}: {outcome:?}");
        }
    }
}

#[test]
fn packets_repeated_dropped_and_swapped() {
    let (honest, limit) = (honest_server(), limit());
    for index in 0..honest.len() {
        let mut twice = honest.clone();
        twice.insert(index, honest[index].clone());
        measured(&twice, limit);
        let mut dropped = honest.clone();
        dropped.remove(index);
        measured(&dropped, limit);
        for other in 0..honest.len() {
            let mut swapped = honest.clone();
            let (a, b) = (swapped[index].bytes.clone(), swapped[other].bytes.clone());
            (swapped[index].bytes, swapped[other].bytes) = (b, a);
            measured(&swapped, limit);
        }
    }
}

#[test]
fn silence_at_any_moment() {
    let (honest, limit) = (honest_server(), limit());
    for index in 0..honest.len() {
        let (outcome, _) = measured(&honest[..index], limit);
        let text = format!("{:?}", outcome.reason);
        // After an entry has ended without the next one, that was the end.
        let ended = text == "Local";
        assert!(text.starts_with("Failed(TimedOut") || ended, "{index}: {text}");
    }
}

#[test]
fn one_byte_a_second() {
    let frames = honest_server();
    let slowly = |feed: &mut dyn FnMut(&[u8], Duration), bytes: &[u8]| {
        bytes.chunks(1).for_each(|byte| feed(byte, Duration::from_secs(1)));
    };
    let outcome = run(&mut victim(), media::start(), &frames, slowly);
    assert!(format!("{:?}", outcome.reason).starts_with("Failed(TimedOut"), "{outcome:?}");
    assert!(outcome.after <= Duration::from_secs(30), "{outcome:?}");
    // And the same from the first media packet on.
    let fast = std::cell::Cell::new(12);
    let later = |feed: &mut dyn FnMut(&[u8], Duration), bytes: &[u8]| {
        if fast.get() > 0 {
            fast.set(fast.get() - 1);
            feed(bytes, Duration::ZERO);
        } else {
            bytes.chunks(1).for_each(|byte| feed(byte, Duration::from_secs(1)));
        }
    };
    let outcome = run(&mut victim(), media::start(), &frames, later);
    assert!(format!("{:?}", outcome.reason).contains("phase: Streaming, missing: RestOfPacket"));
    assert_eq!(outcome.after, Duration::from_secs(30), "{outcome:?}");
}
