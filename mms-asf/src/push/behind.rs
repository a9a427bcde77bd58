//! What follows the packets: indexes, other objects, garbage.

use uuid::Uuid;

use super::known::{self, Opening};
use super::search::Search;
use super::whole::Alone;
use super::{Cause, Event, Next, State, StreamParser};
use crate::guid;
use crate::object::HEAD;

impl StreamParser {
    /// A known object starts here.
    pub(super) fn object(&mut self, id: Uuid, size: u64) -> Result<Next, Next> {
        if id == guid::HEADER {
            self.state = State::Header { scan: 0 };
            return Ok(Next::Again);
        }
        self.data.over = true;
        let offset = self.buffer.offset();
        let kept = usize::try_from(size).ok().filter(|_| size <= self.limits.index_bytes);
        let Some(size) = kept else {
            self.close();
            self.state = State::Skip { id, offset, left: size };
            return Ok(Next::Again);
        };
        let event = if self.view(0, size)?.len() == size {
            Event::Object { id, offset, bytes: self.buffer.take(size) }
        } else {
            self.damage(size, Cause::Cut)
        };
        self.close();
        self.queue.push_back(event);
        Ok(Next::Again)
    }

    /// Where the Data Object has ended and no known object lies: more packets than the Data Object
    /// declares, an object of another kind, or neither.
    pub(super) fn behind(&mut self) -> Result<Next, Next> {
        let size = self.data.packet_size;
        let bytes = self.view(0, size)?;
        let cost = size.saturating_mul(2);
        let looked = bytes.len() == size && self.data.opening.fits(bytes) && self.may_look(0, cost);
        let opening = Opening::of(bytes);
        let is_packet = looked && self.check(bytes).is_ok() && self.holds(size, opening)?;
        if is_packet || matches!(self.alone(0)?, Alone::Continues(_)) {
            self.data.over = false;
            self.data.end = None;
            return Ok(Next::Again);
        }
        let object = known::any_object(self.view(0, HEAD)?, &self.limits);
        let object = match object.and_then(|(id, size)| Some((id, usize::try_from(size).ok()?))) {
            // One that was cut may as well be none.
            Some((id, size)) if self.view(0, size)?.len() == size => Some((id, size as u64)),
            _ => None,
        };
        // Counted once, when there is nothing left to wait for.
        if looked {
            self.looked_in_vain(cost);
        }
        if let Some((id, size)) = object {
            return self.object(id, size);
        }
        self.state = State::Search(Search::new(Cause::Garbage));
        Ok(Next::Again)
    }

    /// Passes over an object that is not kept.
    pub(super) fn skip(&mut self, id: Uuid, offset: u64, left: u64) -> Next {
        let now = usize::try_from(left).unwrap_or(usize::MAX);
        let left = left.saturating_sub(self.buffer.skip(now) as u64);
        if left > 0 && !self.ended {
            self.state = State::Skip { id, offset, left };
            return Next::Wait(1);
        }
        self.state = State::Boundary;
        let len = self.buffer.offset().saturating_sub(offset);
        Next::Event(Event::Skipped { id, offset, len })
    }
}
