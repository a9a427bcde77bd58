//! How many play commands a second begin anew. Each makes the application look for a place in a
//! file, which costs it far more than the client.

use std::time::{Duration, Instant};

use super::Server;
use super::state::State;
use crate::hresult::HResult;
use crate::mmsp::message::{StartPlaying, StartStriding};

/// The rate of play commands, and the one that came too early.
#[derive(Debug, Default)]
pub(super) struct Plays {
    /// When the bucket is full again: with every play command one interval later.
    full_at: Option<Instant>,
    /// The latest play command that came too early, and when it is its turn.
    early: Option<(Instant, PlayCommand)>,
}

/// A play command as it came.
#[derive(Debug, Clone, Copy)]
pub(super) enum PlayCommand {
    Normal(StartPlaying),
    Striding(StartStriding),
}

impl Plays {
    /// Counts a play command, if so many a second allow it; else when they will.
    fn admit(&mut self, now: Instant, a_second: u32) -> Result<(), Instant> {
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

impl Server {
    /// Answers a play command, or lets it wait when it comes too early. It takes the place of one that
    /// waits already: of several that came too early only the last one is answered.
    ///
    /// Only a command that makes the application look for a place waits. One that is refused changes
    /// nothing, and one that goes on with an entry looks for nothing: both are answered at once.
    pub(super) fn on_play_command(&mut self, command: PlayCommand) {
        if !self.may_play(&command).is_failure() {
            if !self.begins_anew() {
                // It is later than one that waited while the entry before was played.
                self.session.plays.forget();
            } else if let Some((_, waiting)) = &mut self.session.plays.early {
                *waiting = command;
                return;
            } else {
                let now = self.core.now();
                if let Err(turn) = self.session.plays.admit(now, self.config.plays_a_second) {
                    self.session.plays.early = Some((turn, command));
                    return;
                }
            }
        }
        self.begin_play(command);
    }

    /// True while a play command waits for its turn. It begins anew elsewhere: until then no packet is
    /// asked for, and the answer to a request that was made before is not sent. So the same packets go
    /// whether or not the bytes were cut where there was time to ask.
    pub(crate) fn has_waiting_play(&self) -> bool {
        self.session.plays.early.is_some()
    }

    /// Answers the play command that waited, if it is its turn.
    pub(super) fn play_early(&mut self) -> bool {
        let now = self.core.now();
        let Some((_, command)) = self.session.plays.early.take_if(|(turn, _)| *turn <= now) else {
            return false;
        };
        // It was counted out until now; this cannot fail.
        let _ = self.session.plays.admit(now, self.config.plays_a_second);
        self.begin_play(command);
        true
    }

    fn begin_play(&mut self, command: PlayCommand) {
        match command {
            PlayCommand::Normal(request) => self.on_start_playing(&request),
            PlayCommand::Striding(request) => self.on_start_striding(&request),
        }
    }

    /// The answer to a play command as things are now.
    fn may_play(&self, command: &PlayCommand) -> HResult {
        match command {
            PlayCommand::Normal(request) => self.may_start(request.open_file_id),
            PlayCommand::Striding(request) => self.may_stride(request.open_file_id),
        }
    }

    /// True when the application has to look for a place: not in an entry that goes on, nor where
    /// positions are ignored while streaming.
    fn begins_anew(&self) -> bool {
        match &self.state {
            State::Ready(_) => true,
            State::Streaming(_, flow) => flow.seeks(&self.config),
            _ => false,
        }
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
