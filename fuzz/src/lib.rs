//! What the fuzz targets share: a limit on memory, and the targets of `mms-asf`.
//!
//! The bodies of the other targets are functions of `mms_proto::fuzzing`, so that `cargo test`
//! can replay what is in `corpus`.

#![forbid(unsafe_code)]

use bytes::{Bytes, BytesMut};
use mms_asf::{Header, Packet, Removal, Restored, Restorer, remove_padding};

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
    assert_eq!(restorer.restore(&whole, &mut again), Ok(Restored::Whole));
    assert_eq!(again, whole);
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};

    use super::*;

    fn folder(target: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
    }

    #[test]
    fn every_known_input_does_no_harm() {
        for (target, body) in [("asf_header", asf_header as fn(&[u8])), ("asf_packet", asf_packet)]
        {
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
    }
}
