//! Waiting for what another program does.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until it is so, and fails when that takes a minute.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
