//! Where a recording is written.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};

use mms_asf::Finalization;

pub(super) enum Sink {
    /// A regular file: its header is completed at the end.
    File(File),
    /// Anything else: what is written stays as it is.
    Stream(Box<dyn Write + Send>),
}

impl Sink {
    /// Empties a file.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        if let Self::File(file) = self {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
        }
        Ok(())
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self {
            Self::File(file) => file.write_all(bytes),
            Self::Stream(sink) => {
                sink.write_all(bytes)?;
                sink.flush()
            }
        }
    }

    /// Makes a finished file of one whose packets end at `data_end`. The header comes first: with
    /// it players know all that they need, and an index that is missing is made again.
    pub(super) fn complete(
        &mut self,
        finalization: &Finalization,
        data_end: u64,
    ) -> io::Result<()> {
        let Self::File(file) = self else {
            return Ok(());
        };
        for patch in &finalization.patches {
            file.seek(SeekFrom::Start(patch.offset))?;
            file.write_all(&patch.bytes)?;
        }
        file.seek(SeekFrom::Start(data_end))?;
        file.write_all(&finalization.index)?;
        file.flush()
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.fmt(f),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
