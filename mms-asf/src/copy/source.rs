//! The input of a copy.

use std::io::Read;

use crate::{Event, FileError, Limits, StreamParser};

/// The input as events.
pub(super) struct Source<R> {
    input: R,
    parser: StreamParser,
    ended: bool,
}

impl<R: Read> Source<R> {
    pub(super) fn new(input: R, limits: &Limits) -> Self {
        Self { input, parser: StreamParser::with_limits(*limits), ended: false }
    }

    /// The next one; `None` behind the end.
    pub(super) fn next(&mut self) -> Result<Option<Event>, FileError> {
        while !self.ended {
            match self.parser.poll()? {
                Some(event) => {
                    self.ended = matches!(event, Event::End { .. });
                    return Ok(Some(event));
                }
                None => match self.input.read(self.parser.room()) {
                    Ok(0) => self.parser.finish(),
                    Ok(count) => self.parser.received(count),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(None)
    }
}
