//! Which packet numbers are in a recording already, in bounded memory.

use std::collections::VecDeque;

/// Most ranges kept. A seek makes one; a server that leaves packets out makes one each time.
const MAX_RANGES: usize = 64;

/// A set of numbers as ranges. When there are too many, the oldest is forgotten: a repeat of it
/// would be taken for new.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// First and last number; the range that grew last is at the end.
    ranges: VecDeque<(u32, u32)>,
}

impl Seen {
    /// Adds all numbers from `first` to `last`.
    pub(super) fn insert_range(&mut self, first: u32, last: u32) {
        if self.ranges.len() >= MAX_RANGES {
            self.ranges.pop_front();
        }
        self.ranges.push_back((first, last.max(first)));
    }

    /// Adds a number; false when it is there already.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let there = |&(first, last): &(u32, u32)| (first..=last).contains(&number);
        // Numbers count upwards almost always: the last range is the one to look at first.
        match self.ranges.back_mut() {
            Some(range) if there(range) => return false,
            Some((_, last)) if last.checked_add(1) == Some(number) => {
                let others = self.ranges.len().saturating_sub(1);
                if self.ranges.iter().take(others).any(there) {
                    return false;
                }
                if let Some((_, last)) = self.ranges.back_mut() {
                    *last = number;
                }
                return true;
            }
            _ => {}
        }
        if self.ranges.iter().any(there) {
            return false;
        }
        self.insert_range(number, number);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_range_is_forgotten() {
        let mut seen = Seen::default();
        for number in (0..1000).step_by(10) {
            assert!(seen.insert(number));
        }
        assert!(seen.ranges.len() <= MAX_RANGES);
        assert!(!seen.insert(990));
        assert!(seen.insert(0), "forgotten");
        assert!(seen.insert(u32::MAX));
        assert!(!seen.insert(u32::MAX));
    }

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(0_u32..60, 0..200)) {
            let mut seen = Seen::default();
            let mut set = std::collections::HashSet::new();
            for number in numbers {
                prop_assert_eq!(seen.insert(number), set.insert(number));
            }
        }
    }
}
