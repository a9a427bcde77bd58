//! Another connection for a live recording whose own broke.

use std::time::{Duration, Instant};

use mms_client::{Cancel, Error, Interruption, Session};

use super::{Options, open};
use crate::text::one_line;

/// Pauses before a new attempt; each one in vain doubles it.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// How often it is looked whether the program shall end.
const TICK: Duration = Duration::from_millis(50);

/// Opens the stream again until it is there, or has not been for too long.
pub(super) struct Reconnect<'a> {
    options: &'a Options,
    cancel: &'a Cancel,
    /// Time without a new packet after which it is given up.
    give_up: Duration,
    /// When that is.
    deadline: Instant,
    pause: Duration,
    /// Packets at the last break.
    packets: u64,
}

impl<'a> Reconnect<'a> {
    pub(super) fn new(options: &'a Options, cancel: &'a Cancel, give_up: Duration) -> Self {
        let (pause, _) = PAUSES;
        Self { options, cancel, give_up, deadline: Instant::now(), pause, packets: 0 }
    }

    /// Another session.
    ///
    /// # Errors
    /// The last one when it is given up, and at once where nothing has been recorded yet or a
    /// server wants a login.
    pub(super) fn reopen(&mut self, broke: Interruption) -> Result<Session, Error> {
        let Interruption { mut error, packets, .. } = broke;
        if packets == 0 {
            return Err(error);
        }
        if packets != self.packets {
            self.packets = packets;
            self.pause = PAUSES.0;
            let now = Instant::now();
            self.deadline = now.checked_add(self.give_up).unwrap_or(now);
        }
        loop {
            if Instant::now() >= self.deadline || !may_pass(&error) {
                return Err(error);
            }
            self.wait(&error)?;
            match open(self.options, self.cancel) {
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(again) => error = again,
                Ok(session) => {
                    if let Some(note) = self.options.note {
                        note(&format!("connected to {} again", session.server_address()));
                    }
                    return Ok(session);
                }
            }
        }
    }

    fn wait(&mut self, error: &Error) -> Result<(), Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let pause = self.pause.min(left);
        if let Some(note) = self.options.note {
            let line = format!("{error}; trying again in {:.1} s", pause.as_secs_f64());
            note(&one_line(&line, ' '));
        }
        self.pause = self.pause.saturating_mul(2).min(PAUSES.1);
        let begun = Instant::now();
        loop {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let left = pause.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(TICK));
        }
    }
}

/// A server that wants a login will want it again.
fn may_pass(error: &Error) -> bool {
    !matches!(
        error,
        Error::Url(_)
            | Error::CredentialsNeeded { .. }
            | Error::ClearText { .. }
            | Error::AuthScheme { .. }
            | Error::Protocol { source: mms_proto::Error::Unauthorized, .. }
    )
}
