//! Repair without an output.

use std::fmt;
use std::io::{self, Seek, SeekFrom, Write};

use bytes::Bytes;

use super::RepairOptions;
use crate::copy::Copy;
use crate::edit::mend;
use crate::{Event, FileError, Header, Repaired};

type Change = fn(Bytes) -> Option<Bytes>;

/// Finds out what [`repair`](crate::repair()) would change, from the events of a
/// [`StreamParser`](crate::StreamParser) that reads the same input. It is the same code with the
/// bytes left unwritten: [`Repaired::changes`] is empty exactly when the file would stay as it is.
///
/// ```
/// use mms_asf::{Change, Event, RepairCheck, RepairOptions, StreamParser};
/// # use mms_asf::testing::{self, TestStream};
/// # let mut file = testing::header(256, 9, &[TestStream::Audio(1)]).to_vec();
/// # (0..5).for_each(|n| file.extend_from_slice(&testing::packet(n, 256, b"data")));
///
/// let mut parser = StreamParser::new();
/// parser.push(&file);
/// parser.finish();
/// let Some(Event::Header { header, .. }) = parser.poll()? else { panic!("no header") };
/// let mut check = RepairCheck::new(&header, &RepairOptions::default())?;
/// while let Some(event) = parser.poll()? {
///     check.event(event)?;
/// }
/// let repaired = check.finish()?;
/// assert!(repaired.changes.contains(&Change::PacketCount { declared: 9, found: 5 }));
/// # Ok::<(), mms_asf::FileError>(())
/// ```
pub struct RepairCheck {
    copy: Box<Copy<Position, Change>>,
}

impl RepairCheck {
    /// For the events that follow this header.
    ///
    /// # Errors
    /// When [`repair`](crate::repair()) refuses the header.
    pub fn new(header: &Header, options: &RepairOptions) -> Result<Self, FileError> {
        let limits = &options.limits;
        let mended = mend(header, limits)?;
        let output = Position::default();
        let copy = Copy::new(header.clone(), &mended, limits, output, options.rebase, None)?;
        Ok(Self { copy: Box::new(copy) })
    }

    /// Takes the next event. Returns false at the header of another stream, at which the repaired
    /// file ends; no event belongs here after it.
    ///
    /// # Errors
    /// When [`repair`](crate::repair()) fails there.
    pub fn event(&mut self, event: Event) -> Result<bool, FileError> {
        self.copy.event(event)
    }

    /// Returns what the repaired file would be.
    ///
    /// # Errors
    /// With [`FileError::NoPackets`] when there is no packet, as [`repair`](crate::repair()) fails.
    pub fn finish(self) -> Result<Repaired, FileError> {
        self.copy.finish()
    }
}

impl fmt::Debug for RepairCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepairCheck").finish_non_exhaustive()
    }
}

/// An output that keeps nothing but its position.
#[derive(Debug, Default)]
struct Position {
    at: u64,
    end: u64,
}

impl Write for Position {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.at = self.at.saturating_add(bytes.len() as u64);
        self.end = self.end.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Position {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
