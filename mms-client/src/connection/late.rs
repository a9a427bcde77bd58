//! Deadlines that pass while bytes that meet them wait unread.
//!
//! While the application was busy a deadline may have passed with bytes waiting in a socket; but
//! neither a byte now and then nor a flood must put it off. So the driver reads until the socket is
//! empty, or until it has read as much as can have arrived in time, and reports the deadline then.

use std::time::Instant;

/// Number of bytes that are read at most after a deadline: more than a system lets wait in a
/// socket.
const MAX_LATE_BYTES: usize = 16 << 20;

/// Bytes that were read after a deadline had passed.
#[derive(Debug, Default)]
pub(super) struct LateReads {
    latest: Option<(Instant, usize)>,
}

impl LateReads {
    /// Takes the number of bytes that were read after `deadline` passed: zero if they belong to
    /// another one.
    pub(super) fn take(&mut self, deadline: Option<Instant>) -> usize {
        self.latest.take().filter(|&(at, _)| deadline == Some(at)).map_or(0, |(_, bytes)| bytes)
    }

    /// Notes the number of bytes that were read until `now`, if `deadline` has passed.
    pub(super) fn note(&mut self, deadline: Option<Instant>, now: Instant, bytes: usize) {
        self.latest = deadline.filter(|&at| at <= now).map(|at| (at, bytes));
    }
}

/// True when no byte that waits unread can have arrived in time.
pub(super) fn is_enough(bytes: usize) -> bool {
    bytes >= MAX_LATE_BYTES
}

/// Number of bytes that were read late, counting the latest read of `count` bytes into a buffer of
/// `capacity`. A read that does not fill its buffer has emptied the socket, so bytes that follow it
/// were not there in time.
pub(super) fn add(before: usize, count: usize, capacity: usize) -> usize {
    if count < capacity { MAX_LATE_BYTES } else { before.saturating_add(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_believed_once_the_socket_is_empty() {
        for count in [1, 999] {
            assert_eq!(add(0, count, 1000), MAX_LATE_BYTES, "{count}");
        }
        assert_eq!(add(0, 1000, 1000), 1000);
        assert_eq!(add(1000, 1000, 1000), 2000);
        assert_eq!(add(usize::MAX, 1, 1), usize::MAX);
    }
}
