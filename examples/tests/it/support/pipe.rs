//! Live content that a test writes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};

use mms_examples::serve::Options;
use mms_examples::serve::feed::FeedSource;

use super::served::Served;

/// A pipe between two threads.
struct Pipe {
    pieces: Receiver<Vec<u8>>,
    rest: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.pieces.recv().unwrap_or_default();
        }
        let count = self.rest.len().min(room.len());
        room[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

/// What a server of a live stream is told, and where to write the stream.
pub(crate) fn piped() -> (Options, Sender<Vec<u8>>) {
    let (sender, pieces) = channel();
    let pipe = Pipe { pieces, rest: Vec::new() };
    (Options::live("live", FeedSource::Reader(Box::new(pipe))), sender)
}

/// A server of a live stream, and where to write the stream.
pub(crate) fn broadcast() -> (Served, Sender<Vec<u8>>) {
    let (options, sender) = piped();
    (Served::start(options), sender)
}
