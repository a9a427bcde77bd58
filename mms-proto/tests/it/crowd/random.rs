//! Random numbers that follow from a seed.

use std::time::Duration;

/// A stream of numbers ("splitmix64").
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`.
    pub(crate) fn from(&mut self, least: u32, most: u32) -> u32 {
        let count = u64::from(most - least) + 1;
        least + u32::try_from(self.next() % count).unwrap()
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: u32) -> bool {
        self.from(1, times) == 1
    }

    /// A time up to so many milliseconds, to the nanosecond, so that hardly anything coincides.
    pub(crate) fn time(&mut self, most: u32) -> Duration {
        Duration::from_nanos(self.next() % (u64::from(most) * 1_000_000 + 1))
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.from(0, u32::try_from(from.len()).unwrap() - 1) as usize].clone()
    }
}
