mod cuts;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::*;
use crate::mmsp::message::{
    ClientMessage, Connect, PacketPair, Ping, Pong, ReportEndOfStream, ServerMessage,
};
use crate::{Deviation, HResult};

fn limits(message: u32) -> Limits {
    Limits { message, ..Limits::default() }
}

/// Everything that comes out of a decoder fed with these pieces, and the error that ends it.
fn decode_with<'a>(
    mut decoder: FrameDecoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Frame>, Option<DecodeError>) {
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next_frame(), Err(error), "the first error stays");
                    return (frames, Some(error));
                }
            }
        }
    }
    (frames, None)
}

fn from_server(bytes: &[u8]) -> (Vec<Frame>, Option<DecodeError>) {
    decode_with(FrameDecoder::from_server(&Limits::default()), [bytes])
}

fn from_client(bytes: &[u8]) -> (Vec<Frame>, Option<DecodeError>) {
    decode_with(FrameDecoder::from_client(&Limits::default()), [bytes])
}

/// A packet with this in `messageLength` and these bytes behind the header.
fn packet(length: u32, messages: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 0, 0, 0, 0xCE, 0xFA, 0x0B, 0xB0];
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(b"MMS ");
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(messages);
    out
}

fn data(location: u32, incarnation: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let payload = Bytes::copy_from_slice(payload);
    let packet = DataPacket::new(location, incarnation, flags, payload);
    let mut out = packet.head().unwrap().to_vec();
    out.extend_from_slice(&packet.payload);
    out
}

fn message(message: &ServerMessage) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out.freeze()
}

fn ping() -> Bytes {
    message(&Ping.into())
}

fn end_of_stream() -> Bytes {
    let (hr, incarnation) = (HResult::OK, 9);
    message(&ReportEndOfStream { hr, incarnation }.into())
}

/// The messages of the only frame.
fn split(frames: Vec<Frame>) -> Vec<(u64, Bytes)> {
    let [Frame::Messages(messages)] = <[Frame; 1]>::try_from(frames).unwrap() else {
        panic!("data");
    };
    let mut messages = messages;
    std::iter::from_fn(|| messages.split_next().unwrap()).collect()
}

fn bad(offset: u64, field: &'static str, found: u32, expected: &'static str) -> DecodeError {
    let problem = Problem::Value { found: found.into(), expected };
    DecodeError::frame(offset, field, problem)
}

#[test]
fn a_pong_byte_for_byte() {
    // MMSP-W-001, MMSP-W-002, MMSP-W-003, MMSP-W-004, MMSP-W-006
    let mut writer = MessageWriter::new(0x1234);
    let bytes = writer.write(0x0102_0304_0506_0708, |out| {
        ClientMessage::from(Pong).encode(out);
    });
    assert_eq!(
        bytes[..],
        [
            1, 0, 0, 0, 0xCE, 0xFA, 0x0B, 0xB0, 0x20, 0, 0, 0, b'M', b'M', b'S', b' ', 4, 0, 0, 0,
            0x34, 0x12, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, // header
            2, 0, 0, 0, 0x1B, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]
    );
}

#[test]
fn lengths_for_every_size_of_message() {
    // MMSP-W-005, MMSP-W-007, MMSP-W-012; the tests of the messages do it for all 28
    for chunks in 0..64u32 {
        let size = chunks as usize * 8;
        let bytes = MessageWriter::default().write(0, |out| out.put_bytes(0, size));
        assert_eq!(bytes.len(), 32 + size);
        assert_eq!(bytes[8..12], (16 + chunks * 8).to_le_bytes());
        assert_eq!(bytes[16..20], (2 + chunks).to_le_bytes(), "chunkCount");
    }
    // The sizes of real packets.
    let subscriber = "NSPlayer/7.1.0.1956; ".to_owned();
    let packet_pair = PacketPair::Yes;
    let connect = ClientMessage::from(Connect { packet_pair, subscriber, host: None });
    let bytes = MessageWriter::default().write(0, |out| connect.encode(out));
    assert_eq!((bytes.len(), bytes[8], bytes[16]), (96, 80, 10));
}

#[test]
fn packets_are_numbered_and_the_number_wraps() {
    // MMSP-W-008, MMSP-W-009
    let mut writer = MessageWriter::default();
    let mut number = || {
        let bytes = writer.write(0, |out| out.put_bytes(0, 8));
        assert_eq!(bytes[22..24], [0, 0], "MBZ");
        u16::from_le_bytes([bytes[20], bytes[21]])
    };
    for expected in (0..=u16::MAX).chain([0]) {
        assert_eq!(number(), expected);
    }
}

#[test]
fn what_is_ignored_on_receipt() {
    // MMSP-W-003, MMSP-W-007, MMSP-W-009, MMSP-W-010, MMSP-W-011
    let plain = MessageWriter::new(7).write(1500, |out| out.put_slice(&ping()));
    let expected = split(from_server(&plain).0);
    for (place, bytes) in [
        (3, &[0xFF][..]),    // padding
        (16, &[6, 0, 0, 0]), // chunkCount as the specification has it: total / 8
        (16, &[0xFF; 4]),    // chunkCount, garbage
        (20, &[0xFF, 0xFF]), // seq
        (22, &[1, 0]),       // MBZ, where players overflow into
        (24, &[0xA5; 8]),    // timeSent
    ] {
        let mut changed = plain.to_vec();
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        assert_eq!(split(from_server(&changed).0), expected, "{place}");
        assert_eq!(split(from_client(&changed).0), expected, "{place}");
    }
    let (frames, _) = from_server(&plain);
    let [Frame::Messages(messages)] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!((messages.sequence, messages.time_sent), (7, 1500));
}

#[test]
fn versions_are_handed_on() {
    // MMSP-W-002
    let mut bytes = packet(16, &[]);
    (bytes[1], bytes[2]) = (9, 1);
    let (frames, error) = from_server(&bytes);
    let [Frame::Messages(messages)] = &frames[..] else {
        panic!("{frames:?} {error:?}");
    };
    assert_eq!(messages.version, (9, 1));
}

#[test]
fn no_message_one_message_many_messages() {
    // MMSP-W-013, MMSP-W-014
    assert_eq!(split(from_server(&packet(16, &[])).0), []);
    let one = packet(32, &ping());
    assert_eq!(split(from_server(&one).0), [(32, ping())]);
    let both = [ping(), end_of_stream(), ping()].concat();
    let many = packet(16 + 48, &both);
    assert_eq!(split(from_server(&many).0), [(32, ping()), (48, end_of_stream()), (64, ping())]);
}

#[test]
fn chunk_lengths_that_cannot_be() {
    // MMSP-W-018
    let error = |problem| DecodeError {
        layer: Layer::Prefix,
        offset: 40 + 32 + 16,
        field: "chunkLen",
        problem,
    };
    let zero = Problem::Value { found: 0, expected: "at least 1" };
    for (chunks, expected) in [(0, zero), (3, Problem::Truncated), (u32::MAX, Problem::Truncated)] {
        let mut second = ping().to_vec();
        second[..4].copy_from_slice(&u32::to_le_bytes(chunks));
        // A Data packet before it: places count from the beginning of the stream.
        let mut bytes = data(0, 4, 0, &[0; 32]);
        bytes.extend(packet(48, &[&ping(), &second[..]].concat()));
        let (frames, none) = from_server(&bytes);
        assert_eq!(none, None);
        let [Frame::Data(_), Frame::Messages(messages)] = &frames[..] else {
            panic!("{frames:?}");
        };
        let mut messages = messages.clone();
        assert_eq!(messages.split_next(), Ok(Some((72, ping()))));
        assert_eq!(messages.split_next(), Err(error(expected)));
    }
}

#[test]
fn a_length_without_padding() {
    // MMSP-W-019
    // Two bytes of padding left out, as an old client sends it.
    let short = &end_of_stream()[..14];
    let bytes = [packet(16 + 14, short), packet(32, &ping())].concat();
    let (mut frames, error) = from_client(&bytes);
    assert_eq!((frames.len(), error), (2, None));
    frames.truncate(1);
    assert_eq!(split(frames), [(32, Bytes::copy_from_slice(short))]);
    // Up to three bytes behind the last message are the rest of some padding.
    let loose = [&ping()[..], &[1, 2, 3]].concat();
    assert_eq!(split(from_client(&packet(35, &loose)).0), [(32, ping())]);
}

#[test]
fn lengths_at_the_limits() {
    // MMSP-W-020, MMSP-W-074
    let limit = 1024;
    for (length, expected) in [
        (0, bad(8, "messageLength", 0, "at least 16")),
        (15, bad(8, "messageLength", 15, "at least 16")),
        (limit + 1, above(8, limit + 1, limit)),
        (u32::MAX, above(8, u32::MAX, limit)),
    ] {
        for decoder in [FrameDecoder::from_server, FrameDecoder::from_client] {
            let decoder = decoder(&limits(limit));
            // Sixteen bytes are enough to know: nothing is reserved for the rest.
            let head = &packet(length, &[])[..16];
            let (frames, error) = decode_with(decoder, [head]);
            assert_eq!((frames, error), (vec![], Some(expected)), "{length}");
        }
    }
    for length in [16, 17, limit] {
        let bytes = packet(length, &vec![1; length as usize - 16]);
        let (frames, error) = decode_with(FrameDecoder::from_server(&limits(limit)), [&bytes[..]]);
        assert_eq!((frames.len(), error), (1, None), "{length}");
    }
}

fn above(offset: u64, found: u32, limit: u32) -> DecodeError {
    let problem = Problem::AboveLimit { found: found.into(), limit: limit.into() };
    DecodeError::frame(offset, "messageLength", problem)
}

#[test]
fn unknown_messages_do_not_disturb_the_framing() {
    // MMSP-W-021
    let id = crate::mmsp::message::MessageId(0x0004_0099);
    let body = Bytes::from_static(&[5; 16]);
    let unknown = ServerMessage::Unknown { id, body };
    let both = [message(&unknown), ping()].concat();
    let messages = split(from_server(&packet(16 + 40, &both)).0);
    let mut deviations: Vec<Deviation> = Vec::new();
    let decoded: Vec<ServerMessage> = messages
        .iter()
        .map(|(_, bytes)| ServerMessage::decode(bytes, &mut deviations).unwrap())
        .collect();
    assert_eq!(decoded, [unknown, Ping.into()]);
}

#[test]
fn messages_and_data_on_one_connection() {
    // MMSP-W-023, MMSP-W-025
    let bytes =
        [data(7, 0x12, 0x34, b"payload"), packet(32, &ping()), data(u32::MAX, 0xFF, 0xFF, &[])]
            .concat();
    assert_eq!(bytes[..8], [7, 0, 0, 0, 0x12, 0x34, 15, 0]);
    let (frames, error) = from_server(&bytes);
    let [Frame::Data(first), Frame::Messages(_), Frame::Data(last)] = &frames[..] else {
        panic!("{frames:?} {error:?}");
    };
    assert_eq!(*first, DataPacket::new(7, 0x12, 0x34, Bytes::from_static(b"payload")));
    assert_eq!(*last, DataPacket::new(u32::MAX, 0xFF, 0xFF, Bytes::new()));
}

#[test]
fn the_size_of_a_data_packet() {
    // MMSP-W-025, MMSP-W-026
    for size in 0..8u8 {
        let mut bytes = packet(16, &[]);
        bytes.extend([1, 0, 0, 0, 4, 0, size, 0]);
        let expected = bad(32 + 6, "PacketSize", size.into(), "at least 8");
        assert_eq!(from_server(&bytes).1, Some(expected), "{size}");
    }
    let largest = data(0, 4, 0, &[1; 65_527]);
    assert_eq!(largest.len(), 65_535);
    assert_eq!(from_server(&largest).0.len(), 1);
    let too_large = DataPacket::new(0, 4, 0, Bytes::from(vec![0; 65_528]));
    assert_eq!(too_large.head(), None);
}

#[test]
fn a_damaged_header() {
    // MMSP-W-004, MMSP-W-006
    let sound = packet(32, &ping());
    let damaged = |place: usize, byte: u8| {
        // In the middle of a stream, so that the place is more than the field's own.
        let mut bytes = [packet(16, &[]), sound.clone()].concat();
        bytes[32 + place] = byte;
        bytes
    };
    let seal = bad(32 + 12, "seal", 0x2053_4D00, "0x20534d4d");
    assert_eq!(from_server(&damaged(12, 0)).1, Some(seal));
    assert_eq!(from_client(&damaged(12, 0)).1, Some(seal));
    let rep = bad(32, "rep", 2, "1");
    assert_eq!(from_server(&damaged(0, 2)).1, Some(rep));
    assert_eq!(from_client(&damaged(0, 2)).1, Some(rep));
    // From a client nothing but headers can come.
    let session = bad(32 + 4, "sessionId", 0xB00B_FA00, "0xb00bface");
    assert_eq!(from_client(&damaged(4, 0)).1, Some(session));
    // From a server it is a Data packet then, here one of 0xB00B bytes that is not complete.
    let (frames, error) = from_server(&damaged(4, 0));
    assert_eq!((frames.len(), error), (1, None));
}

#[test]
fn a_client_sends_no_data() {
    // MMSP-W-023
    let bytes = data(0x0102_0304, 4, 5, &[0; 40]);
    let expected = bad(4, "sessionId", 0x0030_0504, "0xb00bface");
    assert_eq!(from_client(&bytes), (vec![], Some(expected)));
}

#[test]
fn a_data_packet_that_looks_like_a_header() {
    // MMSP-W-024
    let payload = vec![0x55; 45_067 - 8];
    for location in [0, 2, 0x0102_0304, u32::MAX] {
        let bytes = [data(location, 0xCE, 0xFA, &payload), packet(32, &ping())].concat();
        assert_eq!(bytes[4..8], [0xCE, 0xFA, 0x0B, 0xB0]);
        let (frames, error) = from_server(&bytes);
        let [Frame::Data(found), Frame::Messages(_)] = &frames[..] else {
            panic!("{location:#x}: {frames:?} {error:?}");
        };
        assert_eq!((found.location_id, found.payload.len()), (location, 45_059));
    }
    // Number 1 begins like a header: there the missing seal is the sign of a broken one. No label
    // of ours leads here, 0xCE is never used.
    let bytes = data(1, 0xCE, 0xFA, &payload);
    let expected = bad(12, "seal", 0x5555_5555, "0x20534d4d");
    assert_eq!(from_server(&bytes).1, Some(expected));
}

#[test]
fn flags_of_header_fragments() {
    // MMSP-W-029
    assert_eq!((HeaderFlags::MORE.0, HeaderFlags::LAST.0), (4, 0x0C));
    for (flags, last) in [(0, false), (4, false), (8, true), (0x0C, true)] {
        assert_eq!(HeaderFlags(flags).is_last(), last, "{flags:#x}");
    }
}
