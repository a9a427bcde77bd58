//! The formats of streams: what the type-specific data of the Stream Properties Object says, one
//! file a kind of stream, reading beside writing (section 9 of the ASF specification).
//!
//! ```
//! use mms_asf::formats::{AudioFormat, StreamFormat, Wma2};
//! use mms_asf::objects::{Body, StreamProperties};
//!
//! let mut audio = AudioFormat::new(AudioFormat::WMA_2, 2, 44_100);
//! audio.avg_bytes = 8_000;
//! audio.block_align = 2_973;
//! audio.bits_per_sample = 16;
//! audio.codec_data = Some(Wma2::new(0x8800, 0xF, 0x2E9D).to_bytes());
//!
//! let stream = StreamProperties::with_format(1, &StreamFormat::from(audio.clone()))?;
//! let stream = StreamProperties::decode(&stream.encode()?)?;
//! assert_eq!(stream.format(), StreamFormat::Audio(audio));
//! # Ok::<(), mms_asf::Error>(())
//! ```

mod audio;
mod binary;
mod names;
mod picture;
mod spread;
mod video;

pub use self::audio::{AudioFormat, Extensible, Wma2};
pub use self::binary::{BinaryFormat, WebStream};
pub use self::names::{audio_codec, video_codec};
pub use self::picture::{DegradableJpegFormat, JfifFormat};
pub use self::spread::AudioSpread;
pub use self::video::VideoFormat;

use bytes::Bytes;

use crate::{Error, StreamKind};

/// What the type-specific data of a stream says (section 9 of the ASF specification).
#[doc(alias = "Type-Specific Data")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamFormat {
    /// Audio.
    Audio(AudioFormat),
    /// Video.
    Video(VideoFormat),
    /// Commands, which have no format.
    Command,
    /// JPEG pictures.
    Jfif(JfifFormat),
    /// JPEG pictures with a shared header.
    DegradableJpeg(DegradableJpegFormat),
    /// Files.
    FileTransfer(BinaryFormat),
    /// Anything else, described by identifiers.
    Binary(BinaryFormat),
    /// A stream of an unknown kind, or data that is not what its kind should have.
    Opaque(StreamKind, Bytes),
}

impl StreamFormat {
    /// Reads the type-specific data of a stream of this kind. What cannot be read is
    /// [`Opaque`](Self::Opaque). Bytes behind the last field are left out.
    pub fn parse(kind: StreamKind, data: &Bytes) -> Self {
        let read = match kind {
            StreamKind::Audio => AudioFormat::parse(data).map(Self::Audio),
            StreamKind::Video => VideoFormat::parse(data).map(Self::Video),
            StreamKind::Command if data.is_empty() => return Self::Command,
            StreamKind::Jfif => JfifFormat::parse(data).map(Self::Jfif),
            StreamKind::DegradableJpeg => {
                DegradableJpegFormat::parse(data).map(Self::DegradableJpeg)
            }
            StreamKind::FileTransfer => BinaryFormat::parse(data).map(Self::FileTransfer),
            StreamKind::Binary => BinaryFormat::parse(data).map(Self::Binary),
            StreamKind::Command | StreamKind::Other(_) => {
                return Self::Opaque(kind, data.clone());
            }
        };
        read.unwrap_or_else(|_| Self::Opaque(kind, data.clone()))
    }

    /// The kind of a stream with this format.
    pub fn kind(&self) -> StreamKind {
        match self {
            Self::Audio(_) => StreamKind::Audio,
            Self::Video(_) => StreamKind::Video,
            Self::Command => StreamKind::Command,
            Self::Jfif(_) => StreamKind::Jfif,
            Self::DegradableJpeg(_) => StreamKind::DegradableJpeg,
            Self::FileTransfer(_) => StreamKind::FileTransfer,
            Self::Binary(_) => StreamKind::Binary,
            Self::Opaque(kind, _) => *kind,
        }
    }

    /// The type-specific data.
    ///
    /// Fails when something is longer than the field for its length can say.
    pub fn encode(&self) -> Result<Bytes, Error> {
        match self {
            Self::Audio(format) => format.encode(),
            Self::Video(format) => format.encode(),
            Self::Command => Ok(Bytes::new()),
            Self::Jfif(format) => format.encode(),
            Self::DegradableJpeg(format) => format.encode(),
            Self::FileTransfer(format) | Self::Binary(format) => format.encode(),
            Self::Opaque(_, data) => Ok(data.clone()),
        }
    }

    /// The audio spread that encoders declare for this format, which permutes nothing.
    pub(crate) fn default_spread(&self) -> Option<AudioSpread> {
        let Self::Audio(audio) = self else { return None };
        let spread = matches!(audio.tag(), 0x000A | 0x000B | 0x0075 | 0x0130 | 0x0160..=0x0163);
        spread.then(|| AudioSpread::none(audio.block_align))
    }
}

impl From<AudioFormat> for StreamFormat {
    fn from(format: AudioFormat) -> Self {
        Self::Audio(format)
    }
}

impl From<VideoFormat> for StreamFormat {
    fn from(format: VideoFormat) -> Self {
        Self::Video(format)
    }
}

impl From<JfifFormat> for StreamFormat {
    fn from(format: JfifFormat) -> Self {
        Self::Jfif(format)
    }
}

impl From<DegradableJpegFormat> for StreamFormat {
    fn from(format: DegradableJpegFormat) -> Self {
        Self::DegradableJpeg(format)
    }
}
