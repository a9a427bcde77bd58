//! The input of a copy.

use std::io::{ErrorKind, Read};

use bytes::Bytes;

use crate::push::Opening;
use crate::{Event, FileError, Limits, Packet, Payload, StreamParser};

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

    /// The packets that come next, as far as they are like those before them; see
    /// [`StreamParser::run`].
    pub(super) fn run(
        &mut self,
        opening: Opening,
        mut each: impl FnMut(&Packet<'_>, &[Payload<'_>]) -> bool,
    ) -> Result<Option<Bytes>, FileError> {
        loop {
            let run = self.parser.run(opening, &mut each);
            if run.is_some() || !self.parser.lacks_packet() {
                return Ok(run);
            }
            self.read()?;
        }
    }

    /// The next one; `None` behind the end.
    pub(super) fn next(&mut self) -> Result<Option<Event>, FileError> {
        while !self.ended {
            match self.parser.poll()? {
                Some(event) => {
                    self.ended = matches!(event, Event::End { .. });
                    return Ok(Some(event));
                }
                None => self.read()?,
            }
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<(), FileError> {
        match self.input.read(self.parser.room()) {
            Ok(0) => self.parser.finish(),
            Ok(count) => self.parser.received(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
