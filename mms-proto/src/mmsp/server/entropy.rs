//! Bytes that do not compress, for bandwidth tests, and cookies. Nothing here is a secret: who
//! foresees a cookie has no credentials yet.

use bytes::{BufMut, Bytes, BytesMut};

/// A stream of bytes that follows from a seed ("splitmix64").
#[derive(Debug, Clone)]
pub(super) struct Entropy(u64);

impl Entropy {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Bytes {
        let mut out = BytesMut::with_capacity(count.next_multiple_of(8));
        while out.len() < count {
            out.put_u64_le(self.next());
        }
        out.truncate(count);
        out.freeze()
    }

    pub(super) fn word(&mut self) -> u32 {
        let [word @ .., _, _, _, _] = self.next().to_be_bytes();
        u32::from_be_bytes(word)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
