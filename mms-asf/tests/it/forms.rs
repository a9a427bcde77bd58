//! Packets of every legal form: all widths of all fields, single, multiple and compressed payloads,
//! with and without error correction data, explicit lengths, unclaimed bytes and padding.

use bytes::Bytes;
use mms_asf::testing::{TestPacket, TestPayload};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A packet and the packet size it is built for.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) packet: TestPacket,
    pub(crate) size: u32,
}

impl Form {
    pub(crate) fn build(&self) -> Bytes {
        self.packet.build(self.size)
    }
}

/// The streams that payloads belong to; some of them to any other number.
pub(crate) const STREAMS: [u8; 4] = [1, 2, 3, 4];

#[derive(Debug, Clone, Copy)]
struct Widths {
    number: usize,
    offset: usize,
    replicated: usize,
    data: usize,
}

/// A packet of any legal form with up to `most` payloads.
pub(crate) fn form(most: usize) -> impl Strategy<Value = Form> {
    let width = || select(vec![0_usize, 1, 2, 4]);
    // The customary widths as often as all others together.
    let widths = prop_oneof![
        Just(Widths { number: 1, offset: 4, replicated: 1, data: 2 }),
        (width(), width(), width(), select(vec![1_usize, 2, 4])).prop_map(
            |(number, offset, replicated, data)| Widths { number, offset, replicated, data }
        ),
    ];
    (widths, any::<bool>()).prop_flat_map(move |(widths, multiple)| {
        let few = if multiple { most.min(6) } else { 1 };
        let many = if multiple { most } else { 1 };
        let payloads =
            prop_oneof![9 => vec(payload(widths), 1..=few), 1 => vec(payload(widths), 1..=many)];
        let fields = (width(), width(), width(), any::<u32>());
        let correction = option::of(vec(any::<u8>(), 0..16));
        let times = (any::<u32>(), any::<u16>());
        let rest = (any::<Index>(), 0..4_usize, 0..40_u32, 0..3_u8, any::<u8>());
        (payloads, fields, correction, times, rest).prop_map(
            move |(payloads, fields, error_correction, (send_time, duration), rest)| {
                let (length_width, sequence_width, padding_width, sequence) = fields;
                let (padding, unclaimed, tail, length, filler) = rest;
                let mut packet = TestPacket {
                    error_correction,
                    length_width,
                    sequence_width,
                    sequence,
                    padding_width,
                    multiple,
                    send_time,
                    duration,
                    number_width: widths.number,
                    offset_width: widths.offset,
                    replicated_width: widths.replicated,
                    data_width: widths.data,
                    unclaimed: if multiple { unclaimed } else { 0 },
                    filler,
                    ..TestPacket::multiple(payloads)
                };
                let most = match padding_width {
                    0 => 0,
                    1 => 255,
                    _ => 700,
                };
                let area = packet.used() + packet.unclaimed + padding.index(most + 1);
                let size = place(&mut packet, u32::try_from(area).unwrap(), tail, length);
                Form { packet, size }
            },
        )
    })
}

/// Decides between no packet length, the packet size and a smaller length, and gives the packet
/// size.
fn place(packet: &mut TestPacket, area: u32, tail: u32, length: u8) -> u32 {
    let most = [0, 0xFF, 0xFFFF, 0, u32::MAX][packet.length_width];
    match length {
        1 if area <= most => {
            packet.length = Some(area);
            area
        }
        2 if area <= most => {
            packet.length = Some(area);
            area + tail
        }
        _ => {
            packet.length = Some(0);
            area
        }
    }
}

fn payload(widths: Widths) -> impl Strategy<Value = TestPayload> {
    let stream = prop_oneof![3 => select(STREAMS.to_vec()), 1 => 1..=127_u8];
    let stream = (stream, any::<bool>()).prop_map(|(stream, key)| stream | u8::from(key) << 7);
    let object = prop_oneof![0..4_u32, any::<u32>()].prop_map(move |n| cut(n, widths.number));
    let offset = prop_oneof![Just(0), 1..2000_u32].prop_map(move |n| cut(n, widths.offset));
    let data = vec(any::<u8>(), 0..60);
    let list = vec(vec(any::<u8>(), 0..20), 0..4);
    let time = prop_oneof![any::<u32>(), 0..9_u32, (0..9_u32).prop_map(|n| u32::MAX - n)];
    let fields = (stream, object, offset, time, any::<u8>());
    (fields, data, list, extensions(), 0..6_u8).prop_map(
        move |((stream, object, offset, time, delta), data, list, extensions, kind)| match kind {
            0 | 1 if widths.replicated != 0 => {
                let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
                let time = cut(time, widths.offset);
                TestPayload::compressed(stream, object, time, delta, &list)
            }
            2.. if widths.replicated != 0 => {
                // Most fragments do not complete their object, which a reader has to cope with.
                let whole = offset + u32::try_from(data.len()).unwrap();
                let size = [whole, 0x1000_0000, 0][usize::from(kind) % 3];
                let mut payload = TestPayload::part(stream, object, time, size, offset, &data);
                payload.replicated.extend(extensions);
                payload
            }
            _ => TestPayload { stream, object, offset, replicated: Vec::new(), data },
        },
    )
}

/// Extension data: any bytes, or bytes with a size in front and the timing of recorded TV behind,
/// where 0 and all ones mean that there is no time.
fn extensions() -> impl Strategy<Value = Vec<u8>> {
    let time = || prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)];
    prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 0..70),
        (vec(any::<u8>(), 0..9), any::<u64>(), time(), time(), vec(any::<u8>(), 24)).prop_map(
            |(first, reserved, one, other, rest)| {
                let len = u16::try_from(first.len()).unwrap();
                let timing = [reserved, one, other].map(u64::to_le_bytes).concat();
                [&len.to_le_bytes()[..], &first, &timing, &rest].concat()
            }
        ),
    ]
}

fn cut(value: u32, width: usize) -> u32 {
    match width {
        0 => 0,
        1 => value & 0xFF,
        2 => value & 0xFFFF,
        _ => value,
    }
}
