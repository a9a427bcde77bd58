//! Small headers and packets, built in code. For tests, examples and fuzz targets; may change at
//! any time.

mod pieces;
mod strict;

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

pub use self::pieces::Pieces;
pub use self::strict::{Strict, strict};
use crate::guid;
use crate::packet::code;

/// The File ID of every header built here.
pub const FILE_ID: Uuid = Uuid::from_u128(0x0123_4567_89AB_4CDE_8F01_2345_6789_ABCD);
/// The preroll of every header built here, in milliseconds.
pub const PREROLL: u64 = 3_000;

/// A stream of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestStream {
    /// WMA 2, 44.1 kHz, stereo, 64 kbit/s, with this number.
    Audio(u8),
    /// WMV3, 320 x 240, with this number.
    Video(u8),
    /// Commands, with this number.
    Command(u8),
}

/// The header of a complete, seekable file whose packets are one second apart.
pub fn header(packet_size: u32, packet_count: u64, streams: &[TestStream]) -> Bytes {
    header_with(packet_size, packet_count, 2, streams, &[])
}

/// The header of a live stream: broadcast flag, no counts, Data Object size 50.
pub fn live_header(packet_size: u32, streams: &[TestStream]) -> Bytes {
    header_with(packet_size, 0, 9, streams, &[])
}

/// A header with these flags and with more objects as last children of the Header Object.
pub fn header_with(
    packet_size: u32,
    packet_count: u64,
    flags: u32,
    streams: &[TestStream],
    more: &[Bytes],
) -> Bytes {
    let seconds = packet_count.saturating_mul(10_000_000);
    let live = flags & 1 != 0;
    let mut children = vec![file_properties(packet_size, packet_count, seconds, flags)];
    children.push(object(guid::HEADER_EXTENSION, &{
        let mut body = BytesMut::new();
        body.put_slice(&guid::HEADER_EXTENSION_RESERVED.to_bytes_le());
        body.put_u16_le(6);
        body.put_u32_le(0);
        body
    }));
    children.extend(streams.iter().map(stream_properties));
    children.extend_from_slice(more);
    let packets = packet_count.saturating_mul(u64::from(packet_size));

    let mut body = BytesMut::new();
    body.put_u32_le(u32::try_from(children.len()).unwrap_or(u32::MAX));
    body.put_slice(&[1, 2]);
    for child in &children {
        body.put_slice(child);
    }
    let mut bytes = BytesMut::from(object(guid::HEADER, &body).as_ref());
    bytes.put_slice(&guid::DATA.to_bytes_le());
    bytes.put_u64_le(if live { 50 } else { packets.saturating_add(50) });
    bytes.put_slice(&FILE_ID.to_bytes_le());
    bytes.put_u64_le(packet_count);
    bytes.put_slice(&[1, 1]);
    let mut bytes = bytes.to_vec();
    if !live {
        // File Properties is the first child: its file size lies at 30 + 40.
        let size = (bytes.len() as u64).saturating_add(packets);
        if let Some(field) = bytes.get_mut(70..78) {
            field.copy_from_slice(&size.to_le_bytes());
        }
    }
    Bytes::from(bytes)
}

/// An object with this identifier and body.
pub fn object(id: Uuid, body: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_slice(&id.to_bytes_le());
    bytes.put_u64_le((body.len() as u64).saturating_add(24));
    bytes.put_slice(body);
    bytes.freeze()
}

/// A Content Description Object with a title and an author.
pub fn content_description(title: &str, author: &str) -> Bytes {
    let [title, author] = [title, author]
        .map(|text| text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let mut body = BytesMut::new();
    for len in [title.len(), author.len(), 0, 0, 0] {
        body.put_u16_le(u16::try_from(len).unwrap_or(0));
    }
    body.put_slice(&title);
    body.put_slice(&author);
    object(guid::CONTENT_DESCRIPTION, &body)
}

/// An Extended Stream Properties Object that declares these payload extensions, each with its size
/// (0xFFFF: variable), and nothing else.
pub fn extended_stream_properties(stream: u8, extensions: &[(Uuid, u16)]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_bytes(0, 48);
    body.put_u16_le(u16::from(stream));
    body.put_bytes(0, 12);
    body.put_u16_le(u16::try_from(extensions.len()).unwrap_or(u16::MAX));
    for (system, size) in extensions {
        body.put_slice(&system.to_bytes_le());
        body.put_u16_le(*size);
        body.put_u32_le(0);
    }
    object(guid::EXTENDED_STREAM_PROPERTIES, &body)
}

/// Packet `number` of a file with one packet a second: one payload of stream 1, which is a whole
/// media object of as many bytes as `data` has. Cut or padded to `packet_size`.
pub fn packet(number: u32, packet_size: u32, data: &[u8]) -> Bytes {
    let time = number.saturating_mul(1_000);
    let payload = TestPayload::whole(1, number, time.saturating_add(3_000), data);
    TestPacket { send_time: time, duration: 1_000, ..TestPacket::single(payload) }
        .build(packet_size)
}

/// [`packet`] with the key frame flag set.
pub fn key_packet(number: u32, packet_size: u32, data: &[u8]) -> Bytes {
    let time = number.saturating_mul(1_000);
    let payload = TestPayload::whole(0x81, number, time.saturating_add(3_000), data);
    TestPacket { send_time: time, duration: 1_000, ..TestPacket::single(payload) }
        .build(packet_size)
}

/// A payload to be put into a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPayload {
    /// Stream number; bit 7 is the key frame flag.
    pub stream: u8,
    /// Media object number, cut to the width of its field.
    pub object: u32,
    /// Offset into the media object, or the presentation time of a compressed payload; cut to the
    /// width of its field.
    pub offset: u32,
    /// Replicated data.
    pub replicated: Vec<u8>,
    /// Media data.
    pub data: Vec<u8>,
}

impl TestPayload {
    /// A whole media object.
    pub fn whole(stream: u8, object: u32, time: u32, data: &[u8]) -> Self {
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self::part(stream, object, time, size, 0, data)
    }

    /// A part of a media object of `size` bytes, from `offset` on.
    pub fn part(stream: u8, object: u32, time: u32, size: u32, offset: u32, data: &[u8]) -> Self {
        let mut replicated = size.to_le_bytes().to_vec();
        replicated.extend_from_slice(&time.to_le_bytes());
        Self { stream, object, offset, replicated, data: data.to_vec() }
    }

    /// A compressed payload with these media objects, `delta` milliseconds apart.
    pub fn compressed(stream: u8, object: u32, time: u32, delta: u8, objects: &[&[u8]]) -> Self {
        let mut data = Vec::new();
        for object in objects {
            data.push(u8::try_from(object.len()).unwrap_or(u8::MAX));
            data.extend(object.iter().take(255));
        }
        Self { stream, object, offset: time, replicated: vec![delta], data }
    }
}

/// A packet to be built, of any legal form. All widths are 0, 1, 2 or 4 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPacket {
    /// Error correction data behind its flags, up to 15 bytes; `None` leaves the flags out too.
    pub error_correction: Option<Vec<u8>>,
    /// Width of the packet length field.
    pub length_width: usize,
    /// What the packet length field holds; the packet size when `None`. A shorter length than the
    /// packet's makes the bytes behind it padding.
    pub length: Option<u32>,
    /// Width of the sequence field.
    pub sequence_width: usize,
    /// What the sequence field holds.
    pub sequence: u32,
    /// Width of the padding field.
    pub padding_width: usize,
    /// Write the form with a payload count even for one payload.
    pub multiple: bool,
    /// Send time in milliseconds.
    pub send_time: u32,
    /// Duration in milliseconds.
    pub duration: u16,
    /// Width of media object numbers.
    pub number_width: usize,
    /// Width of offsets into media objects.
    pub offset_width: usize,
    /// Width of the length of replicated data.
    pub replicated_width: usize,
    /// Width of payload lengths in the multiple payloads form; 0 is not legal.
    pub data_width: usize,
    /// The payloads.
    pub payloads: Vec<TestPayload>,
    /// Bytes behind the last payload that the padding field leaves out.
    pub unclaimed: usize,
    /// What fills unclaimed bytes and padding.
    pub filler: u8,
}

impl TestPacket {
    /// A packet in the single payload form, with a 16-bit padding field.
    pub fn single(payload: TestPayload) -> Self {
        Self { multiple: false, ..Self::multiple(vec![payload]) }
    }

    /// A packet in the multiple payloads form, with a 16-bit padding field. Error correction is
    /// `82 00 00`, property flags are 0x5D, payload lengths have 16 bits.
    pub fn multiple(payloads: Vec<TestPayload>) -> Self {
        Self {
            error_correction: Some(vec![0, 0]),
            length_width: 0,
            length: None,
            sequence_width: 0,
            sequence: 0,
            padding_width: 2,
            multiple: true,
            send_time: 0,
            duration: 0,
            number_width: 1,
            offset_width: 4,
            replicated_width: 1,
            data_width: 2,
            payloads,
            unclaimed: 0,
            filler: 0,
        }
    }

    /// The bytes in front of unclaimed bytes and padding.
    pub fn used(&self) -> usize {
        let correction = self.error_correction.as_ref().map_or(0, |data| data.len() & 0x0F);
        let fields = [
            usize::from(self.error_correction.is_some()),
            correction,
            2,
            self.length_width,
            self.sequence_width,
            self.padding_width,
            6,
            self.payload_bytes().len(),
        ];
        fields.into_iter().fold(0, usize::saturating_add)
    }

    /// The packet at its full size, cut when the payloads need more.
    pub fn build(&self, packet_size: u32) -> Bytes {
        let length = self.length.unwrap_or(packet_size);
        let area = if self.length_width == 0 || length == 0 { packet_size } else { length };
        let claimed = self.used().saturating_add(self.unclaimed);
        let padding = area.saturating_sub(u32::try_from(claimed).unwrap_or(u32::MAX));

        let mut bytes = BytesMut::new();
        if let Some(data) = &self.error_correction {
            let len = data.len() & 0x0F;
            bytes.put_u8(0x80 | u8::try_from(len).unwrap_or(0));
            bytes.put_slice(data.get(..len).unwrap_or_default());
        }
        let widths = [self.length_width, self.sequence_width, self.padding_width];
        let [of_length, of_sequence, of_padding] = widths.map(code);
        let flags = of_length << 5 | of_padding << 3 | of_sequence << 1;
        bytes.put_u8(flags | u8::from(self.multiple));
        let [of_number, of_offset, of_replicated] =
            [self.number_width, self.offset_width, self.replicated_width].map(code);
        bytes.put_u8(0x40 | of_number << 4 | of_offset << 2 | of_replicated);
        for (width, value) in widths.into_iter().zip([length, self.sequence, padding]) {
            put_cut(&mut bytes, value, width);
        }
        bytes.put_u32_le(self.send_time);
        bytes.put_u16_le(self.duration);
        bytes.put_slice(&self.payload_bytes());
        bytes.resize(packet_size as usize, self.filler);
        bytes.freeze()
    }

    fn payload_bytes(&self) -> BytesMut {
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut bytes = BytesMut::new();
        if self.multiple {
            let count = u8::try_from(self.payloads.len() & 0x3F).unwrap_or(0);
            bytes.put_u8(code(self.data_width) << 6 | count);
        }
        for payload in &self.payloads {
            bytes.put_u8(payload.stream);
            put_cut(&mut bytes, payload.object, self.number_width);
            put_cut(&mut bytes, payload.offset, self.offset_width);
            put_cut(&mut bytes, len(&payload.replicated), self.replicated_width);
            bytes.put_slice(&payload.replicated);
            if self.multiple {
                put_cut(&mut bytes, len(&payload.data), self.data_width);
            }
            bytes.put_slice(&payload.data);
        }
        bytes
    }
}

/// The low bytes of a value.
fn put_cut(bytes: &mut BytesMut, value: u32, width: usize) {
    bytes.put_slice(value.to_le_bytes().get(..width).unwrap_or_default());
}

fn file_properties(packet_size: u32, packet_count: u64, seconds: u64, flags: u32) -> Bytes {
    let live = flags & 1 != 0;
    let play = if live { 0 } else { seconds.saturating_add(PREROLL.saturating_mul(10_000)) };
    let mut body = BytesMut::new();
    body.put_slice(&FILE_ID.to_bytes_le());
    body.put_u64_le(0);
    body.put_u64_le(116_444_736_000_000_000);
    body.put_u64_le(packet_count);
    body.put_u64_le(play);
    body.put_u64_le(if live { 0 } else { seconds });
    body.put_u64_le(PREROLL);
    body.put_u32_le(flags);
    body.put_u32_le(packet_size);
    body.put_u32_le(packet_size);
    body.put_u32_le(packet_size.saturating_mul(8));
    object(guid::FILE_PROPERTIES, &body)
}

fn stream_properties(stream: &TestStream) -> Bytes {
    let mut specific = BytesMut::new();
    let (kind, number) = match *stream {
        TestStream::Audio(number) => {
            specific.put_u16_le(0x0161);
            specific.put_u16_le(2);
            specific.put_u32_le(44_100);
            specific.put_u32_le(8_000);
            specific.put_u16_le(2_973);
            specific.put_u16_le(16);
            specific.put_u16_le(10);
            specific.put_slice(&[0, 0x88, 0, 0, 0x0F, 0, 0x9D, 0x0B, 0, 0]);
            (guid::AUDIO, number)
        }
        TestStream::Video(number) => {
            specific.put_u32_le(320);
            specific.put_u32_le(240);
            specific.put_u8(2);
            specific.put_u16_le(40);
            specific.put_u32_le(40);
            specific.put_u32_le(320);
            specific.put_u32_le(240);
            specific.put_u16_le(1);
            specific.put_u16_le(24);
            specific.put_slice(b"WMV3");
            specific.put_bytes(0, 20);
            (guid::VIDEO, number)
        }
        TestStream::Command(number) => (guid::COMMAND, number),
    };
    let mut body = BytesMut::new();
    body.put_slice(&kind.to_bytes_le());
    body.put_slice(&guid::NO_ERROR_CORRECTION.to_bytes_le());
    body.put_u64_le(0);
    body.put_u32_le(u32::try_from(specific.len()).unwrap_or(0));
    body.put_u32_le(0);
    body.put_u16_le(u16::from(number));
    body.put_u32_le(0);
    body.put_slice(&specific);
    object(guid::STREAM_PROPERTIES, &body)
}
