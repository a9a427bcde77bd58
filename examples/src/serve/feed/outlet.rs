//! The queue between a feed's thread and the loop that takes from it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mms_client::Cancel;

use super::FeedItem;

/// Items that wait in the queue at most: half a second of most streams.
const QUEUED: usize = 32;

/// The feed was stopped: there is nobody to bring anything to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stopped;

/// The thread's end.
pub(super) struct Outlet {
    sender: SyncSender<FeedItem>,
    wake: Box<dyn Fn() + Send>,
    shared: Arc<Shared>,
}

/// What both ends know.
pub(super) struct Shared {
    /// `None` once stopped, which lets a thread go that waits for room.
    items: Mutex<Option<Receiver<FeedItem>>>,
    /// The loop was woken and has not found the queue empty since.
    woken: AtomicBool,
    stopped: Mutex<bool>,
    stopping: Condvar,
    cancel: Cancel,
}

impl Outlet {
    pub(super) fn new(wake: impl Fn() + Send + 'static) -> (Self, Arc<Shared>) {
        let (sender, items) = mpsc::sync_channel(QUEUED);
        let shared = Arc::new(Shared {
            items: Mutex::new(Some(items)),
            woken: AtomicBool::new(false),
            stopped: Mutex::new(false),
            stopping: Condvar::new(),
            cancel: Cancel::new(),
        });
        (Self { sender, wake: Box::new(wake), shared: Arc::clone(&shared) }, shared)
    }

    /// Hands an item over, waiting for room.
    pub(super) fn send(&self, item: FeedItem) -> Result<(), Stopped> {
        let waiting = match self.sender.try_send(item) {
            Ok(()) => None,
            Err(TrySendError::Full(item)) => Some(item),
            Err(TrySendError::Disconnected(_)) => return Err(Stopped),
        };
        self.wake();
        match waiting {
            Some(item) => {
                self.sender.send(item).map_err(|_| Stopped)?;
                self.wake();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Waits until this moment.
    pub(super) fn wait_until(&self, until: Instant) -> Result<(), Stopped> {
        let mut stopped = lock(&self.shared.stopped);
        loop {
            if *stopped {
                return Err(Stopped);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let waited = self.shared.stopping.wait_timeout(stopped, left);
            stopped = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether it goes on.
    pub(super) fn check(&self) -> Result<(), Stopped> {
        if *lock(&self.shared.stopped) { Err(Stopped) } else { Ok(()) }
    }

    /// Ends what blocks in the network when the feed is stopped.
    pub(super) fn cancel(&self) -> &Cancel {
        &self.shared.cancel
    }

    /// The item is in the queue by now: a loop that finds none resets the mark first and looks
    /// again then.
    fn wake(&self) {
        if !self.shared.woken.swap(true, Ordering::SeqCst) {
            (self.wake)();
        }
    }
}

impl Shared {
    pub(super) fn try_next(&self) -> Option<FeedItem> {
        let items = lock(&self.items);
        let items = items.as_ref()?;
        match items.try_recv() {
            Ok(item) => return Some(item),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        self.woken.store(false, Ordering::SeqCst);
        items.try_recv().ok()
    }

    pub(super) fn stop(&self) {
        self.cancel.cancel();
        *lock(&self.stopped) = true;
        self.stopping.notify_all();
        // Not while the lock is held: what is dropped may be much.
        let items = lock(&self.items).take();
        drop(items);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("stopped", &*lock(&self.stopped)).finish_non_exhaustive()
    }
}

/// Every change under these locks is a single assignment: still good after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_loop_is_woken_once_for_what_it_has_not_taken() {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let (outlet, shared) = Outlet::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        for _ in 0..3 {
            outlet.send(FeedItem::End).unwrap();
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        while shared.try_next().is_some() {}
        outlet.send(FeedItem::End).unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_full_queue_holds_the_thread_until_it_is_stopped() {
        let (outlet, shared) = Outlet::new(|| {});
        let thread = std::thread::spawn(move || {
            let mut sent = 0;
            while outlet.send(FeedItem::End).is_ok() {
                sent += 1;
            }
            sent
        });
        while shared.items.lock().unwrap().as_ref().unwrap().try_recv().is_err() {
            std::thread::yield_now();
        }
        shared.stop();
        assert!(thread.join().unwrap() <= QUEUED + 1);
        assert_eq!(shared.try_next(), None);
    }

    #[test]
    fn a_wait_ends_with_the_feed() {
        let (outlet, shared) = Outlet::new(|| {});
        assert_eq!(outlet.wait_until(Instant::now()), Ok(()));
        assert_eq!(outlet.check(), Ok(()));
        let thread = std::thread::spawn(move || {
            let long = Instant::now() + Duration::from_secs(3600);
            (outlet.wait_until(long), outlet.check(), outlet.cancel().is_cancelled())
        });
        shared.stop();
        assert_eq!(thread.join().unwrap(), (Err(Stopped), Err(Stopped), true));
    }
}
