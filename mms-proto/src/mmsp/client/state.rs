//! Where a client session stands, MS-MMSP 3.1.1: what exists only in one state lives in it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::error::Phase;
use crate::event::{ClientEvent, Stats};
use crate::mmsp::message::{BandwidthTest, OpenedFile};
use crate::request::{PlayRequest, Rate};
use crate::session::SessionCore;
use crate::version::PeerVersion;

use super::arrivals::Arrivals;
use super::header::HeaderAssembler;

/// What lasts for the whole session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) server: PeerVersion,
    /// `AuthenPackage`.
    pub(super) authentication: String,
    /// `nCubs`; requests to resend packets over UDP will carry it.
    pub(super) client_id: Option<u32>,
    /// Answers to `FunnelInfo` so far: `FunnelInfo-Count`.
    pub(super) funnel_answers: u32,
    pub(super) file: Option<OpenedFile>,
    /// True once the server went on to another entry: what it said of the file is history.
    pub(super) changed: bool,
    pub(super) challenges: u32,
    /// Answers to `StreamSwitch` that have not come yet: one, or two when a play command follows
    /// the end of a stream whose selection was just changed.
    pub(super) switches_pending: u32,
    pub(super) pongs: PongBudget,
    /// What arrives of the latest play command, or of an entry before its own.
    pub(super) arrivals: Arrivals,
    /// When the latest stop was sent.
    pub(super) stop_sent: Option<Instant>,
    /// Bytes of media that came after the latest stop and before its answer.
    pub(super) in_flight: usize,
    /// The play command that was stopped last. Its natural end may have crossed our stop: the
    /// server will answer that stop as well, and may have gone on to another entry before.
    pub(super) stop_crossed: Option<Play>,
    /// Label of a play command for an entry that ended before the command arrived: its answer
    /// comes in the middle of a later entry, which is played with this label from then on.
    pub(super) overtaken: Option<u8>,
}

/// One step of a session.
#[derive(Debug)]
pub(super) enum State {
    /// `Connect` is sent.
    Connecting,
    /// `FunnelInfo` is sent.
    Testing { asked: BandwidthTest, first: Option<Instant> },
    /// `ConnectFunnel` is sent.
    ChoosingTransport,
    /// `OpenFile` or `SecurityResponse` is sent.
    Opening,
    /// The application owes an answer to a challenge.
    Challenged,
    /// `ReadBlock` is sent; the label of the fragments.
    ReadingHeader(HeaderAssembler, u8),
    /// READY of the specification.
    Ready,
    /// A play command is sent.
    Starting(Play),
    /// STREAMING of the specification.
    Streaming(Play),
    /// `StopPlaying` is sent.
    Stopping(Play, AfterStop),
    /// The entry has ended and another was announced.
    WaitingForEntry(Play),
    /// The header of the next entry is on its way.
    EntryHeader(Play, HeaderAssembler),
    /// The header of the next entry is here, its packets may be; the application chooses streams.
    NewEntry(Play),
}

/// What a stop is for.
#[derive(Debug)]
pub(super) enum AfterStop {
    /// The application wants a pause.
    Ready,
    /// A seek: play this.
    Play(PlayRequest),
    /// The end of the session.
    Close,
}

/// One play command.
#[derive(Debug, Clone)]
pub(super) struct Play {
    /// The label it asked for.
    pub(super) asked: u8,
    /// The label that the server was seen to use.
    pub(super) used: Option<u8>,
    /// What had been received when it began: what is not in a report yet.
    pub(super) before: Stats,
    pub(super) since: Instant,
    /// When the latest packet came that was of use.
    pub(super) heard: Instant,
    /// Where it began, as far as that is a time.
    pub(super) from: Option<Duration>,
    pub(super) rate: Rate,
    /// The entry's header crossed a message of ours: the server does with the entry what was
    /// meant for the one before.
    pub(super) crossed: Option<Crossed>,
}

/// What a new entry's header crossed. Its packets are dropped until the application plays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossed {
    /// A stop, whose answer will come.
    Stop,
    /// A stop, whose answer has come: nothing plays.
    Stopped,
    /// A play command, which begins the entry somewhere.
    Play,
}

impl State {
    pub(super) fn phase(&self, core: &SessionCore<ClientEvent>) -> Phase {
        if core.is_closed() {
            return Phase::Closed;
        }
        match self {
            Self::Connecting => Phase::Connecting,
            Self::Testing { .. } => Phase::BandwidthTest,
            Self::ChoosingTransport => Phase::ChoosingTransport,
            Self::Opening => Phase::Opening,
            Self::Challenged => Phase::Authenticating,
            Self::ReadingHeader(..) => Phase::ReadingHeader,
            Self::Ready => Phase::Ready,
            Self::Starting(_) => Phase::Starting,
            Self::Streaming(_) => Phase::Streaming,
            Self::Stopping(_, AfterStop::Close) => Phase::Closing,
            Self::Stopping(..) => Phase::Stopping,
            Self::WaitingForEntry(_) | Self::EntryHeader(..) | Self::NewEntry(_) => {
                Phase::ChangingEntry
            }
        }
    }
}

/// Counts answers to Pings, second by second.
#[derive(Debug, Default)]
pub(super) struct PongBudget {
    since: Option<Instant>,
    sent: u32,
}

impl PongBudget {
    /// Whether one more Pong may be sent, and whether it is the first that may not.
    pub(super) fn spend(&mut self, now: Instant, per_second: u32) -> Spent {
        let fresh =
            self.since.is_none_or(|since| now.saturating_duration_since(since).as_secs() >= 1);
        if fresh {
            self.since = Some(now);
            self.sent = 0;
        }
        self.sent = self.sent.saturating_add(1);
        match self.sent.checked_sub(per_second) {
            None | Some(0) => Spent::Send,
            Some(1) => Spent::FirstTooMany,
            Some(_) => Spent::TooMany,
        }
    }
}

/// What became of a Ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    Send,
    FirstTooMany,
    TooMany,
}

/// What a server wants to see after its challenge, MS-MMSP 3.1.5.8.
pub(super) fn scheme(
    server: PeerVersion,
    announced: &str,
    token: &Bytes,
) -> crate::auth::AuthScheme {
    use crate::auth::AuthScheme::{Basic, Ntlm};
    let zeros = token.iter().take(2).all(|&byte| byte == 0);
    if server.token_tells_scheme() {
        return if zeros { Ntlm } else { Basic };
    }
    // Older servers keep to what they announced, NTLM by default, unless the token cannot be one.
    if !zeros || announced.eq_ignore_ascii_case("BASIC") { Basic } else { Ntlm }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::AuthScheme::{Basic, Ntlm};

    #[test]
    fn schemes() {
        // MMSP-C-013, MMSP-C-037
        let realm = Bytes::from_static(b"r\0e\0");
        let zeros = Bytes::from_static(&[0, 0]);
        let empty = Bytes::new();
        for (version, announced, token, expected) in [
            ("9.1", "NTLM", &realm, Basic),
            ("9.1", "BASIC", &realm, Basic),
            ("9.1", "BASIC", &zeros, Ntlm),
            ("9.1", "", &empty, Ntlm),
            ("4.1", "NTLM", &realm, Basic),
            ("4.1", "", &realm, Basic),
            ("4.1", "NTLM", &zeros, Ntlm),
            ("4.1", "", &zeros, Ntlm),
            ("4.1", "BASIC", &zeros, Basic),
            ("4.1", "BASIC", &empty, Basic),
        ] {
            let server = PeerVersion::of_server(version);
            assert_eq!(scheme(server, announced, token), expected, "{version} {announced}");
        }
    }

    #[test]
    fn pongs_are_counted_by_the_second() {
        let mut budget = PongBudget::default();
        #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
        let now = Instant::now();
        let spent: Vec<Spent> = (0..5).map(|_| budget.spend(now, 3)).collect();
        use Spent::{FirstTooMany, Send, TooMany};
        assert_eq!(spent, [Send, Send, Send, FirstTooMany, TooMany]);
        assert_eq!(budget.spend(now + Duration::from_secs(1), 3), Send);
    }
}
