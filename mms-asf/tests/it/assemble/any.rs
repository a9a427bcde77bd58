//! Media objects that are cut, mixed and packed at random come out as they went in; what is lost on
//! the way is all that is lost.

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Assembled, Assembler, Header, Limits, MediaObject};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const SIZE: u32 = 700;
const STREAMS: [TestStream; 3] =
    [TestStream::Audio(1), TestStream::Video(2), TestStream::Command(3)];

/// Media objects of one stream that are sent together.
#[derive(Debug, Clone)]
enum Unit {
    Object { data: Vec<u8>, key: bool, cuts: Vec<Index>, size_once: bool },
    List { objects: Vec<Vec<u8>>, delta: u8 },
}

/// What a media object should come out as: number, time, key frame, data, packet.
type Wanted = (u32, u32, bool, Vec<u8>, u64);

#[derive(Debug, Clone, Copy)]
struct Widths {
    number: usize,
    offset: usize,
    replicated: usize,
    data: usize,
    padding: usize,
    multiple: bool,
}

impl Widths {
    /// The packet with as many payloads as it has room for.
    fn packet(&self, payloads: Vec<TestPayload>) -> TestPacket {
        TestPacket {
            number_width: self.number,
            offset_width: self.offset,
            replicated_width: self.replicated,
            data_width: self.data,
            padding_width: self.padding,
            multiple: self.multiple,
            ..TestPacket::multiple(payloads)
        }
    }

    /// The payloads in packets, in their order; each with the number of its packet.
    fn pack(&self, payloads: &[TestPayload]) -> (Vec<Bytes>, Vec<u64>) {
        let mut packets: Vec<Vec<TestPayload>> = Vec::new();
        let mut places = Vec::new();
        for payload in payloads {
            let room = packets.last().is_some_and(|last| {
                let mut more = last.clone();
                more.push(payload.clone());
                self.multiple && more.len() < 64 && self.packet(more).used() <= SIZE as usize
            });
            if !room {
                packets.push(Vec::new());
            }
            packets.last_mut().unwrap().push(payload.clone());
            places.push(packets.len() as u64 - 1);
        }
        (packets.into_iter().map(|packet| self.packet(packet).build(SIZE)).collect(), places)
    }
}

fn widths() -> impl Strategy<Value = Widths> {
    let some = || select(vec![1_usize, 2, 4]);
    let single = select(vec![2_usize, 4]).prop_map(|padding| (padding, false));
    let multiple = select(vec![0_usize, 1, 2, 4]).prop_map(|padding| (padding, true));
    (select(vec![0_usize, 1, 2, 4]), some(), some(), some(), prop_oneof![single, multiple])
        .prop_map(|(number, offset, replicated, data, (padding, multiple))| Widths {
            number,
            offset,
            replicated,
            data,
            padding,
            multiple,
        })
}

fn unit() -> impl Strategy<Value = Unit> {
    // Offsets and lengths fit into one byte.
    let object =
        (vec(any::<u8>(), 0..250), any::<bool>(), vec(any::<Index>(), 0..6), any::<bool>())
            .prop_map(|(data, key, cuts, size_once)| Unit::Object { data, key, cuts, size_once });
    let list = (vec(vec(any::<u8>(), 0..30), 1..5), any::<u8>())
        .prop_map(|(objects, delta)| Unit::List { objects, delta });
    prop_oneof![3 => object, 1 => list]
}

/// Cuts a value to the width of its field.
fn cut(value: u32, width: usize) -> u32 {
    match width {
        0 => 0,
        1 => value & 0xFF,
        2 => value & 0xFFFF,
        _ => value,
    }
}

/// The payloads of a stream's units, and the media objects with the payload that starts each.
fn payloads(
    stream: u8,
    units: &[Unit],
    first: u32,
    widths: Widths,
) -> (Vec<TestPayload>, Vec<(usize, Wanted)>) {
    let (mut payloads, mut wanted) = (Vec::new(), Vec::new());
    let mut number = first;
    let mut time = first.wrapping_mul(77);
    for unit in units {
        time = time.wrapping_add(40);
        let at = payloads.len();
        match unit {
            Unit::Object { data, key, cuts, size_once } => {
                let number_here = cut(number, widths.number);
                let stream_here = stream | if *key { 0x80 } else { 0 };
                let mut ends: Vec<usize> =
                    cuts.iter().map(|cut| cut.index(data.len() + 1)).collect();
                ends.extend([0, data.len()]);
                ends.sort_unstable();
                ends.dedup();
                if data.is_empty() {
                    ends.push(0);
                }
                let size = u32::try_from(data.len()).unwrap();
                for ends in ends.windows(2) {
                    let size = if *size_once && ends[0] > 0 { 0 } else { size };
                    let offset = u32::try_from(ends[0]).unwrap();
                    let data = &data[ends[0]..ends[1]];
                    payloads.push(TestPayload::part(stream_here, number, time, size, offset, data));
                }
                let key = *key || stream != 2;
                wanted.push((at, (number_here, time, key, data.clone(), 0)));
                number = number.wrapping_add(1);
            }
            Unit::List { objects, delta } => {
                let slices: Vec<_> = objects.iter().map(Vec::as_slice).collect();
                payloads.push(TestPayload::compressed(stream, number, time, *delta, &slices));
                // Numbers wrap at the width of their field, times do not.
                let (mut number_here, start) =
                    (cut(number, widths.number), cut(time, widths.offset));
                for (n, object) in (0_u32..).zip(objects) {
                    let time = start.wrapping_add(n * u32::from(*delta));
                    if !object.is_empty() {
                        wanted.push((at, (number_here, time, stream != 2, object.clone(), 0)));
                        number_here = cut(number_here.wrapping_add(1), widths.number);
                        number = number.wrapping_add(1);
                    }
                }
            }
        }
    }
    (payloads, wanted)
}

/// Mixes the payloads of streams, each stream's in order. Gives the positions of each stream's.
fn mix(streams: &[Vec<TestPayload>], order: &[Index]) -> (Vec<TestPayload>, Vec<Vec<usize>>) {
    let mut mixed = Vec::new();
    let mut positions = vec![Vec::new(); streams.len()];
    let mut order = order.iter().cycle();
    loop {
        let left: Vec<usize> =
            (0..streams.len()).filter(|&s| positions[s].len() < streams[s].len()).collect();
        if left.is_empty() {
            return (mixed, positions);
        }
        let stream = left[order.next().unwrap().index(left.len())];
        let next = positions[stream].len();
        positions[stream].push(mixed.len());
        mixed.push(streams[stream][next].clone());
    }
}

fn header() -> Header {
    Header::parse(&testing::header(SIZE, 1, &STREAMS)).unwrap()
}

/// Everything that comes out of the packets.
fn assemble(packets: &[Bytes], limits: &Limits) -> Vec<Assembled> {
    let mut assembler = Assembler::new_with(&header(), limits);
    let mut made = Vec::new();
    for packet in packets {
        assembler.push(packet).unwrap();
        made.extend(std::iter::from_fn(|| assembler.poll()));
    }
    assembler.finish();
    made.extend(std::iter::from_fn(|| assembler.poll()));
    made
}

fn object(assembled: &Assembled) -> &MediaObject {
    match assembled {
        Assembled::Object(object) | Assembled::Incomplete { object, .. } => object,
        other => panic!("{other:?}"),
    }
}

fn bytes_of(made: &[Assembled]) -> Vec<u8> {
    let mut bytes: Vec<u8> = made.iter().flat_map(|made| object(made).data.to_vec()).collect();
    bytes.sort_unstable();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn objects_come_out_as_they_went_in(
        units in prop::array::uniform3(vec(unit(), 0..8)),
        first in prop_oneof![0..300_u32, (0..4_u32).prop_map(|n| u32::MAX - n)],
        widths in widths(),
        order in vec(any::<Index>(), 8),
    ) {
        let (streams, mut wanted): (Vec<_>, Vec<_>) =
            (1..).zip(&units).map(|(n, units)| payloads(n, units, first, widths)).unzip();
        let (mixed, positions) = mix(&streams, &order);
        let (packets, places) = widths.pack(&mixed);
        for (wanted, positions) in wanted.iter_mut().zip(&positions) {
            for (payload, wanted) in wanted {
                wanted.4 = places[positions[*payload]];
            }
        }
        let made = assemble(&packets, &Limits::default());
        prop_assert!(made.iter().all(|made| matches!(made, Assembled::Object(_))), "{:?}", made);
        for (stream, wanted) in (1..).zip(wanted) {
            let made: Vec<Wanted> = made
                .iter()
                .map(object)
                .filter(|o| o.stream == stream)
                .map(|o| (o.number, o.presentation_time, o.key_frame, o.data.to_vec(), o.packet))
                .collect();
            let wanted: Vec<Wanted> = wanted.into_iter().map(|(_, wanted)| wanted).collect();
            prop_assert_eq!(made, wanted);
        }
    }

    #[test]
    fn lost_payloads_make_incomplete_objects_and_no_wrong_ones(
        units in vec(unit(), 1..12),
        widths in widths(),
        kept in vec(prop::bool::weighted(0.8), 80),
        // So tight that it is reached.
        object_bytes in 20..300_u64,
        open_bytes in 20..300_u64,
    ) {
        // Numbers of one byte and more: without them objects cannot be told from each other.
        let widths = Widths { number: widths.number.max(1), ..widths };
        let (payloads, wanted) = payloads(2, &units, 1, widths);
        let mut kept = kept.iter().cycle();
        let rest: Vec<_> = payloads.into_iter().filter(|_| *kept.next().unwrap()).collect();
        let (packets, _) = widths.pack(&rest);
        let mut limits = Limits::default();
        let all = assemble(&packets, &limits);
        limits.object_bytes = object_bytes;
        limits.open_bytes = open_bytes;
        let limited = assemble(&packets, &limits);

        let mut received: Vec<u8> = Vec::new();
        for payload in &rest {
            match payload.replicated.len() {
                1 => {
                    let mut list = &payload.data[..];
                    while let Some((&len, objects)) = list.split_first() {
                        received.extend_from_slice(&objects[..len.into()]);
                        list = &objects[len.into()..];
                    }
                }
                _ => received.extend_from_slice(&payload.data),
            }
        }
        received.sort_unstable();
        for made in [all, limited] {
            for made in &made {
                if let Assembled::Object(o) = made {
                    let whole = wanted.iter().any(|(_, (number, time, key, data, _))| {
                        (*number, *time, *key) == (o.number, o.presentation_time, o.key_frame)
                            && *data == o.data
                    });
                    prop_assert!(whole, "{:?}", o);
                }
            }
            prop_assert_eq!(bytes_of(&made), received.clone());
        }
    }

    #[test]
    fn any_packets_are_taken(
        units in vec(unit(), 1..8),
        widths in widths(),
        edits in vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..30),
        object_bytes in 0..400_u64,
    ) {
        let (payloads, _) = payloads(2, &units, 1, widths);
        let mut packets: Vec<Vec<u8>> =
            widths.pack(&payloads).0.iter().map(|packet| packet.to_vec()).collect();
        for (packet, at, value) in edits {
            let packet = packet.index(packets.len());
            let at = at.index(60);
            packets[packet][at] = value;
        }
        let mut limits = Limits::default();
        limits.object_bytes = object_bytes;
        let mut assembler = Assembler::new_with(&header(), &limits);
        let mut bytes = 0;
        for packet in packets.into_iter().map(Bytes::from) {
            let _ = assembler.push(&packet);
            bytes += packet.len();
            while let Some(made) = assembler.poll() {
                let made = object(&made);
                prop_assert!(made.packet < assembler.packets());
                bytes = bytes.checked_sub(made.data.len()).expect("no more than was pushed");
            }
        }
        assembler.finish();
        while let Some(made) = assembler.poll() {
            prop_assert!(object(&made).data.len() as u64 <= object_bytes);
        }
    }
}
