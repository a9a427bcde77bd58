//! The header of a recording before and after: fields change in place, lengths never.

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::Patch;
use super::moved::moved;
use crate::fields::put_at;
use crate::header::DATA_HEAD;
use crate::object::{HEAD, Object};
use crate::time::to_ticks;
use crate::{FileProperties, Header, Shift, guid};

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

/// What the header of the finished file says.
pub(super) struct FinalHeader {
    pub(super) packets: u64,
    pub(super) file_size: u64,
    /// Play and send duration; `None` leaves times, and the count that goes with them, alone.
    pub(super) times: Option<(Duration, Duration)>,
    /// `None` leaves the preroll as it is.
    pub(super) preroll: Option<Duration>,
    pub(super) seekable: bool,
    pub(super) indexes: Declared,
    /// How far all times of the packets were moved.
    pub(super) shift: Shift,
}

/// Which indexes that a header can declare the file has.
pub(super) struct Declared {
    pub(super) by_time: bool,
    pub(super) by_object: bool,
    pub(super) by_timecode: bool,
}

impl FinalHeader {
    /// The header of a file that is being written.
    pub(super) fn unfinished(header: &Header) -> Bytes {
        let (file, data) = header.patch_points();
        let flags = header.file().flags | FileProperties::BROADCAST;
        let mut bytes = BytesMut::from(header.as_bytes().as_ref());
        put(&mut bytes, file, 40, &0_u64.to_le_bytes());
        put(&mut bytes, file, 56, &[0; 24]);
        put(&mut bytes, file, 88, &flags.to_le_bytes());
        put(&mut bytes, data, 16, &(DATA_HEAD as u64).to_le_bytes());
        put(&mut bytes, data, 40, &0_u64.to_le_bytes());
        bytes.freeze()
    }

    pub(super) fn of(&self, header: &Header) -> Bytes {
        let (file, data) = header.patch_points();
        let mut bytes = BytesMut::from(header.as_bytes().as_ref());
        put(&mut bytes, file, 40, &self.file_size.to_le_bytes());
        if let Some((play, send)) = self.times {
            put(&mut bytes, file, 56, &self.packets.to_le_bytes());
            put(&mut bytes, file, 64, &to_ticks(play).to_le_bytes());
            put(&mut bytes, file, 72, &to_ticks(send).to_le_bytes());
        }
        if let Some(preroll) = self.preroll {
            let preroll = u64::try_from(preroll.as_millis()).unwrap_or(u64::MAX);
            put(&mut bytes, file, 80, &preroll.to_le_bytes());
        }
        put(&mut bytes, file, 88, &self.flags(header.file()).to_le_bytes());
        let packets = self.packets.saturating_mul(u64::from(header.file().packet_size));
        let size = (DATA_HEAD as u64).saturating_add(packets);
        put(&mut bytes, data, 16, &size.to_le_bytes());
        put(&mut bytes, data, 40, &self.packets.to_le_bytes());
        for object in changeable(header).filter(|object| match object.id {
            guid::INDEX_PARAMETERS => !self.indexes.by_time,
            guid::MEDIA_OBJECT_INDEX_PARAMETERS => !self.indexes.by_object,
            guid::TIMECODE_INDEX_PARAMETERS => !self.indexes.by_timecode,
            _ => false,
        }) {
            blank(&mut bytes, object);
        }
        if self.shift != Shift::default() {
            for object in changeable(header) {
                if let Some(body) = moved(object, self.shift) {
                    put(&mut bytes, object.offset, HEAD, &body);
                }
            }
        }
        // A signature covers the Header Object, without the Data Object behind it.
        if bytes.get(..data) != header.as_bytes().get(..data) {
            for object in changeable(header).filter(|object| object.id == guid::DIGITAL_SIGNATURE) {
                blank(&mut bytes, object);
            }
        }
        bytes.freeze()
    }

    fn flags(&self, file: &FileProperties) -> u32 {
        let seekable = FileProperties::SEEKABLE;
        let kept = if file.broadcast() { file.flags & seekable } else { file.flags };
        if self.seekable { kept | seekable } else { kept }
    }
}

/// The parts of the finished header that can differ from the unfinished one.
pub(super) fn patches(header: &Header, finished: &Bytes) -> Vec<Patch> {
    let (file, data) = header.patch_points();
    let fields = [
        file.saturating_add(40)..file.saturating_add(92),
        data.saturating_add(16)..data.saturating_add(48),
    ];
    fields
        .into_iter()
        .chain(changeable(header).map(|object| object.offset..object.end()))
        .filter_map(|range| {
            let offset = range.start as u64;
            let bytes = finished.get(range).map(|part| finished.slice_ref(part))?;
            Some(Patch { offset, bytes })
        })
        .collect()
}

/// The header without what a finished recording may have changed in it, or in one that is compared
/// with it.
pub(crate) fn without_what_finishing_changes(header: &Header, other: &Header) -> BytesMut {
    let mut bytes = BytesMut::from(header.as_bytes().as_ref());
    let (file, data) = header.patch_points();
    for (object, field) in
        [(file, 40..48), (file, 56..80), (file, 88..92), (data, 16..24), (data, 40..48)]
    {
        let range = object.saturating_add(field.start)..object.saturating_add(field.end);
        clear(&mut bytes, range);
    }
    // Identifier and body; the size stays, so that objects have to lie at the same places.
    for object in changeable(header).chain(changeable(other)) {
        clear(&mut bytes, object.offset..object.offset.saturating_add(16));
        clear(&mut bytes, object.offset.saturating_add(HEAD)..object.end());
    }
    bytes
}

fn changeable(header: &Header) -> impl Iterator<Item = &Object> {
    let objects = header.objects().iter().chain(header.extension_objects());
    objects.filter(|object| CHANGEABLE.contains(&object.id))
}

/// Makes padding of an object.
fn blank(bytes: &mut [u8], object: &Object) {
    put(bytes, object.offset, 0, &guid::PADDING.to_bytes_le());
    clear(bytes, object.offset.saturating_add(HEAD)..object.end());
}

fn clear(bytes: &mut [u8], range: Range<usize>) {
    bytes.get_mut(range).unwrap_or_default().fill(0);
}

fn put(bytes: &mut [u8], object: usize, field: usize, value: &[u8]) {
    put_at(bytes, object.saturating_add(field), value);
}
