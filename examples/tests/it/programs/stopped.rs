//! Ctrl-C while `repair` and `filter` write: nothing unfinished stays behind.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::scripted::program::{Ended, program, run};
use crate::support::folder::names;
use crate::support::scratch::Scratch;
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// Behind the clip, and nothing but a hole on the disk: nobody reads so much before the signal
/// comes.
const LENGTH: u64 = 1 << 40;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something, and kills the program when it does not come.
fn wait(child: &mut Child, what: &str, mut come: impl FnMut(&mut Child) -> bool) {
    let begun = Instant::now();
    while !come(child) {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not {what}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts the program, waits for its unfinished file, and sends the signal.
fn stop(scratch: &Scratch, name: &'static str, arguments: &[&str], signal: &str) -> Ended {
    let before = names(scratch);
    let mut child = program(name, scratch, arguments).spawn().unwrap();
    wait(&mut child, "begin", |_| names(scratch) != before);
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    wait(&mut child, "end", |child| child.try_wait().unwrap().is_some());
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(names(scratch), before, "{name} {arguments:?}");
    ended
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let scratch = Scratch::new("killed");
    let mut long = File::create(scratch.join("long.wmv")).unwrap();
    long.write_all(&fs::read(CLIP).unwrap()).unwrap();
    if long.set_len(LENGTH).is_err() {
        println!("skipped: no holes in files here");
        return;
    }
    for (name, more) in [("repair", &[][..]), ("filter", &["--streams", "1"])] {
        let arguments = [&["long.wmv", "-o", "out.wmv"][..], more].concat();
        let before = names(&scratch);
        let mut child = program(name, &scratch, arguments).spawn().unwrap();
        wait(&mut child, "begin", |_| names(&scratch) != before);
        // The one that is being written stays while others come and go.
        run(name, &scratch, [&[CLIP, "-o", "done.wmv", "--force"][..], more].concat()).done();
        assert_eq!(names(&scratch).len(), 3, "{:?}", names(&scratch));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(names(&scratch).len(), 3, "it could not remove it itself");
        run(name, &scratch, [&[CLIP, "-o", "done.wmv", "--force"][..], more].concat()).done();
        assert_eq!(names(&scratch), ["done.wmv", "long.wmv"]);
        fs::remove_file(scratch.join("done.wmv")).unwrap();
    }
}

#[test]
fn nothing_unfinished_stays() {
    let scratch = Scratch::new("stopped");
    let mut long = File::create(scratch.join("long.wmv")).unwrap();
    long.write_all(&fs::read(CLIP).unwrap()).unwrap();
    if long.set_len(LENGTH).is_err() {
        mms_tests::skip("files without holes");
        return;
    }
    fs::write(scratch.join("old.wmv"), "old").unwrap();

    let onto = ["long.wmv", "-o", "old.wmv", "--force"];
    for (name, arguments, signal) in [
        ("repair", &[][..], "INT"),
        ("repair", &["--json"], "TERM"),
        ("filter", &["--streams", "1"], "INT"),
        ("filter", &["--streams", "1", "--json"], "TERM"),
    ] {
        let ended = stop(&scratch, name, &[&onto[..], arguments].concat(), signal);
        assert!(ended.failed().starts_with(&format!("{name}: stopped; ")), "{ended:?}");
        assert_eq!(fs::read(scratch.join("old.wmv")).unwrap(), b"old");
        if arguments.contains(&"--json") {
            let object: Value = serde_json::from_slice(&ended.stdout).unwrap();
            assert!(object["error"].as_str().unwrap().starts_with("stopped"), "{object}");
        }
    }
    let ended = stop(&scratch, "repair", &["long.wmv", "--in-place"], "INT");
    assert!(ended.failed().starts_with("repair: stopped; long.wmv is as it was"), "{ended:?}");
    assert_eq!(scratch.join("long.wmv").metadata().unwrap().len(), LENGTH);

    // What nobody stops is written to the same place.
    for (name, arguments) in [("repair", &[][..]), ("filter", &["--streams", "1"])] {
        run(name, &scratch, [&[CLIP, "-o", "old.wmv", "--force"][..], arguments].concat()).done();
        assert!(scratch.join("old.wmv").metadata().unwrap().len() > 10_000);
    }
    assert_eq!(names(&scratch), ["long.wmv", "old.wmv"]);
}
