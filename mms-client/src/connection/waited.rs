//! What waiting for one socket and for several have in common.

use std::io;
use std::time::Instant;

use mms_proto::{Input, Machine};

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// Bytes were read at this moment; `late` is the number that counts after a deadline.
    Read { at: Instant, late: usize },
    /// The machine has other input, or it is to be asked again.
    Other,
    /// Nothing came in time.
    TimedOut,
}

/// Hands input to the machine, with the present time.
pub(super) fn input<M: Machine>(machine: &mut M, input: Input<'_>) {
    // Fails only after the event that gives the reason.
    let _ = machine.handle_input(Instant::now(), input);
}

/// The application has not answered, and what came meanwhile fills the machine's buffer.
pub(super) fn too_much() -> io::Error {
    io::Error::other("more was received than can be handled")
}
