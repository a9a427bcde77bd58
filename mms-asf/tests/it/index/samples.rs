//! The indexes of real files: read, rebuilt and used.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Seek};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::{
    FileReader, Header, IndexBuilder, IndexObject, Indexes, Packet, SeekMethod, SimpleEntry,
    SimpleIndex, StreamKind,
};

use crate::support::{each_file, samples};

fn written(object: &IndexObject) -> Bytes {
    let mut bytes = BytesMut::new();
    object.write(&mut bytes);
    bytes.freeze()
}

#[test]
fn objects_of_real_files_are_written_as_they_were() {
    let Some(files) = samples() else { return };
    let mut counts = [0; 5];
    for (name, path) in files {
        let bytes = Bytes::from(std::fs::read(path).unwrap());
        let Ok(header) = Header::parse(&bytes) else { continue };
        let end = (header.len() as u64 - 50).saturating_add(header.data_size());
        let mut at = usize::try_from(end).unwrap_or(usize::MAX);
        while at.saturating_add(24) <= bytes.len() && !header.file().broadcast() {
            let object = IndexObject::parse(&bytes.slice(at..));
            let object = object.unwrap_or_else(|error| panic!("{name} at {at}: {error}"));
            let copy = written(&object);
            assert_eq!(copy, bytes[at..at + copy.len()], "{name} at {at}");
            at += copy.len();
            counts[match object {
                IndexObject::Simple(_) => 0,
                IndexObject::Index(_) => 1,
                IndexObject::MediaObject(_) => 2,
                IndexObject::Timecode(_) => 3,
                _ => 4,
            }] += 1;
        }
    }
    println!("{counts:?} Simple, by time, by media object, by timecode, others");
    assert_eq!(counts, [32, 12, 1, 0, 1]);
}

/// Feeds a builder with all packets of a file.
fn rebuilt<R: Read + Seek>(reader: &mut FileReader<R>) -> Indexes {
    let mut builder = IndexBuilder::new(reader.header());
    for number in 0..reader.packet_count() {
        let packet = reader.packet(number).unwrap();
        if let Ok(packet) = Packet::parse(&packet, reader.header().file().packet_size) {
            builder.packet(number, &packet);
        }
    }
    builder.finish(reader.header().file().play_duration)
}

/// Presentation time, packet and stream of all starts of key frames in a file.
fn key_frames<R: Read + Seek>(reader: &mut FileReader<R>) -> Vec<(u8, u64, u64)> {
    let mut found = Vec::new();
    for number in 0..reader.packet_count() {
        let packet = reader.packet(number).unwrap();
        let Ok(packet) = Packet::parse(&packet, reader.header().file().packet_size) else {
            continue;
        };
        for payload in packet.payloads().flatten().filter(|payload| payload.offset == 0) {
            let video =
                reader.header().stream(payload.stream).map(|s| s.kind) == Some(StreamKind::Video);
            if payload.key_frame || !video {
                for piece in payload.pieces().flatten() {
                    found.push((payload.stream, piece.presentation_time.into(), number));
                }
            }
        }
    }
    found
}

/// Files whose index counts otherwise: the first counts the packets of a key frame differently,
/// the others leave out the preroll or point to the key frame that follows.
const OTHER_ENTRIES: [&str; 6] = [
    "video-wmv2-marker-object-compressed-audio.wmv",
    "video-ffmpeg-mp43-1mb-simple-index.wmv",
    "video-ffmpeg-mp43-wmav2-tiny.wmv",
    "video-ffmpeg-wmv2-1-packet.wmv",
    "video-ffmpeg-wmv2-short.asf",
    "video-g2m2-meeting-plus-wmav2.asf",
];

#[test]
fn indexes_of_real_files_are_rebuilt() {
    let Some(files) = samples() else { return };
    let (mut equal, mut different, mut without_target) = (0, 0, 0);
    for (name, path) in files {
        let bytes = Bytes::from(std::fs::read(path).unwrap());
        let Ok(mut reader) = FileReader::open(Cursor::new(bytes.clone())) else { continue };
        let header = reader.header().clone();
        if header.file().broadcast() {
            continue;
        }
        let made = rebuilt(&mut reader);
        let keys = key_frames(&mut reader);
        let size = u64::from(header.file().packet_size);
        // A target is the last key frame at or before its time, or the first one of all.
        let check = |stream: u8, time: u64, packet: u64| {
            let mut starts = keys.iter().filter(|(number, ..)| *number == stream);
            let first = starts.clone().next().map(|(_, _, packet)| *packet);
            match starts.rfind(|(_, shown, _)| *shown <= time) {
                Some((_, _, best)) => assert_eq!(packet, *best, "{name}, {stream} at {time}"),
                None => assert!(packet == 0 || Some(packet) == first, "{name}, {stream} at {time}"),
            }
        };
        for (stream, index) in &made.simple {
            for (number, entry) in (0..).zip(index.entries()) {
                check(*stream, number * 1_000, entry.packet.into());
            }
        }
        let mut simple = made.simple.iter();
        let mut pairs = Vec::new();
        let end = header.len() as u64 - 50 + header.data_size();
        let mut at = usize::try_from(end).unwrap_or(usize::MAX);
        while at.saturating_add(24) <= bytes.len() {
            let object = IndexObject::parse(&bytes.slice(at..)).unwrap();
            at += written(&object).len();
            match object {
                IndexObject::Simple(real) => {
                    let (_, made) = simple.next().cloned().unzip();
                    let made: Vec<_> = made.iter().flat_map(SimpleIndex::entries).collect();
                    // Players need no entry for a key frame that is not there.
                    let missing = real.len().saturating_sub(made.len());
                    assert!(missing <= 1 || made.is_empty(), "{name}: {missing} are missing");
                    for (made, real) in made.into_iter().zip(real.entries()) {
                        let entry = |e: SimpleEntry| (Some(e.packet.into()), e.packet_count);
                        pairs.push((entry(made), entry(real)));
                    }
                }
                IndexObject::Index(real) => {
                    let made = made.index.as_ref().expect("an index is declared");
                    assert!(made.len() + 1 >= real.len(), "{name}");
                    assert!(made.specifiers().eq(real.specifiers()), "{name}");
                    for (column, specifier) in made.specifiers().enumerate() {
                        for entry in 0..made.len() {
                            let packet = made.target(column, entry).unwrap() / size;
                            let stream = u8::try_from(specifier.stream).unwrap();
                            check(stream, entry * 1_000, packet);
                            if entry < real.len() {
                                let real = real.target(column, entry).map(|offset| offset / size);
                                pairs.push(((Some(packet), 0), (real, 0)));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        for (made, real) in pairs {
            if made == real {
                equal += 1;
            } else if real.0.is_none() {
                without_target += 1;
            } else {
                assert!(OTHER_ENTRIES.contains(&name.as_str()), "{name}: {made:?} for {real:?}");
                different += 1;
            }
        }
    }
    println!("{equal} entries are equal, {different} differ, {without_target} had no target");
    assert!(equal > 700 && different < 80);
}

#[test]
fn real_files_are_seeked() {
    let methods = [SeekMethod::SimpleIndex, SeekMethod::Index, SeekMethod::SendTimes];
    let (mut counts, mut odd) = (BTreeMap::<String, u32>::new(), Vec::new());
    each_file(|name, mut reader| {
        let header = reader.header().clone();
        let starts = key_frames(&mut reader);
        let preroll = header.file().preroll;
        for stream in header.stream_numbers() {
            let own: Vec<_> = starts.iter().filter(|(number, ..)| *number == stream).collect();
            for step in 0..=40_u64 {
                let time = Duration::from_millis(step * 930);
                let shown = u64::try_from((time + preroll).as_millis()).unwrap();
                let best = own.iter().rfind(|(_, at, _)| *at <= shown);
                let wanted = best.map_or(0, |(_, _, packet)| *packet);
                for method in methods {
                    let point = reader.seek_with(method, time, stream).unwrap();
                    assert_eq!(
                        point.packet, wanted,
                        "{name}, stream {stream}, {time:?}: {point:?}"
                    );
                    *counts.entry(format!("{:?}", point.method)).or_default() += 1;
                }
            }
            for (object, (_, _, packet)) in (0..).zip(own) {
                if let Some(found) = reader.packet_of_object(object, stream).unwrap() {
                    assert_eq!(found, *packet, "{name}, stream {stream}, object {object}");
                    *counts.entry("media objects".to_owned()).or_default() += 1;
                }
            }
        }
        if !reader.deviations().is_empty() {
            println!("{name}: {:?}", reader.deviations());
            odd.push(name.to_owned());
        }
    });
    println!("{counts:?}");
    if samples().is_none() {
        return;
    }
    for (what, least) in [("SimpleIndex", 700), ("Index", 700), ("media objects", 100)] {
        assert!(counts.get(what).is_some_and(|&count| count >= least), "{what}");
    }
    // Their entries point to the key frame that follows.
    let stale = ["video-ffmpeg-mp43-1mb-simple-index.wmv", "video-g2m2-meeting-plus-wmav2.asf"];
    assert_eq!(odd, stale);
}
