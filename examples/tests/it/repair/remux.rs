//! FFmpeg reads what the muxer makes: the media objects of a file, put into packets of other sizes,
//! are the same frames at the same times.
//!
//! Without FFmpeg the tests say so; with `MMS_REQUIRE_PEERS=1` they fail.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::peers;
use crate::support::scratch::Scratch;
use bytes::BytesMut;
use mms_asf::objects::FileProperties;
use mms_asf::{FileReader, HeaderEditor, Muxer, Packet, Sample};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// From the smallest to the largest that the muxer takes.
const SIZES: [u32; 6] = [100, 500, 1_444, 3_200, 16_000, 65_535];

/// The media objects of a file in the order in which they begin.
fn samples(reader: &mut FileReader<BufReader<File>>) -> Vec<Sample> {
    let file = reader.header().file().clone();
    let mut samples = Vec::new();
    let mut open = BTreeMap::<u8, (usize, BytesMut)>::new();
    for number in 0..reader.packet_count() {
        let bytes = reader.packet(number).unwrap();
        for payload in Packet::parse(&bytes, file.packet_size).unwrap().payloads() {
            let payload = payload.unwrap();
            assert_eq!(payload.compressed, None);
            if payload.offset == 0 {
                let time = Duration::from_millis(payload.presentation_time.into()) - file.preroll;
                let mut sample = Sample::new(payload.stream, time, bytes.slice(..0));
                sample.key_frame = payload.key_frame;
                sample.extension_data = bytes.slice_ref(payload.extensions);
                open.insert(payload.stream, (samples.len(), BytesMut::new()));
                samples.push(sample);
            }
            let (index, data) = open.get_mut(&payload.stream).unwrap();
            data.extend_from_slice(payload.data);
            if payload.object_size == u32::try_from(data.len()).ok() {
                samples[*index].data = data.split().freeze();
            }
        }
    }
    samples
}

/// The same media in packets of another size.
fn remux(path: &Path, size: u32, into: &Path) {
    let mut reader = FileReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
    let samples = samples(&mut reader);
    assert!(samples.len() > 100 && samples.iter().all(|sample| !sample.data.is_empty()));
    let mut editor = HeaderEditor::new(reader.header());
    editor
        .edit_each(|file: &mut FileProperties| {
            (file.packet_size, file.max_bit_rate) = (size, 0);
            true
        })
        .unwrap();
    let sink = BufWriter::new(File::create(into).unwrap());
    let mut muxer = Muxer::new(sink, &editor.finish().unwrap()).unwrap();
    for sample in &samples {
        muxer.push(sample).unwrap();
    }
    muxer.finish().unwrap();

    let remuxed = FileReader::open(BufReader::new(File::open(into).unwrap())).unwrap();
    let (before, after) = (reader.header(), remuxed.header());
    assert_eq!(after.deviations(), []);
    assert_eq!(after.file().packet_size, size);
    assert_eq!(after.title(), before.title());
    let difference = after.file().play_duration.abs_diff(before.file().play_duration);
    assert!(difference <= Duration::from_millis(100), "{difference:?}");
    assert!(after.file().seekable());
}

/// Runs a program of FFmpeg, which must have nothing to complain about, and returns what it said.
fn output(program: &str, arguments: &[&str], path: &Path, more: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(["-v", "warning"]).args(arguments).arg("-i").arg(path).args(more);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    // The container has no channel layout for one or two channels, and FFmpeg says so of any file.
    let complaint = errors.lines().find(|line| !line.starts_with("Guessed Channel Layout"));
    assert_eq!(complaint, None, "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn are_here() -> bool {
    peers::is_here("ffmpeg") && peers::is_here("ffprobe")
}

fn remuxed(scratch: &Scratch, path: &Path, size: u32) -> PathBuf {
    let into = scratch.join(format!("{size}.asf"));
    remux(path, size, &into);
    into
}

/// Time, size, flags and sum of every packet of a stream, for FFmpeg.
fn packets(path: &Path, stream: &str) -> Vec<String> {
    let entries = "packet=pts,dts,size,flags,data_hash";
    let arguments = ["-show_data_hash", "md5", "-select_streams", stream, "-show_entries", entries];
    let said = output("ffprobe", &arguments, path, &["-of", "csv"]);
    said.lines().map(str::to_owned).collect()
}

#[test]
fn ffmpeg_finds_the_same_packets_in_packets_of_any_size() {
    if !are_here() {
        return;
    }
    let scratch = Scratch::new("remux");
    let frames = ["-map", "0", "-c", "copy", "-f", "framemd5", "-"];
    let sums = |path: &Path| {
        let said = output("ffmpeg", &["-nostdin"], path, &frames);
        let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
        // Where objects of two streams have the same time, packets decide which comes first.
        lines.sort();
        lines
    };
    let clip = Path::new(CLIP);
    let (wanted, video, audio) = (sums(clip), packets(clip, "v"), packets(clip, "a"));
    assert!(wanted.len() > 200 && video.len() == 90 && audio.len() > 100);
    for size in SIZES {
        let made = remuxed(&scratch, clip, size);
        assert_eq!(packets(&made, "v"), video, "packets of {size} bytes");
        assert_eq!(packets(&made, "a"), audio, "packets of {size} bytes");
        assert_eq!(sums(&made), wanted, "packets of {size} bytes");
    }
}

#[test]
fn ffmpeg_seeks_to_the_same_frames() {
    if !are_here() {
        return;
    }
    let scratch = Scratch::new("remux-seek");
    // From the key frame at or before a time, and the frame at the time itself.
    let from = |path: &Path, time: &str| {
        let first = output(
            "ffprobe",
            &["-select_streams", "v", "-read_intervals", &format!("{time}%+#1")],
            path,
            &["-show_entries", "packet=pts,size,flags", "-of", "csv"],
        );
        let frame = ["-map", "0:v", "-frames:v", "1", "-f", "framemd5", "-"];
        (first, output("ffmpeg", &["-nostdin", "-ss", time], path, &frame))
    };
    let clip = Path::new(CLIP);
    let mut wanted = ["0", "0.5", "1.9", "2.1", "3.3", "4.2", "5.7"]
        .map(|time| (time, from(clip, time)))
        .to_vec();
    for size in [500, 3_200, 16_000] {
        let made = remuxed(&scratch, clip, size);
        for (time, frames) in &wanted {
            assert_eq!(&from(&made, time), frames, "packets of {size} bytes, {time} s");
        }
    }
    wanted.dedup_by_key(|(_, frames)| frames.clone());
    assert_eq!(wanted.len(), 7, "each time another frame");
}
