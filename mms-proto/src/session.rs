//! What a session of every protocol keeps: outputs in their order, the time and the account of
//! deviations. That it is over is one of the states of its machine.

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::Strictness;
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::Stats;
use crate::io::{ConnectionId, Output, Transmit};

/// The neutral core of one end of a session.
#[derive(Debug)]
pub(crate) struct SessionCore<E> {
    outputs: VecDeque<Output<E>>,
    strictness: Strictness,
    now: Instant,
    pub(crate) stats: Stats,
}

impl<E: From<Deviation>> SessionCore<E> {
    /// A session that begins now.
    pub(crate) fn new(now: Instant, strictness: Strictness) -> Self {
        let outputs = VecDeque::new();
        Self { outputs, strictness, now, stats: Stats::default() }
    }

    /// The time of the latest input.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Takes note of the time. It never goes backwards.
    pub(crate) fn set_now(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// True when every output has been polled.
    pub(crate) fn is_drained(&self) -> bool {
        self.outputs.is_empty()
    }

    /// The next output.
    pub(crate) fn pop(&mut self) -> Option<Output<E>> {
        self.outputs.pop_front()
    }

    /// Queues an output.
    pub(crate) fn push(&mut self, output: Output<E>) {
        self.outputs.push_back(output);
    }

    /// Queues an event.
    pub(crate) fn event(&mut self, event: impl Into<E>) {
        self.push(Output::Event(event.into()));
    }

    /// Queues bytes for a connection.
    pub(crate) fn transmit(&mut self, connection: ConnectionId, data: Transmit) {
        self.push(Output::Transmit { connection, data });
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
}
