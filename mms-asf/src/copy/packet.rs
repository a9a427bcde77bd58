//! Packets that are taken one by one: outside runs, and with a change.

use std::io::{Seek, Write};

use bytes::Bytes;

use super::behind::Behind;
use super::{Copy, note};
use crate::packet::send_time;
use crate::{FileError, Finalizer, Packet};

impl<W: Write + Seek, F: FnMut(Bytes) -> Option<Bytes>> Copy<W, F> {
    /// A packet of the input. It is read once as long as nothing moves it.
    pub(super) fn packet(&mut self, offset: u64, packet: Bytes) -> Result<(), FileError> {
        self.behind.packet();
        self.searching = false;
        let size = self.header.file().packet_size;
        let bytes = packet.clone();
        let read = Packet::parse(&bytes, size).ok();
        let sent = read.as_ref().map(Packet::send_time).or_else(|| send_time(&bytes, size));
        self.sent = sent.or(self.sent);
        if let Some(read) = &read {
            self.streams.packet(read.payloads().map_while(Result::ok));
        }
        let unmoved = read.filter(|read| self.is_normal(&bytes) && self.passes(read));
        let packet = match unmoved {
            Some(read) if self.change.is_none() && self.waiting.is_none() && self.keeps_times() => {
                return write_read(&mut self.recording, &mut self.behind, &mut self.output, &read);
            }
            Some(_) => packet,
            None => {
                let packet = self.normal(packet)?;
                self.joined(offset, packet)
            }
        };
        let packet = match &mut self.change {
            Some(change) => change(packet),
            None => Some(packet),
        };
        let Some(packet) = packet else {
            self.behind.packets_differ();
            return Ok(());
        };
        if let Some(waiting) = &mut self.waiting {
            let known = self.rebaser.observe(&packet);
            waiting.push_back(packet);
            if known {
                self.release()?;
            }
            return Ok(());
        }
        self.write(&packet)
    }

    /// Whether the packet is on the line of those before it; it is noted then.
    fn passes(&mut self, packet: &Packet<'_>) -> bool {
        let payloads = packet.payloads().map_while(Result::ok);
        self.continuity.as_mut().is_none_or(|continuity| continuity.passes(packet, payloads))
    }

    /// The packet on the line of those before it.
    fn joined(&mut self, offset: u64, packet: Bytes) -> Bytes {
        let Some(continuity) = &mut self.continuity else { return packet };
        self.buffer.clear();
        self.buffer.extend_from_slice(&packet);
        // A packet whose times cannot be moved keeps them.
        let Ok(restart) = continuity.join(&mut self.buffer) else { return packet };
        if let Some(restart) = restart {
            self.behind.packets_differ();
            self.recording.restarted();
            self.report.restarted(offset, restart);
        }
        if self.buffer == packet { packet } else { self.buffer.split().freeze() }
    }

    /// Writes a packet with its times on the new timeline.
    pub(super) fn write(&mut self, packet: &[u8]) -> Result<(), FileError> {
        let mut packet = packet;
        if !self.keeps_times() {
            self.buffer.clear();
            self.buffer.extend_from_slice(packet);
            // A packet whose times cannot be moved keeps them.
            let _ = self.rebaser.apply(&mut self.buffer);
            // A multiple of what the wire can hold is no distance.
            self.moved |= self.buffer != packet;
            packet = &self.buffer;
        }
        let size = self.header.file().packet_size;
        let Ok(read) = Packet::parse(packet, size) else {
            self.recording.packet(packet);
            self.output.write_all(packet)?;
            return Ok(());
        };
        write_read(&mut self.recording, &mut self.behind, &mut self.output, &read)
    }
}

/// Writes a packet as it was read.
fn write_read(
    recording: &mut Finalizer,
    behind: &mut Behind,
    output: &mut impl Write,
    packet: &Packet<'_>,
) -> Result<(), FileError> {
    note(recording, behind, packet, packet.payloads().map_while(Result::ok));
    output.write_all(packet.as_bytes())?;
    Ok(())
}
