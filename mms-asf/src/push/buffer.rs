//! The buffer between a source of bytes and the parser.
//!
//! Bytes are read into one block; packets leave it as slices of that same block. When the
//! application has let go of all slices, the block is written to again; when it has not, the next
//! read goes to a new block. So there is at most one allocation a block and none a packet.

use bytes::{Bytes, BytesMut};

/// Size of a block in bytes, as much as `cat` reads at once: with half of it the walk over a file
/// takes a seventh longer, with more it is no faster.
const BLOCK: usize = 128 << 10;
/// A read into less room than this is not worth a system call.
const MIN_ROOM: usize = BLOCK / 4;

#[derive(Debug)]
pub(super) struct Buffer {
    /// The block while nobody else looks at it. Its whole length is initialised.
    writable: BytesMut,
    /// The block from the moment that a slice of it is given away; `writable` is empty then.
    shared: Option<Bytes>,
    /// Place in the block of the first byte that was not taken.
    start: usize,
    /// Place in the block behind the last byte that was received.
    end: usize,
    /// Bytes of room that was given out and not yet counted.
    given: usize,
    /// How many bytes were taken or dropped so far.
    offset: u64,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { writable: BytesMut::new(), shared: None, start: 0, end: 0, given: 0, offset: 0 }
    }

    /// Where the first byte that was not taken lies in the input.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Number of bytes received and not taken.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The bytes received and not taken.
    #[inline]
    pub(super) fn unread(&self) -> &[u8] {
        let block = match &self.shared {
            Some(block) => &block[..],
            None => &self.writable[..],
        };
        block.get(self.start..self.end).unwrap_or_default()
    }

    /// The next `count` bytes, or as many as there are, as a slice of the block. They stay.
    pub(super) fn peek(&mut self, count: usize) -> Bytes {
        let end = self.start.saturating_add(count).min(self.end);
        let block = self.shared.get_or_insert_with(|| std::mem::take(&mut self.writable).freeze());
        block.slice(self.start..end)
    }

    /// Takes the next `count` bytes, or as many as there are.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        let taken = self.peek(count);
        self.skip(taken.len());
        taken
    }

    /// Drops the next `count` bytes, or as many as there are; returns how many.
    pub(super) fn skip(&mut self, count: usize) -> usize {
        let count = count.min(self.len());
        self.start = self.start.saturating_add(count);
        self.offset = self.offset.saturating_add(count as u64);
        count
    }

    /// Room for at least a quarter of a block.
    pub(super) fn room(&mut self) -> &mut [u8] {
        // First the block, then the places in it: a new block has new ones.
        let size = self.writable().len();
        let (start, end) = (self.start, self.end);
        if size.saturating_sub(end) >= MIN_ROOM {
            return self.tail();
        }
        // The end of a block: what is left of it moves to the front, or to a larger block.
        let length = self.len();
        let needed = length.saturating_add(MIN_ROOM);
        let block = self.writable();
        if needed <= block.len() {
            block.copy_within(start..end, 0);
        } else {
            let mut larger = BytesMut::zeroed(needed.max(BLOCK).next_power_of_two());
            copy(block.get(start..end), &mut larger);
            self.writable = larger;
        }
        (self.start, self.end) = (0, length);
        self.tail()
    }

    /// Counts bytes that were written to the beginning of [`Self::room`]. Room that was not asked
    /// for holds old bytes, and those are never counted.
    pub(super) fn received(&mut self, count: usize) {
        let given = std::mem::take(&mut self.given);
        if self.shared.is_none() {
            self.end = self.end.saturating_add(count.min(given));
        }
    }

    /// Copies bytes in.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            copy(Some(now), room);
            self.received(now.len());
            bytes = later;
        }
    }

    fn tail(&mut self) -> &mut [u8] {
        let room = self.writable.get_mut(self.end..).unwrap_or_default();
        self.given = room.len();
        room
    }

    /// The block, writable: the same one when all slices are gone, else a new one.
    fn writable(&mut self) -> &mut BytesMut {
        if let Some(block) = self.shared.take() {
            match block.try_into_mut() {
                Ok(block) => self.writable = block,
                Err(shared) => {
                    let unread = shared.get(self.start..self.end);
                    let length = unread.map_or(0, <[u8]>::len);
                    let needed = length.saturating_add(MIN_ROOM).max(BLOCK);
                    self.writable = BytesMut::zeroed(needed.next_power_of_two());
                    copy(unread, &mut self.writable);
                    (self.start, self.end) = (0, length);
                }
            }
        }
        if self.start == self.end {
            // A large object needed it; packets do not.
            if self.writable.len() > BLOCK && self.end < self.writable.len() / 4 {
                self.writable = BytesMut::new();
            }
            (self.start, self.end) = (0, 0);
        }
        &mut self.writable
    }
}

/// Copies `from` to the beginning of `to`, which is at least as long.
fn copy(from: Option<&[u8]>, to: &mut [u8]) {
    let from = from.unwrap_or_default();
    if let Some(to) = to.get_mut(..from.len()) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Buffer, bytes: &[u8]) -> *const u8 {
        let room = buffer.room();
        room[..bytes.len()].copy_from_slice(bytes);
        let place = room.as_ptr();
        buffer.received(bytes.len());
        place
    }

    #[test]
    fn a_block_is_written_to_again_when_its_slices_are_gone() {
        let mut buffer = Buffer::new();
        let first = fill(&mut buffer, b"abcdef");
        assert_eq!(&buffer.take(3)[..], b"abc");
        assert_eq!(&buffer.take(9)[..], b"def");
        assert_eq!(fill(&mut buffer, b"ghi"), first);
        let kept = buffer.take(2);
        assert_ne!(fill(&mut buffer, b"jkl"), first);
        assert_eq!(buffer.unread(), b"ijkl");
        assert_eq!((&kept[..], buffer.offset()), (&b"gh"[..], 8));
    }

    #[test]
    fn everything_comes_out_in_order_whatever_is_kept() {
        let mut buffer = Buffer::new();
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        let mut out = Vec::new();
        let mut kept = Vec::new();
        for (index, chunk) in bytes.chunks(9_973).enumerate() {
            buffer.push(chunk);
            while buffer.len() >= 1_440 {
                let taken = buffer.take(1_440);
                out.extend_from_slice(&taken);
                if index % 3 == 0 {
                    kept.push(taken);
                }
            }
        }
        out.extend_from_slice(&buffer.take(usize::MAX));
        assert_eq!(out, bytes);
        assert_eq!((buffer.len(), buffer.offset()), (0, 1_000_000));
    }

    #[test]
    fn what_is_dropped_leaves_room() {
        let mut buffer = Buffer::new();
        let first = fill(&mut buffer, &[7; MIN_ROOM]);
        for _ in 0..100 {
            assert_eq!(buffer.skip(usize::MAX), MIN_ROOM);
            assert_eq!(fill(&mut buffer, &[7; MIN_ROOM]), first);
        }
    }

    #[test]
    fn a_large_block_is_let_go() {
        let mut buffer = Buffer::new();
        buffer.push(&[7; 20 * BLOCK]);
        assert_eq!(buffer.take(usize::MAX).len(), 20 * BLOCK);
        buffer.push(b"small");
        assert_eq!(&buffer.take(usize::MAX)[..], b"small");
        assert_eq!(buffer.room().len(), BLOCK);
    }

    #[test]
    fn a_count_that_lies_is_cut() {
        let mut buffer = Buffer::new();
        let room = buffer.room().len();
        buffer.received(usize::MAX);
        buffer.received(1);
        assert_eq!(buffer.len(), room);
        buffer.skip(usize::MAX);
        buffer.received(1);
        assert_eq!(buffer.len(), 0);
    }
}
