//! How known answers are written down and compared.
//!
//! Notation of the bytes: hexadecimal digits, `u'text'` for UTF-16, `a'text'` for single bytes,
//! `00*12` for a byte that is repeated.

use std::fmt::Debug;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_proto::mmsp::message::{ClientMessage, ServerMessage};
use mms_proto::{DecodeError, Deviation, Layer, Position, Problem, StreamNumber};

/// Bytes from the notation above.
pub(crate) fn bytes(notation: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = notation.trim_start();
    while !rest.is_empty() {
        if let Some(text) = rest.strip_prefix("u'") {
            let (text, after) = text.split_once('\'').expect("a closing quote");
            out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
            rest = after;
        } else if let Some(text) = rest.strip_prefix("a'") {
            let (text, after) = text.split_once('\'').expect("a closing quote");
            out.extend_from_slice(text.as_bytes());
            rest = after;
        } else {
            let (digits, after) = rest.split_at(2);
            let byte = u8::from_str_radix(digits, 16).expect("two hexadecimal digits");
            rest = after;
            let mut count = 1;
            if let Some(number) = rest.strip_prefix('*') {
                let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
                count = number[..end].parse().unwrap();
                rest = &number[end..];
            }
            out.extend(std::iter::repeat_n(byte, count));
        }
        rest = rest.trim_start();
    }
    out
}

pub(crate) trait Message: Sized + PartialEq + Debug {
    fn read(message: &Bytes, deviations: &mut Vec<Deviation>) -> Result<Self, DecodeError>;
    fn write(&self) -> Vec<u8>;
}

macro_rules! message {
    ($name:ident) => {
        impl Message for $name {
            fn read(message: &Bytes, deviations: &mut Vec<Deviation>) -> Result<Self, DecodeError> {
                Self::decode(message, deviations)
            }
            fn write(&self) -> Vec<u8> {
                let mut out = BytesMut::new();
                self.encode(&mut out);
                out.to_vec()
            }
        }
    };
}

message!(ClientMessage);
message!(ServerMessage);

/// The value is written as these bytes, and they are read as this value without complaint.
#[track_caller]
pub(crate) fn both_ways<M: Message>(notation: &str, value: impl Into<M>) {
    let (expected, value) = (bytes(notation), value.into());
    assert_eq!(hex(&value.write()), hex(&expected), "{value:?}");
    reads::<M>(notation, value, &[]);
}

/// The bytes are read as this value, with these deviations.
#[track_caller]
pub(crate) fn reads<M: Message>(notation: &str, value: impl Into<M>, expected: &[Deviation]) {
    let mut deviations = Vec::new();
    let read = M::read(&bytes(notation).into(), &mut deviations);
    assert_eq!(read, Ok(value.into()), "{notation}");
    assert_eq!(deviations, expected, "{notation}");
}

#[track_caller]
pub(crate) fn client(notation: &str, value: impl Into<ClientMessage>) {
    both_ways(notation, value);
}

#[track_caller]
pub(crate) fn server(notation: &str, value: impl Into<ServerMessage>) {
    both_ways(notation, value);
}

#[track_caller]
pub(crate) fn client_reads(notation: &str, value: impl Into<ClientMessage>) {
    reads(notation, value, &[]);
}

#[track_caller]
pub(crate) fn server_reads(notation: &str, value: impl Into<ServerMessage>) {
    reads(notation, value, &[]);
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let chunk = |chunk: &[u8]| chunk.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    bytes.chunks(4).map(chunk).collect::<Vec<_>>().join(" ")
}

/// Layer, offset, field and problem of the error that these bytes cause.
#[track_caller]
pub(crate) fn refused<M: Message>(notation: &str) -> (Layer, u64, &'static str, Problem) {
    let error = M::read(&bytes(notation).into(), &mut Vec::new()).unwrap_err();
    (error.layer, error.offset, error.field, error.problem)
}

pub(crate) fn stream(number: u8) -> StreamNumber {
    StreamNumber::new(number).unwrap()
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub(crate) fn position(value: u32) -> Position {
    Position::new(value).unwrap()
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn the_notation() {
        assert_eq!(bytes(" 0001FF 00*3 7F "), [0, 1, 0xFF, 0, 0, 0, 0x7F]);
        assert_eq!(bytes("u'aé' a'b c'"), [b'a', 0, 0xE9, 0, b'b', b' ', b'c']);
        assert_eq!(bytes("AB*0 CD"), [0xCD]);
    }
}
