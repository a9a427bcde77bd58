//! The frame decoder, fed in two ways.

use bytes::Bytes;

use super::script::Script;
use crate::config::Limits;
use crate::error::DecodeError;
use crate::mmsp::frame::{Frame, FrameDecoder};
use crate::testing::sim::Cuts;

/// Any bytes as a TCP stream. However it is cut, the same frames come out, followed by the same
/// error; frames and what is left add up to what went in.
pub fn frame(data: &[u8]) {
    let mut script = Script::new(data);
    let (options, seed) = (script.byte(), script.byte());
    let mut limits = Limits::default();
    if options & 2 != 0 {
        limits.message = 100;
    }
    let decoder = || {
        if options & 1 == 0 {
            FrameDecoder::from_server(&limits)
        } else {
            FrameDecoder::from_client(&limits)
        }
    };
    let bytes = script.rest();
    let whole = decode(decoder(), bytes, Cuts::Whole);
    let cut = decode(decoder(), bytes, Cuts::random(seed));
    assert_eq!(whole.frames, cut.frames);
    assert_eq!(whole.error, cut.error);
    if whole.error.is_none() {
        assert_eq!(whole.left, cut.left);
        let used: usize = whole.frames.iter().map(size).sum();
        assert_eq!(used.saturating_add(whole.left), bytes.len());
    }
    let mut place = 0_usize;
    for frame in &whole.frames {
        let end = place.saturating_add(size(frame));
        let from = bytes.get(place..end);
        match frame {
            Frame::Data(packet) => {
                let head = packet.head().map(|head| [&head, &packet.payload[..]].concat());
                assert_eq!(head.as_deref(), from, "a Data packet is written as it was read");
            }
            Frame::Messages(messages) => {
                assert_eq!(from.and_then(|bytes| bytes.get(32..)), Some(&messages.rest[..]));
                assert_eq!(messages.offset, (place as u64).saturating_add(32));
                assert!(messages.rest.len() <= limits.message as usize);
                split(messages.clone());
            }
        }
        place = end;
    }
}

struct Decoded {
    frames: Vec<Frame>,
    error: Option<DecodeError>,
    left: usize,
}

fn decode(mut decoder: FrameDecoder, mut bytes: &[u8], mut cuts: Cuts) -> Decoded {
    let mut frames = Vec::new();
    let mut error = None;
    while !bytes.is_empty() && error.is_none() {
        let (now, later, in_place) = cuts.cut(bytes);
        if in_place {
            let mut now = now;
            while !now.is_empty() {
                let room = decoder.recv_buffer();
                assert!(room.len() >= 1 << 10);
                // A block grows by what one packet needs, never by what was announced.
                assert!(room.len() <= 1 << 20);
                let (read, rest) = now.split_at(now.len().min(room.len()));
                if let Some(room) = room.get_mut(..read.len()) {
                    room.copy_from_slice(read);
                }
                decoder.received(read.len());
                now = rest;
            }
        } else {
            decoder.push(now);
        }
        bytes = later;
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    // Most are copied, so that blocks are written to again; some keep theirs.
                    frames.push(if in_place { frame } else { copied(frame) });
                }
                Ok(None) => break,
                Err(first) => {
                    assert_eq!(decoder.next_frame(), Err(first));
                    error = Some(first);
                    break;
                }
            }
        }
    }
    Decoded { frames, error, left: decoder.buffered() }
}

fn copied(frame: Frame) -> Frame {
    match frame {
        Frame::Data(mut packet) => {
            packet.payload = Bytes::copy_from_slice(&packet.payload);
            Frame::Data(packet)
        }
        Frame::Messages(mut messages) => {
            messages.rest = Bytes::copy_from_slice(&messages.rest);
            Frame::Messages(messages)
        }
    }
}

/// Bytes of a frame on the wire.
fn size(frame: &Frame) -> usize {
    match frame {
        Frame::Data(packet) => packet.payload.len().saturating_add(8),
        Frame::Messages(messages) => messages.rest.len().saturating_add(32),
    }
}

/// Splits all messages off: they follow each other without a gap.
fn split(mut messages: crate::mmsp::frame::Messages) {
    let whole = messages.rest.clone();
    let start = messages.offset;
    let mut used = 0_usize;
    while let Ok(Some((place, message))) = messages.split_next() {
        assert_eq!(place, start.saturating_add(used as u64));
        assert!(message.len() >= 4);
        used = used.saturating_add(message.len());
        assert!(used <= whole.len());
    }
}
