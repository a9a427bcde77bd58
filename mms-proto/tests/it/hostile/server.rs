//! A client and a server that wishes ill: whatever it sends, the session ends as it should.

use std::time::Duration;

use crate::hostile::victim::{Honest, Viewer, client_victim, honest_server, honest_servers};
use crate::hostile::{Frame, Outcome, change, run, whole};
use crate::pair::media;
use mms_proto::ClientTimeouts;
use mms_proto::mmsp::Client;
use mms_proto::testing::sim::End;
use mms_proto::{CloseReason, Error, Missing, Phase, Rate};

/// More memory than an honest session takes that a hostile one may.
const MORE: u64 = 1 << 20;

fn victim() -> End<Client, Viewer> {
    client_victim(media::start(), Rate::NORMAL)
}

/// Runs a session and compares what memory and time it takes with what it may.
fn measured(frames: &[Frame], limit: u64) -> (Outcome, u64) {
    at_rate(Rate::NORMAL, frames, limit)
}

fn at_rate(rate: Rate, frames: &[Frame], limit: u64) -> (Outcome, u64) {
    let mut outcome = None;
    let memory = allocation_counter::measure(|| {
        outcome = Some(run(client_victim(media::start(), rate), frames, whole));
    });
    let outcome = outcome.unwrap();
    assert!(memory.bytes_max <= limit, "{} bytes: {outcome:?}", memory.bytes_max);
    // The first time-out is the end, and silence is the longest.
    assert!(outcome.after <= ClientTimeouts::default().silence, "{outcome:?}");
    (outcome, memory.bytes_max)
}

/// What an honest session takes, and more.
fn limit() -> u64 {
    let (outcome, memory) = measured(&honest_server(), u64::MAX);
    assert_eq!(outcome.reason, CloseReason::Local);
    assert_eq!(outcome.outputs, 29, "{outcome:?}");
    memory + MORE
}

#[test]
fn every_number_of_every_packet() {
    let limit = limit();
    for Honest { frames, rate, begin, .. } in honest_servers() {
        for (index, frame) in frames.iter().enumerate().skip(begin) {
            let bytes = if change::has_messages(&frame.bytes) { 152 } else { 8 };
            let words = change::words(&frame.bytes, 152);
            for (_, bytes) in words.chain(change::half_words(&frame.bytes, bytes)) {
                at_rate(rate, &change::with(&frames, index, bytes), limit);
            }
        }
    }
}

#[test]
fn every_packet_cut_after_every_byte() {
    let limit = limit();
    for Honest { frames: honest, rate, begin, .. } in honest_servers() {
        for (index, frame) in honest.iter().enumerate().skip(begin) {
            for bytes in change::shortened(&frame.bytes) {
                at_rate(rate, &change::with(&honest, index, bytes), limit);
            }
            for bytes in change::cut(&frame.bytes) {
                // Nothing more comes after it: no packet ends there.
                let cut = !bytes.is_empty();
                let mut frames = honest[..index].to_vec();
                frames.push(Frame { after: frame.after, bytes });
                let (outcome, _) = at_rate(rate, &frames, limit);
                assert!(!cut || outcome.reason != CloseReason::Local, "{index}: {outcome:?}");
            }
        }
    }
}

#[test]
fn packets_repeated_dropped_and_swapped() {
    let (honest, limit) = (honest_server(), limit());
    for frames in change::orders(&honest) {
        measured(&frames, limit);
    }
}

#[test]
fn silence_at_any_moment() {
    let (honest, limit) = (honest_server(), limit());
    let times = ClientTimeouts::default();
    for index in 0..honest.len() {
        use Phase::{
            BandwidthTest, ChoosingTransport, Connecting, Opening, ReadingHeader, Starting,
            Streaming,
        };
        let expected = match index {
            0 => (Connecting, Missing::Reply, times.reply),
            1..=3 => (BandwidthTest, Missing::Reply, times.reply),
            4 => (ChoosingTransport, Missing::Reply, times.reply),
            5 | 6 => (Opening, Missing::Reply, times.reply),
            7 => (ReadingHeader, Missing::Reply, times.reply),
            8 | 9 => (ReadingHeader, Missing::Header, times.header),
            10 | 11 | 18..=20 => (Starting, Missing::Reply, times.reply),
            12..=15 | 21.. => (Streaming, Missing::Media, times.silence),
            16 => {
                // An entry has ended and the next one never came: that was the end.
                let (outcome, _) = measured(&honest[..index], limit);
                let ended = (CloseReason::Local, times.next_entry);
                assert_eq!((outcome.reason, outcome.after), ended);
                continue;
            }
            17 => (Phase::ChangingEntry, Missing::Header, times.header),
        };
        let (phase, missing, after) = expected;
        let (outcome, _) = measured(&honest[..index], limit);
        let reason = CloseReason::Failed(Error::TimedOut { phase, missing, after });
        assert_eq!((outcome.reason, outcome.after), (reason, after), "{index}");
    }
}

#[test]
fn one_byte_a_second() {
    let frames = honest_server();
    let slowly = |feed: &mut dyn FnMut(&[u8], Duration), bytes: &[u8]| {
        bytes.chunks(1).for_each(|byte| feed(byte, Duration::from_secs(1)));
    };
    let outcome = run(victim(), &frames, slowly);
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
    let outcome = run(victim(), &frames, later);
    assert!(format!("{:?}", outcome.reason).contains("phase: Streaming, missing: RestOfPacket"));
    assert_eq!(outcome.after, Duration::from_secs(30), "{outcome:?}");
}
