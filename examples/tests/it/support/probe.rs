//! What FFmpeg and ffprobe find in a file.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::peers;

/// Runs a program of FFmpeg; returns what it said and what it complained about.
pub(crate) fn output(program: &str, arguments: &[&str], folder: &Path) -> (String, Vec<String>) {
    let mut command = Command::new(program);
    command.args(["-v", "warning"]).args(arguments).current_dir(folder);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    // The container has no channel layout for one or two channels, and FFmpeg says so of any file.
    let complaints = errors.lines().filter(|line| !line.starts_with("Guessed Channel Layout"));
    // Without the place in memory of what complains, which is another each time.
    let complaints = complaints.map(|line| line.split_once("] ").map_or(line, |(_, text)| text));
    let complaints = complaints.map(str::to_owned).collect();
    (String::from_utf8(output.stdout).unwrap(), complaints)
}

pub(crate) fn are_here() -> bool {
    peers::is_here("ffmpeg") && peers::is_here("ffprobe")
}

/// What FFmpeg finds in a file.
pub(crate) struct Probed {
    pub(crate) duration: Duration,
    /// Hashes of the media objects of each stream, in order.
    pub(crate) hashes: Vec<Vec<String>>,
    pub(crate) complaints: Vec<String>,
}

pub(crate) fn probe(file: &str, folder: &Path) -> Probed {
    let entries = "packet=stream_index,data_hash:format=duration";
    let arguments = ["-show_data_hash", "md5", "-show_entries", entries, "-of", "csv", file];
    let (said, complaints) = output("ffprobe", &arguments, folder);
    let (mut hashes, mut duration) = (vec![Vec::new(); 2], None);
    for line in said.lines() {
        match line.split(',').collect::<Vec<_>>()[..] {
            ["packet", stream, hash] => {
                hashes[stream.parse::<usize>().unwrap()].push(hash.to_owned());
            }
            ["format", seconds] => {
                // A file that was not repaired may have none.
                duration = Some(seconds.parse().map_or(Duration::ZERO, Duration::from_secs_f64));
            }
            _ => {}
        }
    }
    let duration = duration.unwrap_or_else(|| panic!("{file} has no duration: {said}"));
    Probed { duration, hashes, complaints }
}

/// The hashes of decoded frames.
pub(crate) fn frames(arguments: &[&str], folder: &Path) -> Vec<String> {
    let all = [&["-nostdin", "-fps_mode", "passthrough", "-y"][..], arguments].concat();
    let (said, _) = output("ffmpeg", &reordered(&all), folder);
    hashes(&said)
}

/// Options for the output follow the inputs.
pub(crate) fn reordered<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let (mode, rest): (Vec<_>, Vec<_>) = (arguments[1..3].to_vec(), arguments[3..].to_vec());
    let map = rest.iter().position(|argument| *argument == "-map").unwrap();
    [&arguments[..1], &rest[..map], &mode, &rest[map..]].concat()
}

pub(crate) fn hashes(said: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}
