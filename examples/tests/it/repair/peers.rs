//! FFmpeg reads what `repair` makes of files that were cut: nothing to warn of, the right duration,
//! the right frame after a seek, the same media.
//!
//! Without FFmpeg the tests say so; with `MMS_REQUIRE_PEERS=1` they fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::probe::{are_here, frames, hashes, output, probe};
use crate::support::scratch::Scratch;
use mms_asf::{FileReader, Packet, StreamKind};
use mms_client::Cancel;
use mms_examples::repair::{Options, Output, RepairError, repair};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
const CUTS: usize = 200;
const SEEKS: usize = 10;

/// The samples that were cut, and whether a whole packet is left.
const TRUNCATED: [(&str, bool); 9] = [
    ("audio-wmalossless-13406byte-packets-truncated-1mb.wma", true),
    ("audio-wmapro-5.1-truncated-30kb.wma", true),
    ("drm-wmv3-wmavoice-content-and-extended-encryption-truncated.wmv", true),
    ("live-broadcast-flag-wmv2-no-counts-truncated-last-packet.wmv", true),
    ("tags-id3v2-in-byte-array-truncated.wma", true),
    ("truncated-32000-bytes-wmav2.wma", true),
    ("tags-media-class-guids-truncated.wma", false),
    ("tags-picture-lossless-truncated-before-first-packet.wma", false),
    ("truncated-2500-bytes-lossless.wma", false),
];

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A media object: its stream, its time without preroll and the packets that it lies in, from the
/// first to the last.
#[derive(Debug, Clone, Copy)]
struct Object {
    stream: u8,
    time: u64,
    first: usize,
    last: usize,
    /// Up to the next object of the stream.
    lasts: u64,
}

/// A good file that will be cut.
struct Original {
    name: String,
    bytes: Vec<u8>,
    start: usize,
    packet_size: usize,
    objects: Vec<Object>,
    video: Option<u8>,
    /// Hashes of the pictures, or of the audio objects where there are none.
    frames: Vec<String>,
    hashes: Vec<Vec<String>>,
}

impl Original {
    fn new(name: &str, scratch: &Scratch) -> Self {
        let bytes = fs::read(scratch.join(name)).unwrap();
        let mut reader = FileReader::open(std::io::Cursor::new(&bytes)).unwrap();
        let header = reader.header().clone();
        let preroll = u64::try_from(header.file().preroll.as_millis()).unwrap();
        let mut objects = Vec::<Object>::new();
        for number in 0..usize::try_from(reader.packet_count()).unwrap() {
            let packet = reader.packet(number as u64).unwrap();
            for payload in Packet::parse(&packet, header.file().packet_size).unwrap().payloads() {
                let payload = payload.unwrap();
                let stream = payload.stream;
                let before = objects.iter_mut().rev().find(|object| object.stream == stream);
                if payload.offset > 0 {
                    before.unwrap().last = number;
                    continue;
                }
                let time = u64::from(payload.presentation_time) - preroll;
                let mut lasts = 0;
                if let Some(before) = before {
                    before.lasts = time - before.time;
                    lasts = before.lasts;
                }
                objects.push(Object { stream, time, first: number, last: number, lasts });
            }
        }
        let videos = header.streams().iter().filter(|s| s.kind == StreamKind::Video);
        let video = videos.map(|stream| stream.number).next();
        let hashes = probe(name, scratch).hashes;
        let frames = match video {
            Some(_) => frames(&["-i", name, "-map", "0:v", "-f", "framemd5", "-"], scratch),
            None => hashes[0].clone(),
        };
        let packet_size = header.file().packet_size as usize;
        let name = name.to_owned();
        Self { name, start: header.len(), packet_size, objects, video, frames, hashes, bytes }
    }

    /// How long the media of the first packets lasts, in milliseconds.
    fn lasts(&self, packets: usize) -> u64 {
        let begun = self.objects.iter().filter(|object| object.first < packets);
        begun.map(|object| object.time + object.lasts).max().unwrap_or(0)
    }

    /// The least that can be said of it: nothing tells how long the only object of a stream lasts.
    fn lasts_at_least(&self, packets: usize) -> u64 {
        let begun = self.objects.iter().filter(|object| object.first < packets);
        let is_only =
            |object: &Object| begun.clone().filter(|o| o.stream == object.stream).count() < 2;
        let end = |object: &Object| object.time + if is_only(object) { 0 } else { object.lasts };
        begun.clone().map(end).max().unwrap_or(0)
    }

    /// When the stream that starts last starts, as far as the first packets tell.
    fn starts(&self, packets: usize) -> u64 {
        let first = |stream: u8| self.objects.iter().find(|object| object.stream == stream);
        let starts = (1..=2).filter_map(first).filter(|object| object.last < packets);
        starts.map(|object| object.time).max().unwrap_or(0)
    }

    /// The objects to seek that are whole in the first packets.
    fn whole(&self, packets: usize) -> Vec<Object> {
        let stream = self.video.unwrap_or(1);
        let objects = self.objects.iter().filter(|object| object.stream == stream);
        objects.take_while(|object| object.last < packets).copied().collect()
    }

    /// Cuts the file, repairs it and looks at what comes out.
    fn check(&self, cut: usize, random: &mut Random, folder: &Path) {
        let at = format!("{}, cut at {cut}", self.name);
        let (input, repaired) = (folder.join("cut.asf"), folder.join("repaired.asf"));
        fs::write(&input, &self.bytes[..cut]).unwrap();
        let options = Options { output: Output::File(repaired), force: true, ..Options::default() };
        let packets = cut.saturating_sub(self.start) / self.packet_size;
        let report = match repair(&input, &options, &Cancel::new()) {
            Ok(report) => report,
            Err(RepairError::NoPackets(_) | RepairError::NotAsf { .. }) if packets == 0 => return,
            Err(error) => panic!("{at}: {error}"),
        };
        let found = usize::try_from(report.repaired.packets).unwrap();
        // A packet that lacks only padding is filled.
        assert!(packets > 0 && (packets..=packets + 1).contains(&found), "{at}: {found}");

        let probed = probe("repaired.asf", folder);
        assert_eq!(probed.complaints, [""; 0], "{at}");
        let (least, most) = (self.lasts_at_least(packets - 1), self.lasts(packets + 1));
        // FFmpeg counts the declared duration from the start of the stream that starts last.
        let probed_duration = probed.duration - Duration::from_millis(self.starts(packets));
        // Times are rounded, each by less than a millisecond.
        for duration in [probed_duration, report.repaired.media_duration] {
            let duration = u64::try_from(duration.as_millis()).unwrap();
            assert!(
                (least..=most + 2).contains(&(duration + 1)),
                "{at}: {duration}, {least} to {most}"
            );
        }
        let mut objects = 0;
        for (found, wanted) in probed.hashes.iter().zip(&self.hashes) {
            assert!(wanted.starts_with(found), "{at}");
            objects += found.len();
        }
        let whole = self.objects.iter().filter(|object| object.last < packets).count();
        assert!(objects >= whole, "{at}: {objects} of {whole} objects");

        let whole = self.whole(packets);
        let seeks: Vec<_> = (0..SEEKS).map(|_| random.below(whole.len())).collect();
        if whole.is_empty() {
            return;
        }
        let landed = match self.video {
            Some(_) => pictures_at(&seeks, &whole, folder),
            None => audio_at(&seeks, &whole, folder),
        };
        let wanted: Vec<_> = seeks.iter().map(|&number| self.frames[number].clone()).collect();
        assert_eq!(landed, wanted, "{at}: objects {seeks:?}");
    }
}

/// Seeks to shortly before pictures; returns the hashes of what is shown.
fn pictures_at(seeks: &[usize], pictures: &[Object], folder: &Path) -> Vec<String> {
    let mut arguments = vec!["-nostdin".to_owned(), "-y".to_owned()];
    for &number in seeks {
        let time = pictures[number].time.saturating_sub(20);
        let time = format!("{}.{:03}", time / 1_000, time % 1_000);
        arguments.extend(["-threads", "1", "-ss", &time, "-i", "repaired.asf"].map(str::to_owned));
    }
    for index in 0..seeks.len() {
        let (stream, file) = (format!("{index}:v"), format!("{index}.md5"));
        let more = [
            "-map",
            &stream,
            "-fps_mode",
            "passthrough",
            "-frames:v",
            "1",
            "-f",
            "framemd5",
            &file,
        ];
        arguments.extend(more.map(str::to_owned));
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (_, complaints) = output("ffmpeg", &arguments, folder);
    assert_eq!(complaints, [""; 0]);
    let shown = (0..seeks.len()).map(|index| {
        let said = fs::read_to_string(folder.join(format!("{index}.md5"))).unwrap();
        hashes(&said).pop().unwrap_or_default()
    });
    shown.collect()
}

/// Seeks into the middle of audio objects; returns the hashes of those that are played.
fn audio_at(seeks: &[usize], objects: &[Object], folder: &Path) -> Vec<String> {
    let intervals: Vec<_> = seeks
        .iter()
        .map(|&number| {
            let time = objects[number].time + 20;
            format!("{}.{:03}%+#1", time / 1_000, time % 1_000)
        })
        .collect();
    let intervals = intervals.join(",");
    let arguments = ["-show_data_hash", "md5", "-read_intervals", &intervals];
    let more = ["-show_entries", "packet=data_hash", "-of", "csv=p=0", "repaired.asf"];
    let (said, complaints) = output("ffprobe", &[&arguments[..], &more].concat(), folder);
    assert_eq!(complaints, [""; 0]);
    said.lines().map(str::to_owned).collect()
}

/// The clip, another video with smaller packets, and audio alone.
fn originals(scratch: &Scratch) -> Vec<Original> {
    fs::copy(CLIP, scratch.join("clip.wmv")).unwrap();
    let tone = "sine=frequency=440:beep_factor=4:sample_rate=44100:duration=8";
    let picture = "testsrc2=size=320x240:rate=15:duration=8";
    let exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-y"];
    let video = [
        &["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, "-c:v", "msmpeg4v3"][..],
        &["-b:v", "150k", "-g", "20", "-c:a", "wmav2", "-b:a", "48k", "-packet_size", "1000"],
        &exact,
        &["-flags:v", "+bitexact", "video.asf"],
    ];
    let audio = [
        &["-f", "lavfi", "-i", tone, "-c:a", "wmav2", "-b:a", "64k", "-packet_size", "600"][..],
        &exact,
        &["audio.wma"],
    ];
    output("ffmpeg", &video.concat(), scratch);
    output("ffmpeg", &audio.concat(), scratch);
    ["clip.wmv", "video.asf", "audio.wma"].map(|name| Original::new(name, scratch)).into()
}

#[test]
fn files_that_were_cut_anywhere() {
    if !are_here() {
        return;
    }
    let scratch = Scratch::new("repair-cuts");
    let originals = originals(&scratch);
    for original in &originals {
        let mut frames = original.frames.clone();
        frames.sort();
        frames.dedup();
        assert!(frames.len() > 80, "{}: {} different frames", original.name, frames.len());
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let folder: PathBuf = scratch.join(thread.to_string());
            fs::create_dir(&folder).unwrap();
            let (next, originals) = (&next, &originals);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= CUTS {
                        break;
                    }
                    let mut random = Random(number as u64);
                    random.below(1);
                    let original = &originals[number % originals.len()];
                    let cut = random.below(original.bytes.len());
                    original.check(cut, &mut random, &folder);
                }
            });
        }
    });
}

#[test]
fn samples_that_were_cut() {
    let Some(samples) = mms_tests::samples() else { return };
    if !are_here() {
        return;
    }
    let scratch = Scratch::new("repair-samples");
    for (name, is_whole) in TRUNCATED {
        let input = Path::new(&samples).join("asf").join(name);
        let output = Output::File(scratch.join("repaired.asf"));
        let options = Options { output, force: true, ..Options::default() };
        let report = match repair(&input, &options, &Cancel::new()) {
            Err(RepairError::NoPackets(_)) => {
                assert!(!is_whole, "{name}");
                continue;
            }
            done => done.unwrap(),
        };
        assert!(is_whole, "{name}");
        let probed = probe("repaired.asf", &scratch);
        let told = probed.duration.abs_diff(report.repaired.media_duration);
        assert!(told < Duration::from_millis(5), "{name}: {told:?}");
        fs::copy(&input, scratch.join("before.asf")).unwrap();
        let before = probe("before.asf", &scratch);
        for (found, wanted) in probed.hashes.iter().zip(&before.hashes) {
            assert!(wanted.starts_with(found), "{name}");
        }
        // It has no keys, whatever the container is like.
        let other = probed.complaints.iter().find(|line| !line.contains("DRM protected"));
        assert_eq!(other, None, "{name}");
    }
}
