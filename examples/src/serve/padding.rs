//! Padding that is left out on the way.

use bytes::Bytes;
use mms_asf::{Packet, remove_restorable_padding};

/// The packet without its padding, with its length in the head (MMSP-S-055, MMSP-S-056), where a
/// receiver can put it back exactly as it was: so a recording is a copy, byte for byte. Odd
/// packets, of which the head could not be told again, are sent as they are, and so is what
/// cannot be read.
pub(super) fn without_padding(packet: Bytes) -> Bytes {
    let size = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let parsed = Packet::parse(&packet, size).ok();
    parsed.and_then(|parsed| remove_restorable_padding(&parsed)).unwrap_or(packet)
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{TestPacket, TestPayload};

    use super::*;

    #[test]
    fn what_cannot_be_read_or_told_again_is_sent_as_it_is() {
        let media = vec![TestPayload::whole(1, 0, 3_000, b"media")];
        let packet = TestPacket { padding_width: 1, ..TestPacket::multiple(media) };
        let plain = packet.build(200);
        assert!(without_padding(plain).len() < 100);
        let wide = TestPacket { padding_width: 4, ..packet }.build(200);
        assert_eq!(without_padding(wide.clone()).as_ptr(), wide.as_ptr());
        let garbage = Bytes::from_static(&[0xFF; 50]);
        assert_eq!(without_padding(garbage.clone()).as_ptr(), garbage.as_ptr());
    }
}
