//! The header of a recording before and after: fields change in place, lengths never.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Patch;
use super::moved::moved;
use crate::header::DATA_HEAD;
use crate::object::{HEAD, Object};
use crate::offsets::{self, at, clear, data, file, put, put_at};
use crate::time::to_ticks;
use crate::{FileProperties, Header, Shift, guid};

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
        let (file_at, data_at) = header.patch_points();
        let flags = header.file().flags | FileProperties::BROADCAST;
        let mut bytes = BytesMut::from(header.as_bytes().as_ref());
        put(&mut bytes, file_at, file::FILE_SIZE, &0_u64.to_le_bytes());
        for field in [file::PACKET_COUNT, file::PLAY_DURATION, file::SEND_DURATION] {
            clear(&mut bytes, at(file_at, field));
        }
        put(&mut bytes, file_at, file::FLAGS, &flags.to_le_bytes());
        put(&mut bytes, data_at, data::SIZE, &(DATA_HEAD as u64).to_le_bytes());
        put(&mut bytes, data_at, data::PACKET_COUNT, &0_u64.to_le_bytes());
        bytes.freeze()
    }

    pub(super) fn of(&self, header: &Header) -> Bytes {
        let (file_at, data_at) = header.patch_points();
        let mut bytes = BytesMut::from(header.as_bytes().as_ref());
        put(&mut bytes, file_at, file::FILE_SIZE, &self.file_size.to_le_bytes());
        if let Some((play, send)) = self.times {
            put(&mut bytes, file_at, file::PACKET_COUNT, &self.packets.to_le_bytes());
            put(&mut bytes, file_at, file::PLAY_DURATION, &to_ticks(play).to_le_bytes());
            put(&mut bytes, file_at, file::SEND_DURATION, &to_ticks(send).to_le_bytes());
        }
        if let Some(preroll) = self.preroll {
            let preroll = u64::try_from(preroll.as_millis()).unwrap_or(u64::MAX);
            put(&mut bytes, file_at, file::PREROLL, &preroll.to_le_bytes());
        }
        put(&mut bytes, file_at, file::FLAGS, &self.flags(header.file()).to_le_bytes());
        let packets = self.packets.saturating_mul(u64::from(header.file().packet_size));
        let size = (DATA_HEAD as u64).saturating_add(packets);
        put(&mut bytes, data_at, data::SIZE, &size.to_le_bytes());
        put(&mut bytes, data_at, data::PACKET_COUNT, &self.packets.to_le_bytes());
        for object in header.changeable().filter(|object| match object.id {
            guid::INDEX_PARAMETERS => !self.indexes.by_time,
            guid::MEDIA_OBJECT_INDEX_PARAMETERS => !self.indexes.by_object,
            guid::TIMECODE_INDEX_PARAMETERS => !self.indexes.by_timecode,
            _ => false,
        }) {
            blank(&mut bytes, object);
        }
        if self.shift != Shift::default() {
            for object in header.changeable() {
                if let Some(body) = moved(object, self.shift) {
                    put_at(&mut bytes, object.offset.saturating_add(HEAD), &body);
                }
            }
        }
        // A signature covers the Header Object, without the Data Object behind it.
        if bytes.get(..data_at) != header.as_bytes().get(..data_at) {
            for object in header.changeable().filter(|object| object.id == guid::DIGITAL_SIGNATURE)
            {
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
    let (file_at, data_at) = header.patch_points();
    let fields = [
        at(file_at, file::FILE_SIZE.start..file::FLAGS.end),
        at(data_at, data::SIZE.start..data::PACKET_COUNT.end),
    ];
    fields
        .into_iter()
        .chain(header.changeable().map(|object| object.offset..object.end()))
        .filter_map(|range| {
            let offset = range.start as u64;
            let bytes = finished.get(range).map(|part| finished.slice_ref(part))?;
            Some(Patch { offset, bytes })
        })
        .collect()
}

/// Makes padding of an object.
fn blank(bytes: &mut [u8], object: &Object) {
    put(bytes, object.offset, offsets::object::ID, &guid::PADDING.to_bytes_le());
    clear(bytes, object.offset.saturating_add(HEAD)..object.end());
}
