//! Packets that are damaged inside or cut: what FFmpeg reads of the good part before a repair, it
//! reads after it.

use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use crate::support::{peers, samples, scratch::Scratch};
use mms_asf::{FileReader, Packet};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

/// Media objects as FFmpeg reads them: stream, size and checksum, counted.
fn read_by_ffmpeg(path: &Path) -> HashMap<String, usize> {
    let arguments = ["-v", "quiet", "-fflags", "+noparse+nofillin", "-show_data_hash", "adler32"];
    let entries = ["-show_entries", "packet=stream_index,size,data_hash", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(arguments).args(entries).arg(path).output().unwrap();
    let mut counts = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        *counts.entry(line.trim_end_matches(',').to_owned()).or_default() += 1;
    }
    counts
}

/// Number of objects of `good` that FFmpeg reads in `bytes`, and does not read after a repair.
fn lost(scratch: &Scratch, good: &HashMap<String, usize>, bytes: &[u8]) -> usize {
    let mut out = Cursor::new(Vec::new());
    mms_asf::repair(bytes, &mut out, &Default::default()).unwrap();
    let read = |bytes: &[u8]| {
        fs::write(scratch.join("a.asf"), bytes).unwrap();
        read_by_ffmpeg(&scratch.join("a.asf"))
    };
    let (before, after) = (read(bytes), read(&out.into_inner()));
    let of = |counts: &HashMap<String, usize>, key| counts.get(key).copied().unwrap_or(0);
    let lost = good
        .iter()
        .map(|(key, &count)| of(&before, key).min(count).saturating_sub(of(&after, key)));
    lost.sum()
}

#[test]
fn payloads_before_damage_are_read_after_repair() {
    if !peers::is_here("ffprobe") {
        return;
    }
    let scratch = Scratch::new("repair-parts");
    let clip = fs::read(CLIP).unwrap();
    let good = read_by_ffmpeg(Path::new(CLIP));
    let mut reader = FileReader::open(Cursor::new(&clip)).unwrap();
    let (start, size) = (reader.header().len(), reader.header().file().packet_size);
    let mut tried = 0;
    for number in 1..reader.packet_count() {
        let packet = reader.packet(number).unwrap();
        let packet = Packet::parse(&packet, size).unwrap();
        let places: Vec<_> =
            packet.payloads().map(|payload| payload.unwrap().data_offset).collect();
        if !packet.is_multiple() || places.len() < 3 {
            continue;
        }
        // Replicated data of 8 bytes, their length in front of them, a length of 2 bytes after them.
        let at = start + usize::try_from(number).unwrap() * size as usize + places[2] - 11;
        let mut damaged = clip.clone();
        assert_eq!(damaged[at], 8);
        damaged[at] = 5;
        assert_eq!(lost(&scratch, &good, &damaged), 0, "packet {number}");
        tried += 1;
        if tried == 6 {
            break;
        }
    }
    assert!(tried > 0);
}

/// Compressed payloads, with several and with one in a packet.
#[test]
fn objects_of_cut_compressed_payloads_are_read_after_repair() {
    if !peers::is_here("ffprobe") {
        return;
    }
    let scratch = Scratch::new("repair-lists");
    let names = ["video-wmv2-marker", "audio-1999-g723", "mbr-1999"];
    for path in samples::samples() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !names.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let (bytes, good) = (fs::read(&path).unwrap(), read_by_ffmpeg(&path));
        let reader = FileReader::open(Cursor::new(&bytes)).unwrap();
        let size = usize::try_from(reader.header().file().packet_size).unwrap();
        let number = usize::try_from(reader.packet_count() / 2).unwrap();
        let start = reader.header().len() + number * size;
        for part in 1..6 {
            let len = start + size * part / 6;
            assert_eq!(lost(&scratch, &good, &bytes[..len]), 0, "{name}, {len} bytes");
        }
    }
}
