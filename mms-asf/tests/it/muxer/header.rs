//! What the header of a finished file says, and which indexes follow the packets.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use mms_asf::formats::VideoFormat;
use mms_asf::objects::{
    Body, ExtendedStreamProperties, FileProperties, IndexParameters, StreamBitrate, StreamBitrates,
    StreamProperties,
};
use mms_asf::{FileReader, Header, HeaderEditor, IndexKind, IndexObject, IndexSpecifier, guid};
use uuid::Uuid;

use super::{FILE_ID, header, key, ms, parts, sample, write};

#[test]
fn the_header_says_what_was_written() {
    let header = header(1_000, 3_000, &[1, 2]);
    let samples: Vec<_> = (0..50)
        .flat_map(|n| {
            let mut video = sample(2, n * 100, 900);
            video.key_frame = n % 20 == 0;
            [sample(1, n * 100, 800), video]
        })
        .collect();
    let file = write(&header, &samples);
    let (finished, _, indexes) = parts(&file);
    let facts = finished.file();
    // The last block of audio lasts 100 ms at 8,000 bytes a second.
    assert_eq!((facts.play_duration, facts.send_duration), (ms(8_000), ms(5_000)));
    assert_eq!(facts.media_duration(), ms(5_000));
    assert!(facts.seekable());
    assert_eq!(u64::from(facts.max_bit_rate), facts.packet_count * 1_000 * 8 / 5);
    let rates: Vec<_> = finished.streams().iter().map(|stream| stream.bit_rate).collect();
    let rate = |len: u32, payloads: u32| Some((50 * len + payloads * 17) * 8 / 5);
    assert!(rates[0] >= rate(800, 50) && rates[0] <= rate(800, 100), "{rates:?}");
    assert!(rates[1] >= rate(900, 50) && rates[1] <= rate(900, 100), "{rates:?}");
    // Key frames are shown at 3, 5 and 7 seconds.
    let [index] = &indexes[..] else { panic!("{indexes:?}") };
    let targets: Vec<_> = index.iter().map(|entry| entry.0).collect();
    let at = |n: u32| targets[n as usize];
    assert_eq!(index.len(), 8);
    assert!(at(0) == 0 && at(4) == 0 && at(5) > 25 && at(5) == at(6) && at(7) > at(6), "{index:?}");
}

#[test]
fn frames_are_shown_in_another_order_than_they_are_written() {
    let header = header(1_000, 1_000, &[2]);
    let mut samples: Vec<_> =
        [0, 120, 40, 80, 240, 160, 200].map(|time| sample(2, time, 900)).into();
    samples[0].key_frame = true;
    let (finished, ..) = parts(&write(&header, &samples));
    assert_eq!(finished.file().media_duration(), ms(280));
    // The last one is not always the one that is shown last.
    samples[4].duration = Some(ms(50));
    let (finished, ..) = parts(&write(&header, &samples));
    assert_eq!(finished.file().media_duration(), ms(290));
}

/// A header without padding that declares video, and at which rate.
fn video(file: &FileProperties) -> HeaderEditor {
    let mut editor = HeaderEditor::create(file).unwrap().with_room(0);
    let format = VideoFormat::new(*b"WMV3", 320, 240).into();
    editor.add(&StreamProperties::with_format(2, &format).unwrap()).unwrap();
    let mut rates = StreamBitrates::default();
    rates.records = vec![StreamBitrate::new(2, 55_000)];
    editor.add(&rates).unwrap();
    editor
}

#[test]
fn what_the_header_said_before_stays() {
    let mut file = FileProperties::new(FILE_ID, 1_000);
    (file.max_bit_rate, file.flags) = (77_000, FileProperties::BROADCAST | 8);
    (file.file_size, file.packet_count, file.play_duration) = (123, 456, ms(789));
    let mut editor = video(&file);
    editor.add(&IndexParameters::default()).unwrap();
    let header = editor.finish().unwrap();
    let mut picture = key(2, 0, 10);
    picture.duration = Some(ms(40));
    let file = write(&header, &[picture]);
    let (finished, packets, indexes) = parts(&file);
    assert_eq!((packets.len(), indexes), (1_000, vec![vec![(0, 1)]]));
    assert_eq!(finished.file().max_bit_rate, 77_000);
    assert_eq!(finished.stream(2).unwrap().bit_rate, Some(55_000));
    assert_eq!(finished.file().flags, FileProperties::SEEKABLE | 8);
    let announced = finished.extension_objects().iter().any(|o| o.id == guid::INDEX_PARAMETERS);
    assert!(!announced, "an index that is not there");
}

#[test]
fn extended_properties_say_what_was_written() {
    let declared = |number: u16, largest: u32, rate: u32| {
        let mut stream = ExtendedStreamProperties::default();
        (stream.number, stream.max_object_size) = (number, largest);
        (stream.average.bit_rate, stream.peak.bit_rate) = (rate, 99_000);
        (stream.start_time, stream.end_time) = (ms(10), ms(20));
        stream
    };
    let mut editor = HeaderEditor::new(&header(1_000, 3_000, &[1, 2]));
    editor.add(&declared(1, 50, 64_000)).unwrap();
    editor.add(&declared(2, 5_000, 0)).unwrap();
    let header = editor.finish().unwrap();
    let samples: Vec<_> =
        (0..20).flat_map(|n| [sample(1, n * 100, 70), key(2, n * 100, 900)]).collect();
    let file = write(&header, &samples);
    let (finished, ..) = parts(&file);
    let objects = finished.extension_objects().iter();
    let found: Vec<_> = objects.filter_map(|o| ExtendedStreamProperties::decode(o).ok()).collect();
    let [audio, video] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (audio.max_object_size, audio.average.bit_rate),
        (70, 64_000),
        "more, and as it was"
    );
    assert_eq!(video.max_object_size, 5_000, "as large as they may be");
    assert_eq!(Some(video.average.bit_rate), finished.stream(2).unwrap().bit_rate);
    for stream in found {
        assert_eq!((stream.start_time, stream.end_time), (ms(0), ms(0)));
        assert_eq!(stream.peak.bit_rate, 99_000);
    }
}

/// The header with five bytes behind the fields of an object.
fn longer(header: &Header, id: Uuid) -> Header {
    let mut bytes = header.as_bytes().to_vec();
    let find = |id: Uuid| header.as_bytes().windows(16).position(|w| w == id.to_bytes_le());
    let (at, extension) = (find(id).unwrap(), find(guid::HEADER_EXTENSION).unwrap());
    let size = u64::from_le_bytes(*bytes[at + 16..].first_chunk().unwrap());
    let end = at + usize::try_from(size).unwrap();
    // The object, the header, and what is in between: its own size and that of its data.
    let inside = (extension < at).then_some([extension + 16, extension + 42]);
    for field in [at + 16, 16].into_iter().chain(inside.into_iter().flatten()) {
        let value = u32::from_le_bytes(*bytes[field..].first_chunk().unwrap()) + 5;
        bytes[field..field + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes.splice(end..end, [7; 5]);
    Header::parse(&bytes.into()).unwrap()
}

#[test]
fn bytes_behind_the_last_field_do_not_move_the_packets() {
    // Without padding to make up for it, and with nothing to be changed but at the end.
    let mut file = FileProperties::new(FILE_ID, 1_000);
    (file.flags, file.min_packet_size) = (FileProperties::BROADCAST, 1_000);
    let mut editor = video(&file);
    let mut stream = ExtendedStreamProperties::default();
    stream.number = 2;
    editor.add(&stream).unwrap();
    let header = editor.finish().unwrap();
    for id in [guid::FILE_PROPERTIES, guid::EXTENDED_STREAM_PROPERTIES] {
        let longer = longer(&header, id);
        let file = write(&longer, &[key(2, 0, 450), key(2, 40, 450)]);
        let (finished, packets, indexes) = parts(&file);
        assert_eq!((packets.len(), indexes.len()), (1_000, 1));
        assert_eq!(finished.file().file_size, file.len() as u64);
    }
}

#[test]
fn an_index_that_is_announced_is_made() {
    let mut parameters = IndexParameters::default();
    parameters.interval = 1_000;
    parameters.specifiers = vec![IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame }];
    let mut editor = HeaderEditor::new(&header(200, 0, &[1]));
    editor.add(&parameters).unwrap();
    let announced = editor.finish().unwrap();
    let samples: Vec<_> = (0..4).map(|n| sample(1, n * 1_000, 150)).collect();
    let file = write(&announced, &samples);
    let reader = FileReader::open(Cursor::new(&file)).unwrap();
    let data = reader.header().len() + 4 * 200;
    let index = IndexObject::parse(&Bytes::copy_from_slice(&file[data..])).unwrap();
    let IndexObject::Index(index) = index else { panic!("{index:?}") };
    assert_eq!(
        (0..4).map(|n| index.target(0, n)).collect::<Vec<_>>(),
        [0, 200, 400, 600].map(Some)
    );
    assert_eq!(reader.header().find::<IndexParameters>(), Some(Ok(parameters)));

    // Without an entry there is none.
    let file = write(&announced, &[]);
    let (finished, ..) = parts(&file);
    assert_eq!(finished.find::<IndexParameters>(), None);
}

#[test]
fn a_file_without_objects() {
    let file = write(&header(200, 3_000, &[1]), &[]);
    let (finished, packets, indexes) = parts(&file);
    assert_eq!((packets.len(), indexes.len()), (0, 0));
    assert_eq!(finished.file().play_duration, Duration::ZERO);
    assert_eq!(finished.file().max_bit_rate, 0);
}

#[test]
fn stream_properties_are_written_as_declared() {
    let header = header(200, 0, &[1, 2, 3, 5]);
    let file = write(&header, &[sample(1, 0, 10)]);
    let (finished, ..) = parts(&file);
    let streams = |header: &Header| -> Vec<_> {
        let objects = header.objects().iter().filter(|o| o.id == StreamProperties::ID);
        objects.map(|o| o.bytes.clone()).collect()
    };
    assert_eq!(streams(&finished).len(), 4);
    assert_eq!(streams(&finished), streams(&header));
}
