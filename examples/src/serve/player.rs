//! One connection: its socket, and how far the session on it has come.

use std::io::{self, ErrorKind, Read as _};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mms_proto::mmsp::ServerConfig;
use mms_proto::{CloseReason, ConnectionId, Input, Machine as _, Transmit};

use super::House;
use super::channel::Change;
use super::report::Who;
use super::session::{Session, Step, broken, describe};
use super::writer::Writer;

/// Bytes that are read in one turn: twice what a player has to say at once.
const READ: usize = 4 << 10;
/// Messages that are written in one turn, each by a system call of its own: many more than answers to
/// what a player says at once.
const MESSAGES: usize = 16;
/// Questions that the machine is asked in one turn. At 1,440 bytes a packet they are 256 KiB, which
/// is also what the machine sends without a look at the socket.
const STEPS: usize = 512;
/// Bytes that are read at most once a deadline has passed: far more than a player has to say.
const LATE: usize = 256 << 10;
/// How long a player may take to hang up when it was told everything. Until then the connection
/// stays open: closing it with something unread would throw away what the player has not read.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that are read, and thrown away, from one that does not hang up.
const DISCARDED: usize = 256 << 10;

/// One connection.
#[derive(Debug)]
pub(super) struct Player {
    socket: TcpStream,
    address: SocketAddr,
    since: Instant,
    stage: Stage,
    /// There may be something to read.
    readable: bool,
    /// There may be room to write.
    writable: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing came yet: there is no machine, and a connection costs little.
    Silent,
    Talking(Box<Talk>),
    /// Everything is said; the player hangs up.
    Leaving {
        until: Instant,
        discarded: usize,
    },
}

#[derive(Debug)]
struct Talk {
    session: Session,
    writer: Writer,
    /// The machine waits for input, or until `wait`.
    waits: bool,
    wait: Option<Instant>,
    over: Option<CloseReason>,
    /// Bytes read since a deadline has passed that the machine was not told of.
    read_late: usize,
    /// The server stops.
    stopped: bool,
}

/// What comes after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another turn, after the others have had theirs.
    Again,
    /// A turn when something happens to the socket, or then.
    Wait(Option<Instant>),
    /// The session is over; the connection may still say goodbye.
    Over,
    /// Nothing more: close it.
    Gone,
}

impl Player {
    /// Welcomes somebody who has just connected.
    pub(super) fn new(socket: TcpStream, address: SocketAddr, now: Instant) -> Self {
        // Without it a message would wait until the packets before it are acknowledged.
        let _ = socket.set_nodelay(true);
        let stage = Stage::Silent;
        Self { socket, address, since: now, stage, readable: false, writable: true }
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When a connection on which nothing was said is given a machine all the same, which says
    /// what is wrong with that.
    pub(super) fn silent_until(&self, handshake: Duration) -> Option<Instant> {
        self.since.checked_add(handshake)
    }

    /// The system says that something can be read or written.
    pub(super) fn notice(&mut self, readable: bool, writable: bool) {
        self.readable |= readable;
        self.writable |= writable;
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.stage, Stage::Silent)
    }

    pub(super) fn is_readable(&self) -> bool {
        self.readable
    }

    /// Begins the session; `full` tells why it is to be refused.
    pub(super) fn begin(&mut self, config: ServerConfig, full: Option<String>) {
        let session = Session::new(self.since, Who::new(self.address), config, full);
        self.stage = Stage::Talking(Box::new(Talk {
            session,
            writer: Writer::default(),
            waits: false,
            wait: None,
            over: None,
            read_late: 0,
            stopped: false,
        }));
    }

    /// Something has happened to what all players share; `false` when this one has no part in it.
    pub(super) fn on_change(&mut self, change: &Change, house: &House) -> bool {
        let Stage::Talking(talk) = &mut self.stage else { return false };
        if !talk.session.is_live() {
            return false;
        }
        talk.session.on_change(change, house);
        talk.waits = false;
        true
    }

    /// The server stops. `false` when there is nobody to tell.
    pub(super) fn stop(&mut self, now: Instant) -> bool {
        let Stage::Talking(talk) = &mut self.stage else { return false };
        talk.session.stop(now);
        talk.stopped = true;
        talk.waits = false;
        true
    }

    /// The server has stopped, and this one did not take what it was told.
    pub(super) fn give_up(&self, house: &House) {
        if let Stage::Talking(talk) = &self.stage {
            talk.session.report(house, Some("the server stopped".to_owned()));
        }
    }

    /// Does what can be done without waiting, and not too much of it. `looked` is when the system
    /// was asked which sockets can be read.
    ///
    /// Places in files are looked for in turns of the `busy` only.
    pub(super) fn turn(&mut self, busy: bool, looked: Instant, house: &House) -> Next {
        let result = match &mut self.stage {
            Stage::Silent => return Next::Wait(None),
            Stage::Leaving { .. } => return self.discard(looked),
            Stage::Talking(talk) => {
                let mut line = Line {
                    socket: &mut self.socket,
                    readable: &mut self.readable,
                    writable: &mut self.writable,
                };
                talk.turn(&mut line, busy, looked, house)
            }
        };
        match result {
            Ok(next @ (Next::Again | Next::Wait(_))) => next,
            Ok(_) => self.leave(looked, house),
            Err(error) => {
                if let Stage::Talking(talk) = &self.stage {
                    talk.session.report(house, broken(&error, house.options.stall));
                }
                Next::Gone
            }
        }
    }

    /// The session is over, and everything is written.
    fn leave(&mut self, now: Instant, house: &House) -> Next {
        let Stage::Talking(talk) = &self.stage else { return Next::Gone };
        let error = talk.over.as_ref().and_then(describe);
        let error = error.or_else(|| talk.stopped.then(|| "the server stopped".to_owned()));
        talk.session.report(house, error);
        let hung_up = talk.over == Some(CloseReason::Peer);
        if hung_up || talk.stopped || self.socket.shutdown(Shutdown::Write).is_err() {
            return Next::Gone;
        }
        let until = now.checked_add(FAREWELL).unwrap_or(now);
        self.stage = Stage::Leaving { until, discarded: 0 };
        Next::Over
    }

    /// Reads until the player hangs up, or has had its time.
    fn discard(&mut self, looked: Instant) -> Next {
        let Stage::Leaving { until, discarded } = &mut self.stage else { return Next::Gone };
        let mut bytes = [0; 4 << 10];
        for _ in 0..READ / bytes.len() {
            if !self.readable {
                break;
            }
            match self.socket.read(&mut bytes) {
                Ok(0) => return Next::Gone,
                Ok(count) => *discarded = discarded.saturating_add(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(_) => return Next::Gone,
            }
        }
        if *until <= looked || *discarded > DISCARDED {
            Next::Gone
        } else if self.readable {
            Next::Again
        } else {
            Next::Wait(Some(*until))
        }
    }
}

/// What is left of a turn.
struct Left {
    /// Questions to the machine.
    steps: usize,
    /// Messages to write.
    messages: usize,
}

/// A socket and what is known of it.
struct Line<'a> {
    socket: &'a mut TcpStream,
    readable: &'a mut bool,
    writable: &'a mut bool,
}

impl Talk {
    fn turn(
        &mut self,
        line: &mut Line<'_>,
        busy: bool,
        looked: Instant,
        house: &House,
    ) -> io::Result<Next> {
        let (mut read, mut timed_out, mut works) = (READ, false, busy);
        let mut left = Left { steps: STEPS, messages: MESSAGES };
        loop {
            // What waits is written before the machine is asked for more: the back pressure.
            if !self.flush(line, looked, house)? {
                let stuck = self.writer.stuck_since().unwrap_or(looked);
                return Ok(Next::Wait(stuck.checked_add(house.options.stall)));
            }
            if self.over.is_some() {
                return Ok(Next::Over);
            }
            if !self.waits {
                if !self.ask(&mut left, house) {
                    return Ok(Next::Again);
                }
                continue;
            }
            if self.session.waits_until().is_some_and(|until| until <= looked) {
                self.session.wait_no_longer(looked, house);
                self.waits = false;
                continue;
            }
            let late = self.wait.is_some_and(|wait| wait <= looked);
            // A player that floods us is never silent, and its time runs out all the same.
            let flooded = late && self.read_late >= LATE;
            if *line.readable && !flooded {
                if read == 0 {
                    return Ok(Next::Again);
                }
                // `None` is an answer that the machine waits for, or a socket that was empty.
                if let Some(count) = self.read(line, late) {
                    read = read.saturating_sub(count.max(1));
                    continue;
                }
            }
            // All that has arrived was heard: of several play commands the last one is left.
            if self.session.has_work() && (!late || timed_out) {
                if !std::mem::take(&mut works) {
                    return Ok(Next::Again);
                }
                self.session.work(house);
                self.waits = false;
                continue;
            }
            if !late {
                let until = [self.wait, self.session.waits_until()].into_iter().flatten().min();
                return Ok(Next::Wait(until));
            }
            if timed_out {
                return Ok(Next::Again);
            }
            // The system was asked after the deadline had passed, and there was nothing to read.
            timed_out = true;
            self.read_late = 0;
            self.waits = false;
            let _ = self.session.server.handle_input(looked, Input::Timeout);
        }
    }

    /// Reads once, straight into the machine.
    fn read(&mut self, line: &mut Line<'_>, late: bool) -> Option<usize> {
        let server = &mut self.session.server;
        let room = server.recv_buffer(ConnectionId::MAIN);
        if room.is_empty() {
            return None;
        }
        let read = loop {
            match line.socket.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let now = Instant::now();
        // An error of the machine is its last event.
        let count = match read {
            Ok(count) if count > 0 => {
                let _ = server.received(now, ConnectionId::MAIN, count);
                count
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                *line.readable = false;
                return None;
            }
            // A reset is an end like any other (T47).
            _ => {
                *line.readable = false;
                let _ = server.handle_input(now, Input::tcp_closed());
                0
            }
        };
        self.read_late = if late { self.read_late.saturating_add(count) } else { 0 };
        self.waits = false;
        Some(count)
    }

    /// Asks the machine until it waits, or there is something to write; `false` when this player
    /// has had its turn.
    fn ask(&mut self, left: &mut Left, house: &House) -> bool {
        loop {
            let Some(steps) = left.steps.checked_sub(1) else { return false };
            left.steps = steps;
            match self.session.step(house) {
                Step::Write(transmit) => {
                    if matches!(transmit, Transmit::Message(_)) {
                        left.messages = left.messages.saturating_sub(1);
                        left.steps = left.steps.min(left.messages);
                    }
                    self.writer.push(transmit);
                    if self.writer.is_full() {
                        return true;
                    }
                }
                Step::More => {}
                Step::Heavy => left.steps = 0,
                Step::Wait(until) => {
                    (self.waits, self.wait) = (true, until);
                    return true;
                }
                Step::Over(reason) => {
                    self.over = Some(reason);
                    return true;
                }
            }
        }
    }

    /// Writes what waits; `true` when all of it is written.
    fn flush(&mut self, line: &mut Line<'_>, looked: Instant, house: &House) -> io::Result<bool> {
        if self.writer.is_empty() {
            return Ok(true);
        }
        let stuck = self.writer.stuck_since();
        let stalled =
            stuck.is_some_and(|since| looked.duration_since(since) >= house.options.stall);
        if !*line.writable && !stalled {
            return Ok(false);
        }
        let done = self.writer.flush(line.socket, looked)?;
        *line.writable = done;
        if stalled && self.writer.stuck_since() == stuck {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(done)
    }
}
