//! Input that comes in pieces.

use std::io::Read;

/// Bytes of which each read brings at most so many.
#[derive(Debug, Clone, Copy)]
pub struct Pieces<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Pieces<'a> {
    /// `len` is the most that a read brings.
    pub fn new(bytes: &'a [u8], len: usize) -> Self {
        Self { rest: bytes, len }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let len = self.len.min(room.len());
        self.rest.read(room.get_mut(..len).unwrap_or_default())
    }
}
