//! Real files, compared with what the reader that seeks finds.

use std::io::{Cursor, Read, Seek};

use mms_asf::{Cause, Deviation, Event, FileReader, Limits, guid};

use crate::push::harness::parse_with;
use crate::support::{each_file, open, samples};

/// Its Data Object lies where the Header Object does not end: the reader refuses it, the parser
/// finds it behind the remains of an older and longer header.
const ELSEWHERE: &str = "broken-header-size-578-but-data-object-at-4430.wma";

#[test]
fn packets_are_those_of_the_reader() {
    let (mut packets, mut objects) = (0, 0);
    each_file(|name, reader| {
        let mut input = Vec::new();
        let mut file = reader.into_inner();
        file.rewind().unwrap();
        file.read_to_end(&mut input).unwrap();
        let mut reader = FileReader::open(Cursor::new(&input)).unwrap();

        let (events, error) = parse_with(Limits::default(), &input, []);
        assert_eq!(error, None, "{name}");
        let pieces = parse_with(Limits::default(), &input, vec![1_021; input.len() / 1_021]);
        assert_eq!(pieces, (events.clone(), None), "{name}");
        if name == ELSEWHERE {
            check_elsewhere(&events);
            return;
        }
        let (mut number, mut deviations) = (0, Vec::new());
        for event in &events {
            match event {
                Event::Header { offset, header } => {
                    assert_eq!((*offset, &**header), (0, reader.header()), "{name}");
                }
                Event::Packet { number: n, bytes, .. } => {
                    assert_eq!((*n, bytes), (number, &reader.packet(number).unwrap()), "{name}");
                    number += 1;
                }
                Event::Object { id, .. } => {
                    assert_ne!(guid::name(*id), None, "{name}");
                    objects += 1;
                }
                Event::Deviation(deviation) => deviations.push(deviation.clone()),
                Event::End { leftover, .. } => {
                    assert_eq!(leftover.len() as u64, reader.leftover(), "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(number, reader.packet_count(), "{name}");
        packets += number;
        check_deviations(name, &deviations, &reader);
    });
    println!("{packets} packets, {objects} objects behind them");
    assert!(samples().is_none() || (packets > 8_000 && objects > 40));
}

#[test]
fn damaged_headers_are_refused_as_by_the_reader() {
    for (name, path) in samples().unwrap_or_default() {
        let Some(refused) = open(&path).err().map(|error| error.to_string()) else { continue };
        let (events, error) = parse_with(Limits::default(), &std::fs::read(&path).unwrap(), []);
        assert_eq!(events, [], "{name}");
        assert_eq!(error.map(|error| error.to_string()), Some(refused), "{name}");
    }
}

/// Only what was cut ends early; of two files the packets were taken out by hand.
fn check_deviations(name: &str, deviations: &[Deviation], reader: &FileReader<Cursor<&Vec<u8>>>) {
    let file = reader.header().file();
    let found = reader.packet_count();
    let count = Deviation::PacketCount { declared: file.packet_count, found };
    if file.broadcast() || file.packet_count == found || file.packet_count == u32::MAX.into() {
        assert_eq!(deviations, [], "{name}");
    } else if name.starts_with("data-emptied") || name.contains("header-and-metadata-only") {
        assert_eq!(deviations, [count], "{name}");
    } else {
        assert!(reader.leftover() > 0, "{name}: {deviations:?}");
        assert!(matches!(deviations[0], Deviation::DataEnd { .. }), "{name}");
        assert_eq!(deviations[1..], [count], "{name}");
    }
}

fn check_elsewhere(events: &[Event]) {
    let moved = Deviation::DataObjectElsewhere { declared: 3_781, found: 7_633 };
    assert_eq!(events[1], Event::Deviation(moved));
    assert!(matches!(&events[2], Event::Damage { offset: 3_781, cause: Cause::Gap, .. }));
    let packets = events[3..9].iter().all(|event| matches!(event, Event::Packet { .. }));
    assert!(packets && events.len() == 10, "{events:?}");
}
