//! How fast a server sends, as applications choose it.

use std::time::Duration;

use super::rate::Burst;
use crate::content::Content;
use crate::request::PlayRequest;

/// The longest beginning that goes faster than it plays, whatever a client asks for.
const LONGEST_BURST: Duration = Duration::from_secs(60);

/// The beginning of what is played, sent faster than it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartBurst {
    /// How much of the content, at most 60 s.
    pub content: Duration,
    /// How many times faster than it plays; 0 and 1 change nothing.
    pub times: u8,
}

impl StartBurst {
    /// So much of the content, so many times faster than it plays.
    #[must_use]
    pub const fn new(content: Duration, times: u8) -> Self {
        Self { content, times }
    }
}

/// When the media of a later playlist entry are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EntryDelivery {
    /// At once to players of version 9 and later, when played to older ones: libmms says that it
    /// is version 7 and takes media before its play command for an error (T11).
    #[default]
    ByVersion,
    /// At once, as the specification says.
    AtOnce,
    /// When the client has played the entry.
    WhenPlayed,
}

/// How fast a server sends headers and media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Pace {
    /// As fast as the client takes it.
    #[default]
    Full,
    /// At the content's bit rate; at full speed where that is unknown.
    BitRate,
}

/// The choices that pacing depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PacingPolicy {
    pub(crate) pace: Pace,
    /// Percent of the content's speed with [`Pace::BitRate`].
    pub(crate) percent: u16,
    pub(crate) start_burst: Option<StartBurst>,
    /// The most bits per second of an accelerated start that a client asks for.
    pub(crate) accel_limit: u32,
}

impl PacingPolicy {
    /// The rate to pace at in bits per second; `None` for full speed.
    pub(crate) fn paced(&self, rate: u32) -> Option<u32> {
        match self.pace {
            Pace::Full => None,
            Pace::BitRate => Some(rate),
        }
    }

    /// The accelerated start of a play command: a client's own wish first.
    pub(crate) fn burst(&self, content: &Content, play: &PlayRequest) -> Option<Burst> {
        if !play.rate.is_normal() || self.pace == Pace::Full {
            return None;
        }
        let (duration, rate) = match (play.accel, self.start_burst) {
            (Some(accel), _) => {
                let duration = Duration::from_millis(accel.duration.into());
                (duration, accel.bandwidth.min(self.accel_limit))
            }
            (None, Some(burst)) => {
                (burst.content, content.bit_rate().saturating_mul(burst.times.into()))
            }
            (None, None) => return None,
        };
        (rate > 0).then_some(Burst { content: duration.min(LONGEST_BURST), rate })
    }
}
