//! What all players share: the feed that brings it, and the channel that they listen to.

use std::time::Duration;

use mms_asf::Restart;
use mms_proto::{PlayRequest, StreamSelection};

use super::channel::{Change, Channel, Cursor, Listener};
use super::feed::{Feed, FeedItem};

/// A feed and its channel.
#[derive(Debug)]
pub(super) struct Broadcast {
    feed: Feed,
    channel: Channel,
    /// It has ended, and why if it should not have.
    ended: Option<Option<String>>,
}

/// What has happened to it.
#[derive(Debug)]
pub(super) enum News {
    /// For all players.
    Change(Change),
    /// For the person who runs the server.
    Note(String),
}

impl Broadcast {
    pub(super) fn new(feed: Feed) -> Self {
        Self { feed, channel: Channel::new(), ended: None }
    }

    /// The next thing that has happened; `None` when nothing has.
    pub(super) fn next(&mut self) -> Option<News> {
        let item = self.feed.try_next()?;
        if let FeedItem::Note(note) = item {
            return Some(News::Note(note));
        }
        let change = self.channel.take(item);
        if let Change::Ended(why) = &change {
            self.ended = Some(why.clone());
        }
        Some(News::Change(change))
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Whether it has ended, and why if it should not have.
    pub(super) fn ended(&self) -> Option<&Option<String>> {
        self.ended.as_ref()
    }

    /// A player that listens to these streams.
    pub(super) fn tune_in(
        &self,
        streams: Vec<StreamSelection>,
        strip_padding: bool,
    ) -> (Listener, Cursor) {
        self.channel.tune_in(&PlayRequest::select(streams), strip_padding)
    }
}

/// What is said of a live stream whose clock started anew.
pub(super) fn started_anew(restart: &Restart) -> String {
    let seconds = Duration::from_millis(restart.step.unsigned_abs()).as_secs_f32();
    let way = if restart.step < 0 { "back" } else { "forward" };
    format!(
        "the clock of the stream has stepped {way} by {seconds:.1} s: its times go on as before"
    )
}
