//! Stopping blocked network calls from another thread.
//!
//! A blocking read has no other way out than its socket: shutting the socket down makes the read
//! return at once, on every platform, without a time-out to poll on.

use std::fmt;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle that stops work from any thread; clones share one state, and it never resets.
///
/// `cancel` takes a lock, so a program calls it from an ordinary thread that waits for signals,
/// not from inside a signal handler.
#[derive(Clone, Default)]
pub struct Cancel {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    hooks: Mutex<Hooks>,
}

#[derive(Default)]
struct Hooks {
    next_id: u64,
    live: Vec<(u64, Hook)>,
}

enum Hook {
    Socket(TcpStream),
    /// Runs under the lock: it must not block or use the `Cancel` it is registered with.
    Wake(Box<dyn Fn() + Send>),
}

impl Hook {
    fn fire(&self) {
        match self {
            // The only failure is a socket that is no longer connected, which is what we want.
            Self::Socket(socket) => drop(socket.shutdown(Shutdown::Both)),
            Self::Wake(wake) => wake(),
        }
    }
}

impl Cancel {
    /// A handle on which nothing is cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shuts down every registered socket and wakes every waiting [`dial`](super::Dial::dial);
    /// calling it again does nothing.
    pub fn cancel(&self) {
        let mut hooks = self.lock();
        self.shared.cancelled.store(true, Ordering::Release);
        for (_, hook) in hooks.live.drain(..) {
            hook.fire();
        }
    }

    /// Whether `cancel` has been called. A read cut short by it looks like the end of the
    /// stream, so ask this before believing such an end.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Shuts `socket` down in both directions on cancellation, at once if that has happened
    /// already, for as long as the guard lives.
    ///
    /// The guard holds a duplicate of the socket, so the connection closes only when both are
    /// dropped.
    ///
    /// # Errors
    ///
    /// When the system cannot duplicate the socket handle.
    pub fn register(&self, socket: &TcpStream) -> io::Result<CancelGuard> {
        Ok(self.add(Hook::Socket(socket.try_clone()?)))
    }

    /// Calls `wake` on cancellation, at once if that has happened already.
    ///
    /// `wake` must return quickly and leave this `Cancel` alone.
    pub(crate) fn on_cancel(&self, wake: impl Fn() + Send + 'static) -> CancelGuard {
        self.add(Hook::Wake(Box::new(wake)))
    }

    fn add(&self, hook: Hook) -> CancelGuard {
        let mut hooks = self.lock();
        let id = hooks.next_id;
        hooks.next_id = id.wrapping_add(1);
        // Read under the lock that `cancel` holds, so no hook falls between the two.
        if self.is_cancelled() {
            hook.fire();
        } else {
            hooks.live.push((id, hook));
        }
        CancelGuard { cancel: self.clone(), id }
    }

    fn lock(&self) -> MutexGuard<'_, Hooks> {
        // Every change of the list is a single push, drain or retain: still good after a panic.
        self.shared.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// Keeps a registration alive; once dropped, cancellation leaves that socket alone.
#[must_use = "dropping the guard ends the registration"]
pub struct CancelGuard {
    cancel: Cancel,
    id: u64,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.cancel.lock().live.retain(|(id, _)| *id != self.id);
    }
}

impl fmt::Debug for CancelGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelGuard").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Ends a test that would otherwise hang; never reached when the code works.
    const SAFETY: Duration = Duration::from_secs(20);

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        for socket in [&ours, &theirs] {
            socket.set_read_timeout(Some(SAFETY)).unwrap();
            socket.set_write_timeout(Some(SAFETY)).unwrap();
        }
        (ours, theirs)
    }

    fn assert_shut(socket: &mut TcpStream) {
        assert_eq!(socket.read(&mut [0]).unwrap(), 0);
    }

    fn assert_open(ours: &mut TcpStream, theirs: &mut TcpStream) {
        theirs.write_all(b"x").unwrap();
        assert_eq!(ours.read(&mut [0]).unwrap(), 1);
    }

    /// Runs `block` on a thread, cancels from this one, and hands back what `block` returned.
    fn cancel_while<T: Send + 'static>(
        cancel: &Cancel,
        block: impl FnOnce(mpsc::Sender<()>) -> T + Send + 'static,
    ) -> T {
        let (about_to_block, blocked) = mpsc::channel();
        let (done, result) = mpsc::channel();
        let thread = thread::spawn(move || done.send(block(about_to_block)).unwrap());
        blocked.recv_timeout(SAFETY).unwrap();
        // Usually enough to be inside the call; the result is the same if it is not.
        thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        let value = result.recv_timeout(Duration::from_secs(5)).unwrap();
        thread.join().unwrap();
        value
    }

    #[test]
    fn wakes_a_blocked_read() {
        let (mut ours, _theirs) = pair();
        let cancel = Cancel::new();
        let _guard = cancel.register(&ours).unwrap();
        let read = cancel_while(&cancel, move |about_to_block| {
            about_to_block.send(()).unwrap();
            ours.read(&mut [0; 16])
        });
        assert_eq!(read.unwrap(), 0);
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn wakes_a_blocked_write() {
        let (mut ours, _theirs) = pair();
        let cancel = Cancel::new();
        let _guard = cancel.register(&ours).unwrap();
        let error = cancel_while(&cancel, move |about_to_block| {
            about_to_block.send(()).unwrap();
            loop {
                if let Err(error) = ours.write_all(&[0; 65536]) {
                    break error;
                }
            }
        });
        let timed_out = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        assert!(!timed_out, "{error}");
    }

    #[test]
    fn shuts_every_registered_socket_and_later_ones() {
        let cancel = Cancel::new();
        let (mut first, _a) = pair();
        let (mut second, _b) = pair();
        let (mut late, _c) = pair();
        let _guards = (cancel.register(&first).unwrap(), cancel.register(&second).unwrap());
        assert!(!cancel.is_cancelled());
        cancel.cancel();
        cancel.cancel();
        let _late_guard = cancel.register(&late).unwrap();
        for socket in [&mut first, &mut second, &mut late] {
            assert_shut(socket);
        }
    }

    #[test]
    fn a_dropped_guard_leaves_the_socket_alone() {
        let cancel = Cancel::new();
        let (mut old, mut old_peer) = pair();
        let (mut new, _new_peer) = pair();
        let old_guard = cancel.register(&old).unwrap();
        let _new_guard = cancel.register(&new).unwrap();
        drop(old_guard);
        cancel.cancel();
        assert_open(&mut old, &mut old_peer);
        assert_shut(&mut new);
    }

    #[test]
    fn a_guard_does_not_keep_a_dropped_connection_open_forever() {
        let cancel = Cancel::new();
        let (ours, mut theirs) = pair();
        let guard = cancel.register(&ours).unwrap();
        drop(ours);
        drop(guard);
        assert_shut(&mut theirs);
    }

    #[test]
    fn runs_a_wake_call_once() {
        let cancel = Cancel::new();
        let (sender, receiver) = mpsc::channel();
        let late = sender.clone();
        let _guard = cancel.on_cancel(move || sender.send("early").unwrap());
        cancel.cancel();
        cancel.cancel();
        let _late_guard = cancel.on_cancel(move || late.send("late").unwrap());
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), ["early", "late"]);
    }
}
