//! Whether two headers are those of one stream: what a finished recording may have changed in its
//! header does not count.

use std::ops::Range;

use bytes::BytesMut;
use uuid::Uuid;

use super::Header;
use crate::guid;
use crate::object::{HEAD, Object};
use crate::offsets::{self, at, clear, data, file};

/// What may be another thing in the header of a recording: padding, where a file loses what its
/// server had, or the same with other times.
const CHANGEABLE: [Uuid; 6] = [
    guid::DIGITAL_SIGNATURE,
    guid::INDEX_PARAMETERS,
    guid::MARKER,
    guid::MEDIA_OBJECT_INDEX_PARAMETERS,
    guid::SCRIPT_COMMAND,
    guid::TIMECODE_INDEX_PARAMETERS,
];

/// Fields of the File Properties Object that finishing a recording changes.
const FILE_FIELDS: [Range<usize>; 5] =
    [file::FILE_SIZE, file::PACKET_COUNT, file::PLAY_DURATION, file::SEND_DURATION, file::FLAGS];
/// Fields of the Data Object that finishing a recording changes.
const DATA_FIELDS: [Range<usize>; 2] = [data::SIZE, data::PACKET_COUNT];

impl Header {
    /// Whether both headers describe the same stream: they are equal apart from the fields in
    /// which a finished recording differs from what its server sent (sizes, packet count,
    /// durations, flags, objects that became padding).
    pub fn same_stream(&self, other: &Self) -> bool {
        self.file_at == other.file_at
            && self.data_at == other.data_at
            && self.without_changeable(other) == other.without_changeable(self)
    }

    /// The header without what a finished recording may have changed in it, or in the other one.
    fn without_changeable(&self, other: &Self) -> BytesMut {
        let mut bytes = BytesMut::from(self.bytes.as_ref());
        for field in FILE_FIELDS {
            clear(&mut bytes, at(self.file_at, field));
        }
        for field in DATA_FIELDS {
            clear(&mut bytes, at(self.data_at, field));
        }
        // Identifier and body; the size stays, so that objects have to lie at the same places.
        for object in self.changeable().chain(other.changeable()) {
            clear(&mut bytes, at(object.offset, offsets::object::ID));
            clear(&mut bytes, object.offset.saturating_add(HEAD)..object.end());
        }
        bytes
    }

    /// The objects that finishing a recording may change or make padding of.
    pub(crate) fn changeable(&self) -> impl Iterator<Item = &Object> {
        let objects = self.objects.iter().chain(&self.extension);
        objects.filter(|object| CHANGEABLE.contains(&object.id))
    }
}
