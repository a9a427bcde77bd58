//! The way back after damage: the next place where a packet or a known object lies.

use super::known::Opening;
use super::whole::Alone;
use super::{Cause, Next, State, StreamParser};
use crate::object::HEAD;

/// Damage is handed out in pieces of at most so many bytes.
const PIECE: usize = 64 << 10;

/// How far a search has come.
#[derive(Debug)]
pub(super) struct Search {
    cause: Cause,
    /// The place to look at next; what lies in front of it is damage.
    at: usize,
    /// Bytes handed out as damage.
    done: u64,
}

impl Search {
    /// From the first unread byte on, which is known to be wrong.
    pub(super) fn new(cause: Cause) -> Self {
        Self { cause, at: 1, done: 0 }
    }
}

/// What lies at a place.
enum Place {
    /// A packet, an object or the end of the input.
    Good,
    Bad,
    /// No packet, though it begins like one.
    Deceptive {
        /// Number of bytes that were looked at.
        cost: usize,
        /// The send time, where all but that is like a packet, in milliseconds.
        sent: Option<u32>,
    },
}

impl StreamParser {
    pub(super) fn search(&mut self) -> Next {
        // The state is put back below; a search has the parser to itself meanwhile.
        let State::Search(mut search) = std::mem::replace(&mut self.state, State::Boundary) else {
            return Next::Again;
        };
        let found = loop {
            if search.at >= PIECE {
                break false;
            }
            match self.look(&search) {
                Ok(Place::Good) => break true,
                Ok(Place::Bad) => {}
                Ok(Place::Deceptive { cost, sent }) => {
                    self.looked_in_vain(cost);
                    // Where times go on elsewhere, one packet is lost and not all.
                    self.data.sent = sent.or(self.data.sent);
                }
                Err(wait) => {
                    self.state = State::Search(search);
                    return wait;
                }
            }
            search.at = search.at.saturating_add(1);
        };
        search.done = search.done.saturating_add(search.at as u64);
        let event = (search.at > 0).then(|| self.damage(search.at, search.cause.clone()));
        if found {
            self.looked_in_vain(self.data.packet_size);
            if search.cause == Cause::Lost {
                self.data.lost(search.done, self.buffer.offset());
            }
        } else {
            search.at = 0;
            self.state = State::Search(search);
        }
        event.map_or(Next::Again, Next::Event)
    }

    fn look(&self, search: &Search) -> Result<Place, Next> {
        let at = search.at;
        let head = self.view(at, HEAD)?;
        if head.is_empty() || self.known(at, head).is_some() {
            return Ok(Place::Good);
        }
        let size = self.data.packet_size;
        let cost = size.saturating_mul(2);
        if !self.data.opening.fits(head) || !self.may_look(at, cost) {
            return Ok(Place::Bad);
        }
        let sent = match self.alone(at)? {
            Alone::Continues(_) => return Ok(Place::Good),
            Alone::OtherTime(time) => Some(time),
            Alone::No => None,
        };
        let bytes = self.view(at, size)?;
        if bytes.len() < size {
            return Ok(Place::Bad);
        }
        let good =
            self.check(bytes).is_ok() && self.holds(at.saturating_add(size), Opening::of(bytes))?;
        Ok(if good { Place::Good } else { Place::Deceptive { cost, sent } })
    }
}
