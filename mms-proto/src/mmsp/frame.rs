//! Where packets begin and end, MS-MMSP 2.2.2 and 2.2.3.
//!
//! Two kinds of packets share the TCP connection and nothing announces which one comes next:
//! [`Frame::Messages`], a `TcpMessageHeader` with control messages, and [`Frame::Data`], a piece
//! of the ASF header or one ASF packet. Only a server sends the second kind.

use std::fmt;

use bytes::{Buf as _, BufMut, Bytes, BytesMut};

use crate::config::Limits;
use crate::content::AsfPacket;
use crate::error::{DecodeError, Layer, Problem};
use crate::io::Transmit;
use crate::receive::{LARGE_BLOCK, ReceiveBuffer, SMALL_BLOCK};

/// `sessionId` of every `TcpMessageHeader`.
const SESSION_ID: u32 = 0xB00B_FACE;
/// `seal` of every `TcpMessageHeader`: "MMS ".
const SEAL: u32 = 0x2053_4D4D;
/// Bytes of a `TcpMessageHeader` without its messages.
const HEADER: usize = 32;
/// Bytes that `messageLength` does not count.
const UNCOUNTED: usize = 16;
/// Bytes of the head of a Data packet.
pub(crate) const DATA_HEAD: usize = 8;

/// One packet of the TCP stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Control messages: none, one or many.
    Messages(Messages),
    /// A piece of the ASF header, or one ASF packet.
    Data(DataPacket),
}

/// The messages of one `TcpMessageHeader` packet, not decoded yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "TcpMessageHeader")]
pub struct Messages {
    /// `version` and `versionMinor`; both are 0.
    pub version: (u8, u8),
    /// Number of the packet, counted by its sender; it wraps.
    #[doc(alias = "seq")]
    pub sequence: u16,
    /// Milliseconds since the sender's first packet, as far as it can be believed.
    #[doc(alias = "timeSent")]
    pub time_sent: u64,
    /// Place of the first message in the stream, in bytes.
    pub offset: u64,
    /// What was not split off by [`next`](Self::split_next) yet.
    pub rest: Bytes,
}

impl Messages {
    /// Splits off the next message by its `chunkLen`, together with its place in the stream.
    ///
    /// # Errors
    /// When `chunkLen` is zero or runs past the end by 8 bytes or more; fewer are the padding
    /// that some senders leave out of the last message (T16).
    pub fn split_next(&mut self) -> Result<Option<(u64, Bytes)>, DecodeError> {
        let place = self.offset;
        let Some(&chunks) = self.rest.first_chunk() else {
            // Fewer than four bytes: what is left of padding, or nothing.
            self.rest.clear();
            return Ok(None);
        };
        let length =
            message_length(chunks, self.rest.len()).map_err(|error| error.moved_by(place))?;
        self.offset = self.offset.saturating_add(length as u64);
        Ok(Some((place, self.rest.split_to(length))))
    }
}

/// Bytes of a message by its `chunkLen`, of the `present` ones; an error counts its place from the
/// beginning of the message.
pub(crate) fn message_length(chunks: [u8; 4], present: usize) -> Result<usize, DecodeError> {
    let error =
        |problem| DecodeError { layer: Layer::Prefix, offset: 0, field: "chunkLen", problem };
    let declared = u64::from(u32::from_le_bytes(chunks)).saturating_mul(8);
    if declared == 0 {
        return Err(error(Problem::Value { found: 0, expected: "at least 1" }));
    }
    match usize::try_from(declared) {
        Ok(declared) if declared <= present => Ok(declared),
        // The last message of a packet whose sender left out the padding (T16).
        _ if declared.saturating_sub(present as u64) < 8 => Ok(present),
        _ => Err(error(Problem::Truncated)),
    }
}

/// A Data packet, MS-MMSP 2.2.2.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "Data")]
pub struct DataPacket {
    /// Number of the ASF packet, or of the header fragment.
    #[doc(alias = "LocationId")]
    pub location_id: u32,
    /// Label of the request that it answers: the low byte of its incarnation.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u8,
    /// Low byte of the packet counter; for header fragments see [`HeaderFlags`].
    #[doc(alias = "AFFlags")]
    pub flags: u8,
    /// The piece of the header, or the packet.
    pub payload: Bytes,
}

impl DataPacket {
    /// A packet with these fields.
    #[must_use]
    pub fn new(location_id: u32, incarnation: u8, flags: u8, payload: Bytes) -> Self {
        Self { location_id, incarnation, flags, payload }
    }

    /// The first eight bytes on the wire; `None` when the payload is larger than 65,527 bytes.
    #[must_use]
    pub fn head(&self) -> Option<[u8; DATA_HEAD]> {
        let size = u16::try_from(self.payload.len().checked_add(DATA_HEAD)?).ok()?;
        let [a, b, c, d] = self.location_id.to_le_bytes();
        let [low, high] = size.to_le_bytes();
        Some([a, b, c, d, self.incarnation, self.flags, low, high])
    }

    /// The packet as it is written; `None` when the payload is larger than 65,527 bytes.
    #[inline]
    pub(crate) fn into_transmit(self) -> Option<Transmit> {
        let head = self.head()?.into();
        Some(Transmit::Data { head, body: self.payload, tail: &[] })
    }

    /// The packet as applications see it.
    pub(crate) fn into_media(self) -> AsfPacket {
        let Self { location_id, payload, .. } = self;
        AsfPacket { location_id, sequence: None, payload }
    }
}

impl fmt::Debug for DataPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location_id, incarnation, flags, payload } = self;
        let length = payload.len();
        write!(f, "Data(#{location_id}, {incarnation:#04x}, {flags:#04x}, {length} bytes)")
    }
}

/// `AFFlags` of a piece of the ASF header.
///
/// Only `04 … 04 0C` is written. FFmpeg dies on the `00` that some servers send for the pieces
/// in the middle, and Windows Media Services ends with `08` or `0C` (T3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFlags(pub u8);

impl HeaderFlags {
    /// A piece that is not the last.
    pub const MORE: Self = Self(0x04);
    /// The last piece, or the only one.
    pub const LAST: Self = Self(0x0C);

    /// True for the last piece, in every form that servers send.
    #[must_use]
    pub const fn is_last(self) -> bool {
        self.0 & 0x08 != 0
    }
}

/// Splits a TCP stream into packets, whatever pieces it is read in.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: ReceiveBuffer,
    /// Place in the stream of the first byte of the buffer.
    offset: u64,
    max_message: u32,
    data_allowed: bool,
    failed: Option<DecodeError>,
}

impl FrameDecoder {
    /// A decoder for what a server sends: messages and Data packets.
    #[must_use]
    pub fn from_server(limits: &Limits) -> Self {
        Self::new(limits, LARGE_BLOCK, true)
    }

    /// A decoder for what a client sends: messages only.
    #[must_use]
    pub fn from_client(limits: &Limits) -> Self {
        Self::new(limits, SMALL_BLOCK, false)
    }

    fn new(limits: &Limits, block: usize, data_allowed: bool) -> Self {
        Self {
            buffer: ReceiveBuffer::new(block),
            offset: 0,
            max_message: limits.message,
            data_allowed,
            failed: None,
        }
    }

    /// Where to read to, initialised: at least 16 KiB for what a server sends, 1 KiB for what a
    /// client sends. Follow with [`received`](Self::received).
    pub fn recv_buffer(&mut self) -> &mut [u8] {
        self.buffer.room()
    }

    /// The first `count` bytes of [`recv_buffer`](Self::recv_buffer) were filled.
    pub fn received(&mut self, count: usize) {
        self.buffer.received(count);
    }

    /// Copies bytes into the buffer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// Number of bytes that are buffered and not part of a packet that was returned.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Returns the next whole packet, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// When the bytes are no packet. The position in the stream is lost then: the same error
    /// comes again ever after.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.split().inspect_err(|&error| self.failed = Some(error))
    }

    #[inline]
    fn split(&mut self) -> Result<Option<Frame>, DecodeError> {
        let bytes = self.buffer.unread();
        let Some((&[a, b, c, d, incarnation, flags, low, high], _)) = bytes.split_first_chunk()
        else {
            return Ok(None);
        };
        if u32::from_le_bytes([incarnation, flags, low, high]) == SESSION_ID || !self.data_allowed {
            match self.message_header(bytes)? {
                Kind::Incomplete => return Ok(None),
                Kind::Header { total } => return Ok(self.take_messages(total)),
                Kind::Data => {}
            }
        }
        let size = u16::from_le_bytes([low, high]);
        if usize::from(size) < DATA_HEAD {
            let problem = Problem::Value { found: size.into(), expected: "at least 8" };
            return Err(DecodeError::frame(self.offset.saturating_add(6), "PacketSize", problem));
        }
        let Some(mut payload) = self.take(size.into()) else {
            return Ok(None);
        };
        payload.advance(DATA_HEAD);
        let location_id = u32::from_le_bytes([a, b, c, d]);
        Ok(Some(Frame::Data(DataPacket { location_id, incarnation, flags, payload })))
    }

    /// Looks at what has `sessionId` in its place: most probably a `TcpMessageHeader`, but it may
    /// be a Data packet of 45,067 bytes whose label and flags happen to be the rest of that number
    /// (MMSP-W-024). The seal decides.
    fn message_header(&self, bytes: &[u8]) -> Result<Kind, DecodeError> {
        let Some((head, _)) = bytes.split_first_chunk::<16>() else {
            return Ok(Kind::Incomplete);
        };
        let word = |at: usize| {
            head.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |&b| u32::from_le_bytes(b))
        };
        let error = |at: u64, field, found: u32, expected| {
            let problem = Problem::Value { found: found.into(), expected };
            Err(DecodeError::frame(self.offset.saturating_add(at), field, problem))
        };
        if word(4) != SESSION_ID {
            return error(4, "sessionId", word(4), "0xb00bface");
        }
        let [rep, version, minor, ..] = *head;
        if word(12) != SEAL {
            return match (rep, version, minor) {
                // The beginning of a header: the seal is broken, not the beginning.
                (1, 0, 0) => error(12, "seal", word(12), "0x20534d4d"),
                _ if self.data_allowed => Ok(Kind::Data),
                _ => error(12, "seal", word(12), "0x20534d4d"),
            };
        }
        if rep != 1 {
            return error(0, "rep", rep.into(), "1");
        }
        let length = word(8);
        let place = self.offset.saturating_add(8);
        if length > self.max_message {
            let problem =
                Problem::AboveLimit { found: length.into(), limit: self.max_message.into() };
            return Err(DecodeError::frame(place, "messageLength", problem));
        }
        match usize::try_from(length).ok().and_then(|length| length.checked_add(UNCOUNTED)) {
            Some(total) if total >= HEADER => Ok(Kind::Header { total }),
            _ => error(8, "messageLength", length, "at least 16"),
        }
    }

    fn take_messages(&mut self, total: usize) -> Option<Frame> {
        let offset = self.offset.saturating_add(HEADER as u64);
        let mut packet = self.take(total)?;
        let mut header = packet.split_to(HEADER.min(packet.len()));
        header.advance(1); // rep
        let version = (header.get_u8(), header.get_u8());
        header.advance(17); // padding, sessionId, messageLength, seal, chunkCount
        let sequence = header.get_u16_le();
        header.advance(2); // MBZ
        let time_sent = header.get_u64_le();
        Some(Frame::Messages(Messages { version, sequence, time_sent, offset, rest: packet }))
    }

    fn take(&mut self, total: usize) -> Option<Bytes> {
        let packet = self.buffer.take(total)?;
        self.offset = self.offset.saturating_add(total as u64);
        Some(packet)
    }
}

/// What the first sixteen bytes are.
enum Kind {
    Incomplete,
    Header { total: usize },
    Data,
}

/// Frames control messages: one message a packet, as clients must and servers should send them.
#[derive(Debug, Clone, Default)]
pub struct MessageWriter {
    sequence: u16,
}

impl MessageWriter {
    /// A writer that begins with this packet number; sessions begin with 0.
    #[must_use]
    pub fn new(sequence: u16) -> Self {
        Self { sequence }
    }

    /// Writes one packet. `time_sent` is in milliseconds since the first packet; `message` appends
    /// one message, padded to a multiple of 8 bytes.
    pub fn write(&mut self, time_sent: u64, message: impl FnOnce(&mut BytesMut)) -> Bytes {
        let mut out = BytesMut::with_capacity(256);
        out.put_bytes(0, HEADER);
        message(&mut out);
        let length = out.len().saturating_sub(UNCOUNTED);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if let Some(mut header) = out.get_mut(..HEADER) {
            header.put_slice(&[1, 0, 0, 0]); // rep, version, versionMinor, padding
            header.put_u32_le(SESSION_ID);
            header.put_u32_le(length);
            header.put_u32_le(SEAL);
            // The specification says the size of the packet; servers and players all write
            // messageLength here, in units of eight bytes (T2).
            header.put_u32_le(length / 8);
            header.put_u16_le(self.sequence);
            header.put_u16_le(0); // MBZ
            header.put_u64_le(time_sent);
        }
        self.sequence = self.sequence.wrapping_add(1);
        out.freeze()
    }
}

#[cfg(test)]
mod tests;
