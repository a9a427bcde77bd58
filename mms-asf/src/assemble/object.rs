//! What comes out: media objects, and those of which a part is missing.

use bytes::Bytes;

use super::Extensions;
use crate::Stream;

/// What the payloads gave.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assembled {
    /// A whole media object.
    Object(MediaObject),
    /// Neighbouring fragments that did not make a whole media object.
    #[non_exhaustive]
    Incomplete {
        /// The media object, with the data that was received.
        object: MediaObject,
        /// Where that data belongs in the media object, in bytes.
        offset: u32,
        /// The size the media object declares, in bytes; `None` when it is not given.
        declared: Option<u32>,
        /// Why it is incomplete.
        cause: IncompleteCause,
    },
}

/// Why fragments did not make a whole media object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IncompleteCause {
    /// The fragment that follows belongs further behind: what lies between went missing.
    Hole,
    /// The fragment that follows belongs further in front; what it holds comes out separately.
    Overlap,
    /// The stream's next media object began.
    NextBegan,
    /// The fragment that follows declares another size of the same media object.
    SizeChanged,
    /// With this fragment the media object would be longer than it declares.
    TooLong,
    /// The fragments reach to the end of the media object, but the ones in front of them were not
    /// received: the packets start in its middle, or there was a hole.
    NoBeginning,
    /// The media object is larger than [`Limits::object_bytes`](crate::Limits::object_bytes), or
    /// all open ones together need more than [`Limits::open_bytes`](crate::Limits::open_bytes).
    Limit,
    /// [`Assembler::finish`](super::Assembler::finish) was called.
    End,
}

/// A frame, a block of audio, a command: what a decoder gets at once.
#[doc(alias = "Media Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaObject {
    /// The stream's number, 1 to 127; 0 occurs in broken files only.
    pub stream: u8,
    /// The media object's number; counts up per stream and wraps at the width of its field,
    /// mostly 8 bits.
    #[doc(alias = "Media Object Number")]
    pub number: u32,
    /// When it is shown, in milliseconds, preroll included, as on the wire: wraps after 49.7 days.
    /// The stream's time offset, zero in practice, is not added.
    pub presentation_time: u32,
    /// It can be decoded on its own. Always true for streams that are not video, whatever their
    /// payloads say; the stream's output clean point extension is believed first.
    pub key_frame: bool,
    /// The data of all payload extensions of the first fragment.
    pub extension_data: Bytes,
    /// The media data. Audio with a span is still scrambled, see
    /// [`AudioSpread`](crate::formats::AudioSpread).
    pub data: Bytes,
    /// The packet that holds its first fragment, counted from 0 by the assembler.
    pub packet: u64,
}

impl MediaObject {
    /// The extension data, split as `stream` declares it; the stream's number must be
    /// [`MediaObject::stream`].
    pub fn extensions<'a>(&'a self, stream: &'a Stream) -> Extensions<'a> {
        Extensions::new(&stream.extensions, &self.extension_data)
    }
}
