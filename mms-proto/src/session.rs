//! What a session of every protocol keeps: outputs in their order, the time, the account of
//! deviations, and the first error, which is final.

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::Strictness;
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::{CloseReason, Stats};
use crate::io::{ConnectionId, Output, Transmit};

/// An event type, as far as the core makes events itself.
pub(crate) trait SessionEvent: From<Deviation> {
    /// The last event.
    fn closed(reason: CloseReason) -> Self;
}

/// The neutral core of one end of a session.
#[derive(Debug)]
pub(crate) struct SessionCore<E> {
    outputs: VecDeque<Output<E>>,
    strictness: Strictness,
    now: Instant,
    reason: Option<CloseReason>,
    pub(crate) stats: Stats,
}

impl<E: SessionEvent> SessionCore<E> {
    /// A session that begins now.
    pub(crate) fn new(now: Instant, strictness: Strictness) -> Self {
        let outputs = VecDeque::new();
        Self { outputs, strictness, now, reason: None, stats: Stats::default() }
    }

    /// The time of the latest input.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// True when input of this moment is taken in: not when the session is over.
    ///
    /// # Errors
    /// With the error of a session that failed.
    pub(crate) fn takes_input(&mut self, now: Instant) -> Result<bool, Error> {
        match &self.reason {
            Some(CloseReason::Failed(error)) => Err(error.clone()),
            Some(_) => Ok(false),
            None => {
                self.set_now(now);
                Ok(true)
            }
        }
    }

    /// Takes note of the time. It never goes backwards.
    pub(crate) fn set_now(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// True when the session is over.
    pub(crate) fn is_closed(&self) -> bool {
        self.reason.is_some()
    }

    /// True when every output has been polled.
    pub(crate) fn is_drained(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The next output.
    pub(crate) fn pop(&mut self) -> Option<Output<E>> {
        self.outputs.pop_front()
    }

    /// Queues an event.
    pub(crate) fn event(&mut self, event: impl Into<E>) {
        self.outputs.push_back(Output::Event(event.into()));
    }

    /// Queues bytes for a connection.
    pub(crate) fn transmit(&mut self, connection: ConnectionId, data: Transmit) {
        self.outputs.push_back(Output::Transmit { connection, data });
    }

    /// The one gate through which every deviation passes: it is counted, and reported or refused.
    ///
    /// # Errors
    /// In strict mode, with the deviation.
    pub(crate) fn on_deviation(&mut self, deviation: Deviation) -> Result<(), Error> {
        self.stats.deviations = self.stats.deviations.saturating_add(1);
        match self.strictness {
            Strictness::Strict => Err(deviation.into()),
            Strictness::Tolerant => {
                self.event(deviation);
                Ok(())
            }
        }
    }

    /// Ends the session: the last event.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.reason.is_none() {
            self.event(E::closed(reason.clone()));
            self.reason = Some(reason);
        }
    }
}
