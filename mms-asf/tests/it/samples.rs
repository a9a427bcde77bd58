//! Headers, packets and recordings of real files.

use std::collections::BTreeMap;
use std::io::Cursor;

use bytes::BytesMut;
use mms_asf::{
    FileReader, FileWriter, Finalizer, Header, Kept, Packet, Payload, Rebase, Rebaser, Removal,
    Restored, Restorer, Shift, TimeShifter, guid, keep_payloads, remove_padding,
};

use crate::support::{REFUSED, each_file, open, samples};

const REMOVALS: [Removal; 4] =
    [Removal::ExplicitLength, Removal::FieldCleared, Removal::FieldKept, Removal::FieldRemoved];

fn payloads<'a>(name: &str, packet: &Packet<'a>) -> Vec<Payload<'a>> {
    packet.payloads().collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// What a payload says, without the place where it lies.
type Content<'a> = (u8, bool, u32, u32, Option<u32>, u32, &'a [u8]);

fn content<'a>(payloads: &[Payload<'a>]) -> Vec<Content<'a>> {
    payloads
        .iter()
        .map(|p| {
            let time = p.presentation_time;
            (p.stream, p.key_frame, p.object_number, p.offset, p.object_size, time, p.data)
        })
        .collect()
}

#[test]
fn headers_are_read_or_refused() {
    let Some(files) = samples() else { return };
    assert_eq!(files.len(), 83);
    for (name, path) in files {
        match open(&path) {
            Ok(reader) => {
                assert!(!REFUSED.contains(&name.as_str()), "{name} should be refused");
                let header = reader.header();
                let streams: Vec<_> =
                    header.streams().iter().map(|s| (s.number, s.codec_name())).collect();
                println!(
                    "{name}: {} packets of {}, {streams:?}, {:?}",
                    reader.packet_count(),
                    header.file().packet_size,
                    header.deviations(),
                );
                assert!(!streams.is_empty(), "{name}");
            }
            Err(error) => {
                println!("{name}: refused: {error}");
                assert!(REFUSED.contains(&name.as_str()), "{name}: {error}");
            }
        }
    }
}

#[test]
fn packets_survive_the_way() {
    let mut figures = BTreeMap::<String, u32>::new();
    let mut count = |what: String| *figures.entry(what).or_default() += 1;
    each_file(|name, mut reader| {
        let size = reader.header().file().packet_size;
        let restorer = Restorer::new(size).unwrap();
        let (mut original, mut sent, mut restored) =
            (BytesMut::new(), BytesMut::new(), BytesMut::new());
        for number in 0..reader.packet_count() {
            let at = format!("{name}, packet {number}");
            reader.packet_into(number, &mut original).unwrap();
            let packet = Packet::parse(&original, size).unwrap_or_else(|e| panic!("{at}: {e}"));
            let wanted = payloads(&at, &packet);
            count("packets".to_owned());
            for _ in &wanted {
                count("payloads".to_owned());
            }
            for payload in &wanted {
                assert!(payload.pieces().all(|piece| piece.is_ok()), "{at}");
            }
            for how in REMOVALS {
                sent.clear();
                restored.clear();
                remove_padding(&original, how, &mut sent).unwrap_or_else(|e| panic!("{at}: {e}"));
                let view = Packet::parse(&sent, size).unwrap();
                assert_eq!(content(&payloads(&at, &view)), content(&wanted), "{at}, {how:?}");

                let done = restorer.restore(&sent, &mut restored).unwrap();
                assert_eq!(restored.len(), size as usize, "{at}, {how:?}");
                let view = Packet::parse(&restored, size).unwrap();
                assert_eq!(content(&payloads(&at, &view)), content(&wanted), "{at}, {how:?}");
                assert_eq!(
                    view.length_field().width,
                    if done == Restored::Whole { packet.length_field().width } else { 0 }
                );

                let mut zeroed = original.clone();
                let end = packet.payload_end().unwrap();
                zeroed[end..].fill(0);
                let same = zeroed[..end] == restored[..end];
                count(format!(
                    "{how:?}: {done:?}, {}",
                    if same { "same bytes" } else { "other bytes" }
                ));
            }
        }
    });
    for (what, number) in figures {
        println!("{number:6} {what}");
    }
}

#[test]
fn any_stream_can_be_dropped() {
    let mut figures = BTreeMap::<String, u32>::new();
    each_file(|name, mut reader| {
        let size = reader.header().file().packet_size;
        let (mut original, mut made) = (BytesMut::new(), BytesMut::new());
        for number in 0..reader.packet_count() {
            let at = format!("{name}, packet {number}");
            reader.packet_into(number, &mut original).unwrap();
            let packet = Packet::parse(&original, size).unwrap();
            let all = payloads(&at, &packet);
            for dropped in reader.header().stream_numbers() {
                made.clear();
                let keep = |payload: &Payload<'_>| payload.stream != dropped;
                let kept = keep_payloads(&packet, keep, &mut made).unwrap();
                *figures.entry(format!("{kept:?}")).or_default() += 1;
                let wanted: Vec<_> = all.iter().filter(|p| keep(p)).copied().collect();
                match kept {
                    Kept::All => assert_eq!(made, original, "{at}"),
                    Kept::None => assert!(wanted.is_empty() && made.is_empty(), "{at}"),
                    Kept::Part => {
                        assert_eq!(made.len(), size as usize, "{at}");
                        let view = Packet::parse(&made, size).unwrap();
                        assert_eq!(content(&payloads(&at, &view)), content(&wanted), "{at}");
                        assert_eq!(view.send_time(), packet.send_time(), "{at}");
                    }
                }
            }
        }
    });
    println!("{figures:?}");
}

#[test]
fn times_move_and_come_back() {
    each_file(|name, mut reader| {
        let size = reader.header().file().packet_size;
        let mut shifter = TimeShifter::new(reader.header());
        let mut original = BytesMut::new();
        for number in 0..reader.packet_count() {
            reader.packet_into(number, &mut original).unwrap();
            let at = format!("{name}, packet {number}");
            let before = Packet::parse(&original, size).unwrap();
            // The last one wraps, and puts the send time just in front of the wrap.
            let sent = before.send_time();
            for by in [7_654_321, -1 - i64::from(sent)] {
                let low = u32::try_from(by.rem_euclid(1 << 32)).unwrap();
                let mut moved = original.clone();
                let shifted = shifter.shift(&mut moved, Shift::all(by)).unwrap();
                assert_eq!(shifted.below_zero, by < 0 && by + i64::from(sent) < 0, "{at}");
                let after = Packet::parse(&moved, size).unwrap();
                assert_eq!(after.send_time(), sent.wrapping_add(low), "{at}");
                for (old, new) in payloads(&at, &before).iter().zip(payloads(&at, &after)) {
                    let time = old.presentation_time.wrapping_add(low);
                    assert_eq!(new.presentation_time, time, "{at}");
                    assert_eq!(new.data, old.data, "{at}");
                }
                shifter.shift(&mut moved, Shift::all(by).reversed()).unwrap();
                assert_eq!(moved, original, "{at}, {by}");
            }
        }
    });
}

#[test]
fn rebasing_undoes_any_offset() {
    let mut unchanged = 0;
    each_file(|name, mut reader| {
        let header = reader.header().clone();
        let original: Vec<_> =
            (0..reader.packet_count()).map(|n| reader.packet(n).unwrap().to_vec()).collect();
        let rebased = |late: i64| {
            let (mut packets, mut shifter) = (original.clone(), TimeShifter::new(&header));
            let mut rebaser = Rebaser::new(&header, Rebase::Always);
            for packet in &mut packets {
                shifter.shift(packet, Shift::all(late)).unwrap();
            }
            let _ = packets.iter().any(|packet| rebaser.observe(packet));
            for packet in &mut packets {
                rebaser.apply(packet).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            (packets, rebaser.shift())
        };
        let (wanted, shift) = rebased(0);
        // Half a second in front of the wrap.
        assert_eq!(rebased(i64::from(u32::MAX) - 500).0, wanted, "{name}");
        match shift {
            Some(shift) if shift == Shift::default() => {
                unchanged += 1;
                assert_eq!(wanted, original, "{name}");
            }
            shift => println!("{name}: {shift:?}"),
        }
    });
    println!("{unchanged} files start at zero");
}

#[test]
fn recording_a_complete_file_copies_it() {
    let mut complete = 0;
    each_file(|name, mut reader| {
        let header = reader.header().clone();
        let count = reader.packet_count();
        let mut writer = FileWriter::new(Cursor::new(Vec::new()), &header).unwrap();
        let mut packets = Vec::new();
        for number in 0..count {
            let packet = reader.packet(number).unwrap();
            assert_eq!(writer.write_packet(&packet).unwrap(), Restored::Whole);
            packets.extend_from_slice(&packet);
        }
        let recording = writer.finalizer().clone();
        let copy = writer.finish().unwrap().into_inner();
        let (head, body) = copy.split_at(header.len());
        let ending = recording.finish();
        let (body, index) = body.split_at(packets.len());
        assert!(body == packets, "{name}");
        assert!(index == ending.index, "{name}");
        assert!(head == ending.header, "{name}");

        let again = FileReader::open(Cursor::new(&copy)).unwrap();
        assert_eq!(again.packet_count(), count, "{name}");
        assert_eq!(again.leftover(), 0, "{name}");
        assert!(!again.header().file().broadcast(), "{name}");
        assert_eq!(again.header().file().file_size, copy.len() as u64, "{name}");
        assert!(again.header().same_stream(&header), "{name}");

        let file = header.file();
        if file.broadcast() || file.packet_count != count {
            println!("{name}: {count} of {} packets", file.packet_count);
            return;
        }
        complete += 1;
        let mut wanted = header.as_bytes().to_vec();
        let id = guid::FILE_PROPERTIES.to_bytes_le();
        let at = wanted.windows(16).position(|window| window == id).unwrap();
        wanted[at + 40..at + 48].copy_from_slice(&(copy.len() as u64).to_le_bytes());
        let size = wanted.len() - 50 + 16;
        let data = (50 + packets.len() as u64).to_le_bytes();
        if wanted[size..size + 8] != data {
            println!("{name}: Data Object size corrected");
            wanted[size..size + 8].copy_from_slice(&data);
        }
        if again.header().file().seekable() && !file.seekable() {
            let simple = guid::SIMPLE_INDEX.to_bytes_le();
            assert!(index.windows(16).any(|bytes| bytes == simple), "{name}");
            wanted[at + 88] |= 2;
        }
        // A file has no index that was declared unless it could be made.
        let has_index = index.starts_with(&guid::INDEX.to_bytes_le());
        for object in header.extension_objects() {
            let lost = match object.id {
                guid::INDEX_PARAMETERS => !has_index,
                guid::MEDIA_OBJECT_INDEX_PARAMETERS | guid::TIMECODE_INDEX_PARAMETERS => true,
                _ => false,
            };
            if lost {
                println!("{name}: {object:?} became padding");
                let bytes = &mut wanted[object.offset..object.offset + object.bytes.len()];
                bytes[..16].copy_from_slice(&guid::PADDING.to_bytes_le());
                bytes[24..].fill(0);
            }
        }
        assert!(head == wanted, "{name}");
    });
    println!("{complete} complete files copied");
}

#[test]
fn computed_durations_are_near_the_declared_ones() {
    let mut off = Vec::new();
    let mut files = 0;
    each_file(|name, mut reader| {
        let header = reader.header().clone();
        let count = reader.packet_count();
        if header.file().broadcast() || header.file().packet_count != count || count == 0 {
            return;
        }
        // A live header makes the recording compute everything.
        let mut live = header.as_bytes().to_vec();
        let id = guid::FILE_PROPERTIES.to_bytes_le();
        let at = live.windows(16).position(|window| window == id).unwrap();
        live[at + 88] |= 9;
        let mut recording = Finalizer::new(&Header::parse(&live.into()).unwrap());
        for number in 0..count {
            recording.packet(&reader.packet(number).unwrap());
        }
        let made = Header::parse(&recording.final_header()).unwrap();
        assert_eq!(made.file().packet_count, count);
        assert_eq!(made.file().flags & !2, 0, "{name}");
        let play = made.file().play_duration.abs_diff(header.file().play_duration);
        let send = made.file().send_duration.abs_diff(header.file().send_duration);
        files += 1;
        if play.as_millis() > 700 || send.as_millis() > 700 {
            off.push(format!(
                "{name}: play {:?} for {:?}, send {:?} for {:?}, media {:?}",
                made.file().play_duration,
                header.file().play_duration,
                made.file().send_duration,
                header.file().send_duration,
                recording.media_duration(),
            ));
        }
    });
    println!("{} of {files} files are off by more than 700 ms:\n{}", off.len(), off.join("\n"));
    // The three declare durations that are far from their packets' times.
    assert!(off.len() <= 3);
}

#[test]
fn times_are_found_as_by_a_linear_search() {
    each_file(|name, mut reader| {
        let size = reader.header().file().packet_size;
        let count = reader.packet_count();
        let mut times = Vec::new();
        for number in 0..count {
            let packet = reader.packet(number).unwrap();
            times.push(Packet::parse(&packet, size).unwrap().send_time());
        }
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return;
        };
        if !times.is_sorted() {
            println!("{name}: send times are not in order");
            return;
        }
        for step in 0..=50_u32 {
            let time = (last - first) / 40 * step;
            let wanted = times.iter().rposition(|&t| t - first <= time).unwrap() as u64;
            let found = reader.packet_at_time(std::time::Duration::from_millis(time.into()));
            assert_eq!(found.unwrap(), wanted, "{name} at {time} ms");
        }
        let start = reader.header().len() as u64;
        assert_eq!(reader.packet_at_offset(start + u64::from(size) * (count - 1)), count - 1);
    });
}
