//! Where a client session stands, MS-MMSP 3.1.1: what exists only in one state lives in it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::arrivals::Arrivals;
use super::header::HeaderAssembler;
use crate::content::known_count;
use crate::error::Phase;
use crate::event::{CloseReason, Stats};
use crate::features::Features;
use crate::mmsp::message::{BandwidthTest, OpenedFile, ReportStreamChange};
use crate::request::{PlayRequest, Rate};
use crate::version::PeerVersion;

/// Longest playing time that a server is believed while it sends nothing.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

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
    pub(super) challenges: u32,
    pub(super) pongs: PongBudget,
    /// What arrives of the latest play command, or of an entry before its own.
    pub(super) arrivals: Arrivals,
    /// Answers to `StreamSwitch` that have not come yet: one, or two when a play command follows
    /// the end of a stream whose selection was just changed.
    pub(super) switches_pending: u32,
    /// The play command that was stopped last. Its natural end may have crossed our stop: the
    /// server will answer that stop as well, and may have gone on to another entry before.
    pub(super) stop_crossed: Option<Play>,
    /// Label of a play command for an entry that ended before the command arrived: its answer
    /// comes in the middle of a later entry, which is played with this label from then on.
    pub(super) overtaken: Option<u8>,
}

/// One step of a session. The open file is in every one that has it.
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
    ReadingHeader(File, HeaderAssembler, u8),
    /// READY of the specification.
    Ready(File),
    /// A play command is sent.
    Starting(File, Play),
    /// A play command is sent for an entry whose packets come already, with this label.
    StartingEntry(File, Play, u8),
    /// STREAMING of the specification.
    Streaming(File, Streaming),
    /// `StopPlaying` is sent.
    Stopping(File, Stop),
    /// The entry has ended and another was announced.
    WaitingForEntry(File, Play),
    /// The header of the next entry is on its way.
    EntryHeader(File, Entry, HeaderAssembler),
    /// The header of the next entry is here, its packets may be; the application chooses streams.
    NewEntry(File, Entry),
    /// The session is over.
    Closed(CloseReason),
}

/// The open file: what the server said of it, or of the entry that it is at.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    pub(super) opened: OpenedFile,
    /// Longest playing time that the server can mean.
    pub(super) max_duration: Duration,
}

impl File {
    pub(super) fn new(opened: OpenedFile) -> Self {
        Self { opened, max_duration: opened.duration.min(MAX_DURATION) }
    }

    /// The same file at its next entry. How many packets that has and how long it lasts is never
    /// announced: it may last as long as anything.
    pub(super) fn next_entry(self, report: &ReportStreamChange) -> Self {
        let ReportStreamChange { packet_size, header_size, bit_rate, .. } = *report;
        let (packet_count, duration) = (0, Duration::ZERO);
        let opened = OpenedFile {
            packet_size,
            header_size,
            bit_rate,
            packet_count,
            duration,
            ..self.opened
        };
        Self { opened, max_duration: MAX_DURATION }
    }

    /// Number of packets, where it is known.
    pub(super) fn announced_packets(&self) -> Option<u64> {
        let live = Features::from(self.opened.attributes).is_live();
        known_count(self.opened.packet_count).filter(|_| !live)
    }
}

/// One play command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Play {
    /// The label it asked for.
    pub(super) asked: u8,
    /// What had been received when it began: what is not in a report yet.
    pub(super) before: Stats,
    pub(super) since: Instant,
    /// Where it began, as far as that is a time.
    pub(super) from: Option<Duration>,
    pub(super) rate: Rate,
}

/// A play command that was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streaming {
    pub(super) play: Play,
    /// The label that the server was seen to use.
    pub(super) used: Option<u8>,
    /// When the latest packet came that was of use.
    pub(super) heard: Instant,
}

/// A play command that is being stopped.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) play: Play,
    /// The label of its packets, where it was seen.
    pub(super) used: Option<u8>,
    pub(super) then: AfterStop,
    /// When the stop was sent.
    pub(super) since: Instant,
    /// Bytes of media that came since then.
    pub(super) in_flight: usize,
}

/// What a stop is for.
#[derive(Debug, Default)]
pub(super) enum AfterStop {
    /// The application wants a pause.
    #[default]
    Ready,
    /// A seek: play this.
    Play(PlayRequest),
    /// The end of the session.
    Close,
}

/// An entry that the application has not played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The latest play command, which was for an entry before.
    pub(super) play: Play,
    /// The label of its packets.
    pub(super) label: u8,
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
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Connecting => Phase::Connecting,
            Self::Testing { .. } => Phase::BandwidthTest,
            Self::ChoosingTransport => Phase::ChoosingTransport,
            Self::Opening => Phase::Opening,
            Self::Challenged => Phase::Authenticating,
            Self::ReadingHeader(..) => Phase::ReadingHeader,
            Self::Ready(_) => Phase::Ready,
            Self::Starting(..) | Self::StartingEntry(..) => Phase::Starting,
            Self::Streaming(..) => Phase::Streaming,
            Self::Stopping(_, Stop { then: AfterStop::Close, .. }) => Phase::Closing,
            Self::Stopping(..) => Phase::Stopping,
            Self::WaitingForEntry(..) | Self::EntryHeader(..) | Self::NewEntry(..) => {
                Phase::ChangingEntry
            }
            Self::Closed(_) => Phase::Closed,
        }
    }

    /// The open file.
    pub(super) fn file(&self) -> Option<&File> {
        match self {
            Self::Connecting
            | Self::Testing { .. }
            | Self::ChoosingTransport
            | Self::Opening
            | Self::Challenged
            | Self::Closed(_) => None,
            Self::ReadingHeader(file, ..)
            | Self::Ready(file)
            | Self::Starting(file, _)
            | Self::StartingEntry(file, ..)
            | Self::Streaming(file, _)
            | Self::Stopping(file, _)
            | Self::WaitingForEntry(file, _)
            | Self::EntryHeader(file, ..)
            | Self::NewEntry(file, _) => Some(file),
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
