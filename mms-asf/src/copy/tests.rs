//! Packets in runs and packets one by one.

use std::io::Cursor;

use bytes::Bytes;
use proptest::prelude::*;

use super::Original;
use crate::objects::{Body as _, IndexParameters};
use crate::testing::{self, Pieces, TestPacket, TestPayload, TestStream};
use crate::{IndexKind, IndexSpecifier, Limits, Rebase, guid};

const SIZE: u32 = 200;
const COUNT: u32 = 12;

/// What is written, and what is told about it.
fn copied(
    bytes: &[u8],
    len: usize,
    rebase: Rebase,
    change: Option<fn(Bytes) -> Option<Bytes>>,
) -> Result<(Vec<u8>, String), String> {
    let said = |error| format!("{error:?}");
    // Damage can make a file seem to last for weeks, and indexes have an entry a second.
    let limits = Limits { index_entries: 10_000, ..Limits::default() };
    let original = Original::open(Pieces::new(bytes, len), &limits).map_err(said)?;
    let header = original.header().clone();
    let mut output = Cursor::new(Vec::new());
    let repaired = original.copy(&header, &mut output, rebase, change).map_err(said)?;
    Ok((output.into_inner(), format!("{repaired:?}")))
}

/// A whole file with streams and packets of many kinds, and with indexes of two.
fn mixed() -> Vec<u8> {
    let specifiers = vec![IndexSpecifier { stream: 2, kind: IndexKind::KeyFrame }];
    let parameters = IndexParameters { interval: 1_000, specifiers };
    let parameters = parameters.encode().unwrap().bytes;
    let streams =
        [TestStream::Audio(1), TestStream::Video(2), TestStream::Video(3), TestStream::Command(4)];
    let mut input = testing::header_with(SIZE, COUNT.into(), 2, &streams, &[parameters]).to_vec();
    for number in 0..COUNT {
        let time = number * 400;
        let picture = |stream| TestPayload::whole(stream, number, time + 3_000, b"a picture");
        let part = |offset| TestPayload::part(0x83, number / 2, time + 3_000, 80, offset, &[7; 40]);
        let sound = TestPayload::compressed(1, number, time + 3_000, 20, &[b"so", b"und"]);
        let payloads = match number % 4 {
            0 => vec![picture(0x82), sound, part(0)],
            1 => vec![part(40), picture(2)],
            2 => vec![sound],
            _ => vec![picture(4), picture(9)],
        };
        let mut packet = TestPacket { send_time: time, ..TestPacket::multiple(payloads) };
        match number % 3 {
            0 => packet.length_width = 2,
            1 => (packet.length_width, packet.length) = (4, Some(SIZE - 3)),
            _ => packet.unclaimed = 3,
        }
        input.extend_from_slice(&packet.build(SIZE));
    }
    copied(&input, input.len(), Rebase::None, None).unwrap().0
}

/// A whole file, with an index.
fn file() -> Vec<u8> {
    let packets = (0..COUNT).flat_map(|number| match number % 4 {
        0 => testing::key_packet(number, SIZE, b"a picture"),
        _ => testing::packet(number, SIZE, b"a change"),
    });
    let mut input = testing::header(SIZE, COUNT.into(), &[TestStream::Video(1)]).to_vec();
    input.extend(packets);
    copied(&input, input.len(), Rebase::None, None).unwrap().0
}

#[test]
fn runs_are_long() {
    let file = file();
    let mut original = Original::open(&file[..], &Limits::default()).unwrap();
    let first = original.source.next().unwrap().unwrap();
    let crate::Event::Packet { bytes, .. } = first else { panic!("{first:?}") };
    let opening = crate::push::Opening::of(&bytes);
    let mut seen = 0;
    let each = |_: &crate::Packet<'_>, payloads: &[crate::Payload<'_>]| {
        seen += payloads.len();
        true
    };
    let run = original.source.run(opening, each).unwrap();
    assert_eq!((run.unwrap().len(), seen), ((COUNT as usize - 1) * SIZE as usize, 11));
}

/// What can lie between two packets: the header again, an object, packets that begin otherwise.
fn between(which: usize) -> Vec<u8> {
    let header = testing::header(SIZE, COUNT.into(), &[TestStream::Video(1)]);
    let whole = TestPayload::whole(1, 3, 6_000, b"a change");
    let other = TestPacket { number_width: 2, ..TestPacket::single(whole) }.build(SIZE);
    match which {
        0 => header.to_vec(),
        1 => testing::object(guid::XMP, b"between").to_vec(),
        2 => other.to_vec(),
        3 => [&header[..], &other.repeat(3)].concat(),
        4 => testing::object(guid::SIMPLE_INDEX, &[0; 32]).to_vec(),
        5 => testing::object(guid::MEDIA_OBJECT_INDEX, &[0; 10]).to_vec(),
        9 => (70..73).flat_map(|number| testing::packet(number, SIZE, b"a change")).collect(),
        6 => testing::object(guid::CONTENT_DESCRIPTION, &[0; 10]).to_vec(),
        7 => testing::live_header(SIZE, &[TestStream::Audio(9)]).to_vec(),
        _ => [&header[..], &testing::key_packet(5, SIZE, b"a picture")].concat(),
    }
}

proptest! {
    #[test]
    fn runs_change_nothing(
        harms in prop::collection::vec((any::<prop::sample::Index>(), 0..13_usize, 1..300_usize), 0..4),
        len in prop_oneof![1..50_usize, 150..250_usize, Just(usize::MAX)],
        is_mixed in any::<bool>(),
        rebase in prop_oneof![Just(Rebase::None), Just(Rebase::WhenLate), Just(Rebase::Always)],
    ) {
        let mut bytes = if is_mixed { mixed() } else { file() };
        let header = Original::open(&bytes[..], &Limits::default()).unwrap().header;
        let start = header.len();
        for (place, what, count) in harms {
            let at = place.index(bytes.len());
            let end = at.saturating_add(count).min(bytes.len());
            match what {
                0 => bytes[at] ^= count.to_le_bytes()[0],
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(end..end, bytes[at..end].to_vec())),
                which => {
                    let boundary = start + place.index(COUNT as usize + 1) * SIZE as usize;
                    let boundary = boundary.min(bytes.len());
                    drop(bytes.splice(boundary..boundary, between(which - 3)));
                }
            }
            prop_assume!(!bytes.is_empty());
        }
        let one_by_one = copied(&bytes, usize::MAX, rebase, Some(Some));
        for len in [usize::MAX, len] {
            prop_assert_eq!(&copied(&bytes, len, rebase, None), &one_by_one);
        }
        if let Ok((whole, _)) = one_by_one {
            for rebase in [Rebase::None, rebase] {
                let (again, told) = copied(&whole, usize::MAX, rebase, None).unwrap();
                prop_assert!(again == whole, "{}", told);
            }
        }
    }
}
