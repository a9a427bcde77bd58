//! Padding Object, 3.17 of the specification: room for changes.

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::{HEAD, Object};
use crate::{Error, guid};

/// Room that lets a header be changed without moving the packets behind it (section 3.17 of the ASF
/// specification). [`HeaderEditor`](crate::HeaderEditor) takes from it and gives to it.
#[doc(alias = "Padding Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Padding {
    /// Anything; zeros by custom.
    pub content: Bytes,
}

impl Padding {
    /// Zeros that make an object of this size in bytes; `None` below 24, which no object has.
    pub fn filling(size: usize) -> Option<Self> {
        let len = size.checked_sub(HEAD)?;
        Some(Self { content: vec![0; len].into() })
    }
}

impl Layout for Padding {
    const ID: Uuid = guid::PADDING;
    const NAME: &'static str = "Padding Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let content = cursor.bytes(cursor.rest().len(), &object.bytes, "padding")?;
        Ok(Self { content })
    }

    fn put(&self, out: &mut Fields) {
        out.slice(&self.content);
    }
}
