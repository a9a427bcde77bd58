//! Stream Properties and Extended Stream Properties: what each stream holds.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::formats::{AudioFormat, AudioSpread, StreamFormat, VideoFormat};
use crate::objects::{ExtendedStreamProperties, StreamProperties};
use crate::{StreamKind, guid};

/// One stream of the file, with what several objects say about it (sections 3.3, 3.12 and 4.1 of
/// the ASF specification).
#[doc(alias = "Stream Properties Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stream {
    /// The number its payloads carry, 1 to 127; gaps are legal.
    pub number: u8,
    /// What it holds.
    pub kind: StreamKind,
    /// Its payloads are protected.
    pub encrypted: bool,
    /// Added to all times of the stream; zero in practice.
    pub time_offset: Duration,
    /// The format, in a layout that depends on [`kind`](Self::kind).
    pub type_specific: Bytes,
    /// The error correction type.
    pub error_correction: Uuid,
    /// The error correction's parameters.
    pub error_correction_data: Bytes,
    /// Bits per second from the Stream Bitrate Properties Object, container overhead included.
    pub bit_rate: Option<u32>,
    /// How long a frame lasts on average, from the Extended Stream Properties Object.
    pub time_per_frame: Option<Duration>,
    /// The payload extensions in the order in which they lie in replicated data.
    pub extensions: Vec<PayloadExtension>,
    /// It was declared inside an Extended Stream Properties Object, where players of the 1990s do
    /// not look.
    pub hidden: bool,
}

/// One piece of data that accompanies each media object of a stream (section 4.1 of the ASF
/// specification).
#[doc(alias = "Payload Extension System")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PayloadExtension {
    /// What the data means.
    pub system: Uuid,
    /// Its size in bytes; `None` when each instance starts with its own 16-bit size.
    pub size: Option<u16>,
}

impl Stream {
    /// A short name of what the stream is coded with, such as `WMA 2`, `WMV3` or `command`.
    pub fn codec_name(&self) -> Cow<'static, str> {
        match self.kind {
            StreamKind::Audio => self.audio().map_or(Cow::Borrowed("audio"), |a| a.codec_name()),
            StreamKind::Video => self.video().map_or(Cow::Borrowed("video"), |v| v.codec_name()),
            StreamKind::Command => Cow::Borrowed("command"),
            StreamKind::Jfif => Cow::Borrowed("JFIF"),
            StreamKind::DegradableJpeg => Cow::Borrowed("degradable JPEG"),
            StreamKind::FileTransfer => Cow::Borrowed("file transfer"),
            StreamKind::Binary => Cow::Borrowed("binary"),
            StreamKind::Other(id) => Cow::Owned(id.to_string()),
        }
    }

    /// What [`type_specific`](Self::type_specific) says.
    pub fn format(&self) -> StreamFormat {
        StreamFormat::parse(self.kind, &self.type_specific)
    }

    /// The audio format; `None` for other kinds and when the data is too short.
    pub fn audio(&self) -> Option<AudioFormat> {
        match self.format() {
            StreamFormat::Audio(audio) => Some(audio),
            _ => None,
        }
    }

    /// The video format; `None` for other kinds and when the data is too short.
    pub fn video(&self) -> Option<VideoFormat> {
        match self.format() {
            StreamFormat::Video(video) => Some(video),
            _ => None,
        }
    }

    /// What the stream's own object says. Its number may be 0: the caller refuses it.
    pub(super) fn new(properties: StreamProperties, hidden: bool) -> Self {
        Self {
            number: properties.number(),
            kind: properties.kind,
            encrypted: properties.encrypted(),
            time_offset: properties.time_offset,
            type_specific: properties.type_specific,
            error_correction: properties.error_correction,
            error_correction_data: properties.error_correction_data,
            bit_rate: None,
            time_per_frame: None,
            extensions: Vec::new(),
            hidden,
        }
    }

    /// Adds what the Extended Stream Properties Object says.
    pub(super) fn extend(&mut self, extended: &ExtendedStreamProperties) {
        let time = extended.time_per_frame;
        self.time_per_frame = Some(time).filter(|time| !time.is_zero());
        self.extensions = extended
            .extensions
            .iter()
            .map(|extension| PayloadExtension {
                system: extension.system,
                size: Some(extension.size).filter(|&size| size != 0xFFFF),
            })
            .collect();
    }
}

impl AudioSpread {
    /// What the stream's error correction data says; `None` when the stream is not audio, has
    /// another error correction type, or too little data.
    pub fn of(stream: &Stream) -> Option<Self> {
        if stream.kind != StreamKind::Audio || stream.error_correction != guid::AUDIO_SPREAD {
            return None;
        }
        Self::parse(&stream.error_correction_data).ok()
    }
}
