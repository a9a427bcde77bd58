//! Real players, started: libmms, VLC, MPlayer and FFmpeg.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::peers;
use super::scratch::Scratch;

/// Seconds that a player may take; it is killed then. Every one needs a few on an idle machine.
const PATIENCE: &str = "120";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Libmms,
    Vlc,
    MPlayer,
    FFmpeg,
}

use Peer::{FFmpeg, Libmms, MPlayer, Vlc};

impl Peer {
    /// Whether it can be run; says so if it cannot.
    pub(crate) fn is_here(self, scratch: &Scratch) -> bool {
        peers::is_here("timeout")
            && match self {
                Libmms => build_libmms_fetch(scratch),
                // VLC refuses to be root; the account is changed by this program.
                Vlc => peers::is_here("cvlc") && (!is_root() || peers::is_here("setpriv")),
                MPlayer => peers::is_here("mplayer"),
                FFmpeg => peers::is_here("ffmpeg"),
            }
    }

    /// The player with the options that every use of it needs.
    pub(crate) fn command(self, scratch: &Scratch) -> Command {
        let mut command = Command::new("timeout");
        command.args(["-k", "5", PATIENCE]);
        match self {
            Libmms => {
                command.arg(scratch.join("libmms_fetch"));
            }
            Vlc => {
                if is_root() {
                    command.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
                }
                command.args(["cvlc", "--quiet"]);
                // For the files of somebody else.
                fs::set_permissions(&**scratch, fs::Permissions::from_mode(0o777)).unwrap();
            }
            MPlayer => {
                command.args(["mplayer", "-really-quiet", "-noconsolecontrols", "-nolirc"]);
            }
            FFmpeg => {
                command.args(["ffmpeg", "-nostdin", "-v", "error", "-y"]);
            }
        }
        // VLC and MPlayer write to their user's home.
        command.env("HOME", &**scratch).current_dir(&**scratch);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Fetches the URL (without scheme) into the file: what arrives, or of FFmpeg the sums of all
    /// frames.
    pub(crate) fn fetch(self, scratch: &Scratch, url: &str, into: &Path) -> Command {
        let url = format!("mmst://{url}");
        let mut command = self.command(scratch);
        match self {
            Libmms => command.arg(url).arg(into),
            Vlc => {
                let dump = joined("--demuxdump-file=", into);
                command.arg("--demux=dump").arg(dump).args([url.as_str(), "vlc://quit"])
            }
            MPlayer => command.args(["-dumpstream", "-dumpfile"]).arg(into).arg(url),
            FFmpeg => command.args(["-i", &url]).args(FRAME_SUMS).arg(into),
        };
        command
    }
}

/// FFmpeg's options for the sums of all frames as they are stored.
const FRAME_SUMS: [&str; 6] = ["-map", "0", "-c", "copy", "-f", "framemd5"];

/// FFmpeg's sums of the frames of a file.
pub(crate) fn frame_sums(scratch: &Scratch, path: &Path) -> String {
    let mut command = FFmpeg.command(scratch);
    let output = command.arg("-i").arg(path).args(FRAME_SUMS).arg("-").output().unwrap();
    assert!(output.status.success(), "{}", last_words(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// How a player ended and the last 4 KiB of what it complained of: FFmpeg can complain of each
/// frame, and of gigabytes in all.
pub(crate) fn last_words(output: &Output) -> String {
    let all = &output.stderr;
    let last = &all[all.len().saturating_sub(4 << 10)..];
    format!("{}, {} bytes: {}", output.status, all.len(), String::from_utf8_lossy(last))
}

/// An option and its path in one word.
fn joined(option: &str, path: &Path) -> OsString {
    let mut word = OsStr::new(option).to_owned();
    word.push(path);
    word
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// Compiles the program that fetches with libmms. Not with pkg-config: libmms.pc asks for
/// `glib-2.0`, which neither libmms nor this needs.
fn build_libmms_fetch(scratch: &Scratch) -> bool {
    if !peers::is_here("cc") {
        return false;
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/libmms_fetch.c");
    let mut compile = Command::new("cc");
    compile.args(["-O1", "-o"]).arg(scratch.join("libmms_fetch")).args([source, "-lmms"]);
    let output = compile.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("libmms/mms.h") {
        peers::skip("libmms-dev");
        return false;
    }
    assert!(output.status.success(), "{errors}");
    true
}
