//! Names that lead astray: nothing outside the folder is served, nothing inside it is lost.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::attack::CLIP;
use crate::attack::honest::Honest;
use crate::attack::raw::{Raw, open};
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_examples::serve::Options;
use mms_proto::HResult;
use mms_proto::mmsp::message::ServerMessage;

/// Longest name that fits a packet, in UTF-16 units.
const LONGEST: usize = 32_740;

/// A folder to serve, beside a file that is nobody's business.
fn folder(scratch: &Scratch) {
    let inside = scratch.join("in");
    fs::create_dir_all(inside.join("sub")).unwrap();
    for name in ["secret.wmv", "in/clip.wmv", "in/a b.wmv", "in/100%.wmv", "in/sub/clip.wmv"] {
        fs::copy(CLIP, scratch.join(name)).unwrap();
    }
    fs::write(inside.join("notes.txt"), "private").unwrap();
    fs::write(inside.join("empty.wmv"), "").unwrap();
    fs::write(inside.join("broken.wmv"), [0x5A; 5000]).unwrap();
    // A header that says of itself that it is as large as can be.
    let mut huge = fs::read(CLIP).unwrap();
    huge[16..24].fill(0xFF);
    // Its data are found all the same, unless they are not there.
    fs::write(inside.join("lying.wmv"), &huge).unwrap();
    fs::write(inside.join("huge.wmv"), &huge[..500]).unwrap();
    let link = |to: &Path, name: &str| symlink(to, inside.join(name)).unwrap();
    link(Path::new("clip.wmv"), "link.wmv");
    link(Path::new("../secret.wmv"), "out.wmv");
    link(&scratch.join("secret.wmv"), "absolute.wmv");
    link(Path::new(".."), "up");
    link(Path::new("loop.wmv"), "loop.wmv");
    link(Path::new("/dev/zero"), "zero.wmv");
    link(Path::new("/proc/self/environ"), "environ.wmv");
    link(Path::new("/nonexistent"), "nowhere.wmv");
    // Opening it would wait for ever.
    let pipe = Command::new("mkfifo").arg(inside.join("pipe.wmv")).status().unwrap();
    assert!(pipe.success());
}

/// Names of nothing that may be served.
fn astray(scratch: &Scratch) -> Vec<String> {
    let mut names: Vec<String> = [
        // Up, in every spelling.
        "..",
        ".",
        "",
        "/",
        "../secret.wmv",
        "/../secret.wmv",
        "./../secret.wmv",
        "..//secret.wmv",
        "sub/../../secret.wmv",
        "sub/../clip.wmv",
        "clip.wmv/..",
        "clip.wmv/../clip.wmv",
        "sub",
        "sub/",
        "clip.wmv/",
        "..\\secret.wmv",
        "sub\\..\\..\\secret.wmv",
        "..\\/secret.wmv",
        ".../secret.wmv",
        "up/secret.wmv",
        "up/in/../secret.wmv",
        "..;/secret.wmv",
        "../in/../secret.wmv?clip.wmv",
        // Encoded: once, twice, too long, half, badly.
        "%2e%2e/secret.wmv",
        "%2E%2E%2Fsecret.wmv",
        "..%2fsecret.wmv",
        ".%2e/secret.wmv",
        "%252e%252e%252fsecret.wmv",
        "%25252e%25252e/secret.wmv",
        "sub/%2e%2e/%2e%2e/secret.wmv",
        "sub%2f..%2f..%2fsecret.wmv",
        "..%5csecret.wmv",
        "%2e%2e%5csecret.wmv",
        "%5c..%5csecret.wmv",
        "%c0%ae%c0%ae/secret.wmv",
        "%c0%ae%c0%ae%c0%afsecret.wmv",
        "%e0%80%ae%e0%80%ae/secret.wmv",
        "%u002e%u002e/secret.wmv",
        "%uff0e%uff0e/secret.wmv",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%",
        "%2",
        "%zz",
        "%%",
        "%%32e%%32e/secret.wmv",
        "%ff%fe.wmv",
        "%00",
        "clip.wmv%00",
        "clip.wmv%00.txt",
        "%00clip.wmv",
        "..%00/secret.wmv",
        "clip.wmv%0a",
        "clip.wmv%20",
        "%20clip.wmv",
        "%2e%2e/secret.wmv?x=1",
        "../secret.wmv%3fclip.wmv",
        // Characters that only look so.
        "\u{FF0E}\u{FF0E}/secret.wmv",
        "\u{2025}/secret.wmv",
        "..\u{2215}secret.wmv",
        "..\u{2044}secret.wmv",
        "\u{202E}vmw.pilc",
        "clip.wmv\u{200B}",
        "\u{FEFF}clip.wmv",
        "CLIP.WMV\u{301}",
        // Somewhere else.
        "/etc/passwd",
        "//etc/passwd",
        "etc/passwd",
        "/dev/zero",
        "dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        "/proc/self/fd/0",
        "/proc/self/cwd/Cargo.toml",
        "file:///etc/passwd",
        "file:clip.wmv",
        "http://127.0.0.1/clip.wmv",
        "mms://127.0.0.1/clip.wmv",
        "~/clip.wmv",
        "~root/.profile",
        "$HOME/clip.wmv",
        "C:\\secret.wmv",
        "C:/secret.wmv",
        "c:clip.wmv",
        "\\secret.wmv",
        "\\\\host\\share\\secret.wmv",
        "//host/share/secret.wmv",
        "\\\\?\\C:\\secret.wmv",
        "\\\\.\\C:\\secret.wmv",
        "\\\\.\\pipe\\x",
        "\\\\.\\PhysicalDrive0",
        "\\??\\C:\\secret.wmv",
        "\\Device\\Null",
        "clip.wmv:stream",
        "clip.wmv::$DATA",
        "CON",
        "con.wmv",
        "NUL",
        "nul.wmv",
        "PRN",
        "AUX.wmv",
        "COM1",
        "COM1.wmv",
        "LPT1",
        "CLOCK$",
        "CONIN$",
        "clip.wmv.",
        "clip.wmv ",
        " clip.wmv",
        "CLIP~1.WMV",
        // Commands, formats, patterns.
        "|ls",
        "clip.wmv;ls",
        "`ls`",
        "$(ls)",
        "%s%s%s%n",
        "{}",
        "*",
        "*.wmv",
        "c?ip.wmv",
        "[c]lip.wmv",
        "-rf",
        "-",
        "<script>",
        "' OR 1=1 --",
        "\r\n200 OK\r\n",
        "a\tb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{1}",
        // There, but nothing to serve.
        "notes.txt",
        "out.wmv",
        "absolute.wmv",
        "zero.wmv",
        "environ.wmv",
        "loop.wmv",
        "nowhere.wmv",
        "pipe.wmv",
        "up",
        "up/",
        "up/in/out.wmv",
    ]
    .map(str::to_owned)
    .into();
    names.push(scratch.join("secret.wmv").to_str().unwrap().to_owned());
    names.push(scratch.join("in/clip.wmv").to_str().unwrap().to_owned());
    // As long as can be.
    for part in ["x", "/", "a/", "../", "..\\", "%2e%2e/", "%", "%2e", "?", "\u{FFFD}", "\u{1F3B5}"]
    {
        let units = part.encode_utf16().count();
        names.push(part.repeat(LONGEST / units));
        let name = part.repeat((LONGEST - 20) / units);
        // But for slashes, which are no part of a name where it begins.
        names.extend((part != "/").then(|| format!("{name}/../clip.wmv")));
    }
    names
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let scratch = Scratch::new("names");
    folder(&scratch);
    let server = Served::start(Options::new(scratch.join("in")));
    let honest = Honest::new(server.address, "clip.wmv");
    let mut names: Vec<Vec<u16>> =
        astray(&scratch).iter().map(|name| name.encode_utf16().collect()).collect();
    // Halves of characters.
    let clip = || "clip.wmv".encode_utf16();
    for unit in [0xD800, 0xDBFF, 0xDC00, 0xDFFF] {
        names.push(vec![unit]);
        names.push([unit].into_iter().chain(clip()).collect());
        names.push(clip().chain([unit]).collect());
        names.push(vec![unit; LONGEST]);
    }
    names.push([0xDC00, 0xD800].into_iter().chain(clip()).collect());
    honest.undisturbed_by(|| {
        let mut player = Raw::after(server.address, "", 3);
        for name in &names {
            let text = String::from_utf16_lossy(&name[..name.len().min(50)]);
            player.say(open(name)).unwrap();
            let Some(ServerMessage::ReportOpenFile(answer)) = player.hear() else {
                panic!("{text:?} has no answer")
            };
            assert_eq!(answer.result.err(), Some(HResult::FILE_NOT_FOUND.into()), "{text:?}");
        }
        for name in ["broken.wmv", "empty.wmv", "huge.wmv"] {
            player.say(open(&name.encode_utf16().collect::<Vec<_>>())).unwrap();
            let Some(ServerMessage::ReportOpenFile(answer)) = player.hear() else { panic!() };
            assert_eq!(answer.result.err(), Some(HResult::FILE_OPEN_FAILED.into()), "{name}");
        }
        // And the same session may have what is there.
        player.say(open(&clip().collect::<Vec<_>>())).unwrap();
        let Some(ServerMessage::ReportOpenFile(answer)) = player.hear() else { panic!() };
        assert!(answer.result.is_ok());
    });
}

#[test]
fn everything_inside_the_folder_is_served() {
    let scratch = Scratch::new("inside");
    folder(&scratch);
    let server = Served::start(Options::new(scratch.join("in")));
    for name in [
        "clip.wmv",
        "/clip.wmv",
        "///clip.wmv",
        "clip%2ewmv",
        "%63lip.wmv",
        "clip.wmv?../secret.wmv",
        "a b.wmv",
        "a%20b.wmv",
        "100%.wmv",
        "100%25.wmv",
        "sub/clip.wmv",
        "sub%2Fclip.wmv",
        "sub//clip.wmv",
        "link.wmv",
        "lying.wmv",
        // It leads back inside.
        "up/in/clip.wmv",
        // Nobody looks behind the end of a name.
        "clip.wmv\0/../../secret.wmv",
    ] {
        let mut player = Raw::after(server.address, "", 3);
        player.say(open(&name.encode_utf16().collect::<Vec<_>>())).unwrap();
        let Some(ServerMessage::ReportOpenFile(answer)) = player.hear() else { panic!("{name:?}") };
        assert!(answer.result.is_ok(), "{name:?}: {answer:?}");
    }
}

#[test]
fn a_name_cannot_forge_a_line_or_fill_the_log() {
    let scratch = Scratch::new("lines");
    folder(&scratch);
    let server = Served::start(Options::new(scratch.join("in")));
    let names = ["x".repeat(LONGEST), "\u{1b}[2J\r\n127.0.0.1:1 left after 1 s\u{202E}".to_owned()];
    for name in names {
        let mut player = Raw::after(server.address, "", 3);
        player.say(open(&name.encode_utf16().collect::<Vec<_>>())).unwrap();
        player.hear().unwrap();
        let who = player.name();
        drop(player);
        let line = server.says(|line| line.starts_with(&who) && line.contains(" left after "));
        assert!(line.chars().count() < 1000, "{line}");
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202E}'), "{line:?}");
    }
}
