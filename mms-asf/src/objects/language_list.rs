//! Language List Object, 4.6 of the specification.

use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, guid};

/// The languages that streams and metadata refer to by their place in this list (section 4.6 of the
/// ASF specification).
///
/// An entry that is taken out changes what all later places mean: better keep it.
#[doc(alias = "Language List Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LanguageList {
    /// Tags such as `en-us` (RFC 1766), up to 255 bytes each, terminator included; empty ones
    /// occur. At most 65,535.
    pub languages: Vec<Text>,
}

impl Layout for LanguageList {
    const ID: Uuid = guid::LANGUAGE_LIST;
    const NAME: &'static str = "Language List Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let count = cursor.u16("a number of languages")?;
        let mut languages = Vec::new();
        for _ in 0..count {
            let len = cursor.u8("the length of a language tag")?;
            languages.push(cursor.text(usize::from(len), &object.bytes, "a language tag")?);
        }
        Ok(Self { languages })
    }

    fn put(&self, out: &mut Fields) {
        out.len16("the number of languages", self.languages.len());
        for language in &self.languages {
            out.len8("the length of a language tag", language.as_bytes().len());
            out.text(language);
        }
    }
}
