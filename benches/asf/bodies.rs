//! What this library does with a file, as often as it is told.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Read};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use mms_asf::{
    Assembled, Assembler, Event, FileReader, Header, Packet, RepairOptions, StreamParser, repair,
};

use crate::Failure;

/// Bytes of a read.
const READ: usize = 64 << 10;

/// One of the things to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// All payloads of all packets, read by number.
    Reader,
    /// The same, of packets as they arrive.
    Parser,
    /// All media objects.
    Assembler,
    /// The whole file, written anew.
    Repair,
}

const ALL: [Body; 4] = [Body::Reader, Body::Parser, Body::Assembler, Body::Repair];

impl Body {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reader => "packets, FileReader",
            Self::Parser => "packets, StreamParser",
            Self::Assembler => "objects, Assembler",
            Self::Repair => "repair",
        }
    }
}

/// What was found: packets and payload bytes, or media objects and theirs.
#[derive(Debug, Default)]
struct Found {
    count: u64,
    bytes: u64,
}

/// Does what `NAME FILE PASSES [OUTPUT]` says, and prints what was found in all passes together.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (name, file, passes, output) = match arguments {
        [name, file, passes] => (name, file, passes, None),
        [name, file, passes, output] => (name, file, passes, Some(output)),
        _ => return Err("--body NAME FILE PASSES [OUTPUT]".into()),
    };
    let body = ALL.into_iter().find(|body| body.name() == name).ok_or("no such body")?;
    let (file, output) = (Path::new(file), output.map(Path::new));
    let mut found = Found::default();
    for _ in 0..passes.parse::<u32>()? {
        match body {
            Body::Reader => by_number(file, &mut found)?,
            Body::Parser => parsed(file, |_, packet, size| walk(&packet, size, &mut found))?,
            Body::Assembler => objects(file, &mut found)?,
            Body::Repair => {
                let made = File::create(output.ok_or("no output")?)?;
                let repaired = repair(File::open(file)?, made, &RepairOptions::default())?;
                found.count += repaired.packets;
                found.bytes += repaired.file_size;
            }
        }
    }
    println!("{} {}", found.count, found.bytes);
    Ok(())
}

fn by_number(file: &Path, found: &mut Found) -> Result<(), Failure> {
    let mut reader = FileReader::open(BufReader::with_capacity(READ, File::open(file)?))?;
    let mut packet = BytesMut::new();
    let size = reader.header().file().packet_size;
    for number in 0..reader.packet_count() {
        reader.packet_into(number, &mut packet)?;
        walk(&packet, size, found)?;
    }
    Ok(())
}

fn objects(file: &Path, found: &mut Found) -> Result<(), Failure> {
    let mut assembler = None;
    let mut poll = |assembler: &mut Assembler| {
        while let Some(assembled) = assembler.poll() {
            let Assembled::Object(object) = black_box(assembled) else {
                return Err("a media object is not complete");
            };
            found.count += 1;
            found.bytes += object.data.len() as u64;
        }
        Ok(())
    };
    parsed(file, |header, packet, _| {
        let assembler = assembler.get_or_insert_with(|| Assembler::new(header));
        assembler.push(&packet)?;
        // Before the next read, so that its block can be written to again.
        drop(packet);
        Ok(poll(assembler)?)
    })?;
    let mut assembler = assembler.ok_or("no packets")?;
    assembler.finish();
    Ok(poll(&mut assembler)?)
}

/// Hands out the packets of a file together with the header and the packet size.
fn parsed(
    file: &Path,
    mut each: impl FnMut(&Header, Bytes, u32) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut file = File::open(file)?;
    let mut parser = StreamParser::new();
    let mut read = None;
    loop {
        match parser.poll()? {
            Some(Event::Packet { bytes, .. }) => {
                let header: &Header = read.as_ref().ok_or("a packet in front of the header")?;
                each(header, bytes, header.file().packet_size)?;
            }
            Some(Event::Header { header, .. }) => read = Some(*header),
            Some(Event::End { .. }) => return Ok(()),
            Some(Event::Object { .. }) => {}
            Some(other) => return Err(format!("{other:?}").into()),
            None => match file.read(parser.room())? {
                0 => parser.finish(),
                count => parser.received(count),
            },
        }
    }
}

fn walk(packet: &[u8], size: u32, found: &mut Found) -> Result<(), Failure> {
    for payload in Packet::parse(packet, size)?.payloads() {
        found.bytes += black_box(payload?).data.len() as u64;
    }
    found.count += 1;
    Ok(())
}
