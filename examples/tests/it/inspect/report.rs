//! What `inspect` tells of files made for it.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::scripted::program::{program, run};
use crate::support::inspected::{
    SIZE, STREAMS, astray, deviations, faults_of, file, repaired, report, whole, with_index,
};
use crate::support::scratch::Scratch;
use bytes::BytesMut;
use mms_asf::objects::{
    ContentDescription, IndexParameters, LanguageList, Marker, Markers, ScriptCommand,
    ScriptCommands,
};
use mms_asf::testing::{self, TestPacket, TestPayload};
use mms_asf::{
    Header, HeaderEditor, Index, IndexKind, IndexSpecifier, SimpleEntry, SimpleIndex, Text,
};
use mms_examples::inspect::{Report, Seen};
use serde_json::Value;

#[test]
fn a_file_without_fault() {
    let report = report(&whole());
    assert_eq!(deviations(&whole()), [""; 0]);
    let object = report.json();
    let stream = &object["streams"][0];
    for (field, value) in [
        ("packets", 10),
        ("payloads", 10),
        ("objects", 10),
        ("key_frames", 3),
        ("object_bytes", 3 * 11 + 7 * 5),
        ("payload_bytes", 3 * 11 + 7 * 5),
        ("first_ms", 3_000),
        ("last_ms", 12_000),
        ("width", 320),
    ] {
        assert_eq!(stream[field], value, "{field}");
    }
    assert_eq!((&object["last_media_ms"], &object["last_send_ms"]), (&9_000.into(), &9_000.into()));
    assert_eq!(stream["codec"], "WMV3");
    assert_eq!(object["bytes"], whole().len());
}

#[test]
fn what_objects_say() {
    let header = Header::parse(&testing::header(SIZE, 0, &STREAMS)).unwrap();
    let mut editor = HeaderEditor::new(&header);
    let mut content = ContentDescription::default();
    content.title = "a \"title\"\n\u{1B}[31m".into();
    editor.set(&content).unwrap();
    let mut languages = LanguageList::default();
    languages.languages.push(Text::new("en-us"));
    editor.set(&languages).unwrap();
    let mut markers = Markers::default();
    markers.markers.push(Marker::new(Duration::from_millis(4_500), "the end"));
    editor.set(&markers).unwrap();
    let mut script = ScriptCommands::default();
    script.kinds.push(Text::unterminated("URL"));
    script.commands.push(ScriptCommand::new(3_000, 0, "http://example.com/"));
    editor.set(&script).unwrap();
    let mut parameters = IndexParameters::default();
    parameters.interval = 1_000;
    parameters.specifiers.push(IndexSpecifier { stream: 1, kind: IndexKind::KeyFrame });
    editor.set(&parameters).unwrap();
    let header = editor.finish().unwrap();

    let report = report(header.as_bytes());
    let object = report.json();
    let all = object["objects"].as_array().unwrap();
    let inside: Vec<_> = all.iter().flat_map(|o| o["objects"].as_array().unwrap()).collect();
    let content = |name: &str| {
        let mut objects = all.iter().chain(inside.iter().copied());
        let found = objects.find(|object| object["name"] == name).unwrap();
        let offset = usize::try_from(found["offset"].as_u64().unwrap()).unwrap();
        let id = found["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap();
        assert_eq!(header.as_bytes()[offset..offset + 16], id.to_bytes_le(), "{name}");
        found["content"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(content("Content Description Object"), r#"title "a \"title\"\n\u{1b}[31m""#);
    assert_eq!(content("Language List Object"), r#"0: "en-us""#);
    assert_eq!(content("Marker Object"), r#"0:00:04.500 "the end", at byte 0 of the data"#);
    assert_eq!(content("Script Command Object"), r#"0:00:03.000 "URL": "http://example.com/""#);
    assert_eq!(content("Index Parameters Object"), "every 1000 ms: stream 1 key frames");
    let text = report.text();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains(r#""URL": "http://example.com/""#), "{text}");
}

#[test]
fn indexes() {
    let id = testing::FILE_ID;
    let second = Duration::from_secs(1);
    let simple = |packets: &[u32]| {
        let entries = packets.iter().map(|&packet| SimpleEntry { packet, packet_count: 1 });
        with_index(SimpleIndex::new(id, second, entries).unwrap())
    };
    // The key frames are shown after 3, 7 and 10 seconds.
    let right = [0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 7];
    assert_eq!(astray(&simple(&right)), [""; 0]);
    for (wrong, count) in [([0, 1, 0, 5, 99], 3), ([0, 0, 4, 4, 7], 3)] {
        let told =
            format!("the Simple Index Object leads astray for stream 1: {count} of 5 entries");
        assert_eq!(astray(&simple(&wrong)), [told]);
    }
    let object = report(&simple(&right)).json();
    let behind = &object["objects_behind"][0];
    assert_eq!(behind["name"], "Simple Index Object");
    assert_eq!(behind["content"][0], "11 entries, one for 1 s, 0:00:00.000 to 0:00:10.000");
    assert_eq!(behind["content"][1], "stream 1 key frames");

    let by_time = |targets: [Option<u64>; 3], kind| {
        let rows = targets.map(|target| [target.map(|packet| packet * u64::from(SIZE))]);
        let column = [IndexSpecifier { stream: 1, kind }];
        with_index(Index::new(second, &column, rows).unwrap())
    };
    let stale = |astray, all| {
        vec![format!("the Index Object leads astray for stream 1: {astray} of {all} entries")]
    };
    let none = Vec::<String>::new();
    for (targets, kind, wanted) in [
        ([Some(0), None, Some(0)], IndexKind::KeyFrame, none.clone()),
        // A key frame, but of ten seconds.
        ([Some(0), None, Some(7)], IndexKind::KeyFrame, stale(1, 3)),
        ([Some(0), Some(3), Some(7)], IndexKind::KeyFrame, stale(1, 3)),
        ([Some(0), Some(3), Some(7)], IndexKind::MediaObject, none.clone()),
        ([Some(0), None, Some(10)], IndexKind::MediaObject, stale(1, 2)),
        ([Some(0), Some(9), Some(3)], IndexKind::Packet, none),
        ([Some(10), Some(9), Some(11)], IndexKind::Packet, stale(2, 3)),
    ] {
        assert_eq!(astray(&by_time(targets, kind)), wanted, "{targets:?} {kind:?}");
    }
}

#[test]
fn faults() {
    let header = testing::header(SIZE, 10, &STREAMS).len();
    let size = SIZE as usize;
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = whole();
        change(&mut bytes);
        deviations(&bytes).join("\n")
    };
    let packet = |number: usize| header + number * size;
    let whole = |stream: u8, time: u32| {
        let payload = TestPayload::whole(stream, 0, time, b"frame");
        TestPacket { send_time: time, ..TestPacket::single(payload) }.build(SIZE)
    };
    let put = |number: usize, bytes: &[u8]| {
        changed(&|file| file[packet(number)..packet(number + 1)].copy_from_slice(bytes))
    };

    let lost = changed(&|bytes| bytes[packet(4)..packet(5)].fill(0xFF));
    assert!(lost.starts_with(&format!("{SIZE} bytes at byte {}: ", packet(4))), "{lost}");
    let cut = changed(&|bytes| bytes.truncate(packet(9) + 20));
    assert!(cut.contains("10 packets are declared, 9 are there"), "{cut}");
    assert!(cut.contains(&format!("20 bytes at byte {}: a cut packet", packet(9))), "{cut}");
    assert!(cut.contains("a size of "), "{cut}");
    let early = put(5, &whole(1, 1_000));
    assert!(early.contains("send times run backwards: 1 times, 3000 ms at most"), "{early}");
    assert!(early.contains("times of stream 1 run backwards: 1 times, 6000 ms"), "{early}");
    let other = put(5, &whole(9, 5_000));
    assert!(other.contains("stream 9 has payloads and is not declared"), "{other}");
    let part = TestPayload::part(1, 5, 8_000, 500, 0, b"a part");
    let part = TestPacket { send_time: 5_000, ..TestPacket::single(part) };
    assert_eq!(put(5, &part.build(SIZE)), "incomplete objects of stream 1: 1, the next one began");
    assert_eq!(changed(&|bytes| bytes[24] = 9), "the header declares 9 objects and holds 3");
}

#[test]
fn one_file_behind_the_other() {
    let mut bytes = file();
    bytes.extend(file());
    let object = report(&bytes).json();
    assert_eq!(object["packets"], 10);
    let more = object["more"].as_array().unwrap();
    assert_eq!(more.len(), 1);
    assert_eq!((&more[0]["packets"], &more[0]["offset"]), (&10.into(), &file().len().into()));
    assert!(report(&bytes).text().contains("header 2 at byte"));

    let many = file().repeat(20);
    let object = report(&many).json();
    assert_eq!(object["more"].as_array().unwrap().len(), 15);
    assert_eq!(object["headers_left_out"], 4);
    let mut seen = Vec::new();
    let each = |packet: &Seen<'_>| {
        seen.push((packet.part, packet.number));
        Ok(())
    };
    Report::read(Path::new("-"), many.as_slice(), each).unwrap();
    assert_eq!(seen.len(), 200);
    assert_eq!((seen[9], seen[10], seen[199]), ((0, 9), (1, 0), (19, 9)));
}

#[test]
fn times_before_zero_are_negative() {
    let mut bytes = testing::header(SIZE, 10, &STREAMS).to_vec();
    for number in 0..10 {
        let time = (number * 100_u32).wrapping_sub(58);
        let payload = TestPayload::whole(0x81, number, time.wrapping_add(3_000), b"a key frame");
        bytes.extend(TestPacket { send_time: time, ..TestPacket::single(payload) }.build(SIZE));
    }
    let report = report(&bytes);
    assert!(report.text().contains("-0:00:00.058 to 0:00:00.842 in the packets"));
    let object = report.json();
    assert_eq!((&object["first_send_ms"], &object["last_send_ms"]), (&(-58).into(), &842.into()));
}

#[test]
fn the_program_prints_packets_and_reads_pipes() {
    let scratch = Scratch::new("inspect-packets");
    fs::write(scratch.join("a.wmv"), file()).unwrap();
    let text = run("inspect", &scratch, ["a.wmv", "--packets"]).done();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].starts_with("# packet @offset"), "{text}");
    let offset = file().len() - 9 * SIZE as usize;
    assert!(lines[2].starts_with(&format!("1 @{offset} 0:00:01.000 +1000, ")), "{text}");
    assert!(lines[2].ends_with(" 1.1 0/5 0:00:04.000"), "{text}");
    assert!(lines[5].ends_with(" 1.4 0/11 0:00:07.000K"), "{text}");
    assert!(lines[11].starts_with("file id"), "{text}");

    let object = run("inspect", &scratch, ["a.wmv", "--packets", "--json"]).done();
    let object: Value = serde_json::from_str(&object).unwrap();
    let list = object["packet_list"].as_array().unwrap();
    assert_eq!((list.len(), &object["packets"]), (10, &10.into()));
    let payload = &list[4]["payloads"][0];
    assert_eq!((&payload["key_frame"], &payload["size"]), (&true.into(), &11.into()));
    assert_eq!(list[4]["send_ms"], 4_000);

    let empty = testing::header(SIZE, 0, &STREAMS);
    fs::write(scratch.join("empty.wmv"), &empty).unwrap();
    let object = run("inspect", &scratch, ["empty.wmv", "--packets", "--json"]).done();
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!(object["packet_list"].as_array().map(Vec::len), Some(0));

    let mut piped = program("inspect", &scratch, ["-"]);
    piped.stdin(Stdio::from(File::open(scratch.join("a.wmv")).unwrap()));
    let piped = String::from_utf8(piped.output().unwrap().stdout).unwrap();
    assert_eq!(piped, run("inspect", &scratch, ["a.wmv"]).done());
    let nothing = run("inspect", &scratch, ["-"]);
    assert!(nothing.failed().starts_with("inspect: -: is empty; "), "{nothing:?}");
}

/// `bytes` with these fields of File Properties, in units of 100 ns.
fn with_durations(play: u64, send: u64) -> Vec<u8> {
    let mut bytes = whole();
    bytes[30 + 64..30 + 72].copy_from_slice(&play.to_le_bytes());
    bytes[30 + 72..30 + 80].copy_from_slice(&send.to_le_bytes());
    bytes
}

#[test]
fn what_repair_would_change_is_named() {
    let seconds = |seconds: u64| seconds * 10_000_000;
    // Not filled in, the wrong way round, and of another file.
    for (play, send, wanted) in [
        (0, 10, vec!["a play duration of 0.000 s is declared, the packets end at 13.000 s"]),
        (
            10,
            13,
            vec![
                "a play duration of 10.000 s is declared, the packets end at 13.000 s",
                "a send duration of 13.000 s is declared, the packets are sent in 10.000 s",
            ],
        ),
        (3_600, 10, vec!["a play duration of 3600.000 s is declared, the packets end at 13.000 s"]),
    ] {
        let (repairable, others) = faults_of(&with_durations(seconds(play), seconds(send)));
        assert_eq!((repairable, others), (wanted.iter().map(|&w| w.to_owned()).collect(), vec![]));
    }
    // The last object may last a second less.
    assert_eq!(deviations(&with_durations(seconds(12), seconds(10))), [""; 0]);
    let (repairable, others) = faults_of(&file());
    assert_eq!(others, [""; 0]);
    assert!(repairable[0].starts_with("an index that leads to the key frames is missing"));
    // An index that is wrong is one finding, not three.
    let (repairable, _) = faults_of(&{
        let mut bytes = whole();
        let last_entry = bytes.len() - 6;
        bytes[last_entry] = 3;
        bytes
    });
    let stale = "the Simple Index Object leads astray for stream 1: 1 of 13 entries";
    assert_eq!(repairable, [stale]);
}

#[test]
fn what_repair_would_not_change_is_apart() {
    let mut bytes = whole();
    let header = testing::header(SIZE, 10, &STREAMS).len();
    let part = TestPayload::part(1, 5, 8_000, 500, 0, b"a part");
    let part = TestPacket { send_time: 5_000, ..TestPacket::single(part) }.build(SIZE);
    bytes[header + 5 * SIZE as usize..][..SIZE as usize].copy_from_slice(&part);
    let (repairable, others) = faults_of(&bytes);
    assert_eq!(repairable, [""; 0]);
    assert_eq!(others, ["incomplete objects of stream 1: 1, the next one began"]);

    // A reserved field does no harm.
    let mut bytes = whole();
    bytes[header - 1] ^= 1;
    let report = report(&bytes);
    let fault = &report.json()["repairable"][0];
    assert_eq!((&fault["harmless"], &fault["kind"]), (&true.into(), &"header".into()));
    assert!(report.text().contains("harmless "));

    // Without packets there is nothing to repair.
    let (repairable, others) = faults_of(&testing::header(SIZE, 0, &STREAMS));
    assert_eq!(repairable, [""; 0]);
    assert!(others[0].starts_with("repair can make no file of it: no whole packet"), "{others:?}");
}

#[test]
fn an_index_of_other_times_leads_astray() {
    let mut bytes = testing::header(SIZE, 60, &STREAMS).to_vec();
    bytes.extend((0..60).flat_map(|number| testing::key_packet(number, SIZE, b"a key frame")));
    let entries = (0..63_u32).map(|second| SimpleEntry { packet: second.min(59), packet_count: 1 });
    let index = SimpleIndex::new(testing::FILE_ID, Duration::from_secs(1), entries).unwrap();
    let mut end = BytesMut::new();
    index.write(&mut end);
    bytes.extend_from_slice(&end);
    let wanted = "the Simple Index Object leads astray for stream 1: 60 of 63 entries";
    let report = report(&bytes);
    let repairable = report.json()["repairable"].to_string();
    assert!(repairable.contains(wanted), "{repairable}");
}

#[test]
fn packets_in_forms_that_players_do_not_read() {
    let mut packets = Vec::new();
    for number in 0..10 {
        let media = TestPayload::whole(0x81, number, 3_000 + number * 1_000, b"frame");
        let packet = TestPacket {
            length_width: 2,
            send_time: number * 1_000,
            duration: 1_000,
            ..TestPacket::multiple(vec![media])
        };
        let used = u16::try_from(packet.used()).unwrap();
        let mut bytes = packet.build(SIZE).to_vec();
        bytes[5..7].copy_from_slice(&used.to_le_bytes());
        packets.extend(bytes);
    }
    let input = [&testing::header(SIZE, 10, &STREAMS)[..], &packets].concat();
    let (repairable, _) = faults_of(&input);
    let line = "the packet length of 10 packets does not count their padding";
    assert_eq!(repairable[0], line);
    assert_eq!(deviations(&repaired(&input)), [""; 0]);
}
