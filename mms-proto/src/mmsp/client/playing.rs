//! Answers to play commands, ends and next entries, MS-MMSP 3.1.5.14 to 3.1.5.19.

use std::time::Duration;

use super::header::{Announced, HeaderAssembler};
use super::state::{AfterStop, Play, State};
use super::{Client, Timer};
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::ClientEvent;
use crate::hresult::HResult;
use crate::mmsp::message::{
    MessageId, OpenedFile, ReportEndOfStream, ReportStreamChange, STREAM_CHANGE_INCARNATION,
};

impl Client {
    /// 3.1.5.14
    pub(super) fn on_switched(&mut self, hr: HResult) -> Result<(), Error> {
        let Some(left) = self.session.switches_pending.checked_sub(1) else {
            return self.out_of_place(MessageId::REPORT_STREAM_SWITCH);
        };
        self.session.switches_pending = left;
        if let (State::Streaming(_), 0) = (&self.state, left) {
            self.timers.stop(Timer::Reply);
        }
        self.link.event(if hr.is_failure() {
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
            return self.on_overtaken_started(hr);
        }
        let play = match &mut self.state {
            State::Starting(play) => play,
            // Nothing plays, so nothing has to stop.
            State::Stopping(_, AfterStop::Close) if hr.is_failure() => {
                self.close_file();
                return Ok(());
            }
            // We closed while this was on its way.
            State::Stopping(_, AfterStop::Close) => return Ok(()),
            _ => return self.out_of_place(id),
        };
        let asked = u32::from(play.asked);
        if hr.is_failure() {
            self.timers.stop(Timer::Reply);
            // A new entry goes on under its label: it can be played again, or stopped.
            self.state = match &self.state {
                State::Starting(play) if play.used.is_some() => State::NewEntry(play.clone()),
                _ => State::Ready,
            };
            self.link.event(ClientEvent::PlayRefused(hr));
            return Ok(());
        }
        let mut play = play.clone();
        // Over TCP nothing of an older command can follow this answer: the label of the first
        // packet is the one that the server uses (T51).
        if play.used.take().is_none() {
            // The beginning of a new entry, which came before this answer, counts as well.
            play.before = self.link.stats;
            play.since = self.link.now();
        }
        // And the answer to an earlier stop has come if it comes at all.
        (self.session.stop_crossed, self.session.overtaken) = (None, None);
        // The selection that went before the command has to be answered as well.
        if self.session.switches_pending == 0 {
            self.timers.stop(Timer::Reply);
        }
        play.heard = self.link.now();
        self.timers.arm(Timer::Media, play.heard, self.config.timeouts.silence);
        self.state = State::Streaming(play);
        if answered != asked {
            let deviation =
                Deviation::AnswerIncarnation { message: id, expected: asked, found: answered };
            self.link.tolerate(deviation)?;
        }
        self.link.event(ClientEvent::Started);
        Ok(())
    }

    /// The answer to a play command whose entry had ended. It applies to the entry that the server
    /// is at now; the application learns of that one as a new entry.
    pub(super) fn on_overtaken_started(&mut self, hr: HResult) -> Result<(), Error> {
        let label = self.session.overtaken.take();
        if let State::EntryHeader(play, _) | State::NewEntry(play) | State::Starting(play) =
            &mut self.state
        {
            if !hr.is_failure() {
                play.used = label;
            }
        }
        Ok(())
    }

    /// 3.1.5.18
    pub(super) fn on_end_of_stream(&mut self, report: ReportEndOfStream) -> Result<(), Error> {
        let ReportEndOfStream { hr, incarnation } = report;
        if self.session.stop_crossed.is_some_and(|label| u32::from(label) == incarnation) {
            // The answer to a stop whose stream ended by itself in the same moment.
            self.session.stop_crossed = None;
            return Ok(());
        }
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Stopping(play, then) => {
                self.timers.stop_all();
                self.stopped(&play, then);
                Ok(())
            }
            State::Streaming(play) | State::NewEntry(play) => {
                self.ended(play, hr);
                Ok(())
            }
            // A new entry was over before our play command for it arrived.
            State::Starting(play) if play.used.is_some() && self.more_follows(hr) => {
                self.session.overtaken = Some(play.asked);
                self.ended(play, hr);
                Ok(())
            }
            // Late or doubled: a natural end can cross our stop.
            State::Ready => Ok(()),
            other => {
                self.state = other;
                self.out_of_place(MessageId::REPORT_END_OF_STREAM)
            }
        }
    }

    pub(super) fn ended(&mut self, mut play: Play, hr: HResult) {
        self.timers.stop_all();
        self.report(&play);
        (play.before, play.since) = (self.link.stats, self.link.now());
        let more = self.more_follows(hr);
        if more {
            self.timers.arm(Timer::NextEntry, self.link.now(), self.config.timeouts.next_entry);
            self.state = State::WaitingForEntry(play);
        }
        self.link.event(ClientEvent::EndOfStream { more, hr });
    }

    pub(super) fn stopped(&mut self, play: &Play, then: AfterStop) {
        match then {
            AfterStop::Ready => self.link.event(ClientEvent::Stopped),
            AfterStop::Play(request) => self.start(request),
            AfterStop::Close => self.close_file(),
        }
        self.session.stop_crossed = Some(play.asked);
    }

    /// The table of 3.1.5.18 without its first row, our own stop.
    pub(super) fn more_follows(&self, hr: HResult) -> bool {
        if self.session.server.announces_next_entry() {
            return hr == HResult::FALSE;
        }
        let broadcast =
            |file: OpenedFile| file.attributes.contains(crate::content::FileAttributes::BROADCAST);
        hr == HResult::OK && self.session.file.is_some_and(broadcast)
    }

    /// 3.1.5.19
    pub(super) fn on_stream_change(&mut self, report: ReportStreamChange) -> Result<(), Error> {
        self.check(report.hr)?;
        // An entry that is followed without an end before it, while our play command for it is on
        // its way: the answer will be about a later entry.
        if let State::Starting(play) = &self.state {
            if play.used.is_some() {
                self.session.overtaken = Some(play.asked);
            }
        }
        match std::mem::replace(&mut self.state, State::Ready) {
            State::WaitingForEntry(mut play)
            | State::Streaming(mut play)
            | State::Starting(mut play @ Play { used: Some(_), .. })
            | State::NewEntry(mut play) => {
                play.used = Some(STREAM_CHANGE_INCARNATION);
                let ReportStreamChange { packet_size, header_size, bit_rate, .. } = report;
                self.session.changed = true;
                if let Some(file) = &mut self.session.file {
                    (file.packet_size, file.header_size) = (packet_size, header_size);
                    (file.packet_count, file.bit_rate) = (0, bit_rate);
                    file.duration = Duration::ZERO;
                }
                let announced = Announced { packet_size, header_size };
                let assembler = HeaderAssembler::new(announced, self.config.limits.header)?;
                self.timers.stop_all();
                self.timers.arm(Timer::Header, self.link.now(), self.config.timeouts.header);
                self.state = State::EntryHeader(play, assembler);
                Ok(())
            }
            // We closed while this was on its way.
            stopping @ State::Stopping(_, AfterStop::Close) => {
                self.state = stopping;
                Ok(())
            }
            other => {
                // The end of the entry that crossed our stop or seek was taken for its answer: what
                // the server plays from here on is not what the application knows the header of.
                let crossed = match &other {
                    State::Stopping(..) | State::Starting(_) => true,
                    State::Ready => self.session.stop_crossed.is_some(),
                    _ => false,
                };
                self.state = other;
                if crossed {
                    return Err(self.unexpected(MessageId::REPORT_STREAM_CHANGE));
                }
                self.out_of_place(MessageId::REPORT_STREAM_CHANGE)
            }
        }
    }
}
