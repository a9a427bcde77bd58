//! Headers that do something wrong.

use bytes::Bytes;
use mms_asf::testing::{content_description, extended_stream_properties, header_with, object};
use mms_asf::{Deviation, Header, guid};

use crate::repair::harness::{SIZE, VIDEO, packets, short, whole};

fn header(more: &[Bytes]) -> Vec<u8> {
    header_with(SIZE, 9, 2, &VIDEO, more).to_vec()
}

/// The first object of this kind in a good header.
fn first(id: uuid::Uuid) -> Bytes {
    let header = Header::parse(&header(&[]).into()).unwrap();
    header.objects().iter().find(|object| object.id == id).unwrap().bytes.clone()
}

/// Makes a file of this header whole. The deviation is told, the packets are there.
fn mended(header: &[u8], is: impl Fn(&Deviation) -> bool) {
    let parsed = Header::parse(&Bytes::copy_from_slice(header)).unwrap();
    assert!(parsed.deviations().iter().any(is), "{:?}", parsed.deviations());
    let count = parsed.deviations().len();
    let (found, repaired) = whole(&[header, &packets(0..9)].concat());
    assert_eq!(found.packets.concat(), packets(0..9));
    assert_eq!(found.header.streams(), parsed.streams());
    let told = short(&repaired.changes).iter().filter(|change| *change == "Header").count();
    assert_eq!(told, count, "{:?}", repaired.changes);
}

#[test]
fn wrong_counts_and_sizes() {
    let good = header(&[]);
    let changed = |at: usize| {
        let mut header = good.clone();
        header[at] ^= 1;
        header
    };
    mended(&changed(28), |d| matches!(d, Deviation::Reserved { what: "Header Object", .. }));
    mended(&changed(29), |d| matches!(d, Deviation::Reserved { what: "Header Object", .. }));
    for at in [24, 40] {
        mended(&changed(30 + 104 + at), |d| matches!(d, Deviation::Reserved { .. }));
    }
    mended(&changed(24), |d| matches!(d, Deviation::ChildCount { .. }));
    mended(&changed(30 + 92), |d| matches!(d, Deviation::PacketSizes { .. }));
    let data = good.len() - 50;
    mended(&changed(data + 24), |d| matches!(d, Deviation::FileIdMismatch));
    mended(&changed(data + 48), |d| matches!(d, Deviation::DataObjectReserved { .. }));
    // The size of the extension data, behind File Properties.
    mended(&changed(30 + 104 + 42), |d| matches!(d, Deviation::ExtensionSize { .. }));
}

#[test]
fn what_is_there_twice() {
    let stream = first(guid::STREAM_PROPERTIES);
    mended(&header(std::slice::from_ref(&stream)), |d| {
        matches!(d, Deviation::DuplicateStream { .. })
    });
    let file = first(guid::FILE_PROPERTIES);
    mended(&header(&[file]), |d| matches!(d, Deviation::Duplicate { .. }));
    let title = |title| content_description(title, "author");
    mended(&header(&[title("first"), title("second")]), |d| {
        matches!(d, Deviation::Duplicate { what: "Content Description Object", .. })
    });
    let two = [(guid::CONTENT_TYPE, 1), (guid::SAMPLE_DURATION, 2)];
    let extended = two.map(|system| extended_stream_properties(1, &[system]));
    mended(&header(&extended), |d| {
        matches!(d, Deviation::Duplicate { what: "Extended Stream Properties Object", .. })
    });
    let extension = first(guid::HEADER_EXTENSION);
    mended(&header(&[extension]), |d| {
        matches!(d, Deviation::Duplicate { what: "Header Extension Object", .. })
    });
    let mut zero = stream.to_vec();
    zero[24 + 48] = 0;
    mended(&header(&[zero.into()]), |d| matches!(d, Deviation::StreamNumberZero { .. }));
    let nested = [&extended_stream_properties(1, &[])[24..], &stream].concat();
    let nested = object(guid::EXTENDED_STREAM_PROPERTIES, &nested);
    mended(&header(std::slice::from_ref(&nested)), |d| {
        matches!(d, Deviation::DuplicateStream { .. })
    });
    // Without the stream it would say the same about it again.
    mended(&header(&[extended_stream_properties(1, &[]), nested]), |d| {
        matches!(d, Deviation::DuplicateStream { .. })
    });
}

#[test]
fn what_cannot_be_read() {
    for unreadable in [
        object(guid::CONTENT_DESCRIPTION, &[9]),
        object(guid::STREAM_PROPERTIES, &[9]),
        object(guid::EXTENDED_STREAM_PROPERTIES, &[9]),
        object(guid::STREAM_BITRATE_PROPERTIES, &[9]),
        object(guid::HEADER_EXTENSION, &[9]),
    ] {
        mended(&header(&[unreadable]), |d| matches!(d, Deviation::Unreadable { .. }));
    }
    let rest = Bytes::from_static(b"eleven byte");
    mended(&header(&[rest]), |d| matches!(d, Deviation::LeftoverBytes { .. }));
    let mut long = object(guid::PADDING, &[0; 9]).to_vec();
    long[16] = 200;
    mended(&header(&[long.clone().into()]), |d| matches!(d, Deviation::ChildSize { .. }));
    long[0] ^= 1;
    mended(&header(&[long.into()]), |d| matches!(d, Deviation::ChildTooLong { .. }));
}

#[test]
fn what_is_good_stays() {
    let description = content_description("title", "author");
    let mut header = header(&[description.clone(), object(guid::PADDING, &[7; 20])]);
    header[24] += 1;
    let (found, _) = whole(&[&header[..], &packets(0..9)].concat());
    assert_eq!(found.header.title().as_deref(), Some("title"));
    assert!(found.header.objects().iter().any(|object| object.bytes == description));
    assert_eq!(found.header.len(), header.len());
}

#[test]
fn bytes_behind_the_fields_of_an_object_stay() {
    let extended = extended_stream_properties(1, &[(guid::SAMPLE_DURATION, 2)]);
    let longer = [&extended[24..], &[0; 40]].concat();
    let longer = object(guid::EXTENDED_STREAM_PROPERTIES, &longer);
    let file = [&header(std::slice::from_ref(&longer))[..], &packets(0..9)].concat();
    let (found, _) = whole(&file);
    assert_eq!(found.header.objects().last().unwrap().bytes, longer);
    assert_eq!(found.header.stream(1).unwrap().extensions.len(), 1);
}

#[test]
fn a_data_object_that_is_elsewhere() {
    let good = header(&[]);
    let data = good.len() - 50;
    let mut gap = good.clone();
    gap.splice(data..data, [0xAB; 40]);
    let (found, repaired) = whole(&[&gap[..], &packets(0..9)].concat());
    assert_eq!(found.packets.len(), 9);
    assert_eq!(repaired.left_out, 40);

    let mut longer = good;
    longer[16] += 9;
    let (found, repaired) = whole(&[&longer[..], &packets(0..9)].concat());
    assert_eq!(found.packets.len(), 9);
    assert_eq!(short(&repaired.changes)[0], "Header");
}
