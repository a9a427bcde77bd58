//! What is in an ASF file: objects, streams, packets, indexes, and what is wrong with them.

mod counts;
mod describe;
mod findings;
mod format;
mod indexes;
mod json;
mod packet;
mod part;
mod repairable;
mod text;
mod tree;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mms_asf::{Event, StreamParser};
use serde_json::{Value, json};

pub use self::packet::Seen;

use self::part::Part;
use self::repairable::Check;
use crate::files::not_asf;

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}; check the name and the permissions")]
    Unreadable(#[source] io::Error),
    /// A folder, a pipe or a device.
    #[error("is no regular file; name a .wmv, .wma or .asf file, or - for a pipe")]
    NoFile,
    /// It is something else, or damaged beyond reading.
    #[error("{}; name a .wmv, .wma or .asf file", not_asf(.0))]
    NotAsf(mms_asf::Error),
    /// What was found could not be handed on.
    #[error("cannot print what is in it: {0}; send it somewhere else")]
    Unprintable(#[source] io::Error),
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    /// What each header in the file heads: one as a rule, more in recordings of several entries.
    parts: Vec<Part>,
    /// Headers that were passed over, with their packets, because there were so many.
    more: u64,
    /// That of the last header.
    packet_size: u32,
    /// The part whose file is being checked.
    checked: usize,
}

/// So many headers are told about: each may take 16 MiB.
const PARTS: usize = 16;

impl Report {
    /// Reads a whole file.
    ///
    /// # Errors
    /// When it cannot be read or its header cannot. What is damaged behind that is told of.
    pub fn of(path: &Path) -> Result<Self, InspectError> {
        Self::read(path, open(path)?, |_| Ok(()))
    }

    /// Reads to the end of `input`, which is called `path`, and hands each packet to `each`.
    ///
    /// # Errors
    /// When nothing can be read, when the header is damaged beyond reading, and when `each` fails.
    pub fn read(
        path: &Path,
        mut input: impl Read,
        mut each: impl FnMut(&Seen<'_>) -> io::Result<()>,
    ) -> Result<Self, InspectError> {
        let mut report = Self {
            path: path.to_owned(),
            parts: Vec::new(),
            more: 0,
            packet_size: 0,
            checked: usize::MAX,
        };
        let mut parser = StreamParser::new();
        loop {
            match parser.poll() {
                Ok(Some(Event::Packet { number, offset, bytes })) => {
                    report.check(Event::Packet { number, offset, bytes: bytes.clone() });
                    let part = report.parts.len().saturating_sub(1) as u64 + report.more;
                    if let Some(current) = report.current() {
                        current.packet(number, &bytes);
                    }
                    let size = report.packet_size;
                    let seen = Seen { part, number, offset, bytes: &bytes, size };
                    each(&seen).map_err(InspectError::Unprintable)?;
                }
                Ok(Some(event)) => {
                    let ended = matches!(event, Event::End { .. });
                    let for_check = event.clone();
                    report.event(event);
                    report.check(for_check);
                    if ended {
                        report.end_check();
                        return Ok(report);
                    }
                }
                Ok(None) => {
                    let failed = receive(&mut input, &mut parser).err();
                    if let Some(error) = failed {
                        if report.parts.is_empty() {
                            return Err(InspectError::Unreadable(error));
                        }
                        report.note(format!("reading failed: {error}"));
                        parser.finish();
                    }
                }
                Err(error) if report.parts.is_empty() => return Err(InspectError::NotAsf(error)),
                Err(error) => {
                    report.note(format!("the rest was not read: {error}"));
                    report.refuse(&error);
                    report.parts.iter_mut().for_each(Part::finish);
                    return Ok(report);
                }
            }
        }
    }

    /// The object for a file of which there is nothing to tell.
    #[must_use]
    pub fn failed(path: &Path, error: &InspectError) -> Value {
        json!({ "file": path.to_string_lossy(), "error": error.to_string() })
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Header { offset, header } => {
                if let Some(part) = self.current() {
                    part.close(offset);
                }
                self.packet_size = header.file().packet_size;
                if self.parts.len() < PARTS {
                    self.parts.push(Part::new(offset, *header));
                } else {
                    self.more = self.more.saturating_add(1);
                }
            }
            other => {
                if let Some(part) = self.current() {
                    part.event(other);
                }
            }
        }
    }

    /// Hands an event to the check of the file that is being read, or starts one at its header.
    fn check(&mut self, event: Event) {
        let header = matches!(event, Event::Header { .. });
        if let Some(part) = self.parts.get_mut(self.checked) {
            if part.check.event(event) || !header {
                return;
            }
            part.check.finish();
        }
        self.checked = self.parts.len().saturating_sub(1);
        if let Some(part) = self.current().filter(|_| header) {
            part.check = Check::new(&part.header);
        } else {
            self.checked = usize::MAX;
        }
    }

    fn end_check(&mut self) {
        if let Some(part) = self.parts.get_mut(self.checked) {
            part.check.finish();
        }
    }

    /// Notes that the input cannot be read to its end.
    fn refuse(&mut self, error: &mms_asf::Error) {
        if let Some(part) = self.parts.get_mut(self.checked) {
            part.check = Check::Refused(error.to_string());
        }
    }

    /// The part that is being read, unless it is one too many.
    fn current(&mut self) -> Option<&mut Part> {
        self.parts.last_mut().filter(|_| self.more == 0)
    }

    fn note(&mut self, line: String) {
        if let Some(part) = self.parts.last_mut() {
            part.findings.push(line);
        }
    }
}

/// A file to be read to its end.
///
/// # Errors
/// When it cannot be opened, and when it is none: opening a pipe would wait for its writer.
pub fn open(path: &Path) -> Result<File, InspectError> {
    if !path.metadata().map_err(InspectError::Unreadable)?.is_file() {
        return Err(InspectError::NoFile);
    }
    File::open(path).map_err(InspectError::Unreadable)
}

/// The next bytes, or the end.
fn receive(input: &mut impl Read, parser: &mut StreamParser) -> io::Result<()> {
    loop {
        match input.read(parser.room()) {
            Ok(0) => parser.finish(),
            Ok(count) => parser.received(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        return Ok(());
    }
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Hours, minutes, seconds and thousandths.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}.{:03}", seconds % 60, time.subsec_millis())
}

/// [`clock`] of a time in milliseconds that may not be there, or be before zero.
fn time(milliseconds: Option<i64>) -> String {
    milliseconds.map_or_else(
        || "-".to_owned(),
        |ms| {
            let sign = if ms < 0 { "-" } else { "" };
            format!("{sign}{}", clock(Duration::from_millis(ms.unsigned_abs())))
        },
    )
}
