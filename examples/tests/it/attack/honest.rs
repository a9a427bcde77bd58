//! The player that goes by the rules: it records a file, again and again.

use std::fs::{self, File};
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mms_asf::FileReader;
use mms_client::{OpenOptions, RecordOptions, Target};

use super::CLIP;
use crate::support::scratch::Scratch;

/// Between two recordings: the attack is to have the machine as well.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Honest {
    url: String,
    scratch: Scratch,
    /// What it recorded in peace.
    reference: Vec<u8>,
}

impl Honest {
    /// Records the clip, which the server has under this name, in peace.
    pub(crate) fn new(address: SocketAddr, name: &str) -> Self {
        let url = format!("mms://{address}/{name}");
        let scratch = Scratch::new("honest");
        let reference = record(&url, &scratch.join("peace"));
        let mut recorded = FileReader::open(Cursor::new(&reference)).unwrap();
        let mut clip = FileReader::open(File::open(CLIP).unwrap()).unwrap();
        assert_eq!(recorded.packet_count(), clip.packet_count());
        for number in 0..clip.packet_count() {
            assert_eq!(recorded.packet(number).unwrap(), clip.packet(number).unwrap());
        }
        Self { url, scratch, reference }
    }

    /// Records once more: not a byte is different.
    pub(crate) fn records(&self) {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let bytes = record(&self.url, &self.scratch.join(format!("recording-{number}")));
        assert!(bytes == self.reference, "{} of {} bytes", bytes.len(), self.reference.len());
    }

    /// Records again and again until the attack is over, and once when it is.
    pub(crate) fn undisturbed_by<T>(&self, attack: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let recorder = scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    self.records();
                    std::thread::sleep(PAUSE);
                }
            });
            // Whatever becomes of the attack, the recorder hears that it is over.
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attack));
            over.store(true, Ordering::SeqCst);
            recorder.join().unwrap();
            let result = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            self.records();
            result
        })
    }
}

fn record(url: &str, path: &Path) -> Vec<u8> {
    let session = OpenOptions::new().open(&url.parse().unwrap()).unwrap();
    let mut target = Some(Target::Create(File::create(path).unwrap()));
    let options = RecordOptions::new();
    mms_client::record(session, &options, |_, _| Ok(target.take()), |_| {}).unwrap();
    let bytes = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    bytes
}
