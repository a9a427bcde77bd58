//! A server in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use mms_examples::serve::{Options, Serving, Stopper};

/// A server on a free loopback port, until the test ends.
#[derive(Debug)]
pub(crate) struct Served {
    stopper: Stopper,
    thread: Option<JoinHandle<std::io::Result<()>>>,
    pub(crate) address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Served {
    pub(crate) fn start(options: Options) -> Self {
        let serving = Serving::start(options).unwrap();
        let address = serving.address().unwrap();
        let stopper = serving.stopper().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let report = Arc::clone(&lines);
        let thread = std::thread::spawn(move || {
            serving.run(move |line| {
                report.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
            })
        });
        Self { stopper, thread: Some(thread), address, lines }
    }

    /// What the server said of players that left, so far.
    pub(crate) fn lines(&self) -> Vec<String> {
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
