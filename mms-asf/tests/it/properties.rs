//! What holds for all input.

use std::io::Cursor;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{
    FileReader, FileWriter, Finalizer, Header, Packet, Removal, Restorer, remove_padding,
};
use proptest::prelude::*;

const SIZE: u32 = 600;

fn payload() -> impl Strategy<Value = TestPayload> {
    let whole =
        (1_u8..=127, any::<u32>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..120))
            .prop_map(|(stream, object, time, data)| {
                TestPayload::whole(stream, object, time, &data)
            });
    let part = (1_u8..=127, any::<u32>(), 0..5000_u32, prop::collection::vec(any::<u8>(), 1..120))
        .prop_map(|(stream, time, offset, data)| {
            TestPayload::part(stream | 0x80, 3, time, 0x10000, offset, &data)
        });
    let list = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..4);
    let compressed = (any::<u32>(), any::<u8>(), list).prop_map(|(time, delta, list)| {
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        TestPayload::compressed(2, 1, time, delta, &list)
    });
    prop_oneof![whole, part, compressed]
}

/// Packets with room for a padding field that holds the padding.
fn packet() -> impl Strategy<Value = TestPacket> {
    (prop::collection::vec(payload(), 1..4), prop::sample::select(vec![2_usize, 4]), any::<bool>())
        .prop_flat_map(|(payloads, padding_width, multiple)| {
            (any::<u32>(), any::<u16>(), 0..3_usize, any::<u8>()).prop_map(
                move |(send_time, duration, sequence, filler)| {
                    let mut payloads = payloads.clone();
                    if !multiple {
                        payloads.truncate(1);
                    }
                    TestPacket {
                        padding_width,
                        multiple,
                        send_time,
                        duration,
                        sequence_width: sequence,
                        filler,
                        ..TestPacket::multiple(payloads)
                    }
                },
            )
        })
}

fn removal() -> impl Strategy<Value = Removal> {
    prop::sample::select(vec![
        Removal::ExplicitLength,
        Removal::FieldCleared,
        Removal::FieldKept,
        Removal::FieldRemoved,
    ])
}

fn contents(packet: &[u8], size: u32) -> Vec<(u8, u32, u32, Vec<u8>)> {
    let packet = Packet::parse(packet, size).unwrap();
    packet
        .payloads()
        .map(|p| p.map(|p| (p.stream, p.offset, p.presentation_time, p.data.to_vec())).unwrap())
        .collect()
}

fn bytes_like_a_header() -> impl Strategy<Value = Vec<u8>> {
    let header = testing::header(
        SIZE,
        3,
        &[TestStream::Audio(1), TestStream::Video(2), TestStream::Command(3)],
    );
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12);
    (edits, any::<prop::sample::Index>(), any::<bool>()).prop_map(move |(edits, end, cut)| {
        let mut bytes = header.to_vec();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    })
}

proptest! {
    #[test]
    fn removed_padding_comes_back(packet in packet(), how in removal()) {
        let whole = packet.build(SIZE);
        let mut sent = BytesMut::new();
        remove_padding(&whole, how, &mut sent).unwrap();
        prop_assert!(sent.len() <= whole.len());
        prop_assert_eq!(contents(&sent, SIZE), contents(&whole, SIZE));

        let restorer = Restorer::new(SIZE).unwrap();
        let mut restored = BytesMut::new();
        restorer.restore(&sent, &mut restored).unwrap();
        prop_assert_eq!(restored.len(), SIZE as usize);
        prop_assert_eq!(contents(&restored, SIZE), contents(&whole, SIZE));

        // What was restored once is whole, and the same packet gives the same bytes.
        let mut again = BytesMut::new();
        restorer.restore(&sent, &mut again).unwrap();
        prop_assert_eq!(&again, &restored);
        let mut twice = BytesMut::new();
        restorer.restore(&restored, &mut twice).unwrap();
        prop_assert_eq!(&twice, &restored);
        if how == Removal::FieldKept {
            let end = Packet::parse(&whole, SIZE).unwrap().payload_end().unwrap();
            prop_assert_eq!(&restored[..end], &whole[..end]);
        }
    }

    #[test]
    fn any_packet_is_restored_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        size in 1..300_u32,
    ) {
        let mut out = BytesMut::new();
        let done = Restorer::new(size).unwrap().restore(&bytes, &mut out);
        prop_assert_eq!(done.is_ok(), bytes.len() <= size as usize);
        prop_assert_eq!(out.len(), if done.is_ok() { size as usize } else { 0 });
    }

    #[test]
    fn any_packet_is_read_without_panic(
        flags in any::<u8>(),
        properties in any::<u8>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        size in any::<u32>(),
    ) {
        let bytes = [&[0x82, 0, 0, flags, properties], &bytes[..]].concat();
        if let Ok(packet) = Packet::parse(&bytes, size) {
            let all: Result<Vec<_>, _> = packet.payloads().collect();
            let end = all.ok().map(|all| all.last().unwrap().end());
            prop_assert_eq!(packet.payload_end(), end);
            prop_assert!(packet.is_multiple() || end.is_some());
            for payload in packet.payloads().flatten() {
                prop_assert!(payload.end() <= bytes.len());
                prop_assert!(payload.pieces().count() <= bytes.len());
            }
            let mut out = BytesMut::new();
            let _ = remove_padding(&bytes, Removal::ExplicitLength, &mut out);
        }
        let header = testing::header(400, 1, &[TestStream::Audio(1), TestStream::Video(2)]);
        let mut recording = Finalizer::new(&Header::parse(&header).unwrap());
        recording.packet(&bytes);
        recording.finish();
    }

    #[test]
    fn any_header_is_read_without_panic(bytes in bytes_like_a_header()) {
        let bytes = Bytes::from(bytes);
        if let Ok(header) = Header::parse(&bytes) {
            for stream in header.streams() {
                let _ = (stream.codec_name(), stream.audio(), stream.video());
            }
            prop_assert!(header.same_stream(&header));
            let recording = Finalizer::new(&header);
            for made in [recording.initial_header(), recording.final_header()] {
                prop_assert_eq!(made.len(), header.len());
                let made = Header::parse(&made).unwrap();
                prop_assert!(made.same_stream(&header));
            }
        }
    }

    #[test]
    fn any_file_is_read_without_panic(
        mut head in bytes_like_a_header(),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
        time in any::<u32>(),
    ) {
        head.extend_from_slice(&rest);
        if let Ok(mut reader) = FileReader::open(Cursor::new(head)) {
            let count = reader.packet_count();
            let found = reader.packet_at_time(Duration::from_millis(time.into())).unwrap();
            prop_assert!(found == 0 || found < count);
            prop_assert!(reader.packet(count).is_err());
            if count > 0 {
                reader.packet(count - 1).unwrap();
            }
        }
    }

    #[test]
    fn resuming_a_recording_changes_nothing(
        packets in prop::collection::vec(packet(), 0..12),
        broken in any::<prop::sample::Index>(),
        count in 0..12_u64,
    ) {
        let streams = [TestStream::Audio(1), TestStream::Video(2)];
        let header = Header::parse(&testing::header(SIZE, count, &streams)).unwrap();
        let packets: Vec<Bytes> = packets.iter().map(|packet| packet.build(SIZE)).collect();
        let mut writer = FileWriter::new(Cursor::new(Vec::new()), &header).unwrap();
        for packet in &packets {
            writer.write_packet(packet).unwrap();
        }
        let finished = writer.finalizer().final_header();
        let file = writer.finish().unwrap().into_inner();
        prop_assert_eq!(&file[..header.len()], &finished[..]);

        // The part that was written before the break is read again from the unfinished file.
        let at = broken.index(packets.len() + 1);
        let mut resumed = Finalizer::new(&header);
        for packet in file[header.len()..].chunks(SIZE as usize).take(at) {
            resumed.packet(packet);
        }
        for packet in &packets[at..] {
            resumed.packet(packet);
        }
        prop_assert_eq!(resumed.final_header(), finished);
    }
}
