//! Files with damage in the middle.

use mms_asf::testing::{self, TestStream, object};
use mms_asf::{Change, RepairOptions, guid};
use proptest::prelude::*;
use uuid::Uuid;

use crate::repair::harness::{
    P, SIZE, checked, file, header, packet, packets, short, start, try_repair, whole,
};

const COUNT: u32 = 9;

#[test]
fn bytes_that_are_missing_or_too_many() {
    let file = file(COUNT);
    let start = start(&file);
    for (at, what) in [(4 * P, "between"), (4 * P + 70, "inside")] {
        for len in [1, 9, 100, 3 * P + 7] {
            let mut more = file.clone();
            more.splice(start + at..start + at, vec![0xC5; len]);
            let (found, repaired) = whole(&more);
            // Nothing tells that a packet holds foreign bytes in front of its last own ones.
            assert_eq!(found.packets.len(), 9, "{len} more bytes {what} packets");
            assert_eq!(repaired.left_out, len as u64);
            assert_eq!(short(&repaired.changes), ["Damage"]);

            let mut fewer = file.clone();
            fewer.drain(start + at..(start + at + len).min(start + 9 * P));
            let (found, _) = whole(&fewer);
            let lost = len.div_ceil(P);
            assert_eq!(found.packets.len(), 9 - lost, "{len} fewer bytes {what} packets");
            assert_eq!(found.packets[..4].concat(), file[start..start + 4 * P]);
        }
    }
}

#[test]
fn a_packet_that_cannot_be_read() {
    let mut file = file(COUNT);
    let at = start(&file) + 4 * P;
    file[at] = 0xFF;
    let (found, repaired) = whole(&file);
    let numbers = [0, 1, 2, 3, 5, 6, 7, 8];
    assert_eq!(found.packets, numbers.map(packet));
    let [Change::Damage { offset, len, .. }, ..] = repaired.changes[..] else { panic!() };
    assert_eq!((offset, len), (at as u64, P as u64));
    assert_eq!(
        short(&repaired.changes[1..]),
        ["ObjectLeftOut", "PacketCount", "FileSize", "IndexMade"]
    );
}

#[test]
fn garbage_behind_the_packets() {
    let input = [&file(COUNT)[..], &[0x41; 300_000]].concat();
    let (found, repaired) = whole(&input);
    assert_eq!(found.packets.len(), 9);
    // One change, though it was read in pieces.
    let damage: Vec<_> =
        repaired.changes.iter().filter(|c| matches!(c, Change::Damage { .. })).collect();
    let [Change::Damage { len: 300_000, .. }] = damage[..] else { panic!("{damage:?}") };
}

#[test]
fn all_changes_are_told_of_however_much_damage_there_is() {
    let mut input = header(5_000).to_vec();
    for number in 0..1_200 {
        input.extend_from_slice(&packet(number));
        let mut bad = packet(number).to_vec();
        bad[0] = 0xFF;
        input.extend_from_slice(&bad);
    }
    let (found, repaired) = whole(&input);
    assert_eq!(found.packets.len(), 1_200);
    assert!(repaired.changes.len() <= 1_000);
    assert_eq!(repaired.left_out, 1_200 * P as u64);
    let last = short(&repaired.changes[repaired.changes.len() - 5..]);
    assert_eq!(last, ["PacketCount", "PlayDuration", "SendDuration", "FileSize", "IndexMade"]);
}

#[test]
fn the_header_again() {
    let file = file(COUNT);
    let (start, middle) = (start(&file), start(&file) + 4 * P);
    let input = [&file[..middle], &file[..start], &file[middle..]].concat();
    let (found, repaired) = whole(&input);
    assert_eq!(found.packets.concat(), file[start..start + 9 * P]);
    let (offset, len) = (middle as u64, start as u64);
    assert_eq!(repaired.changes, [Change::Repeated { offset, len }]);
    assert_eq!((repaired.left_out, repaired.next), (len, None));
}

#[test]
fn a_faulty_header_again_is_the_same_stream() {
    let mut header = header(COUNT).to_vec();
    // The Data Object carries another File ID.
    let at = header.len() - 26;
    header[at] ^= 1;
    let input = [&header[..], &packets(0..4), &header, &packets(4..9)].concat();
    let (found, repaired) = whole(&input);
    assert_eq!((found.packets.len(), repaired.next), (9, None));
}

#[test]
fn packets_that_begin_otherwise_behind_the_header() {
    let bare: Vec<u8> = (0..3).flat_map(|n| [&packet(n)[3..], &[0; 3]].concat()).collect();
    let input = [&header(6)[..], &packets(0..3), &header(6), &bare].concat();
    let (found, repaired) = whole(&input);
    assert_eq!(found.packets.concat(), packets(0..3));
    assert_eq!(repaired.left_out, (header(6).len() + bare.len()) as u64);
}

#[test]
fn another_stream_follows() {
    let first = file(COUNT);
    let other = testing::header(SIZE, 3, &[TestStream::Audio(1)]);
    let input = [&first[..], &other, &packets(0..3)].concat();
    let (found, repaired) = whole(&input);
    assert_eq!(found.packets.len(), 9);
    assert_eq!(repaired.next, Some(first.len() as u64));
    // What follows is a file of its own.
    let (rest, repaired) = whole(&input[first.len()..]);
    assert_eq!((rest.packets.len(), repaired.next), (3, None));
}

#[test]
fn what_is_no_index_stays() {
    let other = object(guid::XMP, b"<xmp/>");
    let (found, _) = whole(&[&header(9)[..], &packets(0..9), &other].concat());
    assert_eq!(found.objects.last(), Some(&(guid::XMP, other.clone())));
    // Cut off packets take their index with them, and nothing else.
    let file = file(COUNT);
    let start = start(&file);
    let input = [&file[..start + 5 * P], &file[start + 9 * P..], &other].concat();
    let (found, repaired) = whole(&input);
    assert_eq!(found.objects.last(), Some(&(guid::XMP, other)));
    assert_eq!(found.objects.len(), 2);
    assert!(short(&repaired.changes).contains(&"ObjectLeftOut".to_owned()));
}

#[test]
fn an_object_that_begins_like_a_packet_does_not_stay() {
    // Behind an index it is an object; behind the packets of a file without one it is a packet.
    let like = |first: u8| {
        let mut id = packets(0..1)[..16].to_vec();
        id[0] = first;
        object(Uuid::from_slice_le(&id).unwrap(), &[0xFF; 40])
    };
    let input = |like: &[u8]| [&file(COUNT)[..], like].concat();
    let (found, repaired) = whole(&input(&like(0x82)));
    assert_eq!(short(&repaired.changes), ["ObjectLeftOut"]);
    let kept = found.objects.len();
    let (found, _) = whole(&input(&like(0x83)));
    assert_eq!(found.objects.len(), kept + 1);
    // In front of all packets too: what lies there comes to lie behind them.
    let index = object(guid::SIMPLE_INDEX, &[0; 32]);
    let input = [&header(9)[..], &index, &like(0x82), &packets(0..9)].concat();
    assert_eq!(whole(&input).0.objects.len(), 1);
}

#[test]
fn more_objects_than_are_kept_are_left_out() {
    let input = [&file(COUNT)[..], &object(guid::XMP, &[b'x'; 40]).repeat(8)].concat();
    let mut options = RepairOptions::default();
    options.limits.index_bytes = 400;
    let (out, repaired) = try_repair(&input, &options).unwrap();
    let left = short(&repaired.changes);
    let left = left.iter().filter(|change| *change == "ObjectLeftOut").count();
    // 400 bytes hold the index, of 56 + 12 * 6 bytes, and four others.
    assert_eq!((left, out.len()), (4, input.len() - 4 * 64));
    options.limits = mms_asf::Limits::default();
    options.limits.objects = 3;
    let repaired = try_repair(&input, &options);
    assert_eq!(repaired.unwrap().0.len(), input.len() - 6 * 64);
}

#[test]
fn an_index_that_leads_elsewhere_is_made_anew() {
    let good = file(COUNT);
    let mut bad = good.clone();
    let at = start(&bad) + 9 * P + 56 + 6 * 8;
    assert_eq!(bad[at], 4, "a key frame");
    for target in [5, 200] {
        bad[at] = target;
        let (_, out, repaired) = checked(&bad).unwrap();
        assert!(out == good);
        assert_eq!(short(&repaired.changes), ["ObjectLeftOut", "IndexMade"]);
    }
}

#[test]
fn an_index_leads_to_the_start_in_front_of_the_first_key_frame_only() {
    // Key frames begin in packets 3 and 7.
    let input = [&header(9)[..], &packets(1..10)].concat();
    let (good, _) = try_repair(&input, &RepairOptions::default()).unwrap();
    let entry = |number: usize| start(&good) + 9 * P + 56 + 6 * number;
    assert_eq!([5, 8, 11].map(|number| good[entry(number)]), [0, 3, 7]);
    let mut bad = good.clone();
    bad[entry(11)] = 0;
    let (_, out, repaired) = checked(&bad).unwrap();
    assert!(out == good);
    assert_eq!(short(&repaired.changes), ["ObjectLeftOut", "IndexMade"]);
}

#[test]
fn an_index_of_many_blocks_takes_no_longer_than_another() {
    // So many blocks of one entry each that nobody would see the end if each entry were looked for
    // from the first block on.
    const BLOCKS: u32 = 200_000;
    let start = |kind: u8| {
        let mut body = [&1_000_u32.to_le_bytes()[..], &[1, 0]].concat();
        body.extend(BLOCKS.to_le_bytes());
        body.extend([1, 0, kind, 0]);
        body
    };
    let block = |offset: u32| {
        [&1_u32.to_le_bytes()[..], &0_u64.to_le_bytes(), &offset.to_le_bytes()].concat()
    };
    let front = [&header(9)[..], &packets(0..9)].concat();
    // Media objects, and key frames, of which the entries miss the times.
    for (kind, last, stays) in
        [(2, 8 * SIZE, true), (2, 9 * SIZE, false), (2, 8 * SIZE + 1, false), (3, 8 * SIZE, false)]
    {
        let blocks = block(0).repeat(BLOCKS as usize - 1);
        let index = object(guid::INDEX, &[start(kind), blocks, block(last)].concat());
        let (out, _) =
            try_repair(&[&front[..], &index].concat(), &RepairOptions::default()).unwrap();
        assert_eq!(out.len() > BLOCKS as usize, stays, "{last}");
    }
}

#[test]
fn a_data_object_that_lies() {
    let good = file(COUNT);
    for at in [start(&good) - 34, start(&good) - 10] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let (_, out, repaired) = checked(&bad).unwrap();
        assert!(out == good);
        assert_eq!(short(&repaired.changes), ["DataObject"]);
    }
}

/// Something that happens to a file.
#[derive(Debug, Clone)]
enum Harm {
    Flip(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Again(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = 0..2_500_usize;
    prop_oneof![
        (at.clone(), 1..=255_u8).prop_map(|(at, with)| Harm::Flip(at, with)),
        (at.clone(), 1..500_usize).prop_map(|(at, len)| Harm::Remove(at, len)),
        (at.clone(), prop::collection::vec(any::<u8>(), 1..300))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        (at.clone(), at).prop_map(|(from, to)| Harm::Again(from, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_happens_what_comes_out_is_whole(harms in prop::collection::vec(harm(), 1..5)) {
        let original = file(COUNT);
        let mut bytes = original.clone();
        for harm in harms {
            let len = bytes.len();
            match harm {
                Harm::Flip(at, with) => bytes[at % len] ^= with,
                Harm::Remove(at, count) => drop(bytes.drain(at % len..(at % len + count).min(len))),
                Harm::Insert(at, more) => drop(bytes.splice(at % len..at % len, more)),
                Harm::Again(from, to) => {
                    let copy = bytes[from % len..].to_vec();
                    bytes.splice(to % len..to % len, copy);
                }
            }
            if bytes.len() < 2 {
                bytes = original.clone();
            }
        }
        // A header may be refused; nothing else may.
        let _ = checked(&bytes);
    }

    // The first packet stays: without it the file would be moved to start at zero.
    #[test]
    fn damage_behind_the_header_costs_what_it_hits(
        at in P..9 * P, len in 1..400_usize, with in any::<u8>(),
    ) {
        let mut bytes = file(COUNT);
        let start = start(&bytes);
        let end = (start + at + len).min(start + 9 * P);
        bytes[start + at..end].fill(with);
        let (first, last) = (at / P, (end - start).div_ceil(P));
        if last - first < 9 {
            let (found, _) = whole(&bytes);
            for (number, at) in (0..9).zip(0_usize..).filter(|(_, at)| !(first..last).contains(at)) {
                prop_assert!(found.packets.contains(&packet(number)), "packet {}", at);
            }
        }
    }
}

/// The last entry lies behind more blocks than could be walked once for each entry.
#[test]
fn an_index_of_blocks_without_entries() {
    const EMPTY: u32 = 300_000;
    const ENTRIES: u32 = 200_000;
    let mut body = 1_000_u32.to_le_bytes().to_vec();
    body.extend_from_slice(&1_u16.to_le_bytes());
    body.extend_from_slice(&(EMPTY + 1).to_le_bytes());
    body.extend_from_slice(&[1, 0, 2, 0]);
    body.resize(body.len() + 12 * EMPTY as usize, 0);
    body.extend_from_slice(&ENTRIES.to_le_bytes());
    body.resize(body.len() + 8 + 4 * ENTRIES as usize, 0);
    let mut file = file(COUNT);
    let add = |file: &mut Vec<u8>, body: &[u8]| {
        file.extend_from_slice(&object(guid::INDEX, body));
        let size = (file.len() as u64).to_le_bytes();
        file[30 + 40..30 + 48].copy_from_slice(&size);
    };
    let mut good = file.clone();
    add(&mut good, &body);
    assert_eq!(whole(&good).1.changes, []);

    let last = body.len() - 4;
    body[last..].copy_from_slice(&(u32::from(u16::MAX) * SIZE).to_le_bytes());
    add(&mut file, &body);
    let (_, repaired) = whole(&file);
    assert!(short(&repaired.changes).contains(&"ObjectLeftOut".to_owned()));
}
