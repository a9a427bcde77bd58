//! Live content: the application pushes, a bounded queue waits for the player.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::Server;
use super::state::State;
use crate::content::Content;
use crate::error::StateError;
use crate::event::OpenRequest;
use crate::hresult::HResult;

/// What became of a packet that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "after a drop the streams have to begin again with key frames"]
pub enum Pushed {
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
pub(super) struct LiveQueue {
    /// The player plays what is pushed.
    pub(super) on: bool,
    items: VecDeque<Queued>,
    bytes: usize,
    dropping: bool,
}

#[derive(Debug)]
pub(super) enum Queued {
    Packet(u32, Bytes),
    End(HResult),
    EndOfEntry,
    Entry(Content),
}

impl LiveQueue {
    /// Queues a packet if there is room.
    fn push(&mut self, number: u32, key_frame: bool, packet: Bytes, limit: usize) -> Pushed {
        if !self.on {
            return Pushed::NotPlaying;
        }
        let bytes = self.bytes.saturating_add(packet.len());
        // A queue that is nearly full would be full again before the key frame is through.
        let room = if self.dropping { limit / 2 } else { limit };
        if (bytes > room && !self.items.is_empty()) || (self.dropping && !key_frame) {
            self.dropping = true;
            return Pushed::Dropped;
        }
        self.dropping = false;
        self.bytes = bytes;
        self.items.push_back(Queued::Packet(number, packet));
        Pushed::Queued
    }

    /// Queues what comes between packets. An entry that was not begun gives way to the next one, so
    /// that changes without packets between them do not pile up.
    pub(super) fn mark(&mut self, mark: Queued) {
        match (&mark, self.items.back()) {
            (Queued::EndOfEntry, Some(Queued::EndOfEntry)) => {}
            (Queued::EndOfEntry, Some(Queued::Entry(_))) => {
                self.items.pop_back();
            }
            _ => self.items.push_back(mark),
        }
    }

    /// The latest mark promises an entry.
    pub(super) fn has_ended_entry(&self) -> bool {
        matches!(self.items.back(), Some(Queued::EndOfEntry))
    }

    /// The latest entry that waits to be announced.
    fn latest_entry(&self) -> Option<&Content> {
        self.items.iter().rev().find_map(|item| match item {
            Queued::Entry(content) => Some(content),
            _ => None,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn front(&self) -> Option<&Queued> {
        self.items.front()
    }

    fn pop_if(&mut self, goes: bool) -> Option<Queued> {
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
    pub(super) fn tune(&mut self, on: bool) {
        let ended = self.has_ended_entry();
        let latest = self.items.drain(..).rev().find(|item| matches!(item, Queued::Entry(_)));
        self.items.extend((ended || latest.is_some()).then_some(Queued::EndOfEntry));
        self.items.extend(latest.filter(|_| !ended));
        (self.on, self.bytes, self.dropping) = (on, 0, false);
    }
}

impl Server {
    /// Opens live content: [`ServerEvent::Play`](crate::ServerEvent::Play) is answered with
    /// [`push_packet`](Self::push_packet) whenever there is a packet. Packets are never asked for,
    /// and go as fast as they come.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn accept_live(
        &mut self,
        now: Instant,
        request: OpenRequest,
        content: Content,
    ) -> Result<(), StateError> {
        self.accept(now, request, content)?;
        self.session.live = Some(LiveQueue::default());
        Ok(())
    }

    /// Hands one ASF packet of live content to the player. Its number counts the packets of the
    /// broadcast. The bytes are shared, not copied: one packet can be pushed to any number of
    /// players.
    ///
    /// `key_frame` tells that a key frame begins with the packet, or that every packet will do:
    /// after a drop the player goes on with such a packet.
    ///
    /// # Errors
    /// When the content is not live, or the packet empty or larger than its packet size.
    pub fn push_packet(
        &mut self,
        now: Instant,
        number: u32,
        key_frame: bool,
        packet: Bytes,
    ) -> Result<Pushed, StateError> {
        let Some(live) = &mut self.session.live else {
            return Err(StateError::NotWanted);
        };
        let next = live.latest_entry();
        let between = live.has_ended_entry()
            || (matches!(self.state, State::BetweenEntries(_)) && next.is_none());
        if self.link.is_closed() || !self.state.is_streaming() || between {
            return Ok(Pushed::NotPlaying);
        }
        self.link.set_now(now);
        // The packet belongs to the latest entry, which may not have begun.
        let limit = next.or_else(|| self.state.content()).map_or(0, Content::packet_size);
        let size = packet.len();
        if size == 0 || u32::try_from(size).map_or(true, |size| size > limit) {
            return Err(StateError::PacketSize { size, limit });
        }
        let pushed = live.push(number, key_frame, packet, self.config.limits.queued);
        if pushed == Pushed::Dropped {
            self.link.stats.dropped = self.link.stats.dropped.saturating_add(1);
        }
        Ok(pushed)
    }

    /// Sends the next thing in the queue, if it may go.
    pub(super) fn send_live(&mut self) -> bool {
        let Some(live) = &mut self.session.live else { return false };
        let goes = match (live.front(), &self.state) {
            (Some(Queued::Packet(..)), State::Streaming(_, flow)) => flow.pacer.has_turn(),
            (None, _) | (_, State::EntryHeader(..)) => false,
            (Some(_), state) => state.is_streaming(),
        };
        match live.pop_if(goes) {
            None => return false,
            Some(Queued::Packet(number, packet)) => {
                if let State::Streaming(_, flow) = &mut self.state {
                    flow.pacer.took(packet.len());
                }
                self.transmit(number, packet);
            }
            Some(Queued::End(hr)) => self.finish_now(hr),
            Some(Queued::EndOfEntry) => self.finish_entry(),
            Some(Queued::Entry(content)) => self.begin_entry(content),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Bytes {
        Bytes::from_static(&[0; 10])
    }

    fn entry(size: u32) -> Queued {
        Queued::Entry(Content::new(Bytes::from_static(b"header"), size).unwrap())
    }

    #[test]
    fn a_full_queue_goes_on_with_a_key_frame() {
        let mut queue = LiveQueue::default();
        assert_eq!(queue.push(0, true, packet(), 40), Pushed::NotPlaying);
        queue.tune(true);
        for number in 0..4 {
            assert_eq!(queue.push(number, false, packet(), 40), Pushed::Queued);
        }
        assert_eq!(queue.push(4, true, packet(), 40), Pushed::Dropped);
        queue.pop();
        // There is room for one, but that is no key frame; then half of the room is not free.
        assert_eq!(queue.push(5, false, packet(), 40), Pushed::Dropped);
        assert_eq!(queue.push(6, true, packet(), 40), Pushed::Dropped);
        queue.pop();
        queue.pop();
        assert_eq!(queue.push(7, false, packet(), 40), Pushed::Dropped);
        assert_eq!(queue.push(8, true, packet(), 40), Pushed::Queued);
        assert_eq!(queue.push(9, false, packet(), 40), Pushed::Queued);
        assert_eq!(queue.bytes, 30);
    }

    #[test]
    fn a_packet_larger_than_the_queue_goes_alone() {
        let mut queue = LiveQueue::default();
        queue.tune(true);
        assert_eq!(queue.push(0, true, packet(), 5), Pushed::Queued);
        assert_eq!(queue.push(1, true, packet(), 5), Pushed::Dropped);
    }

    #[test]
    fn entries_do_not_pile_up() {
        let mut queue = LiveQueue::default();
        queue.tune(true);
        for size in 1..=3 {
            queue.mark(Queued::EndOfEntry);
            assert!(queue.has_ended_entry());
            queue.mark(entry(size));
        }
        assert_eq!(queue.items.len(), 2);
        assert_eq!(queue.latest_entry().map(Content::packet_size), Some(3));
        // With packets between them both are told, unless the player begins anew.
        assert_eq!(queue.push(0, true, packet(), 50), Pushed::Queued);
        queue.mark(Queued::EndOfEntry);
        queue.mark(entry(4));
        assert_eq!(queue.items.len(), 5);
        queue.tune(false);
        let items: Vec<_> = queue.items.iter().collect();
        assert!(matches!(items[..], [Queued::EndOfEntry, Queued::Entry(content)]
            if content.packet_size() == 4));
        assert_eq!(queue.push(1, true, packet(), 50), Pushed::NotPlaying);
        queue.mark(Queued::EndOfEntry);
        queue.tune(true);
        assert!(matches!(queue.pop(), Some(Queued::EndOfEntry)));
        assert!(queue.pop().is_none());
    }
}
