//! Seeking by indexes and without them, in files that are built in code.

mod steps;
mod tail;

use std::io::{Cursor, Read, Seek};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    Deviation, FileReader, Header, Index, IndexBuilder, IndexKind, IndexObject, IndexSpecifier,
    Limits, MediaObjectIndex, Packet, SeekMethod, SeekPoint, SimpleEntry, SimpleIndex,
    TimecodeIndex, guid,
};
use proptest::prelude::*;

const SIZE: u32 = 200;
const STREAMS: [TestStream; 2] = [TestStream::Video(1), TestStream::Audio(2)];
const METHODS: [SeekMethod; 3] =
    [SeekMethod::SimpleIndex, SeekMethod::Index, SeekMethod::SendTimes];

/// One packet: stream with the key frame flag, and the time at which it is shown.
type Shown = (u8, u32);

fn packets(shown: &[Shown]) -> Vec<Bytes> {
    let packet = |(number, (stream, time)): (u32, &Shown)| {
        let payload = TestPayload::whole(*stream, number, *time, b"media");
        let send_time = time.saturating_sub(3_000);
        TestPacket { send_time, ..TestPacket::single(payload) }.build(SIZE)
    };
    (0..).zip(shown).map(packet).collect()
}

/// A complete file that declares an Index Object for all streams, and these objects behind it.
fn file(packets: &[Bytes], objects: &[IndexObject]) -> Vec<u8> {
    let mut parameters = 1_000_u32.to_le_bytes().to_vec();
    parameters.extend_from_slice(&[2, 0, 1, 0, 3, 0, 2, 0, 3, 0]);
    let more = [testing::object(guid::INDEX_PARAMETERS, &parameters)];
    let count = packets.len() as u64;
    let mut file = testing::header_with(SIZE, count, 2, &STREAMS, &more).to_vec();
    file.extend(packets.iter().flatten());
    for object in objects {
        let mut bytes = BytesMut::new();
        object.write(&mut bytes);
        file.extend_from_slice(&bytes);
    }
    file
}

fn built(packets: &[Bytes], play_duration: Duration) -> Vec<IndexObject> {
    let header = Header::parse(&Bytes::from(file(packets, &[]))).unwrap();
    let mut builder = IndexBuilder::new(&header);
    for (number, packet) in (0..).zip(packets) {
        if let Ok(packet) = Packet::parse(packet, SIZE) {
            builder.packet(number, &packet);
        }
    }
    builder.finish(play_duration).into_objects().collect()
}

fn open(bytes: Vec<u8>) -> FileReader<Cursor<Vec<u8>>> {
    FileReader::open(Cursor::new(bytes)).unwrap()
}

/// Packet, media time in milliseconds and method of a seek for a media time in milliseconds.
fn seek<R: Read + Seek>(
    reader: &mut FileReader<R>,
    millis: u64,
    stream: u8,
) -> (u64, Option<u64>, SeekMethod) {
    let SeekPoint { packet, time, method, .. } =
        reader.seek(Duration::from_millis(millis), stream).unwrap();
    let millis = time.map(|time| u64::try_from(time.as_millis()).unwrap());
    (packet, millis, method)
}

/// Key frames of the video stream at 0, 1.5 and 4 seconds of media time.
fn example() -> Vec<Bytes> {
    packets(&[
        (0x82, 3_000),
        (0x81, 3_000),
        (0x01, 4_000),
        (0x81, 4_500),
        (0x82, 5_000),
        (0x01, 6_000),
        (0x81, 7_000),
    ])
}

fn simple(entries: &[u32]) -> IndexObject {
    let entries = entries.iter().map(|&packet| SimpleEntry { packet, packet_count: 1 });
    SimpleIndex::new(testing::FILE_ID, Duration::from_secs(1), entries).unwrap().into()
}

const STALE: Deviation = Deviation::StaleIndex { what: "Simple Index Object", stream: 1 };

#[test]
fn an_index_is_used_where_there_is_one() {
    let objects = built(&example(), Duration::from_secs(8));
    let mut reader = open(file(&example(), &objects));
    assert_eq!(reader.indexes().unwrap(), objects);
    let by = SeekMethod::SimpleIndex;
    for (millis, packet, time) in
        [(0, 1, 0), (1_499, 1, 0), (1_500, 3, 1_500), (3_999, 3, 1_500), (9_999, 6, 4_000)]
    {
        assert_eq!(seek(&mut reader, millis, 1), (packet, Some(time), by));
    }
    assert_eq!(seek(&mut reader, 2_500, 2), (4, Some(2_000), SeekMethod::Index));
    assert_eq!(reader.deviations(), []);

    let mut reader = open(file(&example(), &objects[..1]));
    assert_eq!(seek(&mut reader, 2_500, 1), (3, Some(1_500), SeekMethod::Index));
    let mut reader = open(file(&example(), &[]));
    assert_eq!(seek(&mut reader, 2_500, 1), (3, Some(1_500), SeekMethod::SendTimes));
    assert_eq!(seek(&mut reader, 2_500, 2), (4, Some(2_000), SeekMethod::SendTimes));
    assert_eq!(seek(&mut reader, 2_500, 3), (0, None, SeekMethod::SendTimes));
}

#[test]
fn no_key_frame_in_time_is_no_fault_of_the_index() {
    let packets = packets(&[(0x01, 3_000), (0x01, 3_500), (0x81, 5_000)]);
    for objects in [built(&packets, Duration::from_secs(6)), vec![simple(&[2; 9])], vec![]] {
        let mut reader = open(file(&packets, &objects));
        assert_eq!(seek(&mut reader, 1_999, 1), (0, None, SeekMethod::SendTimes));
        assert_eq!(seek(&mut reader, 2_000, 1).0, 2);
        assert_eq!(reader.deviations(), []);
    }
    let mut empty = open(file(&[], &[]));
    assert_eq!(seek(&mut empty, 1_000, 1), (0, None, SeekMethod::SendTimes));
}

#[test]
fn a_stale_index_is_left_alone() {
    let no_key_frame = simple(&[2; 9]);
    let other_stream = simple(&[4; 9]);
    let too_late = simple(&[6; 9]);
    let outside = simple(&[7; 9]);
    let far_outside = simple(&[u32::MAX; 9]);
    let first = simple(&[0; 9]);
    for object in [no_key_frame, other_stream, too_late, outside, far_outside, first] {
        let mut reader = open(file(&example(), &[object]));
        for _ in 0..2 {
            assert_eq!(seek(&mut reader, 2_500, 1), (3, Some(1_500), SeekMethod::SendTimes));
        }
        assert_eq!(reader.deviations(), [STALE]);
    }
    let mut broken = example();
    broken[1] = Bytes::from(vec![0xFF; SIZE as usize]);
    let mut reader = open(file(&broken, &[simple(&[1; 9])]));
    assert_eq!(seek(&mut reader, 2_500, 1), (3, Some(1_500), SeekMethod::SendTimes));
    assert_eq!(reader.deviations(), [STALE]);
}

#[test]
fn an_index_that_ends_in_zeros_is_found_out() {
    let shown: Vec<Shown> = (0..9).map(|number| (0x81, 3_000 + number * 1_000)).collect();
    let packets = packets(&shown);
    let index = simple(&[0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]);
    let mut reader = open(file(&packets, std::slice::from_ref(&index)));
    assert_eq!(seek(&mut reader, 2_000, 1), (2, Some(2_000), SeekMethod::SimpleIndex));
    assert_eq!(reader.deviations(), []);
    assert_eq!(seek(&mut reader, 7_500, 1), (7, Some(7_000), SeekMethod::SendTimes));
    assert_eq!(reader.deviations(), [STALE]);

    // Where there are more packets between than may be read in a row, too.
    let late = |n: u32| (if n % 36 == 0 { 0x81 } else { 1 }, 3_000 + n * 20);
    let shown: Vec<Shown> = (0..40).map(late).collect();
    let file = Cursor::new(file(&self::packets(&shown), &[simple(&[0; 9])]));
    let mut limits = Limits::default();
    limits.search_packets = 10;
    let mut reader = FileReader::open_with(file, &limits).unwrap();
    assert_eq!(seek(&mut reader, 760, 1), (36, Some(720), SeekMethod::SendTimes));
    assert_eq!(reader.deviations(), [STALE]);
    assert_eq!(seek(&mut reader, 600, 1), (0, Some(0), SeekMethod::SimpleIndex));
}

#[test]
fn offsets_must_lead_to_packets() {
    let one = [IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    let second = Duration::from_secs(1);
    let size = u64::from(SIZE);
    for target in [3 * size + 1, 7 * size, u64::MAX, u64::MAX - u64::MAX % size] {
        let index = Index::new(second, &one, [[Some(target)]; 9]).unwrap();
        let mut reader = open(file(&example(), &[index.into()]));
        assert_eq!(seek(&mut reader, 2_500, 1), (3, Some(1_500), SeekMethod::SendTimes));
        let stale = Deviation::StaleIndex { what: "Index Object", stream: 1 };
        assert_eq!(reader.deviations(), [stale]);
    }
    let none = Index::new(second, &one, [[None]; 9]).unwrap();
    let never = Index::new(Duration::ZERO, &one, [[Some(size)]; 9]).unwrap();
    for index in [none, never] {
        let mut reader = open(file(&example(), &[index.into()]));
        assert_eq!(seek(&mut reader, 2_500, 1), (3, Some(1_500), SeekMethod::SendTimes));
        assert_eq!(reader.deviations(), []);
    }
}

#[test]
fn media_objects_and_timecodes_are_looked_up() {
    let columns = [
        IndexSpecifier { stream: 1, kind: IndexKind::Other(0xFF) },
        IndexSpecifier { stream: 1, kind: IndexKind::MediaObject },
    ];
    let at = |packet: u64| [None, Some(packet * u64::from(SIZE))];
    let objects = MediaObjectIndex::new(2, &columns, [at(1), at(3), at(4), at(70)]).unwrap();
    let codes = [(0, 0x10_0000, at(1)), (0, 0x20_0000, at(6)), (1, 0x10_0000, at(3))];
    let codes = TimecodeIndex::new(&columns, codes).unwrap();
    let mut reader = open(file(&example(), &[objects.into(), codes.into()]));
    assert_eq!(reader.packet_of_object(1, 1).unwrap(), Some(1));
    assert_eq!(reader.packet_of_object(2, 1).unwrap(), Some(3));
    assert_eq!(reader.packet_of_object(8, 1).unwrap(), None, "behind the index");
    assert_eq!(reader.packet_of_object(2, 2).unwrap(), None, "no column");
    assert_eq!(reader.packet_of_timecode(0, 0x15_1224, 1).unwrap(), Some(1));
    assert_eq!(reader.packet_of_timecode(0, 0x20_0000, 1).unwrap(), Some(6));
    assert_eq!(reader.packet_of_timecode(1, 0x99_0000, 1).unwrap(), Some(3));
    assert_eq!(reader.packet_of_timecode(0, 0x09_0000, 1).unwrap(), None);
    assert_eq!(reader.deviations(), []);
    let stale = Deviation::StaleIndex { what: "Media Object Index Object", stream: 1 };
    for object in [4, 6] {
        assert_eq!(reader.packet_of_object(object, 1).unwrap(), None, "another stream, outside");
        assert_eq!(reader.deviations(), std::slice::from_ref(&stale));
    }
}

#[test]
fn limits_hold_behind_the_data() {
    let objects = built(&example(), Duration::from_secs(8));
    let whole = file(&example(), &objects);
    let reader = |edit: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        edit(&mut limits);
        FileReader::open_with(Cursor::new(whole.clone()), &limits).unwrap()
    };
    // The Index Object is too large, the Simple Index is not.
    let mut small = reader(&|limits| limits.index_bytes = 120);
    assert_eq!(small.indexes().unwrap(), &objects[1..]);
    assert!(matches!(small.deviations(), [Deviation::Unreadable { what: "Index Object", .. }]));
    let mut short = reader(&|limits| limits.search_packets = 1);
    let point = short.seek_with(SeekMethod::SendTimes, Duration::from_secs(3), 1).unwrap();
    assert_eq!((point.packet, point.time), (0, None));
    let point = short.seek(Duration::from_secs(3), 1).unwrap();
    assert_eq!((point.packet, point.method), (3, SeekMethod::SimpleIndex));
}

fn shown() -> impl Strategy<Value = Vec<Shown>> {
    let stream = prop::sample::select(vec![0x81_u8, 0x01, 0x01, 0x82, 0x02]);
    prop::collection::vec((stream, 0..900_u32), 1..60).prop_map(|steps| {
        let mut time = 3_000;
        let step = |(stream, step)| {
            time += step;
            (stream, time)
        };
        steps.into_iter().map(step).collect()
    })
}

#[test]
fn send_times_that_count_from_elsewhere_lead_to_key_frames() {
    for first in [0, 6_000, 36_000_000, 0x8000_0000, 3_600_000_000] {
        let packet = |number: u32| {
            let key = if number % 4 == 0 { 0x81 } else { 1 };
            let payload = TestPayload::whole(key, number, 3_000 + number * 1_000, b"media");
            let send_time = first + number * 1_000;
            TestPacket { send_time, ..TestPacket::single(payload) }.build(SIZE)
        };
        let mut reader = open(file(&(0..40).map(packet).collect::<Vec<_>>(), &[]));
        for (millis, found) in [(0, 0), (9_500, 8), (28_000, 28), (60_000, 36)] {
            let time = Some(found * 1_000);
            let wanted = (found, time, SeekMethod::SendTimes);
            assert_eq!(seek(&mut reader, millis, 1), wanted, "{first} {millis}");
        }
    }
}

proptest! {
    #[test]
    fn a_seek_leads_to_the_last_key_frame(
        shown in shown(),
        times in prop::collection::vec(0..30_000_u64, 8),
        damaged in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut packets = packets(&shown);
        let damaged = damaged.map(|at| at.index(packets.len()));
        if let Some(at) = damaged {
            packets[at] = Bytes::from(vec![0xFF; SIZE as usize]);
        }
        let last = shown.last().unwrap().1;
        let objects = built(&packets, Duration::from_millis(u64::from(last) + 1));
        let mut reader = open(file(&packets, &objects));
        for time in times {
            for stream in [1, 2] {
                let best = shown.iter().enumerate().rfind(|(at, (number, shown))| {
                    let key = *number & 0x7F == 2 || *number == 0x81;
                    let same = key && number & 0x7F == stream;
                    same && u64::from(*shown) <= time + 3_000 && Some(*at) != damaged
                });
                let wanted = best.map(|(at, (_, shown))| (at as u64, u64::from(*shown) - 3_000));
                for method in METHODS {
                    let at = Duration::from_millis(time);
                    let point = reader.seek_with(method, at, stream).unwrap();
                    let found = (point.packet, point.time);
                    let millis = wanted.map(|(_, millis)| Duration::from_millis(millis));
                    prop_assert_eq!(found, (wanted.map_or(0, |(at, _)| at), millis));
                }
            }
        }
        prop_assert_eq!(reader.deviations(), []);
    }

    #[test]
    fn whatever_an_index_says_the_last_key_frame_is_found(
        shown in shown(),
        entries in prop::collection::vec(0..70_u32, 0..40),
        kind in 0..4_u8,
        times in prop::collection::vec(0..30_000_u64, 8),
    ) {
        let packets = packets(&shown);
        let keys = || shown.iter().enumerate().filter(|(_, (stream, _))| *stream == 0x81);
        let key = |time: u64| keys().rfind(|(_, (_, at))| u64::from(*at) <= time);
        let right = |second: u32| {
            key(u64::from(second) * 1_000).map_or(0, |(at, _)| u32::try_from(at).unwrap())
        };
        let right = (0..=shown.last().unwrap().1 / 1_000).map(right);
        let entries: Vec<u32> = match kind {
            0 => entries,
            1 => right.take(entries.len()).collect(),
            2 => right.rev().collect(),
            _ => right.enumerate().map(|(n, at)| if n > entries.len() { 0 } else { at }).collect(),
        };
        let offsets = entries.iter().map(|&packet| [Some(u64::from(packet) * u64::from(SIZE))]);
        let one = [IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
        let index = Index::new(Duration::from_secs(1), &one, offsets).unwrap();
        let mut reader = open(file(&packets, &[simple(&entries), index.into()]));
        for time in times {
            let best = key(time + 3_000);
            let wanted = best.map_or(0, |(at, _)| at as u64);
            let millis = best.map(|(_, (_, at))| Duration::from_millis(u64::from(*at) - 3_000));
            for method in METHODS {
                let point = reader.seek_with(method, Duration::from_millis(time), 1).unwrap();
                prop_assert_eq!((point.packet, point.time), (wanted, millis), "{:?}", entries);
            }
        }
    }
}
