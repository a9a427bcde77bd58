//! What holds for all input.

use mms_asf::testing::{self, TestPacket, TestPayload};
use mms_asf::{Event, Limits, guid};
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use crate::push::harness::*;

/// One file of a chain.
#[derive(Debug, Clone)]
struct Part {
    size: u32,
    live: bool,
    packets: Vec<(bool, Vec<u8>)>,
    /// Kinds of objects behind the packets, and the lengths of their bodies.
    objects: Vec<(u8, usize)>,
}

impl Part {
    fn header(&self) -> Vec<u8> {
        let count = self.packets.len() as u64;
        match self.live {
            true => testing::live_header(self.size, &STREAMS).to_vec(),
            false => testing::header(self.size, count, &STREAMS).to_vec(),
        }
    }

    /// What follows the header, piece by piece.
    fn pieces(&self) -> Vec<Vec<u8>> {
        let packets = self.packets.iter().zip(0..).map(|((multiple, data), number)| {
            let payload = TestPayload::whole(1, number, number * 1_000, data);
            let packet = TestPacket { multiple: *multiple, ..TestPacket::single(payload) };
            packet.build(self.size).to_vec()
        });
        let objects = self.objects.iter().map(|&(kind, len)| {
            let id = match kind {
                0 => guid::SIMPLE_INDEX,
                1 => guid::INDEX,
                2 => guid::XMP,
                // Without a declared end only known objects are told from packets.
                _ if self.live && kind == 3 => guid::TIMECODE_INDEX,
                _ => Uuid::from_u128(0x1234_5678),
            };
            testing::object(id, &vec![kind; len]).to_vec()
        });
        packets.chain(objects).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        [self.header(), self.pieces().concat()].concat()
    }
}

fn part() -> impl Strategy<Value = Part> {
    let data = (any::<bool>(), prop::collection::vec(any::<u8>(), 1..40));
    (
        80..400_u32,
        any::<bool>(),
        prop::collection::vec(data, 0..9),
        prop::collection::vec((0..3_u8, 32..90_usize), 0..3),
        prop::option::of(3..5_u8),
    )
        .prop_map(|(size, live, packets, mut objects, unknown)| {
            objects.extend(unknown.filter(|_| !objects.is_empty()).map(|kind| (kind, 40)));
            Part { size, live, packets, objects }
        })
}

#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Fill(Index, usize, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, value)| Damage::Flip(at, value)),
        (at(), 1..500_usize, any::<u8>()).prop_map(|(at, len, v)| Damage::Fill(at, len, v)),
        (at(), 1..500_usize).prop_map(|(at, len)| Damage::Remove(at, len)),
        (at(), prop::collection::vec(any::<u8>(), 1..300))
            .prop_map(|(at, v)| Damage::Insert(at, v)),
        at().prop_map(Damage::Cut),
    ]
}

fn apply(damage: &Damage, bytes: &mut Vec<u8>) {
    let len = bytes.len();
    if len == 0 {
        return;
    }
    match damage {
        Damage::Flip(at, value) => bytes[at.index(len)] ^= value,
        Damage::Fill(at, count, value) => {
            let at = at.index(len);
            bytes[at..(at + count).min(len)].fill(*value);
        }
        Damage::Remove(at, count) => {
            let at = at.index(len);
            bytes.drain(at..(at + count).min(len));
        }
        Damage::Insert(at, more) => {
            let at = at.index(len);
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Cut(at) => bytes.truncate(at.index(len)),
    }
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(1..40_usize, 0..100),
        prop::collection::vec(1..900_usize, 0..20),
    ]
}

proptest! {
    #[test]
    fn everything_comes_out_of_a_chain(
        parts in prop::collection::vec(part(), 1..4),
        cuts in cuts(),
    ) {
        let input: Vec<u8> = parts.iter().flat_map(Part::bytes).collect();
        let (events, error) = parse_with(Limits::default(), &input, cuts);
        prop_assert_eq!(error, None);
        let mut expected = Vec::new();
        let mut offset = 0_u64;
        for part in &parts {
            expected.push(format!("header at {offset}"));
            offset += part.header().len() as u64;
            for (index, piece) in part.pieces().iter().enumerate() {
                expected.push(if index < part.packets.len() {
                    format!("packet {index} at {offset}")
                } else {
                    let id = Uuid::from_slice_le(&piece[..16]).unwrap();
                    let name = guid::name(id).unwrap_or("other");
                    format!("{name}: {} at {offset}", piece.len())
                });
                offset += piece.len() as u64;
            }
        }
        expected.push("end, 0 left".to_owned());
        prop_assert_eq!(events.iter().map(short).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn cuts_make_no_difference_to_damage(
        parts in prop::collection::vec(part(), 1..4),
        damage in prop::collection::vec(damage(), 0..5),
        spare_the_header in any::<bool>(),
        cuts in cuts(),
    ) {
        let mut input: Vec<u8> = parts.iter().flat_map(Part::bytes).collect();
        let header = if spare_the_header { parts[0].header().len() } else { 0 };
        let mut rest = input.split_off(header);
        damage.iter().for_each(|damage| apply(damage, &mut rest));
        input.extend_from_slice(&rest);
        let whole = parse_with(Limits::default(), &input, []);
        prop_assert!(!spare_the_header || whole.1.is_none());
        prop_assert_eq!(parse_with(Limits::default(), &input, cuts), whole);
    }

    #[test]
    fn one_damage_costs_two_packets_at_most(
        at in any::<Index>(),
        len in 0..500_usize,
        filler in prop::sample::select(vec![0_u8, 0x41, 0x77, 0xFF]),
        kind in 0..3_u8,
    ) {
        const COUNT: u32 = 12;
        let header = testing::header(SIZE, COUNT.into(), &STREAMS);
        let mut rest = [&packets(COUNT)[..], &simple_index()].concat();
        let at = at.index(COUNT as usize * P);
        let end = (at + len).min(COUNT as usize * P);
        match kind {
            0 => rest[at..end].fill(filler),
            1 => drop(rest.drain(at..end)),
            _ => drop(rest.splice(at..at, vec![filler; len])),
        }
        let (events, error) =
            parse_with(Limits::default(), &[&header[..], &rest].concat(), []);
        prop_assert_eq!(error, None);
        let found: Vec<_> = events.iter().filter_map(|event| match event {
            Event::Packet { bytes, .. } => Some(bytes.clone()),
            _ => None,
        }).collect();
        // The packet in which the damage starts may swallow the head of the next good one.
        let touched = if kind == 2 { at } else { end };
        for number in 0..COUNT {
            let start = number as usize * P;
            if start + P <= at || start >= touched + P {
                prop_assert!(found.contains(&packet(number)), "{} {:?}", number, events);
            }
        }
    }

    #[test]
    fn any_bytes_come_to_an_end(
        start in 0..3_u8,
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        cuts in cuts(),
    ) {
        let start = match start {
            0 => Vec::new(),
            1 => testing::live_header(100, &STREAMS).to_vec(),
            _ => testing::header(40, 3, &STREAMS).to_vec(),
        };
        let input = [&start[..], &bytes].concat();
        let whole = parse_with(Limits::default(), &input, []);
        prop_assert_eq!(whole.1.is_none(), !start.is_empty());
        prop_assert_eq!(parse_with(Limits::default(), &input, cuts), whole);
    }
}
