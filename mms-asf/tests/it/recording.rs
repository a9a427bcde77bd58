//! What a finished recording has besides its packets: indexes, and a header that fits them.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use mms_asf::objects::{Body, IndexParameters, ScriptCommand, ScriptCommands};
use mms_asf::testing::{
    self, TestPacket, TestPayload, TestStream, header_with, key_packet, object, packet,
};
use mms_asf::{
    FileReader, FileWriter, Finalizer, Header, IndexKind, IndexObject, IndexSpecifier, Rebase, guid,
};

const SIZE: u32 = 256;

/// A header like a live server's, with these objects as last children.
fn live(streams: &[TestStream], more: &[Bytes]) -> Header {
    Header::parse(&header_with(SIZE, 0, 9, streams, more)).unwrap()
}

/// The children of a header extension.
fn extension(children: &[Bytes]) -> Bytes {
    let len = children.iter().map(Bytes::len).sum::<usize>();
    let mut body = guid::HEADER_EXTENSION_RESERVED.to_bytes_le().to_vec();
    body.extend_from_slice(&6_u16.to_le_bytes());
    body.extend_from_slice(&u32::try_from(len).unwrap().to_le_bytes());
    children.iter().for_each(|child| body.extend_from_slice(child));
    object(guid::HEADER_EXTENSION, &body)
}

fn parameters() -> Bytes {
    let mut body = IndexParameters::default();
    body.interval = 1_000;
    body.specifiers = vec![IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    body.encode().unwrap().bytes
}

fn record(header: &Header, packets: &[Bytes], rebase: Rebase) -> Vec<u8> {
    let mut writer = FileWriter::rebased(Cursor::new(Vec::new()), header, rebase).unwrap();
    for packet in packets {
        writer.write_packet(packet).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The header, and what lies behind the packets.
fn parts(file: &[u8]) -> (Header, Vec<IndexObject>) {
    let reader = FileReader::open(Cursor::new(file)).unwrap();
    let header = reader.header().clone();
    assert_eq!(header.file().file_size, file.len() as u64);
    assert_eq!(reader.packet_count(), header.file().packet_count);
    let at = header.len() + usize::try_from(reader.packet_count()).unwrap() * SIZE as usize;
    let mut rest = Bytes::copy_from_slice(&file[at..]);
    let mut objects = Vec::new();
    while !rest.is_empty() {
        let object = IndexObject::parse(&rest).unwrap();
        let size = usize::try_from(u64::from_le_bytes(*rest[16..].first_chunk().unwrap())).unwrap();
        rest = rest.slice(size..);
        objects.push(object);
    }
    (header, objects)
}

fn ids(header: &Header) -> Vec<uuid::Uuid> {
    header.objects().iter().chain(header.extension_objects()).map(|o| o.id).collect()
}

#[test]
fn video_gets_an_index_and_can_be_seeked() {
    let packets: Vec<_> = (0..5).map(|n| key_packet(n, SIZE, b"picture")).collect();
    let header = live(&[TestStream::Video(1)], &[]);
    let (made, objects) = parts(&record(&header, &packets, Rebase::None));
    assert!(made.file().seekable());
    let [IndexObject::Simple(index)] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!(index.file_id(), testing::FILE_ID);
    let packets: Vec<_> = index.entries().map(|entry| entry.packet).collect();
    assert_eq!(packets, [0, 0, 0, 0, 1, 2, 3, 4]);
}

#[test]
fn video_without_a_key_frame_cannot_be_seeked() {
    let packets: Vec<_> = (0..5).map(|n| packet(n, SIZE, b"picture")).collect();
    let (made, objects) =
        parts(&record(&live(&[TestStream::Video(1)], &[]), &packets, Rebase::None));
    assert!(!made.file().seekable());
    assert_eq!(objects, []);
}

#[test]
fn a_declared_index_is_made() {
    let header = live(&[TestStream::Video(1)], &[extension(&[parameters()])]);
    let packets: Vec<_> = (0..5).map(|n| key_packet(n, SIZE, b"picture")).collect();
    let (made, objects) = parts(&record(&header, &packets, Rebase::None));
    assert!(ids(&made).contains(&guid::INDEX_PARAMETERS));
    let [IndexObject::Index(index), IndexObject::Simple(_)] = objects.as_slice() else {
        panic!("{objects:?}")
    };
    let declared = header.find::<IndexParameters>().unwrap().unwrap().specifiers;
    assert_eq!(index.specifiers().collect::<Vec<_>>(), declared);
}

#[test]
fn what_a_recording_cannot_have_becomes_padding() {
    let others = [
        object(guid::MEDIA_OBJECT_INDEX_PARAMETERS, &[1, 0, 0, 0, 0, 0]),
        object(guid::TIMECODE_INDEX_PARAMETERS, &[1, 0, 0, 0, 0, 0]),
    ];
    let extension = extension(&[others[0].clone(), parameters(), others[1].clone()]);
    let signature = object(guid::DIGITAL_SIGNATURE, &[2, 0, 0, 0, 2, 0, 0, 0, 7, 7]);
    let header = live(&[TestStream::Video(1)], &[extension, signature]);
    let packets: Vec<_> = (0..3).map(|n| packet(n, SIZE, b"picture")).collect();
    let (made, objects) = parts(&record(&header, &packets, Rebase::None));
    assert_eq!(objects, []);
    let gone = [
        guid::DIGITAL_SIGNATURE,
        guid::INDEX_PARAMETERS,
        guid::MEDIA_OBJECT_INDEX_PARAMETERS,
        guid::TIMECODE_INDEX_PARAMETERS,
    ];
    assert!(ids(&made).iter().all(|id| !gone.contains(id)));
    assert_eq!(ids(&made).iter().filter(|&&id| id == guid::PADDING).count(), 4);
    assert_eq!(made.len(), header.len());
    // It is the same stream, and another where a title is in their place.
    assert!(made.same_stream(&header) && header.same_stream(&made));
    let unfinished = Header::parse(&Finalizer::new(&header).initial_header()).unwrap();
    assert!(unfinished.same_stream(&made));
    let mut other = made.as_bytes().to_vec();
    other[header.len() - 50 - 10] ^= 1;
    let other = Header::parse(&other.into()).unwrap();
    assert!(other.same_stream(&header), "inside of what was the signature");
    let mut other = made.as_bytes().to_vec();
    let stream = made.objects().iter().find(|o| o.id == guid::STREAM_PROPERTIES).unwrap();
    other[stream.offset + 80] ^= 1;
    assert!(!Header::parse(&other.into()).unwrap().same_stream(&header));
}

#[test]
fn the_signature_of_an_exact_copy_stays() {
    let signature = object(guid::DIGITAL_SIGNATURE, &[2, 0, 0, 0, 2, 0, 0, 0, 7, 7]);
    let header = header_with(SIZE, 3, 2, &[TestStream::Audio(1)], &[signature]);
    let header = Header::parse(&header).unwrap();
    let packets: Vec<_> = (0..3).map(|n| packet(n, SIZE, b"sound")).collect();
    let (copy, _) = parts(&record(&header, &packets, Rebase::None));
    assert_eq!(copy.as_bytes(), header.as_bytes());
    let (part, _) = parts(&record(&header, &packets[..2], Rebase::None));
    assert!(!ids(&part).contains(&guid::DIGITAL_SIGNATURE));
}

#[test]
fn the_last_picture_lasts_as_long_as_the_one_shown_before_it() {
    let packets = [0, 120, 40, 80, 240, 160, 200].map(|time| {
        let payload = TestPayload::whole(0x81, time, 3_000 + time, b"a picture");
        TestPacket { send_time: time, ..TestPacket::single(payload) }.build(SIZE)
    });
    let (header, _) = parts(&record(&live(&[TestStream::Video(1)], &[]), &packets, Rebase::None));
    assert_eq!(header.file().media_duration(), Duration::from_millis(280));
}

#[test]
fn a_capture_from_the_middle_starts_at_zero() {
    let packets: Vec<_> = (7000..7005).map(|n| key_packet(n, SIZE, b"picture")).collect();
    let header = live(&[TestStream::Video(1)], &[]);
    let late = record(&header, &packets, Rebase::WhenLate);
    let early: Vec<_> = (0..5).map(|n| key_packet(n, SIZE, b"picture")).collect();
    let expected = record(&header, &early, Rebase::None);
    let (made, objects) = parts(&late);
    assert_eq!(made.file().play_duration, Duration::from_secs(8));
    let [IndexObject::Simple(index)] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!(index.len(), 8);
    // Object numbers are the stream's; all else is as if the stream had begun then.
    let mut read = FileReader::open(Cursor::new(&late)).unwrap();
    let mut wanted = FileReader::open(Cursor::new(&expected)).unwrap();
    assert_eq!(made.as_bytes(), wanted.header().as_bytes());
    for number in 0..5 {
        let (a, b) = (read.packet(number).unwrap(), wanted.packet(number).unwrap());
        let times = |bytes: &[u8]| {
            let packet = mms_asf::Packet::parse(bytes, SIZE).unwrap();
            let payload = packet.payloads().next().unwrap().unwrap();
            (packet.send_time(), payload.presentation_time, payload.data.to_vec())
        };
        assert_eq!(times(&a), times(&b));
    }
    let exact = record(&header, &packets, Rebase::None);
    let at = exact.len() - index_len(&exact);
    assert_eq!(&exact[header.len()..at], packets.concat().as_slice(), "byte for byte");
}

fn index_len(file: &[u8]) -> usize {
    let (_, objects) = parts(file);
    let mut bytes = bytes::BytesMut::new();
    objects.iter().for_each(|object| object.write(&mut bytes));
    bytes.len()
}

#[test]
fn script_commands_move_with_the_packets() {
    let mut script = ScriptCommands::default();
    script.kinds = vec![mms_asf::Text::unterminated("TEXT")];
    script.commands =
        [6_999_000, 7_002_000, 7_004_000].map(|time| ScriptCommand::new(time, 0, "now")).to_vec();
    let object = script.encode().unwrap().bytes;
    let header = live(&[TestStream::Video(1)], &[object]);
    let packets: Vec<_> = (7000..7005).map(|n| key_packet(n, SIZE, b"picture")).collect();
    let times = |file: &[u8]| {
        let (made, _) = parts(file);
        assert!(made.same_stream(&header) && made.len() == header.len());
        let script: ScriptCommands = made.find().unwrap().unwrap();
        script.commands.iter().map(|command| command.time).collect::<Vec<_>>()
    };
    assert_eq!(times(&record(&header, &packets, Rebase::WhenLate)), [2_000, 4_000]);
    let kept = [6_999_000, 7_002_000, 7_004_000];
    assert_eq!(times(&record(&header, &packets, Rebase::None)), kept);
}

#[test]
fn a_packet_that_cannot_be_read_is_kept() {
    let header = live(&[TestStream::Audio(1)], &[]);
    let broken = Bytes::from(vec![0xFF; SIZE as usize]);
    let packets = [broken.clone(), packet(500, SIZE, b"x"), broken, packet(501, SIZE, b"y")];
    let file = record(&header, &packets, Rebase::WhenLate);
    let (made, _) = parts(&file);
    assert_eq!(made.file().packet_count, 4);
    let mut reader = FileReader::open(Cursor::new(&file)).unwrap();
    assert_eq!(reader.packet(0).unwrap(), packets[0]);
    assert_eq!(reader.packet(2).unwrap(), packets[2]);
    let packet = reader.packet(3).unwrap();
    assert_eq!(mms_asf::Packet::parse(&packet, SIZE).unwrap().send_time(), 1_000);
}
