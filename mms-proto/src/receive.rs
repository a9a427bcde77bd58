//! The buffer between a TCP connection and what takes its bytes apart.
//!
//! A driver reads into one block; packets leave it as slices of that same block. When the
//! application has let go of all slices, the block is written to again; when it has not, the next
//! read goes to a new block. So there is at most one allocation a read buffer and none a packet.

use bytes::{Bytes, BytesMut};

/// Bytes of a block for what servers send: media.
pub(crate) const LARGE_BLOCK: usize = 64 << 10;
/// Bytes of a block for what clients send: a few messages below 2,100 bytes. A server has one for
/// each of its thousands of sessions.
pub(crate) const SMALL_BLOCK: usize = 4 << 10;

#[derive(Debug)]
pub(crate) struct ReceiveBuffer {
    /// Bytes of a block that holds no packet larger than itself.
    size: usize,
    /// The block while nobody else looks at it. Its whole length is initialised.
    writable: BytesMut,
    /// The block from the moment that a slice of it is given away; `writable` is empty then.
    shared: Option<Bytes>,
    /// Place in the block of the first byte that was not taken.
    start: usize,
    /// Place in the block behind the last byte that was received.
    end: usize,
}

impl ReceiveBuffer {
    /// A buffer of blocks of this size.
    pub(crate) fn new(size: usize) -> Self {
        Self { size, writable: BytesMut::new(), shared: None, start: 0, end: 0 }
    }

    /// Number of bytes received and not taken.
    pub(crate) fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The bytes received and not taken.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        let block = match &self.shared {
            Some(block) => &block[..],
            None => &self.writable[..],
        };
        block.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes the next `count` bytes as a slice of the block; `None` when there are fewer.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> Option<Bytes> {
        let end = self.start.checked_add(count).filter(|&end| end <= self.end)?;
        let block = self.shared.get_or_insert_with(|| std::mem::take(&mut self.writable).freeze());
        let taken = block.slice(self.start..end);
        self.start = end;
        Some(taken)
    }

    /// Room for at least a quarter of a block.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        // First the block, then the places in it: a new block has new ones.
        let present = self.writable().len();
        let (start, end) = (self.start, self.end);
        if present.saturating_sub(end) >= self.min_room() {
            return self.tail();
        }
        // The end of a block: what is left of it moves to the front, or to a larger block.
        let length = self.len();
        let needed = length.saturating_add(self.min_room());
        let size = self.size;
        let block = self.writable();
        if needed <= block.len() {
            block.copy_within(start..end, 0);
        } else {
            let mut larger = BytesMut::zeroed(needed.max(size).next_power_of_two());
            copy(block.get(start..end), &mut larger);
            self.writable = larger;
        }
        (self.start, self.end) = (0, length);
        self.tail()
    }

    /// Counts bytes that were written to the beginning of [`Self::room`].
    pub(crate) fn received(&mut self, count: usize) {
        let block = if self.shared.is_some() { self.end } else { self.writable.len() };
        self.end = self.end.saturating_add(count).min(block);
    }

    /// Copies bytes in.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            copy(Some(now), room);
            self.received(now.len());
            bytes = later;
        }
    }

    /// A read into less room than this is not worth a system call.
    fn min_room(&self) -> usize {
        self.size / 4
    }

    fn tail(&mut self) -> &mut [u8] {
        let end = self.end;
        self.writable.get_mut(end..).unwrap_or_default()
    }

    /// The block, writable: the same one when all slices are gone, else a new one.
    fn writable(&mut self) -> &mut BytesMut {
        if let Some(block) = self.shared.take() {
            match block.try_into_mut() {
                Ok(block) => {
                    if self.start == self.end {
                        (self.start, self.end) = (0, 0);
                    }
                    self.writable = block;
                    if self.end == 0 && self.writable.len() > self.size.saturating_mul(4) {
                        // What needed so much is gone: a session that was flooded once would keep
                        // it for hours.
                        self.writable = BytesMut::new();
                    }
                }
                Err(shared) => {
                    let unread = shared.get(self.start..self.end);
                    let length = unread.map_or(0, <[u8]>::len);
                    let needed = length.saturating_add(self.min_room()).max(self.size);
                    self.writable = BytesMut::zeroed(needed.next_power_of_two());
                    copy(unread, &mut self.writable);
                    (self.start, self.end) = (0, length);
                }
            }
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

    fn fill(buffer: &mut ReceiveBuffer, bytes: &[u8]) -> *const u8 {
        let room = buffer.room();
        room[..bytes.len()].copy_from_slice(bytes);
        let place = room.as_ptr();
        buffer.received(bytes.len());
        place
    }

    #[test]
    fn a_block_is_written_to_again_when_its_slices_are_gone() {
        let mut buffer = ReceiveBuffer::new(LARGE_BLOCK);
        let first = fill(&mut buffer, b"abcdef");
        assert_eq!(&buffer.take(3).unwrap()[..], b"abc");
        assert_eq!(&buffer.take(3).unwrap()[..], b"def");
        assert_eq!(fill(&mut buffer, b"ghi"), first);
        let kept = buffer.take(2).unwrap();
        assert_ne!(fill(&mut buffer, b"jkl"), first);
        assert_eq!(buffer.unread(), b"ijkl");
        assert_eq!(&kept[..], b"gh");
    }

    #[test]
    fn everything_comes_out_in_order_whatever_is_kept() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        for size in [LARGE_BLOCK, SMALL_BLOCK] {
            let mut buffer = ReceiveBuffer::new(size);
            let mut out = Vec::new();
            let mut kept = Vec::new();
            for (index, chunk) in bytes.chunks(9_973).enumerate() {
                buffer.push(chunk);
                while let Some(taken) = buffer.take(1_440) {
                    out.extend_from_slice(&taken);
                    if index % 3 == 0 {
                        kept.push(taken);
                    }
                }
            }
            let rest = buffer.len();
            out.extend_from_slice(&buffer.take(rest).unwrap());
            assert_eq!(out, bytes);
            assert_eq!(buffer.take(1), None);
        }
    }

    #[test]
    fn a_large_frame_makes_a_larger_block() {
        let mut buffer = ReceiveBuffer::new(LARGE_BLOCK);
        let bytes = vec![7; 300_000];
        buffer.push(&bytes);
        assert_eq!(buffer.take(300_000).unwrap(), bytes);
        assert!(buffer.room().len() >= LARGE_BLOCK / 4);
    }

    #[test]
    fn a_block_that_grew_is_given_back() {
        let mut buffer = ReceiveBuffer::new(SMALL_BLOCK);
        buffer.push(&[1; 100]);
        assert_eq!(buffer.writable.len(), SMALL_BLOCK);
        buffer.push(&vec![2; 300_000]);
        assert!(buffer.writable.len() >= 300_100);
        assert_eq!(buffer.take(100).unwrap(), vec![1; 100]);
        // It stays as long as anything is in it.
        assert!(buffer.room().len() >= SMALL_BLOCK / 4);
        assert!(buffer.writable.len() >= 300_100);
        assert_eq!(buffer.take(300_000).unwrap(), vec![2; 300_000]);
        buffer.push(&[3; 100]);
        assert_eq!(buffer.writable.len(), SMALL_BLOCK);
        assert_eq!(buffer.unread(), [3; 100]);
    }

    #[test]
    fn a_block_smaller_than_the_one_before() {
        // A large block is kept by the application, so the next read goes to a new block, which
        // is shorter than the place where the old one ended.
        let mut buffer = ReceiveBuffer::new(LARGE_BLOCK);
        buffer.push(&vec![7; 300_000]);
        let kept = buffer.take(300_000).unwrap();
        buffer.push(b"next");
        assert_eq!(buffer.unread(), b"next");
        assert_eq!(kept.len(), 300_000);
    }

    #[test]
    fn a_count_that_lies_is_cut() {
        let mut buffer = ReceiveBuffer::new(LARGE_BLOCK);
        let room = buffer.room().len();
        buffer.received(usize::MAX);
        assert_eq!(buffer.len(), room);
    }
}
