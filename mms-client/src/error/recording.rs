//! Why a recording fails or cannot go on.

use std::io;

use thiserror::Error;

/// Why a recording failed. `Display` includes what `source` says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file cannot be read, which resuming needs.
    #[error("cannot read the recording: {0}")]
    Read(#[source] io::Error),
    /// The file or sink cannot be written. What was written before is kept.
    #[error("cannot write the recording: {0}")]
    Write(#[source] io::Error),
    /// The application could not provide a file or sink.
    #[error("cannot open the recording: {0}")]
    Open(#[source] io::Error),
    /// The sink is a pipe, a terminal or a device; the header of a finished file goes where only a
    /// regular file can be written.
    #[error("the recording is not a regular file; pipes and devices can only be streamed to")]
    NotAFile,
    /// The server goes on and on sending packets that are there already or do not fit. What came
    /// before is kept.
    #[error("the server sent {packets} packets in a row without anything new")]
    NothingNew {
        /// How many.
        packets: u64,
    },
    /// The header declares none of the streams that were chosen, as an entry of a playlist may.
    #[error("the stream has none of the streams that were chosen")]
    NoChosenStream,
    /// The stream's header cannot be worked with.
    #[error("the stream's header is unusable: {0}")]
    Asf(#[from] mms_asf::Error),
    /// The file cannot be resumed. It is unchanged.
    #[error("the recording cannot be resumed: {0}")]
    Resume(#[from] ResumeRefused),
}

/// Why a recording cannot be resumed. The file is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ResumeRefused {
    /// A live stream or an entry of a playlist: the server cannot go back.
    #[error("the stream is live or part of a playlist, so the server cannot go back to its end")]
    Live,
    /// The file begins otherwise than the stream: another stream or selection of streams, or no
    /// recording at all.
    #[error(
        "the file is no recording of this stream, it was made with other streams, or the stream has \
         changed on the server"
    )]
    OtherStream,
    /// The header is the same, but the last packet in the file is not what the server sends at its
    /// place: a selection of other streams, another start, or other content.
    #[error(
        "its last packet is not what the server sends there; it was made with other streams or \
         another start, or the stream has changed on the server"
    )]
    OtherPackets,
    /// Bytes follow the last whole packet in the file, and are neither the beginning of the packet
    /// that the server sends next nor of an index: cutting them off would lose them.
    #[error("what follows its last whole packet is not of this stream")]
    OtherTail,
    /// The first packet in the file is not what the server sends at this start.
    #[error("it did not begin at the start that was asked for")]
    OtherStart,
    /// The stream ended before the last packet in the file came by.
    #[error("the stream ended before the recording's last packet came by")]
    NotFound,
}
