//! Extended Content Description Object, 3.11 of the specification: what taggers write.

use uuid::Uuid;

use super::{Layout, Picture, Value};
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, guid};

/// How many bytes a bool takes here.
const BOOL: usize = 4;

/// Named values about the file as a whole, such as `WM/AlbumTitle` (section 3.11 of the ASF
/// specification).
///
/// ```
/// use mms_asf::objects::{Descriptor, ExtendedContentDescription};
///
/// let mut tags = ExtendedContentDescription::default();
/// tags.descriptors.push(Descriptor::new("WM/AlbumTitle", "Ein Album"));
/// tags.descriptors.push(Descriptor::new("WM/Genre", "Lied"));
/// tags.descriptors.push(Descriptor::new("WM/Genre", "Chor"));
///
/// assert_eq!(tags.value("WM/AlbumTitle").unwrap().to_string(), "Ein Album");
/// assert_eq!(tags.values("WM/Genre").count(), 2);
/// ```
#[doc(alias = "Extended Content Description Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtendedContentDescription {
    /// At most 65,535. A name that comes again holds one more value.
    #[doc(alias = "Content Descriptors")]
    pub descriptors: Vec<Descriptor>,
}

/// One named value (section 3.11 of the ASF specification).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    /// At most 65,535 bytes, terminator included.
    pub name: Text,
    /// At most 65,535 bytes: larger ones belong into a
    /// [`MetadataLibrary`](super::MetadataLibrary).
    pub value: Value,
}

impl ExtendedContentDescription {
    /// The first value with this name; case counts.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values(name).next()
    }

    /// All values with this name, in their order; case counts.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.descriptors.iter().filter(move |d| d.name.shows(name)).map(|d| &d.value)
    }

    /// All pictures, each of which may turn out to be none: an error. Larger ones than 65,535 bytes
    /// are in a [`MetadataLibrary`](super::MetadataLibrary).
    pub fn pictures(&self) -> impl Iterator<Item = Result<Picture, Error>> {
        self.values(Picture::NAME).filter_map(Value::bytes).map(Picture::decode)
    }
}

impl Descriptor {
    /// This name with this value.
    pub fn new(name: &str, value: impl Into<Value>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    fn parse(cursor: &mut Cursor<'_>, object: &Object, lengths: Lengths) -> Result<Self, Error> {
        let len = lengths.text(cursor.u16("the length of a name")?);
        let name = cursor.text(len, &object.bytes, "a name")?;
        let kind = cursor.u16("the type of a value")?;
        let len = cursor.u16("the length of a value")?;
        let len = if kind == 0 { lengths.text(len) } else { usize::from(len) };
        let value = Value::from_data(kind, cursor.bytes(len, &object.bytes, "a value")?, BOOL);
        Ok(Self { name, value })
    }
}

impl Descriptor {
    /// One with a text of which the end is missing.
    fn cut(mut cursor: Cursor<'_>, object: &Object) -> Option<Self> {
        let len = cursor.u16("the length of a name").ok()?;
        let name = cursor.text(len.into(), &object.bytes, "a name").ok()?;
        let kind = cursor.u16("the type of a value").ok().filter(|kind| *kind == 0)?;
        cursor.u16("the length of a value").ok()?;
        let len = cursor.rest().len() & !1;
        let value = Value::from_data(kind, cursor.bytes(len, &object.bytes, "a value").ok()?, BOOL);
        Some(Self { name, value })
    }
}

/// How lengths of texts are meant.
#[derive(Debug, Clone, Copy)]
enum Lengths {
    AsStored,
    /// Odd ones are one too small.
    RoundedUp,
}

impl Lengths {
    fn text(self, len: u16) -> usize {
        let len = usize::from(len);
        match self {
            Self::AsStored => len,
            Self::RoundedUp => len.saturating_add(len & 1),
        }
    }
}

impl ExtendedContentDescription {
    /// The values up to the first one that cannot be read, and of that its text as far as it is
    /// there.
    pub(crate) fn read_damaged(object: &Object) -> Option<Self> {
        let mut cursor = object.cursor(Self::NAME);
        let count = cursor.u16("a number of values").ok()?;
        let mut descriptors = Vec::new();
        for _ in 0..count {
            let start = cursor.clone();
            let Ok(whole) = Descriptor::parse(&mut cursor, object, Lengths::AsStored) else {
                descriptors.extend(Descriptor::cut(start, object));
                break;
            };
            descriptors.push(whole);
        }
        Some(Self { descriptors })
    }

    fn read(cursor: &mut Cursor<'_>, object: &Object, lengths: Lengths) -> Result<Self, Error> {
        let count = cursor.u16("a number of values")?;
        let mut descriptors = Vec::new();
        for _ in 0..count {
            descriptors.push(Descriptor::parse(cursor, object, lengths)?);
        }
        Ok(Self { descriptors })
    }
}

impl Layout for ExtendedContentDescription {
    const ID: Uuid = guid::EXTENDED_CONTENT_DESCRIPTION;
    const NAME: &'static str = "Extended Content Description Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let mut rounded = cursor.clone();
        let stored = Self::read(cursor, object, Lengths::AsStored);
        if stored.is_ok() && cursor.rest().is_empty() {
            return stored;
        }
        // Old libavformat stored lengths of texts that are one too small: so it is when the object
        // ends where the last value does.
        match Self::read(&mut rounded, object, Lengths::RoundedUp) {
            Ok(description) if rounded.rest().is_empty() => {
                *cursor = rounded;
                Ok(description)
            }
            _ => stored,
        }
    }

    fn put(&self, out: &mut Fields) {
        out.len16("the number of values", self.descriptors.len());
        for Descriptor { name, value } in &self.descriptors {
            out.len16("the length of a name", name.as_bytes().len());
            out.text(name);
            out.u16(value.kind());
            let data = value.data(BOOL);
            out.len16("the length of a value", data.len());
            out.slice(&data);
        }
    }
}
