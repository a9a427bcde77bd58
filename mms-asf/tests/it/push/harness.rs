//! Pushes bytes, checks that none is lost, and says shortly what was told.

use bytes::Bytes;
use mms_asf::testing::{self, TestStream};
use mms_asf::{Cause, Deviation, Error, Event, Limits, StreamParser, guid};

/// The size of all packets here.
pub(crate) const SIZE: u32 = 200;
pub(crate) const P: usize = SIZE as usize;
pub(crate) const STREAMS: [TestStream; 1] = [TestStream::Audio(1)];

pub(crate) fn limited(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Everything that is told about `input`, which is pushed in pieces of these lengths, and the rest
/// at once. No byte may be lost.
pub(crate) fn parse_with(
    limits: Limits,
    input: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> (Vec<Event>, Option<Error>) {
    let mut parser = StreamParser::with_limits(limits);
    let mut events = Vec::new();
    let mut rest = input;
    for cut in cuts {
        let (piece, later) = rest.split_at(cut.min(rest.len()));
        rest = later;
        parser.push(piece);
        while let Ok(Some(event)) = parser.poll() {
            events.push(event);
        }
    }
    parser.push(rest);
    parser.finish();
    let error = loop {
        match parser.poll() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => break None,
            Err(error) => {
                assert_eq!(parser.poll(), Err(error.clone()));
                break Some(error);
            }
        }
    };
    let told: u64 = events.iter().map(|event| len(event, input)).sum();
    if error.is_none() {
        assert_eq!(told, input.len() as u64, "{events:?}");
        assert!(matches!(events.last(), Some(Event::End { .. })));
    }
    let ends = events.iter().filter(|event| matches!(event, Event::End { .. })).count();
    assert_eq!(ends, usize::from(error.is_none()));
    (events, error)
}

pub(crate) fn parse(input: &[u8]) -> Vec<Event> {
    let (events, error) = parse_with(Limits::default(), input, []);
    assert_eq!(error, None);
    events
}

pub(crate) fn told(input: &[u8]) -> Vec<String> {
    parse(input).iter().map(short).collect()
}

/// One word an event, for comparing with what is expected.
pub(crate) fn short(event: &Event) -> String {
    match event {
        Event::Header { offset, .. } => format!("header at {offset}"),
        Event::Packet { number, offset, .. } => format!("packet {number} at {offset}"),
        Event::Damage { offset, bytes, cause } => {
            let cause = match cause {
                Cause::Packet(_) => "packet".to_owned(),
                Cause::Header(_) => "header".to_owned(),
                other => format!("{other:?}"),
            };
            format!("{cause}: {} at {offset}", bytes.len())
        }
        Event::Object { id, offset, bytes } => {
            format!("{}: {} at {offset}", guid::name(*id).unwrap_or("other"), bytes.len())
        }
        Event::Skipped { offset, len, .. } => format!("skipped {len} at {offset}"),
        Event::Deviation(deviation) => format!("{deviation:?}"),
        Event::End { leftover, .. } => format!("end, {} left", leftover.len()),
        other => format!("{other:?}"),
    }
}

/// The numbers of the packets that were read.
pub(crate) fn numbers(events: &[Event]) -> Vec<u64> {
    let number = |event: &Event| match event {
        Event::Packet { number, .. } => Some(*number),
        _ => None,
    };
    events.iter().filter_map(number).collect()
}

pub(crate) fn packet(number: u32) -> Bytes {
    // Bytes that neither begin like a packet nor can be read as one.
    testing::packet(number, SIZE, &[0xEE; 150])
}

pub(crate) fn packets(count: u32) -> Vec<u8> {
    (0..count).flat_map(packet).collect()
}

pub(crate) fn simple_index() -> Bytes {
    testing::object(guid::SIMPLE_INDEX, &[0; 44])
}

pub(crate) fn file(count: u32) -> Vec<u8> {
    let header = testing::header(SIZE, count.into(), &STREAMS);
    [&header[..], &packets(count)].concat()
}

/// How many bytes of the input an event accounts for; they are the bytes that lie there.
fn len(event: &Event, input: &[u8]) -> u64 {
    let (offset, bytes) = match event {
        Event::Header { header, .. } => {
            let made_up = header.deviations().contains(&Deviation::DataObjectMissing);
            return header.len() as u64 - if made_up { 50 } else { 0 };
        }
        Event::Skipped { len, .. } => return *len,
        Event::Packet { offset, bytes, .. }
        | Event::Damage { offset, bytes, .. }
        | Event::Object { offset, bytes, .. }
        | Event::End { offset, leftover: bytes } => (*offset, bytes),
        _ => return 0,
    };
    let offset = usize::try_from(offset).unwrap();
    assert_eq!(bytes, &input[offset..offset + bytes.len()]);
    bytes.len() as u64
}
