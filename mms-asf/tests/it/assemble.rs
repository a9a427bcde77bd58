//! Media objects put together from packets: all forms come out as they went in, and what cannot be
//! whole is reported with all its bytes.

mod any;
mod samples;

use std::time::Duration;

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    Assembled, Assembler, Error, ExtensionValue, Extensions, Header, IncompleteCause, Limits,
    MediaObject, Text, guid,
};

const SIZE: u32 = 400;
const STREAMS: [TestStream; 3] =
    [TestStream::Audio(1), TestStream::Video(2), TestStream::Command(3)];

fn header() -> Header {
    Header::parse(&testing::header(SIZE, 1, &STREAMS)).unwrap()
}

fn assembler() -> Assembler {
    Assembler::new(&header())
}

fn poll(assembler: &mut Assembler) -> Vec<Assembled> {
    std::iter::from_fn(|| assembler.poll()).collect()
}

/// What comes out of packets with one of these payloads each, and at the end.
fn assemble(payloads: &[TestPayload]) -> Vec<Assembled> {
    let mut assembler = assembler();
    for payload in payloads {
        assembler.push(&TestPacket::single(payload.clone()).build(SIZE)).unwrap();
    }
    assembler.finish();
    poll(&mut assembler)
}

/// What matters in most tests: number, data, and what is wrong with it.
type Short<'a> = (u32, &'a [u8], Option<(u32, IncompleteCause)>);

fn short(assembled: &[Assembled]) -> Vec<Short<'_>> {
    assembled
        .iter()
        .map(|assembled| match assembled {
            Assembled::Object(object) => (object.number, &object.data[..], None),
            Assembled::Incomplete { object, offset, cause, .. } => {
                (object.number, &object.data[..], Some((*offset, *cause)))
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

fn object(assembled: &Assembled) -> &MediaObject {
    match assembled {
        Assembled::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

/// A part of an object of ten bytes of stream 2.
fn part(number: u32, offset: u32, data: &[u8]) -> TestPayload {
    TestPayload::part(2, number, 3000, 10, offset, data)
}

/// The same without replicated data, so that neither size nor time are given.
fn bare(number: u32, offset: u32, data: &[u8]) -> TestPayload {
    TestPayload { replicated: Vec::new(), ..part(number, offset, data) }
}

#[test]
fn an_object_in_one_payload_is_a_slice_of_its_packet() {
    let mut assembler = assembler();
    let whole = TestPayload::whole(0x82, 7, 3000, b"whole");
    let list = TestPayload::compressed(1, 8, 4000, 20, &[b"one", b"", b"three"]);
    let packet = TestPacket::multiple(vec![whole, list]).build(SIZE);
    assembler.push(&packet).unwrap();
    let made = poll(&mut assembler);
    for made in &made {
        assert!(packet.as_ptr_range().contains(&object(made).data.as_ptr()));
    }
    let made: Vec<_> = made.iter().map(object).collect();
    let fields: Vec<_> = made
        .iter()
        .map(|o| (o.stream, o.number, o.presentation_time, o.key_frame, &o.data[..]))
        .collect();
    let wanted: [(_, _, _, _, &[u8]); 3] =
        [(2, 7, 3000, true, b"whole"), (1, 8, 4000, true, b"one"), (1, 9, 4040, true, b"three")];
    assert_eq!(fields, wanted);
}

#[test]
fn only_the_first_fragment_tells_key_frames() {
    let first = TestPayload { stream: 0x82, ..part(1, 0, b"01234") };
    let made = assemble(&[first, part(1, 5, b"56789"), part(2, 0, b"01234"), part(2, 5, b"56789")]);
    assert!(object(&made[0]).key_frame);
    assert!(!object(&made[1]).key_frame);
    assert_eq!((object(&made[0]).packet, object(&made[1]).packet), (0, 2));
}

#[test]
fn later_fragments_may_declare_no_size() {
    let mut old = part(1, 5, b"56789");
    old.replicated.fill(0);
    let made = assemble(&[part(1, 0, b"01234"), old]);
    assert_eq!(short(&made), [(1, &b"0123456789"[..], None)]);
    assert_eq!(object(&made[0]).presentation_time, 3000);
}

#[test]
fn objects_of_unknown_size_end_where_the_next_one_starts() {
    let made = assemble(&[bare(1, 0, b"01234"), bare(1, 5, b"567"), bare(1, 0, b"89")]);
    assert_eq!(short(&made), [(1, &b"01234567"[..], None), (1, b"89", None)]);
    let made = assemble(&[bare(1, 0, b"0"), bare(2, 0, b"1"), part(3, 0, b"0123456789")]);
    assert_eq!(short(&made), [(1, &b"0"[..], None), (2, b"1", None), (3, b"0123456789", None)]);
    // The time is the packet's send time.
    let packet = TestPacket { send_time: 55, ..TestPacket::single(bare(1, 0, b"0")) };
    let mut assembler = assembler();
    assembler.push(&packet.build(SIZE)).unwrap();
    assert_eq!(assembler.poll(), None);
    assembler.finish();
    assert_eq!(object(&assembler.poll().unwrap()).presentation_time, 55);
}

#[test]
fn what_is_missing_is_said() {
    use IncompleteCause::{End, Hole, NextBegan, NoBeginning, Overlap, SizeChanged, TooLong};
    let start = part(1, 0, b"01234");
    let other_size = TestPayload::part(2, 1, 3000, 11, 5, b"56789x");
    let other_time = TestPayload::part(2, 1, 3001, 10, 5, b"56789");
    let list = TestPayload::compressed(2, 2, 3000, 20, &[b"one"]);
    let cases: [(&[TestPayload], &[Short<'_>]); 9] = [
        (&[part(1, 6, b"6789")], &[(1, b"6789", Some((6, NoBeginning)))]),
        (
            &[part(1, 3, b"34"), part(1, 5, b"56789"), part(2, 0, b"0123456789")],
            &[(1, b"3456789", Some((3, NoBeginning))), (2, b"0123456789", None)],
        ),
        (
            &[start.clone(), part(1, 6, b"6"), part(1, 7, b"789")],
            &[(1, b"01234", Some((0, Hole))), (1, b"6789", Some((6, NoBeginning)))],
        ),
        (
            &[start.clone(), part(1, 4, b"456789")],
            &[(1, b"01234", Some((0, Overlap))), (1, b"456789", Some((4, NoBeginning)))],
        ),
        // Sent twice from its beginning.
        (
            &[start.clone(), start.clone(), part(1, 5, b"56789")],
            &[(1, b"01234", Some((0, Overlap))), (1, b"0123456789", None)],
        ),
        (
            &[start.clone(), other_size],
            &[(1, b"01234", Some((0, SizeChanged))), (1, b"56789x", Some((5, NoBeginning)))],
        ),
        (
            &[start.clone(), part(1, 5, b"56789x")],
            &[(1, b"01234", Some((0, TooLong))), (1, b"56789x", Some((5, TooLong)))],
        ),
        // 256 objects went missing.
        (
            &[start.clone(), other_time],
            &[(1, b"01234", Some((0, NextBegan))), (1, b"56789", Some((5, NoBeginning)))],
        ),
        (
            &[start.clone(), list, start],
            &[
                (1, b"01234", Some((0, NextBegan))),
                (2, b"one", None),
                (1, b"01234", Some((0, End))),
            ],
        ),
    ];
    for (payloads, wanted) in cases {
        assert_eq!(short(&assemble(payloads)), wanted, "{payloads:?}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_the_rest_comes_out() {
    let mut broken = TestPayload::compressed(1, 1, 3000, 20, &[b"one", b"three"]);
    broken.data.pop();
    let whole = TestPayload::whole(2, 1, 3000, b"whole");
    let mut assembler = assembler();
    let pushed = assembler.push(&TestPacket::multiple(vec![broken, whole.clone()]).build(SIZE));
    assert!(matches!(pushed, Err(Error::Malformed { expected: "a media object", .. })));
    assert_eq!(short(&poll(&mut assembler)), [(1, &b"one"[..], None), (1, b"whole", None)]);

    assert!(assembler.push(&Bytes::from_static(&[0xFF; 9])).is_err());
    assembler.push(&TestPacket::single(whole).build(SIZE)).unwrap();
    assert_eq!(object(&assembler.poll().unwrap()).packet, 2, "broken packets count");
    assert_eq!(assembler.packets(), 3);
}

#[test]
fn after_a_seek_nothing_is_mixed() {
    let mut assembler = assembler();
    assembler.push(&TestPacket::single(part(1, 0, b"01234")).build(SIZE)).unwrap();
    assembler.finish();
    assembler.push(&TestPacket::single(part(1, 5, b"56789")).build(SIZE)).unwrap();
    let wanted = [
        (1, &b"01234"[..], Some((0, IncompleteCause::End))),
        (1, b"56789", Some((5, IncompleteCause::NoBeginning))),
    ];
    assert_eq!(short(&poll(&mut assembler)), wanted);
}

#[test]
fn declared_gigabytes_cost_nothing() {
    let mut assembler = assembler();
    for n in 0..3_u8 {
        let offset = u32::from(n) * 300;
        let payload = TestPayload::part(2, 1, 3000, u32::MAX, offset, &[n; 300]);
        let packet = TestPacket::single(payload).build(SIZE);
        assembler.push(&packet).unwrap();
        let made = assembler.poll().unwrap();
        let Assembled::Incomplete { object, declared, cause, .. } = made else {
            panic!("{made:?}");
        };
        assert_eq!((declared, cause), (Some(u32::MAX), IncompleteCause::Limit));
        assert!(packet.as_ptr_range().contains(&object.data.as_ptr()));
    }
    assembler.finish();
    assert_eq!(assembler.poll(), None, "nothing was kept");
}

#[test]
fn an_object_grows_up_to_its_limit() {
    let mut limits = Limits::default();
    limits.object_bytes = 8;
    let mut assembler = Assembler::new_with(&header(), &limits);
    for offset in 0..10 {
        assembler.push(&TestPacket::single(bare(1, offset * 3, b"abc")).build(SIZE)).unwrap();
    }
    let made = poll(&mut assembler);
    let offsets: Vec<_> = short(&made).iter().map(|(_, data, why)| (data.len(), *why)).collect();
    let limit = |offset| (6, Some((offset, IncompleteCause::Limit)));
    assert_eq!(offsets, [limit(0), limit(6), limit(12), limit(18)]);
}

#[test]
fn all_streams_together_stay_below_a_limit() {
    let mut limits = Limits::default();
    limits.open_bytes = 1000;
    let mut assembler = Assembler::new_with(&header(), &limits);
    let push = |assembler: &mut Assembler| {
        for stream in 1..=127 {
            let payload = TestPayload::part(stream, 1, 3000, 200, 0, &[stream; 100]);
            assembler.push(&TestPacket::single(payload).build(SIZE)).unwrap();
        }
        let refused = poll(assembler);
        assembler.finish();
        (refused, poll(assembler))
    };
    for _ in 0..2 {
        let (refused, open) = push(&mut assembler);
        assert_eq!((refused.len(), open.len()), (117, 10));
        for (assembled, why) in refused
            .iter()
            .zip(std::iter::repeat(IncompleteCause::Limit))
            .chain(open.iter().zip(std::iter::repeat(IncompleteCause::End)))
        {
            let Assembled::Incomplete { object, cause, .. } = assembled else {
                panic!("{assembled:?}");
            };
            assert_eq!((*cause, &object.data[..]), (why, &[object.stream; 100][..]));
        }
    }
}

#[test]
fn an_object_without_data_is_whole_at_once() {
    let mut assembler = assembler();
    let empty = TestPayload::whole(2, 7, 3_000, b"");
    assembler.push(&TestPacket::multiple(vec![empty]).build(SIZE)).unwrap();
    assert_eq!(short(&poll(&mut assembler)), [(7, &[][..], None)]);
}

#[test]
fn extensions() {
    let systems = [
        (guid::PIXEL_ASPECT_RATIO, 2),
        (guid::FILE_NAME, 0xFFFF),
        (uuid(), 3),
        (guid::CONTENT_TYPE, 1),
        (guid::OUTPUT_CLEAN_POINT, 1),
        (guid::SAMPLE_DURATION, 2),
        (guid::RECORDED_TV_TIMING, 48),
    ];
    let header = header_with_extensions(&systems);
    let stream = header.stream(2).unwrap();
    let mut data = b"\x08\x09\x06\0a\0b\0\0\0xyz\x03\x01\x28\0".to_vec();
    data.extend_from_slice(&[0; 8]);
    data.extend_from_slice(&12_345_678_u64.to_le_bytes());
    data.extend_from_slice(&[0; 32]);

    let mut assembler = Assembler::new(&header);
    let mut push = |extensions: &[u8], fragments: &[&[u8]]| {
        let mut offset = 0;
        let size = fragments.iter().map(|fragment| fragment.len()).sum::<usize>();
        for fragment in fragments {
            let size = size.try_into().unwrap();
            let mut payload = TestPayload::part(2, 1, 3000, size, offset, fragment);
            payload.replicated.extend_from_slice(extensions);
            assembler.push(&TestPacket::single(payload).build(SIZE)).unwrap();
            offset += u32::try_from(fragment.len()).unwrap();
        }
        object(&assembler.poll().unwrap()).clone()
    };
    for fragments in [&[&b"whole"[..]][..], &[b"in ", b"parts"]] {
        let object = push(&data, fragments);
        assert_eq!(object.extension_data, data);
        assert!(object.key_frame, "the extension says so, the flag does not");
        let values: Vec<_> = object.extensions(stream).map(|e| e.value()).collect();
        let Some(Some(ExtensionValue::ContentType(fields))) = values.get(3) else {
            panic!("{values:?}");
        };
        assert!(fields.interlaced && fields.upper_field_first);
        assert!(!fields.lower_field_first && !fields.repeat_first_field);
        let wanted = [
            Some(ExtensionValue::PixelAspectRatio { x: 8, y: 9 }),
            Some(ExtensionValue::FileName(Text::new("ab"))),
            None,
            Some(ExtensionValue::ContentType(*fields)),
            Some(ExtensionValue::OutputCleanPoint(true)),
            Some(ExtensionValue::SampleDuration(Duration::from_millis(40))),
            Some(ExtensionValue::RecordedTvTiming(Some(Duration::from_nanos(1_234_567_800)))),
        ];
        assert_eq!(values, wanted);
        assert_eq!(object.extensions(stream).nth(2).unwrap().data, b"xyz");
    }
    // Nothing is read beyond the data, nor behind what does not fit.
    for len in 0..data.len() {
        let object = push(&data[..len], &[b"whole"]);
        let ends = [2, 10, 13, 14, 15, 17, 65];
        let whole = ends.iter().filter(|&&end| end <= len).count();
        assert_eq!(object.extensions(stream).count(), whole, "{len} bytes");
        assert_eq!(object.key_frame, len >= 15);
    }
}

#[test]
fn what_single_extensions_say() {
    let say = |system, data: &[u8]| {
        let declared = header_with_extensions(&[(system, 0xFFFF)]);
        let size = u16::try_from(data.len()).unwrap().to_le_bytes();
        let data = [&size[..], data].concat();
        let declared = &declared.stream(2).unwrap().extensions;
        Extensions::new(declared, &data).next().unwrap().value()
    };
    let timecode = [3, 0, 0x24, 0x59, 0x30, 0x01, 7, 0, 0, 0, 1, 0, 0, 0x80];
    let Some(ExtensionValue::Timecode(said)) = say(guid::TIMECODE, &timecode) else { panic!() };
    assert_eq!((said.range, said.timecode), (3, 0x0130_5924));
    assert_eq!((said.user_bits, said.flags), (7, 0x8000_0001));
    assert_eq!(say(guid::TIMECODE, &timecode[..13]), None);
    let key = Some(ExtensionValue::EncryptionKeyId(guid::HEADER));
    assert_eq!(say(guid::ENCRYPTION_KEY_ID, &guid::HEADER.to_bytes_le()), key);
    assert_eq!(say(guid::ENCRYPTION_KEY_ID, &[0; 15]), None);
    for nothing in [0, u64::MAX] {
        let timing = [0, nothing, 5, 0, 0, 0].map(u64::to_le_bytes).concat();
        let none = Some(ExtensionValue::RecordedTvTiming(None));
        assert_eq!(say(guid::RECORDED_TV_TIMING, &timing), none);
    }
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(7)
}

fn header_with_extensions(systems: &[(uuid::Uuid, u16)]) -> Header {
    let extended = testing::extended_stream_properties(2, systems);
    let mut body = guid::HEADER_EXTENSION_RESERVED.to_bytes_le().to_vec();
    body.extend_from_slice(&[6, 0]);
    body.extend_from_slice(&u32::try_from(extended.len()).unwrap().to_le_bytes());
    body.extend_from_slice(&extended);
    let extension = testing::object(guid::HEADER_EXTENSION, &body);
    let header = testing::header_with(SIZE, 1, 2, &STREAMS, &[extension]);
    let header = Header::parse(&header).unwrap();
    assert_eq!(header.stream(2).unwrap().extensions.len(), systems.len());
    header
}

#[test]
fn a_number_that_returns_is_another_object() {
    // 256 objects later: the same number, size and next offset, but another time.
    let half = |time, offset, byte: u8| TestPayload::part(2, 5, time, 20, offset, &[byte; 10]);
    let found = assemble(&[half(100, 0, b'a'), half(200, 10, b'b')]);
    assert_eq!(
        short(&found),
        [
            (5, &[b'a'; 10][..], Some((0, IncompleteCause::NextBegan))),
            (5, &[b'b'; 10][..], Some((10, IncompleteCause::NoBeginning))),
        ]
    );
    let whole = assemble(&[half(100, 0, b'a'), half(100, 10, b'a')]);
    assert_eq!(short(&whole), [(5, &[b'a'; 20][..], None)]);
}
