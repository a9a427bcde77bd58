//! Client ids, MS-MMSP 3.2.3 and 5.1: no two sessions have the same, and nobody can foresee one.

use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};

/// Rounds of the permutation.
const ROUNDS: u8 = 4;

/// A generator of client ids.
///
/// Ids are a counter, permuted with a secret key (a Feistel network whose round function is keyed
/// SipHash): each of the 2^32 ids comes once before the first one comes again.
#[derive(Debug, Default)]
pub(super) struct ClientIds {
    key: RandomState,
    issued: Cell<u32>,
}

impl ClientIds {
    /// Returns an id that no other session has.
    pub(super) fn next(&self) -> u32 {
        let number = self.issued.get();
        self.issued.set(number.wrapping_add(1));
        self.permuted(number)
    }

    fn permuted(&self, number: u32) -> u32 {
        let [a, b, c, d] = number.to_le_bytes();
        let mut halves = ([a, b], [c, d]);
        for round in 0..ROUNDS {
            let (left, right @ [e, f]) = halves;
            let hash = self.key.hash_one((round, right)).to_le_bytes();
            let [g, h, ..] = hash;
            let [i, j] = left;
            halves = ([e, f], [i ^ g, j ^ h]);
        }
        let ([a, b], [c, d]) = halves;
        u32::from_le_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        // MMSP-S-007
        let generator = ClientIds::default();
        let mut ids: Vec<u32> = (0..100_000).map(|_| generator.next()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 100_000);
    }

    #[test]
    fn ids_look_random() {
        // MMSP-S-007
        const COUNT: u32 = 4096;
        let generator = ClientIds::default();
        let ids: Vec<u32> = (0..COUNT).map(|_| generator.next()).collect();
        // Each bit is set in half of them, and changes from one to the next in half of the cases:
        // 256 is eight times the standard deviation.
        for bit in 0..u32::BITS {
            let set = ids.iter().filter(|&id| id >> bit & 1 == 1).count();
            assert!(set.abs_diff(2048) < 256, "bit {bit}: {set}");
            let changed = ids.windows(2).filter(|ids| (ids[0] ^ ids[1]) >> bit & 1 == 1).count();
            assert!(changed.abs_diff(2048) < 256, "bit {bit}: {changed}");
        }
        // Another server has other ids.
        let other = ClientIds::default();
        let same = ids.iter().filter(|&&id| id == other.next()).count();
        assert!(same < 2, "{same}");
    }
}
