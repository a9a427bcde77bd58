//! Index objects: written then read, hostile ones, and those of real files.

#![cfg(test)]

use std::io::{Cursor, Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::testing;
use mms_asf::{
    Error, FileReader, Header, Index, IndexBuilder, IndexKind, IndexObject, IndexSpecifier,
    Indexes, MediaObjectIndex, Packet, SimpleEntry, SimpleIndex, StreamKind, TimecodeIndex, guid,
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

fn samples() -> Option<Vec<(String, PathBuf)>> {
    let Some(directory) = std::env::var_os("MMS_SAMPLES") else {
        println!("skipped: MMS_SAMPLES is not set");
        return None;
    };
    let mut files: Vec<_> = std::fs::read_dir(PathBuf::from(directory).join("asf"))
        .expect("MMS_SAMPLES holds asf/")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|path| path.extension().is_some_and(|e| e != "md"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    Some(files)
}

#[test]
fn objects_of_real_files_are_written_as_they_were() {
    let Some(files) = samples() else { return };
    let mut counts = [0; 5];
    for (name, path) in files {
        let bytes = Bytes::from(std::fs::read(path).unwrap());
        let Ok(header) = Header::parse(&bytes) else { continue };
        let end = (header.len() as u64 - 50).saturating_add(header.data_size());
        let mut at = usize::try_from(end).unwrap_or(usize::MAX);
        while at.saturating_add(24) <= bytes.len() && !header.file().broadcast() {
            let object = IndexObject::parse(&bytes.slice(at..));
            let object = object.unwrap_or_else(|error| panic!("{name} at {at}: {error}"));
            let copy = written(&object);
            assert_eq!(copy, bytes[at..at + copy.len()], "{name} at {at}");
            at += copy.len();
            counts[match object {
                IndexObject::Simple(_) => 0,
                IndexObject::Index(_) => 1,
                IndexObject::MediaObject(_) => 2,
                IndexObject::Timecode(_) => 3,
                _ => 4,
            }] += 1;
        }
    }
    println!("{counts:?} Simple, by time, by media object, by timecode, others");
    assert_eq!(counts, [32, 12, 1, 0, 1]);
}

/// Feeds a builder with all packets of a file.
fn rebuilt<R: Read + Seek>(reader: &mut FileReader<R>) -> Indexes {
    let mut builder = IndexBuilder::new(reader.header());
    for number in 0..reader.packet_count() {
        let packet = reader.packet(number).unwrap();
        if let Ok(packet) = Packet::parse(&packet, reader.header().file().packet_size) {
            builder.packet(number, &packet);
        }
    }
    builder.finish(reader.header().file().play_duration)
}

/// Presentation time, packet and stream of all starts of key frames in a file.
fn key_frames<R: Read + Seek>(reader: &mut FileReader<R>) -> Vec<(u8, u64, u64)> {
    let mut found = Vec::new();
    for number in 0..reader.packet_count() {
        let packet = reader.packet(number).unwrap();
        let Ok(packet) = Packet::parse(&packet, reader.header().file().packet_size) else {
            continue;
        };
        for payload in packet.payloads().flatten().filter(|payload| payload.offset == 0) {
            let video =
                reader.header().stream(payload.stream).map(|s| s.kind) == Some(StreamKind::Video);
            if payload.key_frame || !video {
                for piece in payload.pieces().flatten() {
                    found.push((payload.stream, piece.presentation_time.into(), number));
                }
            }
        }
    }
    found
}

/// Files whose index counts otherwise: the first counts the packets of a key frame differently,
/// the others leave out the preroll or point to the key frame that follows.
const OTHER_ENTRIES: [&str; 6] = [
    "video-wmv2-marker-object-compressed-audio.wmv",
    "video-ffmpeg-mp43-1mb-simple-index.wmv",
    "video-ffmpeg-mp43-wmav2-tiny.wmv",
    "video-ffmpeg-wmv2-1-packet.wmv",
    "video-ffmpeg-wmv2-short.asf",
    "video-g2m2-meeting-plus-wmav2.asf",
];

#[test]
fn indexes_of_real_files_are_rebuilt() {
    let Some(files) = samples() else { return };
    let (mut equal, mut different, mut without_target) = (0, 0, 0);
    for (name, path) in files {
        let bytes = Bytes::from(std::fs::read(path).unwrap());
        let Ok(mut reader) = FileReader::open(Cursor::new(bytes.clone())) else { continue };
        let header = reader.header().clone();
        if header.file().broadcast() {
            continue;
        }
        let made = rebuilt(&mut reader);
        let keys = key_frames(&mut reader);
        let size = u64::from(header.file().packet_size);
        // A target is the last key frame at or before its time, or the first one of all.
        let check = |stream: u8, time: u64, packet: u64| {
            let mut starts = keys.iter().filter(|(number, ..)| *number == stream);
            let first = starts.clone().next().map(|(_, _, packet)| *packet);
            match starts.rfind(|(_, shown, _)| *shown <= time) {
                Some((_, _, best)) => assert_eq!(packet, *best, "{name}, {stream} at {time}"),
                None => assert!(packet == 0 || Some(packet) == first, "{name}, {stream} at {time}"),
            }
        };
        for (stream, index) in &made.simple {
            for (number, entry) in (0..).zip(index.entries()) {
                check(*stream, number * 1_000, entry.packet.into());
            }
        }
        let mut simple = made.simple.iter();
        let mut pairs = Vec::new();
        let end = header.len() as u64 - 50 + header.data_size();
        let mut at = usize::try_from(end).unwrap_or(usize::MAX);
        while at.saturating_add(24) <= bytes.len() {
            let object = IndexObject::parse(&bytes.slice(at..)).unwrap();
            at += written(&object).len();
            match object {
                IndexObject::Simple(real) => {
                    let (_, made) = simple.next().cloned().unzip();
                    let made: Vec<_> = made.iter().flat_map(SimpleIndex::entries).collect();
                    // Players need no entry for a key frame that is not there.
                    let missing = real.len().saturating_sub(made.len());
                    assert!(missing <= 1 || made.is_empty(), "{name}: {missing} are missing");
                    for (made, real) in made.into_iter().zip(real.entries()) {
                        let entry = |e: SimpleEntry| (Some(e.packet.into()), e.packet_count);
                        pairs.push((entry(made), entry(real)));
                    }
                }
                IndexObject::Index(real) => {
                    let made = made.index.as_ref().expect("an index is declared");
                    assert!(made.len() + 1 >= real.len(), "{name}");
                    assert!(made.specifiers().eq(real.specifiers()), "{name}");
                    for (column, specifier) in made.specifiers().enumerate() {
                        for entry in 0..made.len() {
                            let packet = made.target(column, entry).unwrap() / size;
                            let stream = u8::try_from(specifier.stream).unwrap();
                            check(stream, entry * 1_000, packet);
                            if entry < real.len() {
                                let real = real.target(column, entry).map(|offset| offset / size);
                                pairs.push(((Some(packet), 0), (real, 0)));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        for (made, real) in pairs {
            if made == real {
                equal += 1;
            } else if real.0.is_none() {
                without_target += 1;
            } else {
                assert!(OTHER_ENTRIES.contains(&name.as_str()), "{name}: {made:?} for {real:?}");
                different += 1;
            }
        }
    }
    println!("{equal} entries are equal, {different} differ, {without_target} had no target");
    assert!(equal > 700 && different < 80);
}
