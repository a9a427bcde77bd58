//! Answers to play commands, ends and next entries, MS-MMSP 3.1.5.14 to 3.1.5.19.

use crate::mmsp::MmspDeviation;
use std::time::Duration;

use super::header::{Announced, HeaderAssembler};
use super::state::{AfterStop, Crossed, Play, State};
use super::{Client, Timer};
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::ClientEvent;
use crate::hresult::HResult;
use crate::mmsp::message::{
    FileAttributes, MessageId, OpenedFile, ReportEndOfStream, ReportStreamChange,
    STREAM_CHANGE_INCARNATION,
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
            self.core.event(ClientEvent::PlayRefused(hr));
            return Ok(());
        }
        let mut play = play.clone();
        // Over TCP nothing of an older command can follow this answer: the label of the first
        // packet is the one that the server uses (T51).
        if play.used.take().is_none() {
            // The beginning of a new entry, which came before this answer, counts as well.
            play.before = self.core.stats;
            play.since = self.core.now();
        }
        // And the answer to an earlier stop has come if it comes at all.
        (self.session.stop_crossed, self.session.overtaken) = (None, None);
        // The selection that went before the command has to be answered as well.
        if self.session.switches_pending == 0 {
            self.timers.stop(Timer::Reply);
        }
        play.heard = self.core.now();
        self.timers.arm(Timer::Media, play.heard, self.config.session.timeouts.silence);
        self.state = State::Streaming(play);
        if answered != asked {
            let deviation = Deviation::Mmsp(MmspDeviation::AnswerIncarnation {
                message: id,
                expected: asked,
                found: answered,
            });
            self.core.on_deviation(deviation)?;
        }
        self.core.event(ClientEvent::Started);
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
        if self
            .session
            .stop_crossed
            .as_ref()
            .is_some_and(|play| u32::from(play.asked) == incarnation)
        {
            // The answer to a stop whose stream ended by itself in the same moment.
            self.session.stop_crossed = None;
            match &mut self.state {
                State::NewEntry(Play { crossed: Some(Crossed::Stop), .. }) => {
                    self.state = State::Ready;
                }
                State::EntryHeader(Play { crossed: Some(crossed @ Crossed::Stop), .. }, _) => {
                    *crossed = Crossed::Stopped;
                }
                _ => {}
            }
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
        (play.before, play.since) = (self.core.stats, self.core.now());
        let more = self.more_follows(hr);
        if more {
            self.timers.arm(
                Timer::NextEntry,
                self.core.now(),
                self.config.session.timeouts.next_entry,
            );
            self.state = State::WaitingForEntry(play);
        }
        self.core.event(ClientEvent::EndOfStream { more, hr });
    }

    pub(super) fn stopped(&mut self, play: &Play, then: AfterStop) {
        match then {
            AfterStop::Ready => self.core.event(ClientEvent::Stopped),
            AfterStop::Play(request) => self.start(request),
            AfterStop::Close => self.close_file(),
        }
        self.session.stop_crossed = Some(play.clone());
    }

    /// The table of 3.1.5.18 without its first row, our own stop.
    pub(super) fn more_follows(&self, hr: HResult) -> bool {
        if self.session.server.announces_next_entry() {
            return hr == HResult::FALSE;
        }
        let broadcast = |file: OpenedFile| file.attributes.contains(FileAttributes::BROADCAST);
        hr == HResult::OK && self.session.file.is_some_and(broadcast)
    }

    /// 3.1.5.19
    pub(super) fn on_stream_change(&mut self, report: ReportStreamChange) -> Result<(), Error> {
        self.check(report.hr)?;
        // Without an end before it this is the end that crossed our stop.
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Stopping(play, then @ (AfterStop::Ready | AfterStop::Play(_))) => {
                self.timers.stop_all();
                self.stopped(&play, then);
            }
            other => self.state = other,
        }
        match std::mem::replace(&mut self.state, State::Ready) {
            State::WaitingForEntry(play) | State::Streaming(play) | State::NewEntry(play) => {
                self.enter(report, play, None)
            }
            // Our play command is on its way, and its answer will be about a later entry than the
            // one it is for: another one that was announced, or the one that crossed our seek.
            State::Starting(play) => {
                self.session.overtaken = Some(play.asked);
                let crossed = play.used.is_none().then_some(Crossed::Play);
                self.enter(report, play, crossed)
            }
            // It crossed our stop.
            State::Ready => match self.session.stop_crossed.clone() {
                Some(play) => self.enter(report, play, Some(Crossed::Stop)),
                None => self.out_of_place(MessageId::REPORT_STREAM_CHANGE),
            },
            // We closed while this was on its way.
            stopping @ State::Stopping(..) => {
                self.state = stopping;
                Ok(())
            }
            other => {
                self.state = other;
                self.out_of_place(MessageId::REPORT_STREAM_CHANGE)
            }
        }
    }

    /// Takes the header of a new entry, which follows.
    fn enter(
        &mut self,
        report: ReportStreamChange,
        mut play: Play,
        crossed: Option<Crossed>,
    ) -> Result<(), Error> {
        play.used = Some(STREAM_CHANGE_INCARNATION);
        play.crossed = crossed;
        let ReportStreamChange { packet_size, header_size, bit_rate, .. } = report;
        self.session.changed = true;
        if let Some(file) = &mut self.session.file {
            (file.packet_size, file.header_size) = (packet_size, header_size);
            (file.packet_count, file.bit_rate) = (0, bit_rate);
            file.duration = Duration::ZERO;
        }
        let announced = Announced { packet_size, header_size };
        let assembler = HeaderAssembler::new(announced, self.config.session.limits.header)?;
        self.timers.stop_all();
        self.timers.arm(Timer::Header, self.core.now(), self.config.session.timeouts.header);
        self.state = State::EntryHeader(play, assembler);
        Ok(())
    }
}
