//! The program without an address: its own server, a small clip, and a look at every packet.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use mms_asf::{FileError, FileReader};
use mms_client::{MmsUrl, UrlError};

use crate::serve::{Options, Serving, StartError, Stopper};

/// A server on a loopback port with the clip of this repository.
#[derive(Debug)]
pub struct Demo {
    clip: PathBuf,
    url: MmsUrl,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Why the demonstration failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The server did not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Nothing can be known of a socket.
    #[error("the operating system: {0}")]
    Io(#[from] io::Error),
    /// The address that the server made is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Clip or recording cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Recording and clip do not have the same number of packets.
    #[error("{recorded} packets were recorded, the clip has {clip}")]
    Count {
        /// In the recording.
        recorded: u64,
        /// In the clip.
        clip: u64,
    },
    /// A packet was changed on the way.
    #[error("packet {0} differs from the clip's")]
    Differs(u64),
}

impl Demo {
    /// Starts the server.
    ///
    /// # Errors
    /// When the clip is not there, or there is no port to listen on.
    pub fn start() -> Result<Self, DemoError> {
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("clips/test-pattern.wmv");
        let serving = Serving::start(Options::new(&clip))?;
        let url = serving.urls()?.first().map_or("", String::as_str).parse()?;
        let stopper = serving.stopper()?;
        let thread = std::thread::spawn(move || {
            // It fails only when the listener does; the recording says so then.
            let _ = serving.run(|_| ());
        });
        Ok(Self { clip, url, stopper, thread: Some(thread) })
    }

    /// The address of the clip.
    #[must_use]
    pub fn url(&self) -> &MmsUrl {
        &self.url
    }

    /// Compares every packet of a recording with the clip's; returns how many there are.
    ///
    /// # Errors
    /// When one is missing, or differs.
    pub fn check(&self, recording: &Path) -> Result<u64, DemoError> {
        let mut clip = open(&self.clip)?;
        let mut copy = open(recording)?;
        let (recorded, count) = (copy.packet_count(), clip.packet_count());
        if recorded != count {
            return Err(DemoError::Count { recorded, clip: count });
        }
        for number in 0..count {
            if clip.packet(number)? != copy.packet(number)? {
                return Err(DemoError::Differs(number));
            }
        }
        Ok(count)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn open(path: &Path) -> Result<FileReader<BufReader<File>>, FileError> {
    FileReader::open(BufReader::new(File::open(path)?))
}
