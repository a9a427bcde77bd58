//! Index objects: written then read, and hostile ones.

mod builder;
mod samples;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::testing;
use mms_asf::{
    Error, Index, IndexKind, IndexObject, IndexSpecifier, MediaObjectIndex, SimpleEntry,
    SimpleIndex, TimecodeIndex, guid,
};
use proptest::prelude::*;
use uuid::Uuid;

fn written(object: &IndexObject) -> Bytes {
    let mut bytes = BytesMut::new();
    object.write(&mut bytes);
    bytes.freeze()
}

fn malformed(object: &Bytes) -> (&'static str, u64, &'static str) {
    match IndexObject::parse(object) {
        Err(Error::Malformed { what, offset, expected }) => (what, offset, expected),
        other => panic!("{other:?}"),
    }
}

fn specifiers() -> impl Strategy<Value = Vec<IndexSpecifier>> {
    let kind = prop_oneof![1..4_u16, any::<u16>()].prop_map(IndexKind::from);
    let specifier = (any::<u16>(), kind);
    prop::collection::vec(
        specifier.prop_map(|(stream, kind)| IndexSpecifier { stream, kind }),
        1..4,
    )
}

/// Targets on both sides of 32 bits.
fn target() -> impl Strategy<Value = Option<u64>> {
    let near = any::<u8>().prop_map(|n| u64::from(u32::MAX) - 128 + u64::from(n));
    prop_oneof![
        Just(None),
        (0..100_000_u64).prop_map(Some),
        near.prop_map(Some),
        any::<u64>().prop_map(Some)
    ]
}

fn rows() -> impl Strategy<Value = (Vec<IndexSpecifier>, Vec<Vec<Option<u64>>>)> {
    specifiers().prop_flat_map(|specifiers| {
        let row = prop::collection::vec(target(), specifiers.len());
        (Just(specifiers), prop::collection::vec(row, 0..20))
    })
}

proptest! {
    #[test]
    fn a_simple_index_is_read_as_written(
        id in any::<u128>(),
        interval in any::<u64>(),
        entries in prop::collection::vec((any::<u32>(), any::<u16>()), 0..50),
    ) {
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(packet, packet_count)| SimpleEntry { packet, packet_count })
            .collect();
        let (seconds, rest) = (interval / 10_000_000, interval % 10_000_000);
        let interval = Duration::new(seconds, u32::try_from(rest * 100).unwrap());
        let index = SimpleIndex::new(Uuid::from_u128(id), interval, entries.clone()).unwrap();
        let object = IndexObject::from(index.clone());
        prop_assert_eq!(IndexObject::parse(&written(&object)), Ok(object));
        prop_assert_eq!(index.interval(), interval);
        prop_assert_eq!(index.entries().collect::<Vec<_>>(), entries);
    }

    #[test]
    fn an_index_is_read_as_written((specifiers, rows) in rows(), interval in any::<u32>()) {
        let time = Duration::from_millis(interval.into());
        let index = Index::new(time, &specifiers, &rows).unwrap();
        let by_object = MediaObjectIndex::new(interval, &specifiers, &rows).unwrap();
        prop_assert_eq!(index.interval(), time);
        prop_assert_eq!(by_object.interval(), interval);
        prop_assert_eq!(index.len(), rows.len() as u64);
        for (entry, row) in (0..).zip(&rows) {
            for (column, target) in row.iter().enumerate() {
                prop_assert_eq!(index.target(column, entry), *target);
                prop_assert_eq!(by_object.target(column, entry), *target);
            }
        }
        prop_assert_eq!(index.specifiers().collect::<Vec<_>>(), specifiers);
        for object in [IndexObject::from(index), by_object.into()] {
            prop_assert_eq!(IndexObject::parse(&written(&object)), Ok(object));
        }
    }

    #[test]
    fn a_timecode_index_is_read_as_written(
        (specifiers, rows) in rows(),
        codes in prop::collection::vec((0..3_u16, any::<u32>()), 20),
    ) {
        let entries = codes.iter().zip(&rows).map(|((range, code), row)| (*range, *code, row));
        let index = TimecodeIndex::new(&specifiers, entries).unwrap();
        prop_assert_eq!(index.timecodes().collect::<Vec<_>>(), &codes[..rows.len()]);
        for (entry, row) in (0..).zip(&rows) {
            for (column, target) in row.iter().enumerate() {
                prop_assert_eq!(index.target(column, entry), *target);
            }
        }
        let object = IndexObject::from(index);
        prop_assert_eq!(IndexObject::parse(&written(&object)), Ok(object));
    }

    #[test]
    fn what_is_read_is_written_as_it_was(
        id in prop::sample::select(vec![
            guid::SIMPLE_INDEX,
            guid::INDEX,
            guid::MEDIA_OBJECT_INDEX,
            guid::TIMECODE_INDEX,
            guid::DATA,
        ]),
        body in prop::collection::vec(prop_oneof![Just(0), Just(1), any::<u8>()], 0..120),
    ) {
        let bytes = testing::object(id, &body);
        if let Ok(object) = IndexObject::parse(&bytes) {
            prop_assert_eq!(object.id(), id);
            prop_assert_eq!(written(&object), bytes);
        }
    }
}

#[test]
fn counts_beyond_the_bytes_are_refused() {
    let most = [0xFF; 4];
    let simple = testing::object(guid::SIMPLE_INDEX, &[&[0; 28][..], &most, &[0; 12]].concat());
    let expected = "no more entries than there are bytes for";
    assert_eq!(malformed(&simple), ("Simple Index Object", 52, expected));

    // Interval, 65,535 specifiers.
    let columns = [&[0; 4][..], &[0xFF; 2], &[0; 4], &[0; 100]].concat();
    let columns = testing::object(guid::INDEX, &columns);
    assert_eq!(malformed(&columns), ("Index Object", 34, "index specifiers"));

    let head = [&[0; 4][..], &[1, 0]].concat();
    let specifier = [1, 0, 3, 0];
    let blocks = [&head[..], &most, &specifier, &[0; 50]].concat();
    let blocks = testing::object(guid::MEDIA_OBJECT_INDEX, &blocks);
    assert_eq!(malformed(&blocks).0, "Media Object Index Object");
    let rows = [&head[..], &[1, 0, 0, 0], &specifier, &most, &[0; 50]].concat();
    let rows = testing::object(guid::TIMECODE_INDEX, &rows);
    assert_eq!(malformed(&rows), ("Timecode Index Object", 38, expected));

    // Entries without columns take no bytes, so nothing bounds their number.
    let free = [&[0; 6][..], &[1, 0, 0, 0], &most].concat();
    let free = testing::object(guid::INDEX, &free);
    assert_eq!(malformed(&free).2, "no entries without index specifiers");
    assert!(Index::new(Duration::from_secs(1), &[], [[None; 0]]).is_err());
    let one = [IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    assert!(Index::new(Duration::from_secs(1), &one, [[None; 2]]).is_err());
    assert!(Index::new(Duration::MAX, &one, [[None]]).is_err());
    assert!(SimpleIndex::new(Uuid::nil(), Duration::MAX, []).is_err());
}

#[test]
fn sizes_are_checked() {
    let mut bytes = testing::object(guid::DATA, b"body").to_vec();
    bytes.extend_from_slice(b"next");
    let whole = Bytes::from(bytes.clone());
    let object = IndexObject::parse(&whole).unwrap();
    assert_eq!(written(&object), whole[..28]);
    for (size, expected) in [
        (23, "a size of at least 24"),
        (33, "a size within the bytes that are there"),
        (u64::MAX, "a size within the bytes that are there"),
    ] {
        bytes[16..24].copy_from_slice(&size.to_le_bytes());
        let changed = Bytes::copy_from_slice(&bytes);
        assert_eq!(malformed(&changed), ("object", 16, expected));
    }
}

#[test]
fn empty_indexes_of_audio_files_are_legal() {
    let index = SimpleIndex::new(testing::FILE_ID, Duration::ZERO, []).unwrap();
    assert!(index.is_empty());
    assert_eq!(index.position(Duration::from_secs(9)), None);
    assert_eq!(written(&index.into()).len(), 56);
}

#[test]
fn entries_are_found_by_time() {
    let entry = |packet| SimpleEntry { packet, packet_count: 1 };
    let second = Duration::from_secs(1);
    let simple = SimpleIndex::new(Uuid::nil(), second, (0..3).map(entry)).unwrap();
    let one = [IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    let index = Index::new(second, &one, (0..3).map(|n| [Some(n)])).unwrap();
    for (millis, number) in [(0, 0), (999, 0), (1_000, 1), (2_500, 2), (u64::MAX, 2)] {
        assert_eq!(simple.position(Duration::from_millis(millis)), Some(number));
        assert_eq!(index.position(Duration::from_millis(millis)), Some(number as u64));
    }
    let never = Index::new(Duration::ZERO, &one, [[Some(0)]]).unwrap();
    assert_eq!(never.position(second), None);

    let rows = [(0, 0x0100_0000, [Some(0)]), (0, 0x0100_0012, [None]), (1, 0, [Some(9)])];
    let codes = TimecodeIndex::new(&one, rows).unwrap();
    assert_eq!(codes.position(0, 0x0100_0011), Some(0));
    assert_eq!(codes.position(0, 0x2359_5924), Some(1));
    assert_eq!(codes.position(0, 0x0059_5924), None);
    assert_eq!(codes.position(1, 0x0059_5924), Some(2));
    assert_eq!(codes.position(2, 0), None);
    assert_eq!(codes.column(1, IndexKind::KeyFrame), Some(0));
    assert_eq!(codes.column(1, IndexKind::Packet), None);
}
