//! A play command whose place in the file is not found yet.

use mms_asf::FileError;
use mms_proto::{PlayRequest, Start, Stop, StreamSelection};

use super::forward::Forward;
use super::opened::Opened;
use super::place::{self, Place};
use super::rewinding::Rewinding;
use super::streams::Chosen;
use super::{STEP, Way};

/// The search, and what follows it.
#[derive(Debug)]
pub(super) struct Sought {
    place: Place,
    start: Start,
    stop: Option<Stop>,
    towards: Towards,
    /// What was selected with the play command.
    chosen: Chosen,
    /// What was selected since then, at most once for each stream.
    changes: Vec<StreamSelection>,
}

#[derive(Debug, Clone, Copy)]
enum Towards {
    /// Forwards; with `fast` key frames of video and nothing else.
    End { fast: bool },
    /// Backwards over the key frames of video.
    Beginning,
}

impl Sought {
    pub(super) fn forwards(request: &PlayRequest, chosen: &Chosen) -> Self {
        let fast = request.rate.get() > 1.0 && chosen.video().is_some();
        Self::new(request, chosen, chosen.timed(fast), Towards::End { fast })
    }

    pub(super) fn backwards(request: &PlayRequest, chosen: &Chosen, stream: u8) -> Self {
        Self::new(request, chosen, vec![stream], Towards::Beginning)
    }

    fn new(request: &PlayRequest, chosen: &Chosen, streams: Vec<u8>, towards: Towards) -> Self {
        let (start, stop) = (request.start, request.stop);
        let (place, chosen, changes) = (Place::new(start, streams), chosen.clone(), Vec::new());
        Self { place, start, stop, towards, chosen, changes }
    }

    /// From where it begins on these change.
    pub(super) fn select(&mut self, changes: &[StreamSelection]) {
        for change in changes {
            self.changes.retain(|earlier| earlier.stream != change.stream);
            self.changes.push(*change);
        }
    }

    /// Searches on; `None` when more packets have to be read.
    pub(super) fn step(
        &mut self,
        file: &Opened,
        now_chosen: &Chosen,
    ) -> Result<Option<Way>, FileError> {
        let mut reader = file.reader();
        let mut packets = STEP;
        let Some(first) = self.place.step(&mut reader, &mut packets)? else { return Ok(None) };
        let way = match self.towards {
            Towards::End { fast } => {
                let end = place::end(&mut reader, self.start, self.stop, first)?;
                drop(reader);
                let chosen = &self.chosen;
                let mut forward = Forward::new(file, chosen, self.start, first..end, fast);
                if !self.changes.is_empty() {
                    forward.select(file, chosen, &self.changes);
                }
                Way::Forward(forward)
            }
            Towards::Beginning => {
                let begin = place::time(&mut reader, self.start, first)?;
                drop(reader);
                // Another stream may have been selected meanwhile.
                let Some(stream) = now_chosen.video() else { return Ok(Some(Way::Nowhere)) };
                Way::Back(Rewinding::new(file, stream, (self.start, self.stop), first, begin))
            }
        };
        Ok(Some(way))
    }
}
