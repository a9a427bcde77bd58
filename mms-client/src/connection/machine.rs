//! The calls that the driver makes beside those of every machine.

use std::time::Instant;

use mms_proto::{ClientEvent, Machine, mmsp};

/// A client's end of a session.
pub(crate) trait ClientMachine: Machine {
    /// Begins to end the session: tells the server, where the protocol has a word for it.
    fn close(&mut self, now: Instant);

    /// True for the last event of a session.
    fn is_last(event: &Self::Event) -> bool;
}

impl ClientMachine for mmsp::Client {
    fn close(&mut self, now: Instant) {
        Self::close(self, now);
    }

    fn is_last(event: &ClientEvent) -> bool {
        matches!(event, ClientEvent::Closed(_))
    }
}
