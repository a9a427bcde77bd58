//! A machine and a peer that wishes ill: frames that are released one after the other, each
//! changed in some way, and what has to be true whatever they hold.

pub(crate) mod change;
mod client;
mod fields;
mod floods;
mod memory;
mod server;
pub(crate) mod victim;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_proto::testing::sim::{App, End, Subject, data_packet, packet_of};
use mms_proto::{CloseReason, Error, Input, Layer};

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

/// Steps that no session needs, and outputs of one input: a frame of 64 KiB can hold 10,000 odd entries.
const MANY: usize = 30_000;

/// Plays the frames to the machine, then says nothing more; hangs up when the machine does not
/// wait for anything. Insists on everything that has to be true.
pub(crate) fn run<M: Subject, A: App<M>>(
    mut end: End<M, A>,
    frames: &[Frame],
    feed: impl Fn(&mut dyn FnMut(&[u8], Duration), &[u8]),
) -> Outcome {
    let begin = end.now;
    end.most = MANY;
    end.poll();
    let mut frames = frames.iter().peekable();
    let mut hung_up = false;
    for _ in 0..MANY {
        if let Some(reason) = end.closed.clone() {
            let (after, outputs) = (end.now - begin, end.outputs);
            end.stays_closed();
            names_what_was_wrong(&reason);
            return Outcome { reason, after, outputs };
        }
        if let Some(frame) = frames.next_if(|frame| frame.after <= end.written) {
            feed(&mut |bytes, pause| read(&mut end, bytes, pause), &frame.bytes);
        } else if let Some(at) = end.deadline {
            end.now = end.now.max(at);
            let _ = end.input(Input::Timeout);
        } else {
            assert!(!hung_up, "a session without an end");
            hung_up = true;
            end.hang_up();
        }
    }
    panic!("it never ends");
}

/// Feeds bytes, and lets some time pass after them.
fn read<M: Subject, A: App<M>>(end: &mut End<M, A>, bytes: &[u8], pause: Duration) {
    if end.closed.is_none() {
        let _ = end.input(Input::tcp(bytes));
    }
    if end.closed.is_none() && !pause.is_zero() {
        end.pass(pause);
    }
}

/// Frames as they are.
pub(crate) fn whole(feed: &mut dyn FnMut(&[u8], Duration), bytes: &[u8]) {
    feed(bytes, Duration::ZERO);
}

fn names_what_was_wrong(reason: &CloseReason) {
    if let CloseReason::Failed(Error::Decode(error)) = reason {
        assert!(!error.field.is_empty(), "{error}");
        let layers = matches!(error.layer, Layer::Frame | Layer::Prefix | Layer::Message(_));
        assert!(layers, "{error}");
    }
}

/// A message as a frame.
pub(crate) fn message(after: usize, encode: impl FnOnce(&mut BytesMut)) -> Frame {
    Frame { after, bytes: packet_of(encode) }
}

/// A Data packet as a frame.
pub(crate) fn data(after: usize, location_id: u32, label: u8, flags: u8, payload: Bytes) -> Frame {
    Frame { after, bytes: data_packet(location_id, label, flags, payload) }
}
