//! From one entry of a playlist to the next, MS-MMSP 3.1.5.19.

use super::header::HeaderAssembler;
use super::state::{AfterStop, Crossed, Entry, File, Play, State, Stop, Streaming};
use super::{Client, Timer};
use crate::error::Error;
use crate::event::ClientEvent;
use crate::hresult::HResult;
use crate::mmsp::message::{MessageId, ReportStreamChange, STREAM_CHANGE_INCARNATION};

impl Client {
    /// 3.1.5.19
    pub(super) fn on_stream_change(&mut self, report: ReportStreamChange) -> Result<(), Error> {
        self.check(report.hr)?;
        // Without an end before it this is the end that crossed our stop.
        if let State::Stopping(_, Stop { then: AfterStop::Ready | AfterStop::Play(_), .. }) =
            self.state
        {
            self.stopped();
        }
        match self.state {
            State::WaitingForEntry(file, play)
            | State::Streaming(file, Streaming { play, .. })
            | State::NewEntry(file, Entry { play, .. }) => self.enter(&report, file, play, None),
            // Our play command is on its way, and its answer will be about a later entry than the
            // one it is for: another one that was announced, or the one that crossed our seek.
            State::StartingEntry(file, play, _) => {
                self.session.overtaken = Some(play.asked);
                self.enter(&report, file, play, None)
            }
            State::Starting(file, play) => {
                self.session.overtaken = Some(play.asked);
                self.enter(&report, file, play, Some(Crossed::Play))
            }
            // It crossed our stop.
            State::Ready(file) => match self.session.stop_crossed {
                Some(play) => self.enter(&report, file, play, Some(Crossed::Stop)),
                None => self.out_of_place(MessageId::REPORT_STREAM_CHANGE),
            },
            // We closed while this was on its way.
            State::Stopping(..) => Ok(()),
            _ => self.out_of_place(MessageId::REPORT_STREAM_CHANGE),
        }
    }

    /// Takes the header of a new entry, which follows.
    fn enter(
        &mut self,
        report: &ReportStreamChange,
        file: File,
        play: Play,
        crossed: Option<Crossed>,
    ) -> Result<(), Error> {
        let times = &self.config.session.timeouts;
        let assembler =
            HeaderAssembler::new(report.header_size, self.config.session.limits.header)?;
        self.timers.stop_all();
        self.timers.arm(Timer::Header, self.core.now(), times.header);
        self.session.arrivals.announced = None;
        let entry = Entry { play, label: STREAM_CHANGE_INCARNATION, crossed };
        self.state = State::EntryHeader(file.next_entry(report), entry, assembler);
        Ok(())
    }

    /// The answer to a play command whose entry had ended. It applies to the entry that the server
    /// is at now; the application learns of that one as a new entry.
    pub(super) fn on_overtaken_started(&mut self, hr: HResult) {
        let Some(answered) = self.session.overtaken.take().filter(|_| !hr.is_failure()) else {
            return;
        };
        match &mut self.state {
            State::EntryHeader(_, Entry { label, .. }, _)
            | State::NewEntry(_, Entry { label, .. })
            | State::StartingEntry(_, _, label) => *label = answered,
            &mut State::Starting(file, play) => {
                self.state = State::StartingEntry(file, play, answered);
            }
            _ => {}
        }
    }

    /// The end that was to be followed by another entry was the last. A server before version 9
    /// has not promised one: the end of its broadcast looks alike.
    pub(super) fn no_next_entry(&mut self) -> Result<(), Error> {
        if self.session.server.announces_next_entry() {
            self.core.on_deviation(crate::Deviation::NoNextEntry)?;
        }
        self.core.event(ClientEvent::EndOfStream { more: false, hr: HResult::OK });
        Ok(())
    }
}
