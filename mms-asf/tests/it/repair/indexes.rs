//! Indexes that lead to key frames, though not to those of their times.

use std::io::Cursor;
use std::time::Duration;

use bytes::BytesMut;
use mms_asf::testing::{FILE_ID, TestPacket, TestPayload, header, header_with, key_packet, object};
use mms_asf::{
    FileReader, Index, IndexKind, IndexObject, IndexSpecifier, KeyFrames, SeekMethod, SimpleEntry,
    SimpleIndex, StreamKind,
};

use crate::repair::harness::{SIZE, VIDEO, checked, short};
use crate::support::{each_file, samples};

/// A key frame a second for a minute, and an index in which times are late or early.
fn file(late: i32) -> Vec<u8> {
    let packet = |number: u32| {
        let picture = TestPayload::whole(0x81, number, 3_000 + number * 1_000, b"a picture");
        let packet = TestPacket { send_time: number * 1_000, ..TestPacket::single(picture) };
        TestPacket { duration: 1_000, ..packet }.build(SIZE)
    };
    let entries = (0..63).map(|second| {
        let packet = u32::try_from((second + late - 3).clamp(0, 59)).unwrap();
        SimpleEntry { packet, packet_count: 1 }
    });
    let index = SimpleIndex::new(FILE_ID, Duration::from_secs(1), entries).unwrap();
    let mut end = BytesMut::new();
    index.write(&mut end);
    let mut file = header(SIZE, 60, &VIDEO).to_vec();
    file.extend((0..60).flat_map(packet));
    file.extend_from_slice(&end);
    file
}

fn entries(file: &[u8]) -> Vec<u32> {
    let mut reader = FileReader::open(Cursor::new(file)).unwrap();
    let [IndexObject::Simple(index)] = reader.indexes().unwrap() else { panic!("one index") };
    index.entries().map(|entry| entry.packet).collect()
}

#[test]
fn an_index_that_leads_to_key_frames_of_another_time_is_made_anew() {
    let right = checked(&file(0)).unwrap().1;
    assert_eq!(entries(&right), entries(&file(0)));
    for late in [3, 30, 59, 2, -2, -3, -30] {
        let (_, out, repaired) = checked(&file(late)).unwrap();
        assert!(out == right, "{late}");
        assert!(short(&repaired.changes).contains(&"ObjectLeftOut".to_owned()), "{late}");
        // A seek in the input is not led astray.
        let mut reader = FileReader::open(Cursor::new(file(late))).unwrap();
        let point = reader.seek(Duration::from_secs(20), 1).unwrap();
        assert_eq!((point.packet, point.time), (20, Some(Duration::from_secs(20))), "{late}");
        assert_eq!(point.method, SeekMethod::SendTimes);
    }
}

#[test]
fn an_index_object_of_other_times_is_made_anew() {
    let parameters = [&1_000_u32.to_le_bytes()[..], &[1, 0, 1, 0, 3, 0]].concat();
    let parameters = object(mms_asf::guid::INDEX_PARAMETERS, &parameters);
    let specifiers = [IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    let file = |late: u64| {
        let targets = (0..63_u64)
            .map(|second| [Some((second + late).saturating_sub(3).min(59) * u64::from(SIZE))]);
        let index = Index::new(Duration::from_secs(1), &specifiers, targets).unwrap();
        let mut end = BytesMut::new();
        index.write(&mut end);
        let mut file = header_with(SIZE, 60, 2, &VIDEO, std::slice::from_ref(&parameters)).to_vec();
        file.extend((0..60).flat_map(|number| key_packet(number, SIZE, b"a picture")));
        file.extend_from_slice(&end);
        file
    };
    let right = checked(&file(0)).unwrap().1;
    for late in [0, 3, 30] {
        let (_, out, repaired) = checked(&file(late)).unwrap();
        assert!(out == right, "{late}");
        let left_out = short(&repaired.changes).contains(&"ObjectLeftOut".to_owned());
        assert_eq!(left_out, late > 0, "{late}");
    }
}

#[test]
fn an_index_that_rounds_is_kept() {
    for late in [-1, 0, 1] {
        let (_, out, repaired) = checked(&file(late)).unwrap();
        assert_eq!(entries(&out), entries(&file(late)), "{late}");
        assert!(!short(&repaired.changes).contains(&"ObjectLeftOut".to_owned()), "{late}");
    }
}

#[test]
fn entries_before_the_first_key_frame_lead_to_it_or_to_the_start() {
    let mut frames = KeyFrames::default();
    frames.note(7, 5_000);
    frames.note(20, 15_000);
    let astray = |packets: &[u32]| {
        let entries = packets.iter().map(|&packet| SimpleEntry { packet, packet_count: 1 });
        let index = SimpleIndex::new(FILE_ID, Duration::from_secs(1), entries).unwrap();
        frames.led_astray(&index)
    };
    assert_eq!(astray(&[0, 0, 0, 7, 7, 7]), 0);
    assert_eq!(astray(&[0, 20, 8, 7, 7, 7]), 2);
    // Packet 0 has no key frame.
    assert_eq!(astray(&[0, 0, 0, 0, 0, 0, 0, 0]), 2);
}

#[test]
fn indexes_of_encoders_are_right() {
    // Of old versions of libavformat: one left the preroll out, the other had the last key frame
    // for all times.
    let wrong = ["video-ffmpeg-mp43-1mb-simple-index.wmv", "video-g2m2-meeting-plus-wmav2.asf"];
    let mut right = 0;
    each_file(|name, mut reader| {
        let streams = reader.header().streams().iter();
        let mut videos: Vec<u8> =
            streams.filter(|s| s.kind == StreamKind::Video).map(|s| s.number).collect();
        videos.sort_unstable();
        let simple: Vec<_> = reader.indexes().unwrap().to_vec();
        let simple = simple.into_iter().filter_map(|index| match index {
            IndexObject::Simple(index) => Some(index),
            _ => None,
        });
        let size = reader.header().file().packet_size;
        for (stream, index) in videos.into_iter().zip(simple) {
            let mut frames = KeyFrames::default();
            for number in 0..reader.packet_count() {
                let bytes = reader.packet(number).unwrap();
                let Ok(packet) = mms_asf::Packet::parse(&bytes, size) else { continue };
                let payloads = packet.payloads().map_while(Result::ok);
                for payload in payloads.filter(|p| p.stream == stream && p.key_frame) {
                    if payload.begins_object() {
                        frames.note(number, payload.presentation_time.into());
                    }
                }
            }
            if frames.packets() == 0 || index.is_empty() {
                continue;
            }
            for by_time in reader.indexes().unwrap() {
                if let IndexObject::Index(by_time) = by_time {
                    assert_eq!(frames.led_astray_by(by_time, stream, size), 0, "{name}");
                }
            }
            let astray = frames.led_astray(&index);
            assert_eq!(astray > 0, wrong.contains(&name), "{name}: {astray} of {}", index.len());
            right += u32::from(astray == 0);
        }
    });
    assert!(right >= 15 || samples().is_none(), "{right}");
}
