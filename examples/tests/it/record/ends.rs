//! How `record` ends when it is stopped, and when it can no longer write.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::scripted::program::{Ended, program, run};
use crate::support::peers;
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_asf::FileReader;
use mms_examples::record::Demo;
use mms_examples::serve::{Options, Pace};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// A server that takes six seconds for the clip.
fn slow() -> (Served, String) {
    let mut options = Options::new(CLIP);
    options.pace = Pace::BitRate;
    let server = Served::start(options);
    let url = format!("mms://{}/test-pattern.wmv", server.address);
    (server, url)
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[track_caller]
fn wait_until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |found| found.len())
}

#[test]
fn a_signal_finishes_the_file() {
    std::thread::scope(|scope| {
        for name in ["INT", "TERM"] {
            scope.spawn(move || signalled(name));
        }
    });
}

fn signalled(name: &str) {
    let (server, url) = slow();
    let scratch = Scratch::new("signal");
    let path = scratch.join("a.wmv");
    let child = program("record", &scratch, [url.as_str(), "-o", "a.wmv"]).spawn().unwrap();
    // The header, and the packets of the first second.
    wait_until(|| length(&path) > 10_000);
    signal(&child, name);
    let text = Ended::from(child.wait_with_output().unwrap()).done();
    assert!(text.contains("stopped early") && text.contains("-o a.wmv --resume"), "{text}");

    let reader = FileReader::open(File::open(&path).unwrap()).unwrap();
    let file = reader.header().file();
    assert!(!file.broadcast());
    assert_eq!((file.packet_count, reader.leftover()), (reader.packet_count(), 0));
    assert!((3..85).contains(&reader.packet_count()), "{}", reader.packet_count());
    assert_eq!(file.file_size, length(&path));
    plays(&path);
    // The server knows that it has left.
    wait_until(|| server.lines().len() == 1);

    let fast = Demo::start().unwrap();
    let url = fast.url().to_string();
    let text = run("record", &scratch, [url.as_str(), "-o", "a.wmv", "--resume"]).done();
    assert!(text.contains("(85 packets"), "{text}");
    plays(&path);
}

/// FFmpeg finds nothing wrong.
fn plays(path: &Path) {
    if peers::is_here("ffprobe") {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "warning", "-count_packets", "-show_streams"]).arg(path);
        let output = ffprobe.output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn a_signal_ends_it_even_where_nobody_reads() {
    let (_server, url) = slow();
    let scratch = Scratch::new("stuck");
    assert!(Command::new("mkfifo").arg(scratch.join("pipe")).status().unwrap().success());
    fs::copy(CLIP, scratch.join("in.wmv")).unwrap();
    for (name, arguments) in [
        ("record", &[url.as_str(), "-o", "pipe"][..]),
        ("repair", &["in.wmv", "-o", "pipe"]),
        ("filter", &["in.wmv", "-o", "pipe", "--streams", "1"]),
    ] {
        let mut child = program(name, &scratch, arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        assert_eq!(line, format!("{name}: waiting for a reader of pipe; Ctrl-C ends it"));
        signal(&child, "TERM");
        let last = lines.next().unwrap().unwrap();
        assert!(last.starts_with(&format!("{name}: stopped")), "{last}");
        assert!(lines.next().is_none());
        assert_eq!(child.wait().unwrap().code(), Some(1), "{name}");
    }
}

#[test]
fn a_named_pipe_is_written_to() {
    let server = Demo::start().unwrap();
    let url = server.url().to_string();
    let scratch = Scratch::new("pipe");
    let pipe = scratch.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let child = program("record", &scratch, [url.as_str(), "-o", "pipe"]).spawn().unwrap();
    let mut bytes = Vec::new();
    File::open(&pipe).unwrap().read_to_end(&mut bytes).unwrap();
    let text = Ended::from(child.wait_with_output().unwrap()).done();
    assert!(text.contains(&format!("{} bytes", bytes.len())), "{text}");
}

#[test]
fn a_reader_that_leaves_ends_it() {
    let (_server, url) = slow();
    let scratch = Scratch::new("reader");
    let mut child = program("record", &scratch, [url.as_str(), "-o", "-"]).spawn().unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let line = "record: whoever was reading standard output has stopped\n";
    assert!(ended.stderr.ends_with(line), "{ended:?}");
}

#[test]
fn a_full_disk_is_named() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let server = Demo::start().unwrap();
    let url = server.url().to_string();
    let scratch = Scratch::new("full");
    let ended = run("record", &scratch, [url.as_str(), "-o", "/dev/full"]);
    let line = ended.failed();
    assert!(line.starts_with("record: cannot write /dev/full: "), "{line}");
    assert!(line.ends_with("free some space"), "{line}");

    // A summary that nobody gets is a failure, but the recording is there.
    let out = File::options().write(true).open(full).unwrap();
    let ended = program("record", &scratch, [url.as_str(), "--json"]).stdout(out).output().unwrap();
    let ended = Ended::from(ended);
    assert!(ended.failed().contains("summary cannot be printed"), "{ended:?}");
    assert!(scratch.join("test-pattern.wmv").exists());

    // Not even errors can be printed.
    let mut mute = program("record", &scratch, [url.as_str(), "-o", "-"]);
    let [out, err] = [(); 2].map(|()| File::options().write(true).open(full).unwrap());
    assert_eq!(mute.stdout(out).stderr(err).status().unwrap().code(), Some(1));
}
