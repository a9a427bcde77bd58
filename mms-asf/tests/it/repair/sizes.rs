//! Headers in which sizes are wrong: the Header Object's own, and those of all objects in it.

use bytes::Bytes;
use mms_asf::testing::{
    TestPacket, TestPayload, TestStream, content_description, extended_stream_properties,
    header_with, object,
};
use mms_asf::{Deviation, FileError, Header, RepairOptions, guid};

use crate::repair::harness::{SIZE, checked, try_repair, whole};

/// The Header Object in front of its children, in bytes.
const HEAD: usize = 30;
/// Where the Header Extension Object's children start in it.
const EXTENSION: usize = 46;
const COUNT: u32 = 8;

/// Two streams with objects of their own, one inside of an Extended Stream Properties Object.
fn good() -> Bytes {
    let streams = [TestStream::Audio(1), TestStream::Video(2)];
    let plain = Header::parse(&header_with(SIZE, COUNT.into(), 2, &streams, &[])).unwrap();
    let of = |id| plain.objects().iter().filter(move |o| o.id == id).map(|o| o.bytes.clone());
    let video = |number: u8| {
        let plain = header_with(SIZE, 1, 2, &[TestStream::Video(number)], &[]);
        Header::parse(&plain).unwrap().objects().last().unwrap().bytes.clone()
    };
    let nested = [&extended_stream_properties(3, &[(guid::SAMPLE_DURATION, 2)])[24..], &video(3)];
    let mut extension = of(guid::HEADER_EXTENSION).next().unwrap().to_vec();
    for child in [
        object(guid::LANGUAGE_LIST, &[1, 0, 6, b'd', 0, b'e', 0, 0, 0]),
        extended_stream_properties(1, &[]),
        object(guid::EXTENDED_STREAM_PROPERTIES, &nested.concat()),
        object(guid::METADATA, &[0, 0]),
    ] {
        extension.extend_from_slice(&child);
    }
    let len = extension.len();
    extension[16..24].copy_from_slice(&(len as u64).to_le_bytes());
    extension[42..46].copy_from_slice(&u32::try_from(len - EXTENSION).unwrap().to_le_bytes());
    let children: Vec<Bytes> = of(guid::FILE_PROPERTIES)
        .chain([extension.into(), content_description("Ein Lied", "Jemand")])
        .chain(of(guid::STREAM_PROPERTIES))
        .chain([object(guid::EXTENDED_CONTENT_DESCRIPTION, &[0, 0])])
        .collect();
    let mut bytes = plain.as_bytes()[..HEAD].to_vec();
    bytes[24] = u8::try_from(children.len()).unwrap();
    children.iter().for_each(|child| bytes.extend_from_slice(child));
    let len = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(&plain.as_bytes()[plain.len() - 50..]);
    bytes.into()
}

fn packets() -> Vec<u8> {
    let packet = |number: u32| {
        let stream = u8::try_from(number % 3 + 1).unwrap();
        let payload = TestPayload::whole(stream, number, 3_000 + number * 500, &[0xEE; 90]);
        let mut packet = TestPacket::multiple(vec![payload]);
        packet.send_time = number * 500;
        packet.build(SIZE).to_vec()
    };
    (0..COUNT).flat_map(packet).collect()
}

fn file(header: &[u8]) -> Vec<u8> {
    [header, &packets()].concat()
}

/// Where the sizes of all objects lie: of the Header Object, of its children, of the children of the
/// Header Extension Object and of the stream in there.
fn sizes(header: &Header) -> Vec<usize> {
    let objects = header.objects().iter().chain(header.extension_objects());
    let mut sizes: Vec<_> = objects.map(|object| object.offset + 16).collect();
    let bytes = header.as_bytes();
    let stream = guid::STREAM_PROPERTIES.to_bytes_le();
    let nested = bytes.windows(16).position(|id| id == stream).unwrap();
    sizes.extend([16, nested + 16]);
    sizes
}

fn ids(header: &Header) -> Vec<uuid::Uuid> {
    let objects = header.objects().iter().chain(header.extension_objects());
    objects.map(|object| object.id).filter(|id| *id != guid::PADDING).collect()
}

#[test]
fn a_wrong_size_costs_nothing() {
    let good = good();
    let header = Header::parse_strict(&good).unwrap();
    assert_eq!(header.streams().len(), 3);
    let sizes = sizes(&header);
    assert_eq!(sizes.len(), 12);
    for at in sizes {
        let size = u64::from_le_bytes(good[at..at + 8].try_into().unwrap());
        let wrong = [size - 8, size - 1, size + 1, size + 8, size * 2, 0, 23, 100_000, u64::MAX];
        for wrong in wrong {
            let mut bytes = good.to_vec();
            bytes[at..at + 8].copy_from_slice(&wrong.to_le_bytes());
            let case = format!("the size at byte {at}, {size}, is {wrong}");
            let parsed = Header::parse(&bytes.clone().into());
            let parsed = parsed.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(Header::parse_strict(&bytes.clone().into()).is_err(), "{case}");
            let elsewhere = at == 16;
            let told = parsed.deviations().iter().any(|deviation| match deviation {
                Deviation::DataObjectElsewhere { declared, found } => {
                    elsewhere && *declared == wrong && *found == size
                }
                Deviation::ChildSize { offset, declared, found } => {
                    *offset == at as u64 - 16 && *declared == wrong && *found == size
                }
                _ => false,
            });
            assert!(told, "{case}: {:?}", parsed.deviations());
            assert_eq!(parsed.streams(), header.streams(), "{case}");
            assert_eq!(parsed.title().as_deref(), Some("Ein Lied"), "{case}");
            let (found, _) = whole(&file(&bytes));
            assert_eq!(found.packets.concat(), packets(), "{case}");
            assert_eq!(found.header.streams(), header.streams(), "{case}");
            assert_eq!(ids(&found.header), ids(&header), "{case}");
        }
    }
}

#[test]
fn an_object_that_takes_in_the_next_one() {
    // Two streams of the same length, of which the first one is twice as long as it should be.
    let streams = [TestStream::Video(1), TestStream::Video(2), TestStream::Video(3)];
    let good = header_with(SIZE, COUNT.into(), 2, &streams, &[]);
    let header = Header::parse(&good).unwrap();
    for (child, stream) in header.objects().iter().skip(2).zip(1..) {
        let mut bytes = good.to_vec();
        let twice = child.bytes.len() as u64 * 2;
        bytes[child.offset + 16..child.offset + 24].copy_from_slice(&twice.to_le_bytes());
        let (found, _) = whole(&file(&bytes));
        assert_eq!(found.header.streams(), header.streams(), "stream {stream}");
    }
}

#[test]
fn bytes_lost_from_a_text_and_added_to_it() {
    let good = good();
    let title = good.windows(4).position(|text| text == b"L\0i\0").unwrap();
    let cut = [&good[..title], &good[title + 4..]].concat();
    let long = [&good[..title], &[0xE4, 0, 0xF6, 0], &good[title..]].concat();
    for (bytes, title) in [(cut, "Ein ed"), (long, "Ein äöLied")] {
        let parsed = Header::parse(&bytes.clone().into()).unwrap();
        let told = |is: fn(&Deviation) -> bool| parsed.deviations().iter().any(is);
        assert!(told(|d| matches!(d, Deviation::DataObjectElsewhere { .. })), "{title}");
        assert!(told(|d| matches!(d, Deviation::Incomplete { .. })), "{title}");
        let (found, _) = whole(&file(&bytes));
        assert_eq!(found.header.title().as_deref(), Some(title));
        assert_eq!(found.header.author().as_deref(), Some("Jemand"));
        assert_eq!(found.header.streams().len(), 3);
        assert_eq!(found.packets.concat(), packets());
    }
}

#[test]
fn a_text_of_which_the_end_is_missing() {
    let mut tags = mms_asf::objects::ExtendedContentDescription::default();
    tags.descriptors.push(mms_asf::objects::Descriptor::new("WM/Year", "1999"));
    tags.descriptors.push(mms_asf::objects::Descriptor::new("WM/Genre", "Lied"));
    let object = mms_asf::objects::Body::encode(&tags).unwrap().bytes;
    let good = header_with(SIZE, 1, 2, &[TestStream::Audio(1)], &[object]);
    let lost = good.len() - 50 - 4;
    let bytes = [&good[..lost], &good[good.len() - 50..]].concat();
    let input = [&bytes[..], &packets()[..SIZE as usize]].concat();
    let (found, _) = whole(&input);
    let tags = found.header.find::<mms_asf::objects::ExtendedContentDescription>();
    let tags = tags.unwrap().unwrap();
    assert_eq!(tags.value("WM/Year").unwrap().to_string(), "1999");
    assert_eq!(tags.value("WM/Genre").unwrap().to_string(), "Lie");
}

#[test]
fn a_stream_that_is_declared_no_more_is_not_given_up() {
    let good = good();
    let header = Header::parse(&good).unwrap();
    let streams = header.objects().iter().filter(|o| o.id == guid::STREAM_PROPERTIES);
    for (object, stream) in streams.zip([1, 2]) {
        // Bytes are lost where the stream is declared, and all sizes are wrong after that.
        let at = object.offset;
        let bytes = [&good[..at + 3], &good[at + 5..]].concat();
        let lost = try_repair(&file(&bytes), &RepairOptions::default());
        let Err(FileError::StreamLost { stream: lost }) = lost else { panic!("{lost:?}") };
        assert_eq!(lost, stream);
    }
    // Packets of a stream that was never declared are no sign of damage.
    let header = header_with(SIZE, COUNT.into(), 2, &[TestStream::Audio(1)], &[]);
    assert!(checked(&file(&header)).is_ok());
}
