//! Deadlines, one for each purpose.

use std::time::{Duration, Instant};

/// A set of deadlines indexed by purpose. `N` is the number of purposes.
#[derive(Debug, Clone)]
pub(crate) struct TimerTable<const N: usize> {
    deadlines: [Option<Instant>; N],
}

/// A purpose: an enum without fields that knows its place in the table.
pub(crate) trait Purpose: Copy {
    /// Index below the table's size.
    fn index(self) -> usize;
}

impl<const N: usize> TimerTable<N> {
    pub(crate) fn new() -> Self {
        Self { deadlines: [None; N] }
    }

    /// (Re)arms a timer. A deadline that no clock can show is no deadline.
    pub(crate) fn arm(&mut self, timer: impl Purpose, now: Instant, after: Duration) {
        self.put(timer, now.checked_add(after));
    }

    /// Arms a timer unless it runs already.
    pub(crate) fn arm_if_idle(&mut self, timer: impl Purpose, now: Instant, after: Duration) {
        if !self.is_armed(timer) {
            self.arm(timer, now, after);
        }
    }

    pub(crate) fn stop(&mut self, timer: impl Purpose) {
        self.put(timer, None);
    }

    pub(crate) fn stop_all(&mut self) {
        self.deadlines = [None; N];
    }

    pub(crate) fn is_armed(&self, timer: impl Purpose) -> bool {
        self.deadline(timer).is_some()
    }

    /// When the timer runs out.
    pub(crate) fn deadline(&self, timer: impl Purpose) -> Option<Instant> {
        self.deadlines.get(timer.index()).copied().flatten()
    }

    /// Lets a timer run out then.
    pub(crate) fn arm_at(&mut self, timer: impl Purpose, deadline: Option<Instant>) {
        self.put(timer, deadline);
    }

    /// True, once, when the timer has run out.
    pub(crate) fn take_expired(&mut self, timer: impl Purpose, now: Instant) -> bool {
        match self.deadlines.get_mut(timer.index()) {
            Some(slot) if slot.is_some_and(|at| at <= now) => {
                *slot = None;
                true
            }
            _ => false,
        }
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.deadlines.iter().flatten().min().copied()
    }

    fn put(&mut self, timer: impl Purpose, deadline: Option<Instant>) {
        if let Some(slot) = self.deadlines.get_mut(timer.index()) {
            *slot = deadline;
        }
    }
}
