//! Each form in which a packet may arrive without its padding.

use bytes::BytesMut;
use mms_asf::testing::{TestPacket, TestPayload};
use mms_asf::{Error, Packet, Restored, Restorer};

const SIZE: u32 = 400;

fn object(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n % 251).unwrap() | 1).collect()
}

fn single(len: usize) -> TestPacket {
    TestPacket::single(TestPayload::whole(1, 7, 3000, &object(len)))
}

fn multiple(lens: &[usize]) -> TestPacket {
    let payloads = lens.iter().map(|&len| TestPayload::whole(0x82, 9, 3000, &object(len)));
    TestPacket::multiple(payloads.collect())
}

/// What a file would hold, and its bytes in front of the padding.
fn built(packet: &TestPacket) -> (Vec<u8>, Vec<u8>) {
    let whole = packet.build(SIZE).to_vec();
    let end = Packet::parse(&whole, SIZE).unwrap().payload_end().unwrap();
    (whole.clone(), whole[..end].to_vec())
}

fn restore(packet: &[u8]) -> (Restored, Vec<u8>) {
    let mut out = BytesMut::from(&b"kept"[..]);
    let done = Restorer::new(SIZE).unwrap().restore(packet, &mut out).unwrap();
    let restored = out.split_off(4).to_vec();
    assert_eq!(&out[..], b"kept");
    assert_eq!(restored.len(), SIZE as usize);
    (done, restored)
}

fn data(packet: &[u8]) -> Vec<Vec<u8>> {
    let packet = Packet::parse(packet, SIZE).unwrap();
    packet.payloads().map(|payload| payload.unwrap().data.to_vec()).collect()
}

/// Replaces the padding field, two bytes at 5, by a packet length of the bytes that are there.
fn with_explicit_length(mut cut: Vec<u8>) -> Vec<u8> {
    let len = u16::try_from(cut.len()).unwrap();
    cut[3] = (cut[3] & 1) | 0x40;
    cut[5..7].copy_from_slice(&len.to_le_bytes());
    cut
}

#[test]
fn whole_packets_are_left_alone() {
    for packet in [single(50), multiple(&[20, 30])] {
        let (whole, _) = built(&TestPacket { filler: 0xEE, ..packet });
        assert_eq!(restore(&whole), (Restored::Whole, whole));
    }
    let garbage = vec![0xFF; SIZE as usize];
    assert_eq!(restore(&garbage), (Restored::Whole, garbage));
}

#[test]
fn longer_packets_are_refused() {
    let mut out = BytesMut::new();
    let refused = Restorer::new(SIZE).unwrap().restore(&[0; 401], &mut out);
    assert_eq!(refused, Err(Error::Limit { what: "data packet length", value: 401, limit: 400 }));
    assert!(out.is_empty());
    assert!(Restorer::new(0).is_err());
}

#[test]
fn explicit_length_becomes_a_padding_field() {
    // MMSP-C-072: an explicit length
    // 0x40 and 0x41: what the server put in place of a 16-bit padding field is put back.
    for packet in [single(50), multiple(&[20, 30])] {
        let (whole, cut) = built(&packet);
        assert_eq!(restore(&with_explicit_length(cut)), (Restored::LengthReplaced, whole));
    }
}

#[test]
fn explicit_length_uses_the_narrowest_padding_field() {
    let (whole, mut cut) = built(&TestPacket { padding_width: 1, ..single(300) });
    // The length takes one byte more than the 8-bit padding field.
    cut[3] = 0x40;
    cut.splice(5..6, [0, 0]);
    let len = u16::try_from(cut.len()).unwrap();
    cut[5..7].copy_from_slice(&len.to_le_bytes());
    assert_eq!(restore(&cut), (Restored::LengthReplaced, whole));
}

#[test]
fn explicit_length_with_a_padding_field() {
    // 0x48 with padding that was sent: ten bytes inside the length, the rest implied.
    let wide = TestPacket { length_width: 2, padding_width: 1, ..single(300) };
    let (whole, _) = built(&wide);
    let end = whole.len() - usize::from(whole[7]);
    let mut cut = whole[..end + 10].to_vec();
    let len = u16::try_from(cut.len()).unwrap();
    cut[5..7].copy_from_slice(&len.to_le_bytes());
    cut[7] = 10;
    let (done, restored) = restore(&cut);
    assert_eq!(done, Restored::LengthReplaced);
    assert_eq!(restored[3], 0x08);
    assert_eq!(data(&restored), [object(300)]);

    // Delivered in full.
    assert_eq!(restore(&whole), (Restored::Whole, whole));
}

#[test]
fn field_left_as_in_the_file() {
    for width in [1, 2, 4] {
        for packet in [single(300), multiple(&[100, 150])] {
            let (whole, cut) = built(&TestPacket { padding_width: width, ..packet });
            assert_eq!(restore(&cut), (Restored::PaddingAppended, whole));
        }
    }
}

#[test]
fn field_cleared() {
    // MMSP-C-072: a field of value 0
    for packet in [single(50), multiple(&[20, 30])] {
        let (whole, mut cut) = built(&packet);
        cut[5..7].fill(0);
        assert_eq!(restore(&cut), (Restored::FieldPatched, whole));
    }
}

#[test]
fn field_updated_to_what_is_left() {
    for packet in [single(50), multiple(&[20, 30])] {
        let (whole, mut cut) = built(&packet);
        cut.extend_from_slice(&[0; 12]);
        cut[5..7].copy_from_slice(&[12, 0]);
        assert_eq!(restore(&cut), (Restored::FieldPatched, whole));
    }
}

#[test]
fn the_object_size_settles_doubts() {
    // The last 10 bytes of padding are gone and the field holds what is left: it could also be the
    // file's own value, but then the payload would be longer than its object.
    let (_, mut cut) = built(&single(300));
    let end = cut.len();
    cut.resize(390, 0);
    cut[5..7].copy_from_slice(&u16::try_from(390 - end).unwrap().to_le_bytes());
    let (done, restored) = restore(&cut);
    assert_eq!(done, Restored::FieldPatched);
    assert_eq!(data(&restored), [object(300)]);

    // A fragment: no reading completes the object, so the field is taken as it was in the file.
    let part = TestPayload::part(1, 7, 3000, 5000, 0, &object(300));
    let (whole, cut) = built(&TestPacket::single(part));
    assert_eq!(restore(&cut), (Restored::PaddingAppended, whole));
}

#[test]
fn field_too_narrow() {
    for packet in [single(50), multiple(&[20, 30])] {
        // An 8-bit field cannot hold this padding: the file must have been written differently.
        let (_, mut cut) = built(&packet);
        cut[3] = (cut[3] & 1) | 0x08;
        cut.remove(6);
        cut[5] = 0;
        let (done, restored) = restore(&cut);
        assert_eq!(done, Restored::FieldWidened);
        assert_eq!(restored, packet.build(SIZE));
    }
}

#[test]
fn no_field() {
    // MMSP-C-072: no field at all
    for (width, packet) in [
        (2, single(50)),
        (2, multiple(&[20, 30])),
        (1, TestPacket { padding_width: 1, ..single(300) }),
        (1, TestPacket { padding_width: 1, ..multiple(&[100, 150]) }),
    ] {
        let (whole, mut cut) = built(&packet);
        cut[3] &= 1;
        cut.drain(5..5 + width);
        assert_eq!(restore(&cut), (Restored::FieldInserted, whole));
    }
}

#[test]
fn one_byte_short_without_a_field() {
    let packet = TestPacket { padding_width: 0, ..single(SIZE as usize - 11 - 16 - 1 + 1) };
    let whole = packet.build(SIZE);
    let cut = &whole[..SIZE as usize - 1];
    let (done, restored) = restore(cut);
    assert_eq!(done, Restored::FieldInserted);
    assert_eq!(data(&restored), data(cut));
}

#[test]
fn bytes_between_payloads_and_padding_stay() {
    let (_, cut) = built(&multiple(&[20, 30]));
    let mut cut = [&cut[..], &[0xAB; 5]].concat();
    let padding = u16::try_from(400 - cut.len()).unwrap();
    cut[5..7].copy_from_slice(&padding.to_le_bytes());
    let (done, restored) = restore(&cut);
    assert_eq!(done, Restored::PaddingAppended);
    assert_eq!(restored[..cut.len()], cut);
}

#[test]
fn compressed_payloads() {
    let payload = TestPayload::compressed(1, 7, 3000, 20, &[b"one", b"", b"three"]);
    let packet = TestPacket::single(payload);
    let (whole, mut cut) = built(&packet);
    assert_eq!(restore(&cut), (Restored::PaddingAppended, whole.clone()));
    cut[5..7].fill(0);
    assert_eq!(restore(&cut), (Restored::FieldPatched, whole.clone()));

    let packet = Packet::parse(&whole, SIZE).unwrap();
    let payload = packet.payloads().next().unwrap().unwrap();
    let pieces: Vec<_> = payload
        .pieces()
        .map(|piece| piece.map(|p| (p.object_number, p.presentation_time, p.data)).unwrap())
        .collect();
    assert_eq!(pieces, [(7, 3000, &b"one"[..]), (8, 3040, b"three")]);
}

#[test]
fn unreadable_packets_keep_what_was_received() {
    for garbage in [&[][..], &[0x82], &[0x92, 0, 0, 8, 0x5D], &[0xFF; 100]] {
        let (done, restored) = restore(garbage);
        assert_eq!(done, Restored::Unparsed);
        assert_eq!(restored[..garbage.len()], *garbage);
        assert!(restored[garbage.len()..].iter().all(|&byte| byte == 0));
    }
    // The head is fine, the second payload is cut.
    let (_, cut) = built(&multiple(&[20, 30]));
    assert_eq!(restore(&cut[..cut.len() - 1]).0, Restored::Unparsed);
}
