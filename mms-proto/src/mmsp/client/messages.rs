//! What a client makes of what the server sends, MS-MMSP 3.1.5.

use std::time::Duration;

use bytes::Bytes;

use super::state::{File, Spent, State, Streaming};
use super::{Client, Timer};
use crate::Machine as _;
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Layer};
use crate::event::ClientEvent;
use crate::hresult::HResult;
use crate::message_kind::MessageKind;
use crate::mmsp::MmspDeviation;
use crate::mmsp::framing::at_place;
use crate::mmsp::message::{MessageId, Pong, ServerMessage};

impl Client {
    pub(super) fn on_message(&mut self, place: u64, message: &Bytes) -> Result<(), Error> {
        let mut deviations = Vec::new();
        let decoded = ServerMessage::decode(message, &mut deviations);
        for deviation in deviations {
            self.core.on_deviation(deviation)?;
        }
        let message = match decoded {
            Ok(message) => message,
            Err(error) => return self.on_undecoded(error, place),
        };
        self.wait_for_media();
        let id = message.id();
        match message {
            ServerMessage::Ping(_) => self.on_ping(),
            ServerMessage::ReportConnectedEx(report) => self.on_connected(report),
            ServerMessage::ReportFunnelInfo(report) => self.on_funnel_info(&report),
            ServerMessage::ReportConnectedFunnel(report) => self.on_transport(report.hr),
            ServerMessage::ReportDisconnectedFunnel(report) => {
                // Outside its place it is how old servers say that they give up (T18).
                let hr = if report.hr.is_failure() { report.hr } else { HResult::NO_FUNNEL };
                Err(self.refused(hr))
            }
            ServerMessage::SecurityChallenge(challenge) => self.on_challenge(&challenge),
            ServerMessage::ReportRedirect(redirect) => self.on_redirect(redirect),
            ServerMessage::ReportOpenFile(report) => self.on_open_file(&report),
            ServerMessage::ReportReadBlock(report) => self.on_read_block(report.hr),
            ServerMessage::ReportStreamSwitch(report) => self.on_switched(report.hr),
            ServerMessage::ReportStartedPlaying(report) => {
                self.on_started(id, report.hr, report.incarnation)
            }
            ServerMessage::ReportStartStriding(report) => {
                self.on_started(id, report.hr, report.incarnation)
            }
            ServerMessage::ReportEndOfStream(report) => self.on_end_of_stream(report),
            ServerMessage::ReportStreamChange(report) => self.on_stream_change(report),
            ServerMessage::Unknown { id, body } => {
                self.core.on_deviation(Deviation::UnknownMessage(MessageKind::Mmsp(id)))?;
                self.core.event(ClientEvent::Unknown { id: id.0, body });
                Ok(())
            }
        }
    }

    /// A message whose fields cannot be read. It is noted and skipped where the whole message would
    /// be: an answer that nothing waits for any more, whatever it says. Ping has no field that is
    /// looked at. All others are waited for or refuse something.
    fn on_undecoded(&mut self, error: DecodeError, place: u64) -> Result<(), Error> {
        let means_nothing = match error.layer {
            Layer::Message(MessageKind::Mmsp(MessageId::REPORT_CONNECTED_EX)) => {
                !matches!(self.state, State::Connecting)
            }
            Layer::Message(MessageKind::Mmsp(MessageId::REPORT_CONNECTED_FUNNEL)) => {
                !matches!(self.state, State::Connecting | State::ChoosingTransport)
            }
            Layer::Message(MessageKind::Mmsp(MessageId::REPORT_OPEN_FILE)) => {
                !matches!(self.state, State::Opening)
            }
            Layer::Message(MessageKind::Mmsp(MessageId::REPORT_STREAM_SWITCH)) => {
                self.session.switches_pending == 0
            }
            _ => false,
        };
        match error.layer {
            Layer::Message(MessageKind::Mmsp(id)) if means_nothing => {
                self.core.on_deviation(Deviation::ShortMessage(MessageKind::Mmsp(id)))?;
                self.wait_for_media();
                Ok(())
            }
            _ => Err(at_place(error, place)),
        }
    }

    pub(super) fn on_ping(&mut self) -> Result<(), Error> {
        let now = self.core.now();
        match self.session.pongs.spend(now, self.config.session.limits.pongs_per_second) {
            Spent::Send => self.send(Pong),
            Spent::FirstTooMany => {
                self.core.on_deviation(Deviation::Mmsp(MmspDeviation::PingFlood))?
            }
            Spent::TooMany => {}
        }
        Ok(())
    }

    /// Any message shows that the server is there; but one that only shows that, and never sends
    /// anything, is waited for no longer than it could have a reason for.
    pub(super) fn wait_for_media(&mut self) {
        if let State::Streaming(file, Streaming { heard, .. }) = self.state {
            let now = self.core.now();
            let (silence, patience) = (self.config.session.timeouts.silence, self.patience(&file));
            let left = patience.saturating_sub(now.saturating_duration_since(heard));
            // The end of patience is one moment, counted from the packet: counted from here it
            // would move with every message once it has passed.
            let (from, time) = if left < silence { (heard, patience) } else { (now, silence) };
            self.timers.arm(Timer::Media, from, time);
        }
    }

    /// How long messages alone keep a stream alive. A server may hold back the end of the stream
    /// until the content has been played, and ask now and then whether we are there (T49). Of a
    /// later entry it never says how long it lasts: that may be as long as anything.
    pub(super) fn patience(&self, file: &File) -> Duration {
        self.config.session.timeouts.media.saturating_add(file.max_duration)
    }

    /// How long nothing came when that was too long: no packet, or nothing at all.
    pub(super) fn silence(&self) -> Duration {
        if let State::Streaming(file, Streaming { heard, .. }) = &self.state {
            let no_packet = self.patience(file);
            if self.core.now().saturating_duration_since(*heard) >= no_packet {
                return no_packet;
            }
        }
        self.config.session.timeouts.silence
    }

    /// A message that means nothing now and does no harm.
    pub(super) fn out_of_place(&mut self, id: MessageId) -> Result<(), Error> {
        self.core.on_deviation(Deviation::OutOfPlace(MessageKind::Mmsp(id)))
    }

    /// A message that cannot be ignored.
    pub(super) fn unexpected(&self, message: MessageId) -> Error {
        Error::Unexpected { message: MessageKind::Mmsp(message), phase: self.phase() }
    }

    pub(super) fn refused(&self, hr: HResult) -> Error {
        Error::Refused { phase: self.phase(), hr }
    }

    pub(super) fn check(&self, hr: HResult) -> Result<(), Error> {
        if hr.is_failure() { Err(self.refused(hr)) } else { Ok(()) }
    }

    pub(super) fn wait_for_reply(&mut self) {
        self.timers.arm(Timer::Reply, self.core.now(), self.config.session.timeouts.reply);
    }
}
