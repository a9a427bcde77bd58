//! One session: the machine, what it plays, and what is said of it.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    CloseReason, HResult, OpenRequest, Output, PlayRequest, ServerEvent, StateError, Transmit,
};

use super::House;
use super::report::{Outcome, Who, shortened};
use super::title::Title;

/// What a player and the machine say to each other, without the socket between them.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) server: Server,
    who: Who,
    since: Instant,
    source: Option<Title>,
    /// What was asked for last.
    file: Option<String>,
    refused: Option<String>,
    deviations: u64,
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
    /// Begins a session with somebody who connected at `since`.
    pub(super) fn new(since: Instant, who: Who, config: ServerConfig) -> Self {
        Self {
            server: Server::new(since, config),
            who,
            since,
            source: None,
            file: None,
            refused: None,
            deviations: 0,
        }
    }

    /// Asks the machine what to do, and answers what it asks.
    pub(super) fn step(&mut self, house: &House) -> Step {
        match self.server.poll_output() {
            Output::Transmit(transmit) => Step::Write(transmit),
            Output::Wait(until) => Step::Wait(until),
            Output::Event(ServerEvent::Closed(reason)) => Step::Over(reason),
            Output::Event(event) => {
                let heavy = matches!(event, ServerEvent::Open(_) | ServerEvent::Play(_));
                // The session may have ended between an event and its answer: the last event
                // says so.
                let _ = self.on_event(event, house);
                if heavy { Step::Heavy } else { Step::More }
            }
        }
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
            deviations: self.deviations,
            time: self.since.elapsed(),
            error,
        };
        house.report.left(&self.who, &outcome);
    }

    fn on_event(&mut self, event: ServerEvent, house: &House) -> Result<(), StateError> {
        let now = Instant::now();
        match event {
            ServerEvent::Connected(info) => self.who.is(&info.subscriber, info.version),
            ServerEvent::Open(request) => return self.open(now, request, house),
            ServerEvent::Play(request) => return self.play(now, &request),
            ServerEvent::PacketWanted { .. } => return self.send_packet(now),
            ServerEvent::Log(log) => house.report.log(&self.who, &log),
            ServerEvent::Deviation(_) => self.deviations = self.deviations.saturating_add(1),
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        now: Instant,
        request: OpenRequest,
        house: &House,
    ) -> Result<(), StateError> {
        let asked = shortened(&request.path);
        let file = self.file.insert(asked);
        let Some(path) = house.library.find(&request.path) else {
            self.refused = Some("there is no such file".to_owned());
            return self.server.reject(now, request, HResult::FILE_NOT_FOUND);
        };
        match Title::open(Path::new(&path)) {
            Ok(title) => {
                house.report.opened(&self.who, file);
                let content = title.content().clone();
                self.source = Some(title);
                self.refused = None;
                self.server.accept(now, request, content)
            }
            Err(error) => {
                self.refused = Some(error.to_string());
                self.server.reject(now, request, error.hresult())
            }
        }
    }

    fn play(&mut self, now: Instant, request: &PlayRequest) -> Result<(), StateError> {
        match self.source.as_mut().map(|title| title.play(request)) {
            Some(Ok(())) => Ok(()),
            _ => self.server.abort_stream(now, HResult::FAIL),
        }
    }

    fn send_packet(&mut self, now: Instant) -> Result<(), StateError> {
        match self.source.as_mut().map(Title::next_packet) {
            Some(Ok(Some(packet))) => self.server.send_packet(now, packet.number, packet.body),
            Some(Ok(None)) => self.server.end_of_stream(now),
            // The file was cut or taken away under our hands.
            _ => self.server.abort_stream(now, HResult::FAIL),
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

/// What went wrong with a connection.
pub(super) fn broken(error: &io::Error, patience: Duration) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => format!("it took nothing for {patience:?}"),
        _ => format!("the connection broke: {error}"),
    }
}
