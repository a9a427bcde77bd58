//! The server that is wished ill, and its clock.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use mms_proto::mmsp::message::{MessageId, ReadBlock, ServerMessage};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::testing::sim::{App, Cuts, End, Wire, Wrote};
use mms_proto::{
    AuthScheme, EntryDelivery, Machine as _, Pace, Phase, ServerEvent, ServerTimeouts, Start,
};

use super::application::{Application, content};
use super::requests::{COOKIE, MISSING, packet, request};
use super::watch::{Knows, Said, Watch};
use crate::pair::media;
use crate::pair::script::{open, play, select};

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

/// The server with its application, and a player that believes nothing it says.
pub(crate) struct Victim(End<Server, Watched>);

impl Deref for Victim {
    type Target = End<Server, Watched>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Victim {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// The server's application, watched.
pub(crate) struct Watched {
    pub(crate) application: Application,
    /// What the server said since this was cleared; nothing while `quiet`.
    pub(crate) said: Vec<Said>,
    /// Only watched, not noted: for the count of allocations.
    pub(crate) quiet: bool,
    closed: bool,
    watch: Watch,
}

impl App<Server> for Watched {
    fn event(
        &mut self,
        server: &mut Server,
        now: Instant,
        event: ServerEvent,
    ) -> Option<ServerEvent> {
        if !self.quiet && !matches!(event, ServerEvent::PacketWanted { .. }) {
            self.said.push(Said::Event(format!("{event:?}")));
        }
        self.closed = matches!(event, ServerEvent::Closed(_));
        self.application.told(server, now, event);
        None
    }

    fn wrote(&mut self, _: Instant, message: &Wire<ServerMessage>) -> Wrote {
        let said = self.watch.read(message);
        if !self.quiet {
            self.said.push(said);
        }
        Wrote::Forget
    }

    fn waits(&mut self, _: Instant, deadline: Option<Instant>) {
        assert_eq!(deadline.is_none(), self.closed, "it waits for ever");
    }
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
        let watched = Watched {
            application: Application::new(stage),
            said: Vec::new(),
            quiet: false,
            closed: false,
            watch: Watch::new(knows),
        };
        let mut victim = Self(End::new(now, Server::new(now, config), watched));
        // 64 KiB hold 4,095 bandwidth tests of three answers each.
        victim.most = 20_000;
        victim.poll();
        victim.reach(stage);
        assert_eq!(victim.closed, None);
        assert_eq!(victim.machine.phase(), expected_phase(stage), "{stage:?}");
        victim.app.said.clear();
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
                let cookie = self.app.said.iter().rev().find_map(|said| match said {
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
        self.answer();
        if stage != Stage::EntryHeader {
            self.pass(Duration::from_millis(500));
        }
    }

    /// Bytes are read into the server's own buffer, as far as there is room for them.
    pub(crate) fn feed_in_place(&mut self, bytes: &[u8]) {
        self.cuts = Cuts::InPlace;
        self.feed(bytes);
        self.cuts = Cuts::Whole;
    }

    /// The application answers what it owes, if there is still somebody to hear it.
    pub(crate) fn answer(&mut self) {
        if self.closed.is_none() {
            let End { machine, app, now, .. } = &mut self.0;
            app.application.go_on(machine, *now);
            self.poll();
        }
    }

    /// Time passes, from deadline to deadline. Live, there is a packet every tenth of a second.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.app.application.live && self.now + TICK <= end {
            self.0.pass(TICK);
            let End { machine, app, now, .. } = &mut self.0;
            app.application.push(machine, *now);
            self.poll();
        }
        let rest = end - self.now;
        self.0.pass(rest);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_reached_and_left() {
        for stage in Stage::ALL {
            // It insists on the phase.
            let mut victim = Victim::at(stage);
            victim.answer();
            victim.hang_up();
            victim.stays_closed();
        }
    }
}
