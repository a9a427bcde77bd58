//! What a feed brings, waited for.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use mms_examples::serve::feed::{Feed, FeedItem, FeedSource};

/// Ends a test that would hang; never reached when the code works.
const PATIENCE: Duration = Duration::from_secs(60);

/// A feed and its calls.
#[derive(Debug)]
pub(crate) struct Fed {
    feed: Feed,
    calls: Receiver<()>,
}

impl Fed {
    pub(crate) fn start(source: FeedSource) -> Self {
        let (call, calls) = mpsc::channel();
        let wake = move || {
            // Nobody listens once the test is over.
            let _ = call.send(());
        };
        let feed = Feed::start(source, wake).unwrap();
        Self { feed, calls }
    }

    /// What comes next. There is something after each call, or there was.
    pub(crate) fn next(&self) -> FeedItem {
        loop {
            if let Some(item) = self.feed.try_next() {
                return item;
            }
            self.calls.recv_timeout(PATIENCE).unwrap();
        }
    }

    /// Everything up to the end, which is included.
    pub(crate) fn all(&self) -> Vec<FeedItem> {
        let mut items = Vec::new();
        loop {
            items.push(self.next());
            if matches!(items.last(), Some(FeedItem::End | FeedItem::Failed(_))) {
                return items;
            }
        }
    }

    /// Stops it, and waits until its thread has ended.
    pub(crate) fn stop(self) {
        let Self { feed, calls } = self;
        drop(feed);
        loop {
            match calls.recv_timeout(PATIENCE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("the thread goes on"),
            }
        }
    }
}

/// The packets among the items.
pub(crate) fn packets(items: &[FeedItem]) -> Vec<bytes::Bytes> {
    let packet = |item: &FeedItem| match item {
        FeedItem::Packet(packet) => Some(packet.clone()),
        _ => None,
    };
    items.iter().filter_map(packet).collect()
}

/// The headers among the items.
pub(crate) fn headers(items: &[FeedItem]) -> Vec<bytes::Bytes> {
    let header = |item: &FeedItem| match item {
        FeedItem::Header(header) => Some(header.clone()),
        _ => None,
    };
    items.iter().filter_map(header).collect()
}
