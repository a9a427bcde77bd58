//! Advanced Content Encryption Object, 4.13 of the specification: recognised, never decrypted.

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// Which systems protect which streams (section 4.13 of the ASF specification).
#[doc(alias = "Advanced Content Encryption Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdvancedContentEncryption {
    /// One record a system, at most 65,535.
    pub records: Vec<EncryptionRecord>,
}

/// What one system protects (section 4.13 of the ASF specification).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptionRecord {
    /// The system.
    pub system: Uuid,
    /// Its version.
    pub version: u32,
    /// What it protects, at most 65,535.
    pub objects: Vec<EncryptedObject>,
    /// What the system needs to know, up to 4 GiB.
    pub data: Bytes,
}

/// Something that is protected (section 4.13 of the ASF specification).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptedObject {
    /// What `id` is: 1 for a stream number.
    pub kind: u16,
    /// Which one, up to 65,535 bytes.
    pub id: Bytes,
}

impl EncryptedObject {
    /// The stream with this number, 1 to 127.
    pub fn stream(number: u16) -> Self {
        Self { kind: 1, id: Bytes::copy_from_slice(&number.to_le_bytes()) }
    }

    /// The stream's number; `None` when it is something else.
    pub fn stream_number(&self) -> Option<u16> {
        let number = self.id.first_chunk().map(|id| u16::from_le_bytes(*id));
        number.filter(|_| self.kind == 1)
    }
}

impl Layout for AdvancedContentEncryption {
    const ID: Uuid = guid::ADVANCED_CONTENT_ENCRYPTION;
    const NAME: &'static str = "Advanced Content Encryption Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let count = cursor.u16("a number of records")?;
        let records = (0..count)
            .map(|_| EncryptionRecord::parse(cursor, object))
            .collect::<Result<_, _>>()?;
        Ok(Self { records })
    }

    fn put(&self, out: &mut Fields) {
        out.len16("the number of records", self.records.len());
        for record in &self.records {
            record.put(out);
        }
    }
}

impl EncryptionRecord {
    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let system = cursor.guid("an encryption system")?;
        let version = cursor.u32("the version of an encryption system")?;
        let count = cursor.u16("a number of encrypted objects")?;
        let mut objects = Vec::new();
        for _ in 0..count {
            let kind = cursor.u16("the type of an encrypted object")?;
            let len = cursor.u16("the length of the name of an encrypted object")?;
            let id = cursor.bytes(len.into(), &object.bytes, "the name of an encrypted object")?;
            objects.push(EncryptedObject { kind, id });
        }
        let len = cursor.u32("the length of encryption data")? as usize;
        let data = cursor.bytes(len, &object.bytes, "encryption data")?;
        Ok(Self { system, version, objects, data })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.system);
        out.u32(self.version);
        out.len16("the number of encrypted objects", self.objects.len());
        for EncryptedObject { kind, id } in &self.objects {
            out.u16(*kind);
            out.len16("the length of the name of an encrypted object", id.len());
            out.slice(id);
        }
        out.len32("the length of encryption data", self.data.len());
        out.slice(&self.data);
    }
}
