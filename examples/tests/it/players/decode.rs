//! FFmpeg plays straight from the server: it decodes every stream and ends.
//!
//! Without a player of that name the test is skipped, and says so; with `MMS_REQUIRE_PEERS=1` it
//! fails.

#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::media;
use crate::support::players::Peer::FFmpeg;
use crate::support::players::last_words;
use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_examples::serve::Options;
use mms_examples::serve::feed::FeedSource;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// Real files: sound alone of several codecs, video alone, both, several streams of a kind.
const SAMPLES: [&str; 8] = [
    "audio-2000-mp3-in-asf-metadata-library-languages.wma",
    "audio-wmapro-silence-2-index.wma",
    "audio-wmav2-silence-1.wma",
    "audio-wmavoice-8k-metadata-library.wma",
    "mbr-2x-wmav2-advmutex-streamprops-inside-esp-index-object.wma",
    "video-ffmpeg-mp43-wmav2-tiny.wmv",
    "video-mp4s-no-index-flags0.wmv",
    "video-wmv2-wmavoice-stream-prioritization.wmv",
];

/// What FFmpeg makes of what it reads.
const FORMS: [&[&str]; 3] =
    [&["-f", "null", "-"], &["-map", "0", "-f", "null", "-"], &["-t", "3600", "out.mp4"]];

/// A folder with these files, served.
struct Fixture {
    served: Served,
    scratch: Scratch,
}

impl Fixture {
    /// `None`, and a word about it, without FFmpeg.
    fn new(name: &str, fill: impl FnOnce(&Path)) -> Option<Self> {
        Self::with(name, fill, Options::new)
    }

    /// As [`new`](Self::new), served in another way.
    fn with(
        name: &str,
        fill: impl FnOnce(&Path),
        options: impl FnOnce(PathBuf) -> Options,
    ) -> Option<Self> {
        let scratch = Scratch::new(name);
        if !FFmpeg.is_here(&scratch) {
            return None;
        }
        let folder = scratch.join("served");
        fs::create_dir(&folder).unwrap();
        fill(&folder);
        Some(Self { served: Served::start(options(folder)), scratch })
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.scratch.join("served")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// FFmpeg reads this, and makes this of it.
    fn decode(&self, input: &str, form: &[&str]) -> Command {
        let mut command = FFmpeg.command(&self.scratch);
        command.args(["-i", input]).args(form);
        command
    }

    /// Each file to its end in each form, with nothing that the file alone does not lead to.
    fn decode_each(&self, forms: &[&[&str]]) {
        self.decode_as(forms, &self.scratch.join("served"));
    }

    /// The same, with the frames of the files in another folder.
    fn decode_as(&self, forms: &[&[&str]], folder: &Path) {
        for path in self.files() {
            let name = path.file_name().unwrap().to_str().unwrap();
            let url = format!("mmst://{}/{name}", self.served.address);
            for form in forms {
                let served = self.decode(&url, form).output().unwrap();
                assert!(served.status.success(), "{name} {form:?}: {}", last_words(&served));
            }
            // Every frame, decoded, of all streams.
            let sums = ["-map", "0", "-f", "framemd5", "-"];
            let served = self.decode(&url, &sums).output().unwrap();
            let path = folder.join(name);
            let local = self.decode(path.to_str().unwrap(), &sums).output().unwrap();
            for output in [&served, &local] {
                assert!(output.status.success(), "{name}: {}", last_words(output));
            }
            assert!(!local.stdout.is_empty());
            assert!(served.stdout == local.stdout, "other frames of {name}");
        }
    }
}

#[test]
fn ffmpeg_decodes_what_it_made_itself() {
    // T45: sound alone, and beside a picture.
    let Some(fixture) = Fixture::new("players-decode", |folder| {
        fs::copy(CLIP, folder.join("test-pattern.wmv")).unwrap();
        media::make("-f lavfi -i sine=duration=4 -c:a wmav2 -b:a 64k", &folder.join("tone.wma"));
        media::make_multi_rate(&folder.join("rates.asf"));
    }) else {
        return;
    };
    fixture.decode_each(&FORMS);
}

fn copy_samples(samples: &[PathBuf], folder: &Path) {
    for path in samples {
        let name = path.file_name().and_then(OsStr::to_str).unwrap();
        if SAMPLES.contains(&name) {
            fs::copy(path, folder.join(name)).unwrap();
        }
    }
}

#[test]
fn ffmpeg_decodes_real_files() {
    // T45
    let Some(samples) = mms_tests::asf_samples() else { return };
    let Some(fixture) = Fixture::new("players-decode-samples", |folder| {
        copy_samples(&samples, folder);
    }) else {
        return;
    };
    assert_eq!(fixture.files().len(), 8);
    fixture.decode_each(&FORMS[..1]);
}

/// Sound alone, pictures alone, both, and more streams than FFmpeg decodes.
fn make_each(folder: &Path) {
    fs::copy(CLIP, folder.join("both.wmv")).unwrap();
    media::make("-f lavfi -i sine=duration=4 -c:a wmav2 -b:a 64k", &folder.join("tone.wma"));
    media::make("-f lavfi -i testsrc2=size=160x120:duration=4 -c:v wmv2", &folder.join("film.wmv"));
    media::make_multi_rate(&folder.join("rates.asf"));
}

/// Cuts each file in a folder, in the middle of a packet; what is whole of it goes to another folder.
fn cut_each(folder: &Path, share: usize, whole: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let (header, packets) = media::read(&path);
        let size = header.file().packet_size as usize;
        // All but the last packet, or a share of all packets.
        let count = if share == 1 { packets.len() - 1 } else { packets.len() / share };
        let end = header.len() + count.max(1) * size;
        fs::write(whole.join(path.file_name().unwrap()), &bytes[..end]).unwrap();
        fs::write(&path, &bytes[..end + size / 2]).unwrap();
    }
}

#[test]
fn ffmpeg_ends_on_files_that_are_cut() {
    // T45: the header promises more packets than there are.
    for share in [1, 2, 4, 10] {
        let whole = Scratch::new(&format!("players-decode-whole-{share}"));
        let Some(fixture) = Fixture::new(&format!("players-decode-cut-{share}"), |folder| {
            make_each(folder);
            cut_each(folder, share, &whole.join(""));
        }) else {
            return;
        };
        fixture.decode_as(&FORMS, &whole.join(""));
    }
}

#[test]
fn ffmpeg_ends_on_real_files_that_are_cut() {
    // T45
    let Some(samples) = mms_tests::asf_samples() else { return };
    let whole = Scratch::new("players-decode-samples-whole");
    let Some(fixture) = Fixture::new("players-decode-samples-cut", |folder| {
        copy_samples(&samples, folder);
        // Of its half FFmpeg decodes so little that it exits with 69, and so it does from the disk.
        fs::remove_file(folder.join("audio-wmavoice-8k-metadata-library.wma")).unwrap();
        cut_each(folder, 2, &whole.join(""));
    }) else {
        return;
    };
    fixture.decode_as(&FORMS[..1], &whole.join(""));
}

#[test]
fn ffmpeg_ends_on_a_live_stream_that_ends() {
    // T45: a broadcast has no size.
    for name in ["both.wmv", "tone.wma", "film.wmv", "rates.asf"] {
        let live = |folder: PathBuf| {
            let paths = vec![folder.join(name)];
            Options::live("live", FeedSource::Files { paths, repeat: false })
        };
        let Some(fixture) = Fixture::with("players-decode-live", make_each, live) else { return };
        let url = format!("mmst://{}/live", fixture.served.address);
        let begun = Instant::now();
        let decoded = fixture.decode(&url, &["-f", "null", "-"]).output().unwrap();
        assert!(decoded.status.success(), "{name}: {}", last_words(&decoded));
        // It plays for four seconds or so.
        assert!(begun.elapsed() < Duration::from_secs(30), "{name}: {:?}", begun.elapsed());
    }
}
