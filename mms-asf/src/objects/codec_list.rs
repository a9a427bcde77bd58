//! Codec List Object, 3.5 of the specification: what a player shows about the codecs.

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, guid};

/// The codecs that the file was made with, for people to read (section 3.5 of the ASF
/// specification). Players choose their decoders by what the streams themselves say.
#[doc(alias = "Codec List Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodecList {
    /// Usually one entry a stream, in no order that the specification knows of. At most 65,535:
    /// more are refused, though the field is wider.
    pub entries: Vec<CodecEntry>,
}

/// One codec (section 3.5 of the ASF specification). Which stream it belongs to is not said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodecEntry {
    /// What it codes.
    pub kind: CodecKind,
    /// Its name, at most 65,535 characters, terminator included. An odd last byte is not written.
    pub name: Text,
    /// How it was used, such as ` 64 kbps, 44 kHz, stereo`; as long as `name` at most.
    pub description: Text,
    /// What identifies it to programs, up to 65,535 bytes: see [`fourcc`](Self::fourcc) and
    /// [`format_tag`](Self::format_tag).
    #[doc(alias = "Codec Information")]
    pub information: Bytes,
}

/// What a codec codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecKind {
    /// Video.
    Video,
    /// Audio.
    Audio,
    /// The writer did not know, or it is a number that the specification does not have.
    Other(u16),
}

impl CodecKind {
    /// Neither audio nor video.
    pub const UNKNOWN: Self = Self::Other(0xFFFF);

    fn code(self) -> u16 {
        match self {
            Self::Video => 1,
            Self::Audio => 2,
            Self::Other(code) => code,
        }
    }
}

impl From<u16> for CodecKind {
    fn from(code: u16) -> Self {
        match code {
            1 => Self::Video,
            2 => Self::Audio,
            other => Self::Other(other),
        }
    }
}

impl CodecEntry {
    /// A video codec with these four characters.
    pub fn video(name: &str, description: &str, fourcc: [u8; 4]) -> Self {
        Self::new(CodecKind::Video, name, description, Bytes::copy_from_slice(&fourcc))
    }

    /// An audio codec with this format tag.
    pub fn audio(name: &str, description: &str, format_tag: u16) -> Self {
        let information = Bytes::copy_from_slice(&format_tag.to_le_bytes());
        Self::new(CodecKind::Audio, name, description, information)
    }

    /// Any codec.
    pub fn new(kind: CodecKind, name: &str, description: &str, information: Bytes) -> Self {
        Self { kind, name: name.into(), description: description.into(), information }
    }

    /// The four characters of a video codec; `None` when there are not exactly four bytes.
    pub fn fourcc(&self) -> Option<[u8; 4]> {
        let fourcc = self.information.as_ref().try_into().ok();
        fourcc.filter(|_| self.kind == CodecKind::Video)
    }

    /// The format tag of an audio codec; `None` when there are not exactly two bytes.
    pub fn format_tag(&self) -> Option<u16> {
        let tag = self.information.as_ref().try_into().ok();
        tag.filter(|_| self.kind == CodecKind::Audio).map(u16::from_le_bytes)
    }

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let kind = CodecKind::from(cursor.u16("a codec type")?);
        let len = usize::from(cursor.u16("the length of a codec's name")?).saturating_mul(2);
        let name = cursor.text(len, &object.bytes, "a codec's name")?;
        let len = usize::from(cursor.u16("the length of a codec's description")?).saturating_mul(2);
        let description = cursor.text(len, &object.bytes, "a codec's description")?;
        let len = cursor.u16("the length of codec information")?;
        let information = cursor.bytes(usize::from(len), &object.bytes, "codec information")?;
        Ok(Self { kind, name, description, information })
    }

    fn put(&self, out: &mut Fields) {
        out.u16(self.kind.code());
        let name = self.name.whole_units();
        out.len16("the length of a codec's name", name.len() / 2);
        out.slice(name);
        let description = self.description.whole_units();
        out.len16("the length of a codec's description", description.len() / 2);
        out.slice(description);
        out.len16("the length of codec information", self.information.len());
        out.slice(&self.information);
    }
}

impl Layout for CodecList {
    const ID: Uuid = guid::CODEC_LIST;
    const NAME: &'static str = "Codec List Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        // Encoders leave uninitialised memory here.
        cursor.guid("a reserved field")?;
        let count = super::count32(cursor, "number of codecs")?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(CodecEntry::parse(cursor, object)?);
        }
        Ok(Self { entries })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(guid::CODEC_LIST_RESERVED);
        super::put_count32(out, "number of codecs", self.entries.len());
        for entry in &self.entries {
            entry.put(out);
        }
    }
}
