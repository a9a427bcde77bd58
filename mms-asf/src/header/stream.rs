//! Stream Properties and Extended Stream Properties: what each stream holds.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::format::{AudioFormat, VideoFormat, fourcc_name};
use crate::object::Object;
use crate::time::from_ticks;
use crate::{Error, guid};

/// One stream of the file, with what several objects say about it.
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

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// Audio.
    Audio,
    /// Video.
    Video,
    /// Timed commands: pairs of a type and a text.
    Command,
    /// JPEG pictures.
    Jfif,
    /// JPEG pictures with a shared header.
    DegradableJpeg,
    /// Files.
    FileTransfer,
    /// Anything else, described by three more identifiers; recorded TV wraps audio and video here.
    Binary,
    /// An unknown type.
    Other(Uuid),
}

/// One piece of data that accompanies each media object of a stream.
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
            StreamKind::Video => {
                self.video().map_or(Cow::Borrowed("video"), |v| fourcc_name(v.fourcc))
            }
            StreamKind::Command => Cow::Borrowed("command"),
            StreamKind::Jfif => Cow::Borrowed("JFIF"),
            StreamKind::DegradableJpeg => Cow::Borrowed("degradable JPEG"),
            StreamKind::FileTransfer => Cow::Borrowed("file transfer"),
            StreamKind::Binary => Cow::Borrowed("binary"),
            StreamKind::Other(id) => Cow::Owned(id.to_string()),
        }
    }

    /// The audio format; `None` for other kinds and when the data is too short.
    pub fn audio(&self) -> Option<AudioFormat> {
        (self.kind == StreamKind::Audio).then(|| AudioFormat::parse(&self.type_specific)).flatten()
    }

    /// The video format; `None` for other kinds and when the data is too short.
    pub fn video(&self) -> Option<VideoFormat> {
        (self.kind == StreamKind::Video).then(|| VideoFormat::parse(&self.type_specific)).flatten()
    }

    /// The stream number may be 0 here; the caller refuses it.
    pub(super) fn parse(object: &Object, hidden: bool) -> Result<Self, Error> {
        let mut cursor = object.cursor("Stream Properties Object");
        let kind = StreamKind::from(cursor.guid("a stream type")?);
        let error_correction = cursor.guid("an error correction type")?;
        let time_offset = from_ticks(cursor.u64("a time offset")?);
        let specific = cursor.u32("the length of the type-specific data")? as usize;
        let correction = cursor.u32("the length of the error correction data")? as usize;
        let flags = cursor.u16("flags")?;
        // Encoders leave uninitialised memory in the reserved field.
        cursor.u32("a reserved field")?;
        let type_specific = cursor.take(specific, "the type-specific data")?;
        let error_correction_data = cursor.take(correction, "the error correction data")?;
        let [low, _] = flags.to_le_bytes();
        Ok(Self {
            number: low & 0x7F,
            kind,
            encrypted: flags & 0x8000 != 0,
            time_offset,
            type_specific: object.bytes.slice_ref(type_specific),
            error_correction,
            error_correction_data: object.bytes.slice_ref(error_correction_data),
            bit_rate: None,
            time_per_frame: None,
            extensions: Vec::new(),
            hidden,
        })
    }
}

impl From<Uuid> for StreamKind {
    fn from(id: Uuid) -> Self {
        match id {
            guid::AUDIO => Self::Audio,
            guid::VIDEO => Self::Video,
            guid::COMMAND => Self::Command,
            guid::JFIF => Self::Jfif,
            guid::DEGRADABLE_JPEG => Self::DegradableJpeg,
            guid::FILE_TRANSFER => Self::FileTransfer,
            guid::BINARY => Self::Binary,
            other => Self::Other(other),
        }
    }
}

/// What an Extended Stream Properties Object adds to a stream.
#[derive(Debug)]
pub(super) struct Extended {
    pub(super) number: u16,
    pub(super) time_per_frame: Option<Duration>,
    pub(super) extensions: Vec<PayloadExtension>,
    /// What follows the fields, with its offset: room for one Stream Properties Object.
    pub(super) nested: Bytes,
    pub(super) nested_offset: usize,
}

impl Extended {
    pub(super) fn parse(object: &Object) -> Result<Self, Error> {
        let mut cursor = object.cursor("Extended Stream Properties Object");
        cursor.take(48, "times, buffer models and flags")?;
        let number = cursor.u16("a stream number")?;
        cursor.u16("a language index")?;
        let time_per_frame = cursor.u64("an average time per frame")?;
        let names = cursor.u16("a number of names")?;
        let systems = cursor.u16("a number of payload extensions")?;
        for _ in 0..names {
            cursor.u16("a language index")?;
            let len = cursor.u16("the length of a name")?;
            cursor.take(usize::from(len), "a name")?;
        }
        let mut extensions = Vec::new();
        for _ in 0..systems {
            let system = cursor.guid("a payload extension system")?;
            let size = cursor.u16("the size of a payload extension")?;
            let info = cursor.u32("the length of payload extension information")?;
            cursor.take(info as usize, "payload extension information")?;
            let size = (size != 0xFFFF).then_some(size);
            extensions.push(PayloadExtension { system, size });
        }
        Ok(Self {
            number,
            time_per_frame: (time_per_frame != 0).then(|| from_ticks(time_per_frame)),
            extensions,
            nested: object.bytes.slice_ref(cursor.rest()),
            nested_offset: cursor.offset(),
        })
    }
}
