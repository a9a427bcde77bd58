//! Files and chains of files without damage, cut anywhere.

use mms_asf::testing;
use mms_asf::{Deviation, Error, Event, Header, Limits, NotAsf, StreamParser, guid};
use uuid::Uuid;

use crate::push::harness::*;

/// A file with everything that can follow a Data Object, and another one behind it.
fn chain() -> Vec<u8> {
    let xmp = testing::object(guid::XMP, b"<x:xmpmeta/>");
    let other = testing::object(Uuid::nil(), b"something else");
    let next = testing::live_header(SIZE, &STREAMS);
    [&file(3)[..], &simple_index(), &xmp, &other, &next, &packets(2), &packet(2)[..90]].concat()
}

#[test]
fn everything_is_told() {
    let header = testing::header(SIZE, 3, &STREAMS).len();
    let index = header + 3 * P;
    let next = index + 68 + 36 + 38;
    let live = next + testing::live_header(SIZE, &STREAMS).len();
    let expected = [
        "header at 0".to_owned(),
        format!("packet 0 at {header}"),
        format!("packet 1 at {}", header + P),
        format!("packet 2 at {}", header + 2 * P),
        format!("Simple Index Object: 68 at {index}"),
        format!("XMP Object: 36 at {}", index + 68),
        format!("other: 38 at {}", index + 68 + 36),
        format!("header at {next}"),
        format!("packet 0 at {live}"),
        format!("packet 1 at {}", live + P),
        "end, 90 left".to_owned(),
    ];
    assert_eq!(told(&chain()), expected);
    let events = parse(&chain());
    let Some(Event::Header { header, .. }) = events.first() else { panic!("{events:?}") };
    assert_eq!(**header, Header::parse(&testing::header(SIZE, 3, &STREAMS)).unwrap());
}

#[test]
fn one_cut_anywhere_makes_no_difference() {
    let input = chain();
    let whole = parse(&input);
    for at in 0..=input.len() {
        let (events, error) = parse_with(Limits::default(), &input, [at]);
        assert_eq!((events, error), (whole.clone(), None), "cut at {at}");
    }
    let (events, _) = parse_with(Limits::default(), &input, vec![1; input.len()]);
    assert_eq!(events, whole);
}

#[test]
fn reading_into_the_buffer_is_pushing() {
    let input = [&file(500)[..], &simple_index()].concat();
    let mut parser = StreamParser::new();
    let (mut rest, mut events) = (&input[..], Vec::new());
    while !rest.is_empty() {
        let room = parser.room();
        let count = room.len().min(rest.len());
        assert!(room.len() >= 16 << 10);
        room[..count].copy_from_slice(&rest[..count]);
        parser.received(count);
        rest = &rest[count..];
        while let Some(event) = parser.poll().unwrap() {
            events.push(event);
        }
    }
    parser.finish();
    parser.push(b"ignored");
    while let Some(event) = parser.poll().unwrap() {
        events.push(event);
    }
    assert_eq!(events, parse(&input));
}

#[test]
fn a_packet_is_told_with_its_last_byte() {
    let input = file(3);
    let start = input.len() - 3 * P;
    let mut parser = StreamParser::new();
    for (at, byte) in input.iter().enumerate() {
        parser.push(&[*byte]);
        let mut count = 0;
        while let Some(event) = parser.poll().unwrap() {
            count += usize::from(matches!(event, Event::Packet { .. }));
        }
        let last = at >= start && (at + 1 - start) % P == 0;
        assert_eq!(count, usize::from(last), "byte {at}");
    }
}

#[test]
fn a_file_may_end_anywhere() {
    let input = [&file(3)[..], &simple_index()].concat();
    let header = testing::header(SIZE, 3, &STREAMS).len();
    for end in 0..=input.len() {
        let (events, error) = parse_with(Limits::default(), &input[..end], []);
        // Without the Data Object a header is whole, with a part of it it is not.
        assert_eq!(error.is_none(), end >= header || end == header - 50, "{end}: {error:?}");
        let whole = end.saturating_sub(header).min(3 * P) / P;
        assert_eq!(numbers(&events).len(), whole);
        if (header..header + 3 * P).contains(&end) {
            let count = Deviation::PacketCount { declared: 3, found: whole as u64 };
            assert!(events.contains(&Event::Deviation(count)), "{end}");
            assert_eq!(events.last().map(short), Some(format!("end, {} left", (end - header) % P)));
        }
        let byte_by_byte = parse_with(Limits::default(), &input[..end], vec![1; end]);
        assert_eq!(byte_by_byte, (events, error), "{end}");
    }
}

#[test]
fn the_first_header_has_to_be_good() {
    let mut unknown = file(1);
    unknown[30..30 + 16].fill(0);
    for (input, other) in [
        (&b""[..], Some(NotAsf::Empty)),
        (b"ID3 and then some more bytes of no interest", Some(NotAsf::Text)),
        ("\u{feff}A word in UTF-8, cut in the middle: \u{e4}".as_bytes(), Some(NotAsf::Text)),
        (&[0xFF, 0xFE, b'a', 0, b'b', 0], Some(NotAsf::Text)),
        (b"ID3\x03\0\0\0\0\x07\x76TIT2 and so on", None),
        (&unknown, None),
    ] {
        for cuts in [vec![], vec![1; input.len()]] {
            let (events, error) = parse_with(Limits::default(), input, cuts);
            assert_eq!(events, []);
            match other {
                Some(other) => assert_eq!(error, Some(Error::NotAsf(other))),
                None => {
                    let is =
                        |e: &Error| matches!(e, Error::Malformed { what: "Header Object", .. });
                    assert!(error.as_ref().is_some_and(is), "{error:?}");
                }
            }
        }
    }
}

#[test]
fn limits_are_kept() {
    let header = testing::header(SIZE, 1, &STREAMS);
    let chain = |count: usize| {
        let mut bytes = header.repeat(count);
        bytes.extend_from_slice(&packet(0));
        bytes
    };
    let limits = limited(|l| l.headers = 3);
    assert_eq!(parse_with(limits, &[chain(3), chain(3)].concat(), []).1, None);
    let (events, error) = parse_with(limits, &chain(4), []);
    assert_eq!(events.iter().filter(|e| matches!(e, Event::Header { .. })).count(), 3);
    assert!(matches!(error, Some(Error::Limit { value: 4, limit: 3, .. })), "{error:?}");

    // An index that is too large goes by, whole or cut.
    let index = testing::object(guid::SIMPLE_INDEX, &[0; 100_000]);
    let end = testing::object(guid::XMP, &[0; 10]);
    let input = [&file(1)[..], &index, &end].concat();
    let limits = limited(|l| l.index_bytes = 1_000);
    let at = header.len() + P;
    for cuts in [vec![], vec![999; 200]] {
        let (events, _) = parse_with(limits, &input, cuts);
        let events: Vec<_> = events[2..].iter().map(short).collect();
        let expected = [
            format!("skipped 100024 at {at}"),
            format!("XMP Object: 34 at {}", at + 100_024),
            "end, 0 left".to_owned(),
        ];
        assert_eq!(events, expected);
    }
    let (events, _) = parse_with(limits, &input[..at + 5_000], []);
    assert_eq!(short(&events[2]), format!("skipped 5000 at {at}"));
    // Below the limit, a cut one is handed out.
    assert_eq!(told(&input[..at + 5_000])[2], format!("Cut: 5000 at {at}"));
}
