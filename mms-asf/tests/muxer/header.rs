//! What the header of a finished file says, and which indexes follow the packets.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use mms_asf::formats::VideoFormat;
use mms_asf::objects::{
    Body, FileProperties, IndexParameters, StreamBitrate, StreamBitrates, StreamProperties,
};
use mms_asf::{FileReader, Header, HeaderEditor, IndexKind, IndexObject, IndexSpecifier, guid};

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
fn what_the_header_said_before_stays() {
    let mut file = FileProperties::new(FILE_ID, 1_000);
    (file.max_bit_rate, file.flags) = (77_000, FileProperties::BROADCAST | 8);
    (file.file_size, file.packet_count, file.play_duration) = (123, 456, ms(789));
    let mut editor = HeaderEditor::create(&file).unwrap().with_room(0);
    let stream = VideoFormat::new(*b"WMV3", 320, 240).into();
    editor.add(&StreamProperties::with_format(2, &stream).unwrap()).unwrap();
    let mut rates = StreamBitrates::default();
    rates.records = vec![StreamBitrate::new(2, 55_000)];
    editor.add(&rates).unwrap();
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
