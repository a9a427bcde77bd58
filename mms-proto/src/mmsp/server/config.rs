//! What a server session is told before it begins.

use std::time::Duration;

use crate::auth::AuthScheme;
use crate::config::{Limits, Strictness};
use crate::hresult::Failure;
use crate::serving::{EntryDelivery, Pace, PacingPolicy, StartBurst};
use crate::timeouts::ServerTimeouts;

/// Configuration of one server session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Version to announce, default `9.01.01.3814`. Players change their behaviour by it.
    pub version: String,
    /// Names the client in requests to resend packets (`nCubs`): make a random one for each
    /// session.
    pub client_id: u32,
    /// Seed of the bytes of a bandwidth test and of the cookies of challenges: random as well.
    pub seed: u64,
    /// Allow bandwidth tests over TCP. Default true.
    pub packet_pair: bool,
    /// Answer `Connect` with this failure and end the session: the server is full
    /// ([`MAX_CLIENTS`](crate::HResult::MAX_CLIENTS),
    /// [`TOO_MANY_SESSIONS`](crate::HResult::TOO_MANY_SESSIONS)) or shuts down
    /// ([`SHUTDOWN`](crate::HResult::SHUTDOWN)). Default `None`.
    pub refusal: Option<Failure>,
    /// The scheme to announce: set it whenever a client may be challenged. Credentials that come
    /// with a request are read with it, and clients before version 8 can be challenged with no
    /// other. Default `None`.
    #[doc(alias = "AuthenPackage")]
    pub authentication: Option<AuthScheme>,
    /// How fast to send.
    pub pace: Pace,
    /// Percent of the content's speed at which packets go with [`Pace::BitRate`], default 100. Some
    /// old players starve at exactly their speed; 111 keeps nine tenths of each interval.
    pub pace_percent: u16,
    /// Content that goes faster at the beginning, to players that do not ask for an accelerated
    /// start themselves. Default `None`.
    pub start_burst: Option<StartBurst>,
    /// The most bits per second of an accelerated start that a client asks for, default 10,000,000.
    pub accel_limit: u32,
    /// Whether the media of the next playlist entry follow its header at once.
    pub entry_delivery: EntryDelivery,
    /// Tell players before version 7 of the end only when the content has played out and five
    /// seconds more, with [`Pace::BitRate`] and where its duration is known: WebTV ends at once,
    /// whatever it still has to play (T49). It is asked every three seconds whether it is still
    /// there meanwhile. Default false.
    pub hold_end: bool,
    /// Honour the position of a play command while streaming, as a seek. The specification wants
    /// it ignored; libmms seeks like this (T6). Where it is ignored, the media go on where they are at
    /// the rate of the command ([`ServerEvent::Rate`](crate::ServerEvent::Rate)). Default true.
    pub seek_while_streaming: bool,
    /// Play commands that begin anew in a second, as many of them at once; 0 is any number. One that
    /// comes earlier waits until then, and of several that came earlier only the last one is
    /// answered. Each makes the application look for a place in its content; one that is refused or
    /// goes on where it is does not, and never waits. While one waits no packet is asked for. Default
    /// 10.
    pub plays_a_second: u32,
    /// Play every stream for a client that never selected any: downloaders of 2006 send no
    /// `StreamSwitch` (T22). The specification wants none played, except for Windows Media
    /// Services 4.x (3.2.5.11). Default false.
    pub select_all_unasked: bool,
    /// Close the connection this long after the last end of stream if the client stays silent
    /// and is older than version 9: MPlayer waits for it (T45). Default `None`: the idle time
    /// decides, as it does for clients of version 9 and later.
    pub close_after_end: Option<Duration>,
    /// Close the connection when so many Pings in a row were not answered. Default `None`.
    pub max_unanswered_pings: Option<u32>,
    /// How long to wait for what.
    pub timeouts: ServerTimeouts,
    /// What to accept at most.
    pub limits: Limits,
    /// What to do about a peer that breaks rules.
    pub strictness: Strictness,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            version: "9.01.01.3814".to_owned(),
            client_id: 0,
            seed: 0,
            packet_pair: true,
            refusal: None,
            authentication: None,
            pace: Pace::default(),
            pace_percent: 100,
            start_burst: None,
            accel_limit: 10_000_000,
            entry_delivery: EntryDelivery::default(),
            hold_end: false,
            seek_while_streaming: true,
            plays_a_second: 10,
            select_all_unasked: false,
            close_after_end: None,
            max_unanswered_pings: None,
            timeouts: ServerTimeouts::default(),
            limits: Limits::default(),
            strictness: Strictness::default(),
        }
    }
}

impl ServerConfig {
    /// Names the client.
    #[must_use]
    pub fn client_id(mut self, id: u32) -> Self {
        self.client_id = id;
        self
    }

    /// Seed of the bytes of a bandwidth test and of cookies.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Refuses every client, for this reason.
    #[must_use]
    pub fn refusal(mut self, reason: impl Into<Failure>) -> Self {
        self.refusal = Some(reason.into());
        self
    }

    /// The scheme to announce.
    #[must_use]
    pub fn authentication(mut self, scheme: AuthScheme) -> Self {
        self.authentication = Some(scheme);
        self
    }

    /// How fast to send.
    #[must_use]
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// How long to wait for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: ServerTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// What to do about a peer that breaks rules.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }
}

impl ServerConfig {
    /// The choices that pacing depends on.
    pub(super) fn pacing(&self) -> PacingPolicy {
        PacingPolicy {
            pace: self.pace,
            percent: self.pace_percent,
            start_burst: self.start_burst,
            accel_limit: self.accel_limit,
        }
    }
}
