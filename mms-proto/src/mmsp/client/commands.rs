//! What an application may ask for, MS-MMSP 3.1.4.

use crate::Machine as _;
use crate::mmsp::Ticket;
use crate::mmsp::message::MAX_BYTE_OFFSET;
use crate::ticket::Ticket as AnyTicket;
use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use super::state::{AfterStop, Crossed, Play, State};
use super::{Client, Timer};
use crate::auth::{AuthScheme, Challenge, Credentials};
use crate::error::StateError;
use crate::event::CloseReason;
use crate::mmsp::message::{
    CloseFile, NtlmToken, SecurityResponse, StartPlaying, StartStriding, StopPlaying, StreamSwitch,
    basic_token,
};
use crate::request::{PlayRequest, Start};
use crate::stream::StreamSelection;

/// Most entries of one `StreamSwitch`: a file has at most 127 streams.
const MAX_SELECTIONS: usize = 127;

impl Client {
    /// Answers a challenge.
    ///
    /// # Errors
    /// When no challenge waits, the credentials are of another kind, or a password would travel in
    /// clear text without permission. The challenge waits on; [`close`](Self::close) gives up.
    pub fn authenticate(
        &mut self,
        now: Instant,
        challenge: &Challenge,
        credentials: &Credentials,
    ) -> Result<(), StateError> {
        if !matches!(self.state, State::Challenged) || self.core.is_closed() {
            return Err(self.wrong_phase("authenticate"));
        }
        if challenge.round.checked_add(1) != Some(self.session.challenges) {
            return Err(StateError::OldChallenge);
        }
        let AnyTicket::Mmsp(Ticket { incarnation, cookie, wrapped }) = challenge.ticket;
        let token = match (challenge.scheme, credentials) {
            (AuthScheme::Basic, Credentials::Basic { .. })
                if !self.config.session.allow_clear_text =>
            {
                return Err(StateError::ClearText);
            }
            (AuthScheme::Basic, Credentials::Basic { user, password }) => {
                basic_token(user, password)
            }
            (AuthScheme::Ntlm, Credentials::Token(token)) => {
                NtlmToken { message: token.clone(), wrapped }.to_token()
            }
            _ => return Err(StateError::Scheme),
        };
        self.core.set_now(now);
        self.state = State::Opening;
        self.request(SecurityResponse { incarnation, cookie, token });
        Ok(())
    }

    /// Plays. While streaming this is a seek: the server is stopped first. After
    /// [`ClientEvent::NextEntry`](crate::ClientEvent::NextEntry) it selects the streams of the new
    /// entry, whose beginning the server may already be sending; `start` has no effect then.
    ///
    /// # Errors
    /// Unless the session is ready, streaming, or at a new entry. When there are more selections
    /// than one message holds, or the start is a byte offset above 2^32 - 2.
    pub fn play(&mut self, now: Instant, request: PlayRequest) -> Result<(), StateError> {
        if request.streams.len() > MAX_SELECTIONS {
            return Err(StateError::TooMany(request.streams.len()));
        }
        if let Start::ByteOffset(offset) = request.start {
            if offset > MAX_BYTE_OFFSET.into() {
                return Err(StateError::Position(offset));
            }
        }
        let wrong = self.wrong_phase("play");
        if self.core.is_closed() {
            return Err(wrong);
        }
        match &self.state {
            State::Streaming(play)
            | State::NewEntry(play @ Play { crossed: Some(Crossed::Play), .. }) => {
                let play = play.clone();
                self.core.set_now(now);
                self.stop_playing(play, AfterStop::Play(request));
            }
            State::Ready | State::NewEntry(_) => {
                self.core.set_now(now);
                self.start(request);
            }
            _ => return Err(wrong),
        }
        Ok(())
    }

    /// Changes the streams while they are played: name those that change, and only those.
    ///
    /// # Errors
    /// Unless the session is streaming and the last selection was answered.
    pub fn select_streams(
        &mut self,
        now: Instant,
        selections: &[StreamSelection],
    ) -> Result<(), StateError> {
        if !matches!(self.state, State::Streaming(_)) || self.core.is_closed() {
            return Err(self.wrong_phase("select streams"));
        }
        if self.session.switches_pending > 0 {
            return Err(StateError::SelectionPending);
        }
        if selections.len() > MAX_SELECTIONS {
            return Err(StateError::TooMany(selections.len()));
        }
        self.core.set_now(now);
        self.session.switches_pending = self.session.switches_pending.saturating_add(1);
        self.request(StreamSwitch { selections: selections.to_vec() });
        Ok(())
    }

    /// Stops. [`ClientEvent::Stopped`](crate::ClientEvent::Stopped) says when; packets that were
    /// on their way still come before it.
    ///
    /// # Errors
    /// Unless the session is streaming or at a new entry.
    pub fn stop(&mut self, now: Instant) -> Result<(), StateError> {
        let wrong = self.wrong_phase("stop");
        if self.core.is_closed() {
            return Err(wrong);
        }
        let (State::Streaming(play) | State::NewEntry(play)) = &self.state else {
            return Err(wrong);
        };
        let play = play.clone();
        self.core.set_now(now);
        self.stop_playing(play, AfterStop::Ready);
        Ok(())
    }

    /// Ends the session: stops first if it must, says goodbye, and reports
    /// [`ClientEvent::Closed`](crate::ClientEvent::Closed). It never fails and may be repeated.
    pub fn close(&mut self, now: Instant) {
        if self.core.is_closed() {
            return;
        }
        self.core.set_now(now);
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Starting(play)
            | State::Streaming(play)
            | State::WaitingForEntry(play)
            | State::EntryHeader(play, _)
            | State::NewEntry(play) => {
                self.stop_playing(play, AfterStop::Close);
            }
            State::Stopping(play, _) => {
                self.state = State::Stopping(play, AfterStop::Close);
                self.timers.stop(Timer::Reply);
                self.timers.arm_if_idle(
                    Timer::Close,
                    self.core.now(),
                    self.config.session.timeouts.close,
                );
            }
            _ => self.close_file(),
        }
    }

    /// Sends `CloseFile` if there is a file, and ends the session.
    pub(super) fn close_file(&mut self) {
        if let Some(file) = self.session.file {
            self.send(CloseFile { open_file_id: file.open_file_id });
        }
        self.end(CloseReason::Local);
    }

    /// Sends the stream selection and, right behind it, the play command.
    pub(super) fn start(&mut self, request: PlayRequest) {
        let open_file_id = self.open_file_id();
        let label = self.counters.play();
        let incarnation = u32::from(label);
        if self.session.stop_crossed.as_ref().is_some_and(|play| play.asked == label) {
            // Once round the circle: an end of stream with this label means this command now.
            self.session.stop_crossed = None;
        }
        let now = self.core.now();
        let (used, start, before, since) = match &self.state {
            // Packets of a new entry come under the old label until the answer to this.
            State::NewEntry(play @ Play { crossed: None, .. }) => {
                (play.used, Start::Beginning, play.before, play.since)
            }
            _ => {
                self.session.arrivals = Arrivals::default();
                (None, request.start, self.core.stats, now)
            }
        };
        let from = match start {
            Start::Beginning => Some(Duration::ZERO),
            Start::Time(time) => Some(time),
            Start::Packet(_) | Start::ByteOffset(_) => None,
        };
        let rate = request.rate;
        self.timers.stop(Timer::Media);
        self.session.switches_pending = self.session.switches_pending.saturating_add(1);
        self.send(StreamSwitch { selections: request.streams });
        if rate.is_normal() {
            let accel = request.accel.filter(|_| self.session.server.understands_accel());
            let stop = request.stop;
            self.request(StartPlaying { open_file_id, start, stop, incarnation, accel });
        } else {
            self.request(StartStriding { open_file_id, start, incarnation, rate });
        }
        let (asked, heard, crossed) = (label, now, None);
        self.state =
            State::Starting(Play { asked, used, before, since, heard, from, rate, crossed });
    }

    /// Sends `StopPlaying` with the report right behind it.
    pub(super) fn stop_playing(&mut self, play: Play, then: AfterStop) {
        self.timers.stop_all();
        self.session.in_flight = 0;
        self.session.stop_sent = Some(self.core.now());
        let stop =
            StopPlaying { open_file_id: self.open_file_id(), incarnation: u32::from(play.asked) };
        self.send(stop);
        self.report(&play);
        let now = self.core.now();
        match then {
            AfterStop::Close => {
                self.timers.arm(Timer::Close, now, self.config.session.timeouts.close);
            }
            _ => self.timers.arm(Timer::Reply, now, self.config.session.timeouts.reply),
        }
        self.state = State::Stopping(play, then);
    }

    pub(super) fn open_file_id(&self) -> u32 {
        self.session.file.map_or(0, |file| file.open_file_id)
    }

    pub(super) fn wrong_phase(&self, operation: &'static str) -> StateError {
        StateError::Phase { operation, phase: self.phase() }
    }
}
