//! What happened, and how often: a crowd in which something never happens proves nothing about it.

use std::collections::BTreeMap;

/// Everything that has to happen.
const ALL: [&str; 30] = [
    "another rate without a stop",
    "a header",
    "a packet",
    "a play command",
    "a seek without a stop",
    "fast forward or rewind",
    "a number left out",
    "a stop",
    "an end",
    "an end too early",
    "an end held back",
    "an entry at once",
    "an entry when played",
    "a client turned away",
    "a file refused",
    "a challenge",
    "a redirect",
    "a request refused",
    "a deviation",
    "a report",
    "a ping",
    "a live packet dropped",
    "closed by the application or after the end",
    "closed by the player",
    "closed because it was idle",
    "closed because nothing was asked for",
    "closed in the middle of a packet",
    "closed because no ping was answered",
    "closed because a challenge was not met",
    "a socket that was full",
];

#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeMap<&'static str, u64>);

impl Seen {
    pub(crate) fn note(&mut self, what: &'static str) {
        assert!(ALL.contains(&what), "{what}");
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    /// Prints all of it, and fails if anything happened less than so many times.
    pub(crate) fn all_happened(&self, least: u64) {
        for what in ALL {
            let count = self.0.get(what).copied().unwrap_or(0);
            println!("{count:>8} {what}");
            assert!(count >= least, "too rare: {what}");
        }
    }
}
