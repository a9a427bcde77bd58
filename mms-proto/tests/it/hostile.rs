//! A machine and a peer that wishes ill: frames that are released one after the other, each
//! changed in some way, and what has to be true whatever they hold.

pub(crate) mod change;
mod client;
mod fields;
mod floods;
mod memory;
mod server;
pub(crate) mod victim;

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use mms_proto::mmsp::frame::{DataPacket, MessageWriter};
use mms_proto::{CloseReason, Error, Input, Layer};

/// What a machine did when it was asked.
#[derive(Debug)]
pub(crate) enum Did {
    /// It wrote one control message or Data packet.
    Wrote,
    Told,
    Closed(CloseReason),
    Waits(Option<Instant>),
}

/// A client or a server together with its application.
pub(crate) trait Machine {
    fn input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error>;
    fn step(&mut self, now: Instant) -> Did;
}

/// One packet of the peer, sent when the machine has written so many times.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) after: usize,
    pub(crate) bytes: Bytes,
}

/// How a session went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) reason: CloseReason,
    pub(crate) after: Duration,
    /// Outputs in all.
    pub(crate) outputs: usize,
}

/// Outputs that one input may lead to: a frame of 64 KiB can hold 10,000 odd entries.
const MANY: usize = 30_000;

/// Plays the frames to the machine, then says nothing more; hangs up when the machine does not
/// wait for anything. Insists on everything that has to be true.
pub(crate) fn run(
    machine: &mut impl Machine,
    begin: Instant,
    frames: &[Frame],
    feed: impl Fn(&mut dyn FnMut(&[u8], Duration), &[u8]),
) -> Outcome {
    let mut session = Session { machine, now: begin, writes: 0, outputs: 0, reason: None };
    let mut frames = frames.iter();
    let mut next = frames.next();
    let mut hung_up = false;
    let mut deadline = session.poll();
    for _ in 0..MANY {
        if let Some(reason) = session.reason.take() {
            let after = session.now - begin;
            session.stays_closed(&reason);
            return Outcome { reason, after, outputs: session.outputs };
        }
        if let Some(frame) = next.filter(|frame| frame.after <= session.writes) {
            next = frames.next();
            feed(&mut |bytes, pause| deadline = session.feed(bytes, pause, deadline), &frame.bytes);
        } else if let Some(at) = deadline {
            session.now = session.now.max(at);
            let _ = session.machine.input(session.now, Input::Timeout);
            deadline = session.poll();
        } else {
            assert!(!hung_up, "a session without an end");
            hung_up = true;
            let _ = session.machine.input(session.now, Input::tcp_closed());
            deadline = session.poll();
        }
    }
    panic!("it never ends");
}

/// Frames as they are.
pub(crate) fn whole(feed: &mut dyn FnMut(&[u8], Duration), bytes: &[u8]) {
    feed(bytes, Duration::ZERO);
}

struct Session<'a, M> {
    machine: &'a mut M,
    now: Instant,
    writes: usize,
    outputs: usize,
    reason: Option<CloseReason>,
}

impl<M: Machine> Session<'_, M> {
    /// Feeds bytes, and lets some time pass after them.
    fn feed(
        &mut self,
        bytes: &[u8],
        pause: Duration,
        deadline: Option<Instant>,
    ) -> Option<Instant> {
        if self.reason.is_some() {
            return deadline;
        }
        let _ = self.machine.input(self.now, Input::tcp(bytes));
        let mut deadline = self.poll();
        let end = self.now + pause;
        while let Some(at) = deadline.filter(|&at| at <= end && at > self.now) {
            self.now = at;
            let _ = self.machine.input(self.now, Input::Timeout);
            deadline = self.poll();
        }
        self.now = end;
        deadline
    }

    fn poll(&mut self) -> Option<Instant> {
        for _ in 0..MANY {
            self.outputs += 1;
            match self.machine.step(self.now) {
                Did::Wrote => self.writes += 1,
                Did::Told => {}
                Did::Closed(reason) => {
                    assert_eq!(self.reason.replace(reason), None, "closed twice");
                }
                Did::Waits(deadline) => return deadline,
            }
        }
        panic!("it never waits");
    }

    /// A session that is over says so, again and again, and does nothing.
    fn stays_closed(&mut self, reason: &CloseReason) {
        let expected = match reason {
            CloseReason::Failed(error) => {
                check(error);
                Err(error.clone())
            }
            _ => Ok(()),
        };
        for input in [Input::tcp(b"more"), Input::Timeout, Input::tcp_closed()] {
            assert_eq!(self.machine.input(self.now, input), expected);
            assert!(matches!(self.machine.step(self.now), Did::Waits(None)));
        }
    }
}

/// An error that names what was wrong.
fn check(error: &Error) {
    if let Error::Decode(error) = error {
        assert!(!error.field.is_empty(), "{error}");
        match error.layer {
            Layer::Frame | Layer::Prefix | Layer::Message(_) => {}
            _ => panic!("{error}"),
        }
    }
    let text = error.to_string();
    assert!(text.len() > 10 && text.len() < 300, "{text}");
}

/// A message as a frame.
pub(crate) fn message(after: usize, encode: impl FnOnce(&mut BytesMut)) -> Frame {
    Frame { after, bytes: MessageWriter::default().write(0, encode) }
}

/// A Data packet as a frame.
pub(crate) fn data(after: usize, location_id: u32, label: u8, flags: u8, payload: Bytes) -> Frame {
    let packet = DataPacket::new(location_id, label, flags, payload);
    let bytes = [&packet.head().unwrap()[..], &packet.payload].concat().into();
    Frame { after, bytes }
}
