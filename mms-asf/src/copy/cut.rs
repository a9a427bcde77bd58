//! Packets that are not stored whole, those that are damaged, and those whose head does not count
//! their padding.

use std::io::{Seek, Write};

use bytes::{Bytes, BytesMut};

use super::Copy;
use super::part::Part;
use crate::push::{Opening, check_packet};
use crate::{Cause, FileError};

impl<W: Write + Seek, F: FnMut(Bytes) -> Option<Bytes>> Copy<W, F> {
    /// Whether the packet has the form that files hold.
    pub(super) fn is_normal(&self, packet: &[u8]) -> bool {
        let whole = packet.len() as u64 >= u64::from(self.restorer.packet_size());
        whole && !self.restorer.contradicts(packet)
    }

    /// The packet in the form that files hold: with all its padding, and with a padding field that
    /// accounts for it.
    pub(super) fn normal(&mut self, packet: Bytes) -> Result<Bytes, FileError> {
        if self.is_normal(&packet) {
            return Ok(packet);
        }
        let missing = u64::from(self.restorer.packet_size()).saturating_sub(packet.len() as u64);
        let mut normal = BytesMut::new();
        self.restorer.restore(&packet, &mut normal)?;
        self.report.normalised(missing);
        Ok(normal.freeze())
    }

    /// A last packet that was cut: its whole payloads, and new padding for what is missing.
    pub(super) fn leftover(&mut self, offset: u64, bytes: &Bytes) -> Result<(), FileError> {
        self.behind.packets_differ();
        let part = Part::of_cut(bytes, &self.restorer)?.filter(|part| self.is_packet(part));
        let Some(part) = part else {
            self.report.cut(offset, bytes);
            return Ok(());
        };
        let missing = u64::from(self.restorer.packet_size()).saturating_sub(bytes.len() as u64);
        self.report.filled(offset, missing, bytes.get(part.len..).unwrap_or_default());
        self.packet(offset, part.packet.freeze())
    }

    /// Bytes that are no packet. Where one should start, the whole payloads in front of the damage
    /// are kept.
    pub(super) fn damage(
        &mut self,
        offset: u64,
        bytes: &Bytes,
        cause: Cause,
    ) -> Result<(), FileError> {
        self.behind.packets_differ();
        // Long damage comes in pieces, of which only the first starts where a packet ended.
        let continues = std::mem::replace(&mut self.searching, cause == Cause::Lost);
        let starts = match cause {
            Cause::Packet(_) => true,
            Cause::Lost => !continues,
            _ => false,
        };
        let part = match starts {
            true => Part::of_damaged(bytes, &self.header, self.sent, &self.restorer)?,
            false => None,
        };
        let Some(part) = part.filter(|part| self.is_packet(part)) else {
            self.report.damage(offset, bytes, cause);
            return Ok(());
        };
        let rest = bytes.get(part.len..).unwrap_or_default();
        self.report.kept(offset, part.len as u64);
        self.report.damage(offset.saturating_add(part.len as u64), rest, cause);
        self.packet(offset, part.packet.freeze())
    }

    /// Whether it is read as a packet like those before it.
    fn is_packet(&self, part: &Part) -> bool {
        let size = self.restorer.packet_size() as usize;
        self.opening.unwrap_or(Opening::Customary).fits(&part.packet)
            && check_packet(&part.packet, size).is_ok()
    }
}
