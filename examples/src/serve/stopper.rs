//! What makes a server stop, from another thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mio::{Registry, Token, Waker};

/// Tells a server to stop.
#[derive(Debug, Clone)]
pub struct Stopper {
    asked: Arc<AtomicUsize>,
    waker: Arc<Waker>,
}

impl Stopper {
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self { asked: Arc::default(), waker: Arc::new(Waker::new(registry, token)?) })
    }

    /// Makes [`Serving::run`](super::Serving::run) return: nobody is let in any more, and every
    /// player is told, for which there are two seconds. Said again, it returns at once.
    pub fn stop(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    /// How many times it was said.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Wakes the server.
    pub(super) fn wake(&self) {
        // It fails only when there is nothing left to wake.
        let _ = self.waker.wake();
    }
}
