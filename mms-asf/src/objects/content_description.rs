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
    /// What can be read of an object that may have been cut or grown inside a text, and whether it
    /// is all of it. `None` without the lengths of the texts.
    pub(crate) fn read_damaged(object: &Object) -> Option<(Self, bool)> {
        let mut cursor = object.cursor(Self::NAME);
        let whole = Self::parse(&mut cursor, object).ok();
        let fits = |content: &Self| {
            cursor.rest().is_empty() || content.texts().iter().all(|text| ends(text))
        };
        if let Some(content) = whole.clone().filter(fits) {
            return Some((content, true));
        }
        let mut cursor = object.cursor(Self::NAME);
        let lens = Self::lens(&mut cursor).ok()?;
        let shares = shares(lens, cursor.rest());
        if let Some(content) = whole.filter(|_| shares.is_none()) {
            return Some((content, true));
        }
        let mut text = |len: usize| {
            // Half a unit is none.
            let len = len.min(cursor.rest().len() & !1);
            cursor.text(len, &object.bytes, "a text").unwrap_or_default()
        };
        let [title, author, copyright, description, rating] = shares.unwrap_or(lens).map(&mut text);
        Some((Self { title, author, copyright, description, rating }, false))
    }

    fn lens(cursor: &mut Cursor<'_>) -> Result<[usize; 5], Error> {
        let mut lens = [0; 5];
        for len in &mut lens {
            *len = cursor.u16("the length of a text")?.into();
        }
        Ok(lens)
    }

    fn texts(&self) -> [&Text; 5] {
        [&self.title, &self.author, &self.copyright, &self.description, &self.rating]
    }
}

impl Layout for ContentDescription {
    const ID: Uuid = guid::CONTENT_DESCRIPTION;
    const NAME: &'static str = "Content Description Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let [title, author, copyright, description, rating] = Self::lens(cursor)?;
        let mut text = |len: usize| cursor.text(len, &object.bytes, "a text");
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

/// Whether a text ends with the zero that it should end with.
fn ends(text: &Text) -> bool {
    text.as_bytes().is_empty() || text.as_bytes().ends_with(&[0, 0])
}

/// The lengths that fill `bytes`, when another length of one text lets all of them end with a zero.
fn shares(lens: [usize; 5], bytes: &[u8]) -> Option<[usize; 5]> {
    let sum: usize = lens.iter().fold(0, |sum, len| sum.saturating_add(*len));
    (0..lens.len()).find_map(|changed| {
        let mut shares = lens;
        let len = shares.get_mut(changed)?;
        *len = len.saturating_add(bytes.len()).checked_sub(sum)?;
        let mut rest = bytes;
        for len in shares {
            let (text, after) = rest.split_at_checked(len)?;
            if len % 2 != 0 || !(text.is_empty() || text.ends_with(&[0, 0])) {
                return None;
            }
            rest = after;
        }
        Some(shares)
    })
}
