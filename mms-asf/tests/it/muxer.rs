//! Files made of media objects: what went in comes out again, and the header and the indexes say
//! what is there.

mod header;
mod real;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use mms_asf::formats::{AudioFormat, StreamFormat, VideoFormat};
use mms_asf::objects::{FileProperties, StreamProperties};
use mms_asf::{
    Error, FileError, FileReader, Header, HeaderEditor, Limits, Muxer, Packet, Packetizer, Sample,
    guid,
};
use proptest::prelude::*;
use uuid::Uuid;

const FILE_ID: Uuid = Uuid::from_u128(0x1234_5678);
/// Smaller parts of a media object are not worth their heads.
const SMALLEST_PART: usize = 32;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Streams 1 (audio), 2 (video), 5 (video) and 3 (commands).
fn header(packet_size: u32, preroll: u64, streams: &[u8]) -> Header {
    let mut file = FileProperties::new(FILE_ID, packet_size);
    file.preroll = ms(preroll);
    let mut editor = HeaderEditor::create(&file).unwrap();
    for &number in streams {
        let format = match number {
            1 => {
                let mut audio = AudioFormat::new(AudioFormat::WMA_2, 2, 44_100);
                audio.avg_bytes = 8_000;
                StreamFormat::from(audio)
            }
            3 => StreamFormat::Command,
            _ => VideoFormat::new(*b"WMV3", 320, 240).into(),
        };
        editor.add(&StreamProperties::with_format(number, &format).unwrap()).unwrap();
    }
    editor.finish().unwrap()
}

fn sample(stream: u8, time: u64, len: usize) -> Sample {
    let filler = u8::try_from(time % 251).unwrap();
    Sample::new(stream, ms(time), vec![filler; len].into())
}

fn key(stream: u8, time: u64, len: usize) -> Sample {
    let mut sample = sample(stream, time, len);
    sample.key_frame = true;
    sample
}

fn write(header: &Header, samples: &[Sample]) -> Vec<u8> {
    let mut muxer = Muxer::new(Cursor::new(Vec::new()), header).unwrap();
    for sample in samples {
        muxer.push(sample).unwrap();
    }
    muxer.finish().unwrap().into_inner()
}

/// A media object put together again.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    time: u32,
    key_frame: bool,
    extension_data: Vec<u8>,
    data: Vec<u8>,
    /// The packets in which it starts and ends.
    packets: (usize, usize),
}

/// What the packets of one file hold, by stream, with everything checked that holds for all.
fn read(packets: &[u8], packet_size: u32) -> BTreeMap<u8, Vec<Found>> {
    let mut found = BTreeMap::<u8, Vec<Found>>::new();
    let mut sent = 0;
    assert_eq!(packets.len() % packet_size as usize, 0);
    for (index, bytes) in packets.chunks(packet_size as usize).enumerate() {
        let packet = Packet::parse(bytes, packet_size).unwrap();
        assert_eq!(&bytes[..3], [0x82, 0, 0]);
        assert_eq!(bytes[4], 0x5D);
        assert!(packet.send_time() >= sent, "packet {index}");
        sent = packet.send_time();
        let padding = packet.padding_field();
        assert_eq!(packet.length_field().width, 0);
        assert_eq!(packet.payload_end(), Some(bytes.len() - padding.value as usize));
        let payloads: Vec<_> = packet.payloads().map(Result::unwrap).collect();
        assert_eq!(packet.is_multiple(), payloads.len() > 1, "packet {index}");
        assert!(payloads.len() <= 63);
        for payload in payloads {
            assert!(payload.presentation_time >= sent, "packet {index}");
            let size = payload.object_size.unwrap() as usize;
            assert!(payload.data.len() >= size.min(SMALLEST_PART), "packet {index}");
            let objects = found.entry(payload.stream).or_default();
            if payload.offset == 0 {
                assert_eq!(payload.object_number as usize, objects.len() % 256);
                objects.push(Found {
                    time: payload.presentation_time,
                    key_frame: payload.key_frame,
                    extension_data: payload.extensions.to_vec(),
                    data: Vec::new(),
                    packets: (index, index),
                });
            }
            let number = (objects.len() - 1) % 256;
            let object = objects.last_mut().unwrap();
            assert_eq!(payload.object_number as usize, number);
            assert_eq!(payload.offset as usize, object.data.len());
            assert_eq!(payload.presentation_time, object.time);
            assert_eq!(payload.key_frame, object.key_frame);
            object.data.extend_from_slice(payload.data);
            object.packets.1 = index;
            assert!(object.data.len() <= size);
        }
    }
    found
}

/// The entries of a Simple Index: packet numbers and counts.
type Entries = Vec<(u32, u16)>;

/// A finished file in parts: header, packets, Simple Indexes.
fn parts(file: &[u8]) -> (Header, &[u8], Vec<Entries>) {
    let reader = FileReader::open(Cursor::new(file)).unwrap();
    let header = reader.header().clone();
    assert_eq!(header.deviations(), []);
    assert_eq!(header.file().packet_count, reader.packet_count());
    assert_eq!(header.file().file_size, file.len() as u64);
    assert_eq!(header.file().min_packet_size, header.file().packet_size);
    assert!(!header.file().broadcast());
    let packets = usize::try_from(header.data_size()).unwrap() - 50;
    assert_eq!(packets as u64, reader.packet_count() * u64::from(header.file().packet_size));
    let (packets, mut rest) = file[header.len()..].split_at(packets);
    let mut indexes = Vec::new();
    while !rest.is_empty() {
        assert_eq!(rest[..16], guid::SIMPLE_INDEX.to_bytes_le());
        assert_eq!(rest[24..40], FILE_ID.to_bytes_le());
        let field = |at: usize| u64::from_le_bytes(*rest[at..].first_chunk().unwrap());
        let size = usize::try_from(field(16)).unwrap();
        let entries: Vec<_> = rest[56..size]
            .chunks(6)
            .map(|e| {
                (u32::from_le_bytes([e[0], e[1], e[2], e[3]]), u16::from_le_bytes([e[4], e[5]]))
            })
            .collect();
        assert_eq!(field(40), if entries.is_empty() { 0 } else { 10_000_000 });
        let most = entries.iter().map(|&(_, count)| u64::from(count)).max().unwrap_or(0);
        assert_eq!(field(48), most | (entries.len() as u64) << 32);
        indexes.push(entries);
        rest = &rest[size..];
    }
    (header, packets, indexes)
}

/// Media objects in an order that a preroll of this many milliseconds allows.
fn samples(preroll: u64, most: usize) -> impl Strategy<Value = Vec<Sample>> {
    let size = prop_oneof![4 => 1..200_usize, 2 => 1..3_000_usize, 1 => Just(9_000)];
    let one = (
        prop::sample::select(vec![1_u8, 2, 3, 5]),
        0..900_u64,
        0..=preroll,
        size,
        any::<[bool; 2]>(),
        prop::collection::vec(any::<u8>(), 0..10),
        (any::<u8>(), prop::option::of(0..3_000_u64)),
    );
    prop::collection::vec(one, 0..most).prop_map(|list| {
        let mut clock = 0;
        let mut samples = Vec::new();
        for (stream, step, back, len, [key_frame, extended], extension, (byte, duration)) in list {
            clock += step;
            let back = if step % 3 == 0 { back.min(clock) } else { 0 };
            let data: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap() ^ byte).collect();
            let mut sample = Sample::new(stream, ms(clock - back), data.into());
            sample.key_frame = key_frame;
            sample.duration = duration.map(ms);
            if extended {
                sample.extension_data = Bytes::from(extension);
            }
            samples.push(sample);
        }
        samples
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_goes_in_comes_out(
        (preroll, samples) in (0..4_000_u64).prop_flat_map(|preroll| (Just(preroll), samples(preroll, 60))),
        packet_size in prop_oneof![100..400_u32, 400..4_000_u32, Just(65_535)],
    ) {
        let header = header(packet_size, preroll, &[1, 2, 3, 5]);
        let file = write(&header, &samples);
        let (finished, packets, indexes) = parts(&file);
        let found = read(packets, packet_size);

        let mut wanted = BTreeMap::<u8, Vec<&Sample>>::new();
        for sample in &samples {
            wanted.entry(sample.stream).or_default().push(sample);
        }
        prop_assert_eq!(found.len(), wanted.len());
        for (stream, samples) in &wanted {
            prop_assert_eq!(found[stream].len(), samples.len());
            for (found, sample) in found[stream].iter().zip(samples) {
                prop_assert_eq!(u128::from(found.time), (sample.time + ms(preroll)).as_millis());
                prop_assert_eq!(found.key_frame, sample.key_frame);
                prop_assert_eq!(&found.extension_data, &sample.extension_data);
                prop_assert_eq!(&found.data, &sample.data);
            }
        }

        // Durations that are given count; those that are not have a bound.
        let end = |guess: u64| {
            let guess = ms(guess);
            let ends = samples.iter().map(|s| s.time + s.duration.unwrap_or(guess));
            ends.max().map_or(Duration::ZERO, |end| end + ms(preroll))
        };
        let play = finished.file().play_duration;
        prop_assert!((end(0)..=end(2_000)).contains(&play), "{:?}", play);
        let sends: Vec<_> = packets
            .chunks(packet_size as usize)
            .map(|bytes| Packet::parse(bytes, packet_size).unwrap())
            .map(|packet| (packet.send_time(), packet.duration()))
            .collect();
        let sent = sends.first().zip(sends.last()).map_or(0, |(first, last)| {
            u64::from(last.0 - first.0) + u64::from(last.1)
        });
        prop_assert_eq!(finished.file().send_duration, ms(sent));
        prop_assert_eq!(finished.file().preroll, ms(preroll));

        // Each entry points to the last key frame shown by then.
        let videos = [2, 5].map(|number| {
            let objects = found.get(&number).map(Vec::as_slice).unwrap_or_default();
            objects.iter().filter(|object| object.key_frame).collect::<Vec<_>>()
        });
        let indexed = videos.iter().rposition(|keys| !keys.is_empty()).map_or(0, |last| last + 1);
        prop_assert_eq!(indexes.len(), indexed);
        for (index, keys) in indexes.iter().zip(&videos) {
            let entries = if keys.is_empty() { 0 } else { play.as_millis().div_ceil(1_000) };
            prop_assert_eq!(index.len() as u128, entries);
            if !keys.is_sorted_by_key(|key| key.time) {
                continue;
            }
            for (number, entry) in (0..).zip(index) {
                let target = keys.iter().rfind(|key| key.time <= number * 1_000);
                let (first, last) = target.map_or((0, keys[0].packets.1), |key| key.packets);
                prop_assert_eq!(entry.0 as usize, first);
                prop_assert_eq!(usize::from(entry.1), last - first + 1);
            }
        }
        let seekable = videos.iter().all(|keys| !keys.is_empty());
        prop_assert_eq!(finished.file().seekable(), seekable);
    }

    /// Polling late, or giving out packets early, changes nothing but where packets end.
    #[test]
    fn flushing_loses_nothing(samples in samples(1_000, 30), flushed in any::<u32>()) {
        let header = header(500, 1_000, &[1, 2, 3, 5]);
        let mut packetizer = Packetizer::new(&header).unwrap();
        for (at, sample) in samples.iter().enumerate() {
            packetizer.push(sample).unwrap();
            if flushed >> at & 1 != 0 {
                packetizer.flush();
            }
        }
        packetizer.flush();
        packetizer.flush();
        let packets: Vec<u8> = std::iter::from_fn(|| packetizer.poll()).flatten().collect();
        let found = read(&packets, 500);
        let data: Vec<_> = found.values().flatten().map(|found| &found.data[..]).collect();
        let mut wanted: Vec<_> = samples.iter().collect();
        wanted.sort_by_key(|sample| sample.stream);
        prop_assert_eq!(data, wanted.iter().map(|sample| &sample.data[..]).collect::<Vec<_>>());
    }
}

#[test]
fn small_objects_share_a_packet_and_large_ones_fill_it() {
    let header = header(700, 0, &[1, 2]);
    let file = write(&header, &[sample(1, 0, 100), key(2, 40, 1_200), sample(1, 80, 100)]);
    let (_, packets, _) = parts(&file);
    let forms: Vec<_> = packets
        .chunks(700)
        .map(|bytes| {
            let packet = Packet::parse(bytes, 700).unwrap();
            let sizes = packet.payloads().map(|p| p.unwrap().data.len()).collect::<Vec<_>>();
            (packet.send_time(), packet.duration(), sizes, packet.padding_field().value)
        })
        .collect();
    // The audio lasts as long as its rate says.
    let wanted = [
        (0, 40, vec![100, 554], 0),
        // No more than 8 bytes of the next object would have fitted.
        (40, 0, vec![646], 27),
        (80, 12, vec![100], 572),
    ];
    assert_eq!(forms, wanted);
}

#[test]
fn what_is_there_can_be_read_before_the_end() {
    let mut sink = Cursor::new(b"in front".to_vec());
    sink.set_position(8);
    let mut muxer = Muxer::new(sink, &header(300, 0, &[2])).unwrap();
    for n in 0..5 {
        muxer.push(&sample(2, n * 40, 250)).unwrap();
    }
    assert_eq!(muxer.packets(), 4);
    let unfinished = muxer.header().clone();
    assert!(unfinished.file().broadcast());
    assert_eq!(unfinished.data_size(), 50);
    let file = muxer.finish().unwrap();
    assert_eq!(file.position(), file.get_ref().len() as u64);
    assert_eq!(&file.get_ref()[..8], b"in front");
    let (finished, ..) = parts(&file.get_ref()[8..]);
    assert_eq!(finished.len(), unfinished.len());

    // As it would have been left.
    let mut left = unfinished.as_bytes().to_vec();
    left.extend_from_slice(&file.get_ref()[8 + finished.len()..]);
    left.truncate(finished.len() + 4 * 300);
    assert_eq!(FileReader::open(Cursor::new(left)).unwrap().packet_count(), 4);
}

#[test]
fn packet_sizes_have_a_range() {
    let new = |size| Packetizer::new(&header(size, 0, &[1])).map(|_| ());
    assert_eq!((new(100), new(65_535)), (Ok(()), Ok(())));
    assert_eq!(new(99).unwrap_err().to_string(), "packet size at byte 0: expected at least 100");
    let what = "packet size";
    assert_eq!(new(65_536), Err(Error::Limit { what, value: 65_536, limit: 65_535 }));
}

#[test]
fn objects_that_are_refused_change_nothing() {
    let mut limits = Limits::default();
    limits.object_bytes = 1_000;
    let header = header(200, 500, &[1, 2]);
    let mut packetizer = Packetizer::new_with(&header, &limits).unwrap();
    packetizer.push(&sample(1, 2_000, 10)).unwrap();
    let before = format!("{packetizer:?}");
    let extended = |len: usize| {
        let mut sample = sample(1, 2_000, 10);
        sample.extension_data = vec![0; len].into();
        sample
    };
    let latest = u64::from(u32::MAX) - 500;
    let refused = [
        (sample(3, 2_000, 10), "stream 3 is not declared"),
        (sample(1, 2_000, 0), "media object at byte 0: expected at least one byte"),
        (sample(1, 2_000, 1_001), "media object size is 1001, the limit is 1000"),
        (extended(111), "extension data size is 111, the limit is 110"),
        (
            sample(2, 1_499, 10),
            "a media object of stream 2 for 1499 ms comes behind one for 2000 ms, which is more \
             than the preroll of 500 ms later",
        ),
        (sample(1, latest + 1, 10), "presentation time is 4294967296, the limit is 4294967295"),
    ];
    let mut lasting = sample(1, latest, 10);
    lasting.duration = Some(ms(5));
    let refused = refused
        .into_iter()
        .chain([(lasting, "presentation time is 4294967300, the limit is 4294967295")]);
    for (sample, why) in refused {
        assert_eq!(packetizer.push(&sample).unwrap_err().to_string(), why);
        assert_eq!(format!("{packetizer:?}"), before, "{why}");
    }
    for sample in [sample(2, 1_500, 1_000), extended(110), sample(1, latest, 10)] {
        packetizer.push(&sample).unwrap();
    }
}

#[test]
fn a_sink_that_fails() {
    let mut room = [0; 4_000];
    let header = header(200, 0, &[1]);
    let mut muxer = Muxer::new(Cursor::new(&mut room[..]), &header).unwrap();
    let error = (0..100).find_map(|n| muxer.push(&sample(1, n, 150)).err()).unwrap();
    assert!(matches!(error, FileError::Io(_)), "{error}");
}
