//! The server that is wished ill, and its clock.

use mms_proto::ServerTimeouts;
use std::time::{Duration, Instant};

use mms_proto::mmsp::message::{MessageId, ReadBlock, ServerMessage};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    AuthScheme, CloseReason, ConnectionId, Input, Machine as _, Output, Phase, ServerEvent, Start,
};
use mms_proto::{EntryDelivery, Pace};

use super::application::{Application, content};
use super::requests::{COOKIE, MISSING, packet, request};
use super::watch::{Knows, Said, Watch};
use crate::pair::media;
use crate::pair::script::{open, play, select};

/// Outputs that one input may lead to: 64 KiB hold 4,095 bandwidth tests of three answers each.
const MANY: usize = 20_000;
/// Time between two live packets.
const TICK: Duration = Duration::from_millis(100);
/// For the rest of a packet: shorter than any other time, so that it is known by it.
pub(crate) const FRAME: Duration = Duration::from_secs(10);
/// From the end of the stream to the end of a silent session.
pub(crate) const AFTER_END: Duration = Duration::from_secs(20);

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Silent,
    Connected,
    Funnel,
    /// The application owes an answer to `OpenFile`.
    OpenAsked,
    Refused,
    Challenged,
    Opened,
    SendingHeader,
    Ready,
    Streaming,
    Ended,
    /// The application owes the next entry of a playlist.
    BetweenEntries,
    EntryHeader,
    /// The media of an entry that was not played yet.
    EntryFollows,
    /// An entry that waits to be played.
    EntryWaits,
    Live,
}

impl Stage {
    pub(crate) const ALL: [Self; 16] = [
        Self::Silent,
        Self::Connected,
        Self::Funnel,
        Self::OpenAsked,
        Self::Refused,
        Self::Challenged,
        Self::Opened,
        Self::SendingHeader,
        Self::Ready,
        Self::Streaming,
        Self::Ended,
        Self::BetweenEntries,
        Self::EntryHeader,
        Self::EntryFollows,
        Self::EntryWaits,
        Self::Live,
    ];

    /// No file is open, and none is being opened.
    pub(crate) fn has_no_file(self) -> bool {
        matches!(
            self,
            Self::Silent | Self::Connected | Self::Funnel | Self::Refused | Self::Challenged
        )
    }

    /// The name that is asked for: what it stands for is up to [`Application`].
    fn name(self) -> &'static str {
        match self {
            Self::Refused => MISSING,
            Self::Challenged => "private",
            Self::BetweenEntries | Self::EntryHeader => "playlist",
            Self::EntryFollows | Self::EntryWaits => "playlist",
            Self::Live => "live",
            _ => "file.wma",
        }
    }
}

pub(crate) struct Victim {
    pub(crate) server: Server,
    pub(crate) now: Instant,
    /// What it said since this was cleared; nothing while `quiet`.
    pub(crate) said: Vec<Said>,
    /// Only watched, not noted: for the count of allocations.
    pub(crate) quiet: bool,
    pub(crate) closed: Option<CloseReason>,
    /// Outputs in all.
    pub(crate) outputs: usize,
    pub(crate) deadline: Option<Instant>,
    pub(crate) application: Application,
    watch: Watch,
}

impl Victim {
    /// A session that has come so far; nothing of it is noted.
    pub(crate) fn at(stage: Stage) -> Self {
        let mut config = config();
        if stage == Stage::EntryWaits {
            config.entry_delivery = EntryDelivery::WhenPlayed;
        }
        if stage == Stage::Challenged {
            config.authentication = Some(AuthScheme::Basic);
        }
        let now = media::start();
        let knows = Knows {
            header: content().header().clone(),
            at_once: stage != Stage::EntryWaits,
            live: stage == Stage::Live,
        };
        let mut victim = Self {
            server: Server::new(now, config),
            now,
            said: Vec::new(),
            quiet: false,
            closed: None,
            outputs: 0,
            deadline: None,
            application: Application::new(stage),
            watch: Watch::new(knows),
        };
        victim.poll();
        victim.reach(stage);
        assert_eq!(victim.closed, None);
        assert_eq!(victim.server.phase(), expected_phase(stage), "{stage:?}");
        victim.said.clear();
        victim
    }

    /// An honest player, up to there.
    fn reach(&mut self, stage: Stage) {
        if stage == Stage::Silent {
            return;
        }
        self.feed(&packet(request(MessageId::CONNECT)));
        if stage == Stage::Connected {
            return;
        }
        self.feed(&packet(request(MessageId::CONNECT_FUNNEL)));
        if stage == Stage::Funnel {
            return;
        }
        self.feed(&packet(open(9, stage.name())));
        match stage {
            Stage::OpenAsked | Stage::Refused | Stage::Opened => return,
            Stage::Challenged => {
                let cookie = self.said.iter().rev().find_map(|said| match said {
                    Said::Message(ServerMessage::SecurityChallenge(challenge)) => {
                        Some(challenge.cookie)
                    }
                    _ => None,
                });
                return assert_eq!(cookie, Some(COOKIE), "the first cookie of the usual seed");
            }
            _ => {}
        }
        self.feed(&packet(ReadBlock { open_file_id: 1, incarnation: 2 }));
        if stage == Stage::SendingHeader {
            return;
        }
        self.pass(media::seconds(1));
        if stage == Stage::Ready {
            return;
        }
        self.feed(&packet(select(&[1])));
        self.feed(&packet(play(10, Start::Beginning)));
        self.pass(Duration::from_millis(500));
        if matches!(stage, Stage::Streaming | Stage::Live) {
            return;
        }
        // A second and a half is left of the file or the first entry.
        self.pass(media::seconds(2));
        if matches!(stage, Stage::Ended | Stage::BetweenEntries) {
            return;
        }
        self.application.go_on(&mut self.server, self.now);
        self.poll();
        if stage != Stage::EntryHeader {
            self.pass(Duration::from_millis(500));
        }
    }

    /// Bytes arrive.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.input(Input::tcp(bytes));
    }

    /// Bytes are read into the server's own buffer, as far as there is room for them.
    pub(crate) fn feed_in_place(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.closed.is_none() {
            let room = self.server.recv_buffer(ConnectionId::MAIN);
            if room.is_empty() {
                // A driver does not read now.
                return;
            }
            let count = room.len().min(rest.len());
            room[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            assert_eq!(self.server.received(self.now, ConnectionId::MAIN, count), Ok(()));
            self.poll();
        }
    }

    /// The player closes its connection.
    pub(crate) fn hang_up(&mut self) {
        self.input(Input::tcp_closed());
    }

    /// The application answers what it owes, if there is still somebody to hear it.
    pub(crate) fn answer(&mut self) {
        if self.closed.is_none() {
            self.application.go_on(&mut self.server, self.now);
            self.poll();
        }
    }

    /// Time passes, from deadline to deadline. Live, there is a packet every tenth of a second.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.application.live && self.now + TICK <= end {
            self.pass_to(self.now + TICK);
            self.application.push(&mut self.server, self.now);
            self.poll();
        }
        self.pass_to(end);
    }

    fn pass_to(&mut self, end: Instant) {
        for _ in 0..MANY {
            let Some(deadline) = self.deadline.filter(|&deadline| deadline <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(deadline);
            self.input(Input::Timeout);
        }
        panic!("time does not pass");
    }

    /// The player says nothing any more. How long it takes until the session is over.
    pub(crate) fn ends_after(&mut self) -> Duration {
        let begin = self.now;
        for _ in 0..MANY {
            if self.closed.is_some() {
                self.stays_closed();
                return self.now - begin;
            }
            let deadline = self.deadline.expect("a session without an end");
            self.now = self.now.max(deadline);
            self.input(Input::Timeout);
        }
        panic!("it never ends");
    }

    /// A session that is over says so, again and again, and does nothing.
    pub(crate) fn stays_closed(&mut self) {
        let expected = match self.closed.clone().unwrap() {
            CloseReason::Failed(error) => {
                let text = error.to_string();
                assert!(text.len() > 10 && text.len() < 300, "{text}");
                Err(error)
            }
            _ => Ok(()),
        };
        for input in [Input::tcp(b"more"), Input::Timeout, Input::tcp_closed()] {
            assert_eq!(self.server.handle_input(self.now, input), expected);
            assert!(matches!(self.server.poll_output(), Output::Wait(None)));
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let result = self.server.handle_input(self.now, input);
        match &self.closed {
            Some(CloseReason::Failed(error)) => assert_eq!(result, Err(error.clone())),
            _ => assert_eq!(result, Ok(()), "an error is an event first"),
        }
        self.poll();
    }

    fn poll(&mut self) {
        for _ in 0..MANY {
            let output = self.server.poll_output();
            if let Output::Wait(deadline) = output {
                self.deadline = deadline;
                assert_eq!(deadline.is_none(), self.closed.is_some(), "it waits for ever");
                return;
            }
            self.outputs += 1;
            assert_eq!(self.closed, None, "{output:?} after the end");
            match output {
                Output::Transmit { data: transmit, .. } => {
                    let said = self.watch.read(&transmit);
                    self.note(|| said);
                }
                Output::Event(event) => self.told(event),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) => {}
            }
        }
        panic!("it never waits");
    }

    fn note(&mut self, said: impl FnOnce() -> Said) {
        if !self.quiet {
            self.said.push(said());
        }
    }

    fn told(&mut self, event: ServerEvent) {
        if !matches!(event, ServerEvent::PacketWanted { .. }) {
            self.note(|| Said::Event(format!("{event:?}")));
        }
        match event {
            ServerEvent::Closed(reason) => self.closed = Some(reason),
            event => self.application.told(&mut self.server, self.now, event),
        }
    }
}

/// How the victim is configured.
pub(crate) fn config() -> ServerConfig {
    let timeouts = ServerTimeouts::default().with_frame(FRAME);
    let mut config = ServerConfig::default().pace(Pace::BitRate).timeouts(timeouts);
    config.max_unanswered_pings = Some(2);
    config.close_after_end = Some(AFTER_END);
    config.entry_delivery = EntryDelivery::AtOnce;
    // Every request has its answer here; `server::plays` is about the limit.
    config.plays_a_second = 0;
    config
}

/// Where a session that has come so far stands.
pub(crate) fn expected_phase(stage: Stage) -> Phase {
    match stage {
        Stage::Silent => Phase::Connecting,
        Stage::Connected | Stage::Funnel | Stage::Refused => Phase::ChoosingTransport,
        Stage::OpenAsked | Stage::Opened => Phase::Opening,
        Stage::Challenged => Phase::Authenticating,
        Stage::SendingHeader => Phase::ReadingHeader,
        Stage::Ready | Stage::Ended => Phase::Ready,
        _ => Phase::Streaming,
    }
}
