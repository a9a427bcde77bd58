//! The media objects of real files, put into packets of another size.

use std::collections::BTreeMap;
use std::io::Cursor;

use bytes::{Bytes, BytesMut};
use mms_asf::objects::FileProperties;
use mms_asf::{FileError, FileReader, HeaderEditor, Muxer, Packet, Sample};

use super::{ms, read};
use crate::support::{self, Reader};

/// The whole media objects of a file in the order in which they are complete. Those shown before
/// the preroll is over count as shown then.
fn samples(reader: &mut Reader) -> Vec<Sample> {
    let file = reader.header().file().clone();
    let mut samples = Vec::new();
    let mut open = BTreeMap::<u8, (u32, BytesMut)>::new();
    for number in 0..reader.packet_count() {
        let bytes = reader.packet(number).unwrap();
        for payload in Packet::parse(&bytes, file.packet_size).unwrap().payloads() {
            let payload = payload.unwrap();
            let make = |time: u32, data: Bytes| {
                let time = ms(time.into()).saturating_sub(file.preroll);
                let mut sample = Sample::new(payload.stream, time, data);
                sample.key_frame = payload.key_frame;
                sample.extension_data = bytes.slice_ref(payload.extensions);
                sample
            };
            if payload.compressed.is_some() {
                let pieces = payload.pieces().map(Result::unwrap);
                samples.extend(pieces.map(|p| make(p.presentation_time, bytes.slice_ref(p.data))));
                continue;
            }
            let (object, data) = open.entry(payload.stream).or_default();
            if payload.offset == 0 {
                (*object, *data) = (payload.object_number, BytesMut::new());
            }
            if *object == payload.object_number && data.len() == payload.offset as usize {
                data.extend_from_slice(payload.data);
            }
            if !data.is_empty() && payload.object_size == u32::try_from(data.len()).ok() {
                samples.push(make(payload.presentation_time, data.split().freeze()));
            }
        }
    }
    samples
}

/// In packets of this size, with everything else as it was.
fn remux(reader: &Reader, size: u32, samples: &[Sample]) -> Result<Vec<u8>, FileError> {
    let mut editor = HeaderEditor::new(reader.header());
    editor.edit_each(|file: &mut FileProperties| {
        file.packet_size = size;
        true
    })?;
    let mut muxer = Muxer::new(Cursor::new(Vec::new()), &editor.finish()?)?;
    samples.iter().try_for_each(|sample| muxer.push(sample))?;
    Ok(muxer.finish()?.into_inner())
}

#[test]
fn real_media_objects_survive() {
    let (mut files, mut objects) = (0, 0);
    support::each_file(|name, mut reader| {
        let samples = samples(&mut reader);
        for size in [400, 3_200, 60_000] {
            let file = remux(&reader, size, &samples).unwrap_or_else(|e| panic!("{name}: {e}"));
            let made = FileReader::open(Cursor::new(&file)).unwrap();
            let header = made.header();
            let packets =
                header.len()..header.len() + usize::try_from(header.data_size()).unwrap() - 50;
            let found = read(&file[packets], size);
            let preroll = reader.header().file().preroll;
            for (stream, found) in &found {
                let wanted = samples.iter().filter(|sample| sample.stream == *stream);
                assert_eq!(wanted.clone().count(), found.len(), "{name}");
                for (sample, found) in wanted.zip(found) {
                    assert_eq!(ms(found.time.into()), sample.time + preroll, "{name}");
                    assert_eq!(found.key_frame, sample.key_frame, "{name}");
                    assert_eq!(found.extension_data, sample.extension_data, "{name}");
                    assert_eq!(found.data, sample.data, "{name}");
                }
            }
            assert_eq!(found.values().map(Vec::len).sum::<usize>(), samples.len(), "{name}");
            assert_eq!(header.file().file_size, file.len() as u64, "{name}");
            assert_eq!(header.streams().len(), reader.header().streams().len(), "{name}");
            // What a header does wrong that was not touched stays wrong.
            let mut deviations = header.deviations().iter();
            let before = reader.header().deviations();
            let new = deviations.find(|d| !before.contains(d));
            assert_eq!(new, None, "{name}");
            objects += samples.len();
        }
        files += 1;
    });
    if support::samples().is_some() {
        assert_eq!((files, objects), (81, 3 * 12_005));
    }
}
