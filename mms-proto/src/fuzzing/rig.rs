//! What drives one machine: keeps the rules of a driver, and checks those of the machine.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::config::Limits;
use crate::error::{Error, Phase, StateError};
use crate::event::{CloseReason, Stats};
use crate::io::{ConnectionId, Input, Output, Transmit};
use crate::machine::Machine;

/// A machine under test.
pub(super) trait Subject: Machine<Event: Debug> {
    /// The reason in the last event.
    fn reason(event: &Self::Event) -> Option<&CloseReason>;
    /// What to compare of an event; nothing for one that depends on how bytes are cut.
    fn describe(event: &Self::Event) -> Option<String>;
    /// Checks one message that the machine sends.
    fn check_sent(packet: &[u8]);
}

/// What an application does with events.
pub(super) trait App<M: Subject> {
    fn event(&mut self, machine: &mut M, now: Instant, event: M::Event);
}

/// Something that a machine said.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Sent(Transmit),
    Event(String),
}

/// Everything that must not depend on how bytes were cut.
#[derive(Debug, PartialEq)]
pub(super) struct Summary {
    said: Vec<Said>,
    wait: Option<Instant>,
    phase: Phase,
    stats: Stats,
}

/// How bytes are handed to a machine.
#[derive(Debug, Clone)]
pub(super) enum Cuts {
    /// As they are.
    Whole,
    /// In small pieces, this way and that.
    Random(u32),
}

impl Cuts {
    pub(super) fn random(seed: u8) -> Self {
        Self::Random(u32::from(seed).wrapping_mul(0x9E37_79B9) | 1)
    }

    /// The next piece, the rest, and whether to read it into the machine's own buffer.
    pub(super) fn cut<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8], bool) {
        let Self::Random(state) = self else {
            return (bytes, &[], false);
        };
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        let [kind, size, in_place, _] = state.to_le_bytes();
        let size = match kind % 4 {
            0 => 1,
            1 => usize::from(size % 16),
            2 => usize::from(size),
            // The most that the room for a read is sure to hold.
            _ => usize::from(size) << 6,
        };
        let (now, later) = bytes.split_at(size.clamp(1, bytes.len().max(1)).min(bytes.len()));
        (now, later, in_place & 1 != 0)
    }
}

/// A machine with its application and its driver.
pub(super) struct Rig<M: Subject, A> {
    pub(super) machine: M,
    pub(super) app: A,
    pub(super) now: Instant,
    pub(super) said: Vec<Said>,
    pub(super) closed: Option<CloseReason>,
    wait: Option<Instant>,
    cuts: Cuts,
    /// Bytes that may still arrive: fewer than may wait undecoded, because whether more are
    /// refused or not read depends on how they are handed over.
    pub(super) room: usize,
    /// Outputs that may still come: some for each thing that happened.
    budget: usize,
}

impl<M: Subject, A: App<M>> Rig<M, A> {
    pub(super) fn new(now: Instant, machine: M, app: A, cuts: Cuts) -> Self {
        let mut rig = Self {
            machine,
            app,
            now,
            said: Vec::new(),
            closed: None,
            wait: None,
            cuts,
            room: 1 << 20,
            budget: 4096,
        };
        rig.poll();
        rig
    }

    pub(super) fn summary(self) -> Summary {
        let (phase, stats) = (self.machine.phase(), self.machine.stats());
        Summary { said: self.said, wait: self.wait, phase, stats }
    }

    /// Bytes arrive.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
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
                let piece = piece.get(..room.len()).unwrap_or(piece);
                if let Some(room) = room.get_mut(..piece.len()) {
                    room.copy_from_slice(piece);
                }
                count = piece.len();
                self.machine.received(self.now, ConnectionId::MAIN, count)
            } else {
                self.machine.handle_input(self.now, Input::tcp(piece))
            };
            self.took(result, count.saturating_mul(8));
            bytes = bytes.get(count..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.checked_add(time).unwrap_or(self.now);
        self.timeout();
    }

    /// The deadline passes, and whatever is due with it. That ends: a machine that always wants to
    /// be asked at once again would keep its driver busy.
    pub(super) fn pass_deadline(&mut self) {
        for _ in 0..16 {
            match self.wait {
                Some(deadline) => self.now = self.now.max(deadline),
                None => return,
            }
            let said = self.said.len();
            self.timeout();
            if self.said.len() > said || self.wait.is_none_or(|deadline| deadline > self.now) {
                return;
            }
        }
        unreachable!("it wants to be asked at once for ever");
    }

    pub(super) fn peer_closes(&mut self) {
        let result = self.machine.handle_input(self.now, Input::tcp_closed());
        self.took(result, 8);
    }

    fn timeout(&mut self) {
        let result = self.machine.handle_input(self.now, Input::Timeout);
        self.took(result, 8);
    }

    /// A command was given. One that fails changes nothing.
    pub(super) fn commanded(&mut self, result: Result<(), StateError>) {
        let said = self.said.len();
        let wait = self.wait;
        self.budget = self.budget.saturating_add(512);
        self.poll();
        if result.is_err() {
            assert_eq!(self.said.len(), said, "{result:?} and yet outputs");
            assert_eq!(self.wait, wait, "{result:?} and yet another deadline");
        }
        if self.closed.is_some() {
            assert_eq!(self.machine.phase(), Phase::Closed);
        }
    }

    fn took(&mut self, result: Result<(), Error>, outputs: usize) {
        match &self.closed {
            Some(CloseReason::Failed(error)) => assert_eq!(result, Err(error.clone())),
            _ => assert_eq!(result, Ok(())),
        }
        self.budget = self.budget.saturating_add(outputs);
        self.poll();
    }

    pub(super) fn poll(&mut self) {
        let before = self.machine.stats();
        loop {
            assert!(self.budget > 0, "outputs without an end");
            self.budget = self.budget.saturating_sub(1);
            let output = self.machine.poll_output();
            if let (Some(reason), Output::Transmit { .. } | Output::Event(_)) =
                (&self.closed, &output)
            {
                unreachable!("{output:?} after the end, {reason:?}");
            }
            match output {
                Output::Transmit { connection, data: transmit } => {
                    assert!(connection.is_main());
                    check(&transmit, M::check_sent);
                    self.said.push(Said::Sent(transmit));
                }
                Output::Event(event) => {
                    self.closed = M::reason(&event).cloned();
                    self.said.extend(M::describe(&event).map(Said::Event));
                    self.app.event(&mut self.machine, self.now, event);
                }
                Output::Wait(deadline) => {
                    self.wait = deadline;
                    break;
                }
                other @ (Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_)) => {
                    unreachable!("{other:?} of a session over one connection")
                }
            }
        }
        // Asking again changes nothing.
        match self.machine.poll_output() {
            Output::Wait(deadline) => assert_eq!(deadline, self.wait),
            other => unreachable!("{other:?} behind Wait"),
        }
        assert_eq!(self.closed.is_some(), self.machine.phase() == Phase::Closed);
        if self.closed.is_some() {
            assert_eq!(self.wait, None, "nothing is waited for after the end");
        }
        let after = self.machine.stats();
        assert!(before.packets <= after.packets && before.bytes <= after.bytes);
        assert!(before.dropped <= after.dropped && before.deviations <= after.deviations);
    }
}

fn check(transmit: &Transmit, message: impl FnOnce(&[u8])) {
    match transmit {
        Transmit::Message(bytes) => message(bytes),
        Transmit::Data { head, body, tail } => {
            assert!(tail.is_empty());
            let [.., low, high] = &head[..] else { unreachable!("an empty head") };
            let size = usize::from(u16::from_le_bytes([*low, *high]));
            assert_eq!(size, body.len().saturating_add(8));
            assert!(!body.is_empty());
        }
    }
}

/// Runs a script twice, with its bytes whole and cut, and compares what the machine said.
pub(super) fn compare(seed: u8, run: impl Fn(Instant, Cuts) -> Summary) {
    let start = epoch();
    assert_eq!(run(start, Cuts::Whole), run(start, Cuts::random(seed)));
}

/// Limits that a script of a few KiB can reach.
pub(super) fn small_limits() -> Limits {
    Limits {
        message: 512,
        header: 300,
        buffered: 512,
        queued: 512,
        challenges: 1,
        pongs_per_second: 2,
    }
}

/// The beginning of all time.
#[expect(clippy::disallowed_methods, reason = "only differences to it count")]
pub(super) fn epoch() -> Instant {
    Instant::now()
}
