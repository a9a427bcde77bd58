//! Fields as MS-MMSP writes them: little-endian numbers, UTF-16 text, tables of bytes.
//!
//! nom lives here and in the message files, and is seen nowhere else: a parser's error becomes a
//! [`DecodeError`] that names the field.

use bytes::{BufMut, BytesMut};
use nom::IResult;
use nom::error::{ContextError, ErrorKind, ParseError};

use crate::error::{DecodeError, Layer, Problem};

/// What a parser returns: the rest of the message and a value.
pub(crate) type Wire<'a, T> = IResult<&'a [u8], T, Fault>;

/// Where and why a parser stopped: the place counted from the end of the message, which is all
/// that a nom parser knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    left: usize,
    field: &'static str,
    problem: Problem,
}

impl Fault {
    /// A value at `at` that cannot be worked with.
    pub(crate) fn value<T>(
        at: &[u8],
        field: &'static str,
        found: impl Into<u64>,
        expected: &'static str,
    ) -> Result<T, nom::Err<Self>> {
        let problem = Problem::Value { found: found.into(), expected };
        Err(nom::Err::Failure(Self { left: at.len(), field, problem }))
    }

    /// The public error, for a message of `length` bytes.
    pub(crate) fn into_decode_error(self, layer: Layer, length: usize) -> DecodeError {
        let offset = u64::try_from(length.saturating_sub(self.left)).unwrap_or(u64::MAX);
        DecodeError { layer, offset, field: self.field, problem: self.problem }
    }
}

impl ParseError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { left: input.len(), field: "", problem: Problem::Truncated }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

impl ContextError<&[u8]> for Fault {
    fn add_context(_: &[u8], field: &'static str, mut other: Self) -> Self {
        if other.field.is_empty() {
            other.field = field;
        }
        other
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $parser:path;)+) => {
        $($(#[$doc])*
        pub(crate) fn $name<'a>(
            field: &'static str,
        ) -> impl nom::Parser<&'a [u8], Output = $type, Error = Fault> {
            nom::error::context(field, $parser)
        })+
    };
}

numbers! {
    /// Sixteen bits.
    u16_le: u16 = nom::number::complete::le_u16;
    /// Thirty-two bits.
    u32_le: u32 = nom::number::complete::le_u32;
    /// Sixty-four bits.
    u64_le: u64 = nom::number::complete::le_u64;
    /// A double.
    f64_le: f64 = nom::number::complete::le_f64;
}

/// So many bytes.
pub(crate) fn bytes<'a>(
    field: &'static str,
    count: usize,
) -> impl nom::Parser<&'a [u8], Output = &'a [u8], Error = Fault> {
    nom::error::context(field, nom::bytes::complete::take(count))
}

/// UTF-16 text up to its terminator or the end of `bytes`; an odd last byte is left out, and what
/// is no valid UTF-16 becomes U+FFFD.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| pair.iter().rev().fold(0, |unit, &byte| (unit << 8) | u16::from(byte)))
        .take_while(|&unit| unit != 0);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Writes text as UTF-16 with a terminator. Text ends at its first NUL, as the reader will see it.
pub(crate) fn put_utf16_z(out: &mut BytesMut, text: &str) {
    for unit in text.encode_utf16().take_while(|&unit| unit != 0) {
        out.put_u16_le(unit);
    }
    out.put_u16_le(0);
}

/// Number of UTF-16 units that [`put_utf16_z`] writes, terminator included.
pub(crate) fn utf16_z_units(text: &str) -> usize {
    text.encode_utf16().take_while(|&unit| unit != 0).count().saturating_add(1)
}

/// Text in a table of single bytes, up to its terminator.
pub(crate) fn ansi(bytes: &[u8]) -> String {
    bytes.iter().take_while(|&&byte| byte != 0).map(|&byte| char::from(byte)).collect()
}

/// Writes text into a table of `size` bytes: cut to fit its terminator, filled with zeros; empty
/// text is "-" (MS-MMSP 2.2.1), and a character outside the table's set "?".
pub(crate) fn put_ansi(out: &mut BytesMut, text: &str, size: usize) {
    // Text ends at its first NUL, as the reader will see it.
    let text = text.split('\0').next().filter(|text| !text.is_empty()).unwrap_or("-");
    let used = text
        .chars()
        .take(size.saturating_sub(1))
        .map(|c| out.put_u8(u8::try_from(c).unwrap_or(b'?')))
        .count();
    out.put_bytes(0, size.saturating_sub(used));
}

/// A length as the 32-bit field that carries it. Everything we write is far below 4 GiB; the
/// largest value says so if a caller should manage it.
pub(crate) fn len32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_and_stops_where_it_should() {
        // MMSP-W-030
        for text in ["", "abc", "ü–漢", "𝄞 clef", "a\u{10FFFF}"] {
            let mut out = BytesMut::new();
            put_utf16_z(&mut out, text);
            assert_eq!(out.len(), utf16_z_units(text) * 2);
            assert_eq!(utf16(&out), text);
        }
        assert_eq!(utf16(&[b'a', 0, 0x00, 0xD8, b'b', 0]), "a\u{FFFD}b");
        assert_eq!(utf16(&[b'a', 0, b'b']), "a");
        let mut out = BytesMut::new();
        put_utf16_z(&mut out, "ab\0cd");
        assert_eq!(&out[..], b"a\0b\0\0\0");
    }

    #[test]
    fn tables_of_single_bytes() {
        // MMSP-W-069
        let mut out = BytesMut::new();
        put_ansi(&mut out, "", 4);
        put_ansi(&mut out, "long text", 4);
        put_ansi(&mut out, "ü漢", 4);
        put_ansi(&mut out, "\0x", 4);
        put_ansi(&mut out, "x\0y", 4);
        assert_eq!(&out[..], b"-\0\0\0lon\0\xFC?\0\0-\0\0\0x\0\0\0");
        assert_eq!(ansi(&out[4..8]), "lon");
        assert_eq!(ansi(b"no end"), "no end");
    }
}
