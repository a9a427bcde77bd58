//! Values of metadata, 3.11, 4.7 and 4.8 of the specification: each says what type it has.

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

use crate::Text;

/// A value of metadata (sections 3.11, 4.7 and 4.8 of the ASF specification).
///
/// ```
/// use mms_asf::objects::Value;
///
/// let value = Value::from("Ein Album");
/// assert_eq!(value.to_string(), "Ein Album");
/// assert_eq!(Value::from(7_u32).number(), Some(7));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Text.
    #[doc(alias = "Unicode string")]
    Text(Text),
    /// Bytes, such as a [`Picture`](super::Picture).
    #[doc(alias = "BYTE array")]
    Bytes(Bytes),
    /// Yes or no.
    #[doc(alias = "BOOL")]
    Bool(bool),
    /// A number of 32 bits.
    #[doc(alias = "DWORD")]
    U32(u32),
    /// A number of 64 bits.
    #[doc(alias = "QWORD")]
    U64(u64),
    /// A number of 16 bits.
    #[doc(alias = "WORD")]
    U16(u16),
    /// An identifier; by the rules in the Metadata Library Object only.
    #[doc(alias = "GUID")]
    Guid(Uuid),
    /// A value of a type that is not known, or in a form that its type does not have. It is written
    /// as it was read.
    #[non_exhaustive]
    Other {
        /// The number of the type.
        kind: u16,
        /// The value as it stands in the file.
        data: Bytes,
    },
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if it is some; not those of other types.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number, if it is one, of whatever width.
    pub fn number(&self) -> Option<u64> {
        match *self {
            Self::U16(number) => Some(number.into()),
            Self::U32(number) => Some(number.into()),
            Self::U64(number) => Some(number),
            _ => None,
        }
    }

    /// Yes or no, if it is that. A value of that type in another width than its object has, or
    /// that is neither 0 nor 1, counts too: everything but 0 is yes.
    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Other { kind: 2, data } => Some(data.iter().any(|&byte| byte != 0)),
            _ => None,
        }
    }

    /// `bool_width` is how many bytes [`Value::Bool`] takes in the object.
    pub(super) fn from_data(kind: u16, data: Bytes, bool_width: usize) -> Self {
        Self::recognised(kind, &data, bool_width).unwrap_or(Self::Other { kind, data })
    }

    /// `None` for what would not be written like this again.
    fn recognised(kind: u16, data: &Bytes, bool_width: usize) -> Option<Self> {
        let bytes = data.as_ref();
        Some(match kind {
            0 => Self::Text(Text::from_bytes(data.clone())),
            1 => Self::Bytes(data.clone()),
            2 if bytes.len() == bool_width => match bytes.split_first()? {
                (flag @ (0 | 1), rest) if rest.iter().all(|&byte| byte == 0) => {
                    Self::Bool(*flag == 1)
                }
                _ => return None,
            },
            3 => Self::U32(u32::from_le_bytes(bytes.try_into().ok()?)),
            4 => Self::U64(u64::from_le_bytes(bytes.try_into().ok()?)),
            5 => Self::U16(u16::from_le_bytes(bytes.try_into().ok()?)),
            6 => Self::Guid(Uuid::from_slice_le(bytes).ok()?),
            _ => return None,
        })
    }

    /// The number of the type.
    pub(super) fn kind(&self) -> u16 {
        match self {
            Self::Text(_) => 0,
            Self::Bytes(_) => 1,
            Self::Bool(_) => 2,
            Self::U32(_) => 3,
            Self::U64(_) => 4,
            Self::U16(_) => 5,
            Self::Guid(_) => 6,
            Self::Other { kind, .. } => *kind,
        }
    }

    /// What [`Value::from_data`] reads.
    pub(super) fn data(&self, bool_width: usize) -> Bytes {
        match self {
            Self::Text(text) => text.as_bytes().clone(),
            Self::Bytes(data) | Self::Other { data, .. } => data.clone(),
            Self::Bool(flag) => {
                let number = u32::from(*flag).to_le_bytes();
                Bytes::copy_from_slice(number.get(..bool_width).unwrap_or(&number))
            }
            Self::U32(number) => Bytes::copy_from_slice(&number.to_le_bytes()),
            Self::U64(number) => Bytes::copy_from_slice(&number.to_le_bytes()),
            Self::U16(number) => Bytes::copy_from_slice(&number.to_le_bytes()),
            Self::Guid(id) => Bytes::copy_from_slice(&id.to_bytes_le()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::U16(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::U32(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::U64(number)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Self::Guid(id)
    }
}

impl fmt::Display for Value {
    /// For people to read: of bytes only how many they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Bool(flag) => flag.fmt(f),
            Self::U32(number) => number.fmt(f),
            Self::U64(number) => number.fmt(f),
            Self::U16(number) => number.fmt(f),
            Self::Guid(id) => id.fmt(f),
            Self::Other { kind, data } => write!(f, "{} bytes of type {kind}", data.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_its_own_is_kept() {
        let rows: [(u16, &'static [u8], Option<Value>); 14] = [
            (2, &[1, 0, 0, 0], Some(Value::Bool(true))),
            (2, &[0, 0, 0, 0], Some(Value::Bool(false))),
            (2, &[2, 0, 0, 0], None),
            (2, &[1, 0, 1, 0], None),
            (2, &[1, 0], None),
            (2, &[], None),
            (3, &[1, 2, 0, 0], Some(Value::U32(0x201))),
            (3, &[1, 2], None),
            (4, &[1, 0, 0, 0, 0, 0, 0, 0x80], Some(Value::U64(0x8000_0000_0000_0001))),
            (4, &[1, 0, 0, 0], None),
            (5, &[1, 2], Some(Value::U16(0x201))),
            (5, &[1, 2, 0, 0], None),
            (6, &[0; 15], None),
            (7, &[1, 2, 3], None),
        ];
        for (kind, data, value) in rows {
            let data = Bytes::from_static(data);
            let read = Value::from_data(kind, data.clone(), 4);
            assert_eq!(read, value.unwrap_or(Value::Other { kind, data: data.clone() }));
            assert_eq!((read.kind(), read.data(4)), (kind, data));
        }
        let short = Value::from_data(2, Bytes::from_static(&[1, 0]), 2);
        assert_eq!(short, Value::Bool(true));
        assert_eq!(short.data(2).as_ref(), [1, 0]);
        assert_eq!(short.data(4).as_ref(), [1, 0, 0, 0]);
    }

    #[test]
    fn what_is_asked_for_is_what_it_is() {
        assert_eq!(Value::from(5_u16).number(), Some(5));
        assert_eq!(Value::from(u64::MAX).number(), Some(u64::MAX));
        assert_eq!(Value::from("5").number(), None);
        assert_eq!(Value::from("5").text().map(Text::to_string).as_deref(), Some("5"));
        assert_eq!(Value::from(5_u32).text(), None);
        assert_eq!(Value::from(true).flag(), Some(true));
        assert_eq!(Value::from(1_u32).flag(), None);
        let odd = |data| Value::from_data(2, Bytes::from_static(data), 4).flag();
        assert_eq!(
            [odd(&[1, 0]), odd(&[0, 0]), odd(&[0, 2, 0, 0])].map(Option::unwrap),
            [true, false, true]
        );
    }

    #[test]
    fn shown() {
        let shown = [
            Value::from("Ein Album"),
            Value::from(Bytes::from_static(b"abc")),
            Value::from(false),
            Value::from(17_u64),
            Value::from(Uuid::nil()),
            Value::from_data(9, Bytes::from_static(b"abcd"), 4),
        ]
        .map(|value| value.to_string());
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(shown, ["Ein Album", "3 bytes", "false", "17", nil, "4 bytes of type 9"]);
    }
}
