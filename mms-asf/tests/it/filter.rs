//! Files that lose streams: the others stay as they are.

mod header;
mod real;

use std::io::Cursor;

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    Change, Error, FileError, FileReader, FilterOptions, Filtered, Header, Packet, Rebase,
    RepairOptions, filter, repair,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

const SIZE: u32 = 400;
const STREAMS: [TestStream; 4] =
    [TestStream::Audio(1), TestStream::Video(2), TestStream::Audio(3), TestStream::Command(4)];

fn filtered(file: &[u8], keep: &[u8]) -> Result<(Filtered, Vec<u8>), FileError> {
    let mut out = Cursor::new(Vec::new());
    let filtered = filter(file, &mut out, keep, &FilterOptions::default())?;
    Ok((filtered, out.into_inner()))
}

/// A payload with all that is said about it, and the send time and duration of its packet.
type Content = ((u32, u16), (u8, bool, u32, u32), Option<u32>, u32, Vec<u8>, Vec<u8>);

/// The payloads of these streams, in the order of the file.
fn payloads(file: &[u8], keep: &[u8]) -> Vec<Content> {
    let mut reader = FileReader::open(Cursor::new(file)).unwrap();
    let size = reader.header().file().packet_size;
    let mut found = Vec::new();
    for number in 0..reader.packet_count() {
        let bytes = reader.packet(number).unwrap();
        let Ok(packet) = Packet::parse(&bytes, size) else { continue };
        for payload in packet.payloads().map_while(Result::ok) {
            if keep.contains(&payload.stream) {
                found.push((
                    (packet.send_time(), packet.duration()),
                    (payload.stream, payload.key_frame, payload.object_number, payload.offset),
                    payload.object_size,
                    payload.presentation_time,
                    payload.extensions.to_vec(),
                    payload.data.to_vec(),
                ));
            }
        }
    }
    found
}

/// The numbers of all streams of which there are payloads.
fn present(file: &[u8]) -> Vec<u8> {
    (0..=127).filter(|&number| !payloads(file, &[number]).is_empty()).collect()
}

/// Sizes, counts and indexes are those of the file.
fn is_whole(file: &[u8], packets: u64) {
    let reader = FileReader::open(Cursor::new(file)).unwrap();
    let header = reader.header();
    assert_eq!(header.deviations(), []);
    assert_eq!(header.file().file_size, file.len() as u64);
    assert_eq!((header.file().packet_count, reader.packet_count()), (packets, packets));
    let mut again = Cursor::new(Vec::new());
    let mut options = RepairOptions::default();
    options.rebase = Rebase::None;
    let repaired = repair(file, &mut again, &options).unwrap();
    assert_eq!(repaired.changes, []);
    assert!(again.get_ref() == file, "there is nothing to repair");
}

fn file_of(packets: &[Vec<TestPayload>]) -> Vec<u8> {
    let mut file = testing::header(SIZE, packets.len() as u64, &STREAMS).to_vec();
    for (number, payloads) in (0_u32..).zip(packets) {
        let packet = TestPacket {
            send_time: number * 1_000,
            duration: 1_000,
            ..TestPacket::multiple(payloads.clone())
        };
        file.extend_from_slice(&packet.build(SIZE));
    }
    file
}

fn payload() -> impl Strategy<Value = TestPayload> {
    // Stream 5 is not declared.
    let stream = (1..=5_u8, any::<bool>()).prop_map(|(stream, key)| stream | u8::from(key) << 7);
    (stream, 0..4_u32, 0..9_000_u32, vec(any::<u8>(), 0..40), any::<bool>()).prop_map(
        |(stream, object, time, data, compressed)| match compressed {
            true => TestPayload::compressed(stream, object, time, 40, &[&data, b"more"]),
            false => TestPayload::whole(stream, object, time, &data),
        },
    )
}

#[test]
fn send_times_weeks_after_presentation_times_make_no_weeks() {
    let packet = |number: u32| {
        let time = 3_000 + number * 100;
        let payloads = [1, 0x82].map(|stream| TestPayload::whole(stream, number, time, b"media"));
        let packet = TestPacket::multiple(payloads.to_vec());
        TestPacket { send_time: 3_600_000_000 + number * 100, ..packet }.build(SIZE)
    };
    let mut input = testing::header(SIZE, 50, &STREAMS).to_vec();
    input.extend((0..50).flat_map(packet));
    let mut output = Cursor::new(Vec::new());
    let filtered = filter(&input[..], &mut output, &[2], &FilterOptions::default()).unwrap();
    assert_eq!(filtered.file.media_duration.as_secs(), 5);
    let reader = FileReader::open(output).unwrap();
    assert_eq!(reader.header().file().play_duration.as_secs(), 8);
    assert!(filtered.file.file_size < input.len() as u64 + 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_payloads_of_other_streams_stay(
        packets in vec(vec(payload(), 1..6), 1..12),
        keep in btree_set(1..=4_u8, 1..4),
    ) {
        let file = file_of(&packets);
        let keep: Vec<u8> = keep.into_iter().collect();
        let wanted = payloads(&file, &keep);
        let left = packets
            .iter()
            .filter(|packet| packet.iter().any(|p| keep.contains(&(p.stream & 0x7F))))
            .count() as u64;
        match filtered(&file, &keep) {
            Err(FileError::Format(Error::NothingKept)) => prop_assert_eq!(left, 0),
            Err(error) => panic!("{error}"),
            Ok((report, made)) => {
                prop_assert!(left > 0);
                prop_assert_eq!(payloads(&made, &keep), wanted);
                prop_assert!(present(&made).iter().all(|number| keep.contains(number)));
                is_whole(&made, left);
                prop_assert_eq!(report.file.packets, left);
                prop_assert_eq!(report.removed_packets, packets.len() as u64 - left);
                prop_assert_eq!(report.unreadable_packets, 0);
                for removed in &report.removed {
                    let went = payloads(&file, &[removed.number]);
                    prop_assert!(!keep.contains(&removed.number));
                    prop_assert_eq!(removed.declared.is_some(), removed.number != 5);
                    prop_assert_eq!(removed.payloads, went.len() as u64);
                    let bytes: usize = went.iter().map(|content| content.5.len()).sum();
                    prop_assert_eq!(removed.bytes, bytes as u64);
                }
                let declared = report.removed.iter().filter(|removed| removed.declared.is_some());
                prop_assert_eq!(declared.count(), STREAMS.len() - keep.len());
            }
        }
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(
        packets in vec(vec(payload(), 1..4), 1..5),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = file_of(&packets);
        for (at, value) in damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(cut.index(file.len()) + 1);
        if let Ok((report, made)) = filtered(&file, &[1]) {
            is_whole(&made, report.file.packets);
            prop_assert!(report.file.packets > 0);
        }
    }
}

fn two_packets() -> Vec<u8> {
    let audio = |n| TestPayload::whole(1, n, 3_000 + n * 1_000, b"audio");
    let video = |n| TestPayload::whole(0x82, n, 3_000 + n * 1_000, b"video");
    file_of(&[vec![audio(0), video(0)], vec![audio(1), video(1)]])
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let file = two_packets();
    let refused = |keep: &[u8]| match filtered(&file, keep) {
        Err(FileError::Format(error)) => error,
        other => panic!("{keep:?}: {other:?}"),
    };
    assert_eq!(refused(&[1, 9]), Error::NoSuchStream { number: 9 });
    assert_eq!(refused(&[0]), Error::NoSuchStream { number: 0 });
    assert_eq!(refused(&[]), Error::NothingKept);
    assert_eq!(refused(&[3, 4]), Error::NothingKept, "they have no packets");
    let header = Header::parse(&Bytes::from(file)).unwrap();
    let cut = filtered(header.as_bytes(), &[1]);
    assert!(matches!(cut, Err(FileError::NoPackets)), "{cut:?}");
}

#[test]
fn the_rest_of_the_output_is_left_alone() {
    let file = two_packets();
    let (_, alone) = filtered(&file, &[2]).unwrap();
    let mut out = Cursor::new(b"before".to_vec());
    out.set_position(6);
    filter(file.as_slice(), &mut out, &[2], &FilterOptions::default()).unwrap();
    assert_eq!(out.position(), out.get_ref().len() as u64);
    assert_eq!(out.get_ref().strip_prefix(b"before"), Some(alone.as_slice()));
}

#[test]
fn objects_behind_the_packets_stay_and_indexes_are_made_anew() {
    let mut file = two_packets();
    let xmp = testing::object(mms_asf::guid::XMP, b"<x/>");
    let stale = testing::object(mms_asf::guid::SIMPLE_INDEX, &[0; 32]);
    file.extend_from_slice(&stale);
    file.extend_from_slice(&xmp);
    let (report, made) = filtered(&file, &[2]).unwrap();
    assert!(made.ends_with(&xmp), "kept");
    assert!(report.file.seekable);
    assert!(report.file.changes.contains(&Change::ObjectLeftOut {
        id: mms_asf::guid::SIMPLE_INDEX,
        offset: (file.len() - xmp.len() - stale.len()) as u64,
    }));
    let mut reader = FileReader::open(Cursor::new(made)).unwrap();
    let found = reader.seek(std::time::Duration::from_secs(1), 2).unwrap();
    assert_eq!(found.packet, 1);
    let (report, made) = filtered(&file, &[1]).unwrap();
    assert!(made.ends_with(&xmp) && report.file.seekable);
}

#[test]
fn a_damaged_packet_is_left_out_and_the_cut_last_one_kept() {
    let mut file = two_packets();
    let header = file.len() - 2 * SIZE as usize;
    file.extend_from_within(header..header + 60);
    file[header + 4] = 0xFF;
    let (report, made) = filtered(&file, &[1]).unwrap();
    let changes = &report.file.changes;
    assert!(changes.iter().any(|change| matches!(change, Change::Damage { .. })), "{changes:?}");
    assert_eq!(report.file.packets, payloads(&made, &[1]).len() as u64);
    assert_eq!(present(&made), [1]);
}

#[test]
fn a_header_that_comes_again_is_left_out_and_another_one_ends_the_file() {
    let file = two_packets();
    let twice = [file.as_slice(), &file].concat();
    let (report, made) = filtered(&twice, &[1]).unwrap();
    assert_eq!((report.file.packets, report.file.next), (4, None));
    assert_eq!(payloads(&made, &[1]).len(), 4);
    let offset = file.len() as u64;
    let repeated =
        |change: &Change| matches!(change, Change::Repeated { offset: at, .. } if *at == offset);
    assert!(report.file.changes.iter().any(repeated), "{:?}", report.file.changes);

    let other = testing::header(SIZE, 1, &[TestStream::Audio(1)]);
    let chained = [file.as_slice(), &other, &testing::packet(0, SIZE, b"another")].concat();
    let (report, made) = filtered(&chained, &[1]).unwrap();
    assert_eq!((report.file.packets, report.file.next), (2, Some(offset)));
    assert_eq!(payloads(&made, &[1]), payloads(&file, &[1]));
}

/// A whole file with an index, and payloads of a stream that is not declared.
fn whole() -> Vec<u8> {
    let audio = |n| TestPayload::whole(1, n, 3_000 + n * 1_000, b"audio");
    let video = |n| TestPayload::whole(0x82, n, 3_000 + n * 1_000, b"video");
    let other = |n| TestPayload::whole(5, n, 3_000 + n * 1_000, b"other");
    let file = file_of(&[vec![audio(0), video(0), other(0)], vec![other(1), video(1), audio(1)]]);
    let mut whole = Cursor::new(Vec::new());
    repair(file.as_slice(), &mut whole, &RepairOptions::default()).unwrap();
    whole.into_inner()
}

#[test]
fn a_whole_file_of_which_all_is_kept_stays_as_it_is() {
    let file = whole();
    let (report, made) = filtered(&file, &[4, 3, 2, 1]).unwrap();
    assert!(made == file);
    assert_eq!((report.removed, report.file.changes), (vec![], vec![]));
}

#[test]
fn the_index_of_a_stream_that_went_goes_too() {
    let file = whole();
    let has_index = |file: &[u8]| {
        file.windows(16).any(|window| window == mms_asf::guid::SIMPLE_INDEX.to_bytes_le())
    };
    assert!(has_index(&file));
    let (report, made) = filtered(&file, &[1]).unwrap();
    assert!(!has_index(&made));
    assert_eq!(report.removed.iter().map(|stream| stream.number).collect::<Vec<_>>(), [2, 3, 4, 5]);
    is_whole(&made, 2);
}
