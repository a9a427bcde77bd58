//! Writes the fields of an object, the mirror of the cursor that reads them.

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use crate::object::{HEAD, Object};
use crate::{Error, Text};

/// Appends little-endian fields. A length that does not fit its field makes the object an error:
/// a shortened one would lie about what follows.
#[derive(Debug)]
pub(crate) struct Fields {
    bytes: BytesMut,
    refused: Option<Error>,
}

impl Fields {
    /// Fields that are no object of their own.
    pub(crate) fn new() -> Self {
        Self { bytes: BytesMut::new(), refused: None }
    }

    /// An object with this identifier and, for now, without a size.
    pub(crate) fn object(id: Uuid) -> Self {
        let mut fields = Self::new();
        fields.guid(id);
        fields.u64(0);
        fields
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.put_u8(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.put_u16_le(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.put_u32_le(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.put_u64_le(value);
    }

    pub(crate) fn guid(&mut self, value: Uuid) {
        self.bytes.put_slice(&value.to_bytes_le());
    }

    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.bytes.put_slice(bytes);
    }

    pub(crate) fn zeros(&mut self, count: usize) {
        self.bytes.put_bytes(0, count);
    }

    pub(crate) fn text(&mut self, text: &Text) {
        self.slice(text.as_bytes());
    }

    /// A length or a count in eight bits.
    pub(crate) fn len8(&mut self, what: &'static str, len: usize) {
        let value = u8::try_from(len).unwrap_or_else(|_| self.refuse(what, len, u8::MAX));
        self.u8(value);
    }

    /// A length or a count in sixteen bits.
    pub(crate) fn len16(&mut self, what: &'static str, len: usize) {
        let value = u16::try_from(len).unwrap_or_else(|_| self.refuse(what, len, u16::MAX));
        self.u16(value);
    }

    /// A length or a count in thirty-two bits.
    pub(crate) fn len32(&mut self, what: &'static str, len: usize) {
        let value = u32::try_from(len).unwrap_or_else(|_| self.refuse(what, len, u32::MAX));
        self.u32(value);
    }

    /// The fields, or the first length that did not fit.
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        self.refused.map_or(Ok(self.bytes.freeze()), Err)
    }

    /// The object with its size, or the first length that did not fit.
    pub(crate) fn finish(mut self, id: Uuid) -> Result<Object, Error> {
        let size = (self.bytes.len() as u64).to_le_bytes();
        if let Some(field) = self.bytes.get_mut(HEAD.saturating_sub(size.len())..HEAD) {
            field.copy_from_slice(&size);
        }
        Ok(Object { id, offset: 0, bytes: self.into_bytes()? })
    }

    fn refuse<T: Copy + Into<u64>>(&mut self, what: &'static str, len: usize, limit: T) -> T {
        let refused = Error::Limit { what, value: len as u64, limit: limit.into() };
        self.refused.get_or_insert(refused);
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guid;

    #[test]
    fn the_size_is_filled_in() {
        let mut fields = Fields::object(guid::PADDING);
        fields.slice(&[7; 5]);
        let object = fields.finish(guid::PADDING).unwrap();
        assert_eq!(object.bytes.len(), 29);
        assert_eq!(&object.bytes[16..24], &29_u64.to_le_bytes());
        assert_eq!(object.body(), [7; 5]);
    }

    #[test]
    fn a_length_that_does_not_fit() {
        let mut fields = Fields::object(guid::PADDING);
        fields.len8("a tag", 255);
        fields.len16("a name", 65_536);
        fields.len8("a tag", 256);
        let refused = Error::Limit { what: "a name", value: 65_536, limit: 65_535 };
        assert_eq!(fields.finish(guid::PADDING), Err(refused));
    }
}
