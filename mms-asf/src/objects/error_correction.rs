//! Error Correction Object, 3.9 of the specification.

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, guid};

/// How packets are protected against loss on the way (section 3.9 of the ASF specification).
/// Practically absent from files.
#[doc(alias = "Error Correction Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorCorrection {
    /// The method; see [`guid`].
    pub kind: Uuid,
    /// What the method needs to know, up to 4 GiB.
    pub data: Bytes,
}

impl ErrorCorrection {
    /// This method with what it needs to know.
    pub fn new(kind: Uuid, data: Bytes) -> Self {
        Self { kind, data }
    }
}

impl Layout for ErrorCorrection {
    const ID: Uuid = guid::ERROR_CORRECTION;
    const NAME: &'static str = "Error Correction Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let kind = cursor.guid("an error correction type")?;
        let len = cursor.u32("the length of the error correction data")? as usize;
        let data = cursor.bytes(len, &object.bytes, "the error correction data")?;
        Ok(Self { kind, data })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(self.kind);
        out.len32("the length of the error correction data", self.data.len());
        out.slice(&self.data);
    }
}
