//! Real files over a real connection. `MMS_SAMPLES` names a directory that holds them in `asf/`;
//! without it the tests say so and pass.

use std::fs::{self, File};
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::support::scratch::Scratch;
use crate::support::served::Served;
use mms_asf::{FileReader, IndexObject, guid};
use mms_client::{OpenOptions, RecordFailed, RecordOptions, Summary, Target};
use mms_examples::serve::{Options, Title};

/// Random places where each recording is cut off, besides the edges.
const CUTS: usize = 4;

/// A server with all samples, and a place to record to.
struct Setup {
    served: Served,
    files: Vec<PathBuf>,
    scratch: Scratch,
}

/// What a recording has to hold.
struct Original {
    reader: FileReader<BufReader<File>>,
    packets: Vec<u8>,
}

impl Setup {
    fn new(name: &str) -> Option<Self> {
        let folder = mms_tests::samples()?.join("asf");
        let files = mms_tests::asf_samples()?;
        Some(Self {
            served: Served::start(Options::new(folder)),
            files,
            scratch: Scratch::new(name),
        })
    }

    /// The files that can be served.
    fn playable(&self) -> impl Iterator<Item = (String, Original)> {
        self.files.iter().filter_map(|path| {
            let name = name(path);
            Title::open(path).inspect_err(|error| println!("{name}: refused: {error}")).ok()?;
            Some((name, Original::read(path)))
        })
    }

    fn record(
        &self,
        name: &str,
        target: impl FnOnce(&Path) -> Target,
    ) -> Result<Summary, Box<RecordFailed>> {
        let url = format!("mms://{}/{name}", self.served.address).parse().unwrap();
        let session = OpenOptions::new().open(&url).unwrap_or_else(|e| panic!("{name}: {e}"));
        let mut target = Some(target(&self.recording()));
        mms_client::record(session, &RecordOptions::new(), |_, _| Ok(target.take()), |_| {})
    }

    fn whole(&self, name: &str) -> Summary {
        let create = |path: &Path| Target::Create(File::create(path).unwrap());
        self.record(name, create).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn recording(&self) -> PathBuf {
        self.scratch.join("recording")
    }
}

impl Original {
    fn read(path: &Path) -> Self {
        let mut reader = open(path);
        let numbers = 0..reader.packet_count();
        let packets = numbers.flat_map(|number| reader.packet(number).unwrap()).collect();
        Self { reader, packets }
    }

    /// The bytes of its header that a recording may change: what is known at the end only.
    fn changeable(&self) -> Vec<Range<usize>> {
        let header = self.reader.header();
        // Indexes that are declared and not sent.
        let declared = header.extension_objects().iter().filter(|object| {
            [
                guid::INDEX_PARAMETERS,
                guid::MEDIA_OBJECT_INDEX_PARAMETERS,
                guid::TIMECODE_INDEX_PARAMETERS,
            ]
            .contains(&object.id)
        });
        let padded = declared.map(|object| object.offset..object.offset + object.bytes.len());
        self.fields().into_iter().chain(padded).collect()
    }

    fn fields(&self) -> Vec<Range<usize>> {
        let header = self.reader.header();
        let id = guid::FILE_PROPERTIES.to_bytes_le();
        let at = header.as_bytes().windows(16).position(|window| window == id).unwrap();
        let size = at + 40..at + 48;
        let data_size = header.len() - 34..header.len() - 26;
        let file = header.file();
        let (counts_and_durations, flags) = (at + 56..at + 80, at + 88..at + 92);
        if !file.broadcast() && file.packet_count == self.reader.packet_count() {
            return vec![size, flags, data_size];
        }
        let data_count = header.len() - 10..header.len() - 2;
        vec![size, data_size, counts_and_durations, flags, data_count]
    }
}

fn open(path: &Path) -> FileReader<BufReader<File>> {
    FileReader::open(BufReader::new(File::open(path).unwrap())).unwrap()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn what_is_served_is_recorded_as_it_is() {
    let Some(setup) = Setup::new("samples") else { return };
    let (mut recorded, mut indexed) = (0, 0);
    for (name, original) in setup.playable() {
        let summary = setup.whole(&name);
        let count = original.reader.packet_count();
        assert_eq!(summary.packets, count, "{name}");
        assert_eq!((summary.repeated, summary.too_long, summary.dropped), (0, 0, 0), "{name}");
        assert_eq!(summary.deviations, 0, "{name}");

        let mut bytes = fs::read(setup.recording()).unwrap();
        let copy = open(&setup.recording());
        assert_eq!((copy.packet_count(), copy.leftover()), (count, 0), "{name}");
        assert_eq!(copy.header().file().packet_count, count, "{name}");
        assert_eq!(copy.header().file().file_size, bytes.len() as u64, "{name}");
        assert!(!copy.header().file().broadcast(), "{name}");

        let header = original.reader.header();
        let changeable = original.changeable();
        for place in changeable {
            bytes[place.clone()].copy_from_slice(&header.as_bytes()[place]);
        }
        let (head, rest) = bytes.split_at(header.len());
        assert!(head == header.as_bytes(), "{name}: another header");
        let (packets, index) = rest.split_at(original.packets.len());
        assert!(packets == original.packets, "{name}: other packets");
        let known = |object: &IndexObject| !matches!(object, IndexObject::Other { .. });
        let mut copy = copy;
        let indexes = copy.indexes().unwrap();
        assert_eq!(indexes.is_empty(), index.is_empty(), "{name}");
        assert!(indexes.iter().all(known), "{name}");
        indexed += u32::from(!index.is_empty());
        recorded += 1;
    }
    let complaints: Vec<_> =
        setup.served.lines().into_iter().filter(|line| line.contains("; ")).collect();
    assert!(complaints.is_empty(), "the server: {complaints:?}");
    println!("{recorded} of {} files were served and recorded", setup.files.len());
    println!("{indexed} of them got an index");
    assert!(recorded * 4 > setup.files.len() * 3, "most samples can be played");
}

#[test]
fn what_was_cut_off_is_completed() {
    let Some(setup) = Setup::new("samples-cut") else { return };
    let mut random = 1_u64;
    let mut resumed = 0;
    for (name, original) in setup.playable() {
        if original.reader.header().file().broadcast() {
            println!("{name}: cannot be resumed, being a broadcast");
            continue;
        }
        setup.whole(&name);
        let whole = fs::read(setup.recording()).unwrap();
        let header = original.reader.header().len();
        let mut cuts = vec![header - 1, whole.len() - 1];
        cuts.extend((0..CUTS).map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(random >> 32).unwrap() % whole.len()
        }));
        for cut in cuts {
            fs::write(setup.recording(), &whole[..cut]).unwrap();
            let resume = |path: &Path| {
                Target::Resume(File::options().read(true).write(true).open(path).unwrap())
            };
            let summary = setup.record(&name, resume);
            let summary = summary.unwrap_or_else(|error| panic!("{name} at {cut}: {error}"));
            let size = original.reader.header().file().packet_size as usize;
            let before = (cut.saturating_sub(header) / size).min(original.packets.len() / size);
            let before = Some(before).filter(|&packets| packets > 0);
            assert_eq!(summary.resumed_from, before.map(|packets| packets as u64), "{name}");
            assert!(fs::read(setup.recording()).unwrap() == whole, "{name} at {cut}");
            resumed += 1;
        }
    }
    println!("{resumed} recordings were completed");
}
