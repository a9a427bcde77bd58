//! A machine under test: what is compared between runs with the same bytes, cut and whole.

use std::time::Instant;

use crate::config::Limits;
use crate::error::Phase;
use crate::event::Stats;
use crate::testing::sim::{App, Cuts, End, Line, Subject, epoch};

/// Everything that must not depend on how bytes were cut.
#[derive(Debug, PartialEq)]
pub(super) struct Summary {
    said: Vec<Line>,
    wait: Option<Instant>,
    phase: Phase,
    stats: Stats,
}

/// A machine whose driver may be late. Fewer bytes arrive than may wait undecoded: whether more
/// are refused or not read depends on how they are handed over.
pub(super) fn begin<M: Subject, A: App<M>>(
    now: Instant,
    machine: M,
    app: A,
    cuts: Cuts,
) -> End<M, A> {
    let mut end = End::new(now, machine, app);
    (end.cuts, end.late) = (cuts, true);
    (end.room, end.budget, end.record) = (1 << 20, Some(4096), Some(Vec::new()));
    end.poll();
    end
}

pub(super) fn summary<M: Subject, A>(end: End<M, A>) -> Summary {
    let (phase, stats) = (end.machine.phase(), end.machine.stats());
    Summary { said: end.record.unwrap_or_default(), wait: end.deadline, phase, stats }
}

/// Runs a script twice, with its bytes whole and cut, and compares what the machine said.
pub(super) fn compare(seed: u8, run: impl Fn(Instant, Cuts) -> Summary) {
    let start = epoch();
    assert_eq!(run(start, Cuts::Whole), run(start, Cuts::random(seed)));
}

/// Limits that a script of a few KiB can reach.
pub(super) fn small_limits() -> Limits {
    Limits {
        message: 512,
        header: 300,
        buffered: 512,
        queued: 512,
        challenges: 1,
        pongs_per_second: 2,
    }
}
