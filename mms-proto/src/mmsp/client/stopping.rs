//! Stops, ends of streams and the end of the session, MS-MMSP 3.1.4.4, 3.1.4.5 and 3.1.5.18.

use std::time::Instant;

use super::state::{AfterStop, Crossed, Entry, File, Play, State, Stop, Streaming};
use super::{Client, Timer};
use crate::error::{Error, StateError};
use crate::event::{ClientEvent, CloseReason};
use crate::hresult::HResult;
use crate::mmsp::message::{CloseFile, FileAttributes, MessageId, ReportEndOfStream, StopPlaying};

impl Client {
    /// Stops. [`ClientEvent::Stopped`] says when; packets that were
    /// on their way still come before it.
    ///
    /// # Errors
    /// Unless the session is streaming or at a new entry.
    pub fn stop(&mut self, now: Instant) -> Result<(), StateError> {
        let (file, play, used) = match self.state {
            State::Streaming(file, Streaming { play, used, .. }) => (file, play, used),
            State::NewEntry(file, Entry { play, label, .. }) => (file, play, Some(label)),
            _ => return Err(self.wrong_phase("stop")),
        };
        self.core.set_now(now);
        self.stop_playing(file, play, used, AfterStop::Ready);
        Ok(())
    }

    /// Ends the session: stops first if it must, says goodbye, and reports
    /// [`ClientEvent::Closed`]. It never fails and may be repeated.
    pub fn close(&mut self, now: Instant) {
        if matches!(self.state, State::Closed(_)) {
            return;
        }
        self.core.set_now(now);
        match self.state {
            State::Starting(file, play)
            | State::StartingEntry(file, play, _)
            | State::Streaming(file, Streaming { play, .. })
            | State::WaitingForEntry(file, play)
            | State::EntryHeader(file, Entry { play, .. }, _)
            | State::NewEntry(file, Entry { play, .. }) => {
                self.stop_playing(file, play, None, AfterStop::Close);
            }
            State::Stopping(_, ref mut stop) => {
                stop.then = AfterStop::Close;
                let (now, time) = (self.core.now(), self.config.session.timeouts.close);
                self.timers.stop(Timer::Reply);
                self.timers.arm_if_idle(Timer::Close, now, time);
            }
            _ => self.close_file(),
        }
    }

    /// Sends `CloseFile` if there is a file, and ends the session.
    pub(super) fn close_file(&mut self) {
        if let Some(file) = self.state.file() {
            let open_file_id = file.opened.open_file_id;
            self.send(CloseFile { open_file_id });
        }
        self.end(CloseReason::Local);
    }

    /// Sends `StopPlaying` and the report right after it.
    pub(super) fn stop_playing(
        &mut self,
        file: File,
        play: Play,
        used: Option<u8>,
        then: AfterStop,
    ) {
        self.timers.stop_all();
        let (open_file_id, incarnation) = (file.opened.open_file_id, u32::from(play.asked));
        self.send(StopPlaying { open_file_id, incarnation });
        self.report(&file, &play);
        let (since, times) = (self.core.now(), &self.config.session.timeouts);
        match then {
            AfterStop::Close => self.timers.arm(Timer::Close, since, times.close),
            _ => self.timers.arm(Timer::Reply, since, times.reply),
        }
        self.state = State::Stopping(file, Stop { play, used, then, since, in_flight: 0 });
    }

    /// The stop was answered, as far as it is still waited for.
    pub(super) fn stopped(&mut self) {
        let State::Stopping(file, stop) = &mut self.state else { return };
        let (file, play, then) = (*file, stop.play, std::mem::take(&mut stop.then));
        self.timers.stop_all();
        match then {
            AfterStop::Ready => {
                self.state = State::Ready(file);
                self.core.event(ClientEvent::Stopped);
            }
            AfterStop::Play(request) => self.start(file, request),
            AfterStop::Close => self.close_file(),
        }
        self.session.stop_crossed = Some(play);
    }

    /// 3.1.5.18
    pub(super) fn on_end_of_stream(&mut self, report: ReportEndOfStream) -> Result<(), Error> {
        let ReportEndOfStream { hr, incarnation } = report;
        if self.session.stop_crossed.is_some_and(|play| u32::from(play.asked) == incarnation) {
            // The answer to a stop whose stream ended by itself in the same moment.
            self.session.stop_crossed = None;
            match &mut self.state {
                State::NewEntry(file, Entry { crossed: Some(Crossed::Stop), .. }) => {
                    self.state = State::Ready(*file);
                }
                State::EntryHeader(_, Entry { crossed: Some(crossed @ Crossed::Stop), .. }, _) => {
                    *crossed = Crossed::Stopped;
                }
                _ => {}
            }
            return Ok(());
        }
        match self.state {
            State::Stopping(..) => self.stopped(),
            State::Streaming(file, Streaming { play, .. })
            | State::NewEntry(file, Entry { play, .. }) => self.ended(file, play, hr),
            // A new entry was over before our play command for it arrived.
            State::StartingEntry(file, play, _) if self.more_follows(&file, hr) => {
                self.session.overtaken = Some(play.asked);
                self.ended(file, play, hr);
            }
            // Late or doubled: a natural end can cross our stop.
            State::Ready(_) => {}
            _ => return self.out_of_place(MessageId::REPORT_END_OF_STREAM),
        }
        Ok(())
    }

    fn ended(&mut self, file: File, mut play: Play, hr: HResult) {
        self.timers.stop_all();
        self.report(&file, &play);
        let now = self.core.now();
        let more = self.more_follows(&file, hr);
        self.state = if more {
            self.timers.arm(Timer::NextEntry, now, self.config.session.timeouts.next_entry);
            (play.before, play.since) = (self.core.stats, now);
            State::WaitingForEntry(file, play)
        } else {
            State::Ready(file)
        };
        self.core.event(ClientEvent::EndOfStream { more, hr });
    }

    /// The table of 3.1.5.18 without its first row, our own stop.
    fn more_follows(&self, file: &File, hr: HResult) -> bool {
        if self.session.server.announces_next_entry() {
            return hr == HResult::FALSE;
        }
        hr == HResult::OK && file.opened.attributes.contains(FileAttributes::BROADCAST)
    }
}
