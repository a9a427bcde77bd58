//! What a header says about protected content. Nothing is decrypted.

use std::fmt;

use super::Header;
use crate::guid;

/// What a header says about protected content: whoever copies packets keeps them as they are, and
/// whoever changes the header may make its licence useless.
///
/// ```
/// # use mms_asf::{Header, guid, testing};
/// # let more = [testing::object(guid::CONTENT_ENCRYPTION, b"")];
/// # let bytes = testing::header_with(256, 1, 2, &[testing::TestStream::Audio(1)], &more);
/// let protection = Header::parse(&bytes)?.protection();
/// assert!(protection.is_encrypted());
/// assert_eq!(protection.to_string(), "content encryption");
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protection {
    /// Version 1 of Windows Media DRM: see
    /// [`ContentEncryption`](crate::objects::ContentEncryption).
    #[doc(alias = "Content Encryption Object")]
    pub content: bool,
    /// Version 7 or later of Windows Media DRM: see
    /// [`ExtendedContentEncryption`](crate::objects::ExtendedContentEncryption).
    #[doc(alias = "Extended Content Encryption Object")]
    pub extended: bool,
    /// Systems that encrypt single streams.
    #[doc(alias = "Advanced Content Encryption Object")]
    pub advanced: bool,
    /// The Encryption Object, which no specification describes.
    pub undocumented: bool,
    /// The header is signed, which says nothing about the media: see
    /// [`DigitalSignature`](crate::objects::DigitalSignature).
    #[doc(alias = "Digital Signature Object")]
    pub signed: bool,
    /// The numbers of the streams that are flagged as encrypted, in the order of their
    /// declaration. Some writers set no flag.
    #[doc(alias = "Encrypted Content Flag")]
    pub streams: Vec<u8>,
}

impl Protection {
    /// Whether media may be encrypted; a signature alone does not say so.
    pub fn is_encrypted(&self) -> bool {
        let objects = self.content || self.extended || self.advanced || self.undocumented;
        objects || !self.streams.is_empty()
    }
}

impl Header {
    /// What the objects of both levels and the streams say about protected content.
    ///
    /// ```
    /// # use mms_asf::{Header, testing};
    /// # let header = Header::parse(&testing::header(256, 1, &[testing::TestStream::Audio(1)]))?;
    /// assert!(!header.protection().is_encrypted());
    /// # Ok::<(), mms_asf::Error>(())
    /// ```
    #[doc(alias = "DRM")]
    pub fn protection(&self) -> Protection {
        let has = |id| self.objects.iter().chain(&self.extension).any(|object| object.id == id);
        let encrypted = self.streams.iter().filter(|stream| stream.encrypted);
        Protection {
            content: has(guid::CONTENT_ENCRYPTION),
            extended: has(guid::EXTENDED_CONTENT_ENCRYPTION),
            advanced: has(guid::ADVANCED_CONTENT_ENCRYPTION),
            undocumented: has(guid::ENCRYPTION),
            signed: has(guid::DIGITAL_SIGNATURE),
            streams: encrypted.map(|stream| stream.number).collect(),
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = [
            (self.content, "content encryption"),
            (self.extended, "extended content encryption"),
            (self.advanced, "advanced content encryption"),
            (self.undocumented, "undocumented encryption"),
            (self.signed, "signed header"),
        ];
        let objects = objects.into_iter().filter(|(there, _)| *there);
        let streams = self.streams.iter().map(|number| format!("stream {number} encrypted"));
        let all: Vec<_> = objects.map(|(_, what)| what.to_owned()).chain(streams).collect();
        if all.is_empty() { f.pad("none") } else { f.pad(&all.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::testing::{TestStream, header_with, object};

    fn protection(ids: &[uuid::Uuid], flags: u8) -> Protection {
        let more: Vec<_> = ids.iter().map(|id| object(*id, b"")).collect();
        let streams = [TestStream::Audio(3), TestStream::Video(2)];
        let mut bytes = header_with(256, 1, 2, &streams, &more).to_vec();
        // Stream Properties of the first stream follow File Properties and an empty extension.
        bytes[30 + 104 + 46 + 73] |= flags;
        Header::parse(&Bytes::from(bytes)).unwrap().protection()
    }

    #[test]
    fn each_sign_alone() {
        assert_eq!(protection(&[], 0), Protection::default());
        let rows = [
            (guid::CONTENT_ENCRYPTION, "content encryption", true),
            (guid::EXTENDED_CONTENT_ENCRYPTION, "extended content encryption", true),
            (guid::ADVANCED_CONTENT_ENCRYPTION, "advanced content encryption", true),
            (guid::ENCRYPTION, "undocumented encryption", true),
            (guid::DIGITAL_SIGNATURE, "signed header", false),
            (guid::PADDING, "none", false),
        ];
        for (id, shown, encrypted) in rows {
            let protection = protection(&[id], 0);
            assert_eq!(protection.to_string(), shown);
            assert_eq!(protection.is_encrypted(), encrypted, "{shown}");
        }
        let flagged = protection(&[], 0x80);
        assert_eq!(flagged.streams, [3]);
        assert!(flagged.is_encrypted());
    }

    #[test]
    fn several_signs() {
        let all = protection(&[guid::DIGITAL_SIGNATURE, guid::CONTENT_ENCRYPTION], 0x80);
        assert_eq!(all.to_string(), "content encryption, signed header, stream 3 encrypted");
    }
}
