//! What the simulation asks of a machine and of its application.

use std::fmt::Debug;
use std::time::Instant;

use crate::event::CloseReason;
use crate::io::{ConnectionId, Transmit};
use crate::machine::Machine;

/// A machine that can be simulated: what a careful peer makes of its bytes.
pub trait Subject: Machine<Event: Debug> {
    /// One write, taken apart.
    type Message: Debug;
    /// What the peer remembers to take writes apart.
    type Peer: Debug + Default;

    /// Takes one write apart, and fails if it is not exactly what it should be.
    fn read(peer: &mut Self::Peer, written: &Transmit) -> Self::Message;

    /// A write in a sequence diagram.
    fn label(message: &Self::Message) -> String {
        format!("{message:?}")
    }

    /// The reason in the last event.
    fn reason(event: &Self::Event) -> Option<&CloseReason>;

    /// What to remember of an event; nothing for one that depends on how bytes are cut.
    fn describe(event: &Self::Event) -> Option<String> {
        Some(format!("{event:?}"))
    }
}

/// What an application does with what comes out of its machine.
pub trait App<M: Subject> {
    /// An event; the application may give commands. What it returns is kept in [`End::said`](super::End::said).
    fn event(&mut self, machine: &mut M, now: Instant, event: M::Event) -> Option<M::Event>;

    /// Something was written.
    fn wrote(&mut self, _now: Instant, _message: &M::Message) -> Wrote {
        Wrote::Keep
    }

    /// The machine has nothing more to say.
    fn waits(&mut self, _now: Instant, _deadline: Option<Instant>) {}
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrote {
    /// The test looks at it.
    Keep,
    /// It was seen.
    Forget,
    /// It was seen, and the socket is full: the machine is not polled until the test does.
    Full,
}

/// The application that does nothing: all events are kept.
impl<M: Subject> App<M> for () {
    fn event(&mut self, _: &mut M, _: Instant, event: M::Event) -> Option<M::Event> {
        Some(event)
    }
}

/// One thing that a machine said.
#[derive(Debug, Clone, PartialEq)]
pub enum Said<S, E> {
    /// A write, taken apart.
    Sent(S),
    /// An event that the application did not take.
    Event(E),
}

/// What an [`End`](super::End) keeps for the test.
pub type Kept<M> = Said<<M as Subject>::Message, <M as Machine>::Event>;

/// A line of a session's record, see [`End::record`](super::End::record).
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A write.
    Sent(ConnectionId, Transmit),
    /// An event, as [`Subject::describe`] has it.
    Event(String),
}
