//! Seats: so many players at a time, and so many from one network.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::network::Network;

/// Seats for players.
#[derive(Debug)]
pub(super) struct Seats {
    occupied: Arc<Mutex<Occupied>>,
    limit: usize,
    /// Seats of one network; 0 is any number.
    each: usize,
}

#[derive(Debug, Default)]
struct Occupied {
    all: usize,
    /// Networks without a seat are not in it.
    by_network: HashMap<Network, usize>,
}

/// One seat; it is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    occupied: Arc<Mutex<Occupied>>,
    network: Network,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    All,
    /// The network has as many as one may have.
    Address,
}

impl Seats {
    pub(super) fn new(limit: usize, each: usize) -> Self {
        Self { occupied: Arc::default(), limit, each }
    }

    /// A seat, if one is free.
    pub(super) fn take(&self, network: Network) -> Result<Seat, Taken> {
        let mut occupied = lock(&self.occupied);
        if occupied.all >= self.limit {
            return Err(Taken::All);
        }
        let of_network = occupied.by_network.get(&network).copied().unwrap_or(0);
        if self.each > 0 && of_network >= self.each {
            return Err(Taken::Address);
        }
        occupied.all = occupied.all.saturating_add(1);
        occupied.by_network.insert(network, of_network.saturating_add(1));
        Ok(Seat { occupied: Arc::clone(&self.occupied), network })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut occupied = lock(&self.occupied);
        occupied.all = occupied.all.saturating_sub(1);
        if let Some(count) = occupied.by_network.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                occupied.by_network.remove(&self.network);
            }
        }
    }
}

fn lock(occupied: &Mutex<Occupied>) -> MutexGuard<'_, Occupied> {
    occupied.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn network(last: u8) -> Network {
        Network::of(Ipv4Addr::new(192, 0, 2, last).into())
    }

    #[test]
    fn a_seat_is_free_again_when_it_is_left() {
        let seats = Seats::new(2, 0);
        let first = seats.take(network(1)).unwrap();
        let _second = seats.take(network(1)).unwrap();
        assert_eq!(seats.take(network(2)).unwrap_err(), Taken::All);
        assert_eq!(seats.take(network(1)).unwrap_err(), Taken::All);
        drop(first);
        assert!(seats.take(network(2)).is_ok());
    }

    #[test]
    fn one_network_cannot_have_all_seats() {
        let seats = Seats::new(5, 2);
        let mut taken: Vec<Seat> = (0..2).map(|_| seats.take(network(1)).unwrap()).collect();
        assert_eq!(seats.take(network(1)).unwrap_err(), Taken::Address);
        taken.push(seats.take(network(2)).unwrap());
        taken.remove(0);
        taken.push(seats.take(network(1)).unwrap());
        assert_eq!(seats.take(network(1)).unwrap_err(), Taken::Address);
        drop(taken);
        // Nothing is remembered of networks that are gone.
        assert!(lock(&seats.occupied).by_network.is_empty());
        assert_eq!(lock(&seats.occupied).all, 0);
    }
}
