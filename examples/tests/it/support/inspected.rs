//! Files of ten packets, and what `inspect` says of them.

use std::io::Cursor;
use std::path::Path;

use bytes::BytesMut;
use mms_asf::testing::{self, TestStream};
use mms_asf::{IndexObject, RepairOptions};
use mms_examples::inspect::Report;

pub(crate) const SIZE: u32 = 256;
pub(crate) const STREAMS: [TestStream; 1] = [TestStream::Video(1)];
/// Packets with a key frame; one packet is one frame, a second long.
pub(crate) const KEYS: [u32; 3] = [0, 4, 7];

/// A header for ten packets, and ten packets.
pub(crate) fn file() -> Vec<u8> {
    let mut bytes = testing::header(SIZE, 10, &STREAMS).to_vec();
    bytes.extend(packets());
    bytes
}

pub(crate) fn packets() -> Vec<u8> {
    let make = |number| match KEYS.contains(&number) {
        true => testing::key_packet(number, SIZE, b"a key frame"),
        false => testing::packet(number, SIZE, b"frame"),
    };
    (0..10).flat_map(make).collect()
}

pub(crate) fn report(bytes: &[u8]) -> Report {
    Report::read(Path::new("-"), bytes, |_| Ok(())).unwrap()
}

/// The file with its index: `repair` leaves it as it is.
pub(crate) fn whole() -> Vec<u8> {
    repaired(&file())
}

pub(crate) fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    mms_asf::repair(bytes, &mut out, &RepairOptions::default()).unwrap();
    out.into_inner()
}

/// What `repair` would put right, and what it would not.
pub(crate) fn faults_of(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let report = report(bytes);
    let object = report.json();
    let repairable = object["repairable"].as_array().unwrap();
    let others = object["deviations"].as_array().unwrap();
    // Long lines go on in the next one.
    let text = report.text().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut repairable_lines = Vec::new();
    for fault in repairable {
        let line = fault["text"].as_str().unwrap().to_owned();
        let label = if fault["harmless"] == true { "harmless" } else { "repairable" };
        assert!(text.contains(&format!("{label} {line}")), "{line}: {text}");
        repairable_lines.push(line);
    }
    let others: Vec<_> = others.iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    for line in &others {
        assert!(text.contains(&format!("deviation {line}")), "{line}: {text}");
    }
    let none = repairable_lines.is_empty() && others.is_empty();
    assert_eq!(none, text.contains("deviations none"), "{text}");
    (repairable_lines, others)
}

/// All that is wrong with a file.
pub(crate) fn deviations(bytes: &[u8]) -> Vec<String> {
    let (repairable, others) = faults_of(bytes);
    repairable.into_iter().chain(others).collect()
}

/// What is said of entries of indexes.
pub(crate) fn astray(bytes: &[u8]) -> Vec<String> {
    let lines = deviations(bytes).into_iter();
    lines.filter(|line| line.contains("leads astray")).collect()
}

/// A file with an index behind it, in whose header the size of all is right.
pub(crate) fn with_index(index: impl Into<IndexObject>) -> Vec<u8> {
    let mut object = BytesMut::new();
    index.into().write(&mut object);
    let mut bytes = file();
    bytes.extend(object);
    let len = bytes.len() as u64;
    bytes[70..78].copy_from_slice(&len.to_le_bytes());
    bytes
}
