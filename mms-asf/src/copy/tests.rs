//! Packets in runs and packets one by one.

use std::io::Cursor;

use bytes::Bytes;
use proptest::prelude::*;

use super::Original;
use crate::testing::{self, Pieces, TestPacket, TestPayload, TestStream};
use crate::{Limits, Rebase, guid};

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
    let original = Original::open(Pieces::new(bytes, len), &Limits::default()).map_err(said)?;
    let header = original.header().clone();
    let mut output = Cursor::new(Vec::new());
    let repaired = original.copy(&header, &mut output, rebase, change).map_err(said)?;
    Ok((output.into_inner(), format!("{repaired:?}")))
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
    let run = original.source.run(opening, |_, payloads| seen += payloads.len()).unwrap();
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
        _ => [&header[..], &testing::key_packet(5, SIZE, b"a picture")].concat(),
    }
}

proptest! {
    #[test]
    fn runs_change_nothing(
        harms in prop::collection::vec((any::<prop::sample::Index>(), 0..8_usize, 1..300_usize), 0..4),
        len in prop_oneof![1..50_usize, 150..250_usize, Just(usize::MAX)],
        rebase in prop_oneof![Just(Rebase::None), Just(Rebase::WhenLate), Just(Rebase::Always)],
    ) {
        let mut bytes = file();
        let start = testing::header(SIZE, COUNT.into(), &[TestStream::Video(1)]).len();
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
    }
}
