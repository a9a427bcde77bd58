//! Packets that come without their padding.

use bytes::{Bytes, BytesMut};
use mms_asf::Restorer;

/// Gives packets their padding back.
#[derive(Debug, Default)]
pub(super) struct Padding {
    restorer: Option<Restorer>,
    buffer: BytesMut,
}

impl Padding {
    /// Packets are of this size from now on.
    pub(super) fn packet_size(&mut self, size: u32) {
        self.restorer = Restorer::new(size).ok();
    }

    /// The packet as long as it was; one that cannot be read as it came.
    pub(super) fn restore(&mut self, packet: Bytes) -> Bytes {
        let restorer = self.restorer.as_ref();
        let Some(restorer) = restorer.filter(|r| packet.len() < r.packet_size() as usize) else {
            return packet;
        };
        match restorer.restore(&packet, &mut self.buffer) {
            Ok(_) => self.buffer.split().freeze(),
            Err(_) => packet,
        }
    }
}
