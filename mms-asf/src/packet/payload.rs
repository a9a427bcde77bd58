//! Payloads: pieces of media objects, or several small objects packed together.

use super::{Head, WHAT};
use crate::Error;
use crate::cursor::Cursor;

/// A view of one payload (section 5.2.3 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payload<'a> {
    /// The stream it belongs to, 0 to 127; 0 is not a legal number.
    pub stream: u8,
    /// The media object can be decoded on its own. Means something for video only.
    pub key_frame: bool,
    /// The media object's number; counts up per stream and wraps at the width of its field.
    pub object_number: u32,
    /// Where the data belongs in the media object, in bytes; 0 in a compressed payload.
    #[doc(alias = "Offset Into Media Object")]
    pub offset: u32,
    /// Size of the whole media object in bytes; `None` when it is not given.
    pub object_size: Option<u32>,
    /// When the media object is shown, in milliseconds, preroll included; the packet's send time
    /// when it is not given. In a compressed payload this is the first object's time.
    pub presentation_time: u32,
    /// In a compressed payload, the milliseconds from one object to the next.
    #[doc(alias = "Presentation Time Delta")]
    pub compressed: Option<u8>,
    /// Data of the payload extensions that the stream declares.
    pub extensions: &'a [u8],
    /// The media data.
    pub data: &'a [u8],
    /// Where the media data lies in the packet, in bytes.
    pub data_offset: usize,
    /// The largest number the field of the media object's number can hold.
    last_number: u32,
}

impl<'a> Payload<'a> {
    /// The media data as pieces of media objects: one piece, or each object of a compressed
    /// payload.
    #[inline]
    pub fn pieces(&self) -> Pieces<'a> {
        Pieces {
            object_number: self.object_number,
            presentation_time: self.presentation_time,
            list: self.compressed.map(|delta| List { delta, last_number: self.last_number }),
            rest: Some(Cursor::new(self.data, self.data_offset, WHAT)),
        }
    }

    /// A media object begins with it; with a compressed payload, whose offset is always 0, several.
    pub fn begins_object(&self) -> bool {
        self.offset == 0
    }

    /// Where the payload ends in the packet, in bytes.
    pub fn end(&self) -> usize {
        self.data_offset.saturating_add(self.data.len())
    }
}

/// One media object or a part of it (section 5.2.3 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece<'a> {
    /// The media object's number.
    pub object_number: u32,
    /// When the media object is shown, in milliseconds, preroll included.
    pub presentation_time: u32,
    /// The media data.
    pub data: &'a [u8],
}

/// The pieces of a payload; made by [`Payload::pieces`].
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    /// Of the next piece.
    object_number: u32,
    presentation_time: u32,
    /// `None` when the data are one piece.
    list: Option<List>,
    /// The data that were not handed out; `None` when nothing follows.
    rest: Option<Cursor<'a>>,
}

/// How the objects of a compressed payload follow each other.
#[derive(Debug, Clone, Copy)]
struct List {
    /// Milliseconds from one object to the next.
    delta: u8,
    /// The largest object number, behind which comes 0.
    last_number: u32,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.as_mut()?;
        let Self { object_number, presentation_time, .. } = *self;
        let Some(List { delta, last_number }) = self.list else {
            let data = rest.rest();
            self.rest = None;
            return Some(Ok(Piece { object_number, presentation_time, data }));
        };
        while !rest.rest().is_empty() {
            let presentation_time = self.presentation_time;
            match sub_payload(rest) {
                Ok(data) => {
                    self.presentation_time = presentation_time.wrapping_add(u32::from(delta));
                    // An empty one stands for time that passes without an object.
                    if !data.is_empty() {
                        self.object_number = object_number.wrapping_add(1) & last_number;
                        return Some(Ok(Piece { object_number, presentation_time, data }));
                    }
                }
                Err(error) => {
                    self.rest = None;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// The payloads of a packet; made by [`Packet::payloads`](super::Packet::payloads).
#[derive(Debug, Clone)]
pub struct Payloads<'a> {
    packet: &'a [u8],
    properties: u8,
    send_time: u32,
    left: u8,
    next: Next<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Next<'a> {
    /// Its fields were read when the packet was.
    Single(Single<'a>),
    /// It lies here and has a length of this width code.
    Multiple { at: usize, length_code: u8 },
}

/// The payload of a packet that holds just one and does not tell its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Single<'a> {
    pub(super) bare: Bare<'a>,
    /// Where the data starts.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> Payloads<'a> {
    #[inline]
    pub(super) fn single(packet: &'a [u8], head: &Head, single: Single<'a>) -> Self {
        Self::new(packet, head, 1, Next::Single(single))
    }

    #[inline]
    pub(super) fn multiple(
        packet: &'a [u8],
        head: &Head,
        first: usize,
        count: u8,
        length_code: u8,
    ) -> Self {
        Self::new(packet, head, count, Next::Multiple { at: first, length_code })
    }

    #[inline]
    fn new(packet: &'a [u8], head: &Head, left: u8, next: Next<'a>) -> Self {
        Self { packet, properties: head.properties, send_time: head.send_time, left, next }
    }

    /// Always inlined, as [`Bare::parse`] is.
    #[inline(always)]
    fn read(&mut self) -> Result<Payload<'a>, Error> {
        match &mut self.next {
            Next::Single(Single { bare, start, end }) => {
                let data = self.packet.get(*start..*end).unwrap_or_default();
                Ok(bare.payload(data, *start, self.properties, self.send_time))
            }
            Next::Multiple { at, length_code } => {
                let (mut cursor, bare) = Bare::parse(self.packet, *at, self.properties)?;
                // Payload lengths outrank the padding field: some encoders count padding
                // differently.
                let len = cursor.coded(*length_code, "the length of a payload")? as usize;
                let data_offset = cursor.offset();
                let data = cursor.take(len, "the data of a payload")?;
                *at = cursor.offset();
                Ok(bare.payload(data, data_offset, self.properties, self.send_time))
            }
        }
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = Result<Payload<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let payload = self.read();
        if payload.is_err() {
            self.left = 0;
        }
        Some(payload)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(usize::from(self.left)))
    }
}

/// The fields in front of a payload's length and data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bare<'a> {
    stream: u8,
    object_number: u32,
    offset: u32,
    replicated: Replicated<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Replicated<'a> {
    Absent,
    Compressed { delta: u8 },
    Full { object_size: u32, presentation_time: u32, extensions: &'a [u8] },
}

impl<'a> Bare<'a> {
    /// Returns the reader behind the fields.
    ///
    /// Always inlined: left to the compiler it is a function of its own, and a walk over small
    /// packets takes a sixth longer.
    #[inline(always)]
    pub(super) fn parse(
        packet: &'a [u8],
        at: usize,
        properties: u8,
    ) -> Result<(Cursor<'a>, Self), Error> {
        let mut cursor = Cursor::new(packet.get(at..).unwrap_or_default(), at, WHAT);
        let stream = cursor.u8("a stream number")?;
        let object_number = cursor.coded(properties >> 4, "a media object number")?;
        let offset = cursor.coded(properties >> 2, "an offset into the media object")?;
        let at_len = cursor.clone();
        let len = cursor.coded(properties, "the length of replicated data")?;
        let mut data = Cursor::new(
            cursor.take(len as usize, "replicated data")?,
            cursor.offset().saturating_sub(len as usize),
            WHAT,
        );
        let replicated = match len {
            0 => Replicated::Absent,
            1 => Replicated::Compressed { delta: data.u8("a presentation time delta")? },
            2..=7 => return Err(at_len.malformed("replicated data of 0, 1, 8 or more bytes")),
            _ => Replicated::Full {
                object_size: data.u32("a media object size")?,
                presentation_time: data.u32("a presentation time")?,
                extensions: data.rest(),
            },
        };
        Ok((cursor, Self { stream, object_number, offset, replicated }))
    }

    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.replicated, Replicated::Compressed { .. })
    }

    /// How well `data` fits what the fields say: 0 when it completes the media object, 1 when it
    /// may be a part of it, 2 when it is too much.
    pub(super) fn plausibility(&self, data: &[u8]) -> u8 {
        match self.replicated {
            Replicated::Absent | Replicated::Full { object_size: 0, .. } => 1,
            Replicated::Compressed { .. } => {
                let mut list = Cursor::new(data, 0, WHAT);
                while !list.rest().is_empty() {
                    if sub_payload(&mut list).is_err() {
                        return 2;
                    }
                }
                0
            }
            Replicated::Full { object_size, .. } => {
                let end = u64::from(self.offset).saturating_add(data.len() as u64);
                match end.cmp(&u64::from(object_size)) {
                    std::cmp::Ordering::Equal => 0,
                    std::cmp::Ordering::Less => 1,
                    std::cmp::Ordering::Greater => 2,
                }
            }
        }
    }

    #[inline]
    fn payload(
        self,
        data: &'a [u8],
        data_offset: usize,
        properties: u8,
        send_time: u32,
    ) -> Payload<'a> {
        let mut payload = Payload {
            stream: self.stream & 0x7F,
            key_frame: self.stream & 0x80 != 0,
            object_number: self.object_number,
            offset: self.offset,
            object_size: None,
            presentation_time: send_time,
            compressed: None,
            extensions: &[],
            data,
            data_offset,
            last_number: match properties >> 4 & 3 {
                0 => 0,
                1 => u8::MAX.into(),
                2 => u16::MAX.into(),
                _ => u32::MAX,
            },
        };
        match self.replicated {
            Replicated::Absent => {}
            Replicated::Compressed { delta } => {
                payload.compressed = Some(delta);
                payload.presentation_time = self.offset;
                payload.offset = 0;
            }
            Replicated::Full { object_size, presentation_time, extensions } => {
                payload.object_size = Some(object_size);
                payload.presentation_time = presentation_time;
                payload.extensions = extensions;
            }
        }
        payload
    }
}

pub(super) fn sub_payload<'a>(list: &mut Cursor<'a>) -> Result<&'a [u8], Error> {
    let len = list.u8("the length of a media object")?;
    list.take(usize::from(len), "a media object")
}

#[cfg(test)]
mod tests {
    use crate::Packet;
    use crate::testing::{TestPacket, TestPayload};

    #[test]
    fn numbers_in_a_list_wrap_at_the_width_of_their_field() {
        for (number_width, wanted) in [
            (0, [0, 0, 0]),
            (1, [0xFE, 0xFF, 0]),
            (2, [0xFFFE, 0xFFFF, 0]),
            (4, [0xFFFF_FFFE, 0xFFFF_FFFF, 0]),
        ] {
            let list = TestPayload::compressed(1, u32::MAX - 1, 3000, 20, &[b"a", b"b", b"c"]);
            let packet = TestPacket { number_width, ..TestPacket::single(list) }.build(100);
            let packet = Packet::parse(&packet, 100).unwrap();
            let payload = packet.payloads().next().unwrap().unwrap();
            let numbers: Vec<_> = payload.pieces().map(|p| p.unwrap().object_number).collect();
            assert_eq!(numbers, wanted);
        }
    }
}
