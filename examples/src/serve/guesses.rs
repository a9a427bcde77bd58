//! Wrong passwords of each network: who guesses over many connections is no faster than over one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::network::Network;

/// Wrong passwords of a network that cost nothing: people mistype.
const FREE: u32 = 8;
/// Time that each further one costs all passwords of the network.
const EACH: Duration = Duration::from_secs(1);
/// Networks that are remembered.
const NETWORKS: usize = 4096;

/// Wrong passwords lately, by network. Memory is bounded; the networks that have guessed least are
/// forgotten first.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<Network, Instant>>);

impl Guesses {
    /// Until when no password of this network is looked at; `None` when one may be.
    pub(super) fn wait(&self, network: Network, now: Instant) -> Option<Instant> {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = guesses.get(&network)?;
        let free = EACH.saturating_mul(FREE.saturating_sub(1));
        paid.checked_sub(free).filter(|&until| until > now)
    }

    /// A password was wrong.
    pub(super) fn wrong(&self, network: Network, now: Instant) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= NETWORKS && !guesses.contains_key(&network) {
            guesses.retain(|_, paid| *paid > now);
            if guesses.len() >= NETWORKS {
                let least = guesses.iter().min_by_key(|(_, paid)| **paid).map(|(least, _)| *least);
                least.and_then(|least| guesses.remove(&least));
            }
        }
        let paid = guesses.entry(network).or_insert(now);
        *paid = (*paid).max(now).checked_add(EACH).unwrap_or(now);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn network(number: u32) -> Network {
        Network::of(Ipv4Addr::from(number).into())
    }

    #[test]
    fn a_second_each_when_the_free_ones_are_spent() {
        let (guesses, begin) = (Guesses::default(), Instant::now());
        let (one, other) = (network(1), network(2));
        for _ in 0..FREE {
            assert_eq!(guesses.wait(one, begin), None);
            guesses.wrong(one, begin);
        }
        assert_eq!(guesses.wait(one, begin), Some(begin + EACH));
        assert_eq!(guesses.wait(other, begin), None);
        // An hour of guessing on any number of connections.
        let (mut now, mut looked_at) = (begin, 0);
        while now < begin + Duration::from_secs(3_600) {
            match guesses.wait(one, now) {
                Some(until) => now = until,
                None => {
                    guesses.wrong(one, now);
                    looked_at += 1;
                }
            }
        }
        assert!((3_598..=3_602).contains(&looked_at), "{looked_at}");
        assert_eq!(guesses.wait(one, now + EACH * FREE), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for _ in 0..=FREE {
            guesses.wrong(network(0), now);
        }
        for number in 1..20_000 {
            guesses.wrong(network(number), now);
        }
        assert_eq!(guesses.0.lock().unwrap().len(), NETWORKS);
        assert!(guesses.wait(network(0), now).is_some(), "who guesses most is remembered");
        // What has been waited for is forgotten.
        let later = now + EACH * (FREE + 1);
        guesses.wrong(network(20_000), later);
        assert_eq!(guesses.0.lock().unwrap().len(), 1);
    }
}
