//! Media on standard output, under whatever name, and the summary somewhere else.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::scripted::program::{Ended, program, run};
use crate::support::folder::names;
use crate::support::scratch::Scratch;
use mms_asf::testing::strict;
use mms_asf::{FileReader, Limits};
use mms_examples::record::Demo;
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// The clip's header and the size of its packets, in bytes.
const HEADER: usize = 875;
const PACKET: usize = 3_200;

#[test]
fn repair_and_filter_write_the_same_into_a_pipe_as_into_a_file() {
    let scratch = Scratch::new("pipes");
    let cut = &fs::read(CLIP).unwrap()[..HEADER + 10 * PACKET + 7];
    fs::write(scratch.join("in.wmv"), cut).unwrap();
    for (name, more) in [("repair", &[][..]), ("filter", &["--streams", "2"])] {
        let arguments = |to| [&["in.wmv", "-o", to][..], more].concat();
        let text = run(name, &scratch, arguments("out.wmv")).done();
        let piped = run(name, &scratch, arguments("-"));
        assert_eq!(piped.status, Some(0), "{piped:?}");
        let file = fs::read(scratch.join("out.wmv")).unwrap();
        assert!(piped.stdout == file, "{name}");
        strict(&piped.stdout, &Limits::default()).unwrap();
        // The same words, elsewhere.
        assert_eq!(piped.stderr, text.replacen("out.wmv", "standard output", 1));
        let piped = run(name, &scratch, [&arguments("-")[..], &["--json"]].concat());
        let object: Value = serde_json::from_str(&piped.stderr).unwrap();
        assert_eq!((&object["output"], &object["error"]), (&"-".into(), &Value::Null));
        assert!(piped.stdout == file);
        fs::remove_file(scratch.join("out.wmv")).unwrap();
    }
    // A failure leaves the pipe empty.
    let refused = run("repair", &scratch, ["none.wmv", "-o", "-"]);
    assert!(refused.failed().contains("none.wmv cannot be read") && refused.stdout.is_empty());
    assert_eq!(names(&scratch), ["in.wmv"]);
}

#[test]
fn repair_and_filter_read_standard_input() {
    let scratch = Scratch::new("stdin");
    fs::write(scratch.join("in.wmv"), &fs::read(CLIP).unwrap()[..HEADER + 10 * PACKET + 7])
        .unwrap();
    let input = || Stdio::from(File::open(scratch.join("in.wmv")).unwrap());
    for (name, more) in [("repair", &[][..]), ("filter", &["--streams", "2", "-o", "-"])] {
        let arguments =
            [&["in.wmv", "-o", "out.wmv", "--force"], &more[..more.len().min(2)]].concat();
        let text = run(name, &scratch, arguments).done();
        let wanted = fs::read(scratch.join("out.wmv")).unwrap();
        let arguments = [&["-"], more].concat();
        let piped =
            Ended::from(program(name, &scratch, arguments).stdin(input()).output().unwrap());
        assert_eq!(piped.status, Some(0), "{piped:?}");
        assert!(piped.stdout == wanted, "{name}");
        assert_eq!(piped.stderr, text.replacen("out.wmv", "standard output", 1));
    }
    let ended = run("repair", &scratch, ["-"]);
    assert_eq!(
        ended.failed(),
        "repair: standard input is empty; nothing can be saved without a header"
    );
    let ended = run("repair", &scratch, ["-", "--in-place"]);
    assert!(ended.failed().contains("standard input cannot be replaced"), "{ended:?}");
    let mut filter = program("filter", &scratch, ["-", "-o", "a", "--streams", "9"]);
    let ended = Ended::from(filter.stdin(input()).output().unwrap());
    let line = "filter: standard input: there is no stream 9, only 1 and 2; choose with --streams";
    assert_eq!(ended.failed(), line);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str| scratch.join(name).metadata().unwrap().permissions().mode();
        let mut repair = program("repair", &scratch, ["-", "-o", "new.wmv"]);
        assert!(repair.stdin(input()).status().unwrap().success());
        assert_eq!(mode("new.wmv"), mode("in.wmv"), "as any new file");
        fs::remove_file(scratch.join("new.wmv")).unwrap();
    }
    assert_eq!(names(&scratch), ["in.wmv", "out.wmv"]);
}

#[cfg(unix)]
#[test]
fn repair_and_filter_write_into_a_named_pipe() {
    let scratch = Scratch::new("named");
    assert!(Command::new("mkfifo").arg(scratch.join("pipe")).status().unwrap().success());
    for (name, more) in [("repair", &[][..]), ("filter", &["--streams", "2"])] {
        let arguments = |to| [&[CLIP, "-o", to], more].concat();
        let text = run(name, &scratch, arguments("out.wmv")).done();
        let child = program(name, &scratch, arguments("pipe")).spawn().unwrap();
        let piped = fs::read(scratch.join("pipe")).unwrap();
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert!(piped == fs::read(scratch.join("out.wmv")).unwrap(), "{name}");
        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!((ended.status, said), (Some(0), text.replace("out.wmv", "pipe")));
        fs::remove_file(scratch.join("out.wmv")).unwrap();
    }
    assert_eq!(names(&scratch), ["pipe"]);
}

/// Runs a program whose standard output is a file in this folder.
fn into_file(
    name: &'static str,
    scratch: &Scratch,
    file: &str,
    arguments: &[&str],
    both: bool,
) -> Ended {
    let out = File::create(scratch.join(file)).unwrap();
    let mut command = program(name, scratch, arguments);
    if both {
        command.stderr(out.try_clone().unwrap());
    }
    command.stdout(Stdio::from(out)).output().unwrap().into()
}

/// The number of packets of a file, behind which nothing else follows than an index.
fn packets(path: &Path) -> u64 {
    let reader = FileReader::open(File::open(path).unwrap()).unwrap();
    assert_eq!(reader.leftover(), 0);
    reader.packet_count()
}

#[cfg(unix)]
#[test]
fn no_summary_in_the_media_whatever_standard_output_is_called() {
    let scratch = Scratch::new("stdout");
    let server = Demo::start().unwrap();
    let url = server.url().to_string();
    std::os::unix::fs::symlink("a.wmv", scratch.join("link.wmv")).unwrap();
    for to in ["-", "/dev/stdout", "/dev/fd/1", "a.wmv", "./a.wmv", "link.wmv"] {
        let ended = into_file("record", &scratch, "a.wmv", &[&url, "-o", to, "--force"], false);
        assert_eq!(ended.status, Some(0), "{to}: {ended:?}");
        assert!(ended.stderr.contains("to standard output (85 packets"), "{to}: {ended:?}");
        assert_eq!(packets(&scratch.join("a.wmv")), 85, "{to}");
        let header = fs::read(scratch.join("a.wmv")).unwrap();
        assert_eq!(header.len() % PACKET, HEADER % PACKET, "{to}: nothing follows the packets");
        for (name, more) in [("repair", &[][..]), ("filter", &["--streams", "1"])] {
            let arguments = [&[CLIP, "-o", to, "--force"][..], more].concat();
            let ended = into_file(name, &scratch, "a.wmv", &arguments, false);
            assert_eq!(ended.status, Some(0), "{name} {to}: {ended:?}");
            assert!(ended.stderr.contains("standard output"), "{name} {to}: {ended:?}");
            strict(&fs::read(scratch.join("a.wmv")).unwrap(), &Limits::default()).unwrap();
        }
    }
    // There is no other place for it.
    for name in ["repair", "filter"] {
        let arguments = ["--streams", "1", CLIP, "-o", "-"];
        let arguments = if name == "filter" { &arguments[..] } else { &arguments[2..] };
        into_file(name, &scratch, "a.wmv", arguments, true);
        strict(&fs::read(scratch.join("a.wmv")).unwrap(), &Limits::default()).unwrap();
    }
    into_file("record", &scratch, "a.wmv", &[&url, "-o", "-"], true);
    assert_eq!(packets(&scratch.join("a.wmv")), 85);
    // The name that it finds itself.
    let ended = into_file("record", &scratch, "test-pattern.wmv", &[&url, "--force"], false);
    assert!(ended.stderr.contains("to test-pattern.wmv (85 packets"), "{ended:?}");
    assert_eq!(packets(&scratch.join("test-pattern.wmv")), 85);
}
