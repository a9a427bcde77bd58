//! `repair` as it is run: what it writes, what it says, and what it leaves alone.

use std::fs;
use std::path::Path;

use crate::scripted::program::run;
use crate::support::folder::names;
use crate::support::scratch::Scratch;
use mms_asf::testing::strict;
use mms_asf::{Limits, testing};
use serde_json::Value;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// The clip's header, in bytes.
const HEADER: usize = 875;
const PACKET: usize = 3_200;

fn clip() -> Vec<u8> {
    fs::read(CLIP).unwrap()
}

fn packets(path: &Path) -> usize {
    strict(&fs::read(path).unwrap(), &Limits::default()).unwrap().packets.len()
}

#[test]
fn a_cut_file_is_repaired_beside_itself() {
    let scratch = Scratch::new("repair");
    let cut = &clip()[..HEADER + 10 * PACKET + 7];
    fs::write(scratch.join("a b.wmv"), cut).unwrap();
    let text = run("repair", &scratch, ["a b.wmv"]).done();
    assert!(text.starts_with("a b.repaired.wmv: 10 packets, "), "{text}");
    assert!(text.contains("  packets: 10, the header said 85\n"), "{text}");
    assert!(text.contains("left out 7 bytes at byte 32875: a packet that was cut"), "{text}");
    assert_eq!(names(&scratch), ["a b.repaired.wmv", "a b.wmv"]);
    assert!(fs::read(scratch.join("a b.wmv")).unwrap() == cut);
    assert_eq!(packets(&scratch.join("a b.repaired.wmv")), 10);

    // It is there now.
    let again = run("repair", &scratch, ["a b.wmv"]);
    assert!(again.failed().starts_with("repair: a b.repaired.wmv exists already; "), "{again:?}");
    fs::write(scratch.join("a b.repaired.wmv"), "old").unwrap();
    run("repair", &scratch, ["a b.wmv", "--force"]).done();
    assert_eq!(packets(&scratch.join("a b.repaired.wmv")), 10);
    assert_eq!(names(&scratch), ["a b.repaired.wmv", "a b.wmv"]);
}

#[test]
fn what_it_says_to_programs() {
    let scratch = Scratch::new("repair-json");
    fs::write(scratch.join("cut.wmv"), &clip()[..HEADER + 10 * PACKET + 7]).unwrap();
    let said = run("repair", &scratch, ["cut.wmv", "-o", "whole.asf", "--json"]).done();
    let object: Value = serde_json::from_str(&said).unwrap();
    let size = scratch.join("whole.asf").metadata().unwrap().len();
    for (name, value) in [
        ("input", "cut.wmv".into()),
        ("output", "whole.asf".into()),
        ("packets", 10.into()),
        ("bytes", size.into()),
        ("seekable", true.into()),
        ("left_out", 7.into()),
        ("next", Value::Null),
        ("rest", Value::Null),
        ("error", Value::Null),
    ] {
        assert_eq!(object[name], value, "{name}");
    }
    assert!(object["media_duration_ms"].as_u64().unwrap() > 200, "{object}");
    let kinds: Vec<_> = object["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            assert!(!change["text"].as_str().unwrap().is_empty());
            change["kind"].as_str().unwrap()
        })
        .collect();
    let wanted =
        ["cut", "packet_count", "play_duration", "send_duration", "file_size", "index_made"];
    assert_eq!(kinds, wanted);
}

#[test]
fn a_whole_file_is_not_written_in_place() {
    let scratch = Scratch::new("repair-whole");
    let path = scratch.join("clip.wmv");
    fs::write(&path, clip()).unwrap();
    // The first time it gets its index, if it has not the one that it should have.
    run("repair", &scratch, ["clip.wmv", "--in-place"]).done();
    let (whole, before) = (fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap());
    let text = run("repair", &scratch, ["clip.wmv", "--in-place"]).done();
    assert_eq!(text, "clip.wmv is whole: nothing had to be changed, and nothing was written\n");
    assert_eq!(path.metadata().unwrap().modified().unwrap(), before);
    let said = run("repair", &scratch, ["clip.wmv", "--in-place", "--json"]).done();
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["output"], Value::Null);
    assert_eq!(names(&scratch), ["clip.wmv"]);
    let text = run("repair", &scratch, ["clip.wmv"]).done();
    assert!(text.ends_with("changed, clip.repaired.wmv is a copy\n"), "{text}");
    assert!(fs::read(scratch.join("clip.repaired.wmv")).unwrap() == whole);
}

/// What cannot be read is not thrown away in place.
#[test]
fn most_of_the_media_is_not_left_out_in_place() {
    let scratch = Scratch::new("repair-most");
    let path = scratch.join("clip.wmv");
    let mut damaged = clip();
    damaged.truncate(HEADER + 20 * PACKET);
    for (number, byte) in damaged[HEADER + 6 * PACKET..].iter_mut().enumerate() {
        *byte = u8::try_from(number % 251).unwrap() | 1;
    }
    fs::write(&path, &damaged).unwrap();
    let refused = run("repair", &scratch, ["clip.wmv", "--in-place"]);
    let said = refused.failed();
    assert!(said.starts_with("repair: 44800 bytes of clip.wmv where media should be"), "{said}");
    assert!(fs::read(&path).unwrap() == damaged);
    assert_eq!(names(&scratch), ["clip.wmv"]);
    // Under another name, what is left can be had.
    run("repair", &scratch, ["clip.wmv"]).done();
    assert_eq!(packets(&scratch.join("clip.repaired.wmv")), 6);

    // Zeros are no media: the rest of a file that was not downloaded.
    damaged[HEADER + 6 * PACKET..].fill(0);
    fs::write(&path, &damaged).unwrap();
    run("repair", &scratch, ["clip.wmv", "--in-place"]).done();
    assert_eq!(packets(&path), 6);
}

/// A packet size that is wrong costs nothing.
#[test]
fn a_wrong_packet_size_is_mended_in_place() {
    let scratch = Scratch::new("repair-size");
    let path = scratch.join("clip.wmv");
    fs::write(&path, clip()).unwrap();
    run("repair", &scratch, ["clip.wmv", "--in-place"]).done();
    let good = fs::read(&path).unwrap();
    let id = mms_asf::guid::FILE_PROPERTIES.to_bytes_le();
    let at = good.windows(16).position(|bytes| bytes == id).unwrap() + 92;
    for wrong in [[3_200, 3_207], [3_207, 3_207], [3_200, 0], [3_200, u32::MAX]] {
        let mut bytes = good.clone();
        bytes[at..at + 8].copy_from_slice(&wrong.map(u32::to_le_bytes).concat());
        fs::write(&path, &bytes).unwrap();
        run("repair", &scratch, ["clip.wmv", "--in-place"]).done();
        assert!(fs::read(&path).unwrap() == good, "{wrong:?}");
    }
}

#[cfg(unix)]
#[test]
fn in_place_permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let scratch = Scratch::new("repair-place");
    let path = scratch.join("cut.wmv");
    fs::write(&path, &clip()[..HEADER + 10 * PACKET]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("cut.wmv", scratch.join("link.wmv")).unwrap();
    run("repair", &scratch, ["link.wmv", "--in-place"]).done();
    assert_eq!(packets(&path), 10);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert!(scratch.join("link.wmv").symlink_metadata().unwrap().is_symlink());
    assert_eq!(names(&scratch), ["cut.wmv", "link.wmv"]);
}

#[cfg(unix)]
#[test]
fn in_place_the_owner_and_the_group_stay() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    let scratch = Scratch::new("repair-owner");
    let path = scratch.join("cut.wmv");
    fs::write(&path, &clip()[..HEADER + 10 * PACKET]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    if chown(&path, Some(12_345), Some(54_321)).is_err() {
        return mms_tests::skip("only root gives files away");
    }
    run("repair", &scratch, ["cut.wmv", "--in-place"]).done();
    let found = path.metadata().unwrap();
    assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (12_345, 54_321, 0o640));
    // Elsewhere it is a file of whoever made it.
    run("repair", &scratch, ["cut.wmv"]).done();
    assert_ne!(scratch.join("cut.repaired.wmv").metadata().unwrap().uid(), 12_345);
}

#[test]
fn what_follows_of_another_stream() {
    let scratch = Scratch::new("repair-next");
    let first = &clip()[..HEADER + 10 * PACKET];
    let other = testing::header(256, 5, &[testing::TestStream::Audio(1)]);
    let second = [&other[..], &testing::packet(0, 256, b"data")].concat();
    fs::write(scratch.join("two.wmv"), [first, &second].concat()).unwrap();
    let at = first.len();
    let text = run("repair", &scratch, ["two.wmv"]).done();
    let line =
        format!("another stream follows at byte {at} and is not in it: --rest FILE saves it");
    assert!(text.contains(&line), "{text}");
    let said = run("repair", &scratch, ["two.wmv", "-o", "1.wmv", "--json"]).done();
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["next"], at);

    // In place it would be lost.
    let refused = run("repair", &scratch, ["two.wmv", "--in-place"]);
    assert!(refused.failed().contains("another stream from byte 32875 on"), "{refused:?}");
    assert_eq!(names(&scratch), ["1.wmv", "two.repaired.wmv", "two.wmv"]);
    let text = run("repair", &scratch, ["two.wmv", "--in-place", "--rest", "2.wmv"]).done();
    assert!(text.contains("it is in 2.wmv, repair that too"), "{text}");
    assert!(fs::read(scratch.join("2.wmv")).unwrap() == second);
    assert_eq!(packets(&scratch.join("two.wmv")), 10);
    run("repair", &scratch, ["2.wmv", "--in-place"]).done();
    assert_eq!(packets(&scratch.join("2.wmv")), 1);
    assert_eq!(names(&scratch), ["1.wmv", "2.wmv", "two.repaired.wmv", "two.wmv"]);
}

#[test]
fn a_failure_leaves_everything_as_it_was() {
    let scratch = Scratch::new("repair-failure");
    fs::write(scratch.join("text.wmv"), "no ASF file").unwrap();
    fs::write(scratch.join("empty.wmv"), "").unwrap();
    fs::write(scratch.join("noise.wmv"), [7; 500]).unwrap();
    fs::write(scratch.join("header.wmv"), &clip()[..HEADER + 100]).unwrap();
    fs::write(scratch.join("clip.wmv"), clip()).unwrap();
    fs::write(scratch.join("there.wmv"), "there").unwrap();
    fs::create_dir(scratch.join("folder")).unwrap();
    let before = names(&scratch);
    for (arguments, why) in [
        (&["none.wmv"][..], "none.wmv cannot be read: "),
        (&["."], ". is no regular file; "),
        (&["text.wmv"], "text.wmv is a text file, not ASF; "),
        (&["empty.wmv"], "empty.wmv is empty; "),
        (&["noise.wmv"], "noise.wmv is no ASF file, or its header is damaged ("),
        (&["text.wmv", "--in-place"], "text.wmv is a text file, not ASF; "),
        (&["header.wmv", "--in-place"], "header.wmv holds no whole packet behind its header; "),
        (&["header.wmv", "-o", "there.wmv", "--force"], "header.wmv holds no whole packet"),
        (&["clip.wmv", "-o", "there.wmv"], "there.wmv exists already; "),
        (&["clip.wmv", "-o", "clip.wmv", "--force"], "clip.wmv is the input; "),
        (&["clip.wmv", "-o", "folder", "--force"], "folder is no regular file; "),
        (&["clip.wmv", "-o", "none/a.wmv"], "cannot write none/a.wmv: "),
        (&["clip.wmv", "-o", "."], ". is no regular file; "),
        (&["clip.wmv", "-o", "new/"], "new/ is no regular file; "),
        (&["clip.wmv", "--rest", "new/"], "new/ is no regular file; "),
        (&["clip.wmv", "--rest", "there.wmv"], "there.wmv exists already; "),
        (&["clip.wmv", "-o", "a.wmv", "--rest", "a.wmv"], "a.wmv would be the repaired file and "),
        (&["clip.wmv", "-o", "a.wmv", "--rest", "./a.wmv", "--force"], "./a.wmv would be the rep"),
        (&["clip.wmv", "--rest", "clip.repaired.wmv"], "clip.repaired.wmv would be the repaired"),
    ] {
        let ended = run("repair", &scratch, arguments);
        let line = ended.failed();
        assert!(line.starts_with(&format!("repair: {why}")), "{arguments:?}: {line}");
        assert!(line.contains("; "), "{line}");
        assert!(ended.stdout.is_empty());
        assert_eq!(names(&scratch), before, "{arguments:?}");
    }
    assert_eq!(fs::read(scratch.join("there.wmv")).unwrap(), b"there");
    assert!(fs::read(scratch.join("clip.wmv")).unwrap() == clip());

    let ended = run("repair", &scratch, ["text.wmv", "--json"]);
    let object: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(object["error"].as_str().unwrap().starts_with("text.wmv is a text file, not ASF"));
    for wrong in [&[][..], &["a", "b"], &["a", "--rest", "-"], &["a", "--in-place", "-o", "b"]] {
        assert_eq!(run("repair", &scratch, wrong).status, Some(2), "{wrong:?}");
    }
}

/// What a link leads to is replaced, and not the link.
#[cfg(unix)]
#[test]
fn an_output_behind_a_link() {
    let scratch = Scratch::new("repair-link");
    fs::write(scratch.join("cut.wmv"), &clip()[..HEADER + 10 * PACKET]).unwrap();
    fs::write(scratch.join("old.wmv"), "old").unwrap();
    std::os::unix::fs::symlink("old.wmv", scratch.join("link.wmv")).unwrap();
    let text = run("repair", &scratch, ["cut.wmv", "-o", "link.wmv", "--force"]).done();
    assert!(text.starts_with("link.wmv: 10 packets, "), "{text}");
    assert!(scratch.join("link.wmv").symlink_metadata().unwrap().is_symlink());
    assert_eq!(packets(&scratch.join("old.wmv")), 10);
    assert_eq!(names(&scratch), ["cut.wmv", "link.wmv", "old.wmv"]);
}

/// Replacing it would take a pipe, or `/dev/null`, from everybody who uses it.
#[cfg(unix)]
#[test]
fn a_pipe_is_not_replaced() {
    use std::os::unix::fs::FileTypeExt as _;

    let scratch = Scratch::new("repair-pipe");
    fs::write(scratch.join("cut.wmv"), &clip()[..HEADER + 10 * PACKET]).unwrap();
    let pipe = scratch.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ended = run("repair", &scratch, ["cut.wmv", "--force", "--rest", "pipe"]);
    assert!(ended.failed().starts_with("repair: pipe is no regular file; "), "{ended:?}");
    // As output it is written to.
    let reader = pipe.clone();
    let reader = std::thread::spawn(move || fs::read(reader).unwrap());
    run("repair", &scratch, ["cut.wmv", "--force", "-o", "pipe"]).done();
    assert!(reader.join().unwrap().len() > HEADER + 10 * PACKET);
    run("repair", &scratch, ["cut.wmv", "--force", "-o", "/dev/null"]).done();
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
    assert_eq!(names(&scratch), ["cut.wmv", "pipe"]);
}

#[test]
fn a_name_as_long_as_names_can_be() {
    let scratch = Scratch::new("repair-name");
    let name = format!("{}.wmv", "n".repeat(251));
    fs::write(scratch.join(&name), &clip()[..HEADER + 10 * PACKET]).unwrap();
    run("repair", &scratch, [name.as_str(), "--in-place"]).done();
    assert_eq!(packets(&scratch.join(&name)), 10);
    assert_eq!(names(&scratch), [name]);
}

/// A full disk: the output goes, the input stays.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written() {
    let scratch = Scratch::new("repair-full");
    fs::write(scratch.join("clip.wmv"), clip()).unwrap();
    // Files in there can be neither made nor written, whoever asks.
    let ended = run("repair", &scratch, ["clip.wmv", "-o", "/proc/repaired.wmv"]);
    assert!(ended.failed().starts_with("repair: cannot write /proc/repaired.wmv: "), "{ended:?}");
    assert_eq!(names(&scratch), ["clip.wmv"]);
}

#[test]
fn a_header_that_declares_a_stream_no_more_is_refused() {
    let scratch = Scratch::new("repair-lost");
    // Two bytes of the identifier that declares the only stream are missing.
    let mut lost = clip();
    let stream = mms_asf::guid::STREAM_PROPERTIES.to_bytes_le();
    let at = lost.windows(16).position(|id| id == stream).unwrap();
    lost.drain(at + 3..at + 5);
    fs::write(scratch.join("lost.wmv"), &lost).unwrap();
    for arguments in [&["lost.wmv"][..], &["lost.wmv", "--in-place"], &["lost.wmv", "-o", "o.asf"]]
    {
        let said = run("repair", &scratch, arguments);
        let said = said.failed();
        let start = "repair: the header of lost.wmv is damaged, and stream 1, which has packets, ";
        assert!(said.starts_with(start), "{said}");
        assert_eq!(names(&scratch), ["lost.wmv"]);
        assert!(fs::read(scratch.join("lost.wmv")).unwrap() == lost);
    }
    // With a wrong size only, nothing is lost.
    let mut size = clip();
    size[at + 16] ^= 8;
    fs::write(scratch.join("lost.wmv"), &size).unwrap();
    run("repair", &scratch, ["lost.wmv", "--in-place"]).done();
    assert!(fs::read(scratch.join("lost.wmv")).unwrap() == clip());
}
