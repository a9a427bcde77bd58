//! Headers, recordings and files, small enough to be made in code.

use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    Deviation, Error, FileError, FileReader, FileWriter, Finalizer, Header, Limits, StreamKind,
    guid,
};

const SIZE: u32 = 256;
const STREAMS: [TestStream; 2] = [TestStream::Audio(1), TestStream::Video(2)];

fn packets(count: u32) -> Vec<Bytes> {
    (0..count).map(|n| testing::packet(n, SIZE, b"media")).collect()
}

fn file(header: &Bytes, packets: &[Bytes]) -> Vec<u8> {
    packets.iter().fold(header.to_vec(), |file, packet| [&file[..], packet].concat())
}

fn record(header: &Header, packets: &[Bytes]) -> Vec<u8> {
    let mut writer = FileWriter::new(Cursor::new(Vec::new()), header).unwrap();
    for packet in packets {
        writer.write_packet(packet).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn header_fields() {
    let more = [testing::content_description("Title", "Ä\u{1F600}")];
    let bytes = testing::header_with(SIZE, 5, 2, &STREAMS, &more);
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(header.deviations(), []);
    assert_eq!(header.as_bytes(), &bytes);
    assert_eq!(header.stream_numbers().collect::<Vec<_>>(), [1, 2]);
    let names: Vec<_> = header.streams().iter().map(|s| s.codec_name()).collect();
    assert_eq!(names, ["WMA 2", "WMV3"]);
    assert_eq!(header.stream(1).unwrap().audio().unwrap().sample_rate, 44_100);
    let video = header.stream(2).unwrap().video().unwrap();
    assert_eq!((video.width, video.height), (320, 240));
    assert_eq!(header.title().as_deref(), Some("Title"));
    assert_eq!(header.author().as_deref(), Some("Ä\u{1F600}"));
    assert_eq!(header.rating(), None);
    assert_eq!(header.file().packet_size, SIZE);
    assert_eq!(header.file().media_duration(), Duration::from_secs(5));
    let ids: Vec<_> = header.objects().iter().filter_map(|object| object.name()).collect();
    assert_eq!(ids.first(), Some(&"File Properties Object"));
    assert_eq!(ids.len(), 5);
}

#[test]
fn header_deviations() {
    let bytes = testing::header(SIZE, 1, &STREAMS);
    let data = bytes.len() - 50;
    let with = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.to_vec();
        edit(&mut bytes);
        Header::parse(&Bytes::from(bytes)).map(|header| header.deviations().to_vec())
    };
    let trailing = Deviation::TrailingBytes { offset: bytes.len() as u64, len: 3 };
    assert_eq!(with(&|b| b.extend([1, 2, 3])), Ok(vec![trailing]));
    let count = Deviation::ChildCount { declared: 9, found: 4 };
    assert_eq!(with(&|b| b[24] = 9), Ok(vec![count]));
    assert_eq!(with(&|b| b[data + 24] ^= 1), Ok(vec![Deviation::FileIdMismatch]));
    let reserved = Deviation::DataObjectReserved { value: 0x0102 };
    assert_eq!(with(&|b| b[data + 48] = 2), Ok(vec![reserved]));
    assert_eq!(with(&|b| b.truncate(data)), Ok(vec![Deviation::DataObjectMissing]));
    assert!(with(&|b| b.truncate(data + 49)).is_err());
    assert!(with(&|b| b.truncate(data - 1)).is_err());
    assert!(with(&|b| b[data] ^= 1).is_err());
    // The size of the first child, then of the second one: what follows them tells the right one.
    let short = Deviation::ChildSize { offset: 30, declared: 23, found: 104 };
    assert_eq!(with(&|b| b[30 + 16] = 23), Ok(vec![short]));
    let second = 30 + 104;
    let long = with(&|b| b[second + 20] = 1).unwrap();
    assert!(matches!(long[..], [Deviation::ChildSize { offset: 134, found: 46, .. }]), "{long:?}");
    // A packet size of 0, which is not possible, and both of them.
    let size = Deviation::PacketSize { minimum: SIZE, maximum: 0, found: SIZE };
    assert_eq!(with(&|b| b[30 + 96..30 + 100].fill(0)), Ok(vec![size]));
    let unfinished = |b: &mut Vec<u8>| {
        b[30 + 92..30 + 100].fill(0);
        b[data + 16..data + 24].fill(0);
    };
    assert!(with(&unfinished).is_err());
}

#[test]
fn stream_numbers_are_checked() {
    let streams = [TestStream::Audio(0), TestStream::Audio(3), TestStream::Command(3)];
    let header = Header::parse(&testing::header(SIZE, 1, &streams)).unwrap();
    assert_eq!(header.streams().len(), 1);
    assert_eq!(header.streams()[0].kind, StreamKind::Audio);
    assert!(matches!(
        header.deviations(),
        [Deviation::StreamNumberZero { .. }, Deviation::DuplicateStream { number: 3, .. }]
    ));
}

#[test]
fn limits_come_first() {
    let bytes = testing::header(SIZE, 1, &STREAMS);
    let check = |edit: &dyn Fn(&mut Limits)| {
        let mut limits = Limits::default();
        edit(&mut limits);
        match Header::parse_with(&bytes, &limits) {
            Err(Error::Limit { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(check(&|l| l.header_bytes = 100), "header size");
    assert_eq!(check(&|l| l.objects = 3), "number of header objects");
    assert_eq!(check(&|l| l.packet_size = SIZE - 1), "packet size");

    let mut huge = guid::HEADER.to_bytes_le().to_vec();
    huge.extend_from_slice(&[0xFF; 8]);
    let open = FileReader::open(Cursor::new(huge));
    assert!(matches!(open, Err(FileError::Format(Error::Limit { value: u64::MAX, .. }))));
}

#[test]
fn streams_inside_the_header_extension_are_found() {
    let plain = Header::parse(&testing::header(SIZE, 1, &[TestStream::Video(5)])).unwrap();
    let nested = plain.objects().last().unwrap().bytes.clone();
    let mut extended = vec![0; 64];
    extended[48] = 5;
    extended[52..60].copy_from_slice(&400_000_u64.to_le_bytes());
    extended[62] = 1;
    extended.extend_from_slice(&guid::SAMPLE_DURATION.to_bytes_le());
    extended.extend_from_slice(&[2, 0, 0, 0, 0, 0]);
    extended.extend_from_slice(&nested);
    let extended = testing::object(guid::EXTENDED_STREAM_PROPERTIES, &extended);
    let mut body = guid::HEADER_EXTENSION_RESERVED.to_bytes_le().to_vec();
    body.extend_from_slice(&[6, 0]);
    body.extend_from_slice(&u32::try_from(extended.len()).unwrap().to_le_bytes());
    body.extend_from_slice(&extended);
    let extension = testing::object(guid::HEADER_EXTENSION, &body);
    let rates = testing::object(guid::STREAM_BITRATE_PROPERTIES, &[1, 0, 5, 0, 0, 0, 1, 0]);

    let header = Header::parse(&testing::header_with(SIZE, 1, 2, &[], &[extension, rates]));
    let header = header.unwrap();
    // Headers that are built here have an empty one in front of it.
    let second = Deviation::Duplicate { what: "Header Extension Object", offset: 180 };
    assert_eq!(header.deviations(), [second]);
    let stream = header.stream(5).unwrap();
    assert!(stream.hidden);
    assert_eq!(stream.bit_rate, Some(65_536));
    assert_eq!(stream.time_per_frame, Some(Duration::from_millis(40)));
    assert_eq!(stream.extensions.len(), 1);
    assert_eq!(stream.extensions[0].size, Some(2));

    // The object's duration: the extension's 100 ms, and 40 ms where it says 1.
    for (extension, end) in [(100, 5100), (1, 5040)] {
        let mut payload = TestPayload::whole(5, 0, 5000, b"frame");
        payload.replicated.extend_from_slice(&[extension, 0]);
        let mut recording = Finalizer::new(&header);
        recording.packet(&TestPacket::single(payload.clone()).build(SIZE));
        recording.packet(&TestPacket::single(payload).build(SIZE));
        let made = Header::parse(&recording.final_header()).unwrap();
        assert_eq!(made.file().play_duration, Duration::from_millis(end));
    }
}

#[test]
fn a_live_stream_becomes_a_file() {
    let live = Header::parse(&testing::live_header(SIZE, &[TestStream::Audio(1)])).unwrap();
    let packets = packets(4);
    let file = record(&live, &packets);
    let reader = FileReader::open(Cursor::new(&file)).unwrap();
    let made = reader.header().file();
    assert_eq!(made.file_id, testing::FILE_ID);
    assert_eq!(made.creation_date, live.file().creation_date);
    assert_eq!(made.file_size, file.len() as u64);
    assert_eq!(made.packet_count, 4);
    assert_eq!(made.flags, 2, "seekable, and the unknown live bit is gone");
    assert_eq!(made.send_duration, Duration::from_secs(4));
    assert_eq!(reader.header().data_size(), 50 + 4 * u64::from(SIZE));
    assert!(reader.header().same_stream(&live));
    assert_eq!(reader.packet_count(), 4);

    let video = Header::parse(&testing::live_header(SIZE, &STREAMS)).unwrap();
    let made = Header::parse(&Bytes::from(record(&video, &packets))).unwrap();
    assert_eq!(made.file().flags, 0, "video without an index");
    assert!(!made.same_stream(&live));
}

#[test]
fn an_unfinished_recording_can_be_read() {
    let header = Header::parse(&testing::header(SIZE, 9, &STREAMS)).unwrap();
    let recording = Finalizer::new(&header);
    let unfinished = Header::parse(&recording.initial_header()).unwrap();
    assert!(unfinished.file().broadcast());
    assert_eq!(unfinished.file().packet_count, 0);
    assert_eq!(unfinished.data_size(), 50);
    assert!(unfinished.same_stream(&header));

    let mut cut = file(&recording.initial_header(), &packets(3));
    cut.extend_from_slice(&[0x82; 100]);
    let reader = FileReader::open(Cursor::new(cut)).unwrap();
    assert_eq!((reader.packet_count(), reader.leftover()), (3, 100));
}

#[test]
fn a_complete_file_is_copied() {
    let bytes = testing::header(SIZE, 3, &STREAMS);
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(record(&header, &packets(3)), file(&bytes, &packets(3)));

    // One packet fewer, and everything is computed.
    let made = Header::parse(&Bytes::from(record(&header, &packets(2)))).unwrap();
    assert_eq!(made.file().packet_count, 2);
    assert_eq!(made.file().send_duration, Duration::from_secs(2));
    assert_eq!(made.file().flags, 2);
}

#[test]
fn times_wrap_during_a_recording() {
    let header = Header::parse(&testing::live_header(SIZE, &[TestStream::Command(1)])).unwrap();
    // Less than a minute before the wrap a recording begins below zero.
    let base = u32::MAX - 61_500;
    for (base, play_duration) in [(base, u64::from(base) + 93_000), (u32::MAX - 57, 92_942)] {
        let mut recording = Finalizer::new(&header);
        for n in 0..4_u32 {
            let time = base.wrapping_add(n * 30_000);
            let payload = TestPayload::whole(1, n, time.wrapping_add(3_000), b"x");
            let packet = TestPacket { send_time: time, duration: 9, ..TestPacket::single(payload) };
            recording.packet(&packet.build(SIZE));
        }
        assert_eq!(recording.media_duration(), Duration::from_secs(90));
        let made = Header::parse(&recording.final_header()).unwrap();
        assert_eq!(made.file().send_duration, Duration::from_millis(90_009));
        assert_eq!(made.file().play_duration, Duration::from_millis(play_duration));
    }
}

#[test]
fn packets_are_found() {
    let header = testing::header(SIZE, 10, &STREAMS);
    let mut reader = FileReader::open(Cursor::new(file(&header, &packets(10)))).unwrap();
    for (millis, packet) in [(0, 0), (999, 0), (1_000, 1), (5_500, 5), (9_000, 9), (u64::MAX, 9)] {
        assert_eq!(reader.packet_at_time(Duration::from_millis(millis)).unwrap(), packet);
    }
    // What is sent shortly before the first packet is out of order, not 49 days late.
    let late = [10_000, 9_000, 11_000].map(|send_time| {
        let payload = TestPayload::whole(1, 0, 13_000, b"x");
        TestPacket { send_time, ..TestPacket::single(payload) }.build(SIZE)
    });
    let late = file(&testing::header(SIZE, 3, &STREAMS), &late);
    let mut late = FileReader::open(Cursor::new(late)).unwrap();
    assert_eq!(late.packet_at_time(Duration::ZERO).unwrap(), 1);
    assert_eq!(late.packet_at_time(Duration::from_secs(1)).unwrap(), 2);

    let start = header.len() as u64;
    let size = u64::from(SIZE);
    for (offset, packet) in
        [(0, 0), (start, 0), (start + size - 1, 0), (start + size, 1), (u64::MAX, 9)]
    {
        assert_eq!(reader.packet_at_offset(offset), packet);
    }
    assert_eq!(reader.packet(4).unwrap(), packets(5)[4]);
    let missing = reader.packet(10);
    assert!(matches!(missing, Err(FileError::NoSuchPacket { number: 10, count: 10 })));

    let mut empty = FileReader::open(Cursor::new(header)).unwrap();
    assert_eq!(empty.packet_count(), 0);
    assert_eq!(empty.packet_at_time(Duration::MAX).unwrap(), 0);
    assert_eq!(empty.packet_at_offset(u64::MAX), 0);
}

/// Counts how often it is sought in.
struct Sought<R> {
    input: R,
    seeks: usize,
}

impl<R: Read> Read for Sought<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.input.read(bytes)
    }
}

impl<R: Seek> Seek for Sought<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.seeks += 1;
        self.input.seek(to)
    }
}

#[test]
fn packets_in_a_row_are_read_without_seeking() {
    let packets = packets(20);
    let file = file(&testing::header(SIZE, 20, &STREAMS), &packets);
    let seeks = |numbers: &[usize]| {
        let input = Sought { input: Cursor::new(&file), seeks: 0 };
        let mut reader = FileReader::open(input).unwrap();
        for &number in numbers {
            assert_eq!(reader.packet(number as u64).unwrap(), packets[number], "{number}");
        }
        reader.into_inner().seeks
    };
    let first = seeks(&[0]);
    assert_eq!(seeks(&(0..20).collect::<Vec<_>>()), first);
    assert_eq!(seeks(&[0, 1, 2, 2, 3, 1, 2, 9, 10]), first + 3);
}

#[test]
fn packets_are_found_after_a_failure_and_after_the_indexes() {
    let packets = packets(20);
    let mut file = file(&testing::header(SIZE, 20, &STREAMS), &packets);
    file.extend_from_slice(&testing::object(guid::SIMPLE_INDEX, &[0; 32]));
    let mut reader = FileReader::open(Cursor::new(&file)).unwrap();
    assert_eq!(reader.packet(3).unwrap(), packets[3]);
    assert_eq!(reader.indexes().unwrap().len(), 1);
    assert_eq!(reader.packet(4).unwrap(), packets[4]);
    assert!(matches!(reader.packet(20), Err(FileError::NoSuchPacket { number: 20, count: 20 })));
    assert_eq!(reader.packet(5).unwrap(), packets[5]);
}

#[test]
fn times_count_from_the_first_packet_and_survive_damage() {
    let header = testing::live_header(SIZE, &STREAMS);
    let mut packets: Vec<_> = (0..20).map(|n| testing::packet(70_000 + n, SIZE, b"x")).collect();
    packets[10] = BytesMut::zeroed(3).freeze();
    packets[10] = Bytes::from(vec![0xFF; SIZE as usize]);
    let mut reader = FileReader::open(Cursor::new(file(&header, &packets))).unwrap();
    for second in [0, 5, 9, 11, 19] {
        assert_eq!(reader.packet_at_time(Duration::from_secs(second)).unwrap(), second);
    }
}

#[test]
fn the_packet_count_is_the_least_of_all_views() {
    let header = testing::header(SIZE, 10, &STREAMS);
    let count = |header: &[u8], packets: &[Bytes]| {
        let file = file(&Bytes::copy_from_slice(header), packets);
        FileReader::open(Cursor::new(file)).unwrap().packet_count()
    };
    assert_eq!(count(&header, &packets(12)), 10);
    assert_eq!(count(&header, &packets(7)), 7);
    let mut short = header.to_vec();
    let data = short.len() - 50;
    short[data + 16..data + 24].copy_from_slice(&(50 + 4 * u64::from(SIZE)).to_le_bytes());
    assert_eq!(count(&short, &packets(12)), 4);
    short[data + 16..data + 24].fill(0);
    short[30 + 56..30 + 64].fill(0);
    assert_eq!(count(&short, &packets(12)), 12, "nothing declared");
}

#[test]
fn a_file_may_start_inside_its_sink() {
    let header = Header::parse(&testing::live_header(SIZE, &STREAMS)).unwrap();
    let mut sink = Cursor::new(Vec::new());
    sink.write_all(b"before").unwrap();
    let mut writer = FileWriter::new(sink, &header).unwrap();
    writer.write_packet(&packets(1)[0]).unwrap();
    assert!(writer.write_packet(&[0; 257]).is_err());
    assert_eq!(writer.finalizer().packets(), 1);
    let mut sink = writer.finish().unwrap();
    assert_eq!(sink.stream_position().unwrap(), sink.seek(SeekFrom::End(0)).unwrap());
    let bytes = sink.into_inner();
    assert_eq!(&bytes[..6], b"before");
    assert_eq!(&bytes[6..], record(&header, &packets(1)));
}
