//! How far a recording is, and what came of it.

use std::time::Duration;

use mms_proto::Content;

use super::{Break, Finished};
use crate::error::Error;
use crate::session::EndOfStream;

/// How far a recording is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Which entry of a playlist, from 0.
    pub entry: u32,
    /// What the server offers.
    pub content: &'a Content,
    /// The entry's recording so far.
    pub recorded: Finished,
    /// A resumed recording still waits for its last packet.
    pub catching_up: bool,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Recordings made, one an entry.
    pub entries: u32,
    /// Packets in them, those of earlier sessions included.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long their media lasts, together.
    pub duration: Duration,
    /// The time of the content at which the first media of the first entry begins, preroll not
    /// included: a server begins at the key frame before the time asked for. `None` for live
    /// streams, and when no packet came.
    pub start: Option<Duration>,
    /// How many packets were there before; `None` when nothing was resumed.
    pub resumed_from: Option<u64>,
    /// A resumed recording lacked nothing.
    pub already_complete: bool,
    /// Times that the recording went on over another connection.
    pub reconnections: u64,
    /// Gaps that the breaks before that left in files, at most the first 1,000. Where the stream
    /// had another header afterwards there is another file instead.
    pub breaks: Vec<Break>,
    /// The recording ended because it was cancelled.
    pub cancelled: bool,
    /// How the server ended the last entry; `None` when it did not get so far.
    pub end: Option<EndOfStream>,
    /// Packets that came twice and were left out.
    pub repeated: u64,
    /// Packets that were left out because they are longer than the header allows.
    pub too_long: u64,
    /// Times that the clock of the stream started anew, and packets were moved to continue the
    /// recording.
    pub restarts: u64,
    /// Payloads of streams that were not chosen and came all the same; they were left out.
    pub unselected: u64,
    /// Packets that nothing had asked for.
    pub dropped: u64,
    /// Rules that the server broke without harm.
    pub deviations: u64,
}

/// A recording that failed, and what was recorded before. The files are finished and play.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct RecordFailed {
    /// What went wrong.
    pub error: Error,
    /// What there is.
    pub summary: Summary,
}

/// Packets that are not in the recording as the server sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Packets that were in the file already when the recording went on.
    pub resumed: u64,
    /// Packets that came again and were left out.
    pub repeated: u64,
    /// Packets longer than the file's packets, which were left out.
    pub too_long: u64,
    /// Times that the clock of the stream started anew. The packets from there on are in the
    /// recording and were moved to continue it.
    pub restarts: u64,
    /// Payloads of streams that were not chosen.
    pub unselected: u64,
}
