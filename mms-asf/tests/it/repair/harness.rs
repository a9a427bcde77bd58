//! Small files, and repair with a look at what comes out.

use std::io::Cursor;

use bytes::Bytes;
use mms_asf::testing::{self, Strict, TestStream, strict};
use mms_asf::{
    Change, Event, FileError, Header, Limits, RepairCheck, RepairOptions, Repaired, StreamParser,
    repair,
};

/// The size of all packets here.
pub(crate) const SIZE: u32 = 200;
pub(crate) const P: usize = SIZE as usize;
pub(crate) const VIDEO: [TestStream; 1] = [TestStream::Video(1)];

pub(crate) fn try_repair(
    input: &[u8],
    options: &RepairOptions,
) -> Result<(Vec<u8>, Repaired), FileError> {
    let mut out = Cursor::new(Vec::new());
    let repaired = repair(input, &mut out, options)?;
    Ok((out.into_inner(), repaired))
}

/// What repair would do, found out without an output.
fn check(input: &[u8], options: &RepairOptions) -> Result<Repaired, FileError> {
    let mut parser = StreamParser::new();
    parser.push(input);
    parser.finish();
    let Some(Event::Header { header, .. }) = parser.poll()? else { panic!("no header") };
    let mut check = RepairCheck::new(&header, options)?;
    while let Some(event) = parser.poll()? {
        if !check.event(event)? {
            break;
        }
    }
    check.finish()
}

/// What comes out: whole, as it was said to be, and left alone when it is repaired again.
#[track_caller]
pub(crate) fn checked(input: &[u8]) -> Result<(Strict, Vec<u8>, Repaired), FileError> {
    let options = RepairOptions::default();
    let (file, repaired) = try_repair(input, &options)?;
    assert_eq!(check(input, &options).unwrap(), repaired);
    let found = strict(&file, &Limits::default()).unwrap();
    assert_eq!(repaired.file_size, file.len() as u64);
    assert_eq!(repaired.packets, found.packets.len() as u64);
    assert_eq!(repaired.seekable, found.header.file().seekable());
    if repaired.next.is_none() {
        assert_eq!(repaired.changes.is_empty(), file == input, "{:?}", repaired.changes);
    }
    let (again, second) = try_repair(&file, &options).unwrap();
    assert_eq!((second.changes, second.left_out, second.next), (vec![], 0, None));
    assert!(again == file);
    Ok((found, file, repaired))
}

#[track_caller]
pub(crate) fn whole(input: &[u8]) -> (Strict, Repaired) {
    let (found, _, repaired) = checked(input).unwrap();
    (found, repaired)
}

/// A packet that is a key frame every fourth time; its media neither begins like a packet nor can
/// be read as one.
pub(crate) fn packet(number: u32) -> Bytes {
    let media = [0xEE, number.to_le_bytes()[0]].repeat(70);
    if number % 4 == 0 {
        testing::key_packet(number, SIZE, &media)
    } else {
        testing::packet(number, SIZE, &media)
    }
}

pub(crate) fn packets(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.flat_map(packet).collect()
}

pub(crate) fn header(count: u32) -> Bytes {
    testing::header(SIZE, count.into(), &VIDEO)
}

/// A whole file of so many packets, with its index.
pub(crate) fn file(count: u32) -> Vec<u8> {
    let input = [&header(count)[..], &packets(0..count)].concat();
    try_repair(&input, &RepairOptions::default()).unwrap().0
}

/// Where the packets start.
pub(crate) fn start(file: &[u8]) -> usize {
    let len = Header::declared_len(file, &Limits::default()).unwrap();
    Header::parse(&Bytes::copy_from_slice(&file[..len])).unwrap().len()
}

/// One word a change.
pub(crate) fn short(changes: &[Change]) -> Vec<String> {
    let word = |change: &Change| {
        let debug = format!("{change:?}");
        debug.split([' ', '(']).next().unwrap().to_owned()
    };
    changes.iter().map(word).collect()
}
