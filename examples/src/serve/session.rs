//! One session: the machine, what it plays, and what is said of it.
//!
//! `access` decides who may ask, `opening` answers what is asked for, `demand` plays files and
//! lists, `live` what all players share.

mod access;
mod demand;
mod live;
mod opening;

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    ClientLog, CloseReason, HResult, Input, Machine as _, OpenRequest, Output, PlayRequest,
    ServerEvent, StateError, StreamSelection, Transmit,
};

use super::House;
use super::playlist::PlaylistPlayer;
use super::report::{Outcome, Who};
use super::title::Title;
use live::{Audience, LeftOut};

/// What a player and the machine say to each other, without the socket between them.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) server: Server,
    who: Who,
    since: Instant,
    source: Source,
    /// The machine was promised a packet that was not found yet.
    owes_packet: bool,
    /// A request that is not answered yet.
    waiting: Option<Waiting>,
    /// Wrong passwords so far.
    guesses: u32,
    /// How often a password was not looked at yet.
    slowed: u32,
    /// It has played something that it has not reported on.
    owes_report: bool,
    /// Packets that it has reported on.
    reported: u64,
    /// Players of version 9 and later take packets without their padding.
    strips_padding: bool,
    /// What was asked for last.
    file: Option<String>,
    refused: Option<String>,
    /// What went wrong while it played.
    error: Option<String>,
    deviations: u64,
    /// Live packets that it did not get.
    left_out: LeftOut,
}

/// A request that is not answered yet.
#[derive(Debug)]
struct Waiting {
    request: OpenRequest,
    until: Instant,
    why: Reason,
}

/// Why a request is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// What it asks for has not begun.
    NotBegun,
    /// Its password was wrong.
    Denied,
    /// Its password is not looked at yet: there were many wrong ones from its address.
    Slowed,
}

/// What is played.
#[derive(Debug)]
enum Source {
    Nothing,
    Title(Box<Title>),
    Playlist(Box<PlaylistPlayer>),
    Live(Box<Audience>),
}

/// What a session wants next.
#[derive(Debug)]
pub(super) enum Step {
    /// Write this.
    Write(Transmit),
    /// Ask again.
    More,
    /// Ask again, but files were read: let others have their turn first.
    Heavy,
    /// Wait for the player, or until then.
    Wait(Option<Instant>),
    /// It is over.
    Over(CloseReason),
}

impl Session {
    /// Begins a session with somebody who connected at `since`; `full` tells why it is refused.
    pub(super) fn new(
        since: Instant,
        who: Who,
        config: ServerConfig,
        full: Option<String>,
    ) -> Self {
        Self {
            server: Server::new(since, config),
            who,
            since,
            source: Source::Nothing,
            owes_packet: false,
            waiting: None,
            guesses: 0,
            slowed: 0,
            owes_report: false,
            reported: 0,
            strips_padding: false,
            file: None,
            refused: full,
            error: None,
            deviations: 0,
            left_out: LeftOut::default(),
        }
    }

    /// Asks the machine what to do, and answers what it asks.
    pub(super) fn step(&mut self, house: &House) -> Step {
        match self.server.poll_output() {
            Output::Transmit { data: transmit, .. } => Step::Write(transmit),
            // A server opens no connection, and MS-MMSP over TCP sends no datagram.
            Output::Connect { connection } => {
                let _ = self.server.handle_input(Instant::now(), Input::TcpFailed { connection });
                Step::More
            }
            Output::Close { .. } | Output::Datagram(_) => Step::More,
            Output::Wait(_) if self.feed(house) => Step::More,
            Output::Wait(until) => Step::Wait(until),
            Output::Event(ServerEvent::Closed(reason)) => Step::Over(reason),
            Output::Event(event) => {
                let heavy = matches!(event, ServerEvent::Open(_));
                let _ = self.on_event(event, house);
                if heavy { Step::Heavy } else { Step::More }
            }
        }
    }

    /// Whether a packet is owed that has to be looked for.
    pub(super) fn has_work(&self) -> bool {
        self.owes_packet
    }

    /// Looks for the packet that is owed, for a moment.
    pub(super) fn work(&mut self, house: &House) {
        // The session may have ended in the meantime: the last event says so.
        let _ = self.send_packet(Instant::now(), house);
    }

    /// Until when a request may wait for its answer.
    pub(super) fn waits_until(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|waiting| waiting.until)
    }

    /// That time has come.
    pub(super) fn wait_no_longer(&mut self, now: Instant, house: &House) {
        let Some(Waiting { request, why, .. }) = self.waiting.take() else { return };
        // The session may have ended in the meantime: the last event says so.
        let _ = match why {
            Reason::NotBegun => {
                let why = "it has not begun".to_owned();
                self.refuse(now, request, HResult::NETWORK_BUSY, why)
            }
            Reason::Denied => self.answer_denied(now, request),
            Reason::Slowed => self.open(now, request, house),
        };
    }

    /// The server stops: the player is told, and the session ends.
    pub(super) fn stop(&mut self, now: Instant) {
        // Only a player that gets media waits for its end.
        let _ = self.server.abort_stream(now, HResult::SHUTDOWN);
        self.server.close(now);
    }

    /// Says how the session went.
    pub(super) fn report(&self, house: &House, error: Option<String>) {
        let stats = self.server.stats();
        let outcome = Outcome {
            file: self.file.clone(),
            refused: self.refused.clone(),
            packets: stats.packets,
            bytes: stats.bytes,
            dropped: self.left_out.too_slow,
            undecodable: self.left_out.no_key_frame,
            deviations: self.deviations,
            time: self.since.elapsed(),
            error: error.or_else(|| self.error.clone()),
        };
        house.report.left(&self.who, &outcome);
    }

    fn on_event(&mut self, event: ServerEvent, house: &House) -> Result<(), StateError> {
        let now = Instant::now();
        match event {
            ServerEvent::Connected(info) => {
                self.strips_padding = info.version.major >= 9;
                self.who.is(&info.subscriber, info.version);
            }
            ServerEvent::Open(request) => return self.open(now, request, house),
            ServerEvent::Play(request) => return self.play(now, &request, house),
            ServerEvent::SelectStreams(changes) => self.select(&changes),
            ServerEvent::PacketWanted { .. } => return self.want_packet(now, house),
            ServerEvent::Stopped => self.pause(),
            ServerEvent::Log(log) => self.log(&log, house),
            ServerEvent::Deviation(_) => self.deviations = self.deviations.saturating_add(1),
            _ => {}
        }
        Ok(())
    }

    fn play(
        &mut self,
        now: Instant,
        request: &PlayRequest,
        house: &House,
    ) -> Result<(), StateError> {
        self.owes_packet = false;
        self.owes_report = true;
        match &mut self.source {
            Source::Live(_) => self.play_live(now, request, house),
            _ => self.play_demand(now, request),
        }
    }

    /// A report about what was played: one for each play command, and only when packets were sent
    /// since the last one. Other reports say nothing, and would fill the log.
    fn log(&mut self, log: &ClientLog, house: &House) {
        let packets = self.server.stats().packets;
        if std::mem::take(&mut self.owes_report) && packets > self.reported {
            self.reported = packets;
            house.report.log(&self.who, self.file.as_deref().unwrap_or_default(), log);
        } else {
            self.deviations = self.deviations.saturating_add(1);
        }
    }

    /// What is selected before a play command comes with it.
    fn select(&mut self, changes: &[StreamSelection]) {
        match &mut self.source {
            Source::Nothing => {}
            Source::Title(title) => title.select(changes),
            Source::Playlist(list) => list.title().select(changes),
            Source::Live(audience) => audience.select(changes),
        }
    }

    fn pause(&mut self) {
        self.owes_packet = false;
        if let Source::Live(audience) = &mut self.source {
            audience.pause();
        }
    }
}

/// What went wrong, where something did.
pub(super) fn describe(reason: &CloseReason) -> Option<String> {
    match reason {
        CloseReason::Failed(error) => Some(error.to_string()),
        CloseReason::Idle => Some("idle for too long".to_owned()),
        _ => None,
    }
}

/// What went wrong with a connection, where something did: players leave by a reset while they are
/// written to (T47).
pub(super) fn broken(error: &io::Error, patience: Duration) -> Option<String> {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => None,
        ErrorKind::TimedOut => Some(format!("it took nothing for {patience:?}")),
        _ => Some(format!("the connection broke: {error}")),
    }
}
