//! The last packet of an earlier recording, which the server sends again.

use bytes::Bytes;
use mms_asf::{Continuity, Packet, SendClock};

use crate::recording::ResumeRefused;

/// What is known about the last packet of an earlier recording.
#[derive(Debug)]
pub(in crate::recording) struct CatchUp {
    pub(super) packets: u64,
    pub(super) first: Bytes,
    pub(super) last: Bytes,
    pub(super) sent: Option<u32>,
    /// The line of time that the packets in the file are on.
    pub(super) continuity: Continuity,
    /// Number of the first packet in the stream.
    pub(super) base: u32,
    /// Lowest number that the last packet can have.
    pub(super) expected: u32,
    /// Bytes after the last packet, which the next one must begin with.
    pub(super) tail: Bytes,
    /// No packet follows the last one in the stream.
    pub(super) whole: bool,
    /// Number of the last packet, once it was found and the next one is waited for.
    pub(super) found: Option<u32>,
}

impl CatchUp {
    /// Whether the packet that follows the last one, restored, begins with the bytes that follow
    /// that one in the file.
    pub(in crate::recording) fn continues(&self, packet: &[u8]) -> bool {
        let mut packet = packet.to_vec();
        let _ = self.continuity.clone().join(&mut packet);
        packet.starts_with(&self.tail)
    }

    /// Whether the bytes that follow the last packet look like the beginning of another one, where
    /// nothing came that could tell.
    pub(in crate::recording) fn looks_torn(&self) -> bool {
        !self.whole && self.tail.first() == self.last.first()
    }

    /// Notes that the last packet was found. Returns whether nothing else has to be seen.
    pub(in crate::recording) fn find(&mut self, number: u32) -> bool {
        self.found = Some(number);
        self.tail.is_empty()
    }

    /// Number of the last packet, when only the next one is waited for.
    pub(in crate::recording) fn found(&self) -> Option<u32> {
        self.found
    }

    /// How many packets may precede the last one where a server cannot begin elsewhere.
    pub(in crate::recording) fn before(&self) -> u64 {
        self.expected.into()
    }

    /// Whether this packet, restored, is the last one in the file.
    pub(in crate::recording) fn is_last(
        &mut self,
        number: u32,
        packet: &[u8],
    ) -> Result<bool, ResumeRefused> {
        if number < self.expected {
            return Ok(false);
        }
        if packet == self.last || self.continuity.resume(packet, &self.last) {
            return Ok(true);
        }
        let size = u32::try_from(self.last.len()).unwrap_or(u32::MAX);
        let sent = Packet::parse(packet, size).ok().map(|packet| packet.send_time());
        let passed = match (self.sent, sent) {
            (Some(last), Some(sent)) => SendClock::distance(last, sent) > 0,
            _ => number > self.expected,
        };
        if passed { Err(ResumeRefused::OtherPackets) } else { Ok(false) }
    }
}
