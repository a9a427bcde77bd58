//! Reads in pieces.

/// How the bytes of a read are handed to a machine.
#[derive(Debug, Clone)]
pub enum Cuts {
    /// As they are.
    Whole,
    /// Into the machine's own buffer, as much as it holds.
    InPlace,
    /// In small pieces, both ways.
    Random(u32),
}

impl Cuts {
    /// Pieces that follow from a seed.
    #[must_use]
    pub fn random(seed: u8) -> Self {
        Self::Random(u32::from(seed).wrapping_mul(0x9E37_79B9) | 1)
    }

    /// The next piece, the rest, and whether to read it into the machine's own buffer.
    pub fn cut<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8], bool) {
        let state = match self {
            Self::Whole => return (bytes, &[], false),
            Self::InPlace => return (bytes, &[], true),
            Self::Random(state) => state,
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
