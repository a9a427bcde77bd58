//! What to record, and where to.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use mms_proto::{Start, StreamSelection};

/// What to record.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecordOptions {
    /// Where to begin. A resumed recording must name the start that it was begun with.
    pub start: Start,
    /// Where to end, in the time of the content, preroll not included. Later media is left out. The
    /// server is not asked to stop there: servers stop by send times, before they have sent all the
    /// sound that belongs to the last pictures.
    pub stop: Option<Duration>,
    /// How much media to record at most, counted from the [`start`](Self::start) that is asked
    /// for: what the server sends before it, from a key frame on, does not count. In a live stream
    /// and from a packet number it counts from the first packet. Entries of a playlist count
    /// together.
    pub duration: Option<Duration>,
    /// Which streams; `None` for all. A resumed recording must name the same.
    pub streams: Option<Vec<StreamSelection>>,
}

impl RecordOptions {
    /// Everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where to begin.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Where to end, in the time of the content.
    #[must_use]
    pub fn stop(mut self, time: Duration) -> Self {
        self.stop = Some(time);
        self
    }

    /// How much to record at most.
    #[must_use]
    pub fn duration(mut self, time: Duration) -> Self {
        self.duration = Some(time);
        self
    }

    /// Which streams.
    #[must_use]
    pub fn streams(mut self, streams: impl IntoIterator<Item = StreamSelection>) -> Self {
        self.streams = Some(streams.into_iter().collect());
        self
    }
}

/// Where an entry goes.
#[non_exhaustive]
pub enum Target {
    /// Into this regular file, whose content is replaced when the first packets are written: open
    /// it without truncation to keep what it holds where none comes.
    Create(File),
    /// Behind what this regular file holds already; open it for reading and writing. Not for the
    /// later entries of a playlist.
    Resume(File),
    /// Into a pipe or the like.
    Stream(Box<dyn Write + Send>),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Create(_) => "Create",
            Self::Resume(_) => "Resume",
            Self::Stream(_) => "Stream",
        })
    }
}
