//! The header of a file, made the header of a broadcast.

use bytes::{Bytes, BytesMut};
use std::time::Duration;

use mms_asf::{FileProperties, Header, HeaderEditor};

/// The fixed part of the Data Object, in bytes.
const DATA_HEAD: usize = 50;

/// The header with the broadcast flag, and without what only holds for the file as a whole:
/// players that find a duration or a number of packets wait for all of them, and FFmpeg never ends
/// (T45). Packets lie where they did: its length stays, unless it was signed.
pub(super) fn as_broadcast(header: &Header) -> Bytes {
    let mut editor = HeaderEditor::new(header).with_room(0);
    let edited = editor.edit_each(|file: &mut FileProperties| {
        file.flags = (file.flags & !FileProperties::SEEKABLE) | FileProperties::BROADCAST;
        (file.file_size, file.packet_count) = (0, 0);
        (file.play_duration, file.send_duration) = (Duration::ZERO, Duration::ZERO);
        true
    });
    match edited.and_then(|()| editor.finish()) {
        Ok(changed) => without_count(changed.as_bytes()),
        // A second File Properties Object that cannot be read: nobody reads it.
        Err(_) => header.as_bytes().clone(),
    }
}

/// The Data Object's size and number of packets as FFmpeg writes them into a pipe.
fn without_count(header: &[u8]) -> Bytes {
    let mut bytes = BytesMut::from(header);
    let at = bytes.len().saturating_sub(DATA_HEAD);
    let mut put = |offset: usize, value: u64| {
        let start = at.saturating_add(offset);
        if let Some(field) = bytes.get_mut(start..start.saturating_add(8)) {
            field.copy_from_slice(&value.to_le_bytes());
        }
    };
    put(16, DATA_HEAD as u64);
    put(40, 0);
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{self, TestStream};

    use super::*;

    #[test]
    fn a_file_becomes_a_broadcast_of_equal_length() {
        let streams = [TestStream::Audio(1), TestStream::Video(2)];
        let file = Header::parse(&testing::header(200, 70_000, &streams)).unwrap();
        let bytes = as_broadcast(&file);
        let live = Header::parse(&bytes).unwrap();
        assert_eq!(bytes.len(), file.len());
        let properties = live.file();
        assert!(properties.broadcast() && !properties.seekable());
        assert_eq!((properties.packet_count, properties.file_size), (0, 0));
        assert_eq!(properties.play_duration, Duration::ZERO);
        assert_eq!(properties.preroll, file.file().preroll);
        assert_eq!(live.data_size(), 50);
        assert_eq!(bytes[bytes.len() - 10..], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert!(live.same_stream(&file));
        assert_eq!(as_broadcast(&live), bytes);
    }
}
