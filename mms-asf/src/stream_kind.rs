//! The stream types that have a name.

use uuid::Uuid;

use crate::guid;

/// What a stream holds (section 10.4 of the ASF specification).
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

impl StreamKind {
    /// The identifier that stands for it.
    pub fn id(self) -> Uuid {
        match self {
            Self::Audio => guid::AUDIO,
            Self::Video => guid::VIDEO,
            Self::Command => guid::COMMAND,
            Self::Jfif => guid::JFIF,
            Self::DegradableJpeg => guid::DEGRADABLE_JPEG,
            Self::FileTransfer => guid::FILE_TRANSFER,
            Self::Binary => guid::BINARY,
            Self::Other(id) => id,
        }
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
