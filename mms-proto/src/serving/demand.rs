//! The packet that a server waits for, or holds.

use std::time::Instant;

use bytes::Bytes;

/// Which packet comes next, and who has it. Exactly one of these holds at a time.
#[derive(Debug, Default)]
pub(crate) enum Demand {
    /// Nobody was asked.
    #[default]
    Idle,
    /// The application was asked, and may hand over packets.
    Asked {
        /// Bytes that it may still hand over. A packet is taken as long as there is any.
        credit: usize,
        /// It has handed over one, so it can be asked again.
        answered: bool,
    },
    /// A packet waits here until it is due.
    Scheduled(ScheduledPacket),
    /// There are no more packets, and the client will be told later.
    Ended,
}

/// A packet that is not due yet.
#[derive(Debug)]
pub(crate) struct ScheduledPacket {
    pub(crate) due: Instant,
    pub(crate) number: u32,
    pub(crate) packet: Bytes,
}

impl Demand {
    /// Asks for packets of so many bytes together; false when nothing can be asked for, or no byte
    /// may be sent.
    #[inline]
    pub(crate) fn ask(&mut self, credit: usize) -> bool {
        match self {
            _ if credit == 0 => return false,
            Self::Idle => *self = Self::Asked { credit, answered: false },
            Self::Asked { credit: left, answered } if *answered => {
                (*left, *answered) = (credit, false);
            }
            _ => return false,
        }
        true
    }

    /// Takes a packet of this size out of the credit; false when none is wanted.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let Self::Asked { credit, answered } = self else { return false };
        (*credit, *answered) = (credit.saturating_sub(bytes), true);
        if *credit == 0 {
            *self = Self::Idle;
        }
        true
    }

    /// True when a packet is wanted.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        matches!(self, Self::Asked { .. })
    }

    /// True when nothing can be asked for: an answer is owed, a packet waits, or the end has come.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        !matches!(self, Self::Idle | Self::Asked { answered: true, .. })
    }

    /// Forgets that the application was asked.
    #[inline]
    pub(crate) fn withdraw(&mut self) {
        if self.is_asked() {
            *self = Self::Idle;
        }
    }

    /// The packet that waits here.
    pub(crate) fn scheduled(&self) -> Option<&ScheduledPacket> {
        match self {
            Self::Scheduled(packet) => Some(packet),
            _ => None,
        }
    }

    /// Takes the packet that waits here.
    pub(crate) fn release(&mut self) -> Option<ScheduledPacket> {
        match std::mem::take(self) {
            Self::Scheduled(packet) => Some(packet),
            other => {
                *self = other;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credit_is_used_up_by_packets() {
        let mut demand = Demand::default();
        assert!(!demand.take(1) && !demand.is_busy());
        assert!(!demand.ask(0) && demand.ask(1000));
        assert!(demand.is_busy() && !demand.ask(1000), "the answer is owed");
        assert!(demand.take(600));
        assert!(!demand.is_busy(), "it can be asked again");
        // The last packet may be larger than what is left.
        assert!(demand.take(600));
        assert!(!demand.take(1));
        assert!(demand.ask(1000) && demand.take(10));
        demand.withdraw();
        assert!(!demand.take(10), "withdrawn");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
    fn a_packet_that_waits_is_released_once() {
        let (due, packet) = (Instant::now(), Bytes::from_static(b"packet"));
        let mut demand = Demand::Scheduled(ScheduledPacket { due, number: 7, packet });
        assert!(demand.is_busy() && !demand.take(1));
        demand.withdraw();
        assert_eq!(demand.scheduled().map(|packet| packet.due), Some(due));
        assert_eq!(demand.release().map(|packet| packet.number), Some(7));
        assert!(demand.release().is_none() && !demand.is_busy());
        demand = Demand::Ended;
        assert!(demand.release().is_none() && demand.is_busy());
    }
}
