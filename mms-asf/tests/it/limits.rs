//! Default limits at their edges: what is just allowed works, and one more does not.

use std::time::Duration;

use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    Assembled, Assembler, Cause, Error, Event, FileReader, Header, IncompleteCause, IndexBuilder,
    Packet, StreamParser, guid,
};

const SIZE: u32 = 200;
const AUDIO: [TestStream; 1] = [TestStream::Audio(1)];

/// All events of this input, and the error that ended them.
fn parse(input: &[u8]) -> (Vec<Event>, Option<Error>) {
    let mut parser = StreamParser::new();
    parser.push(input);
    parser.finish();
    let mut events = Vec::new();
    loop {
        match parser.poll() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

#[track_caller]
fn refused(error: Option<Error>, name: &str, most: u64) {
    let limit = Error::Limit { what: "", value: most + 1, limit: most };
    match error {
        Some(Error::Limit { what, value, limit }) => {
            assert_eq!((what, value, limit), (name, most + 1, most));
        }
        other => panic!("{other:?}, not {limit:?}"),
    }
}

#[test]
fn objects_of_a_header() {
    // File Properties, the Header Extension Object and a stream are there already.
    let header = |objects: usize| {
        let padding = vec![testing::object(guid::PADDING, &[]); objects - 3];
        Header::parse(&testing::header_with(SIZE, 1, 2, &AUDIO, &padding))
    };
    assert_eq!(header(4_096).unwrap().objects().len(), 4_096);
    refused(header(4_097).err(), "number of header objects", 4_096);
}

#[test]
fn the_size_of_packets() {
    let header = |size: u32| Header::parse(&testing::header(size, 1, &AUDIO));
    assert_eq!(header(1 << 20).unwrap().file().packet_size, 1 << 20);
    refused(header((1 << 20) + 1).err(), "packet size", 1 << 20);
}

#[test]
fn the_search_for_the_data_object() {
    let header = testing::header(SIZE, 1, &AUDIO);
    let (head, data) = header.split_at(header.len() - 50);
    let apart =
        |gap: usize| [head, &vec![0xAB; gap], data, &testing::packet(0, SIZE, b"audio")].concat();
    let most = apart(256 << 10);
    let (events, error) = parse(&most);
    assert_eq!(error, None);
    let gap = |event: &Event| matches!(event, Event::Damage { cause: Cause::Gap, .. });
    assert!(events.iter().any(gap), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::Packet { .. })));
    let mut reader = FileReader::open(std::io::Cursor::new(most)).unwrap();
    assert_eq!(&reader.packet(0).unwrap(), &testing::packet(0, SIZE, b"audio"));
    let more = apart((256 << 10) + 1);
    let (events, error) = parse(&more);
    assert!(events.is_empty());
    assert!(matches!(error, Some(Error::Malformed { what: "Data Object", .. })), "{error:?}");
    assert!(FileReader::open(std::io::Cursor::new(more)).is_err());
}

#[test]
fn headers_without_a_packet() {
    let header = testing::header(SIZE, 1, &AUDIO);
    let chain = |count: usize| [header.repeat(count), testing::packet(0, SIZE, b"a").into()];
    let (events, error) = parse(&chain(16).concat());
    assert_eq!(error, None);
    let headers = events.iter().filter(|event| matches!(event, Event::Header { .. }));
    assert_eq!(headers.count(), 16);
    refused(parse(&chain(17).concat()).1, "number of headers without packets", 16);
}

#[test]
fn entries_of_an_index() {
    // Packets of 25 MiB allow more.
    let header = testing::header(1 << 20, 25, &[TestStream::Video(1)]);
    let mut builder = IndexBuilder::new(&Header::parse(&header).unwrap());
    let packet = testing::key_packet(0, 200, b"key");
    let packet = Packet::parse(&packet, 1 << 20).unwrap();
    (0..25).for_each(|number| builder.packet(number, &packet));
    let made = builder.finish(Duration::from_secs((1 << 22) + 1));
    assert_eq!(made.simple[0].1.len(), 1 << 22);
}

#[test]
fn bytes_of_open_objects() {
    const WHOLE: u32 = 64 << 20;
    const PART: u32 = 1 << 19;
    let streams = [TestStream::Video(1), TestStream::Video(2), TestStream::Video(3)];
    let header = Header::parse(&testing::header(1 << 20, 1, &streams)).unwrap();
    let part = |stream: u8, size: u32, offset: u32| {
        let payload = TestPayload::part(stream, 1, 0, size, offset, &vec![stream; PART as usize]);
        TestPacket { padding_width: 4, ..TestPacket::single(payload) }.build(1 << 20)
    };
    let mut assembler = Assembler::new(&header);
    // All of two objects but their last parts: room for all is taken.
    for offset in (0..WHOLE - PART).step_by(PART as usize) {
        (1..=2).for_each(|stream| assembler.push(&part(stream, WHOLE, offset)).unwrap());
    }
    assert_eq!(assembler.poll(), None);
    assembler.push(&part(3, PART + 1, 0)).unwrap();
    let over = assembler.poll();
    let is = |cause| cause == IncompleteCause::Limit;
    assert!(matches!(over, Some(Assembled::Incomplete { cause, .. }) if is(cause)), "{over:?}");
    for stream in 1..=2 {
        assembler.push(&part(stream, WHOLE, WHOLE - PART)).unwrap();
        match assembler.poll() {
            Some(Assembled::Object(object)) => assert_eq!(object.data.len(), WHOLE as usize),
            other => panic!("{other:?}"),
        }
    }
    // There is room again.
    assembler.push(&part(3, PART + 1, 0)).unwrap();
    assert_eq!(assembler.poll(), None);
}
