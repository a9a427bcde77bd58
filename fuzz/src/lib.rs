//! What the fuzz targets share: a limit on memory, and the targets of `mms-asf` and of the text that
//! people write.
//!
//! The bodies of the other targets are functions of `mms_proto::fuzzing`, so that `cargo test`
//! can replay what is in `corpus`. For the targets here `examples/tests/it/main.rs` takes in this
//! file, because this package is a workspace of its own.

#![forbid(unsafe_code)]

mod edit;
mod names;

use bytes::{Bytes, BytesMut};
use mms_asf::testing::{Pieces, strict};
use mms_asf::{
    Deviation, Error, Event, Header, Limits, Packet, Removal, RepairOptions, Restored, Restorer,
    StreamParser, remove_padding, repair,
};

pub use self::edit::asf_edit;
pub use self::names::{address, file_name, list, users};

/// Memory that a body may use: so much, and so much for each byte of input.
const MEMORY: (u64, u64) = (8 << 20, 1024);

/// Runs a body and checks how much memory it had at most.
pub fn run(body: impl FnOnce(&[u8]), data: &[u8]) {
    let used = allocation_counter::measure(|| body(data));
    let (base, each) = MEMORY;
    let limit = base + each * data.len() as u64;
    assert!(used.bytes_max <= limit, "{} bytes of memory, {limit} may be", used.bytes_max);
    assert!(used.bytes_current == 0, "{} bytes of memory were lost", used.bytes_current);
}

/// Any bytes as an ASF header.
pub fn asf_header(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(header) = Header::parse(&bytes) {
        assert_eq!(
            Header::parse(&bytes).as_ref().map(|h| format!("{h:?}")),
            Ok(format!("{header:?}"))
        );
    }
}

/// Any bytes as a data packet, after the size of the file's packets.
pub fn asf_packet(data: &[u8]) {
    let Some((&[low, high, how], packet)) = data.split_first_chunk() else {
        return;
    };
    let size = u16::from_le_bytes([low, high]);
    let mut read = 0;
    if let Ok(parsed) = Packet::parse(packet, size.into()) {
        for payload in parsed.payloads() {
            read += usize::from(payload.is_ok());
        }
    }
    let Ok(restorer) = Restorer::new(size.into()) else {
        return;
    };
    let mut whole = BytesMut::new();
    let Ok(restored) = restorer.restore(packet, &mut whole) else {
        assert!(whole.is_empty());
        return;
    };
    assert_eq!(whole.len(), usize::from(size));
    if restored != Restored::Unparsed && read > 0 && restored != Restored::Whole {
        let parsed = Packet::parse(&whole, size.into()).expect("what was restored can be read");
        assert_eq!(parsed.payloads().filter(Result::is_ok).count(), read);
    }
    let mut again = BytesMut::new();
    // A packet that could not be read may be readable once zeros follow it, with a length that
    // contradicts them.
    let once = restorer.restore(&whole, &mut again);
    if restored != Restored::Unparsed || once == Ok(Restored::Whole) {
        assert_eq!(once, Ok(Restored::Whole));
        assert_eq!(again, whole);
    } else {
        let mut twice = BytesMut::new();
        assert_eq!(restorer.restore(&again, &mut twice), Ok(Restored::Whole));
        assert_eq!(twice, again);
    }
    let how = match how % 4 {
        0 => Removal::ExplicitLength,
        1 => Removal::FieldCleared,
        2 => Removal::FieldKept,
        _ => Removal::FieldRemoved,
    };
    let mut sent = BytesMut::new();
    if remove_padding(&whole, how, &mut sent).is_ok() {
        assert!(sent.len() <= whole.len());
        let mut back = BytesMut::new();
        assert!(restorer.restore(&sent, &mut back).is_ok());
        assert_eq!(back.len(), whole.len());
    } else {
        assert!(sent.is_empty());
    }
}

/// Any bytes as a file or stream. The first two say how the others are cut: pieces that grow from
/// so many bytes by so many.
pub fn asf_push(data: &[u8]) {
    let Some((&[first, growth], input)) = data.split_first_chunk() else {
        return;
    };
    let whole = push(input, |_| input.len());
    let (first, growth) = (usize::from(first) + 1, usize::from(growth));
    assert_eq!(push(input, |index| first + growth * index), whole);
    assert_eq!(push(input, |_| 1), whole);
}

/// What a parser with small limits tells about bytes that come in pieces of these lengths.
fn push(mut input: &[u8], len: impl Fn(usize) -> usize) -> (Vec<String>, Option<Error>) {
    let mut limits = Limits::default();
    limits.index_bytes = 512;
    limits.search_bytes = 256;
    limits.headers = 4;
    let mut parser = StreamParser::with_limits(limits);
    let (mut told, mut bytes, all) = (Vec::new(), 0, input.len() as u64);
    for index in 0.. {
        let (piece, later) = input.split_at(len(index).min(input.len()));
        input = later;
        if piece.is_empty() {
            parser.finish();
        }
        parser.push(piece);
        loop {
            match parser.poll() {
                Ok(Some(event)) => {
                    bytes += extent(&event);
                    told.push(format!("{event:?}"));
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(bytes <= all);
                    return (told, Some(error));
                }
            }
        }
        if piece.is_empty() {
            break;
        }
    }
    assert_eq!(bytes, all, "{told:?}");
    assert!(told.last().is_some_and(|last| last.starts_with("End")));
    (told, None)
}

/// Any bytes as a file to be repaired. What comes out satisfies a strict reader, is the same however
/// few bytes a read brings, and a second repair changes nothing.
pub fn asf_repair(data: &[u8]) {
    let mut options = RepairOptions::default();
    options.limits.index_bytes = 64 << 10;
    options.limits.index_entries = 1_000;
    options.limits.search_bytes = 256;
    options.limits.headers = 4;
    let run = |input: &[u8], len: usize| {
        let mut output = std::io::Cursor::new(Vec::new());
        repair(Pieces::new(input, len), &mut output, &options)
            .map(|repaired| (repaired, output.into_inner()))
    };
    let in_pieces = run(data, usize::from(data.last().copied().unwrap_or(0)) + 1);
    let Ok((repaired, output)) = run(data, usize::MAX) else {
        assert!(in_pieces.is_err());
        return;
    };
    assert!(in_pieces.is_ok_and(|found| found == (repaired.clone(), output.clone())));
    let found = strict(&output, &options.limits).expect("a good file");
    assert_eq!(repaired.packets, found.packets.len() as u64);
    assert_eq!(repaired.file_size, output.len() as u64);
    if let Some(next) = repaired.next {
        assert!((1..data.len() as u64).contains(&next));
    } else {
        assert_eq!(repaired.changes.is_empty(), output == data, "{:?}", repaired.changes);
    }
    let (again, second) = run(&output, usize::MAX).expect("it was repaired before");
    assert_eq!((repaired.media_duration, again.changes), (again.media_duration, vec![]));
    assert!(second == output);
}

/// How many bytes of the input an event stands for.
fn extent(event: &Event) -> u64 {
    match event {
        Event::Header { header, .. } => {
            let made_up = header.deviations().contains(&Deviation::DataObjectMissing);
            header.len() as u64 - if made_up { 50 } else { 0 }
        }
        Event::Packet { bytes, .. }
        | Event::Damage { bytes, .. }
        | Event::Object { bytes, .. }
        | Event::End { leftover: bytes, .. } => bytes.len() as u64,
        Event::Skipped { len, .. } => *len,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mms_asf::guid;
    use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};

    use super::*;

    type Body = fn(&[u8]);

    fn folder(target: &str) -> PathBuf {
        // Of whichever package these tests are compiled in.
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
    }

    #[test]
    fn every_known_input_does_no_harm() {
        let targets = [
            ("asf_header", asf_header as Body),
            ("asf_packet", asf_packet),
            ("asf_push", asf_push),
            ("asf_repair", asf_repair),
            ("asf_edit", asf_edit),
        ];
        replay(&targets);
    }

    #[test]
    fn every_known_text_does_no_harm() {
        let targets = [
            ("address", address as Body),
            ("file_name", file_name),
            ("list", list),
            ("users", users),
        ];
        replay(&targets);
    }

    fn replay(targets: &[(&str, Body)]) {
        for (target, body) in targets {
            for entry in std::fs::read_dir(folder(target)).unwrap() {
                let path = entry.unwrap().path();
                println!("{}", path.display());
                run(body, &std::fs::read(path).unwrap());
            }
        }
    }

    fn write(target: &str, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(folder(target)).unwrap();
        std::fs::write(folder(target).join(name), bytes).unwrap();
    }

    #[test]
    #[ignore = "writes the first inputs of the ASF targets"]
    fn make_the_first_inputs() {
        let streams = [TestStream::Audio(1), TestStream::Video(2), TestStream::Command(3)];
        let description = testing::content_description("title", "author");
        write("asf_header", "file", &testing::header(256, 3, &streams));
        write("asf_header", "live", &testing::live_header(256, &streams));
        let described = testing::header_with(256, 3, 2, &streams, &[description]);
        write("asf_header", "described", &described);

        let whole = || TestPayload::whole(1, 7, 3000, b"a whole object");
        let part = TestPayload::part(2, 8, 3000, 100, 20, b"a part of one");
        let small = TestPayload::compressed(1, 9, 3000, 10, &[b"small", b"ones"]);
        let packets = [
            ("single", TestPacket::single(whole())),
            ("compressed", TestPacket::single(small.clone())),
            ("multiple", TestPacket::multiple(vec![whole(), part, small])),
            ("wide", TestPacket { padding_width: 4, ..TestPacket::single(whole()) }),
            ("narrow", TestPacket { padding_width: 1, ..TestPacket::single(whole()) }),
            ("length", TestPacket { length_width: 2, ..TestPacket::single(whole()) }),
            ("sequence", TestPacket { sequence_width: 1, ..TestPacket::multiple(vec![whole()]) }),
        ];
        let removals = [
            Removal::ExplicitLength,
            Removal::FieldCleared,
            Removal::FieldKept,
            Removal::FieldRemoved,
        ];
        for (name, packet) in packets {
            let whole = packet.build(200);
            write("asf_packet", name, &[&[200, 0, 0][..], &whole].concat());
            for (index, how) in removals.into_iter().enumerate() {
                let mut sent = BytesMut::new();
                remove_padding(&whole, how, &mut sent).unwrap();
                let bytes = [&[200, 0, 1][..], &sent].concat();
                write("asf_packet", &format!("{name}_{index}"), &bytes);
            }
        }
        for (name, bytes) in streams_to_push() {
            write("asf_push", name, &[&[6, 3][..], &bytes].concat());
            write("asf_repair", name, &bytes);
        }
        for (name, bytes) in videos_to_repair() {
            write("asf_repair", name, &bytes);
        }
        for (name, bytes) in edit::first_inputs() {
            write("asf_edit", &name, &bytes);
        }
        for (target, name, bytes) in names::first_inputs() {
            write(target, name, bytes);
        }
    }

    /// Files and streams with everything that a parser has to find its way in.
    fn streams_to_push() -> Vec<(&'static str, Vec<u8>)> {
        let size = 80;
        let streams = [TestStream::Audio(1)];
        let packets = |count: u32| -> Vec<u8> {
            (0..count).flat_map(|number| testing::packet(number, size, b"an object")).collect()
        };
        let file = [&testing::header(size, 3, &streams)[..], &packets(3)].concat();
        let live = [&testing::live_header(size, &streams)[..], &packets(3)].concat();
        let index = testing::object(guid::SIMPLE_INDEX, &[0; 44]);
        let other = testing::object(guid::PADDING, &[0; 20]);
        let large = testing::object(guid::INDEX, &[0; 600]);
        let mut flipped = file.clone();
        let middle = flipped.len() - 2 * size as usize;
        flipped[middle..middle + 8].fill(0xFF);
        let mut missing = [&file[..], &index].concat();
        missing.drain(middle - 30..middle + 20);
        let mut elsewhere = file.clone();
        let data = file.len() - 3 * size as usize - 50;
        elsewhere.splice(data..data, [0xAB; 40]);
        let mut larger = file.clone();
        larger[16] += 9;
        vec![
            ("file", [&file[..], &index, &other].concat()),
            ("large_index", [&file[..], &large, &index].concat()),
            ("live_cut", live[..live.len() - 20].to_vec()),
            ("chain", [&file[..], &index, &live, &live].concat()),
            ("headers", testing::header(size, 0, &streams).repeat(5)),
            ("flipped", flipped),
            ("missing", missing),
            ("inserted", [&live[..], &[0x77; 33], &packets(3)].concat()),
            ("elsewhere", elsewhere),
            ("header_too_large", larger),
            ("garbage_behind", [&file[..], &[0x41; 100]].concat()),
        ]
    }

    /// Files with key frames and an index for them, and a live stream joined in the middle.
    fn videos_to_repair() -> Vec<(&'static str, Vec<u8>)> {
        let size = 80;
        let streams = [TestStream::Video(1)];
        let packets = |first: u32| -> Vec<u8> {
            (first..first + 4).flat_map(|n| testing::key_packet(n, size, b"picture")).collect()
        };
        let file = [&testing::header(size, 4, &streams)[..], &packets(0)].concat();
        let mut whole = std::io::Cursor::new(Vec::new());
        repair(&file[..], &mut whole, &RepairOptions::default()).unwrap();
        let whole = whole.into_inner();
        let index = &whole[file.len()..];
        let live = [&testing::live_header(size, &streams)[..], &packets(70)].concat();
        let mut count = file.clone();
        count[24] += 1;
        vec![
            ("video", whole.clone()),
            ("video_cut", whole[..file.len() - 30].to_vec()),
            ("video_twice", [&whole[..], &whole].concat()),
            ("video_late", [&live[..], index].concat()),
            ("video_child_count", count),
        ]
    }
}
