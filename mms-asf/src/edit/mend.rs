//! Takes out of a header what makes strict readers refuse it.

use bytes::BytesMut;

use super::HeaderEditor;
use crate::header::{DATA_HEAD, RESERVED};
use crate::object::Object;
use crate::objects::{
    AnyBody, Body as _, ContentDescription, ExtendedContentDescription, ExtendedStreamProperties,
    FileProperties, StreamProperties,
};
use crate::offsets::{self, data, put};
use crate::{Deviation, Error, Header, Limits, StreamSet, guid};

/// The same header without any [`Deviation`]: sizes and counts are right, what
/// cannot be read or is there twice is gone. A header that has none is left as it is.
///
/// Fails when nothing is left that makes a header.
pub(crate) fn mend(header: &Header, limits: &Limits) -> Result<Header, Error> {
    if header.deviations().is_empty() {
        return Ok(header.clone());
    }
    // What lies behind the Header Object alone is no reason to write that anew.
    if header.deviations().iter().all(|d| matches!(d, Deviation::DataPacketCount { .. })) {
        return with_count(header.as_bytes().as_ref().into(), header.file(), limits);
    }
    let mut editor = HeaderEditor::new(header).with_limits(limits).with_room(0);
    let mut known = Known::default();
    editor.level.retain_mut(|object| known.keeps(object));
    editor.level.normalise();
    editor.edit_each(|file: &mut FileProperties| {
        file.min_packet_size = file.packet_size;
        true
    })?;
    let mended = editor.finish_anew()?;
    let mut bytes = BytesMut::from(mended.as_bytes().as_ref());
    let data_at = bytes.len().saturating_sub(DATA_HEAD);
    put(&mut bytes, 0, offsets::header::RESERVED, &RESERVED);
    let file_id = mended.file().file_id.to_bytes_le();
    put(&mut bytes, data_at, data::FILE_ID, &file_id);
    put(&mut bytes, data_at, data::RESERVED, &[1, 1]);
    with_count(bytes, mended.file(), limits)
}

/// The header of these bytes with the number of packets of File Properties in the Data Object.
fn with_count(
    mut bytes: BytesMut,
    file: &FileProperties,
    limits: &Limits,
) -> Result<Header, Error> {
    let data_at = bytes.len().saturating_sub(DATA_HEAD);
    put(&mut bytes, data_at, data::PACKET_COUNT, &file.packet_count.to_le_bytes());
    Header::parse_with(&bytes.freeze(), limits)
}

/// What was there already.
#[derive(Default)]
struct Known {
    file: bool,
    content: bool,
    streams: StreamSet,
    /// The streams that something more was said about.
    extended: Vec<u16>,
}

impl Known {
    fn keeps(&mut self, object: &mut Object) -> bool {
        restore_readable(object);
        match AnyBody::decode(object) {
            Err(_) => false,
            // Too short for what it has in front of its children.
            Ok(_) if object.id == guid::HEADER_EXTENSION => false,
            Ok(AnyBody::FileProperties(_)) => !std::mem::replace(&mut self.file, true),
            Ok(AnyBody::ContentDescription(_)) => !std::mem::replace(&mut self.content, true),
            Ok(AnyBody::StreamProperties(stream)) => self.is_new(stream.number()),
            Ok(AnyBody::ExtendedStreamProperties(mut extended)) => {
                let again = self.extended.contains(&extended.number);
                self.extended.push(extended.number);
                let declares = extended.nested.as_ref().map(|nested| nested.id);
                if declares == Some(guid::STREAM_PROPERTIES) {
                    let new = matches!(extended.stream(), Some(Ok(s)) if self.is_new(s.number()));
                    return new || (!again && without_nested(&mut extended, object));
                }
                !again
            }
            Ok(_) => true,
        }
    }

    fn is_new(&mut self, number: u8) -> bool {
        self.streams.insert(number) && number != 0
    }
}

/// Writes what can be read of a text that was cut, and of a stream whose lengths do not fit.
fn restore_readable(object: &mut Object) {
    let readable = match object.id {
        guid::CONTENT_DESCRIPTION => ContentDescription::read_damaged(object)
            .filter(|(_, whole)| !whole)
            .and_then(|(content, _)| content.encode().ok()),
        guid::EXTENDED_CONTENT_DESCRIPTION if AnyBody::decode(object).is_err() => {
            ExtendedContentDescription::read_damaged(object).and_then(|tags| tags.encode().ok())
        }
        guid::STREAM_PROPERTIES if AnyBody::decode(object).is_err() => {
            StreamProperties::read_damaged(object).and_then(|stream| stream.encode().ok())
        }
        _ => None,
    };
    if let Some(readable) = readable {
        *object = readable;
    }
}

/// Takes out the stream that is declared in here.
fn without_nested(extended: &mut ExtendedStreamProperties, object: &mut Object) -> bool {
    extended.nested = None;
    extended.encode().map(|encoded| *object = encoded).is_ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::testing::{TestStream, header_with, object};

    fn header(more: &[Bytes]) -> Header {
        let bytes = header_with(256, 3, 2, &[TestStream::Audio(1)], more);
        Header::parse(&bytes).unwrap()
    }

    fn mended(bytes: Bytes) -> Header {
        let header = Header::parse(&bytes).unwrap();
        assert_ne!(header.deviations(), []);
        let mended = mend(&header, &Limits::default()).unwrap();
        assert_eq!(mended.deviations(), [], "{header:?}");
        assert_eq!(mended.streams(), header.streams());
        assert_eq!(mended.file().file_id, header.file().file_id);
        mended
    }

    #[test]
    fn a_good_header_stays() {
        let header = header(&[object(guid::PADDING, b"abc")]);
        assert_eq!(mend(&header, &Limits::default()), Ok(header));
    }

    #[test]
    fn lengths_in_a_stream_that_do_not_fit() {
        let good = header(&[]);
        let stream = good.objects().iter().find(|o| o.id == guid::STREAM_PROPERTIES).unwrap();
        let at = good.as_bytes().windows(16).position(|id| id == &stream.bytes[..16]).unwrap();
        // Those of the type-specific and of the error correction data.
        for field in [64, 68] {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at + field + 1] = 251;
            let found = Header::parse(&bytes.into()).unwrap();
            assert_eq!(found.streams(), []);
            let mended = mend(&found, &Limits::default()).unwrap();
            assert_eq!(mended.deviations(), []);
            assert_eq!(mended.streams(), good.streams());
        }
    }

    #[test]
    fn counts_and_sizes_that_lie() {
        let good = header(&[]);
        let mut count = good.as_bytes().to_vec();
        count[24] += 1;
        assert_eq!(mended(count.into()).as_bytes(), good.as_bytes());
        let mut ids = good.as_bytes().to_vec();
        let at = ids.len() - 26;
        ids[at] ^= 1;
        *ids.last_mut().unwrap() ^= 1;
        assert_eq!(mended(ids.into()).as_bytes(), good.as_bytes());
        let mut sizes = good.as_bytes().to_vec();
        sizes[30 + 92] ^= 1;
        assert_eq!(mended(sizes.into()).as_bytes(), good.as_bytes());
    }

    #[test]
    fn a_count_behind_the_header_leaves_its_signature() {
        let good = header(&[object(guid::DIGITAL_SIGNATURE, &[2, 0, 0, 0, 0, 0, 0, 0])]);
        let mut count = good.as_bytes().to_vec();
        let at = count.len() - 10;
        count[at] ^= 1;
        assert_eq!(mended(count.into()).as_bytes(), good.as_bytes());
    }

    #[test]
    fn what_is_too_much() {
        let good = header(&[]);
        let streams = |object: &&Object| object.id == guid::STREAM_PROPERTIES;
        let stream = good.objects().iter().find(streams).unwrap().bytes.clone();
        let file = good.objects().iter().find(|o| o.id == guid::FILE_PROPERTIES).unwrap();
        let unreadable = object(guid::STREAM_BITRATE_PROPERTIES, &[9]);
        for more in [
            vec![stream],
            vec![file.bytes.clone()],
            vec![unreadable],
            vec![object(guid::HEADER_EXTENSION, &[9])],
            vec![Bytes::from_static(b"eleven byte")],
        ] {
            let header = mended(header(&more).as_bytes().clone());
            let objects = header.objects().iter().filter(|object| object.id != guid::PADDING);
            let kept: Vec<_> = objects.map(|object| object.id).collect();
            let before: Vec<_> = good.objects().iter().map(|object| object.id).collect();
            assert_eq!(kept, before);
        }
    }
}
