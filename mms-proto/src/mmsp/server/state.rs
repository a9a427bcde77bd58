//! Where a server session stands, MS-MMSP 3.2.1: what exists only in one state lives in it.

use bytes::Bytes;

use super::flow::Flow;
use super::play_rate::Plays;
use crate::auth::AuthScheme;
use crate::content::Content;
use crate::error::Phase;
use crate::event::CloseReason;
use crate::mmsp::frame::{DataPacket, HeaderFlags};
use crate::request::PlayRequest;
use crate::serving::pacing::Pacing;
use crate::serving::queue::Queue;
use crate::serving::selection::Selection;
use crate::stream::{StreamNumber, StreamSelection};
use crate::version::PeerVersion;

/// What lasts for the whole session.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) client: PeerVersion,
    /// A transport was accepted.
    pub(super) funnel: bool,
    /// How many were sent.
    pub(super) challenges: u32,
    /// What the client selected.
    pub(super) selection: Selection,
    /// Bits per second of its link, where it said so.
    pub(super) link_bandwidth: Option<u32>,
    /// Packets are pushed, not asked for.
    pub(super) live: bool,
    /// Packets that were pushed, and ends and entries that wait for their turn.
    pub(super) queue: Queue,
    /// Something was played.
    pub(super) has_played: bool,
    /// How many play commands came lately.
    pub(super) plays: Plays,
    /// Label of the latest play command, as it was sent.
    pub(super) incarnation: u32,
    /// Counts media packets; its low byte travels with them.
    pub(super) sequence: u32,
    pub(super) unanswered_pings: u32,
}

/// One step of a session.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing came yet.
    Silent,
    /// INIT of the specification, without a file.
    Connected,
    /// The application owes an answer to `OpenFile`.
    OpenAsked,
    /// The client owes an answer to `SecurityChallenge`.
    Challenged(Challenged),
    /// INIT of the specification, with a file.
    Opened(Content),
    /// The ASF header is being sent.
    SendingHeader(Content, HeaderSender),
    /// READY of the specification.
    Ready(Content),
    /// STREAMING of the specification.
    Streaming(Content, Flow),
    /// The same: the media of an entry follow its header, and the client has not played it yet.
    StreamingEntry(Content, Flow),
    /// The same: an entry has ended, another one was promised.
    BetweenEntries(Content),
    /// The same: the header of an entry is being sent.
    EntryHeader(Content, HeaderSender, EntryMedia),
    /// The same: the header was sent, the media wait for the play command.
    EntryWaits(Content),
    /// The session is over.
    Closed(CloseReason),
}

/// A challenge that waits for its response.
#[derive(Debug, Clone)]
pub(super) struct Challenged {
    /// The file that was asked for.
    pub(super) path: String,
    pub(super) scheme: AuthScheme,
    /// Label of the request.
    pub(super) incarnation: u32,
    pub(super) cookie: u32,
}

/// What becomes of the media of an entry when its header was sent.
#[derive(Debug)]
pub(super) enum EntryMedia {
    /// They follow at once.
    Follow(Flow),
    /// They follow at once, and the client has played them already.
    Played(Flow),
    /// They wait for the play command.
    Wait,
    /// It came already.
    Play(PlayRequest),
}

impl EntryMedia {
    /// The client plays the entry, with this label, while its header is being sent.
    pub(super) fn play(&mut self, play: PlayRequest, label: u8) {
        *self = match std::mem::replace(self, Self::Wait) {
            Self::Follow(mut flow) | Self::Played(mut flow) => {
                flow.label = label;
                Self::Played(flow)
            }
            Self::Wait | Self::Play(_) => Self::Play(play),
        };
    }
}

/// The rest of a header that is being sent.
#[derive(Debug)]
pub(super) struct HeaderSender {
    rest: Bytes,
    next: u32,
    label: u8,
    pub(super) pacing: Pacing,
}

impl HeaderSender {
    pub(super) fn new(header: Bytes, label: u8, pacing: Pacing) -> Self {
        Self { rest: header, next: 0, label, pacing }
    }

    /// The next fragment of at most `size` bytes; `None` after the last.
    pub(super) fn next(&mut self, size: u32) -> Option<DataPacket> {
        if self.rest.is_empty() {
            return None;
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX).clamp(1, self.rest.len());
        let payload = self.rest.split_to(size);
        let flags = if self.rest.is_empty() { HeaderFlags::LAST } else { HeaderFlags::MORE };
        let fragment = DataPacket::new(self.next, self.label, flags.0, payload);
        self.next = self.next.saturating_add(1);
        Some(fragment)
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }
}

impl State {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Silent => Phase::Connecting,
            Self::Connected => Phase::ChoosingTransport,
            Self::OpenAsked | Self::Opened(_) => Phase::Opening,
            Self::Challenged(_) => Phase::Authenticating,
            Self::SendingHeader(..) => Phase::ReadingHeader,
            Self::Ready(_) => Phase::Ready,
            Self::Streaming(..)
            | Self::StreamingEntry(..)
            | Self::BetweenEntries(_)
            | Self::EntryHeader(..)
            | Self::EntryWaits(_) => Phase::Streaming,
            Self::Closed(_) => Phase::Closed,
        }
    }

    /// The open file.
    pub(super) fn content(&self) -> Option<&Content> {
        match self {
            Self::Opened(content)
            | Self::SendingHeader(content, _)
            | Self::Ready(content)
            | Self::Streaming(content, _)
            | Self::StreamingEntry(content, _)
            | Self::BetweenEntries(content)
            | Self::EntryHeader(content, ..)
            | Self::EntryWaits(content) => Some(content),
            Self::Silent
            | Self::Connected
            | Self::OpenAsked
            | Self::Challenged(_)
            | Self::Closed(_) => None,
        }
    }

    /// The application was asked for a packet, and may still hand one over.
    #[inline]
    pub(super) fn wants_packet(&self) -> bool {
        match self {
            Self::Streaming(_, flow)
            | Self::StreamingEntry(_, flow)
            | Self::EntryHeader(_, _, EntryMedia::Follow(flow) | EntryMedia::Played(flow)) => {
                flow.demand.is_asked()
            }
            _ => false,
        }
    }

    /// Media on their way, whether or not the client has played them.
    pub(super) fn flow(&mut self) -> Option<(&mut Content, &mut Flow)> {
        match self {
            Self::Streaming(content, flow) | Self::StreamingEntry(content, flow) => {
                Some((content, flow))
            }
            _ => None,
        }
    }

    /// Takes the state out for a transition that cannot fail.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Closed(CloseReason::Local))
    }

    /// STREAMING of the specification.
    pub(super) fn is_streaming(&self) -> bool {
        matches!(
            self,
            Self::Streaming(..)
                | Self::StreamingEntry(..)
                | Self::BetweenEntries(_)
                | Self::EntryHeader(..)
                | Self::EntryWaits(_)
        )
    }

    /// READY or STREAMING of the specification.
    pub(super) fn may_play(&self) -> bool {
        matches!(self, Self::Ready(_)) || self.is_streaming()
    }

    /// The client may ask for the header: not among media, except for the header of an entry that
    /// it has not played yet.
    pub(super) fn may_read_header(&self) -> bool {
        match self {
            Self::Silent
            | Self::Closed(_)
            | Self::Streaming(..)
            | Self::Connected
            | Self::OpenAsked
            | Self::Challenged(_)
            | Self::BetweenEntries(_) => false,
            Self::Opened(_)
            | Self::SendingHeader(..)
            | Self::Ready(_)
            | Self::StreamingEntry(..)
            | Self::EntryHeader(..)
            | Self::EntryWaits(_) => true,
        }
    }
}

impl Session {
    /// What a play command plays: what was selected, and for a client that never selected
    /// anything every stream that there can be, or none.
    pub(super) fn streams(&self, all_unasked: bool) -> Vec<StreamSelection> {
        match self.selection.selected() {
            Some(selection) => selection.to_vec(),
            None if all_unasked || self.client.gets_all_streams_unasked() => {
                (1..=127).filter_map(StreamNumber::new).map(StreamSelection::full).collect()
            }
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(number: u8) -> StreamNumber {
        StreamNumber::new(number).unwrap()
    }

    #[test]
    fn selections_are_merged() {
        let mut session = Session::default();
        assert!(session.streams(false).is_empty());
        assert_eq!(session.streams(true).len(), 127);
        session
            .selection
            .select(&[StreamSelection::full(stream(1)), StreamSelection::full(stream(2))]);
        session.selection.select(&[StreamSelection::replace(stream(2), stream(3))]);
        assert_eq!(
            session.streams(true),
            [
                StreamSelection::full(stream(1)),
                StreamSelection::off(stream(2)),
                StreamSelection::full(stream(3)),
            ]
        );
    }
}
