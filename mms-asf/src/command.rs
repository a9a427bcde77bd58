//! The media objects of command streams.

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::{Error, Text};

/// What a media object of a command stream says: the same as a
/// [`ScriptCommand`](crate::objects::ScriptCommand) of the header (section 9.3 of the ASF
/// specification).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandSample {
    /// The type, such as `URL` or `CAPTION`; writers disagree about its case.
    pub kind: Text,
    /// What to open or show.
    pub value: Text,
}

/// Reads a whole media object of a [command stream](crate::StreamKind::Command). When it takes
/// effect is its presentation time.
///
/// A value without a terminator ends with the object; what follows a terminated one is left out.
/// Fails when the type has no terminator.
///
/// ```
/// let sample = mms_asf::command_sample(b"U\0R\0L\0\0\0a\0\0\0")?;
/// assert_eq!(sample.kind.to_string(), "URL");
/// assert_eq!(sample.value.to_string(), "a");
/// # Ok::<(), mms_asf::Error>(())
/// ```
pub fn command_sample(data: &[u8]) -> Result<CommandSample, Error> {
    let mut cursor = Cursor::new(data, 0, "command");
    let kind = cursor.terminated("a type, with an end")?;
    let rest = cursor.rest();
    let value = cursor.terminated("a value").unwrap_or(rest);
    let [kind, value] = [kind, value].map(|text| Text::from_bytes(Bytes::copy_from_slice(text)));
    Ok(CommandSample { kind, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_all_kinds() {
        let read = |data| {
            let sample = command_sample(data).unwrap();
            (sample.kind.to_string(), sample.value.to_string())
        };
        let wanted = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        assert_eq!(read(b"a\0\0\0b\0\0\0"), wanted("a", "b"));
        assert_eq!(read(b"a\0\0\0b\0\0\0c\0"), wanted("a", "b"));
        assert_eq!(read(b"a\0\0\0b\0"), wanted("a", "b"));
        assert_eq!(read(b"a\0\0\0b\0c"), wanted("a", "b"), "an odd last byte");
        assert_eq!(read(b"a\0\0\0"), wanted("a", ""));
        assert_eq!(read(b"\0\0\0\0"), wanted("", ""));
        for bad in [b"".as_slice(), b"\0", b"a\0", b"a\0\0", b"a\0b\0c"] {
            assert_eq!(
                command_sample(bad).unwrap_err().to_string(),
                "command at byte 0: expected a type, with an end"
            );
        }
    }
}
