//! Metadata Object and Metadata Library Object, 4.7 and 4.8 of the specification: named values
//! about single streams.

use uuid::Uuid;

use super::{Layout, Picture, Value};
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text, guid};

/// How many bytes a bool takes here.
const BOOL: usize = 2;

/// Named values about single streams, such as `IsVBR` (section 4.7 of the ASF specification).
#[doc(alias = "Metadata Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// At most 65,535.
    pub records: Vec<MetadataRecord>,
}

/// Named values that the other objects have no room for: larger than 65,535 bytes, identifiers,
/// values in several languages (section 4.8 of the ASF specification).
#[doc(alias = "Metadata Library Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataLibrary {
    /// At most 65,535.
    pub records: Vec<MetadataRecord>,
}

/// One named value (sections 4.7 and 4.8 of the ASF specification).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataRecord {
    /// The place of its language in the [`LanguageList`](super::LanguageList). In [`Metadata`]
    /// the field is reserved and should be 0.
    #[doc(alias = "Language List Index")]
    pub language: u16,
    /// The number of the stream that it is about, 1 to 127; 0 for the file as a whole.
    pub stream: u16,
    /// At most 65,535 bytes, terminator included.
    pub name: Text,
    /// Up to 4 GiB; in [`Metadata`] the specification allows 65,535 bytes and no identifier.
    pub value: Value,
}

impl Metadata {
    /// The first value with this name about this stream, or about the file with 0; case counts.
    pub fn value(&self, stream: u16, name: &str) -> Option<&Value> {
        find(&self.records, stream, name)
    }
}

impl MetadataLibrary {
    /// The first value with this name about this stream, or about the file with 0, whatever its
    /// language; case counts.
    pub fn value(&self, stream: u16, name: &str) -> Option<&Value> {
        find(&self.records, stream, name)
    }

    /// All pictures, each of which may turn out to be none: an error.
    pub fn pictures(&self) -> impl Iterator<Item = Result<Picture, Error>> {
        let named = self.records.iter().filter(|record| record.name.shows(Picture::NAME));
        named.filter_map(|record| record.value.bytes()).map(Picture::decode)
    }
}

impl MetadataRecord {
    /// This name with this value about this stream, or about the file with 0, in the first
    /// language.
    pub fn new(stream: u16, name: &str, value: impl Into<Value>) -> Self {
        Self { language: 0, stream, name: name.into(), value: value.into() }
    }

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let language = cursor.u16("a language index")?;
        let stream = cursor.u16("a stream number")?;
        let name_len = cursor.u16("the length of a name")?;
        let kind = cursor.u16("the type of a value")?;
        let len = cursor.u32("the length of a value")? as usize;
        let name = cursor.text(usize::from(name_len), &object.bytes, "a name")?;
        let value = Value::from_data(kind, cursor.bytes(len, &object.bytes, "a value")?, BOOL);
        Ok(Self { language, stream, name, value })
    }

    fn put(&self, out: &mut Fields) {
        out.u16(self.language);
        out.u16(self.stream);
        out.len16("the length of a name", self.name.as_bytes().len());
        out.u16(self.value.kind());
        let data = self.value.data(BOOL);
        out.len32("the length of a value", data.len());
        out.text(&self.name);
        out.slice(&data);
    }
}

fn find<'a>(records: &'a [MetadataRecord], stream: u16, name: &str) -> Option<&'a Value> {
    records.iter().find(|r| r.stream == stream && r.name.shows(name)).map(|record| &record.value)
}

fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Vec<MetadataRecord>, Error> {
    let count = cursor.u16("a number of values")?;
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(MetadataRecord::parse(cursor, object)?);
    }
    Ok(records)
}

fn put(records: &[MetadataRecord], out: &mut Fields) {
    out.len16("the number of values", records.len());
    for record in records {
        record.put(out);
    }
}

impl Layout for Metadata {
    const ID: Uuid = guid::METADATA;
    const NAME: &'static str = "Metadata Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        parse(cursor, object).map(|records| Self { records })
    }

    fn put(&self, out: &mut Fields) {
        put(&self.records, out);
    }
}

impl Layout for MetadataLibrary {
    const ID: Uuid = guid::METADATA_LIBRARY;
    const NAME: &'static str = "Metadata Library Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        parse(cursor, object).map(|records| Self { records })
    }

    fn put(&self, out: &mut Fields) {
        put(&self.records, out);
    }
}
