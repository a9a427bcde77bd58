//! Sizes and counts in headers that do not say what is there.

use mms_asf::testing;
use mms_asf::{Deviation, Error, Event, guid};

use crate::push::harness::*;

#[test]
fn sizes_and_counts_that_lie() {
    let header = testing::header(SIZE, 4, &STREAMS);
    let start = header.len() as u64;
    let end = |packets: u64| start + packets * u64::from(SIZE);
    let with = |size: u64, count: u64, rest: &[u8]| {
        let mut bytes = header.to_vec();
        let data = bytes.len() - 50;
        bytes[data + 16..data + 24].copy_from_slice(&size.to_le_bytes());
        bytes[30 + 56..30 + 64].copy_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(rest);
        parse(&bytes)
    };
    let size = |packets: u64| 50 + packets * u64::from(SIZE);
    let indexed = |count| [&packets(count)[..], &simple_index()].concat();
    let deviations = |events: &[Event]| -> Vec<Deviation> {
        let deviation = |event: &Event| match event {
            Event::Deviation(deviation) => Some(deviation.clone()),
            _ => None,
        };
        events.iter().filter_map(deviation).collect()
    };
    let has_index = |events: &[Event]| {
        events.iter().any(|e| matches!(e, Event::Object { id, .. } if *id == guid::SIMPLE_INDEX))
    };

    // Fewer than there are, more than there are, and a size inside a packet.
    for (declared, real) in [(1, 4), (4, 2), (4, 9)] {
        let events = with(size(declared), declared, &indexed(real));
        assert_eq!(numbers(&events), (0..u64::from(real)).collect::<Vec<_>>());
        let (declared_end, found) = (end(declared), u64::from(real));
        assert_eq!(
            deviations(&events),
            [
                Deviation::DataEnd { declared: declared_end, found: end(found) },
                Deviation::PacketCount { declared, found },
            ]
        );
        assert!(has_index(&events));
    }
    let events = with(size(4) + 30, 4, &indexed(4));
    assert_eq!(numbers(&events), [0, 1, 2, 3]);
    assert_eq!(deviations(&events), [Deviation::DataEnd { declared: end(4) + 30, found: end(4) }]);
    assert!(has_index(&events));
    let events = with(size(4) - 30, 4, &indexed(4));
    assert_eq!(numbers(&events), [0, 1, 2, 3]);
    assert!(has_index(&events));
    // A part of a packet that is no packet, accounted for by the size.
    let events = with(size(4) + 30, 4, &[&packets(4)[..], &[7; 30], &simple_index()].concat());
    assert_eq!(deviations(&events), []);
    assert_eq!(short(&events[5]), format!("Partial: 30 at {}", end(4)));
    assert!(has_index(&events));
    // Nothing declared, as live servers do, and nonsense.
    for (size, count) in [(0, 0), (50, 0), (50, u64::from(u32::MAX))] {
        let events = with(size, count, &indexed(3));
        assert_eq!(numbers(&events), [0, 1, 2]);
        assert_eq!(deviations(&events), []);
        assert!(has_index(&events));
    }
    let events = with(u64::MAX, u64::MAX, &indexed(3));
    assert_eq!(numbers(&events), [0, 1, 2]);
    assert_eq!(deviations(&events).len(), 2);
    // Packets again behind an index.
    let events = with(size(4), 4, &[&indexed(2)[..], &packets(2)].concat());
    assert_eq!(numbers(&events), [0, 1, 2, 3]);
}

#[test]
fn a_wrong_header_size_is_no_loss() {
    let header = testing::header(SIZE, 2, &STREAMS);
    let data = header.len() - 50;
    let with_size = |size: usize, between: &[u8]| {
        let mut bytes = header[..data].to_vec();
        bytes[16..24].copy_from_slice(&(size as u64).to_le_bytes());
        [&bytes[..], between, &header[data..], &packets(2)].concat()
    };
    let elsewhere = |declared: usize, found: usize| {
        format!(
            "{:?}",
            Deviation::DataObjectElsewhere { declared: declared as u64, found: found as u64 }
        )
    };
    // Old bytes are left between header and Data Object.
    let events = told(&with_size(data, &[0xAB; 500]));
    assert_eq!(events[1..3], [elsewhere(data, data + 500), format!("Gap: 500 at {data}")]);
    assert!(events.contains(&format!("packet 1 at {}", data + 550 + P)));
    // Too small and too large, but the children lead to the Data Object.
    let child = testing::content_description("title", "author");
    for (size, child) in [(data, &child[..]), (data + 1_000, &[])] {
        let events = parse(&with_size(size, child));
        let found = data + child.len();
        assert_eq!(short(&events[1]), elsewhere(size, found));
        assert_eq!(numbers(&events), [0, 1]);
        let Event::Header { header, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(header.title().is_some(), !child.is_empty());
        assert_eq!(header.len(), found + 50);
    }
    // Not within the window.
    let limits = limited(|l| l.search_bytes = 499);
    let (events, error) = parse_with(limits, &with_size(data, &[0xAB; 500]), []);
    assert_eq!(events, []);
    assert!(matches!(error, Some(Error::Malformed { what: "Data Object", .. })), "{error:?}");
}
