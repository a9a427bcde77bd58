//! What arrives of a stream: numbers of packets, quality, signs of life.

use std::time::Duration;

use super::arrivals::Arrivals;
use super::state::{State, Streaming};
use super::{Client, Timer};
use crate::event::Reception;

impl Client {
    /// What came of the entry since it was last asked for: the numbers of its packets beside what
    /// the server announced. They stand until the next play command or entry.
    #[must_use]
    pub fn reception(&self) -> Reception {
        let Arrivals { announced, packets, first, last, rejected, .. } = self.session.arrivals;
        Reception { packets, first, last, rejected, announced }
    }

    /// Takes the latest packet back: the application could not use it. Say so before the next
    /// output is asked for. The packet is no sign of life then, so that a server which sends
    /// nothing of use is not waited for longer than a silent one; the report to the server counts
    /// it as lost.
    pub fn reject_packet(&mut self) {
        self.session.arrivals.reject();
        if let (State::Streaming(_, streaming), Some((heard, deadline))) =
            (&mut self.state, self.session.arrivals.before.take())
        {
            streaming.heard = heard;
            self.timers.arm_at(Timer::Media, deadline);
        }
    }

    /// Says how much media was played since the last play command or entry, in the time of the
    /// content: what the report to the server is to tell (`msPlayed`). The packets hold it, which
    /// are not looked into here. Without it, it is guessed from the numbers of the packets where
    /// the server says how many there are and how long they last, and else the time that has
    /// passed.
    pub fn set_played(&mut self, played: Duration) {
        self.session.arrivals.played = Some(played);
    }

    /// A packet that is delivered while a play command is carried out shows that the server still
    /// has something to say.
    pub(super) fn still_streams(&mut self) {
        let now = self.core.now();
        if let State::Streaming(_, Streaming { heard, .. }) = &mut self.state {
            let before = std::mem::replace(heard, now);
            self.session.arrivals.before = Some((before, self.timers.deadline(Timer::Media)));
            self.timers.arm(Timer::Media, now, self.config.session.timeouts.silence);
        }
    }
}
