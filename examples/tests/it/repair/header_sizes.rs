//! Real files in which the size of one object is wrong: what FFmpeg reads of them, it reads after
//! `repair` too. 200 seeded cases, or all with `MMS_HEADER_SIZES=all`.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::scratch::Scratch;
use crate::support::{peers, samples};
use mms_asf::{Event, FileError, RepairOptions, StreamParser, repair};

/// How many cases are a part of every run.
const SEEDED: usize = 200;
/// Their seed.
const SEED: u64 = 0x4153_4620_6865_6164;
/// Files of more bytes are left to the run of all cases.
const LARGEST: usize = 256 << 10;
/// Most cases of which `repair` makes no file though FFmpeg reads something of them: of the seeded
/// ones, and of all. These may only fall.
const REFUSALS: (usize, usize) = (0, 0);

/// One size in one file.
#[derive(Debug, Clone, Copy)]
struct Case {
    file: usize,
    /// Where the size lies.
    at: usize,
    wrong: u64,
}

/// The places of the sizes of all objects: of the Header Object, of its children and of those of the
/// Header Extension Object, of the Data Object and of what follows it.
fn sizes(file: &[u8]) -> Vec<usize> {
    let mut parser = StreamParser::new();
    parser.push(file);
    parser.finish();
    let mut objects = Vec::new();
    while let Ok(Some(event)) = parser.poll() {
        match event {
            Event::Header { offset: 0, header } => {
                let all = header.objects().iter().chain(header.extension_objects());
                objects.push(0);
                objects.extend(all.map(|object| object.offset));
                objects.push(header.len() - 50);
            }
            Event::Object { offset, .. } => objects.push(usize::try_from(offset).unwrap()),
            _ => {}
        }
    }
    objects.into_iter().map(|object| object + 16).collect()
}

fn cases(files: &[Vec<u8>]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (file, bytes) in files.iter().enumerate() {
        for at in sizes(bytes) {
            let Some(size) = bytes.get(at..).and_then(|size| size.first_chunk()) else { continue };
            let size = u64::from_le_bytes(*size);
            let wrong = [
                size.wrapping_sub(8),
                size.wrapping_sub(1),
                size.wrapping_add(1),
                size.wrapping_add(8),
                size.wrapping_mul(2),
            ];
            cases.extend(wrong.map(|wrong| Case { file, at, wrong }));
        }
    }
    cases
}

/// What FFmpeg reads of a file.
#[derive(Debug, Clone, Default)]
struct Probed {
    /// Numbers and codecs.
    streams: BTreeSet<String>,
    /// How many packets there are of a stream's number, a size and a sum over the bytes.
    packets: HashMap<String, usize>,
}

/// FFmpeg, which is not asked twice about the same bytes.
struct Probe {
    folder: Scratch,
    /// The file whose answers are kept.
    file: Option<usize>,
    known: HashMap<u64, Probed>,
}

impl Probe {
    fn read(&mut self, file: &[u8]) -> Probed {
        let mut hasher = DefaultHasher::new();
        file.hash(&mut hasher);
        let key = hasher.finish();
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let path = self.folder.join("case.asf");
        fs::write(&path, file).unwrap();
        let probed = probe(&path);
        self.known.insert(key, probed.clone());
        probed
    }
}

fn probe(path: &Path) -> Probed {
    let entries = "stream=index,codec_name,id:packet=stream_index,size,data_hash";
    let out = Command::new("ffprobe")
        .args(["-v", "quiet", "-f", "asf", "-show_data_hash", "crc32", "-of", "csv"])
        .args(["-show_entries", entries])
        .arg(path)
        .output()
        .unwrap();
    let (mut probed, mut ids) = (Probed::default(), HashMap::new());
    let text = String::from_utf8_lossy(&out.stdout);
    let rows = || text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    for row in rows() {
        if let ["stream", index, codec, id, ..] = row[..] {
            ids.insert(index.to_owned(), id.to_owned());
            probed.streams.insert(format!("{id} {codec}"));
        }
    }
    for row in rows() {
        if let ["packet", index, size, sum, ..] = row[..] {
            let id = ids.get(index).map_or("", String::as_str);
            *probed.packets.entry(format!("{id} {size} {sum}")).or_default() += 1;
        }
    }
    probed
}

impl Probed {
    /// Keeps what is in both. Half an object at the end of a file that was cut is not.
    fn keep(&mut self, other: &Self) {
        self.streams.retain(|stream| other.streams.contains(stream));
        for (key, count) in &mut self.packets {
            *count = (*count).min(other.packets.get(key).copied().unwrap_or(0));
        }
    }
}

/// Whether a file has no packet that could be saved.
fn is_empty(file: &[u8]) -> bool {
    let made = repair(file, Cursor::new(Vec::new()), &RepairOptions::default());
    matches!(made, Err(FileError::NoPackets))
}

/// What FFmpeg reads of `before`, of the file without a fault and of what `repair` makes of that,
/// and does not of `after`.
fn lost(whole: &Probed, before: &Probed, after: &Probed) -> Option<String> {
    let count = |probed: &Probed, key: &str| probed.packets.get(key).copied().unwrap_or(0);
    let packets: usize = whole
        .packets
        .iter()
        .map(|(key, &count_whole)| count_whole.min(count(before, key)))
        .zip(whole.packets.keys())
        .map(|(wanted, key)| wanted.saturating_sub(count(after, key)))
        .sum();
    let streams = whole.streams.intersection(&before.streams);
    let streams: Vec<_> = streams.filter(|stream| !after.streams.contains(*stream)).collect();
    let any = packets > 0 || !streams.is_empty();
    any.then(|| format!("{packets} packets, streams {streams:?}"))
}

/// What became of cases.
#[derive(Debug, Default)]
struct Found {
    made: usize,
    /// Files without a whole packet, with the right size as well.
    empty: usize,
    /// Files that were refused, of which FFmpeg reads nothing.
    unread: usize,
    losses: Vec<String>,
    refusals: Vec<String>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.made += other.made;
        self.empty += other.empty;
        self.unread += other.unread;
        self.losses.extend(other.losses);
        self.refusals.extend(other.refusals);
    }
}

/// Looks at one case after the other.
struct Judge<'a> {
    paths: &'a [PathBuf],
    files: &'a [Vec<u8>],
    /// What FFmpeg reads of a file that nothing was done to, and after `repair` as well.
    whole: Vec<Option<Probed>>,
    probe: Probe,
    found: Found,
}

impl<'a> Judge<'a> {
    fn new(paths: &'a [PathBuf], files: &'a [Vec<u8>]) -> Self {
        let folder = Scratch::new("header-sizes");
        let probe = Probe { folder, file: None, known: HashMap::new() };
        Self { paths, files, whole: vec![None; files.len()], probe, found: Found::default() }
    }

    fn cases(mut self, cases: &[Case]) -> Found {
        cases.iter().for_each(|case| self.case(case));
        self.found
    }

    fn case(&mut self, case: &Case) {
        let Case { file, at, wrong } = *case;
        let name = self.paths[file].file_name().unwrap().to_string_lossy();
        let name = format!("{name}, the size at byte {at} is {wrong}");
        let mut bytes = self.files[file].clone();
        bytes[at..at + 8].copy_from_slice(&wrong.to_le_bytes());
        if self.probe.file != Some(file) {
            self.probe.known.clear();
            self.probe.file = Some(file);
        }
        let before = self.probe.read(&bytes);
        let mut after = Cursor::new(Vec::new());
        match repair(&*bytes, &mut after, &RepairOptions::default()) {
            Ok(_) => {
                self.found.made += 1;
                let after = self.probe.read(&after.into_inner());
                let lost = lost(self.whole(file), &before, &after);
                self.found.losses.extend(lost.map(|lost| format!("{name}: {lost}")));
            }
            Err(FileError::NoPackets) if is_empty(&self.files[file]) => self.found.empty += 1,
            Err(_) if before.packets.is_empty() => self.found.unread += 1,
            Err(error) => self.found.refusals.push(format!("{name}: {error}")),
        }
    }

    fn whole(&mut self, file: usize) -> &Probed {
        let Self { files, whole, probe, .. } = self;
        whole[file].get_or_insert_with(|| {
            let mut whole = probe.read(&files[file]);
            let mut kept = Cursor::new(Vec::new());
            repair(&*files[file], &mut kept, &RepairOptions::default()).unwrap();
            whole.keep(&probe.read(&kept.into_inner()));
            whole
        })
    }
}

/// So many of the cases, chosen by the seed.
fn chosen(mut cases: Vec<Case>, count: usize) -> Vec<Case> {
    let mut state = SEED;
    let mut chosen = Vec::new();
    while chosen.len() < count && !cases.is_empty() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % cases.len();
        chosen.push(cases.swap_remove(at));
    }
    chosen.sort_by_key(|case| (case.file, case.at, case.wrong));
    chosen
}

#[test]
fn what_ffmpeg_reads_it_reads_after_repair() {
    let paths = samples::samples();
    if paths.is_empty() || !peers::is_here("ffprobe") {
        return;
    }
    let all = std::env::var_os("MMS_HEADER_SIZES").is_some_and(|value| value == "all");
    let files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let mut cases = cases(&files);
    if !all {
        cases.retain(|case| files[case.file].len() <= LARGEST);
        cases = chosen(cases, SEEDED);
    }
    // A file's cases follow each other: most questions about them are the same one.
    let threads =
        std::thread::available_parallelism().map_or(1, usize::from) * if all { 3 } else { 1 };
    let share = cases.len().div_ceil(threads).max(1);
    let mut found = Found::default();
    std::thread::scope(|scope| {
        let judge = |cases| Judge::new(&paths, &files).cases(cases);
        let shares: Vec<_> =
            cases.chunks(share).map(|cases| scope.spawn(move || judge(cases))).collect();
        for share in shares {
            found.add(share.join().unwrap());
        }
    });
    let Found { made, empty, unread, losses, refusals } = found;
    println!(
        "{} sizes: {made} files made, {} refused; {empty} more of files without a whole packet, \
         {unread} of which FFmpeg reads nothing",
        cases.len(),
        refusals.len()
    );
    losses.iter().chain(&refusals).for_each(|line| println!("{line}"));
    assert_eq!(losses, [""; 0]);
    let most = if all { REFUSALS.1 } else { REFUSALS.0 };
    assert!(refusals.len() <= most, "{} refused, {most} before", refusals.len());
}
