//! Text of 8-bit characters, which a few objects hold in the place of UTF-16.

use std::fmt;

use bytes::Bytes;

/// Text in 8-bit characters in the form in which a file holds it: addresses and identifiers of
/// [`ContentBranding`](crate::objects::ContentBranding) and
/// [`ContentEncryption`](crate::objects::ContentEncryption).
///
/// The bytes are kept, and equality compares them; [`Display`](fmt::Display) shows the text up to
/// its first zero, read as UTF-8, with what is not valid replaced.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text8(Bytes);

impl Text8 {
    /// The text with a terminator behind it. It ends at its first zero.
    pub fn new(text: &str) -> Self {
        let mut bytes = Vec::from(up_to_zero(text.as_bytes()));
        bytes.push(0);
        Self(bytes.into())
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
        up_to_zero(&self.0).is_empty()
    }

    /// What a reader sees; `None` for nothing.
    pub fn visible(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_string())
    }
}

fn up_to_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

impl From<&str> for Text8 {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Text8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(up_to_zero(&self.0)))
    }
}

impl fmt::Debug for Text8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen() {
        assert_eq!(Text8::new("DRM").as_bytes().as_ref(), b"DRM\0");
        assert_eq!(Text8::new("a\0b"), Text8::new("a"));
        let stored = |bytes: &'static [u8]| Text8::from_bytes(Bytes::from_static(bytes));
        assert_eq!(stored(b"DRM").to_string(), "DRM", "without a terminator");
        assert_eq!(stored(b"a\0b").to_string(), "a", "up to the terminator");
        assert_eq!(stored(b"a\xFF").to_string(), "a\u{FFFD}");
        assert_ne!(stored(b"a"), Text8::new("a"));
        assert_eq!(stored(b"").visible(), None);
        assert_eq!(stored(b"\0a").visible(), None);
        assert_eq!(stored(b"a").visible().as_deref(), Some("a"));
    }
}
