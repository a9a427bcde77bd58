//! How many play commands a second begin anew. Each makes the application look for a place in a
//! file, which costs it far more than the client.

use super::Server;
use super::play_rate::PlayCommand;
use super::state::State;
use crate::hresult::HResult;

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
