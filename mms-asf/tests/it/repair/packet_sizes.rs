//! File Properties with another packet size than the packets have.

use std::io::Cursor;

use bytes::Bytes;
use mms_asf::testing::header;
use mms_asf::{Deviation, Event, FileReader, Header, Limits, StreamParser};

use crate::repair::harness::{P, SIZE, VIDEO, checked, file, packets, start};

/// Offset of the minimum packet size in the files here; the maximum follows.
const SIZES_AT: usize = 30 + 92;

fn with_sizes(file: &[u8], minimum: u32, maximum: u32) -> Vec<u8> {
    let mut bytes = file.to_vec();
    bytes[SIZES_AT..SIZES_AT + 4].copy_from_slice(&minimum.to_le_bytes());
    bytes[SIZES_AT + 4..SIZES_AT + 8].copy_from_slice(&maximum.to_le_bytes());
    bytes
}

/// Repairs to `good`, and tells the sizes.
#[track_caller]
fn mends(bytes: &[u8], good: &[u8]) {
    let (minimum, maximum) = (SIZES_AT, SIZES_AT + 4);
    let [minimum, maximum] =
        [minimum, maximum].map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    let (_, out, repaired) = checked(bytes).unwrap();
    assert!(out == good, "{:?}", repaired.changes);
    let deviation = Deviation::PacketSize { minimum, maximum, found: SIZE };
    assert_eq!(repaired.changes, [mms_asf::Change::Header(deviation)]);
    assert_eq!(repaired.left_out, 0);
}

#[test]
fn one_size_or_both_are_wrong() {
    let good = file(11);
    let wrong = [
        (SIZE, SIZE + 7),
        (SIZE, SIZE - 7),
        (SIZE + 7, SIZE + 7),
        (SIZE - 7, SIZE - 7),
        (2 * SIZE, 2 * SIZE),
        (SIZE / 2, SIZE / 2),
        (SIZE, 0),
        (SIZE, u32::MAX),
        (0, 0),
        (u32::MAX, u32::MAX),
        (SIZE, 1 << 20),
        (0, SIZE + 7),
    ];
    for (minimum, maximum) in wrong {
        mends(&with_sizes(&good, minimum, maximum), &good);
    }
}

#[test]
fn the_maximum_stays_when_the_packets_have_it() {
    let good = file(11);
    let bytes = with_sizes(&good, SIZE + 7, SIZE);
    let (_, out, repaired) = checked(&bytes).unwrap();
    assert!(out == good);
    let deviation = Deviation::PacketSizes { minimum: SIZE + 7, maximum: SIZE };
    assert_eq!(repaired.changes, [mms_asf::Change::Header(deviation)]);
}

/// Sizes and counts are missing, so the packets alone decide.
#[test]
fn an_unfinished_file_whose_sizes_differ() {
    let good = file(11);
    let start = start(&good);
    for (minimum, maximum) in [(SIZE, SIZE + 7), (SIZE + 1, SIZE + 7), (SIZE - 1, 2 * SIZE)] {
        let mut bytes = with_sizes(&good[..start + 11 * P], minimum, maximum);
        // The size of the Data Object and both packet counts.
        bytes[start - 34..start - 26].fill(0);
        bytes[start - 10..start - 2].fill(0);
        bytes[30 + 56..30 + 64].fill(0);
        let (found, _, repaired) = checked(&bytes).unwrap();
        assert!(found.packets.concat() == packets(0..11), "{:?}", repaired.changes);
    }
}

/// A wrong count alone is no reason for another size.
#[test]
fn wrong_counts_leave_the_size() {
    let good = file(12);
    let start = start(&good);
    for count in [1, 2, 6, 11, 13, 24] {
        let mut bytes = good.clone();
        bytes[30 + 56] = count;
        bytes[start - 10] = count;
        let (found, _, repaired) = checked(&bytes).unwrap();
        assert!(found.packets.concat() == packets(0..12), "{:?}", repaired.changes);
        assert_eq!(found.header.file().packet_size, SIZE);
    }
}

#[test]
fn damage_at_the_start_does_not_hide_the_size() {
    let good = file(11);
    let start = start(&good);
    let mut bytes = with_sizes(&good, SIZE + 7, SIZE + 7);
    bytes[start..start + P + 10].fill(0xA5);
    let (found, _, _) = checked(&bytes).unwrap();
    assert_eq!((found.packets.len(), found.header.file().packet_size), (9, SIZE));
}

/// Whoever reads the file by packet numbers gets its packets, and whoever gets it in pieces.
#[test]
fn readers_and_parsers_find_the_size() {
    let good = file(11);
    let start = start(&good);
    for (minimum, maximum) in [(SIZE, SIZE + 7), (SIZE + 7, SIZE + 7), (SIZE, 0)] {
        let bytes = with_sizes(&good, minimum, maximum);
        let mut reader = FileReader::open(Cursor::new(&bytes)).unwrap();
        assert_eq!(reader.packet_count(), 11);
        assert_eq!(reader.packet(5).unwrap(), good[start + 5 * P..start + 6 * P]);
        assert_eq!(reader.header().as_bytes(), &good[..start]);

        let mut parser = StreamParser::new();
        let mut pieces = bytes.chunks(7);
        let mut packets = Vec::new();
        loop {
            match parser.poll().unwrap() {
                Some(Event::Packet { bytes, .. }) => packets.extend_from_slice(&bytes),
                Some(Event::End { .. }) => break,
                Some(_) => {}
                None => match pieces.next() {
                    Some(piece) => parser.push(piece),
                    None => parser.finish(),
                },
            }
        }
        assert!(packets == good[start..start + 11 * P]);
    }
}

/// A header alone, as a server sends it.
#[test]
fn a_header_alone_has_a_size_that_is_possible() {
    let bytes = header(SIZE, 9, &VIDEO);
    let size = |minimum: u32, maximum: u32| {
        let bytes = Bytes::from(with_sizes(&bytes, minimum, maximum));
        Header::parse(&bytes).map(|header| header.file().packet_size)
    };
    assert_eq!(size(SIZE, 0), Ok(SIZE));
    assert_eq!(size(SIZE, u32::MAX), Ok(SIZE));
    assert_eq!(size(0, 0), Ok(SIZE));
    assert_eq!(size(SIZE + 7, SIZE), Ok(SIZE));
    // Nothing but packets tells that these are wrong.
    assert_eq!(size(SIZE, SIZE + 7), Ok(SIZE + 7));
    assert_eq!(size(SIZE + 7, SIZE + 7), Ok(SIZE + 7));
    let live = Bytes::from(with_sizes(&mms_asf::testing::live_header(SIZE, &VIDEO), 0, 0));
    assert!(Header::parse(&live).is_err());
    let mut limits = Limits::default();
    limits.packet_size = SIZE - 1;
    assert!(Header::parse_with(&bytes, &limits).is_err());
}

#[test]
fn a_right_size_stays_where_the_count_is_doubled_and_the_end_cut() {
    // At a half of the size there is one more packet that is whole: the beginning of the last one.
    for kept in 3..8 {
        for cut in [P / 2, P * 6 / 10, P - 1] {
            let good = file(11);
            let start = start(&good);
            let mut bytes = good[..start + kept * P + cut].to_vec();
            let count = 30 + 56..30 + 64;
            bytes[count].copy_from_slice(&22_u64.to_le_bytes());
            let (found, _, repaired) = checked(&bytes).unwrap();
            let sizes = |change: &mms_asf::Change| {
                matches!(change, mms_asf::Change::Header(Deviation::PacketSize { .. }))
            };
            assert!(!repaired.changes.iter().any(sizes), "{:?}", repaired.changes);
            let whole = packets(0..u32::try_from(kept).unwrap());
            assert!(found.packets.concat().starts_with(&whole), "{kept} packets and {cut} bytes");
        }
    }
}
