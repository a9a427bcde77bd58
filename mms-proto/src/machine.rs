//! The calls that every protocol machine answers.

use std::time::Instant;

use crate::error::{Error, Phase};
use crate::event::Stats;
use crate::io::{ConnectionId, Input, Output};

/// One end of one session: a protocol without sockets, clock or random source.
///
/// A driver is written against this trait and works with every protocol. After each call that
/// takes `now`, poll until [`Output::Wait`]:
///
/// ```
/// use mms_proto::{ConnectionId, Error, Input, Machine, Output};
/// use std::time::Instant;
///
/// /// Feeds bytes of the main connection, and returns what to write to it with the next deadline.
/// fn turn<M: Machine>(
///     machine: &mut M,
///     now: Instant,
///     read: &[u8],
///     mut on_event: impl FnMut(&mut M, M::Event),
/// ) -> Result<(Vec<u8>, Option<Instant>), Error> {
///     machine.handle_input(now, Input::tcp(read))?;
///     let mut written = Vec::new();
///     loop {
///         match machine.poll_output() {
///             Output::Transmit { connection: ConnectionId::MAIN, data } => {
///                 written.extend_from_slice(&data.to_bytes());
///             }
///             Output::Event(event) => on_event(machine, event),
///             Output::Wait(deadline) => return Ok((written, deadline)),
///             // A session over one TCP connection alone has no others.
///             other => panic!("{:?}", std::mem::discriminant(&other)),
///         }
///     }
/// }
/// ```
pub trait Machine {
    /// What the application is told.
    type Event;

    /// Takes in what happened. Poll until [`Output::Wait`] afterwards.
    ///
    /// # Errors
    /// When the session has failed before: the error that its last event named. The call that brings
    /// the failure returns `Ok`, and its event follows all that came before it. After any other end
    /// calls return `Ok` and do nothing.
    fn handle_input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error>;

    /// Where a driver may read to straight from the socket of a connection, initialised; follow
    /// with [`received`](Self::received). It is empty when too much waits to be decoded already,
    /// while the application owes an answer: read no more then, an empty read looks like the end.
    /// It is empty for a connection that is not the session's.
    ///
    /// A packet that is kept keeps the whole buffer alive that it was read into, 64 KiB.
    fn recv_buffer(&mut self, connection: ConnectionId) -> &mut [u8];

    /// The first `count` bytes of [`recv_buffer`](Self::recv_buffer) were read; more than it had
    /// are cut. Poll until [`Output::Wait`] afterwards.
    ///
    /// # Errors
    /// As [`handle_input`](Self::handle_input).
    fn received(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        count: usize,
    ) -> Result<(), Error>;

    /// What to do next. Ask again until it says [`Output::Wait`]; ask for the output after an
    /// [`Output::Transmit`] when that one is written, which is the back pressure.
    fn poll_output(&mut self) -> Output<Self::Event>;

    /// Where the session stands. [`Phase::Closed`] once it is over: outputs may still wait, so look at
    /// it after [`Output::Wait`]. The driver closes all connections then; no [`Output::Close`] comes
    /// for the main one.
    #[must_use]
    fn phase(&self) -> Phase;

    /// Numbers about the session so far.
    #[must_use]
    fn stats(&self) -> Stats;
}
