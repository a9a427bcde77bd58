//! FFmpeg reads what `filter` makes: the streams that are kept have the same packets and the same
//! frames at the same times as before.
//!
//! Without FFmpeg the tests say so; with `MMS_REQUIRE_PEERS=1` they fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::peers;
use crate::support::scratch::Scratch;
use mms_asf::FileReader;
use mms_client::Cancel;
use mms_examples::filter::{self, Failure, Options};

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");

fn are_here() -> bool {
    peers::is_here("ffmpeg") && peers::is_here("ffprobe")
}

/// What a program of FFmpeg says on standard output, and its complaints without what differs from
/// run to run.
fn said(
    program: &str,
    arguments: &[&str],
    path: &Path,
    more: &[&str],
) -> (String, BTreeSet<String>) {
    let mut command = Command::new(program);
    command.args(["-v", "warning"]).args(arguments).arg("-i").arg(path).args(more);
    let output = command.output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaints = complaints
        .lines()
        // The container has no channel layout, and FFmpeg says so of any file.
        .filter(|line| !line.starts_with("Guessed Channel Layout"))
        // "[asf @ 0x55d3c8a4b2c0] ..."
        .map(|line| line.split_once("] ").map_or(line, |(_, rest)| rest))
        // Streams are counted from 0, whatever their numbers.
        .map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
        .filter(|line| !line.contains("Last message repeated"))
        .collect();
    (String::from_utf8_lossy(&output.stdout).into_owned(), complaints)
}

/// What FFmpeg finds in one stream.
#[derive(Debug, Default)]
struct Found {
    /// Time, size, flags and sum of every packet.
    packets: Vec<String>,
    /// Time and sum of every packet in a copy.
    copied: Vec<String>,
    /// Time and sum of every frame; empty without a decoder.
    frames: Vec<String>,
}

impl Found {
    /// What is not as it should be.
    fn difference(&self, wanted: &Self) -> Option<String> {
        let lines = |found: &Self| {
            let packets = found.packets.iter().map(|line| format!("packet {line}"));
            let copied = found.copied.iter().map(|line| format!("copied {line}"));
            let frames = found.frames.iter().map(|line| format!("frame {line}"));
            packets.chain(copied).chain(frames).collect::<Vec<_>>()
        };
        let (found, wanted) = (lines(self), lines(wanted));
        let first = found.iter().zip(&wanted).position(|(found, wanted)| found != wanted);
        let at = first.unwrap_or_else(|| found.len().min(wanted.len()));
        (found != wanted).then(|| format!("{:?} and not {:?}", found.get(at), wanted.get(at)))
    }
}

/// The packets of each stream, by the place that FFmpeg gives it, and the complaints.
fn packets(path: &Path) -> (BTreeMap<usize, Vec<String>>, BTreeSet<String>) {
    let entries = "packet=stream_index,pts,dts,size,flags,data_hash";
    let show = ["-show_data_hash", "md5", "-show_entries", entries];
    let (lines, complaints) = said("ffprobe", &show, path, &["-of", "csv=p=0"]);
    let mut packets = BTreeMap::<usize, Vec<String>>::new();
    for (place, packet) in lines.lines().filter_map(|line| line.split_once(',')) {
        packets.entry(place.parse().unwrap()).or_default().push(packet.to_owned());
    }
    (packets, complaints)
}

/// Where FFmpeg has the stream with this number; covers are streams to it, too.
fn place(path: &Path, number: u8) -> Option<usize> {
    let select = ["-select_streams", &format!("i:{number}"), "-show_entries", "stream=index"];
    said("ffprobe", &select, path, &["-of", "csv=p=0"]).0.trim().parse().ok()
}

/// What a copy of these streams holds, or with `decode` what their frames are, in this order.
fn sums(path: &Path, numbers: &[u8], decode: bool) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new(); numbers.len()];
    if numbers.is_empty() {
        return found;
    }
    let maps: Vec<String> = numbers.iter().map(|number| format!("0:i:{number}")).collect();
    let mut options: Vec<&str> = maps.iter().flat_map(|map| ["-map", map]).collect();
    let how: &[&str] = if decode { &["-fps_mode", "passthrough"] } else { &["-c", "copy"] };
    options.extend_from_slice(how);
    options.extend(["-f", "framemd5", "-"]);
    let (lines, _) = said("ffmpeg", &["-nostdin", "-copyts"], path, &options);
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<_> = line.split(',').map(str::trim).collect();
        // FFmpeg guesses the duration, part 3, from all streams that there are.
        let [place, dts, pts, _, size, sum] = parts[..] else { panic!("{line}") };
        found[place.parse::<usize>().unwrap()].push([dts, pts, size, sum].join(","));
    }
    found
}

/// How much was compared.
#[derive(Debug, Default)]
struct Compared {
    files: usize,
    packets: usize,
    frames: usize,
}

/// Compares every file of one stream and of all but one with the whole one.
fn compare(scratch: &Scratch, path: &Path, compared: &mut Compared) {
    let reader = FileReader::open(BufReader::new(File::open(path).unwrap())).unwrap();
    let all: Vec<u8> = reader.header().stream_numbers().collect();
    let (into, whole) = (scratch.join("filtered.asf"), scratch.join("whole.asf"));
    // FFmpeg reads a part of a packet at the end of a file that was cut.
    let cut = reader.leftover() != 0;
    if cut {
        let mut options = Options::new(path, &whole, &all);
        options.force = true;
        filter::filter(&options, &Cancel::new()).unwrap();
    }
    let path = if cut { &whole } else { path };
    let mut choices = BTreeSet::new();
    for &number in &all {
        choices.insert(vec![number]);
        choices.insert(all.iter().copied().filter(|&other| other != number).collect());
    }
    choices.retain(|keep| !keep.is_empty() && keep.len() < all.len());

    let (mut before, complaints) = packets(path);
    let places: BTreeMap<u8, usize> =
        all.iter().filter_map(|&number| Some((number, place(path, number)?))).collect();
    let wanted: BTreeMap<u8, Found> = places
        .iter()
        .map(|(&number, place)| {
            // One by one: a stream that cannot be copied or decoded leaves nothing of the others.
            let [copied, frames] =
                [false, true].map(|decode| sums(path, &[number], decode).remove(0));
            let packets = before.remove(place).unwrap_or_default();
            (number, Found { packets, copied, frames })
        })
        .collect();

    for keep in choices {
        let name = || format!("{}, streams {keep:?}", path.display());
        let mut options = Options::new(path, &into, &keep);
        options.force = true;
        match filter::filter(&options, &Cancel::new()) {
            Ok(report) => assert!(report.filtered().file.packets > 0, "{}", name()),
            Err(Failure::Nothing(_)) => {
                let silent = |number| wanted.get(number).is_none_or(|w| w.packets.is_empty());
                assert!(keep.iter().all(silent), "{}", name());
                continue;
            }
            Err(failure) => panic!("{}: {failure}", name()),
        }
        let (mut after, more) = packets(&into);
        let new: Vec<_> = more.difference(&complaints).collect();
        assert!(new.is_empty(), "{}: {new:?}", name());

        let mut found = BTreeMap::<u8, Found>::new();
        for number in keep.iter().filter(|number| places.contains_key(number)) {
            let gone =
                |other: &&u8| places.get(other) < places.get(number) && !keep.contains(other);
            let place = places[number] - places.keys().filter(gone).count();
            found.entry(*number).or_default().packets = after.remove(&place).unwrap_or_default();
        }
        // Covers are left.
        assert_eq!(after.len(), before.len(), "{}: {after:?}", name());
        let those = |can: fn(&Found) -> bool| -> Vec<u8> {
            keep.iter().copied().filter(|number| wanted.get(number).is_some_and(can)).collect()
        };
        let copied = those(|wanted| !wanted.copied.is_empty());
        for (number, lines) in copied.iter().zip(sums(&into, &copied, false)) {
            found.entry(*number).or_default().copied = lines;
        }
        let decoded = those(|wanted| !wanted.frames.is_empty());
        for (number, lines) in decoded.iter().zip(sums(&into, &decoded, true)) {
            found.entry(*number).or_default().frames = lines;
        }
        for (number, found) in found {
            if let Some(difference) = found.difference(&wanted[&number]) {
                panic!("{}, stream {number}: {difference}", name());
            }
            compared.packets += found.copied.len();
            compared.frames += found.frames.len();
        }
        compared.files += 1;
    }
}

#[test]
fn real_files_of_several_streams() {
    let Some(samples) = mms_tests::samples() else { return };
    if !are_here() {
        return;
    }
    let mut paths: Vec<PathBuf> = fs::read_dir(Path::new(&samples).join("asf"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.retain(|path| {
        let reader = FileReader::open(BufReader::new(File::open(path).unwrap()));
        reader.is_ok_and(|reader| reader.header().streams().len() > 1 && reader.packet_count() > 0)
    });
    // FFmpeg's programs take longer to start than to read a sample.
    let parts = paths.chunks(paths.len().div_ceil(4).max(1));
    let compared = std::thread::scope(|scope| {
        let compare_all = |part: &[PathBuf]| {
            let scratch = Scratch::new("filter-samples");
            let mut compared = Compared::default();
            part.iter().for_each(|path| compare(&scratch, path, &mut compared));
            compared
        };
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || compare_all(part))).collect();
        threads.into_iter().fold(Compared::default(), |sum, thread| {
            let part = thread.join().unwrap();
            Compared {
                files: sum.files + part.files,
                packets: sum.packets + part.packets,
                frames: sum.frames + part.frames,
            }
        })
    });
    println!("{compared:?}");
    assert!(compared.files > 40 && compared.packets > 5_000 && compared.frames > 5_000);
}

#[test]
fn made_files_of_four_streams() {
    if !are_here() {
        return;
    }
    let scratch = Scratch::new("filter-made");
    let made = scratch.join("four.asf");
    let mut compared = Compared::default();
    for size in ["500", "3200"] {
        let mut command = Command::new("ffmpeg");
        command.args([
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-i",
            CLIP,
            "-itsoffset",
            "0.3",
            "-i",
            CLIP,
        ]);
        command.args(["-map", "0", "-map", "1", "-c", "copy", "-packet_size", size]).arg(&made);
        assert!(command.status().unwrap().success(), "{command:?}");
        compare(&scratch, &made, &mut compared);
    }
    compare(&scratch, Path::new(CLIP), &mut compared);
    assert_eq!(compared.files, 2 * 8 + 2);
    assert!(compared.packets > 3_000 && compared.frames > 3_000, "{compared:?}");
}
