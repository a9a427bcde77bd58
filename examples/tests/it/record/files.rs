//! Where `record` writes to, what it writes, and what it says about it.

use std::fs;

use crate::scripted::program::{Ended, run};
use crate::support::scratch::Scratch;
use mms_asf::{FileReader, Packet};
use mms_examples::record::Demo;
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const PACKETS: usize = 85;
const PACKET: usize = 3200;

/// A server with the clip, and a folder to record to.
struct Setup {
    server: Demo,
    scratch: Scratch,
}

impl Setup {
    fn new(name: &str) -> Self {
        Self { server: Demo::start().unwrap(), scratch: Scratch::new(name) }
    }

    fn url(&self) -> String {
        self.server.url().to_string()
    }

    fn record(&self, more: &[&str]) -> Ended {
        let url = self.url();
        run("record", &self.scratch, [&url.as_str()].into_iter().chain(more))
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.scratch.join(name)).unwrap()
    }

    /// The packets of a file.
    fn packets(&self, name: &str) -> Vec<u8> {
        let bytes = self.read(name);
        let file = fs::File::open(self.scratch.join(name)).unwrap();
        let reader = FileReader::open(file).unwrap();
        assert_eq!(reader.packet_count(), reader.header().file().packet_count);
        assert_eq!(reader.leftover(), 0);
        let start = reader.header().len();
        let len = usize::try_from(reader.packet_count()).unwrap() * PACKET;
        bytes[start..start + len].to_vec()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&*self.scratch).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The packets of the clip.
fn clip() -> Vec<u8> {
    let bytes = fs::read(CLIP).unwrap();
    let reader = FileReader::open(fs::File::open(CLIP).unwrap()).unwrap();
    let start = reader.header().len();
    bytes[start..start + PACKETS * PACKET].to_vec()
}

fn parsed(packets: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let size = u32::try_from(PACKET).unwrap();
    packets.chunks(PACKET).map(move |packet| Packet::parse(packet, size).unwrap())
}

/// What is in packets, apart from times.
fn media(packets: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let payloads = parsed(packets).flat_map(|packet| packet.payloads().collect::<Vec<_>>());
    payloads.map(Result::unwrap).map(|p| (p.stream, p.object_number, p.data.to_vec())).collect()
}

fn first_sent(packets: &[u8]) -> u32 {
    parsed(packets).next().unwrap().send_time()
}

fn object(text: &[u8]) -> Value {
    let object: Value = serde_json::from_slice(text).unwrap();
    for key in [
        "url",
        "transport",
        "file",
        "packets",
        "bytes",
        "media_duration_ms",
        "resumed_from",
        "seconds",
        "error",
    ] {
        assert!(object.get(key).is_some(), "{key}: {object}");
    }
    object
}

#[test]
fn without_an_address_it_shows_that_it_works() {
    let scratch = Scratch::new("demo");
    for name in ["test-pattern.wmv", "test-pattern-1.wmv"] {
        let ended = run("record", &scratch, [""; 0]);
        let text = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status, Some(0), "{text}");
        assert!(text.contains(&format!("to {name} (85 packets")), "{text}");
        assert!(text.contains("all 85 packets are identical"), "{text}");
        assert!(scratch.join(name).exists());
    }
    assert_eq!(run("record", &scratch, ["--quiet"]).done(), "");
    let ended = run("record", &scratch, ["--json"]);
    assert_eq!(object(&ended.stdout)["identical_packets"], 85);
    ended.done();
}

#[cfg(unix)]
#[test]
fn without_an_address_into_a_pipe_or_a_device() {
    let scratch = Scratch::new("demo-pipe");
    run("record", &scratch, ["-q", "-o", "/dev/null"]).done();
    let pipe = scratch.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn(move || fs::read(pipe).unwrap());
    run("record", &scratch, ["-q", "-o", "pipe"]).done();
    assert!(reader.join().unwrap().ends_with(&clip()));
}

#[test]
fn files_are_named_and_protected() {
    let setup = Setup::new("names");
    for _ in 0..2 {
        setup.record(&[]).done();
    }
    assert_eq!(setup.names(), ["test-pattern-1.wmv", "test-pattern.wmv"]);
    assert!(setup.packets("test-pattern.wmv") == clip());

    fs::write(setup.scratch.join("mine"), b"precious").unwrap();
    let refused = setup.record(&["-o", "mine"]);
    assert!(refused.failed().contains("mine exists already"), "{refused:?}");
    let refused = setup.record(&["-o", "mine", "--resume"]);
    assert!(refused.failed().contains("no recording of this stream"), "{refused:?}");
    assert_eq!(setup.read("mine"), b"precious");
    setup.record(&["-o", "mine", "--force"]).done();
    assert!(setup.read("mine") == setup.read("test-pattern.wmv"));
    setup.record(&["--force"]).done();
    assert_eq!(setup.names().len(), 3);

    for (to, why) in [("no/file", "there is no folder no"), (".", ". is a folder")] {
        let refused = setup.record(&["-o", to]);
        assert!(refused.failed().contains(why), "{refused:?}");
    }
    assert_eq!(setup.names().len(), 3);
}

#[test]
fn standard_output_gets_the_header_and_the_packets() {
    let setup = Setup::new("stdout");
    let ended = setup.record(&["-o", "-", "--json"]);
    assert_eq!(ended.status, Some(0));
    assert!(ended.stdout[ended.stdout.len() - PACKETS * PACKET..] == clip());
    let header = bytes::Bytes::copy_from_slice(&ended.stdout);
    let header = mms_asf::Header::parse(&header).unwrap();
    assert_eq!(header.len() + PACKETS * PACKET, ended.stdout.len());
    // A pipe cannot be gone back in, so it says that nothing is known about its end.
    assert!(header.file().broadcast());
    let object = object(ended.stderr.as_bytes());
    assert_eq!((&object["file"], &object["packets"]), (&"-".into(), &PACKETS.into()));
    let refused = setup.record(&["-o", "-", "--resume"]);
    assert!(refused.failed().contains("standard output cannot be resumed"), "{refused:?}");
    assert_eq!(setup.names(), [""; 0]);
}

#[test]
fn only_a_part() {
    let setup = Setup::new("part");
    setup.record(&["-o", "all"]).done();
    for arguments in [["--start", "0"], ["--duration", "100"]] {
        setup.record(&[&arguments[..], &["-o", "x", "--force"]].concat()).done();
        assert!(setup.packets("x") == clip(), "{arguments:?}");
    }
    // Times start at zero; the media is the same.
    setup.record(&["--start-packet", "80", "-o", "x", "--force"]).done();
    assert!(media(&setup.packets("x")) == media(&clip()[80 * PACKET..]));
    assert_eq!(first_sent(&setup.packets("x")), 0);
    let duration = |arguments: &[&str]| {
        let more = ["-o", "x", "--force", "--json"];
        object(&setup.record(&[arguments, &more].concat()).stdout)["media_duration_ms"]
            .as_u64()
            .unwrap()
    };
    assert!((1900..2500).contains(&duration(&["--duration", "2"])));
    assert!(setup.packets("x") == clip()[..setup.packets("x").len()]);
    // From the last key frame before it, which is at 2.0 s.
    assert!((3500..4100).contains(&duration(&["--start", "3"])));
    assert!(media(&clip()).ends_with(&media(&setup.packets("x"))));
    assert_eq!(first_sent(&setup.packets("x")), 0);
    let ended = setup.record(&["--start-packet", "85", "-o", "none"]);
    assert!(ended.failed().contains("ended without a packet"), "{ended:?}");
    assert!(!setup.scratch.join("none").exists());
    // Nothing came: a file that was there is as it was, one that was not is not there now.
    let x = setup.read("x");
    setup.record(&["--start-packet", "85", "-o", "x", "--force"]).failed();
    assert!(setup.read("x") == x);
    for more in ["--force", "--resume"] {
        setup.record(&["--start-packet", "85", "-o", "none", more]).failed();
        assert!(!setup.scratch.join("none").exists(), "{more}");
    }
    setup.record(&["--start-packet", "85", "--resume"]).failed();
    let ended = setup.record(&["-o", "new/"]);
    assert_eq!(ended.failed(), "record: new/ is a folder; name a file in it with -o");
    assert_eq!(setup.names(), ["all", "x"]);
    let ended = setup.record(&["--streams", "1,3"]);
    assert!(ended.failed().contains("no stream 3, only 1 and 2"), "{ended:?}");
    setup.record(&["--streams", "2,1"]).done();
}

#[test]
fn a_range_begins_and_ends_where_it_says() {
    let setup = Setup::new("range");
    // A key frame is at 2.046 s, in a packet that begins with sound from 2.043 s on.
    for (arguments, start, duration) in [
        (&["--start", "3", "--duration", "1.5"][..], 2_043, 2_450..2_600),
        (&["--start", "0:03", "--end", "0:00:04.5"], 2_043, 2_450..2_600),
        (&["--end", "3"], 0, 2_990..3_250),
        (&["--start", "2.5", "--end", "100"], 2_043, 3_900..4_100),
    ] {
        let ended = setup.record(&[arguments, &["-o", "x", "--force", "--json"]].concat());
        let object = object(&ended.stdout);
        assert_eq!(object["start_ms"], start, "{arguments:?}");
        let lasts = object["media_duration_ms"].as_u64().unwrap();
        assert!(duration.contains(&lasts), "{arguments:?}: {object}");
    }
    let text = setup.record(&["--start", "3", "-o", "x", "--force"]).done();
    let said =
        "it begins at 2.043 s of the content, the last place before 3 s that can be played from\n";
    assert!(text.contains(said), "{text}");
    let text = setup.record(&["--start", "1", "-o", "x", "--force"]).done();
    let earlier =
        "it begins at 0 s of the content, the last place before 1 s that can be played from\n";
    assert!(text.contains(earlier), "{text}");
    let text = setup.record(&["--start", "0", "-o", "x", "--force"]).done();
    assert!(!text.contains("it begins"), "{text}");
    for beyond in ["7", "1:00"] {
        let ended = setup.record(&["--start", beyond, "-o", "none"]);
        assert!(ended.failed().contains(" is beyond the end, the content lasts 6."), "{ended:?}");
        assert!(ended.failed().ends_with("choose an earlier --start"), "{ended:?}");
    }
    assert_eq!(setup.names(), ["x"]);
}

#[test]
fn a_cut_recording_is_completed_from_its_last_whole_packet() {
    let setup = Setup::new("resume");
    setup.record(&["-o", "whole", "--resume"]).done();
    let whole = setup.read("whole");
    let header = bytes::Bytes::copy_from_slice(&whole);
    let header = mms_asf::Header::parse(&header).unwrap().len();
    assert!(whole.len() > header + PACKETS * PACKET, "an index follows");
    let cuts = [0, 1, header - 1, header, header + 1, header + PACKET, whole.len() / 2];
    for cut in cuts.into_iter().chain([whole.len() - 1, whole.len()]) {
        fs::write(setup.scratch.join("cut"), &whole[..cut]).unwrap();
        let ended = setup.record(&["-o", "cut", "--resume", "--json"]);
        let object = object(&ended.stdout);
        ended.done();
        let before = (cut.saturating_sub(header) / PACKET).min(PACKETS);
        let resumed = if before == 0 { Value::Null } else { before.into() };
        assert_eq!(object["resumed_from"], resumed, "{cut}");
        assert!(setup.read("cut") == whole, "{cut}");
    }
    let text = setup.record(&["-o", "whole", "--resume"]).done();
    assert!(text.contains("complete already"), "{text}");

    // Another start: nothing is touched.
    fs::write(setup.scratch.join("cut"), &whole[..whole.len() / 2]).unwrap();
    for start in [["--start", "3"], ["--start-packet", "7"]] {
        let ended = setup.record(&[&start[..], &["-o", "cut", "--resume"]].concat());
        assert!(ended.failed().contains("cannot resume cut: "), "{ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.contains("go on with"), "{ended:?}");
        assert!(setup.read("cut") == whole[..whole.len() / 2]);
    }
}

#[test]
fn failures_are_one_object_and_one_line() {
    let setup = Setup::new("failures");
    let missing = setup.url().replace("test-pattern", "missing");
    let ended = run("record", &setup.scratch, [missing.as_str(), "--json"]);
    let line = ended.failed();
    let object = object(&ended.stdout);
    assert_eq!(format!("record: {}", object["error"].as_str().unwrap()), line);
    assert!(line.ends_with("check the path in the address"), "{line}");
    assert_eq!(object["file"], Value::Null);
    let ended = run("record", &setup.scratch, ["mms://127.0.0.1:1/x", "-o", "-", "--json"]);
    assert_eq!((ended.status, ended.stdout.len()), (Some(1), 0));
    let alone: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert!(alone["error"].as_str().unwrap().contains("check that the server is running"));
    assert_eq!(setup.names(), [""; 0]);
}

#[test]
fn wrong_usage() {
    let scratch = Scratch::new("usage");
    for arguments in [
        &["nonsense"][..],
        &["mms://"],
        &["mmsu://h/x"],
        &["mms://h/x", "more"],
        &["mms://h/x", "--resume", "--force"],
        &["mms://h/x", "--start", "1", "--start-packet", "1"],
        &["mms://h/x", "--start", "-1"],
        &["mms://h/x", "--start", "1:60"],
        &["mms://h/x", "--start", "5", "--end", "0:05"],
        &["mms://h/x", "--end", "0"],
        &["mms://h/x", "--max-files", "0"],
        &["mms://h/x", "--duration", "0"],
        &["mms://h/x", "--timeout", "NaN"],
        &["mms://h/x", "--start-packet", "4294967295"],
        &["mms://h/x", "--streams", "0"],
        &["mms://h/x", "--streams", "1,,2"],
        &["mms://h/x", "--transport", "udp"],
        &["mms://h/x", "--user", "me"],
    ] {
        let ended = run("record", &scratch, arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stdout.is_empty(), "{ended:?}");
    }
    let help = run("record", &scratch, ["--help"]).done();
    assert!(help.contains("Exit status: 0 done, 1 failed, 2 wrong usage"), "{help}");
}
