//! Playing backwards: key frame after key frame, each one whole.

use bytes::{Bytes, BytesMut};

use super::{NoSuchStream, Selected};
use crate::keep::Choice;
use crate::{Error, Header, Packet, Payload, StreamKind};

/// The most packets in which the rest of a key frame is looked for. One of some megabytes in
/// packets of 1400 bytes, between as many of other streams, is whole by then.
const MOST_PACKETS: u64 = 4_096;

/// Walks backwards over the key frames of one stream. It does no input or output: it says which
/// packet to read next, and what to send of it.
///
/// Where key frames are comes from an index, or from whatever else the caller has. A key frame may
/// lie in several packets; they are read, and sent, in the order of the file. Of several key
/// frames that begin in one packet the last one is sent. Packets keep their times.
///
/// ```
/// use mms_asf::Rewind;
/// # use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
/// # let header = mms_asf::Header::parse(&testing::header(100, 9, &[TestStream::Video(2)]))?;
/// # let file: Vec<_> = (0..9).map(|n| TestPacket::single(TestPayload::whole(
/// #     if n % 4 == 0 { 0x82 } else { 2 }, n, n * 1_000 + 3_000, b"frame")).build(100)).collect();
/// // The packets in which key frames begin.
/// let keys = [0, 4, 8];
///
/// let mut sent = Vec::new();
/// let mut rewind = Rewind::new(&header, 2, 7)?;
/// while let Some(number) = rewind.next_packet(|before| keys.into_iter().rfind(|&n| n < before)) {
///     if let Some(packet) = rewind.packet(&file[usize::try_from(number)?])?.into_bytes() {
///         sent.push(packet);
///     }
/// }
/// assert_eq!(sent, [file[4].clone(), file[0].clone()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rewind {
    packet_size: u32,
    stream: u8,
    /// Only flagged objects are key frames.
    video: bool,
    state: State,
    buffer: BytesMut,
}

#[derive(Debug, Clone)]
enum State {
    /// The last key frame that begins before this packet is next.
    Before(u64),
    /// A key frame begins in packet `first`, and packet `next` is needed for it.
    Reading {
        first: u64,
        next: u64,
        object: Option<Object>,
    },
    Over,
}

/// A key frame of which the beginning was sent.
#[derive(Debug, Clone, Copy)]
struct Object {
    number: u32,
    /// The bytes that are missing, if that is known.
    left: Option<u64>,
}

impl Rewind {
    /// Starts with the last key frame that begins before packet `packet`, counted from 0. Fails
    /// when the header does not declare the stream.
    pub fn new(header: &Header, stream: u8, packet: u64) -> Result<Self, NoSuchStream> {
        let kind = header.stream(stream).ok_or(NoSuchStream { number: stream })?.kind;
        Ok(Self {
            packet_size: header.file().packet_size,
            stream,
            video: kind == StreamKind::Video,
            state: State::Before(packet),
            buffer: BytesMut::new(),
        })
    }

    /// The packet that is needed next; `None` at the end. It stays the same until
    /// [`packet`](Self::packet) or [`skip`](Self::skip) is called.
    ///
    /// `key_before` is asked for the last packet before the given one in which a key frame of the
    /// stream begins. An answer that is not before it ends the walk.
    pub fn next_packet(&mut self, key_before: impl FnOnce(u64) -> Option<u64>) -> Option<u64> {
        if let State::Before(packet) = self.state {
            self.state = match key_before(packet).filter(|&key| key < packet) {
                Some(first) => State::Reading { first, next: first, object: None },
                None => State::Over,
            };
        }
        match self.state {
            State::Reading { next, .. } => Some(next),
            State::Before(_) | State::Over => None,
        }
    }

    /// What to send of the packet that was asked for. Nothing, when no packet was.
    ///
    /// Fails when it cannot be read or is not of the packet size. The walk goes on with the key
    /// frame before.
    pub fn packet(&mut self, packet: &Bytes) -> Result<Selected, Error> {
        let State::Reading { first, next, object } = self.state else {
            return Ok(Selected::Nothing);
        };
        self.state = State::Before(first);
        let parsed = Packet::parse(packet, self.packet_size)?;
        let start = match object {
            Some(_) => None,
            None => parsed
                .payloads()
                .map_while(Result::ok)
                .enumerate()
                .fold(None, |last, (n, p)| if self.starts(&p) { Some(n) } else { last }),
        };
        let (mut object, mut number, mut over) = (object, 0_usize, false);
        let choice = Choice::new(&parsed, |payload| {
            let here = start == Some(number);
            number = number.saturating_add(1);
            if here {
                object = Some(Object::new(payload));
                return true;
            }
            match &mut object {
                Some(object) if payload.stream == self.stream && !over => {
                    over = payload.begins_object();
                    !over && object.fragment(payload)
                }
                _ => false,
            }
        })?;
        let ahead = next.saturating_add(1);
        let open = object.filter(|object| !over && object.left != Some(0));
        if open.is_some() && ahead.saturating_sub(first) < MOST_PACKETS {
            self.state = State::Reading { first, next: ahead, object: open };
        }
        Selected::new(packet, &parsed, choice, &mut self.buffer)
    }

    /// The packet that was asked for cannot be had: goes on with the key frame before.
    pub fn skip(&mut self) {
        if let State::Reading { first, .. } = self.state {
            self.state = State::Before(first);
        }
    }

    fn starts(&self, payload: &Payload<'_>) -> bool {
        payload.stream == self.stream
            && (payload.key_frame || !self.video)
            && payload.begins_object()
    }
}

impl Object {
    fn new(payload: &Payload<'_>) -> Self {
        let size = match payload.compressed {
            Some(_) => Some(0),
            // Some encoders do not know the size.
            None => payload.object_size.map(u64::from).filter(|&size| size != 0),
        };
        let left = size.map(|size| size.saturating_sub(payload.data.len() as u64));
        Self { number: payload.object_number, left }
    }

    /// Whether the payload belongs to it; it counts as sent from then on.
    fn fragment(&mut self, payload: &Payload<'_>) -> bool {
        let fits = payload.object_number == self.number;
        if fits {
            self.left = self.left.map(|left| left.saturating_sub(payload.data.len() as u64));
        }
        fits
    }
}
