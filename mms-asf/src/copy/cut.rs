//! Packets that are not stored whole, and those whose head does not count their padding.

use std::io::{Seek, Write};

use bytes::{Bytes, BytesMut};

use super::Copy;
use crate::push::{Opening, check_packet};
use crate::{FileError, Packet};

impl<W: Write + Seek, F: FnMut(Bytes) -> Option<Bytes>> Copy<W, F> {
    /// The packet in the form that files hold: with all its padding, and with a padding field that
    /// accounts for it.
    pub(super) fn normal(&mut self, packet: Bytes) -> Result<Bytes, FileError> {
        let missing = u64::from(self.restorer.packet_size()).saturating_sub(packet.len() as u64);
        if missing == 0 && !self.restorer.contradicts(&packet) {
            return Ok(packet);
        }
        let mut normal = BytesMut::new();
        self.restorer.restore(&packet, &mut normal)?;
        self.report.normalised(missing);
        Ok(normal.freeze())
    }

    /// A last packet that was cut: its whole payloads, and new padding for what is missing.
    pub(super) fn leftover(&mut self, offset: u64, bytes: &Bytes) -> Result<(), FileError> {
        self.behind.packets_differ();
        let size = self.header.file().packet_size;
        let whole = whole_payloads(bytes, size);
        let mut restored = BytesMut::new();
        if let Some(whole) = &whole {
            self.restorer.restore(whole, &mut restored)?;
        }
        let begins_well = self.opening.unwrap_or(Opening::Customary).fits(&restored);
        if !begins_well || check_packet(&restored, size as usize).is_err() {
            self.report.cut(offset, bytes);
            return Ok(());
        }
        let missing = u64::from(size).saturating_sub(bytes.len() as u64);
        let lost = bytes.len().saturating_sub(whole.map_or(0, |whole| whole.len()));
        self.report.filled(offset, missing, lost as u64);
        self.packet(offset, restored.freeze())
    }
}

/// The packet up to the end of its last whole payload, with the number of those that are whole; all
/// of it when no payload was cut. `None` when no payload is whole.
///
/// A single payload has no length of its own: it is whole when it completes its media object.
fn whole_payloads(bytes: &Bytes, packet_size: u32) -> Option<Bytes> {
    let packet = Packet::parse(bytes, packet_size).ok()?;
    if !packet.is_multiple() {
        let payload = packet.payloads().next()?.ok()?;
        let end = u64::from(payload.offset).saturating_add(payload.data.len() as u64);
        let completes = payload.object_size.is_some_and(|size| size != 0 && end == size.into());
        return completes.then(|| bytes.clone());
    }
    let whole = packet.payloads().map_while(Result::ok);
    let (count, end) =
        whole.fold((0_u8, 0), |(n, _), payload| (n.saturating_add(1), payload.end()));
    if packet.payload_end().is_some() {
        return Some(bytes.clone());
    }
    // The payload count is the byte in front of the first payload.
    let count_at = packet.first_payload().checked_sub(1)?;
    let mut kept = BytesMut::from(bytes.get(..end).filter(|_| count > 0)?);
    let flags = kept.get_mut(count_at)?;
    *flags = (*flags & 0xC0) | count;
    Some(kept.freeze())
}
