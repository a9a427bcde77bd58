//! Calls that block, in threads of their own, so that a signal ends the wait.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek as _};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use mms_client::Cancel;

use crate::files::shown;

/// Interval at which the handle is looked at.
const TICK: Duration = Duration::from_millis(50);
/// Time after which a wait is announced.
const QUIET: Duration = Duration::from_millis(500);

/// Opens a pipe or a device to be written. A named pipe opens when somebody reads it: a wait of
/// more than half a second is announced to `note`, and ends with `cancel`.
///
/// # Errors
/// When it cannot be opened, and [`ErrorKind::Interrupted`] when it is cancelled.
pub(crate) fn open_pipe(path: &Path, cancel: &Cancel, note: impl FnOnce(&str)) -> io::Result<File> {
    let pipe = path.to_owned();
    let open = move || OpenOptions::new().write(true).open(pipe);
    let line = format!("waiting for a reader of {}; Ctrl-C ends it", shown(path));
    wait(open, cancel, || note(&line))
}

/// Copies standard input to a temporary file without a name, which can be sought in.
///
/// # Errors
/// When it cannot be read or the copy not be written, and [`ErrorKind::Interrupted`] when it is
/// cancelled.
pub(crate) fn standard_input(cancel: &Cancel) -> io::Result<File> {
    let copy = || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    wait(copy, cancel, || {})
}

fn wait<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
    cancel: &Cancel,
    slow: impl FnOnce(),
) -> io::Result<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        let _ = sender.send(call());
    })?;
    let begun = Instant::now();
    let mut slow = Some(slow);
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(done) => return done,
            Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() => {}
            Err(_) => return Err(io::Error::new(ErrorKind::Interrupted, "stopped")),
        }
        if begun.elapsed() >= QUIET {
            slow.take().into_iter().for_each(|slow| slow());
        }
    }
}
