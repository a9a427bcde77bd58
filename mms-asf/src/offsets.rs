//! Fields of fixed objects that are read and changed in place, as ranges of bytes from the start of
//! their object.

use std::ops::Range;

/// Every object (section 2.1 of the ASF specification).
pub(crate) mod object {
    use super::Range;

    pub(crate) const ID: Range<usize> = 0..16;
    pub(crate) const SIZE: Range<usize> = 16..24;
}

/// The Header Object (section 3.1 of the ASF specification), up to its children.
pub(crate) mod header {
    use super::Range;

    pub(crate) const RESERVED: Range<usize> = 28..30;
}

/// The File Properties Object (section 3.2 of the ASF specification).
pub(crate) mod file {
    use super::Range;

    pub(crate) const FILE_SIZE: Range<usize> = 40..48;
    pub(crate) const PACKET_COUNT: Range<usize> = 56..64;
    pub(crate) const PLAY_DURATION: Range<usize> = 64..72;
    pub(crate) const SEND_DURATION: Range<usize> = 72..80;
    pub(crate) const PREROLL: Range<usize> = 80..88;
    pub(crate) const FLAGS: Range<usize> = 88..92;
    pub(crate) const MIN_PACKET_SIZE: Range<usize> = 92..96;
    pub(crate) const PACKET_SIZE: Range<usize> = 96..100;
}

/// The Data Object (section 5.1 of the ASF specification), up to its packets.
pub(crate) mod data {
    use super::Range;

    pub(crate) const SIZE: Range<usize> = 16..24;
    pub(crate) const FILE_ID: Range<usize> = 24..40;
    pub(crate) const PACKET_COUNT: Range<usize> = 40..48;
    pub(crate) const RESERVED: Range<usize> = 48..50;
}

/// The field of the object that starts at `object`, in bytes from where that is counted.
pub(crate) fn at(object: usize, field: Range<usize>) -> Range<usize> {
    object.saturating_add(field.start)..object.saturating_add(field.end)
}

/// Writes `value` over the field of the object that starts at `object`.
pub(crate) fn put(bytes: &mut [u8], object: usize, field: Range<usize>, value: &[u8]) {
    debug_assert_eq!(field.len(), value.len(), "the value fills the field");
    put_at(bytes, object.saturating_add(field.start), value);
}

/// The 64-bit value of the field of the object that starts at `object`; `None` where `bytes` end
/// before.
pub(crate) fn u64(bytes: &[u8], object: usize, field: Range<usize>) -> Option<u64> {
    let field = bytes.get(at(object, field))?;
    field.first_chunk().map(|value| u64::from_le_bytes(*value))
}

/// Writes over the bytes from `at` on. What does not lie inside is left alone.
pub(crate) fn put_at(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(at..at.saturating_add(value.len())) {
        field.copy_from_slice(value);
    }
}

/// Writes zeros over these bytes. A range that does not lie inside is left alone.
pub(crate) fn clear(bytes: &mut [u8], range: Range<usize>) {
    bytes.get_mut(range).unwrap_or_default().fill(0);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::objects::{Body as _, FileProperties};
    use crate::testing::{self, TestStream};
    use crate::time::to_ticks;
    use crate::{Header, guid};

    #[test]
    fn file_properties_lie_where_they_are_written() {
        let mut properties = FileProperties::new(Uuid::from_u128(1), 0x0A0B_0C0D);
        properties.file_size = 0x1111_2222;
        properties.packet_count = 0x3333_4444;
        properties.play_duration = Duration::from_nanos(0x5555_6600);
        properties.send_duration = Duration::from_nanos(0x7777_8800);
        properties.preroll = Duration::from_millis(0x9999);
        properties.flags = 0xAAAA_BBBB;
        properties.min_packet_size = 0x0E0F_1011;
        let encoded = properties.encode().unwrap();
        let bytes = |field: Range<usize>| &encoded.bytes[field];
        let ticks = |time: Duration| to_ticks(time).to_le_bytes();
        assert_eq!(bytes(object::ID), guid::FILE_PROPERTIES.to_bytes_le());
        assert_eq!(bytes(object::SIZE), (encoded.bytes.len() as u64).to_le_bytes());
        assert_eq!(bytes(file::FILE_SIZE), 0x1111_2222_u64.to_le_bytes());
        assert_eq!(bytes(file::PACKET_COUNT), 0x3333_4444_u64.to_le_bytes());
        assert_eq!(bytes(file::PLAY_DURATION), ticks(properties.play_duration));
        assert_eq!(bytes(file::SEND_DURATION), ticks(properties.send_duration));
        assert_eq!(bytes(file::PREROLL), 0x9999_u64.to_le_bytes());
        assert_eq!(bytes(file::FLAGS), 0xAAAA_BBBB_u32.to_le_bytes());
        assert_eq!(bytes(file::MIN_PACKET_SIZE), 0x0E0F_1011_u32.to_le_bytes());
        assert_eq!(bytes(file::PACKET_SIZE), 0x0A0B_0C0D_u32.to_le_bytes());
    }

    #[test]
    fn the_data_object_lies_where_it_is_read() {
        let parsed = Header::parse(&testing::header(256, 9, &[TestStream::Audio(1)])).unwrap();
        let (bytes, (_, at_data)) = (parsed.as_bytes(), parsed.patch_points());
        assert_eq!(bytes[header::RESERVED], [1, 2]);
        assert_eq!(u64(bytes, at_data, data::SIZE), Some(parsed.data_size()));
        assert_eq!(bytes[at(at_data, data::FILE_ID)], parsed.file().file_id.to_bytes_le());
        assert_eq!(u64(bytes, at_data, data::PACKET_COUNT), Some(9));
        assert_eq!(bytes[at(at_data, data::RESERVED)], [1, 1]);
        assert_eq!(u64(&bytes[..at_data + 47], at_data, data::PACKET_COUNT), None);
    }
}
