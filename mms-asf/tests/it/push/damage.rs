//! Damage between good packets, and packets of unusual form.

use mms_asf::testing;
use mms_asf::{Cause, Deviation, Event, Limits};

use crate::push::harness::*;

#[test]
fn a_packet_that_cannot_be_read_leaves_the_others_alone() {
    let start = testing::header(SIZE, 6, &STREAMS).len();
    for damage in [vec![0; P], vec![0xFF; P], vec![0x30; 3], vec![0x82, 0, 0, 9, 0x5D, 0xFF, 0xFF]]
    {
        for number in 0..6 {
            let mut input = [&file(6)[..], &simple_index()].concat();
            let at = start + number * P;
            input[at..at + damage.len()].copy_from_slice(&damage);
            let events = parse(&input);
            let others: Vec<u64> = (0..6).filter(|&n| n != number as u64).collect();
            assert_eq!(numbers(&events), others, "{damage:?} in {number}");
            assert_eq!(short(&events[number + 1]), format!("packet: 200 at {at}"));
            assert_eq!(events.len(), 1 + 6 + 1 + 1, "{events:?}");
        }
    }
}

#[test]
fn missing_and_additional_bytes_are_passed_over() {
    let start = testing::header(SIZE, 8, &STREAMS).len();
    let input = [&file(8)[..], &simple_index()].concat();
    // Garbage of many lengths between two packets; numbers count it where it is long enough.
    for len in [1, 7, 99, 150, 200, 399] {
        let mut input = input.clone();
        let at = start + 3 * P;
        input.splice(at..at, vec![0x77; len]);
        let events = parse(&input);
        let more = ((len + P / 2) / P) as u64;
        let expected: Vec<u64> = (0..8).map(|n| if n < 3 { n } else { n + more }).collect();
        assert_eq!(numbers(&events), expected, "{len}");
        let cause = if len == P { "packet" } else { "Lost" };
        assert_eq!(short(&events[4]), format!("{cause}: {len} at {at}"));
        assert!(events.iter().any(|event| matches!(event, Event::Object { .. })));
    }
    // The head of packet 3 is gone, or its middle and its end.
    for (from, len) in [(0, 1), (0, 60), (0, 199), (50, 1), (50, 100), (150, 50)] {
        let mut input = input.clone();
        let at = start + 3 * P + from;
        input.splice(at..at + len, []);
        let events = parse(&input);
        let found = numbers(&events);
        assert!(found.starts_with(&[0, 1, 2]), "{found:?}");
        assert!(found.len() >= 6, "{len} at {from}: {events:?}");
        assert!(events.iter().any(|event| matches!(event, Event::Object { .. })));
    }
    // The last packet lacks bytes, and the index is shorter than a packet.
    let mut cut = input;
    cut.splice(start + 7 * P..start + 7 * P + 90, []);
    let events = parse(&cut);
    assert_eq!(numbers(&events), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(
        events[8..].iter().map(short).collect::<Vec<_>>(),
        [
            format!("Lost: 110 at {}", start + 7 * P),
            format!(
                "{:?}",
                Deviation::DataEnd {
                    declared: (start + 8 * P) as u64,
                    found: (start + 8 * P - 90) as u64
                }
            ),
            format!("Simple Index Object: 68 at {}", start + 8 * P - 90),
            "end, 0 left".to_owned(),
        ]
    );
}

#[test]
fn a_few_bytes_may_be_missing_anywhere() {
    let start = testing::header(SIZE, 6, &STREAMS).len();
    let input = [&file(6)[..], &simple_index()].concat();
    for at in 0..6 * P {
        for len in [1, 2, 3, 4, 5, 8, 13, 50].into_iter().filter(|len| at + len <= 6 * P) {
            let mut input = input.clone();
            input.drain(start + at..start + at + len);
            let events = parse(&input);
            // The packet before the gap is whole; one that lacks bytes swallows the next head.
            let whole = (0..6).filter(|n| (n + 1) * P <= at || n * P >= at + len + P);
            for number in whole {
                let packet = packet(number.try_into().unwrap());
                let found = events.iter().any(|event| match event {
                    Event::Packet { bytes, .. } => *bytes == packet,
                    _ => false,
                });
                assert!(found, "{len} bytes at {at}, packet {number}: {events:?}");
            }
        }
    }
}

#[test]
fn long_damage_comes_in_pieces() {
    let header = testing::live_header(SIZE, &STREAMS);
    let garbage = vec![0x41; 300_000];
    let input = [&header[..], &packets(2), &garbage, &packets(2)].concat();
    let events = parse(&input);
    assert_eq!(numbers(&events), [0, 1, 1_502, 1_503]);
    let pieces: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Damage { bytes, cause: Cause::Lost, .. } => Some(bytes.len()),
            _ => None,
        })
        .collect();
    assert_eq!(pieces.iter().sum::<usize>(), garbage.len());
    assert_eq!(pieces[..4], [64 << 10; 4]);
    let (in_pieces, _) = parse_with(Limits::default(), &input, vec![1_000; 200]);
    assert_eq!(in_pieces, events);
}

#[test]
fn a_bad_header_in_the_middle_is_damage() {
    let mut bad = testing::live_header(SIZE, &STREAMS).to_vec();
    let bad_len = bad.len();
    // No File Properties any more.
    bad[30] ^= 1;
    let input =
        [&testing::live_header(SIZE, &STREAMS)[..], &packets(2), &bad, &packets(2)].concat();
    let start = bad_len + 2 * P;
    assert_eq!(
        told(&input)[3..],
        [
            format!("header: {bad_len} at {start}"),
            format!("packet 2 at {}", start + bad_len),
            format!("packet 3 at {}", start + bad_len + P),
            "end, 0 left".to_owned(),
        ]
    );
}

#[test]
fn packets_of_other_encoders() {
    // Without error correction data; one is damaged, then a byte is missing.
    let header = testing::live_header(SIZE - 3, &STREAMS);
    let bare = |n: u32| packet(n).slice(3..);
    let packets: Vec<u8> = (0..9).flat_map(bare).collect();
    let mut input = [&header[..], &packets].concat();
    let size = P - 3;
    assert_eq!(numbers(&parse(&input)), (0..9).collect::<Vec<_>>());
    input[header.len() + 2 * size..][..2].fill(0xFF);
    input.remove(header.len() + 5 * size);
    let events = parse(&input);
    assert_eq!(numbers(&events), [0, 1, 3, 4, 6, 7, 8]);

    // Parity, which holds no media; offsets of another width; a form that is new in the middle.
    let mut parity = vec![0x92, 0x11, 0x01];
    parity.resize(P, 0x55);
    let mut narrow = packet(2).to_vec();
    narrow[4] = 0x55;
    narrow.splice(19..23, [0]);
    narrow[5] += 3;
    narrow.resize(P, 0);
    let mut other = packet(3).to_vec();
    other.insert(1, 0);
    other[0] = 0x83;
    other[6] -= 1;
    other.pop();
    let header = testing::live_header(SIZE, &STREAMS);
    let input = [&header[..], &packet(0), &parity, &narrow, &other, &packet(4)].concat();
    assert_eq!(numbers(&parse(&input)), [0, 1, 2, 4]);
    let input = [&header[..], &other, &other].concat();
    assert_eq!(numbers(&parse(&input)), [0, 1]);
}

#[test]
fn bytes_that_look_like_packets_everywhere() {
    let header = testing::live_header(20_000, &STREAMS);
    // A compressed payload that is a list of empty objects up to its last byte.
    let mut deceptive =
        b"\x82\x00\x00\x00\x5D\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01".to_vec();
    deceptive.resize(64, 0);
    let input = [&header[..], &[7; 20_000], &deceptive.repeat(2_000)].concat();
    let whole = parse_with(Limits::default(), &input, []);
    assert_eq!(parse_with(Limits::default(), &input, vec![10_007; 14]), whole);
}
