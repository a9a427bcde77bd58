//! Server: a thousand sessions of random players, an application and the rules between them, all on a
//! simulated clock.
//!
//! [`session`] is one session: a machine, its [`player`], its application, the [`studio`], and the
//! [`rules`] that everything that comes out of the machine is held against. Nothing here knows what
//! a player does next, only what a server has to do about it.

mod player;
mod random;
mod rules;
mod seen;
mod session;
mod studio;

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use seen::Seen;
use session::Session;

/// The seeds, unless `MMS_CROWD` says others: `7..8` is the session with seed 7.
const SEEDS: Range<u64> = 0..1_000;

#[test]
fn a_thousand_sessions_keep_every_rule() {
    let seeds = seeds();
    let count = seeds.end - seeds.start;
    let mut seen = Seen::default();
    for seed in seeds {
        let run = AssertUnwindSafe(|| Session::new(start(), seed).run());
        match std::panic::catch_unwind(run) {
            Ok(session) => seen.add(&session),
            Err(_) => panic!("the session with seed {seed}"),
        }
    }
    seen.all_happened(count / 100);
}

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("MMS_CROWD") else { return SEEDS };
    let (first, end) = asked.split_once("..").expect("MMS_CROWD=7..8");
    first.parse().unwrap()..end.parse().unwrap()
}

/// Some moment to begin with.
#[expect(clippy::disallowed_methods, reason = "tests need one moment from which they count")]
fn start() -> Instant {
    Instant::now()
}
