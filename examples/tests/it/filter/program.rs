//! `filter` as it is run: what it writes and prints, what it refuses, what it leaves behind.

use std::fs;

use crate::scripted::program::run;
use crate::support::folder::names;
use crate::support::scratch::Scratch;
use mms_asf::testing::{self, TestStream};
use mms_examples::inspect;
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// Fails with a line that starts like this, and leaves the folder as it is.
#[track_caller]
fn refuses(scratch: &Scratch, arguments: &[&str], start: &str) -> String {
    let read = || -> Vec<_> {
        let names = names(scratch).into_iter();
        names.map(|name| (fs::read(scratch.join(&name)).ok(), name)).collect()
    };
    let before = read();
    let ended = run("filter", scratch, arguments);
    let line = ended.failed().to_owned();
    assert!(line.starts_with(&format!("filter: {start}")), "{line}");
    assert!(line.contains("; "), "what to do: {line}");
    assert!(ended.stdout.is_empty());
    assert!(read() == before, "{:?}", names(scratch));
    line
}

#[test]
fn one_stream_of_two() {
    let scratch = Scratch::new("filter");
    let text = run("filter", &scratch, [CLIP, "-o", "audio.wma", "--streams", "2"]).done();
    assert!(text.starts_with("audio.wma: ") && text.contains("removed stream 1 (WMV"), "{text}");
    assert_eq!(names(&scratch), ["audio.wma"]);
    let report = inspect::Report::of(&scratch.join("audio.wma")).unwrap().json();
    assert_eq!(report["streams"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["streams"][0]["number"], 2, "{report}");

    let object = run("filter", &scratch, [CLIP, "-o", "v.wmv", "--streams", "1", "--json"]).done();
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!((&object["error"], &object["output"]), (&Value::Null, &"v.wmv".into()));
    assert_eq!(object["removed"][0]["number"], 2, "{object}");
    assert!(object["removed"][0]["payloads"].as_u64().unwrap() > 100, "{object}");
    assert_eq!(object["bytes"], fs::metadata(scratch.join("v.wmv")).unwrap().len());
    assert_eq!((&object["seekable"], &object["unreadable_packets"]), (&true.into(), &0.into()));
    // As `repair` says it.
    assert_eq!(object["media_duration_ms"], 5_999, "{object}");
    let kinds: Vec<_> =
        object["changes"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert!(kinds.contains(&&"file_size".into()), "{object}");
}

#[test]
fn all_streams_are_a_copy() {
    let scratch = Scratch::new("filter-all");
    let text = run("filter", &scratch, [CLIP, "-o", "a.wmv", "--streams", "2,1"]).done();
    assert_eq!(text.lines().count(), 1, "nothing was removed: {text}");
    assert!(fs::read(CLIP).unwrap() == fs::read(scratch.join("a.wmv")).unwrap());
}

#[test]
fn a_file_that_is_there_is_replaced_on_demand_only() {
    let scratch = Scratch::new("filter-force");
    fs::write(scratch.join("a.wmv"), "dear to somebody").unwrap();
    let arguments = [CLIP, "-o", "a.wmv", "--streams", "1"];
    let line = refuses(&scratch, &arguments, "a.wmv exists already");
    assert!(line.contains("--force"), "{line}");
    // One that cannot be replaced stays.
    refuses(&scratch, &[CLIP, "-o", "a.wmv", "--streams", "7", "--force"], CLIP);
    let done = run("filter", &scratch, [CLIP, "-o", "a.wmv", "--streams", "1", "--force"]);
    done.done();
    assert_eq!(names(&scratch), ["a.wmv"]);
    assert!(inspect::Report::of(&scratch.join("a.wmv")).is_ok());
}

#[test]
fn the_input_is_never_the_output() {
    let scratch = Scratch::new("filter-same");
    fs::copy(CLIP, scratch.join("a.wmv")).unwrap();
    for output in ["a.wmv", "./a.wmv"] {
        for force in [&["--streams", "1"][..], &["--streams", "1", "--force"]] {
            let arguments = [&["a.wmv", "-o", output], force].concat();
            refuses(&scratch, &arguments, &format!("{output} is the file to read from; "));
        }
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.wmv", scratch.join("link")).unwrap();
        let arguments = ["a.wmv", "-o", "link", "--streams", "1", "--force"];
        refuses(&scratch, &arguments, "link is the file to read from; ");
    }
}

#[test]
fn what_cannot_be_filtered() {
    let scratch = Scratch::new("filter-refused");
    fs::write(scratch.join("text.wmv"), "no ASF file").unwrap();
    fs::write(scratch.join("empty.wmv"), "").unwrap();
    let header = testing::header(256, 0, &[TestStream::Audio(1)]);
    fs::write(scratch.join("header.wma"), &header).unwrap();
    let mut silent =
        testing::header(256, 1, &[TestStream::Audio(1), TestStream::Video(3)]).to_vec();
    silent.extend_from_slice(&testing::packet(0, 256, b"audio"));
    fs::write(scratch.join("silent.wmv"), silent).unwrap();
    fs::create_dir(scratch.join("folder")).unwrap();
    for (input, output, streams, start) in [
        ("none.wmv", "out", "1", "none.wmv: cannot be read"),
        ("no\nne.wmv", "out", "1", "no?ne.wmv: cannot be read"),
        ("silent.wmv", "no\nne/out", "1", "cannot write no?ne/out: there is no folder no?ne; "),
        ("folder", "out", "1", "folder: is no regular file"),
        ("text.wmv", "out", "1", "text.wmv: is a text file, not ASF; "),
        ("empty.wmv", "out", "1", "empty.wmv: is empty; "),
        ("header.wma", "out", "1", "header.wma: no whole packet"),
        ("silent.wmv", "out", "2,1", "silent.wmv: there is no stream 2, only 1 and 3; "),
        ("silent.wmv", "out", "3", "silent.wmv: there are no packets of these streams; "),
        ("silent.wmv", "folder", "1", "folder: is no regular file"),
        ("silent.wmv", "none/out", "1", "cannot write none/out: there is no folder none; "),
    ] {
        refuses(&scratch, &[input, "-o", output, "--streams", streams], start);
    }
    let ended = run("filter", &scratch, ["text.wmv", "-o", "out", "--streams", "1", "--json"]);
    let object: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(ended.failed(), format!("filter: {}", object["error"].as_str().unwrap()));
}

#[test]
fn wrong_usage() {
    let scratch = Scratch::new("filter-usage");
    for arguments in [
        &[][..],
        &[CLIP],
        &[CLIP, "-o", "out"],
        &[CLIP, "--streams", "1"],
        &[CLIP, "-o", "out", "--streams", ""],
        &[CLIP, "-o", "out", "--streams", "0"],
        &[CLIP, "-o", "out", "--streams", "1,128"],
        &[CLIP, "-o", "out", "--streams", "-1"],
        &[CLIP, "-o", "out", "--streams", "video"],
    ] {
        let ended = run("filter", &scratch, arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
        assert_eq!(names(&scratch), [""; 0]);
    }
}
