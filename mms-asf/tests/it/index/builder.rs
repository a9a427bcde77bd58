//! Indexes made from packets that are built in code.

use std::time::Duration;

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    Header, Index, IndexBuilder, IndexKind, IndexObject, IndexSpecifier, Indexes, Limits, Packet,
    SimpleIndex, guid,
};

const SIZE: u32 = 200;
const VIDEO: [TestStream; 1] = [TestStream::Video(1)];

fn build(header: &Bytes, packets: &[Bytes], seconds: u64) -> Indexes {
    build_with(header, packets, seconds, &Limits::default())
}

fn build_with(header: &Bytes, packets: &[Bytes], seconds: u64, limits: &Limits) -> Indexes {
    let mut builder = IndexBuilder::new_with(&Header::parse(header).unwrap(), limits);
    for (number, packet) in (0..).zip(packets) {
        if let Ok(packet) = Packet::parse(packet, SIZE) {
            builder.packet(number, &packet);
        }
    }
    builder.finish(Duration::from_secs(seconds))
}

/// A packet with one payload, sent when it is shown.
fn sent(payload: TestPayload) -> Bytes {
    let time = payload.replicated.get(4..8).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
    TestPacket { send_time: time.unwrap_or(0), ..TestPacket::single(payload) }.build(SIZE)
}

fn key(object: u32, millis: u32) -> Bytes {
    sent(TestPayload::whole(0x81, object, millis, b"key"))
}

fn entries(index: &SimpleIndex) -> Vec<(u32, u16)> {
    index.entries().map(|entry| (entry.packet, entry.packet_count)).collect()
}

fn only(indexes: &Indexes) -> Vec<(u32, u16)> {
    assert_eq!(indexes.simple.len(), 1);
    entries(&indexes.simple[0].1)
}

/// An Index Parameters Object.
fn parameters(interval: u32, specifiers: &[(u16, u16)]) -> Bytes {
    let mut body = interval.to_le_bytes().to_vec();
    body.extend_from_slice(&u16::try_from(specifiers.len()).unwrap().to_le_bytes());
    for (stream, kind) in specifiers {
        body.extend_from_slice(&stream.to_le_bytes());
        body.extend_from_slice(&kind.to_le_bytes());
    }
    testing::object(guid::INDEX_PARAMETERS, &body)
}

/// A Header Extension Object with one child.
fn extension(child: &[u8]) -> Bytes {
    let mut body = guid::HEADER_EXTENSION_RESERVED.to_bytes_le().to_vec();
    body.extend_from_slice(&[6, 0]);
    body.extend_from_slice(&u32::try_from(child.len()).unwrap().to_le_bytes());
    body.extend_from_slice(child);
    testing::object(guid::HEADER_EXTENSION, &body)
}

fn column(index: &Index, column: usize) -> Vec<Option<u64>> {
    (0..index.len()).map(|n| index.target(column, n).map(|t| t / u64::from(SIZE))).collect()
}

#[test]
fn entries_point_to_the_last_key_frame() {
    let header = testing::header(SIZE, 4, &VIDEO);
    let other = sent(TestPayload::whole(1, 1, 2_000, b"other"));
    let packets = [other, key(2, 2_100), key(3, 3_000), key(4, 3_001)];
    let made = build(&header, &packets, 6);
    // In front of the first key frame: packet 0, and all that it takes to have that one.
    assert_eq!(only(&made), [(0, 2), (0, 2), (0, 2), (2, 1), (3, 1), (3, 1)]);
    assert_eq!(made.simple[0].1.file_id(), testing::FILE_ID);
    assert_eq!(made.simple[0].1.max_packet_count(), 2);
    assert_eq!(only(&build(&header, &packets, 0)), []);
}

#[test]
fn key_frames_may_be_spread_over_packets() {
    let header = testing::header(SIZE, 9, &VIDEO);
    let part = |stream, object, at, data: &[u8]| {
        sent(TestPayload::part(stream, object, object * 1_000, 9, at, data))
    };
    // Object 1 is marked on its first part only, 2 has a hole, 3 is cut off, 4 says its size once.
    let mut last = TestPayload::part(0x81, 4, 4_000, 0, 3, b"456789");
    last.replicated[..4].fill(0);
    let packets = [
        part(0x81, 1, 0, b"123"),
        testing::packet(0, SIZE, b"").slice(..0),
        part(1, 1, 3, b"456"),
        part(1, 1, 6, b"789"),
        part(0x81, 2, 0, b"123"),
        part(0x81, 2, 6, b"789"),
        part(0x81, 3, 0, b"123"),
        part(0x81, 4, 0, b"123"),
        sent(last),
    ];
    let made = build(&header, &packets, 6);
    assert_eq!(only(&made), [(0, 4), (0, 4), (0, 4), (0, 4), (7, 2), (7, 2)]);
}

#[test]
fn an_object_without_a_size_ends_where_the_next_one_starts() {
    let bare = |stream, object, at| {
        let mut payload = TestPayload::part(stream, object, 0, 0, at, b"data");
        payload.replicated.clear();
        TestPacket { send_time: object * 1_000, ..TestPacket::single(payload) }.build(SIZE)
    };
    let packets = [bare(0x81, 1, 0), bare(0x81, 1, 4), bare(0x81, 2, 0), bare(1, 3, 0)];
    let made = build(&testing::header(SIZE, 4, &VIDEO), &packets, 4);
    assert_eq!(only(&made), [(0, 2), (0, 2), (2, 1), (2, 1)]);
}

#[test]
fn damaged_packets_are_passed_over() {
    let broken = Bytes::from(vec![0xFF; SIZE as usize]);
    let packets = [broken.clone(), key(1, 1_000), broken, key(2, 2_000)];
    let made = build(&testing::header(SIZE, 4, &VIDEO), &packets, 3);
    assert_eq!(only(&made), [(0, 2), (1, 1), (3, 1)]);
}

#[test]
fn indexes_follow_each_other_by_stream_number() {
    let streams = [
        TestStream::Video(9),
        TestStream::Audio(5),
        TestStream::Video(3),
        TestStream::Video(7),
        TestStream::Video(2),
    ];
    let header = testing::header(SIZE, 2, &streams);
    let of = |stream: u8| sent(TestPayload::whole(stream | 0x80, 1, 1_000, b"key"));
    let made = build(&header, &[of(7), of(3), of(5)], 2);
    let found: Vec<_> = made.simple.iter().map(|(number, i)| (*number, entries(i))).collect();
    // Stream 2 has no key frame but comes first, stream 9 comes last and needs no place.
    let wanted = [(2, vec![]), (3, vec![(0, 2), (1, 1)]), (7, vec![(0, 1), (0, 1)])];
    assert_eq!(found, wanted);
    assert_eq!(made.simple[0].1.interval(), Duration::ZERO);
    assert_eq!(made.into_objects().count(), 3);

    let unmarked = sent(TestPayload::whole(2, 1, 1_000, b"other"));
    assert!(build(&header, &[unmarked], 2).is_empty());
}

#[test]
fn times_wrap_and_run_backwards() {
    // Entries a thousand seconds apart.
    let audio = [TestStream::Audio(1)];
    let header = testing::header_with(SIZE, 4, 2, &audio, &[parameters(1_000_000, &[(1, 3)])]);
    let start = u32::MAX - 1_499_999;
    let packets: Vec<_> = (0..4).map(|n| key(n, start.wrapping_add(n * 1_000_000))).collect();
    let entries = u64::from(start).div_ceil(1_000_000) + 4;
    let index = build(&header, &packets, entries * 1_000).index.unwrap();
    assert_eq!(index.len(), entries);
    let last: Vec<_> = column(&index, 0).split_off(usize::try_from(entries).unwrap() - 5);
    assert_eq!(last, [0, 0, 1, 2, 3].map(Some));

    let packets = [key(1, 5_000), key(2, 1_000), key(3, 2_000)];
    let made = build(&testing::header(SIZE, 3, &VIDEO), &packets, 7);
    assert_eq!(only(&made)[1..], [(1, 1), (2, 1), (2, 1), (2, 1), (0, 1), (0, 1)]);
}

#[test]
fn the_declared_index_is_made() {
    let columns = [(1, 3), (1, 2), (1, 1), (2, 3), (1, 0xFF), (90, 3), (1, 3)];
    let more = [extension(&parameters(500, &columns))];
    let streams = [TestStream::Video(1), TestStream::Audio(2)];
    let header = testing::header_with(SIZE, 5, 2, &streams, &more);
    let part = |at, data: &[u8]| sent(TestPayload::part(1, 2, 1_000, 6, at, data));
    let audio = sent(TestPayload::compressed(2, 1, 0, 200, &[b"a", b"b", b"c"]));
    let packets = [key(1, 400), part(0, b"123"), part(3, b"456"), audio, key(3, 1_500)];
    let made = build(&header, &packets, 2);
    let index = made.index.as_ref().unwrap();
    assert_eq!(index.interval(), Duration::from_millis(500));
    let specifiers: Vec<_> = columns
        .iter()
        .map(|(stream, kind)| IndexSpecifier { stream: *stream, kind: IndexKind::from(*kind) })
        .collect();
    assert_eq!(index.specifiers().collect::<Vec<_>>(), specifiers);
    let some = |list: [u64; 4]| list.map(Some).to_vec();
    assert_eq!(column(index, 0), some([0, 0, 0, 4]));
    assert_eq!(column(index, 1), some([0, 0, 1, 4]));
    assert_eq!(column(index, 2), some([0, 0, 2, 4]));
    assert_eq!(column(index, 3), some([3, 3, 3, 3]));
    assert_eq!(column(index, 4), [None; 4], "undocumented");
    assert_eq!(column(index, 5), [None; 4], "no such stream");
    assert_eq!(column(index, 6), column(index, 0));
    let objects: Vec<_> = made.into_objects().collect();
    assert!(matches!(objects[..], [IndexObject::Index(_), IndexObject::Simple(_)]));

    let beside = testing::header_with(SIZE, 5, 2, &streams, &[parameters(1_000, &[(1, 3)])]);
    assert_eq!(build(&beside, &packets, 3).index.unwrap().len(), 3);
    let never = testing::header_with(SIZE, 5, 2, &streams, &[parameters(0, &[(1, 3)])]);
    assert_eq!(build(&never, &packets, 3).index, None);
}

#[test]
fn columns_that_never_have_targets_cost_nothing() {
    // So many for each of so many media objects that nobody would see the end.
    let mut columns: Vec<_> = (4..u16::MAX).map(|kind| (1, kind)).collect();
    columns.push((1, 2));
    let header = testing::header_with(SIZE, 5, 2, &VIDEO, &[parameters(1_000, &columns)]);
    let pieces = [&b"x"[..]; 60];
    let packets: Vec<_> =
        (0..3_000).map(|n| sent(TestPayload::compressed(0x81, n, 0, 0, &pieces))).collect();
    let index = build(&header, &packets, 1).index.unwrap();
    assert_eq!(index.specifiers().count(), columns.len());
    assert_eq!(column(&index, 0), [None]);
    assert_eq!(column(&index, columns.len() - 1), [Some(2_999)]);
}

#[test]
fn memory_has_a_limit() {
    let columns = vec![(1, 3); 1_000];
    let more = [parameters(1, &columns)];
    let header = testing::header_with(SIZE, 4, 2, &VIDEO, &more);
    let packets: Vec<_> = (0..40).map(|n| key(n, n * 1_000)).collect();
    let mut limits = Limits::default();
    limits.index_entries = 20;
    let made = build_with(&header, &packets, u64::MAX / 2, &limits);
    // Half of the targets went to the other index.
    let found = only(&made);
    assert_eq!(found.len(), 20);
    assert_eq!((found[9], found[19]), ((9, 1), (9, 1)));
    assert_eq!(made.index, None, "not even one row");
}

#[test]
fn a_jump_of_weeks_makes_no_index_of_millions() {
    let header = testing::header(SIZE, 40, &VIDEO);
    let day = 86_400_000;
    let packets: Vec<_> =
        (0..40).map(|n| key(n, if n < 20 { n * 1_000 } else { n * 1_000 + 24 * day })).collect();
    let made = build(&header, &packets, 24 * 86_400 + 40);
    let found = only(&made);
    assert_eq!(found.len(), 8_192);
    assert_eq!((found[5], found[19], found[8_191]), ((5, 1), (19, 1), (19, 1)));
    // As many bytes as the packets, where those are more.
    let many: Vec<_> = (0..500).map(|n| key(n, n * 1_000)).collect();
    let made = build(&header, &many, 24 * 86_400);
    assert_eq!(only(&made).len(), 500 * SIZE as usize / 6);
}
