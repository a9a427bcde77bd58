//! Where a session stands, section 6.2 of the reference, and what the application may do then.

use std::time::Instant;

use mms_proto::{Content, StateError};

use super::media::{Fragments, Given, Media};
use super::{Expected, Rules};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    Silent,
    Connected,
    /// The application owes an answer.
    Asked,
    /// The client has to say who it is.
    Challenged,
    Opened,
    Header(Fragments),
    Ready,
    Streaming(Media),
    /// An entry has ended, another one is promised.
    Between,
    EntryHeader(Fragments, Next),
    EntryWaits,
    Closed,
}

/// What comes behind the header of an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    Media(Media),
    Wait,
    Play(Media),
}

impl Stage {
    pub(crate) fn streams(&self) -> bool {
        matches!(
            self,
            Self::Streaming(_) | Self::Between | Self::EntryHeader(..) | Self::EntryWaits
        )
    }

    pub(crate) fn may_play(&self) -> bool {
        *self == Self::Ready || self.streams()
    }

    pub(crate) fn may_read_header(&self) -> bool {
        match self {
            Self::Streaming(media) => media.unplayed,
            Self::Opened | Self::Header(_) | Self::Ready => true,
            Self::EntryHeader(..) | Self::EntryWaits => true,
            _ => false,
        }
    }
}

impl Rules {
    pub(crate) fn accepts(&mut self, content: Content, live: bool, done: &Result<(), StateError>) {
        assert_eq!(done.is_ok(), self.stage == Stage::Asked, "{done:?}");
        if done.is_ok() {
            (self.stage, self.content, self.live) = (Stage::Opened, Some(content), live);
            self.expected = Some(Expected::Opened(self.asked));
        }
    }

    pub(crate) fn rejects(&mut self, done: &Result<(), StateError>) {
        assert_eq!(done.is_ok(), self.stage == Stage::Asked, "{done:?}");
        if done.is_ok() {
            self.refuses_file();
        }
    }

    /// The application wants to know who asks; after so many times that is a refusal.
    pub(crate) fn challenges(&mut self, done: &Result<(), StateError>) {
        assert_eq!(done.is_ok(), self.stage == Stage::Asked, "{done:?}");
        if done.is_err() {
            return;
        }
        if self.challenges == self.most_challenges {
            return self.refuses_file();
        }
        self.challenges += 1;
        self.stage = Stage::Challenged;
        self.timers.shakes_hands(self.now);
        self.expected = Some(Expected::Challenge(self.asked));
        self.seen.note("a challenge");
    }

    /// The application sends the client elsewhere, if it can go there.
    pub(crate) fn redirects(&mut self, done: &Result<(), StateError>) {
        assert_eq!(done.is_ok(), self.stage == Stage::Asked, "{done:?}");
        if done.is_err() {
            return;
        }
        if !self.movable {
            return self.refuses_file();
        }
        self.expected = Some(Expected::Redirect);
        self.seen.note("a redirect");
    }

    fn refuses_file(&mut self) {
        self.stage = Stage::Connected;
        self.timers.shakes_hands(self.now);
        self.expected = Some(Expected::Opened(self.asked));
        self.seen.note("a file refused");
    }

    /// The end of this entry, with another to come.
    pub(crate) fn ends_entry(&mut self, done: &Result<(), StateError>) {
        let waits = self.live || self.is_unplayed();
        let may = match &self.stage {
            stage if self.live => stage.streams(),
            Stage::Streaming(media) => !(media.unplayed && self.promised()),
            stage => *stage == Stage::EntryWaits,
        };
        assert_eq!(done.is_ok(), may, "{done:?} in {:?}", self.stage);
        if !may {
            return;
        }
        self.wants_no_packet();
        match self.queue.back() {
            Some(Given::EndOfEntry { .. }) => {}
            // Nothing was sent of that entry: it gives way to the next one.
            Some(Given::Entry(_)) => drop(self.queue.pop_back()),
            // It was promised already.
            None if self.stage == Stage::Between => {}
            _ => self.queue.push_back(Given::EndOfEntry { waits }),
        }
    }

    pub(crate) fn begins_entry(&mut self, content: Content, done: &Result<(), StateError>) {
        let between = self.stage == Stage::Between && self.queue.is_empty();
        let may = self.stage.streams() && (between || self.promised());
        assert_eq!(done.is_ok(), may, "{done:?} in {:?}", self.stage);
        if may {
            self.tuned &= self.entries_follow();
            self.queue.push_back(Given::Entry(content));
        }
    }

    /// The end, or a failure.
    pub(crate) fn ends(&mut self, failed: bool, done: &Result<(), StateError>) {
        assert_eq!(done.is_ok(), self.stage.streams(), "{done:?} in {:?}", self.stage);
        if done.is_err() {
            return;
        }
        self.wants_no_packet();
        let waits = !failed && (self.live || self.is_unplayed());
        if waits {
            return self.queue.push_back(Given::End { failed, waits });
        }
        // What waits for its moment goes now, or never.
        let packet = |given: &Given| matches!(given, Given::Packet { .. });
        if failed || !matches!(self.stage, Stage::Streaming(_)) {
            self.queue.retain(|given| !packet(given));
        }
        if let Some(until) = self.held_until().filter(|_| !failed) {
            if let Stage::Streaming(media) = &mut self.stage {
                media.has_ended = true;
            }
            self.timers.holds_end(self.now, until);
            self.queue.retain(packet);
            self.queue.push_back(Given::HeldEnd);
            self.seen.note("an end held back");
            return;
        }
        let place = self.queue.iter().take_while(|given| packet(given)).count();
        self.queue.insert(place, Given::End { failed, waits });
    }

    /// Until when the end of the stream is held back.
    fn held_until(&self) -> Option<Instant> {
        let Stage::Streaming(media) = &self.stage else { return None };
        media.played_out().filter(|&until| self.holds_ends && self.ends_at_end && until > self.now)
    }

    /// The answer to a request for a packet was that there is none.
    fn wants_no_packet(&mut self) {
        if let Stage::Streaming(media) = &mut self.stage {
            media.asked = false;
        }
    }

    /// An entry was sent to a player that has not said that it plays it.
    pub(super) fn is_unplayed(&self) -> bool {
        matches!(&self.stage, Stage::Streaming(media) if media.unplayed)
    }

    /// There is an entry that a live packet may belong to.
    pub(crate) fn takes_pushes(&self) -> bool {
        let named = self.queue.iter().any(|given| matches!(given, Given::Entry(_)));
        let between = self.promised() || (self.stage == Stage::Between && !named);
        self.stage.streams() && !between
    }

    fn promised(&self) -> bool {
        matches!(self.queue.back(), Some(Given::EndOfEntry { .. }))
    }

    /// The player begins to play, or stops: of what waited only the latest entry remains.
    pub(super) fn tune(&mut self, on: bool) {
        let promised = self.promised();
        let latest = self.queue.drain(..).rev().find(|given| matches!(given, Given::Entry(_)));
        let end = (promised || latest.is_some()).then_some(Given::EndOfEntry { waits: true });
        self.queue.extend(end);
        self.queue.extend(latest.filter(|_| !promised));
        // What is pushed before the player has played that entry is not for it.
        let on = on && (self.queue.is_empty() || self.promised() || self.entries_follow());
        (self.tuned, self.dropping) = (on, false);
    }
}

/// The rules notice commands that should have been refused.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::media::{content, start};
    use mms_proto::mmsp::ServerConfig;

    fn rules() -> Rules {
        Rules::new(start(), &ServerConfig::default())
    }

    #[test]
    fn what_a_stage_allows() {
        let fragments = rules().fragments(1);
        let media = rules().media(1, &mms_proto::PlayRequest::select([]));
        let mut unplayed = media.clone();
        unplayed.unplayed = true;
        for (stage, plays, reads) in [
            (Stage::Silent, false, false),
            (Stage::Connected, false, false),
            (Stage::Asked, false, false),
            (Stage::Challenged, false, false),
            (Stage::Opened, false, true),
            (Stage::Header(fragments.clone()), false, true),
            (Stage::Ready, true, true),
            (Stage::Streaming(media), true, false),
            (Stage::Streaming(unplayed), true, true),
            (Stage::Between, true, false),
            (Stage::EntryHeader(fragments, Next::Wait), true, true),
            (Stage::EntryWaits, true, true),
            (Stage::Closed, false, false),
        ] {
            assert_eq!((stage.may_play(), stage.may_read_header()), (plays, reads), "{stage:?}");
        }
    }

    #[test]
    #[should_panic(expected = "Ok(())")]
    fn a_file_that_nobody_asked_for() {
        rules().accepts(content(1), false, &Ok(()));
    }

    #[test]
    #[should_panic(expected = "Ok(())")]
    fn an_end_of_nothing() {
        rules().ends(false, &Ok(()));
    }

    #[test]
    fn of_what_waits_a_stop_leaves_the_latest_entry() {
        let mut rules = rules();
        let end = || Given::EndOfEntry { waits: true };
        rules.queue.extend([end(), Given::Entry(content(1)), end(), Given::Entry(content(2))]);
        rules.tune(false);
        let [Given::EndOfEntry { .. }, Given::Entry(latest)] = rules.queue.make_contiguous() else {
            panic!("{:?}", rules.queue);
        };
        assert_eq!(latest.packet_count(), Some(2));
    }
}
