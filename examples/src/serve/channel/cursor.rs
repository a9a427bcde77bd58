//! Positions in a channel: each player walks along what was sent, at its own speed.
//!
//! Everything that a channel sends is one list that grows at its end. A player holds a single
//! reference into it, which keeps alive what the player has not taken yet. Players that are equally
//! slow share what they wait for, so that the memory of a channel is bounded by the slowest of them
//! and does not depend on their number.

use std::sync::{Arc, OnceLock};

use super::{LivePacket, Program};

/// One thing that a channel sends.
#[derive(Debug, Clone)]
pub enum Item {
    /// A packet.
    Packet(LivePacket),
    /// The packets that follow have this header.
    Header(Arc<Program>),
    /// Nothing follows.
    End,
}

/// An item, where it is, and the item after it once there is one.
#[derive(Debug)]
pub(super) struct Node {
    /// `None` before the first item.
    item: Option<Item>,
    /// Bytes of all packets before it.
    start: u64,
    next: OnceLock<Arc<Node>>,
}

/// The end of the list, where items are added.
#[derive(Debug, Clone)]
pub(super) struct Tail(Arc<Node>);

/// A position in the list.
#[derive(Debug, Clone)]
pub struct Cursor {
    node: Arc<Node>,
    /// The node's own item was taken.
    taken: bool,
}

impl Default for Tail {
    fn default() -> Self {
        Self(Arc::new(Node { item: None, start: 0, next: OnceLock::new() }))
    }
}

impl Tail {
    /// Adds an item, and returns the position before it.
    pub(super) fn push(&mut self, item: Item) -> Cursor {
        let node = Node { item: Some(item), start: self.0.end(), next: OnceLock::new() };
        let node = Arc::new(node);
        // There is one tail, so that nothing follows yet.
        let _ = self.0.next.set(Arc::clone(&node));
        self.0 = Arc::clone(&node);
        Cursor { node, taken: false }
    }

    /// The position after all items.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { node: Arc::clone(&self.0), taken: true }
    }

    /// Bytes of all packets so far.
    pub(super) fn position(&self) -> u64 {
        self.0.end()
    }
}

impl Cursor {
    /// Takes the next item.
    pub fn take(&mut self) -> Option<&Item> {
        if self.taken {
            self.node = Arc::clone(self.node.next.get()?);
        }
        self.taken = true;
        self.node.item.as_ref()
    }

    /// Bytes of all packets before it.
    pub(super) fn position(&self) -> u64 {
        if self.taken { self.node.end() } else { self.node.start }
    }
}

impl Node {
    fn end(&self) -> u64 {
        let bytes = match &self.item {
            Some(Item::Packet(packet)) => packet.body.len() as u64,
            _ => 0,
        };
        self.start.saturating_add(bytes)
    }
}

impl Drop for Node {
    /// Frees what nobody else holds one after the other: by itself each node would free the next
    /// one from within, as deep as the list is long.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut node) = next.and_then(Arc::into_inner) {
            next = node.next.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_freed_without_depth() {
        let mut tail = Tail::default();
        let mut cursor = tail.cursor();
        for _ in 0..1_000_000 {
            tail.push(Item::End);
        }
        assert!(matches!(cursor.take(), Some(Item::End)));
        let second = cursor.clone();
        drop(cursor);
        drop(second);
        assert!(tail.cursor().take().is_none());
    }
}
