//! Packets of which a part is good: whole payloads, and whole media objects of compressed ones.

use bytes::Bytes;
use mms_asf::testing::{TestPacket, TestPayload, TestStream, header};
use mms_asf::{Cause, Change, Packet};

use crate::repair::harness::{P, SIZE, short, whole};

const AUDIO: [TestStream; 1] = [TestStream::Audio(1)];

/// Packet `number` with four whole payloads.
fn four(number: u32) -> TestPacket {
    let payloads = (0..4).map(|n| {
        let object = number * 4 + n;
        TestPayload::whole(1, object, 3_000 + object * 25, &[object.to_le_bytes()[0]; 20])
    });
    TestPacket { send_time: number * 100, ..TestPacket::multiple(payloads.collect()) }
}

/// The media of a packet, object by object.
fn media(packet: &[u8]) -> Vec<Vec<u8>> {
    let packet = Packet::parse(packet, SIZE).unwrap();
    let payloads = packet.payloads().map(Result::unwrap);
    payloads.flat_map(|p| p.pieces().map(|piece| piece.unwrap().data.to_vec())).collect()
}

#[test]
fn whole_objects_of_a_cut_compressed_payload_are_kept() {
    let objects: [&[u8]; 4] = [b"first", b"", b"the second", b"a third one"];
    let list = || TestPayload::compressed(1, 10, 4_000, 20, &objects);
    let sound = TestPayload::whole(1, 9, 3_900, b"before it");
    let at = |payload: TestPayload| TestPacket { send_time: 100, ..TestPacket::single(payload) };
    let multiple = |payloads| TestPacket { send_time: 100, ..TestPacket::multiple(payloads) };
    for (last, before) in [
        (multiple(vec![list()]), 0),
        (multiple(vec![sound.clone(), list()]), 1),
        (multiple(vec![sound.clone(), list(), sound]), 1),
        (at(list()), 0),
        (TestPacket { length_width: 2, ..at(list()) }, 0),
        (TestPacket { padding_width: 0, length_width: 2, ..at(list()) }, 0),
    ] {
        let (used, bytes) = (last.used(), last.build(SIZE));
        let wanted = media(&bytes);
        // Where the objects end in the packet.
        let places: Vec<_> = wanted
            .iter()
            .map(|data| bytes.windows(data.len()).position(|at| at == data).unwrap() + data.len())
            .collect();
        let start = [&header(SIZE, 2, &AUDIO)[..], &four(0).build(SIZE)].concat();
        for len in 1..used {
            let (found, repaired) = whole(&[&start[..], &bytes[..len]].concat());
            let kept = found.packets.get(1).map_or(vec![], |packet| media(packet));
            let whole = places.iter().take(before + 3).filter(|end| len >= **end).count();
            assert_eq!(kept, wanted[..whole], "{len} bytes of {last:?}");
            let filled = short(&repaired.changes).contains(&"Filled".to_owned());
            assert_eq!(filled, whole > 0, "{len}");
        }
    }
}

/// Offsets of the fields that hold the length of replicated data, and ends of the payloads.
fn layout(bytes: &[u8]) -> Vec<(usize, usize)> {
    let packet = Packet::parse(bytes, SIZE).unwrap();
    let payloads = packet.payloads().map(Result::unwrap);
    // One byte of length, eight of replicated data, two of the length of the data.
    payloads.map(|payload| (payload.data_offset - 11, payload.end())).collect()
}

#[test]
fn whole_payloads_before_damage_are_kept() {
    let good: Vec<Bytes> = (0..5).map(|number| four(number).build(SIZE)).collect();
    let before = header(SIZE, 5, &AUDIO);
    for damaged in 0..5 {
        for (number, (field, _)) in layout(&good[damaged]).into_iter().enumerate() {
            let mut packets = good.concat();
            // A length that replicated data cannot have.
            packets[damaged * P + field] = 5;
            let (found, repaired) = whole(&[&before[..], &packets].concat());
            let mut wanted = good.iter().map(|packet| media(packet)).collect::<Vec<_>>();
            wanted[damaged].truncate(number);
            wanted.retain(|media| !media.is_empty());
            let kept = found.packets.iter().map(|packet| media(packet)).collect::<Vec<_>>();
            assert_eq!(kept, wanted, "payload {number} of packet {damaged}");
            let end = match number {
                0 => 0,
                _ => layout(&good[damaged])[number - 1].1,
            };
            let offset = (before.len() + damaged * P) as u64;
            let len = end as u64;
            let tells = |change: &Change| matches!(change, Change::Kept { .. });
            let told = repaired.changes.iter().find(|change| tells(change));
            let kept = Change::Kept { offset, len };
            assert_eq!(told, (number > 0).then_some(&kept));
            assert_eq!(repaired.left_out, (P - end) as u64);
            let rest = |change: &Change| {
                matches!(change, Change::Damage { offset: at, len: lost, cause: Cause::Packet(_) }
                    if *at == offset + len && *lost == (P - end) as u64)
            };
            assert!(repaired.changes.iter().any(rest), "{:?}", repaired.changes);
        }
    }
}

#[test]
fn damage_from_one_packet_into_the_next_leaves_what_is_before_it() {
    let good: Vec<Bytes> = (0..5).map(|number| four(number).build(SIZE)).collect();
    let before = header(SIZE, 5, &AUDIO);
    for (number, (field, _)) in layout(&good[1]).into_iter().enumerate() {
        let mut packets = good.concat();
        packets[P + field..2 * P + 30].fill(0xFF);
        let (found, _) = whole(&[&before[..], &packets].concat());
        let kept = found.packets.iter().map(|packet| media(packet).len()).collect::<Vec<_>>();
        let wanted = [4, number, 4, 4].into_iter().filter(|&count| count > 0);
        assert_eq!(kept, wanted.collect::<Vec<_>>(), "from payload {number} on");
    }
    // Bytes that are missing in a packet move all that follow.
    for (number, (field, _)) in layout(&good[1]).into_iter().enumerate().skip(1) {
        let mut packets = good.concat();
        packets.drain(P + field - 2..P + field + 3);
        let (found, _) = whole(&[&before[..], &packets].concat());
        assert_eq!(media(&found.packets[1])[..number], media(&good[1])[..number], "{number}");
        assert_eq!(found.packets.len(), 5);
    }
}

/// What begins like a packet and does not continue the others is no media.
#[test]
fn payloads_that_do_not_continue_their_streams_are_not_kept() {
    let good: Vec<Bytes> = (0..5).map(|number| four(number).build(SIZE)).collect();
    let before = header(SIZE, 5, &AUDIO);
    let (field, _) = layout(&good[2])[2];
    let broken = |packet: TestPacket| {
        let mut bytes = packet.build(SIZE).to_vec();
        bytes[field] = 5;
        bytes
    };
    let later = TestPacket { send_time: 3_000_000, ..four(2) };
    let mut foreign = four(2);
    foreign.payloads[0].stream = 2;
    let mut too_long = four(2);
    too_long.payloads[0] = TestPayload::part(1, 8, 3_200, 10, 5, &[8; 20]);
    for packet in [later, foreign, too_long] {
        let packets = [&good[..2].concat(), &broken(packet)[..], &good[3..].concat()].concat();
        let (found, _) = whole(&[&before[..], &packets].concat());
        assert_eq!(found.packets, [&good[..2], &good[3..]].concat());
    }
}
