//! The error correction data of audio streams, 9.1 of the specification.

use bytes::{Bytes, BytesMut};

use crate::Error;
use crate::cursor::Cursor;
use crate::fields::Fields;

/// How the data of an audio stream is permuted, so that a lost packet costs many short gaps and not
/// a long one (section 9.1 of the ASF specification). All Windows Media audio has a span of 1,
/// which means not at all; encoders of 1999 permute ACELP audio.
#[doc(alias = "Spread Audio")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioSpread {
    /// How many virtual packets make a media object.
    pub span: u8,
    /// The size of a virtual packet in bytes.
    #[doc(alias = "Virtual Packet Length")]
    pub packet_len: u16,
    /// The size of a chunk, of which a virtual packet holds several, in bytes.
    #[doc(alias = "Virtual Chunk Length")]
    pub chunk_len: u16,
    /// What decodes to silence, up to 65,535 bytes; one zero in practice.
    #[doc(alias = "Silence Data")]
    pub silence: Bytes,
}

impl AudioSpread {
    /// What encoders declare for audio that is not permuted, in blocks of this many bytes.
    pub fn none(block_align: u16) -> Self {
        Self {
            span: 1,
            packet_len: block_align,
            chunk_len: block_align,
            silence: Bytes::from_static(&[0]),
        }
    }

    /// Reads the error correction data of a stream with this type of error correction. Where it
    /// ends before the silence does, the silence is what is there.
    ///
    /// Fails below 5 bytes.
    pub fn parse(data: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "audio spread data");
        let span = cursor.u8("a span")?;
        let packet_len = cursor.u16("a virtual packet length")?;
        let chunk_len = cursor.u16("a virtual chunk length")?;
        let len = cursor.u16("the length of silence data").unwrap_or(0);
        let rest = cursor.rest();
        let silence = data.slice_ref(rest.get(..usize::from(len)).unwrap_or(rest));
        Ok(Self { span, packet_len, chunk_len, silence })
    }

    /// Puts the chunks of a media object into the order in which they are decoded.
    ///
    /// The data is returned as it is when it is not permuted (a span of 0 or 1) and when the fields
    /// cannot be right: a virtual packet must hold several whole chunks, and the media object as
    /// many virtual packets as the span says.
    pub fn descramble(&self, data: &Bytes) -> Bytes {
        let (span, packet, chunk) =
            (usize::from(self.span), usize::from(self.packet_len), usize::from(self.chunk_len));
        let Some(per_packet) = packet.checked_div(chunk).filter(|&chunks| chunks > 1) else {
            return data.clone();
        };
        let whole = packet.checked_rem(chunk) == Some(0);
        if span < 2 || !whole || data.len() != packet.saturating_mul(span) {
            return data.clone();
        }
        let mut ordered = BytesMut::with_capacity(data.len());
        for row in 0..per_packet {
            let column = data.chunks_exact(chunk).skip(row).step_by(per_packet);
            column.for_each(|chunk| ordered.extend_from_slice(chunk));
        }
        ordered.freeze()
    }

    /// The error correction data.
    ///
    /// Fails when the silence has more than 65,535 bytes.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let mut out = Fields::new();
        out.u8(self.span);
        out.u16(self.packet_len);
        out.u16(self.chunk_len);
        out.len16("the length of silence data", self.silence.len());
        out.slice(&self.silence);
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(span: u8, packet_len: u16, chunk_len: u16) -> AudioSpread {
        AudioSpread { span, packet_len, chunk_len, silence: Bytes::new() }
    }

    #[test]
    fn chunks_are_put_in_order() {
        // Three virtual packets of four chunks of two bytes, row by row of the permuted data.
        let spread = spread(3, 8, 2);
        let data = Bytes::from_static(b"a0d1g2j3b4e5h6k7c8f9iXlY");
        assert_eq!(spread.descramble(&data), &b"a0b4c8d1e5f9g2h6iXj3k7lY"[..]);
    }

    #[test]
    fn what_cannot_be_right_is_left_alone() {
        let data: Bytes = (0..24).collect();
        for (span, packet_len, chunk_len) in [
            (0, 8, 2),
            (1, 24, 2),
            (3, 8, 0),
            (3, 0, 2),
            (3, 8, 3),
            (3, 8, 8),
            (3, 8, 16),
            (4, 8, 2),
            (255, u16::MAX, 1),
        ] {
            let spread = spread(span, packet_len, chunk_len);
            assert_eq!(spread.descramble(&data), data, "{spread:?}");
        }
        let spread = spread(3, 8, 2);
        assert_eq!(spread.descramble(&data.slice(1..)), data.slice(1..));
        assert_eq!(spread.descramble(&Bytes::new()), Bytes::new());
    }
}
