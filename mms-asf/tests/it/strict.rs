//! The strict reading of headers: what it refuses, and which real files it refuses.

use std::io::{Read as _, Seek as _};

use bytes::Bytes;
use mms_asf::testing::{self, TestStream};
use mms_asf::{Deviation, Error, Header, guid};

const STREAMS: [TestStream; 1] = [TestStream::Audio(1)];

/// The samples whose header does something wrong, and what is wrong first. All others that can be
/// read at all are well-formed.
const NOT_WELL_FORMED: [(&str, &str); 5] = [
    (
        "broken-header-size-578-but-data-object-at-4430.wma",
        "against the rules: the header ends at byte 3781, the Data Object is at 7633",
    ),
    (
        "broken-object-size-23.wma",
        "against the rules: the object at byte 30 declares 23 bytes and has 44",
    ),
    (
        "broken-object-size-zero-infinite-loop.wma",
        "against the rules: the object at byte 180 declares 0 bytes and has 98",
    ),
    (
        "data-emptied-data-size-50-count-0-header-says-260.wma",
        "against the rules: 260 packets are declared, 0 in the Data Object",
    ),
    ("video-wvp2-header-and-metadata-only.wmv", "against the rules: the Data Object is missing"),
];

fn header_with(more: &[Bytes]) -> Vec<u8> {
    testing::header_with(256, 1, 2, &STREAMS, more).to_vec()
}

/// A header with these changes.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = header_with(&[]);
    change(&mut bytes);
    bytes.into()
}

/// Read by [`Header::parse`] and refused as it should be.
#[track_caller]
fn refused(bytes: &Bytes) -> Deviation {
    assert!(Header::parse(bytes).is_ok());
    match Header::parse_strict(bytes) {
        Err(Error::Deviates(deviation)) => deviation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_deviation_is_refused() {
    let whole = header_with(&[]).len() as u64;
    let data = usize::try_from(whole).unwrap() - 50;
    // File Properties, then the Header Extension Object, then Stream Properties.
    let (file, extension, stream) = (30, 134, 180);
    let rows: [(Bytes, Deviation); 18] = [
        (changed(|b| b[24] = 9), Deviation::ChildCount { declared: 9, found: 3 }),
        (
            changed(|b| b[stream + 18] = 1),
            Deviation::ChildSize {
                offset: 180,
                declared: whole - 50 - 180 + 0x1_0000,
                found: whole - 50 - 180,
            },
        ),
        (
            changed(|b| {
                b.splice(data..data, [0x77; 30]);
                b[16] += 30;
                b[24] += 1;
            }),
            Deviation::ChildTooLong {
                offset: whole - 50,
                size: u64::from_le_bytes([0x77; 8]),
                left: 30,
            },
        ),
        (
            changed(|b| {
                b.splice(extension..extension, [0; 5]);
                b[16] += 5;
            }),
            Deviation::ForeignBytes { offset: extension as u64, len: 5 },
        ),
        (
            changed(|b| {
                b.splice(data..data, [0; 5]);
                b[16] += 5;
            }),
            Deviation::LeftoverBytes { offset: whole - 50, len: 5 },
        ),
        (changed(|b| b.extend([1, 2, 3])), Deviation::TrailingBytes { offset: whole, len: 3 }),
        (changed(|b| b.truncate(data)), Deviation::DataObjectMissing),
        (changed(|b| b[data + 48] = 2), Deviation::DataObjectReserved { value: 0x0102 }),
        (changed(|b| b[data + 40] = 7), Deviation::DataPacketCount { declared: 1, data: 7 }),
        (changed(|b| b[data + 24] ^= 1), Deviation::FileIdMismatch),
        (
            header_with(&[Bytes::copy_from_slice(&header_with(&[])[file..extension])]).into(),
            Deviation::Duplicate { what: "File Properties Object", offset: whole - 50 },
        ),
        (changed(|b| b[stream + 72] = 0), Deviation::StreamNumberZero { offset: 180 }),
        (
            header_with(&[Bytes::copy_from_slice(&header_with(&[])[stream..data])]).into(),
            Deviation::DuplicateStream { number: 1, offset: whole - 50 },
        ),
        (changed(|b| b[file + 92] = 255), Deviation::PacketSizes { minimum: 511, maximum: 256 }),
        (changed(|b| b[29] = 1), Deviation::Reserved { what: "Header Object", offset: 28 }),
        (
            changed(|b| b[extension + 40] = 1),
            Deviation::Reserved { what: "Header Extension Object", offset: 158 },
        ),
        (
            header_with(&["a", "b"].map(|title| testing::content_description(title, ""))).into(),
            Deviation::Duplicate {
                what: "Content Description Object",
                offset: whole - 50 + testing::content_description("a", "").len() as u64,
            },
        ),
        (changed(|b| b[extension + 42] = 7), Deviation::ExtensionSize { declared: 7, real: 0 }),
    ];
    for (bytes, deviation) in rows {
        assert_eq!(refused(&bytes), deviation);
    }
}

#[test]
fn objects_that_nobody_needs_are_read_as_well() {
    let offset = header_with(&[]).len() as u64 - 50;
    let rows = [
        (guid::STREAM_PROPERTIES, "Stream Properties Object"),
        (guid::MARKER, "Marker Object"),
        (guid::EXTENDED_STREAM_PROPERTIES, "Extended Stream Properties Object"),
        (guid::METADATA_LIBRARY, "Metadata Library Object"),
    ];
    for (id, what) in rows {
        let bytes = header_with(&[testing::object(id, &[1])]).into();
        assert_eq!(refused(&bytes), Deviation::Unreadable { what, offset });
    }
    let nested = testing::object(guid::STREAM_PROPERTIES, &[1]);
    let mut extended = testing::extended_stream_properties(1, &[])[24..].to_vec();
    extended.extend_from_slice(&nested);
    let extended = testing::object(guid::EXTENDED_STREAM_PROPERTIES, &extended);
    assert!(matches!(refused(&header_with(&[extended]).into()), Deviation::Unreadable { .. }));

    // What this crate has no type for cannot be wrong.
    let unknown = testing::object(guid::INDEX_PLACEHOLDER, &[1]);
    let bytes = Bytes::from(header_with(&[unknown]));
    assert_eq!(Header::parse_strict(&bytes), Header::parse(&bytes));
}

#[test]
fn what_cannot_be_read_fails_as_ever() {
    let cut = changed(|b| b.truncate(100));
    let error = Header::parse(&cut).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }));
    assert_eq!(Header::parse_strict(&cut), Err(error));
}

#[test]
fn real_headers() {
    let (mut refused, mut read) = (Vec::new(), 0);
    crate::support::each_file(|name, reader| {
        let header = reader.header().clone();
        let mut input = reader.into_inner();
        input.rewind().unwrap();
        let mut bytes = Vec::new();
        input.take(header.len() as u64).read_to_end(&mut bytes).unwrap();
        match Header::parse_strict(&bytes.into()) {
            Ok(strict) => assert_eq!(strict, header, "{name}"),
            Err(error) => refused.push((name.to_owned(), error.to_string())),
        }
        read += 1;
    });
    if read > 0 {
        let wanted = NOT_WELL_FORMED.map(|(name, why)| (name.to_owned(), why.to_owned()));
        assert_eq!(refused, wanted);
        assert_eq!(read, 81);
    }
}
