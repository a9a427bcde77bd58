//! What a server did so far, as numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a server did so far: shared, and counted up while it serves.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    turns: AtomicU64,
    searches: AtomicU64,
    packets_read: AtomicU64,
}

impl Counters {
    /// Turns that players had.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.0.turns.load(Ordering::Relaxed)
    }

    /// Searches for the place of a play command, or of a key frame while it rewinds.
    #[must_use]
    pub fn searches(&self) -> u64 {
        self.0.searches.load(Ordering::Relaxed)
    }

    /// Packets of files that were read, to look for places and to be sent.
    #[must_use]
    pub fn packets_read(&self) -> u64 {
        self.0.packets_read.load(Ordering::Relaxed)
    }

    pub(super) fn turn(&self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn search(&self) {
        self.0.searches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, packets: u64) {
        self.0.packets_read.fetch_add(packets, Ordering::Relaxed);
    }
}
