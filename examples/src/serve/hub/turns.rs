//! Whose turn it is: three queues, so that no player waits for the greed of others.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long those to whom something happened may take in one round, when others wait.
const WOKEN: Duration = Duration::from_millis(8);
/// How long those who have more to do get in one round at least, and at most.
const BUSY: [Duration; 2] = [Duration::from_millis(4), Duration::from_millis(16)];

/// The players that have something to do, each in one queue.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Their deadline has passed: most are players whose next packet is due.
    due: VecDeque<usize>,
    /// Something happened to their socket, or to what all share.
    woken: VecDeque<usize>,
    /// They have had a turn and it was not enough.
    busy: VecDeque<usize>,
    round: Option<Round>,
}

/// How far a round has come.
#[derive(Debug, Clone, Copy)]
struct Round {
    began: Instant,
    /// Turns that are left of those who were due when it began.
    due: usize,
    woken: usize,
    busy: usize,
    /// Until when the present queue has turns.
    until: Option<Instant>,
    busy_had_one: bool,
}

/// A queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Due,
    Woken,
    Busy,
}

impl Turns {
    pub(super) fn push(&mut self, key: usize, why: Why) {
        match why {
            Why::Due => self.due.push_back(key),
            Why::Woken => self.woken.push_back(key),
            Why::Busy => self.busy.push_back(key),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.woken.is_empty() && self.busy.is_empty()
    }

    /// Begins a round: those who are queued now get a turn, as far as there is time.
    pub(super) fn begin(&mut self, now: Instant) {
        let (due, woken, busy) = (self.due.len(), self.woken.len(), self.busy.len());
        let round = Round { began: now, due, woken, busy, until: None, busy_had_one: false };
        self.round = Some(round);
    }

    /// The next player of this round: all that were due when it began, then those who were woken
    /// and those who are busy, at least one of each and more while there is time.
    pub(super) fn next(&mut self, now: Instant) -> Option<(usize, Why)> {
        let round = self.round.as_mut()?;
        if let Some(left) = round.due.checked_sub(1) {
            round.due = left;
            return self.due.pop_front().map(|key| (key, Why::Due));
        }
        if let Some(left) = round.woken.checked_sub(1) {
            let until = *round.until.get_or_insert_with(|| now.checked_add(WOKEN).unwrap_or(now));
            if now <= until {
                round.woken = left;
                return self.woken.pop_front().map(|key| (key, Why::Woken));
            }
        }
        let left = round.busy.checked_sub(1)?;
        if !round.busy_had_one {
            let [least, most] = BUSY;
            let time = now.saturating_duration_since(round.began).clamp(least, most);
            (round.until, round.busy_had_one) = (now.checked_add(time), true);
        } else if round.until.is_none_or(|until| now > until) {
            return None;
        }
        round.busy = left;
        // What was woken and had no turn is not forgotten: the next round begins at once.
        round.woken = 0;
        self.busy.pop_front().map(|key| (key, Why::Busy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The turns of one round, when each takes so many milliseconds.
    fn round(turns: &mut Turns, each: u64) -> Vec<usize> {
        let mut now = Instant::now();
        turns.begin(now);
        let mut had = Vec::new();
        while let Some((key, _)) = turns.next(now) {
            had.push(key);
            now += Duration::from_millis(each);
        }
        had
    }

    fn queued(due: usize, woken: usize, busy: usize) -> Turns {
        let mut turns = Turns::default();
        (0..due).for_each(|key| turns.push(key, Why::Due));
        (0..woken).for_each(|key| turns.push(1_000 + key, Why::Woken));
        (0..busy).for_each(|key| turns.push(2_000 + key, Why::Busy));
        turns
    }

    #[test]
    fn everybody_has_a_turn_where_turns_are_short() {
        let mut turns = queued(3, 3, 3);
        assert_eq!(round(&mut turns, 0), [0, 1, 2, 1_000, 1_001, 1_002, 2_000, 2_001, 2_002]);
        assert!(turns.is_empty());
        assert!(round(&mut turns, 0).is_empty());
    }

    #[test]
    fn the_greedy_wait_and_those_who_are_due_do_not() {
        let mut turns = queued(50, 100, 900);
        let had = round(&mut turns, 1);
        assert_eq!(had[..50], (0..50).collect::<Vec<_>>());
        let woken = had.iter().filter(|key| (1_000..2_000).contains(*key)).count();
        let busy = had.iter().filter(|key| **key >= 2_000).count();
        assert_eq!((woken, busy), (9, 17));
        // In order, from round to round.
        let had = round(&mut turns, 1);
        assert_eq!((had[0], had.last()), (1_009, Some(&(2_017 + 9))));
        assert!(!turns.is_empty());
    }

    #[test]
    fn one_at_least_of_each_however_long_a_turn_takes() {
        let mut turns = queued(1, 9, 9);
        assert_eq!(round(&mut turns, 500), [0, 1_000, 2_000]);
        assert_eq!(round(&mut turns, 500), [1_001, 2_001]);
    }
}
