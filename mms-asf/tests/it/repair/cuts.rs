//! Files that end too early.

use std::time::Duration;

use mms_asf::objects::{Body as _, IndexParameters};
use mms_asf::testing::{TestPacket, TestPayload, TestStream, header as made, header_with};
use mms_asf::{Change, FileError, IndexKind, IndexSpecifier, RepairOptions, guid};

use crate::repair::harness::{
    P, SIZE, checked, file, header, packet, packets, short, start, try_repair, whole,
};

/// Padding of each packet, in bytes.
const PADDING: usize = 32;

#[test]
fn a_whole_file_is_copied() {
    let file = file(9);
    let (_, out, repaired) = checked(&file).unwrap();
    assert!(out == file);
    assert_eq!((repaired.changes, repaired.left_out), (vec![], 0));
    assert_eq!(repaired.media_duration, Duration::from_secs(9));
    assert!(repaired.seekable);
}

#[test]
fn a_whole_file_with_indexes_of_two_kinds_is_copied() {
    let mut parameters = IndexParameters::default();
    parameters.interval = 1_000;
    parameters.specifiers = vec![IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    let parameters = parameters.encode().unwrap().bytes;
    // The second stream has no key frame, and with it no Simple Index.
    let streams = [TestStream::Video(1), TestStream::Video(2)];
    let header = header_with(SIZE, 9, 2, &streams, &[parameters]);
    let (found, repaired) = whole(&[&header[..], &packets(0..9)].concat());
    assert!(short(&repaired.changes).contains(&"IndexMade".to_owned()));
    let kinds: Vec<_> = found.objects.iter().map(|(id, _)| *id).collect();
    assert_eq!(kinds, [guid::INDEX, guid::SIMPLE_INDEX]);
}

#[test]
fn a_file_that_is_cut_at_any_byte() {
    let file = file(6);
    let start = start(&file);
    let end = start + 6 * P;
    for len in 0..file.len() {
        let got = checked(&file[..len]);
        // The last packet is whole without its padding.
        let count = (len.saturating_sub(start).min(6 * P) + PADDING) / P;
        if count == 0 {
            // The head of the Data Object, 50 bytes, may be missing, but not be cut.
            let readable = len == start - 50 || len >= start;
            assert_eq!(matches!(got, Err(FileError::NoPackets)), readable, "{len}");
            assert!(got.is_err(), "{len}");
            continue;
        }
        let (found, _, repaired) = got.unwrap();
        assert_eq!(found.packets.concat(), file[start..start + count * P], "{len}");
        // Nothing tells how long a single picture lasts.
        let seconds = if count == 1 { 0 } else { count };
        assert_eq!(repaired.media_duration, Duration::from_secs(seconds as u64), "{len}");
        let cut = match len.checked_sub(end) {
            Some(rest) => rest,
            None => (len - start).saturating_sub(count * P),
        };
        let changes = short(&repaired.changes);
        assert_eq!(changes.iter().any(|c| c == "Cut" || c == "Damage"), cut > 0, "{len}");
        assert_eq!(changes.iter().any(|c| c == "PacketCount"), count < 6, "{len}");
        assert_eq!(changes.contains(&"IndexMade".to_owned()), len < file.len(), "{len}");
        assert_eq!(repaired.left_out, cut as u64, "{len}");
        assert!(repaired.seekable, "{len}");
        let index = mms_asf::IndexObject::parse(&found.objects[0].1).unwrap();
        let mms_asf::IndexObject::Simple(index) = index else { panic!("{index:?}") };
        // An entry a second, three of them for the preroll.
        assert_eq!(index.len(), seconds + 3, "{len}");
        assert_eq!(index.entries().last().unwrap().packet as usize, (count - 1) / 4 * 4);
    }
}

#[test]
fn a_packet_that_lacks_only_padding_is_filled() {
    let payloads = vec![TestPayload::whole(0x81, 5, 8_000, b"all of it")];
    let last = TestPacket { send_time: 5_000, duration: 1_000, ..TestPacket::multiple(payloads) };
    let used = last.used();
    let last = last.build(SIZE);
    let before = [&made(SIZE, 2, &[TestStream::Video(1)])[..]].concat();
    for len in 1..P {
        let first = TestPacket::multiple(vec![TestPayload::whole(0x81, 4, 7_000, b"first")]);
        let input = [&before[..], &first.build(SIZE), &last[..len]].concat();
        let (found, repaired) = whole(&input);
        let changes = short(&repaired.changes);
        if len < used {
            assert_eq!((found.packets.len(), &changes[0][..]), (1, "Cut"), "{len}");
        } else {
            assert_eq!((&found.packets[1], &changes[0][..]), (&last, "Filled"), "{len}");
            assert_eq!(repaired.left_out, 0);
        }
    }
}

#[test]
fn a_last_packet_that_begins_otherwise_is_left_out() {
    let payloads = vec![TestPayload::whole(0x81, 5, 8_000, b"all of it")];
    let other = TestPacket { number_width: 2, ..TestPacket::multiple(payloads) };
    let rest = &other.build(SIZE)[..other.used()];
    let input = [&header(2)[..], &packet(0), rest].concat();
    let (found, repaired) = whole(&input);
    assert_eq!(found.packets, [packet(0)]);
    assert_eq!(
        repaired.changes[0],
        Change::Cut { offset: (input.len() - rest.len()) as u64, len: rest.len() as u64 }
    );
}

#[test]
fn nothing_to_repair() {
    let options = RepairOptions::default();
    for count in [0, 3] {
        let result = try_repair(&header(count), &options);
        assert!(matches!(result, Err(FileError::NoPackets)), "{result:?}");
    }
    let result = try_repair(&[&header(3)[..], &packet(0)[..P - PADDING - 1]].concat(), &options);
    assert!(matches!(result, Err(FileError::NoPackets)), "{result:?}");
    for input in [&b""[..], b"no ASF file", &packets(0..3)] {
        let result = try_repair(input, &options);
        assert!(matches!(result, Err(FileError::Format(_))), "{result:?}");
    }
}

#[test]
fn the_output_need_not_start_at_zero() {
    let file = file(5);
    let mut out = std::io::Cursor::new(b"before".to_vec());
    out.set_position(6);
    mms_asf::repair(&file[..start(&file) + 3 * P], &mut out, &RepairOptions::default()).unwrap();
    let out = out.into_inner();
    assert_eq!(&out[..6], b"before");
    assert!(checked(&out[6..]).unwrap().2.changes.is_empty());
}
