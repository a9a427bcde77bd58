//! Text as the container stores it: UTF-16, with or without a terminator.

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// Text in the form in which a file holds it: little-endian UTF-16.
///
/// Writers disagree about the terminator, and some store what is no valid UTF-16. So the bytes are
/// kept, and equality compares them; [`Display`](fmt::Display) shows what a reader sees: the text
/// up to its first zero, with what is not valid replaced.
///
/// ```
/// use mms_asf::Text;
///
/// let title = Text::new("Ein Lied");
/// assert_eq!(title.to_string(), "Ein Lied");
/// assert_eq!(title.as_bytes().len(), 18, "two bytes a unit, terminator included");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(Bytes);

impl Text {
    /// The text with a terminator behind it, as the specification wants it in nearly all places.
    /// It ends at its first zero.
    pub fn new(text: &str) -> Self {
        let mut bytes = units(text);
        bytes.put_u16_le(0);
        Self(bytes.freeze())
    }

    /// The text without a terminator: for the names of script commands.
    pub fn unterminated(text: &str) -> Self {
        Self(units(text).freeze())
    }

    /// What a file holds, kept as it is.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// What a file holds, terminator included where there is one.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether a reader sees nothing.
    pub fn is_empty(&self) -> bool {
        self.0.first_chunk().is_none_or(|unit| u16::from_le_bytes(*unit) == 0)
    }

    /// What a reader sees; `None` for nothing.
    pub fn visible(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_string())
    }

    /// Whether this is what a reader sees.
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.visible_units().eq(text.encode_utf16())
    }

    /// The whole units: the bytes without an odd last one, for fields that count characters.
    pub(crate) fn whole_units(&self) -> &[u8] {
        self.0.get(..self.0.len() & !1).unwrap_or_default()
    }

    /// What a reader sees, with a terminator behind it.
    pub(crate) fn terminated(&self) -> Bytes {
        let units = self.visible_units().chain([0]);
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>().into()
    }

    /// The units up to the first zero. An odd last byte is no unit.
    fn visible_units(&self) -> impl Iterator<Item = u16> {
        self.0
            .chunks_exact(2)
            .filter_map(|pair| pair.first_chunk().map(|pair| u16::from_le_bytes(*pair)))
            .take_while(|&unit| unit != 0)
    }
}

/// As UTF-16 without a terminator, up to the first zero.
fn units(text: &str) -> BytesMut {
    let mut bytes = BytesMut::new();
    for unit in text.encode_utf16().take_while(|&unit| unit != 0) {
        bytes.put_u16_le(unit);
    }
    bytes
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = char::decode_utf16(self.visible_units())
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        f.pad(&text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen() {
        for text in ["", "abc", "ü–漢", "𝄞 clef"] {
            assert_eq!(Text::new(text).to_string(), text);
            assert_eq!(Text::unterminated(text).to_string(), text);
        }
        let stored = |bytes: &'static [u8]| Text::from_bytes(Bytes::from_static(bytes));
        assert_eq!(stored(b"a\0\0\0b\0").to_string(), "a", "up to the terminator");
        assert_eq!(stored(b"a\0b").to_string(), "a", "an odd last byte");
        assert_eq!(stored(b"\0\xD8b\0").to_string(), "\u{FFFD}b", "half a pair");
        assert_eq!(Text::new("a\0b"), Text::new("a"));
    }

    #[test]
    fn the_terminator_counts_when_compared_as_stored() {
        assert_ne!(Text::new("a"), Text::unterminated("a"));
        assert_eq!(Text::new("a").as_bytes().as_ref(), b"a\0\0\0");
        assert_eq!(Text::unterminated("a").as_bytes().as_ref(), b"a\0");
    }

    #[test]
    fn what_is_compared_and_written_as_seen() {
        let odd = Text::from_bytes(Bytes::from_static(b"a\0b\0\0\0c"));
        assert!(odd.shows("ab"));
        assert!(!odd.shows("a"));
        assert!(!odd.shows("abc"));
        assert_eq!(odd.whole_units(), b"a\0b\0\0\0");
        assert_eq!(odd.terminated().as_ref(), b"a\0b\0\0\0");
        assert_eq!(Text::unterminated("a").terminated().as_ref(), b"a\0\0\0");
    }

    #[test]
    fn nothing_to_be_seen() {
        assert!(Text::default().is_empty());
        assert!(Text::new("").is_empty());
        assert_eq!(Text::new("").visible(), None);
        assert_eq!(Text::new("x").visible().as_deref(), Some("x"));
    }
}
