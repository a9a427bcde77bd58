//! The rate of play commands that begin anew.

use std::time::{Duration, Instant};

use crate::mmsp::message::{StartPlaying, StartStriding};

/// The rate of play commands, and the one that came too early.
#[derive(Debug, Default)]
pub(super) struct Plays {
    /// When the bucket is full again: with every play command one interval later.
    full_at: Option<Instant>,
    /// The latest play command that came too early, and when it is its turn.
    pub(super) early: Option<(Instant, PlayCommand)>,
}

/// A play command as it came.
#[derive(Debug, Clone, Copy)]
pub(super) enum PlayCommand {
    Normal(StartPlaying),
    Striding(StartStriding),
}

impl Plays {
    /// Counts a play command, if so many a second allow it; else when they will.
    pub(super) fn admit(&mut self, now: Instant, a_second: u32) -> Result<(), Instant> {
        let Some(interval) = Duration::from_secs(1).checked_div(a_second) else { return Ok(()) };
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let most = interval.saturating_mul(a_second.saturating_sub(1));
        let turn = full_at.checked_sub(most).unwrap_or(now);
        if turn > now {
            return Err(turn);
        }
        self.full_at = full_at.checked_add(interval);
        Ok(())
    }

    /// When the play command that waits has its turn.
    pub(super) fn turn(&self) -> Option<Instant> {
        self.early.as_ref().map(|&(turn, _)| turn)
    }

    /// The client has stopped: nothing waits any more.
    pub(super) fn forget(&mut self) {
        self.early = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
    fn so_many_at_once_and_a_second() {
        let begin = Instant::now();
        let ms = |ms| begin + Duration::from_millis(ms);
        let mut plays = Plays::default();
        for _ in 0..4 {
            assert_eq!(plays.admit(begin, 4), Ok(()));
        }
        assert_eq!(plays.admit(begin, 4), Err(ms(250)));
        assert_eq!(plays.admit(ms(249), 4), Err(ms(250)));
        assert_eq!(plays.admit(ms(250), 4), Ok(()));
        assert_eq!(plays.admit(ms(250), 4), Err(ms(500)));
        // Nothing is saved up beyond a second.
        for _ in 0..4 {
            assert_eq!(plays.admit(ms(90_000), 4), Ok(()));
        }
        assert_eq!(plays.admit(ms(90_000), 4), Err(ms(90_250)));
        // Without a limit.
        let mut plays = Plays::default();
        assert!((0..1_000).all(|_| plays.admit(begin, 0).is_ok()));
    }
}
