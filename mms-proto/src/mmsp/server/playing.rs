//! Stream selection, play commands and stops, MS-MMSP 3.2.5.10 to 3.2.5.14.
//!
//! Play commands that begin anew are limited in number: each makes the application look for a
//! place in a file, which costs it far more than the client.

use super::flow::Flow;
use super::opening::OPEN_FILE_ID;
use super::play_rate::PlayCommand;
use super::state::State;
use super::{Server, Timer};
use crate::content::Content;
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::ServerEvent;
use crate::features::Features;
use crate::hresult::HResult;
use crate::message_kind::MessageKind;
use crate::mmsp::message::{
    MessageId, ReportEndOfStream, ReportStartStriding, ReportStartedPlaying, ReportStreamSwitch,
    StartPlaying, StartStriding, StopPlaying, StreamSwitch,
};
use crate::request::PlayRequest;

/// `dwLinkBandwidth` of players that do not know it.
const UNKNOWN_LINK: u32 = 0x7FFF_FFFF;

impl Server {
    /// 3.2.5.10
    pub(super) fn on_stream_switch(&mut self, request: &StreamSwitch) {
        let hr = if self.state.may_play() { HResult::OK } else { HResult::INVALID_REQUEST };
        self.send(ReportStreamSwitch { hr });
        if !hr.is_failure() {
            self.session.selection.select(&request.selections);
            self.core.event(ServerEvent::SelectStreams(request.selections.clone()));
        }
    }

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

    /// 3.2.5.11
    fn on_start_playing(&mut self, request: &StartPlaying) {
        let incarnation = request.incarnation;
        let hr = self.may_start(request.open_file_id);
        self.send(ReportStartedPlaying { hr, incarnation, open_file_id: OPEN_FILE_ID });
        if hr.is_failure() {
            return;
        }
        // Their presence follows from the length alone: a spare chunk looks like zeros.
        let link = request.accel.and_then(|accel| accel.link_bandwidth);
        if let Some(link) = link.filter(|link| !matches!(link, 0 | UNKNOWN_LINK..)) {
            self.session.link_bandwidth = Some(link);
        }
        let accel = request.accel.filter(|accel| accel.bandwidth > 0 && accel.duration > 0);
        let mut play = PlayRequest::select([]).start(request.start);
        (play.stop, play.accel) = (request.stop, accel);
        self.start(incarnation, play);
    }

    /// 3.2.5.12
    fn on_start_striding(&mut self, request: &StartStriding) {
        let incarnation = request.incarnation;
        let hr = self.may_stride(request.open_file_id);
        self.send(ReportStartStriding { hr, incarnation });
        if !hr.is_failure() {
            self.start(
                incarnation,
                PlayRequest::select([]).start(request.start).rate(request.rate),
            );
        }
    }

    /// 3.2.5.14
    pub(super) fn on_stop_playing(&mut self, request: StopPlaying) -> Result<(), Error> {
        self.session.plays.forget();
        let streaming = self.state.is_streaming();
        let Some(content) = self.state.content().filter(|_| self.state.may_play()).cloned() else {
            return self
                .core
                .on_deviation(Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::STOP_PLAYING)));
        };
        // Old players send garbage in the label; it is only echoed.
        self.end_media(content, HResult::OK, request.incarnation);
        if streaming {
            self.core.event(ServerEvent::Stopped);
        }
        Ok(())
    }

    /// The request for a packet, if one may be sent and none was asked for.
    pub(super) fn want_packet(&mut self) -> Option<ServerEvent> {
        let now = self.core.now();
        let waits = self.has_waiting_play();
        let (_, flow) = self.state.flow()?;
        let room = flow.pacing.room(now);
        let queued = self.session.live || !self.session.queue.is_empty();
        let asks = !waits && !queued && flow.demand.ask(room);
        asks.then_some(ServerEvent::PacketWanted { room })
    }

    /// Packets from now on, with this label.
    pub(super) fn flow(&self, content: &Content, label: u8, play: &PlayRequest) -> Flow {
        Flow::new(self.core.now(), label, &self.config, content, play)
    }

    /// The answer to a play command as things are now.
    fn may_start(&self, open_file_id: u32) -> HResult {
        if !self.state.may_play() {
            HResult::INVALID_REQUEST
        } else if open_file_id != OPEN_FILE_ID {
            HResult::INVALID_ARGUMENT
        } else {
            HResult::OK
        }
    }

    /// The answer to `StartStriding` as things are now.
    fn may_stride(&self, open_file_id: u32) -> HResult {
        let hr = self.may_start(open_file_id);
        let strides = |content: &Content| content.features().contains(Features::STRIDABLE);
        if !hr.is_failure() && !self.state.content().is_some_and(strides) {
            return HResult::STRIDE_REFUSED;
        }
        hr
    }

    /// A play command that was answered.
    fn start(&mut self, incarnation: u32, mut play: PlayRequest) {
        self.session.incarnation = incarnation;
        self.session.has_played = true;
        if self.session.sequence.wrapping_sub(1).to_le_bytes()[0] == 0xFE {
            // 2.2.2: after a packet with 0xFE the first of a new play command carries 0x00.
            self.session.sequence = self.session.sequence.wrapping_add(1);
        }
        self.timers.stop(Timer::Idle);
        self.timers.stop(Timer::HeldEnd);
        self.timers.stop(Timer::Unplayed);
        self.arm_keep_alive();
        play.streams = self.session.streams(self.config.select_all_unasked);
        let label = self.label();
        let content = match &mut self.state {
            State::Ready(content) | State::EntryWaits(content) => content,
            // The entry goes on under the label that the client gave it (3.2.4.2).
            State::StreamingEntry(_, flow) => {
                flow.label = label;
                return self.entry_is_played();
            }
            State::EntryHeader(_, _, media) => return media.play(play, label),
            State::Streaming(content, flow) if flow.seeks(&self.config) => content,
            // 3.2.5.11 and 3.2.5.12 in STREAMING: the new label and rate, and on it goes.
            State::Streaming(content, flow) => {
                flow.label = label;
                if flow.change_rate(self.core.now(), &self.config, content, play.rate) {
                    self.core.event(ServerEvent::Rate(play.rate));
                }
                return;
            }
            _ => return,
        };
        let content = content.clone();
        self.state = self.play(content, play);
    }

    /// Begins to stream, and tells the application.
    pub(super) fn play(&mut self, content: Content, play: PlayRequest) -> State {
        let flow = self.flow(&content, self.label(), &play);
        self.tune_in();
        self.core.event(ServerEvent::Play(play));
        State::Streaming(content, flow)
    }

    /// No media any more, and nothing that waits for them: ready, with the idle time, and told so
    /// with this label.
    pub(super) fn end_media(&mut self, content: Content, hr: HResult, incarnation: u32) {
        self.state = match &self.state {
            // The rest of its header is dropped: it has to be asked for.
            State::EntryHeader(..) => State::Opened(content),
            _ => State::Ready(content),
        };
        self.session.queue.tune(false);
        self.timers.stop(Timer::Unplayed);
        self.timers.stop(Timer::HeldEnd);
        self.send(ReportEndOfStream { hr, incarnation });
        self.start_idle();
    }
}
