//! Content Description Object, 3.10 of the specification: five texts about the content.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, guid};

/// Five texts about the content; empty ones say nothing (section 3.10 of the ASF specification).
///
/// Each fits 65,535 bytes, terminator included.
#[doc(alias = "Content Description Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentDescription {
    /// The title.
    pub title: Text,
    /// Who made it.
    pub author: Text,
    /// The copyright notice.
    pub copyright: Text,
    /// What it is about.
    pub description: Text,
    /// For whom it is suitable.
    pub rating: Text,
}

impl ContentDescription {
    fn texts(&self) -> [&Text; 5] {
        [&self.title, &self.author, &self.copyright, &self.description, &self.rating]
    }
}

impl Layout for ContentDescription {
    const ID: Uuid = guid::CONTENT_DESCRIPTION;
    const NAME: &'static str = "Content Description Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let mut lens = [0_u16; 5];
        for len in &mut lens {
            *len = cursor.u16("the length of a text")?;
        }
        let [title, author, copyright, description, rating] = lens;
        let mut text = |len: u16| cursor.text(usize::from(len), object, "a text");
        Ok(Self {
            title: text(title)?,
            author: text(author)?,
            copyright: text(copyright)?,
            description: text(description)?,
            rating: text(rating)?,
        })
    }

    fn put(&self, out: &mut Fields) {
        for text in self.texts() {
            out.len16("the length of a text", text.as_bytes().len());
        }
        for text in self.texts() {
            out.text(text);
        }
    }
}
