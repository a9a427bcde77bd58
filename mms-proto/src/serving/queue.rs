//! What waits for the player: live packets, and ends and entries behind them.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::content::Content;

/// Outcome of a pushed packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "after a drop the streams have to begin again with key frames"]
pub enum PushOutcome {
    /// It waits for its turn.
    Queued,
    /// The player is too slow: the packet and all that follow are dropped, until there is room
    /// again and one comes with which a key frame begins.
    Dropped,
    /// The player does not play, or not this entry.
    NotPlaying,
}

/// Packets and marks between them, in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The player plays what is pushed.
    pub(crate) on: bool,
    items: VecDeque<Queued>,
    bytes: usize,
    dropping: bool,
}

#[derive(Debug)]
pub(crate) enum Queued {
    Packet(u32, Bytes),
    End,
    EndOfEntry,
    Entry(Content),
}

impl Queue {
    /// Queues a packet if there is room.
    pub(crate) fn push(
        &mut self,
        number: u32,
        key_frame: bool,
        packet: Bytes,
        limit: usize,
    ) -> PushOutcome {
        if !self.on {
            return PushOutcome::NotPlaying;
        }
        let bytes = self.bytes.saturating_add(packet.len());
        // A queue that is nearly full would be full again before the key frame is through.
        let room = if self.dropping { limit / 2 } else { limit };
        if (bytes > room && !self.items.is_empty()) || (self.dropping && !key_frame) {
            self.dropping = true;
            return PushOutcome::Dropped;
        }
        self.dropping = false;
        self.bytes = bytes;
        self.items.push_back(Queued::Packet(number, packet));
        PushOutcome::Queued
    }

    /// Queues what comes between packets. An entry that was not begun gives way to the next one, so
    /// that changes without packets between them do not pile up.
    pub(crate) fn mark(&mut self, mark: Queued) {
        match (&mark, self.items.back()) {
            (Queued::EndOfEntry, Some(Queued::EndOfEntry)) => {}
            (Queued::EndOfEntry, Some(Queued::Entry(_))) => {
                self.items.pop_back();
            }
            _ => self.items.push_back(mark),
        }
    }

    /// The latest mark promises an entry.
    pub(crate) fn has_ended_entry(&self) -> bool {
        matches!(self.items.back(), Some(Queued::EndOfEntry))
    }

    /// The latest entry that waits to be announced.
    pub(crate) fn latest_entry(&self) -> Option<&Content> {
        self.items.iter().rev().find_map(|item| match item {
            Queued::Entry(content) => Some(content),
            _ => None,
        })
    }

    /// Bytes of the packets.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A packet is next.
    pub(crate) fn has_packet(&self) -> bool {
        matches!(self.items.front(), Some(Queued::Packet(..)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn front(&self) -> Option<&Queued> {
        self.items.front()
    }

    pub(crate) fn pop_if(&mut self, goes: bool) -> Option<Queued> {
        if goes { self.pop() } else { None }
    }

    fn pop(&mut self) -> Option<Queued> {
        let item = self.items.pop_front();
        if let Some(Queued::Packet(_, packet)) = &item {
            self.bytes = self.bytes.saturating_sub(packet.len());
        }
        item
    }

    /// The player begins to play, or stops: packets are forgotten, and of the entries all but the
    /// latest, which it has to be told of.
    pub(crate) fn tune(&mut self, on: bool) {
        let ended = self.has_ended_entry();
        let latest = self.items.drain(..).rev().find(|item| matches!(item, Queued::Entry(_)));
        self.items.extend((ended || latest.is_some()).then_some(Queued::EndOfEntry));
        self.items.extend(latest.filter(|_| !ended));
        (self.on, self.bytes, self.dropping) = (on, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Bytes {
        Bytes::from_static(&[0; 10])
    }

    fn entry(size: u32) -> Queued {
        Queued::Entry(
            Content::new(Bytes::from_static(b"header")).unwrap().with_packet_size(size).unwrap(),
        )
    }

    #[test]
    fn a_full_queue_goes_on_with_a_key_frame() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(0, true, packet(), 40), PushOutcome::NotPlaying);
        queue.tune(true);
        for number in 0..4 {
            assert_eq!(queue.push(number, false, packet(), 40), PushOutcome::Queued);
        }
        assert_eq!(queue.push(4, true, packet(), 40), PushOutcome::Dropped);
        queue.pop();
        // There is room for one, but that is no key frame; then half of the room is not free.
        assert_eq!(queue.push(5, false, packet(), 40), PushOutcome::Dropped);
        assert_eq!(queue.push(6, true, packet(), 40), PushOutcome::Dropped);
        queue.pop();
        queue.pop();
        assert_eq!(queue.push(7, false, packet(), 40), PushOutcome::Dropped);
        assert_eq!(queue.push(8, true, packet(), 40), PushOutcome::Queued);
        assert_eq!(queue.push(9, false, packet(), 40), PushOutcome::Queued);
        assert_eq!(queue.bytes, 30);
    }

    #[test]
    fn a_packet_larger_than_the_queue_goes_alone() {
        let mut queue = Queue::default();
        queue.tune(true);
        assert_eq!(queue.push(0, true, packet(), 5), PushOutcome::Queued);
        assert_eq!(queue.push(1, true, packet(), 5), PushOutcome::Dropped);
    }

    #[test]
    fn entries_do_not_pile_up() {
        let mut queue = Queue::default();
        queue.tune(true);
        for size in 1..=3 {
            queue.mark(Queued::EndOfEntry);
            assert!(queue.has_ended_entry());
            queue.mark(entry(size));
        }
        assert_eq!(queue.items.len(), 2);
        assert_eq!(queue.latest_entry().and_then(Content::packet_size), Some(3));
        // With packets between them both are told, unless the player begins anew.
        assert_eq!(queue.push(0, true, packet(), 50), PushOutcome::Queued);
        queue.mark(Queued::EndOfEntry);
        queue.mark(entry(4));
        assert_eq!(queue.items.len(), 5);
        queue.tune(false);
        let items: Vec<_> = queue.items.iter().collect();
        assert!(matches!(items[..], [Queued::EndOfEntry, Queued::Entry(content)]
            if content.packet_size() == Some(4)));
        assert_eq!(queue.push(1, true, packet(), 50), PushOutcome::NotPlaying);
        queue.mark(Queued::EndOfEntry);
        queue.tune(true);
        assert!(matches!(queue.pop(), Some(Queued::EndOfEntry)));
        assert!(queue.pop().is_none());
    }
}
