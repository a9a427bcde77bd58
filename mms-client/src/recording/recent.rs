//! Packets of a live stream that come again over another connection.
//!
//! After a break a live server begins with packets from before it, at most from the last key frame
//! on. A server whose content has begun anew sends the packets of its first run once more, which
//! are the same bytes: the distance of the first of them to the break tells the two apart.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

use mms_asf::{Packet, SendClock};

/// Packets that are known when they come again.
const MAX_KNOWN_PACKETS: usize = 4_096;
/// Media that a live server sends again at most, from before the moment at which it is asked: a key
/// frame and a buffer. Encoders place a key frame every 3 to 10 seconds.
const MAX_REWIND: Duration = Duration::from_secs(20);

/// The last packets of a live stream, by a hash of their bytes: a packet holds its send time, so no
/// other one is equal. It takes 16 bytes for each of 4,096 packets.
#[derive(Debug, Default)]
pub struct RecentPackets {
    hasher: RandomState,
    known: VecDeque<Known>,
    joining: Option<Joining>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    hash: u64,
    /// Send time in milliseconds.
    sent: u32,
}

/// The connection broke, and nothing new has come since.
#[derive(Debug, Clone, Copy)]
struct Joining {
    broke: Instant,
    /// The next packet is the first of a connection.
    first: bool,
}

/// A packet as it is recognised.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint {
    known: Known,
    repeated: bool,
}

impl Fingerprint {
    /// Whether the packet came before a break after which nothing new has come.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }
}

impl RecentPackets {
    /// Notes that the connection broke. Say it for each connection, before its first packet.
    pub fn interrupted(&mut self) {
        let broke = self.joining.map_or_else(Instant::now, |joining| joining.broke);
        self.joining = Some(Joining { broke, first: true });
    }

    /// Identifies a packet as it came; `parsed` is `None` when it cannot be parsed. The first one of
    /// a connection decides: where it came before, 20 s or more before the present end of the
    /// stream, the stream has begun anew, and what is known of its earlier run is forgotten.
    pub fn identify(&mut self, payload: &[u8], parsed: Option<&Packet<'_>>) -> Fingerprint {
        let hash = self.hasher.hash_one(payload);
        let sent = parsed.map_or(0, Packet::send_time);
        let known = Known { hash, sent };
        let Some(joining) = &mut self.joining else {
            return Fingerprint { known, repeated: false };
        };
        let before = self.known.iter().find(|before| before.hash == hash).copied();
        let first = std::mem::replace(&mut joining.first, false);
        let outage = joining.broke.elapsed();
        let repeated = match before.zip(self.known.back()) {
            Some((before, last)) if first => {
                // Packets out of order may be later than the last one.
                let back = u64::try_from(SendClock::distance(before.sent, last.sent)).unwrap_or(0);
                let back = Duration::from_millis(back);
                back.saturating_add(outage) < MAX_REWIND
            }
            before => before.is_some(),
        };
        if first && before.is_some() && !repeated {
            self.known.clear();
            self.joining = None;
        }
        Fingerprint { known, repeated }
    }

    /// Adds a packet that is new.
    pub fn add(&mut self, found: Fingerprint) {
        if self.known.len() >= MAX_KNOWN_PACKETS {
            self.known.pop_front();
        }
        self.known.push_back(found.known);
        self.joining = None;
    }
}

#[cfg(test)]
mod tests {
    use mms_asf::testing;

    use super::*;

    const SIZE: u32 = 100;

    /// Packets a second apart.
    fn packet(number: u32) -> bytes::Bytes {
        testing::packet(number, SIZE, b"x")
    }

    /// Those of these packets that are new.
    fn new(recent: &mut RecentPackets, numbers: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut new = Vec::new();
        for number in numbers {
            let packet = packet(number);
            let found = recent.identify(&packet, Packet::parse(&packet, SIZE).ok().as_ref());
            if !found.is_repeated() {
                recent.add(found);
                new.push(number);
            }
        }
        new
    }

    #[test]
    fn what_came_before_a_break_is_known_until_something_new_comes() {
        let mut recent = RecentPackets::default();
        assert_eq!(new(&mut recent, [0, 1, 2, 2]), [0, 1, 2, 2], "no break");
        recent.interrupted();
        assert_eq!(new(&mut recent, [1]), []);
        recent.interrupted();
        assert_eq!(new(&mut recent, [0, 2, 3, 2]), [3, 2]);
    }

    #[test]
    fn content_that_begins_anew_is_new() {
        for (again, is_new) in [(11, false), (9, true), (0, true)] {
            let mut recent = RecentPackets::default();
            new(&mut recent, 0..30);
            recent.interrupted();
            let found = new(&mut recent, again..40);
            assert_eq!(found.first(), Some(if is_new { &again } else { &30 }));
            assert_eq!(found.last(), Some(&39));
        }
        // The time of the break counts.
        let mut recent = RecentPackets::default();
        new(&mut recent, 0..5);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(18)).unwrap();
        recent.joining = Some(Joining { broke: long_ago, first: true });
        assert_eq!(new(&mut recent, 1..7), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_oldest_packets_are_forgotten() {
        let mut recent = RecentPackets::default();
        new(&mut recent, 0..=4_096);
        assert_eq!(recent.known.len(), MAX_KNOWN_PACKETS);
        recent.interrupted();
        assert_eq!(new(&mut recent, [4_096, 1, 0]), [0]);
    }
}
