//! The simulation that tests and fuzz targets share, for every protocol: one end of a
//! session with its application, a clock, bytes that arrive in any pieces; and a network between
//! two ends ([`Net`]).
//!
//! [`End`] keeps the rules of a driver and checks the promises of [`Machine`](crate::Machine) at each step: nothing
//! follows the last event, an error is an event first, nothing is waited for after the end, outputs
//! come to an end, and asking again changes nothing.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not as it should be fails the test"
)]

mod cuts;
mod mmsp;
mod net;
mod subject;

use std::fmt::Debug;
use std::mem::take;
use std::time::{Duration, Instant};

use crate::error::{Error, Phase, StateError};
use crate::event::CloseReason;
use crate::io::{ConnectionId, Input, Output, Transmit};

pub use cuts::Cuts;
pub use mmsp::{MmspPeer, Wire, data_packet, packet_of};
pub use net::{Net, Side};
pub use subject::{App, Kept, Line, Said, Subject, Wrote};

/// Number of outputs or steps that no input needs: an endless loop.
const MANY: usize = 200_000;

/// Any moment: only differences to it count.
#[expect(clippy::disallowed_methods, reason = "the one look at a clock")]
pub fn epoch() -> Instant {
    Instant::now()
}

/// A machine with its application, its driver, and the peer that reads what it writes.
#[derive(Debug)]
pub struct End<M: Subject, A = ()> {
    /// The machine.
    pub machine: M,
    /// Its application.
    pub app: A,
    /// The time.
    pub now: Instant,
    /// What the last [`Output::Wait`] said.
    pub deadline: Option<Instant>,
    /// The reason in the last event.
    pub closed: Option<CloseReason>,
    /// What the peer remembers.
    pub peer: M::Peer,
    /// How bytes arrive.
    pub cuts: Cuts,
    /// Bytes that may still arrive; those after them are lost.
    pub room: usize,
    /// What was said and not taken by the application, since the test looked at it last.
    pub said: Vec<Kept<M>>,
    /// All that was said, for those who switch it on.
    pub record: Option<Vec<Line>>,
    /// Outputs that are the network's business and were not collected, for those who switch it on.
    pub net: Option<Vec<Output<M::Event>>>,
    /// Writes since the test looked at them last, if no network takes them.
    pub writes: Vec<Transmit>,
    /// Number of writes so far.
    pub written: usize,
    /// Number of outputs so far.
    pub outputs: usize,
    /// Outputs that may still come, where that is limited: some for each thing that happened.
    pub budget: Option<usize>,
    /// The driver is late: deadlines may have passed.
    pub late: bool,
    /// Nothing is expected to fail: what reaches a session after its failure fails the test.
    pub sound: bool,
    /// Outputs that one input may lead to.
    pub most: usize,
}

impl<M: Subject, A: App<M>> End<M, A> {
    /// A machine that was just made. Poll it, or hand it input.
    pub fn new(now: Instant, machine: M, app: A) -> Self {
        Self {
            machine,
            app,
            now,
            deadline: None,
            closed: None,
            peer: M::Peer::default(),
            cuts: Cuts::Whole,
            room: usize::MAX,
            said: Vec::new(),
            record: None,
            net: None,
            writes: Vec::new(),
            written: 0,
            outputs: 0,
            budget: None,
            late: false,
            sound: false,
            most: MANY,
        }
    }

    /// Bytes arrive on the main connection, cut as [`Self::cuts`] says.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        let Some(room) = self.room.checked_sub(bytes.len()) else { return };
        self.room = room;
        loop {
            let (piece, _, in_place) = self.cuts.cut(bytes);
            let mut count = piece.len();
            let result = if in_place {
                let room = self.machine.recv_buffer(ConnectionId::MAIN);
                if room.is_empty() {
                    // A driver does not read now.
                    return;
                }
                assert!(room.len() <= 4 << 20);
                count = count.min(room.len());
                room[..count].copy_from_slice(&piece[..count]);
                self.machine.received(self.now, ConnectionId::MAIN, count)
            } else {
                self.machine.handle_input(self.now, Input::tcp(piece))
            };
            self.took(&result, count.saturating_mul(8));
            self.insist(&result);
            bytes = &bytes[count..];
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// One input, and everything that comes of it.
    ///
    /// # Errors
    /// What the machine says, which was an event before.
    pub fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        let result = self.machine.handle_input(self.now, input);
        self.took(&result, 8);
        result
    }

    /// The peer closes the main connection.
    pub fn hang_up(&mut self) {
        let result = self.input(Input::tcp_closed());
        self.insist(&result);
    }

    /// Time passes as a driver sees it: each deadline is kept to the nanosecond.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..MANY {
            let Some(deadline) = self.deadline.filter(|&deadline| deadline <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(deadline);
            let result = self.input(Input::Timeout);
            self.insist(&result);
        }
        panic!("time does not pass");
    }

    /// The driver was busy for so long.
    pub fn oversleep(&mut self, time: Duration) {
        self.now = self.now.checked_add(time).unwrap_or(self.now);
        let _ = self.input(Input::Timeout);
    }

    /// The deadline passes, and whatever is due with it. That ends: a machine that always wants to
    /// be asked at once again would keep its driver busy.
    pub fn pass_deadline(&mut self) {
        for _ in 0..16 {
            let Some(deadline) = self.deadline else { return };
            self.now = self.now.max(deadline);
            let outputs = self.outputs;
            let _ = self.input(Input::Timeout);
            if self.outputs > outputs || self.deadline.is_none_or(|deadline| deadline > self.now) {
                return;
            }
        }
        panic!("it wants to be asked at once for ever");
    }

    /// The peer says nothing any more. The time until the session is over.
    pub fn ends_after(&mut self) -> Duration {
        let begin = self.now;
        for _ in 0..MANY {
            if self.closed.is_some() {
                let time = self.now - begin;
                self.stays_closed();
                return time;
            }
            let deadline = self.deadline.expect("a session without an end");
            self.now = self.now.max(deadline);
            let _ = self.input(Input::Timeout);
        }
        panic!("it never ends");
    }

    /// A session that is over says so, again and again, and does nothing.
    pub fn stays_closed(&mut self) {
        assert!(self.closed.is_some());
        assert_eq!((self.machine.phase(), self.deadline), (Phase::Closed, None));
        if let Some(CloseReason::Failed(error)) = &self.closed {
            let text = error.to_string();
            assert!(text.len() > 10 && text.len() < 300, "{text}");
        }
        let outputs = self.outputs;
        for input in [Input::tcp(b"more"), Input::Timeout, Input::tcp_closed()] {
            self.now += Duration::from_secs(1000);
            let _ = self.input(input);
        }
        assert_eq!(self.outputs, outputs, "something after the end");
    }

    /// A command whose outputs are not looked at yet.
    pub fn give<T>(&mut self, command: impl FnOnce(&mut M, Instant) -> T) -> T {
        command(&mut self.machine, self.now)
    }

    /// A command, and everything that comes of it.
    pub fn command<T>(&mut self, command: impl FnOnce(&mut M, Instant) -> T) -> T {
        let result = self.give(command);
        self.poll();
        result
    }

    /// A command was given to the machine. One that fails changes nothing.
    pub fn commanded(&mut self, result: Result<(), StateError>) {
        let (outputs, deadline) = (self.outputs, self.deadline);
        self.grant(512);
        self.poll();
        if result.is_err() {
            assert_eq!(self.outputs, outputs, "{result:?} and yet outputs");
            assert_eq!(self.deadline, deadline, "{result:?} and yet another deadline");
        }
    }

    /// What was written since the last look.
    pub fn take_sent(&mut self) -> Vec<M::Message> {
        self.take_if(|said| match said {
            Said::Sent(message) => Ok(message),
            event => Err(event),
        })
    }

    /// What happened since the last look.
    pub fn take_events(&mut self) -> Vec<M::Event> {
        self.take_if(|said| match said {
            Said::Event(event) => Ok(event),
            sent => Err(sent),
        })
    }

    fn take_if<T>(&mut self, wanted: impl Fn(Kept<M>) -> Result<T, Kept<M>>) -> Vec<T> {
        let (mut taken, mut rest) = (Vec::new(), Vec::new());
        for said in take(&mut self.said) {
            match wanted(said) {
                Ok(value) => taken.push(value),
                Err(said) => rest.push(said),
            }
        }
        self.said = rest;
        taken
    }

    fn insist(&self, result: &Result<(), Error>) {
        assert!(!self.sound || result.is_ok(), "the session has failed: {result:?}");
    }

    fn grant(&mut self, outputs: usize) {
        self.budget = self.budget.map(|budget| budget.saturating_add(outputs));
    }

    fn took(&mut self, result: &Result<(), Error>, outputs: usize) {
        match &self.closed {
            Some(CloseReason::Failed(error)) => assert_eq!(*result, Err(error.clone())),
            _ => assert_eq!(*result, Ok(()), "an error is an event first"),
        }
        self.grant(outputs);
        self.poll();
    }

    /// Everything until the machine waits, or the socket is full.
    pub fn poll(&mut self) {
        let before = self.machine.stats();
        let first = self.outputs;
        loop {
            assert!(
                self.outputs - first < self.most && self.budget != Some(0),
                "outputs without an end"
            );
            let output = self.machine.poll_output();
            if let Output::Wait(deadline) = output {
                self.deadline = deadline;
                break;
            }
            self.budget = self.budget.map(|budget| budget - 1);
            self.outputs += 1;
            assert_eq!(self.closed, None, "{output:?} after the end");
            if !self.output(output) {
                return;
            }
        }
        // Asking again changes nothing.
        let again = self.machine.poll_output();
        assert!(matches!(again, Output::Wait(at) if at == self.deadline), "{again:?} after Wait");
        assert_eq!(self.closed.is_some(), self.machine.phase() == Phase::Closed);
        assert!(self.closed.is_none() || self.deadline.is_none(), "it waits after the end");
        let after = self.machine.stats();
        assert!(before.packets <= after.packets && before.bytes <= after.bytes);
        assert!(before.dropped <= after.dropped && before.deviations <= after.deviations);
        let past = self.deadline.is_some_and(|at| at < self.now);
        assert!(self.late || !past, "a deadline in the past");
        self.app.waits(self.now, self.deadline);
    }

    /// Hands one output on. False when the socket is full.
    fn output(&mut self, output: Output<M::Event>) -> bool {
        match output {
            Output::Transmit { connection, data } => {
                self.written += 1;
                if let Some(record) = &mut self.record {
                    record.push(Line::Sent(connection, data.clone()));
                }
                let message = M::read(&mut self.peer, &data);
                let wrote = self.app.wrote(self.now, &message);
                match &mut self.net {
                    Some(net) => net.push(Output::Transmit { connection, data }),
                    None if wrote == Wrote::Keep => {
                        self.writes.push(data);
                        self.said.push(Said::Sent(message));
                    }
                    None => {}
                }
                wrote != Wrote::Full
            }
            Output::Event(event) => {
                self.closed = M::reason(&event).cloned();
                if let Some(record) = &mut self.record {
                    record.extend(M::describe(&event).map(Line::Event));
                }
                let event = self.app.event(&mut self.machine, self.now, event);
                self.said.extend(event.map(Said::Event));
                true
            }
            other => {
                let net = self.net.as_mut().expect("a session over one connection");
                net.push(other);
                true
            }
        }
    }
}
