//! Damage of many kinds: `inspect` names exactly what `repair` changes, a repaired file stays as it
//! is, and what FFmpeg reads of good packets before, it reads after.
//!
//! Of 100 damaged files by default. `MMS_MUTATIONS=2000` makes as many, of samples of all sizes, and
//! adds all samples as they are and cut at several places.

use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::damage::{Random, damage};
use crate::support::{peers, samples, scratch::Scratch};
use bytes::Bytes;
use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
use mms_asf::{FileError, Packet, Repaired, StreamParser};
use mms_examples::inspect::Report;

const CLIP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
/// Damaged files in the ordinary run.
const MUTATIONS: usize = 100;
/// Largest sample in the ordinary run, in bytes.
const MAX_ORDINARY_SIZE: u64 = 200_000;
/// Cuts of each sample in the whole run.
const CUTS: usize = 6;

/// Size and checksum of a media object.
type Key = (usize, u32);

/// A media object, and the packets that hold it.
struct Object {
    key: Key,
    packets: Vec<usize>,
}

/// A good file.
struct Original {
    name: String,
    bytes: Vec<u8>,
    /// Offset of the first packet.
    start: usize,
    packet_size: usize,
    packets: HashMap<Bytes, Vec<usize>>,
    objects: Vec<Object>,
}

impl Original {
    fn read(path: &Path) -> Option<Self> {
        let bytes = fs::read(path).unwrap();
        let mut parser = StreamParser::new();
        parser.push(&bytes);
        parser.finish();
        let (mut start, mut packet_size, mut all) = (0, 0, Vec::new());
        while let Ok(Some(event)) = parser.poll() {
            match event {
                mms_asf::Event::Header { offset, header } => {
                    start = usize::try_from(offset).unwrap() + header.len();
                    packet_size = header.file().packet_size as usize;
                }
                mms_asf::Event::Packet { bytes, .. } => all.push(bytes),
                _ => {}
            }
        }
        if packet_size == 0 {
            return None;
        }
        let mut packets = HashMap::<_, Vec<_>>::new();
        all.iter().enumerate().for_each(|(number, packet)| {
            packets.entry(packet.clone()).or_default().push(number);
        });
        let objects = objects(&all, u32::try_from(packet_size).unwrap());
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        Some(Self { name, bytes, start, packet_size, packets, objects })
    }

    /// The media objects all of whose packets are in `bytes` byte for byte, counted.
    fn intact(&self, bytes: &[u8]) -> HashMap<Key, usize> {
        let mut present = vec![false; self.packets.values().map(Vec::len).sum()];
        for at in 0..bytes.len().saturating_sub(self.packet_size - 1) {
            // What all but some very old files begin packets with.
            if bytes[at] != 0x82 || bytes[at + 1..at + 3] != [0, 0] {
                continue;
            }
            let found = self.packets.get(&bytes[at..at + self.packet_size]);
            found.into_iter().flatten().for_each(|&number| present[number] = true);
        }
        let whole = self.objects.iter().filter(|object| object.packets.iter().all(|&n| present[n]));
        counted(whole.map(|object| object.key))
    }
}

/// The media objects whose packets are all in a repaired file, counted.
fn whole_objects(file: &[u8]) -> HashMap<Key, usize> {
    let mut parser = StreamParser::new();
    parser.push(file);
    parser.finish();
    let (mut packet_size, mut packets) = (0, Vec::new());
    while let Ok(Some(event)) = parser.poll() {
        match event {
            mms_asf::Event::Header { header, .. } => packet_size = header.file().packet_size,
            mms_asf::Event::Packet { bytes, .. } => packets.push(bytes),
            _ => {}
        }
    }
    counted(objects(&packets, packet_size).into_iter().map(|object| object.key))
}

fn counted(keys: impl Iterator<Item = Key>) -> HashMap<Key, usize> {
    let mut counts = HashMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

fn objects(packets: &[Bytes], packet_size: u32) -> Vec<Object> {
    let mut objects = Vec::new();
    let mut open = HashMap::<u8, (u32, Vec<u8>, Vec<usize>)>::new();
    for (number, packet) in packets.iter().enumerate() {
        let Ok(packet) = Packet::parse(packet, packet_size) else { continue };
        for payload in packet.payloads().map_while(Result::ok) {
            if payload.compressed.is_some() {
                for piece in payload.pieces().map_while(Result::ok) {
                    objects.push(Object { key: key(piece.data), packets: vec![number] });
                }
                continue;
            }
            let Some(size) = payload.object_size else { continue };
            if payload.offset == 0 {
                open.insert(payload.stream, (payload.object_number, Vec::new(), Vec::new()));
            }
            let Some((object, data, of)) = open.get_mut(&payload.stream) else { continue };
            if *object == payload.object_number && data.len() == payload.offset as usize {
                data.extend_from_slice(payload.data);
                of.push(number);
                if data.len() == size as usize {
                    objects.push(Object { key: key(data), packets: of.clone() });
                }
            }
        }
    }
    objects
}

/// Adler-32, which FFmpeg has as well.
fn key(data: &[u8]) -> Key {
    let (mut low, mut high) = (1_u32, 0_u32);
    for part in data.chunks(5_000) {
        for &byte in part {
            low += u32::from(byte);
            high += low;
        }
        (low, high) = (low % 65_521, high % 65_521);
    }
    (data.len(), high << 16 | low)
}

/// The media that FFmpeg reads.
fn read_by_ffmpeg(path: &Path) -> HashMap<Key, usize> {
    let arguments = ["-v", "quiet", "-fflags", "+noparse+nofillin", "-show_data_hash", "adler32"];
    let entries = ["-show_entries", "packet=size,data_hash", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(arguments).args(entries).arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let keys = said.lines().filter_map(|line| {
        let (size, hash) = line.trim_end_matches(',').split_once(',')?;
        let hash = hash.trim().rsplit(':').next()?;
        Some((size.parse().ok()?, u32::from_str_radix(hash, 16).ok()?))
    });
    counted(keys)
}

fn repair(bytes: &[u8]) -> Result<(Vec<u8>, Repaired), FileError> {
    let mut out = Cursor::new(Vec::new());
    let repaired = mms_asf::repair(bytes, &mut out, &Default::default())?;
    Ok((out.into_inner(), repaired))
}

/// What `inspect` marks as repairable of the first file in `bytes`; `None` when it cannot be read.
fn repairable(bytes: &[u8]) -> Option<Vec<String>> {
    let report = Report::read(Path::new("-"), bytes, |_| Ok(())).ok()?;
    let object = report.json();
    let faults = object["repairable"].as_array().unwrap().iter();
    Some(faults.map(|fault| fault["text"].as_str().unwrap().to_owned()).collect())
}

/// Counts over all files.
#[derive(Default)]
struct Totals {
    files: AtomicUsize,
    refused: AtomicUsize,
    changed: AtomicUsize,
    /// Intact media objects that FFmpeg reads from damaged files.
    objects: AtomicUsize,
    /// Those of them that are whole in the repaired file and that FFmpeg does not read there.
    unread: AtomicUsize,
}

/// Checks one file. Returns what is wrong with it.
fn check(
    original: &Original,
    bytes: &[u8],
    folder: Option<&Path>,
    totals: &Totals,
) -> Result<(), String> {
    totals.files.fetch_add(1, Ordering::Relaxed);
    let named = repairable(bytes);
    let (file, repaired) = match repair(bytes) {
        Ok(done) => done,
        Err(error) => {
            totals.refused.fetch_add(1, Ordering::Relaxed);
            let named = named.unwrap_or_default();
            return match named.is_empty() {
                true => Ok(()),
                false => Err(format!("refused ({error}), but repairable: {named:?}")),
            };
        }
    };
    let end = repaired.next.map_or(bytes.len(), |next| usize::try_from(next).unwrap());
    let bytes = &bytes[..end];
    let changed = file != bytes;
    totals.changed.fetch_add(changed.into(), Ordering::Relaxed);
    let named = named.ok_or("inspect cannot read it, repair can")?;
    if changed == named.is_empty() {
        let changes = &repaired.changes;
        return Err(format!("changed: {changed}, {changes:?}, repairable: {named:?}"));
    }
    let (again, second) = repair(&file).map_err(|error| format!("repaired, refused: {error}"))?;
    if again != file {
        return Err(format!("repaired again it changes: {:?}", second.changes));
    }
    let named = repairable(&file).ok_or("inspect cannot read what was repaired")?;
    if !named.is_empty() {
        return Err(format!("repairable after repair: {named:?}"));
    }
    let Some(folder) = folder else { return Ok(()) };
    let intact = original.intact(bytes);
    let (damaged, mended) = (folder.join("damaged.asf"), folder.join("mended.asf"));
    fs::write(&damaged, bytes).unwrap();
    fs::write(&mended, &file).unwrap();
    let (before, after) = (read_by_ffmpeg(&damaged), read_by_ffmpeg(&mended));
    let kept = whole_objects(&file);
    let (mut missing, mut unread) = (0, 0);
    for (key, count) in &intact {
        let read = before.get(key).map_or(0, |&read| read.min(*count));
        totals.objects.fetch_add(read, Ordering::Relaxed);
        let lost = read.saturating_sub(after.get(key).map_or(0, |&found| found));
        let absent = lost.min(count.saturating_sub(kept.get(key).map_or(0, |&kept| kept)));
        missing += absent;
        unread += lost - absent;
    }
    if unread > 0 {
        println!("{}: {unread} objects are whole and not read by FFmpeg", original.name);
    }
    totals.unread.fetch_add(unread, Ordering::Relaxed);
    match missing {
        0 => Ok(()),
        _ => Err(format!("{missing} media objects are lost: {:?}", repaired.changes)),
    }
}

/// A damaged file: which original, and the seed; no seed for the original as it is or cut.
#[derive(Debug, Clone, Copy)]
enum Case {
    Damaged(u64),
    Cut { original: usize, len: usize },
}

fn originals(whole_run: bool) -> Vec<Original> {
    let mut paths: Vec<PathBuf> = samples::samples();
    if !whole_run {
        paths.retain(|path| path.metadata().unwrap().len() <= MAX_ORDINARY_SIZE);
    }
    paths.push(CLIP.into());
    paths.iter().filter_map(|path| Original::read(path)).collect()
}

#[test]
fn damage_of_many_kinds() {
    let mutations = std::env::var("MMS_MUTATIONS").ok().map(|count| count.parse().unwrap());
    let originals = originals(mutations.is_some());
    let mut cases: Vec<_> = (0..mutations.unwrap_or(MUTATIONS) as u64).map(Case::Damaged).collect();
    if mutations.is_some() {
        let mut random = Random::new(0);
        for (number, original) in originals.iter().enumerate() {
            let cuts = (0..CUTS).map(|_| random.below(original.bytes.len()));
            let lens = cuts.chain([original.bytes.len()]);
            cases.extend(lens.map(|len| Case::Cut { original: number, len }));
        }
    }
    let has_ffmpeg = peers::is_here("ffprobe");
    let scratch = Scratch::new("repair-agrees");
    let (next, totals) = (AtomicUsize::new(0), Totals::default());
    let faults = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let folder = scratch.join(thread.to_string());
            fs::create_dir(&folder).unwrap();
            let folder = has_ffmpeg.then_some(folder);
            let (next, totals, faults) = (&next, &totals, &faults);
            let (cases, originals) = (&cases, &originals);
            scope.spawn(move || {
                while let Some(&case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (original, bytes, what) = made(case, originals);
                    if let Err(fault) = check(original, &bytes, folder.as_deref(), totals) {
                        let line = format!("{}, {case:?}, {what}: {fault}", original.name);
                        faults.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let count = |total: &AtomicUsize| total.load(Ordering::Relaxed);
    println!(
        "{} files, {} changed, {} refused, {} good media objects that FFmpeg reads, {} that it reads \
         no more",
        count(&totals.files),
        count(&totals.changed),
        count(&totals.refused),
        count(&totals.objects),
        count(&totals.unread),
    );
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

fn made(case: Case, originals: &[Original]) -> (&Original, Vec<u8>, String) {
    match case {
        Case::Cut { original, len } => {
            let original = &originals[original];
            (original, original.bytes[..len].to_vec(), format!("cut at {len}"))
        }
        Case::Damaged(seed) => {
            let mut random = Random::new(seed);
            let original = &originals[random.below(originals.len())];
            let mut bytes = original.bytes.clone();
            let what = damage(&mut bytes, original.start, original.packet_size, &mut random);
            (original, bytes, what)
        }
    }
}

/// Sixty packets of one media object each, put into a file by `put`.
fn sixty(put: impl Fn(&mut Vec<u8>, &TestPacket)) -> Vec<u8> {
    let mut bytes = testing::header(400, 60, &[TestStream::Audio(1)]).to_vec();
    for number in 0..60_u32 {
        let media = [number.to_le_bytes()[0]; 100];
        let payload = TestPayload::whole(1, number, 3_000 + number * 100, &media);
        let packet = TestPacket::multiple(vec![payload]);
        put(&mut bytes, &TestPacket { send_time: number * 100, ..packet });
    }
    bytes
}

/// Forms of packets that FFmpeg reads in part, or not at all.
#[test]
fn packets_in_odd_forms_are_read_by_ffmpeg_after_repair() {
    if !peers::is_here("ffprobe") {
        return;
    }
    let scratch = Scratch::new("odd-forms");
    let count = |bytes: &[u8]| {
        fs::write(scratch.join("a.asf"), bytes).unwrap();
        read_by_ffmpeg(&scratch.join("a.asf")).values().sum::<usize>()
    };
    let gaps = sixty(|bytes, packet| {
        bytes.extend_from_slice(&packet.build(400));
        bytes.extend_from_slice(&[0; 12]);
    });
    let without_padding = sixty(|bytes, packet| {
        let length = u32::try_from(packet.used()).unwrap();
        let packet = TestPacket { length_width: 2, padding_width: 0, ..packet.clone() };
        let packet = TestPacket { length: Some(length), ..packet };
        bytes.extend_from_slice(&packet.build(400)[..packet.used()]);
    });
    // As GStreamer's asfmux writes the last packet: packet length and padding make up the size.
    let gstreamer = sixty(|bytes, packet| {
        let packet = TestPacket { length_width: 2, ..packet.clone() };
        let mut packed = packet.build(400).to_vec();
        packed[5..7].copy_from_slice(&u16::try_from(packet.used()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&packed);
    });
    for (bytes, most) in [(gaps, 59), (without_padding, 20), (gstreamer, 0)] {
        assert!(count(&bytes) <= most);
        assert_eq!(count(&repair(&bytes).unwrap().0), 60);
    }
}

#[test]
fn checksums_are_those_of_ffmpeg() {
    if !peers::is_here("ffprobe") {
        return;
    }
    let original = Original::read(Path::new(CLIP)).unwrap();
    let read = read_by_ffmpeg(Path::new(CLIP));
    assert_eq!(read, original.intact(&original.bytes));
    assert!(read.values().sum::<usize>() > 80);
}
