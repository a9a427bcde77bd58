//! Play commands and stream selections, and their answers, MS-MMSP 3.1.4.3, 3.1.5.14 to 3.1.5.16.

use std::time::{Duration, Instant};

use super::arrivals::Arrivals;
use super::state::{AfterStop, Crossed, Entry, File, Play, State, Stop, Streaming};
use super::{Client, Timer};
use crate::deviation::Deviation;
use crate::error::{Error, StateError};
use crate::event::ClientEvent;
use crate::hresult::HResult;
use crate::mmsp::MmspDeviation;
use crate::mmsp::message::{MAX_BYTE_OFFSET, MessageId, StartPlaying, StartStriding, StreamSwitch};
use crate::request::{PlayRequest, Start};
use crate::stream::StreamSelection;

/// Most entries of one `StreamSwitch`: a file has at most 127 streams.
const MAX_SELECTIONS: usize = 127;

impl Client {
    /// Plays. While streaming this is a seek: the server is stopped first. After
    /// [`ClientEvent::NextEntry`] it selects the streams of the new
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
        match self.state {
            State::Streaming(file, Streaming { play, used, .. }) => {
                self.core.set_now(now);
                self.stop_playing(file, play, used, AfterStop::Play(request));
            }
            State::NewEntry(file, Entry { play, label, crossed: Some(Crossed::Play) }) => {
                self.core.set_now(now);
                self.stop_playing(file, play, Some(label), AfterStop::Play(request));
            }
            State::NewEntry(file, Entry { play, label, crossed: None }) => {
                self.core.set_now(now);
                self.start_entry(file, play, label, request);
            }
            State::Ready(file) | State::NewEntry(file, _) => {
                self.core.set_now(now);
                self.start(file, request);
            }
            _ => return Err(self.wrong_phase("play")),
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
        if !matches!(self.state, State::Streaming(..)) {
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

    /// Begins to play.
    pub(super) fn start(&mut self, file: File, request: PlayRequest) {
        self.session.arrivals = Arrivals::new(file.announced_packets());
        let (start, rate) = (request.start, request.rate);
        let from = match start {
            Start::Beginning => Some(Duration::ZERO),
            Start::Time(time) => Some(time),
            Start::Packet(_) | Start::ByteOffset(_) => None,
        };
        let asked = self.send_play(&file, start, request);
        let (before, since) = (self.core.stats, self.core.now());
        self.state = State::Starting(file, Play { asked, before, since, from, rate });
    }

    /// Plays an entry whose packets come already. They have the old label until the answer.
    fn start_entry(&mut self, file: File, entry: Play, label: u8, request: PlayRequest) {
        let (from, rate) = (Some(Duration::ZERO), request.rate);
        let asked = self.send_play(&file, Start::Beginning, request);
        self.state = State::StartingEntry(file, Play { asked, from, rate, ..entry }, label);
    }

    /// Sends the stream selection and the play command right after it. Returns its label.
    fn send_play(&mut self, file: &File, start: Start, request: PlayRequest) -> u8 {
        let open_file_id = file.opened.open_file_id;
        let label = self.counters.play();
        let incarnation = u32::from(label);
        if self.session.stop_crossed.is_some_and(|play| play.asked == label) {
            // Once round the circle: an end of stream with this label means this command now.
            self.session.stop_crossed = None;
        }
        self.timers.stop(Timer::Media);
        self.session.switches_pending = self.session.switches_pending.saturating_add(1);
        self.send(StreamSwitch { selections: request.streams });
        if request.rate.is_normal() {
            let accel = request.accel.filter(|_| self.session.server.understands_accel());
            let stop = request.stop;
            self.request(StartPlaying { open_file_id, start, stop, incarnation, accel });
        } else {
            let rate = request.rate;
            self.request(StartStriding { open_file_id, start, incarnation, rate });
        }
        label
    }

    /// 3.1.5.14
    pub(super) fn on_switched(&mut self, hr: HResult) -> Result<(), Error> {
        let Some(left) = self.session.switches_pending.checked_sub(1) else {
            return self.out_of_place(MessageId::REPORT_STREAM_SWITCH);
        };
        self.session.switches_pending = left;
        if let (State::Streaming(..), 0) = (&self.state, left) {
            self.timers.stop(Timer::Reply);
        }
        self.core.event(if hr.is_failure() {
            ClientEvent::SelectionRefused(hr)
        } else {
            ClientEvent::StreamsSelected
        });
        Ok(())
    }

    /// 3.1.5.15 and 3.1.5.16
    pub(super) fn on_started(
        &mut self,
        id: MessageId,
        hr: HResult,
        answered: u32,
    ) -> Result<(), Error> {
        if self.session.overtaken.is_some_and(|label| u32::from(label) == answered) {
            self.on_overtaken_started(hr);
            return Ok(());
        }
        let (file, mut play, entry) = match self.state {
            State::Starting(file, play) => (file, play, None),
            State::StartingEntry(file, play, label) => (file, play, Some(label)),
            // We closed while this was on its way.
            State::Stopping(_, Stop { then: AfterStop::Close, .. }) => {
                if hr.is_failure() {
                    // Nothing plays, so nothing has to stop.
                    self.close_file();
                }
                return Ok(());
            }
            _ => return self.out_of_place(id),
        };
        if hr.is_failure() {
            self.timers.stop(Timer::Reply);
            self.state = match entry {
                // It goes on under its label: it can be played again, or stopped.
                Some(label) => State::NewEntry(file, Entry { play, label, crossed: None }),
                None => State::Ready(file),
            };
            self.core.event(ClientEvent::PlayRefused(hr));
            return Ok(());
        }
        let now = self.core.now();
        if entry.is_none() {
            // The beginning of a new entry, which came before this answer, counts as well.
            (play.before, play.since) = (self.core.stats, now);
        }
        // And the answer to an earlier stop has come if it comes at all.
        (self.session.stop_crossed, self.session.overtaken) = (None, None);
        // The selection that went before the command has to be answered as well.
        if self.session.switches_pending == 0 {
            self.timers.stop(Timer::Reply);
        }
        self.timers.arm(Timer::Media, now, self.config.session.timeouts.silence);
        // Over TCP nothing of an older command can follow this answer: the label of the first
        // packet is the one that the server uses (T51).
        self.state = State::Streaming(file, Streaming { play, used: None, heard: now });
        let expected = u32::from(play.asked);
        if answered != expected {
            self.core.on_deviation(Deviation::Mmsp(MmspDeviation::AnswerIncarnation {
                message: id,
                expected,
                found: answered,
            }))?;
        }
        self.core.event(ClientEvent::Started);
        Ok(())
    }

    pub(super) fn wrong_phase(&self, operation: &'static str) -> StateError {
        StateError::Phase { operation, phase: self.state.phase() }
    }
}
