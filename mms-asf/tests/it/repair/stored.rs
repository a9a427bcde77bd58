//! Packets that are whole and not where a row of packets of one size has them, or not in the form
//! that files have.

use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{Change, Header, Packet, Removal, remove_padding};

use crate::repair::harness::{SIZE, file, header, packet, packets, short, start, whole};

const COUNT: u32 = 60;
const AUDIO: [TestStream; 1] = [TestStream::Audio(1)];

fn multiple(number: u32) -> TestPacket {
    let time = number * 100;
    let payload = TestPayload::whole(1, number, time + 3_000, &[number.to_le_bytes()[0]; 70]);
    TestPacket { send_time: time, ..TestPacket::multiple(vec![payload]) }
}

/// Send times, and the media with its stream, object number and presentation time.
fn media(packets: &[Bytes]) -> Vec<(u32, u8, u32, u32, Vec<u8>)> {
    let mut media = Vec::new();
    for packet in packets {
        let packet = Packet::parse(packet, SIZE).unwrap();
        for payload in packet.payloads().map(Result::unwrap) {
            let (time, data) = (payload.presentation_time, payload.data.to_vec());
            media.push((packet.send_time(), payload.stream, payload.object_number, time, data));
        }
    }
    media
}

/// The packets with `between` after every one that `every` divides.
fn with_gaps(every: usize, between: &[u8]) -> (Vec<Bytes>, Vec<u8>) {
    let packets: Vec<_> = (0..COUNT).map(|number| multiple(number).build(SIZE)).collect();
    let mut bytes = testing::header(SIZE, COUNT.into(), &AUDIO).to_vec();
    for (number, packet) in packets.iter().enumerate() {
        bytes.extend_from_slice(packet);
        if number % every == every - 1 {
            bytes.extend_from_slice(between);
        }
    }
    (packets, bytes)
}

#[test]
fn packets_with_bytes_between_them_are_all_kept() {
    for every in [1, 2, 3] {
        for between in [&[0; 12][..], &[0xC5; 1], &[0x82, 0, 0, 0x11, 0x5D], &[0x77; 400]] {
            let (packets, input) = with_gaps(every, between);
            let (found, repaired) = whole(&input);
            let (what, all) = (between.len(), found.packets.len());
            assert!(found.packets == packets, "{what} bytes after every {every}: {all} packets");
            let left_out = between.len() * COUNT as usize / every;
            assert_eq!(repaired.left_out, left_out as u64, "{what} bytes after every {every}");
        }
    }
}

#[test]
fn packets_stored_without_padding_are_all_kept() {
    let whole_packets: Vec<_> = (0..COUNT).map(|number| multiple(number).build(SIZE)).collect();
    let singles = (0..COUNT).map(|number| TestPacket { multiple: false, ..multiple(number) });
    for packets in [whole_packets, singles.map(|packet| packet.build(SIZE)).collect()] {
        for gap in [0, 3] {
            let mut input = testing::header(SIZE, COUNT.into(), &AUDIO).to_vec();
            for packet in &packets {
                let mut sent = bytes::BytesMut::new();
                remove_padding(packet, Removal::ExplicitLength, &mut sent).unwrap();
                assert!(sent.len() < 120);
                input.extend_from_slice(&sent);
                input.resize(input.len() + gap, 0xC5);
            }
            let (found, repaired) = whole(&input);
            let (got, wanted) = (media(&found.packets), media(&packets));
            assert_eq!(got.len(), wanted.len(), "{gap} bytes between packets");
            assert!(got == wanted, "{gap} bytes between packets");
            let missing = COUNT as usize * SIZE as usize - (input.len() - found.header.len())
                + gap * COUNT as usize;
            let padded = repaired.changes.iter().find_map(|change| match change {
                Change::Padded { packets, missing } => Some((*packets, *missing)),
                _ => None,
            });
            // The last one, with bytes after it, is a packet that was cut.
            let filled = short(&repaired.changes).iter().any(|change| change == "Filled");
            let wanted = (u64::from(COUNT - u32::from(filled)), missing as u64);
            assert_eq!(padded.map(|(count, _)| count), Some(wanted.0), "{gap}");
            assert!(padded.is_some_and(|(_, bytes)| bytes <= wanted.1), "{gap}");
        }
    }
}

/// Packets of one length, of which the packet size is a multiple: one starts at the usual distance.
#[test]
fn packets_without_padding_that_divide_the_packet_size_are_all_kept() {
    let mut input = testing::header(SIZE, COUNT.into(), &AUDIO).to_vec();
    for number in 0..COUNT {
        let media = [number.to_le_bytes()[0]; 69];
        let payload = TestPayload::whole(1, number, number * 100 + 3_000, &media[..]);
        let packet = TestPacket { send_time: number * 100, ..TestPacket::multiple(vec![payload]) };
        let packet = TestPacket { length_width: 2, padding_width: 0, unclaimed: 0, ..packet };
        assert_eq!(packet.used(), 100);
        input.extend_from_slice(&TestPacket { length: Some(100), ..packet }.build(SIZE)[..100]);
    }
    let (found, repaired) = whole(&input);
    assert_eq!((found.packets.len(), repaired.left_out), (60, 0));
}

/// A hostile file: much that is nearly a packet, and nothing that is one.
#[test]
fn looking_for_packets_is_bounded() {
    const LARGE: u32 = 1 << 18;
    let list = TestPayload::compressed(1, 0, 0, 0, &[b"a"]);
    let packet = TestPacket { length_width: 4, padding_width: 0, ..TestPacket::single(list) };
    let deceptive = packet.build(64);
    for length in [40, 1 << 17, LARGE - 1] {
        let mut near = deceptive.to_vec();
        near[5..9].copy_from_slice(&u32::to_le_bytes(length));
        let input = [&testing::live_header(LARGE, &AUDIO)[..], &near.repeat(3 << 11)].concat();
        let start = std::time::Instant::now();
        let _ = crate::repair::harness::try_repair(&input, &mms_asf::RepairOptions::default());
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "{length}");
    }
}

#[test]
fn an_implicit_padding_is_not_taken_for_the_next_packet() {
    // A packet length, and the bytes of an old packet in what is padding by it.
    let mut input = testing::header(SIZE, 4, &AUDIO).to_vec();
    let old = multiple(3).build(SIZE);
    let mut packets = Vec::new();
    for number in 4..8 {
        let mut packet = TestPacket { length_width: 2, padding_width: 0, ..multiple(number) };
        let used = packet.used();
        packet.length = Some(u32::try_from(used).unwrap());
        let mut bytes = packet.build(SIZE).to_vec();
        let room = bytes.len() - used;
        bytes[used..].copy_from_slice(&old[..room]);
        input.extend_from_slice(&bytes);
        packets.push(Bytes::from(bytes));
    }
    let (found, _) = whole(&input);
    assert!(found.packets == packets);
}

#[test]
fn times_that_go_on_elsewhere_cost_one_packet() {
    let times = [0, 100, 200, 90_000_000, 90_000_100, 90_000_200];
    let mut input = testing::live_header(SIZE, &AUDIO).to_vec();
    for (number, time) in (0..).zip(times) {
        let payload = TestPayload::whole(1, number, time + 3_000, &[5; 70]);
        let packet = TestPacket { send_time: time, ..TestPacket::multiple(vec![payload]) };
        input.extend_from_slice(&packet.build(SIZE));
        input.extend_from_slice(&[0; 12]);
    }
    let mut parser = mms_asf::StreamParser::new();
    parser.push(&input);
    parser.finish();
    let mut count = 0;
    while let Some(event) = parser.poll().unwrap() {
        count += usize::from(matches!(event, mms_asf::Event::Packet { .. }));
    }
    assert_eq!(count, 5);
}

#[test]
fn a_packet_length_that_leaves_the_padding_out_becomes_the_normal_form() {
    for is_multiple in [true, false] {
        let mut input = header(3).to_vec();
        let mut wanted = Vec::new();
        for number in 0..3 {
            let media = TestPayload::whole(0x81, number, 3_000 + number * 1_000, &[7; 60]);
            let packet = TestPacket {
                multiple: is_multiple,
                send_time: number * 1_000,
                duration: 1_000,
                ..TestPacket::multiple(vec![media])
            };
            let normal = packet.build(SIZE);
            wanted.push(normal);
            // As GStreamer ends files: packet length and padding make up the packet size.
            let mut packet = TestPacket { length_width: 2, ..packet };
            let used = packet.used();
            packet.length = Some(SIZE);
            let mut bytes = packet.build(SIZE).to_vec();
            bytes[5..7].copy_from_slice(&u16::try_from(used).unwrap().to_le_bytes());
            input.extend_from_slice(&bytes);
        }
        let (found, repaired) = whole(&input);
        assert_eq!(media(&found.packets), media(&wanted), "{is_multiple}");
        for packet in &found.packets {
            let packet = Packet::parse(packet, SIZE).unwrap();
            let padding = packet.padding_field().value as usize;
            assert_eq!(packet.length_field().width, 0);
            assert_eq!(packet.payload_end(), Some(SIZE as usize - padding));
        }
        assert!(repaired.changes.contains(&Change::PacketLengths { packets: 3 }));
        let mut recorded = std::io::Cursor::new(Vec::new());
        let parsed = Header::parse(&header(3)).unwrap();
        let mut writer = mms_asf::FileWriter::new(&mut recorded, &parsed).unwrap();
        for packet in input[parsed.len()..].chunks(SIZE as usize) {
            let restored = writer.write_packet(packet).unwrap();
            assert_eq!(restored, mms_asf::Restored::LengthReplaced);
        }
        writer.finish().unwrap();
        let recorded = recorded.into_inner();
        assert!(recorded[parsed.len()..][..wanted.concat().len()] == found.packets.concat());
    }
}

#[test]
fn a_packet_length_that_counts_the_padding_stays() {
    let mut input = testing::header(SIZE, 3, &AUDIO).to_vec();
    for number in 0..3 {
        let packet = TestPacket { length_width: 2, ..multiple(number * 10) };
        input.extend_from_slice(&packet.build(SIZE));
    }
    let (_, repaired) = whole(&input);
    assert!(!short(&repaired.changes).contains(&"PacketLengths".to_owned()));
}

#[test]
fn whole_payloads_of_a_cut_packet_are_kept() {
    let payloads: Vec<_> =
        (0..4).map(|n| TestPayload::whole(1, 10 + n, 4_000 + n * 10, &[0x40; 20])).collect();
    let last = TestPacket { send_time: 1_000, ..TestPacket::multiple(payloads.clone()) };
    let ends: Vec<_> =
        (1..=4).map(|n| TestPacket::multiple(payloads[..n].to_vec()).used()).collect();
    let (used, last) = (last.used(), last.build(SIZE));
    let before = [&testing::header(SIZE, 2, &AUDIO)[..], &multiple(0).build(SIZE)].concat();
    for len in 1..last.len() {
        let (found, repaired) = whole(&[&before[..], &last[..len]].concat());
        let wanted = ends.iter().filter(|end| len >= **end).count();
        let kept = found.packets.get(1).map_or(0, |packet| {
            let packet = Packet::parse(packet, SIZE).unwrap();
            packet
                .payloads()
                .inspect(|payload| assert_eq!(payload.as_ref().unwrap().data, [0x40; 20]))
                .count()
        });
        assert_eq!(kept, wanted, "{len}");
        let lost = len - if wanted == 0 { 0 } else { len.min(ends[wanted - 1]) };
        assert_eq!(repaired.left_out, if len >= used { 0 } else { lost as u64 }, "{len}");
    }
}

#[test]
fn a_whole_single_payload_of_a_cut_packet_is_kept() {
    let last = TestPacket { multiple: false, ..multiple(1) };
    let (used, last) = (last.used(), last.build(SIZE));
    let before = [&testing::header(SIZE, 2, &AUDIO)[..], &multiple(0).build(SIZE)].concat();
    for len in 1..last.len() {
        let (found, _) = whole(&[&before[..], &last[..len]].concat());
        assert_eq!(found.packets.get(1), (len >= used).then_some(&last), "{len}");
    }
}

#[test]
fn the_last_packet_is_kept_where_the_data_object_ends_before_it_and_junk_follows() {
    // One packet short, one byte short, and one byte into the last packet.
    let good = file(9);
    let start = start(&good);
    for short in [1, SIZE as usize - 1, SIZE as usize, SIZE as usize + 1] {
        for junk in [&b""[..], b"junk", &[0xAB; 700]] {
            let mut input = [&header(9)[..], &packets(0..9), junk].concat();
            let at = start - 34;
            let size = 50 + 9 * SIZE as usize - short;
            input[at..at + 8].copy_from_slice(&(size as u64).to_le_bytes());
            let (found, _) = whole(&input);
            assert_eq!(found.packets.len(), 9, "{short} bytes short, {} of junk", junk.len());
            assert_eq!(found.packets[8], packet(8));
        }
    }
}
