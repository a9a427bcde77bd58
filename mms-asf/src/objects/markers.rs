//! Marker Object, 3.7 of the specification: named places in the presentation.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::time::{from_ticks, to_ticks};
use crate::{Error, Text, guid};

/// Named places in the presentation, between which a player can jump (section 3.7 of the ASF
/// specification).
#[doc(alias = "Marker Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Markers {
    /// What the list is called, at most 65,535 bytes; empty in practice.
    pub name: Text,
    /// By time in files that keep the rules. At most 65,535: more are refused, though the field is
    /// wider.
    pub markers: Vec<Marker>,
    /// The specification wants 0, encoders write 1.
    reserved: u16,
}

/// One place (section 3.7 of the ASF specification).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marker {
    /// Where its packet lies, in bytes from the start of the Data Object; 0 when unknown.
    pub offset: u64,
    /// When it is reached, in steps of 100 ns; preroll included.
    pub presentation_time: Duration,
    /// The send time of its packet, in milliseconds.
    pub send_time: u32,
    /// Reserved; kept.
    pub flags: u32,
    /// What it is called, terminator optional. An odd last byte is not written.
    #[doc(alias = "Marker Description")]
    pub description: Text,
    /// What fills the entry behind the description; empty in practice. Together with the
    /// description at most 65,523 bytes.
    pub padding: Bytes,
}

impl Marker {
    /// The fields that the length of an entry counts, in bytes, description and padding apart.
    const FIXED: usize = 12;

    /// A place that is reached at this time, preroll included.
    pub fn new(presentation_time: Duration, description: &str) -> Self {
        Self {
            offset: 0,
            presentation_time,
            send_time: 0,
            flags: 0,
            description: description.into(),
            padding: Bytes::new(),
        }
    }

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let offset = cursor.u64("a marker's offset")?;
        let presentation_time = from_ticks(cursor.u64("a marker's presentation time")?);
        let entry = usize::from(cursor.u16("a marker's length")?);
        let send_time = cursor.u32("a marker's send time")?;
        let flags = cursor.u32("a marker's flags")?;
        let chars = cursor.u32("the length of a marker's description")? as usize;
        let len = chars.saturating_mul(2);
        let description = cursor.text(len, &object.bytes, "a marker's description")?;
        // The description's length outranks an entry that is too short for it.
        let rest = entry.saturating_sub(Self::FIXED).saturating_sub(len);
        let padding = cursor.bytes(rest, &object.bytes, "a marker's padding")?;
        Ok(Self { offset, presentation_time, send_time, flags, description, padding })
    }

    fn put(&self, out: &mut Fields) {
        out.u64(self.offset);
        out.u64(to_ticks(self.presentation_time));
        let description = self.description.whole_units();
        let rest = description.len().saturating_add(self.padding.len());
        out.len16("a marker's length", rest.saturating_add(Self::FIXED));
        out.u32(self.send_time);
        out.u32(self.flags);
        out.len32("the length of a marker's description", description.len() / 2);
        out.slice(description);
        out.slice(&self.padding);
    }
}

impl Layout for Markers {
    const ID: Uuid = guid::MARKER;
    const NAME: &'static str = "Marker Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        cursor.guid("a reserved field")?;
        let count = super::count32(cursor, "number of markers")?;
        let reserved = cursor.u16("a reserved field")?;
        let len = cursor.u16("the length of a name")?;
        let name = cursor.text(usize::from(len), &object.bytes, "a name")?;
        let mut markers = Vec::new();
        for _ in 0..count {
            markers.push(Marker::parse(cursor, object)?);
        }
        Ok(Self { name, markers, reserved })
    }

    fn put(&self, out: &mut Fields) {
        out.guid(guid::MARKER_RESERVED);
        super::put_count32(out, "number of markers", self.markers.len());
        out.u16(self.reserved);
        out.len16("the length of a name", self.name.as_bytes().len());
        out.text(&self.name);
        for marker in &self.markers {
            marker.put(out);
        }
    }
}
