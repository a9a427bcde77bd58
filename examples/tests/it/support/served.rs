//! A server in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mms_examples::serve::{Counters, Options, Serving, Stopper};

/// A server on a free loopback port, until the test ends.
#[derive(Debug)]
pub(crate) struct Served {
    stopper: Stopper,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    pub(crate) address: SocketAddr,
    pub(crate) counters: Counters,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Served {
    pub(crate) fn start(options: Options) -> Self {
        let serving = Serving::start(options).unwrap();
        let address = serving.address().unwrap();
        let stopper = serving.stopper().unwrap();
        let counters = serving.counters();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let report = Arc::clone(&lines);
        let thread = std::thread::spawn(move || {
            serving.run(move |line| {
                report.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
            })
        });
        Self { stopper, thread: Some(thread), address, counters, lines }
    }

    /// Tells it to stop.
    pub(crate) fn stop(&self) {
        self.stopper.stop();
    }

    /// Waits until it has stopped.
    pub(crate) fn stopped(mut self) -> std::io::Result<()> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap())
    }

    /// Waits for a line of which this is true.
    #[track_caller]
    pub(crate) fn says(&self, what: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.all_lines().into_iter().find(|line| what(line)) {
                return line;
            }
            let lines = self.all_lines();
            assert!(begun.elapsed() < Duration::from_secs(60), "it never says it: {lines:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the server said of players that left, so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let left = |line: &String| line.contains(" left after ");
        self.all_lines().into_iter().filter(left).collect()
    }

    /// Everything that the server said so far.
    pub(crate) fn all_lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
