//! Content Encryption, Extended Content Encryption and Digital Signature Object, 3.14 to 3.16 of
//! the specification: what a licence server needs to know. Nothing is decrypted or verified.

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, Text8, guid};

/// How to get a licence for content that is protected by version 1 of Windows Media DRM (section
/// 3.14 of the ASF specification).
#[doc(alias = "Content Encryption Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentEncryption {
    /// Encrypted, for the licence server; up to 4 GiB.
    #[doc(alias = "Secret Data")]
    pub secret: Bytes,
    /// The kind of protection, `DRM`; up to 4 GiB, as are the next two.
    #[doc(alias = "Protection Type")]
    pub kind: Text8,
    /// Which key the content is encrypted with.
    #[doc(alias = "Key ID")]
    pub key_id: Text8,
    /// Where licences are given out.
    pub license_url: Text8,
}

/// How to get a licence for content that is protected by version 7 or later of Windows Media DRM
/// (section 3.15 of the ASF specification).
#[doc(alias = "Extended Content Encryption Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtendedContentEncryption {
    /// What it says, up to 4 GiB; see [`xml`](Self::xml).
    pub data: Bytes,
}

/// Signs the header that it is in: a header that was changed has none (section 3.16 of the ASF
/// specification).
#[doc(alias = "Digital Signature Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DigitalSignature {
    /// The kind of signature: 2.
    #[doc(alias = "Signature Type")]
    pub kind: u32,
    /// The signature, up to 4 GiB.
    #[doc(alias = "Signature Data")]
    pub signature: Bytes,
}

impl ExtendedContentEncryption {
    /// The element `WRMHEADER`, with key identifier and licence address; `None` when the data does
    /// not start with the byte order mark of UTF-16.
    #[doc(alias = "WRMHEADER")]
    pub fn xml(&self) -> Option<Text> {
        self.data.strip_prefix(&[0xFF, 0xFE]).map(|xml| Text::from_bytes(self.data.slice_ref(xml)))
    }
}

impl Layout for ContentEncryption {
    const ID: Uuid = guid::CONTENT_ENCRYPTION;
    const NAME: &'static str = "Content Encryption Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let len = cursor.u32("the length of secret data")? as usize;
        let secret = cursor.bytes(len, &object.bytes, "secret data")?;
        let len = cursor.u32("the length of a protection type")? as usize;
        let kind = cursor.bytes(len, &object.bytes, "a protection type")?;
        let len = cursor.u32("the length of a key identifier")? as usize;
        let key_id = cursor.bytes(len, &object.bytes, "a key identifier")?;
        let len = cursor.u32("the length of a licence address")? as usize;
        let license_url = cursor.bytes(len, &object.bytes, "a licence address")?;
        let [kind, key_id, license_url] = [kind, key_id, license_url].map(Text8::from_bytes);
        Ok(Self { secret, kind, key_id, license_url })
    }

    fn put(&self, out: &mut Fields) {
        out.len32("the length of secret data", self.secret.len());
        out.slice(&self.secret);
        out.len32("the length of a protection type", self.kind.as_bytes().len());
        out.slice(self.kind.as_bytes());
        out.len32("the length of a key identifier", self.key_id.as_bytes().len());
        out.slice(self.key_id.as_bytes());
        out.len32("the length of a licence address", self.license_url.as_bytes().len());
        out.slice(self.license_url.as_bytes());
    }
}

impl Layout for ExtendedContentEncryption {
    const ID: Uuid = guid::EXTENDED_CONTENT_ENCRYPTION;
    const NAME: &'static str = "Extended Content Encryption Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let len = cursor.u32("the length of encryption data")? as usize;
        Ok(Self { data: cursor.bytes(len, &object.bytes, "encryption data")? })
    }

    fn put(&self, out: &mut Fields) {
        out.len32("the length of encryption data", self.data.len());
        out.slice(&self.data);
    }
}

impl Layout for DigitalSignature {
    const ID: Uuid = guid::DIGITAL_SIGNATURE;
    const NAME: &'static str = "Digital Signature Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let kind = cursor.u32("a signature type")?;
        let len = cursor.u32("the length of a signature")? as usize;
        Ok(Self { kind, signature: cursor.bytes(len, &object.bytes, "a signature")? })
    }

    fn put(&self, out: &mut Fields) {
        out.u32(self.kind);
        out.len32("the length of a signature", self.signature.len());
        out.slice(&self.signature);
    }
}
