//! Padding that is left out on the way.

use bytes::{Bytes, BytesMut};
use mms_asf::{Removal, Restorer, remove_padding};

/// The packet without its padding, with its length in the head (MMSP-S-055, MMSP-S-056), where a
/// receiver can put it back exactly as it was: so a recording is a copy, byte for byte. Odd
/// packets, of which the head could not be told again, are sent as they are, and so is what
/// cannot be read.
pub(super) fn without_padding(packet: &Bytes) -> Bytes {
    let mut short = BytesMut::with_capacity(packet.len());
    let removed = remove_padding(packet, Removal::ExplicitLength, &mut short);
    if removed.is_err() || short.len() >= packet.len() || !comes_back(&short, packet) {
        return packet.clone();
    }
    // Not the large buffer: it would stay in memory as long as the packet waits.
    Bytes::copy_from_slice(&short)
}

fn comes_back(short: &[u8], packet: &Bytes) -> bool {
    let restorer = u32::try_from(packet.len()).ok().and_then(|size| Restorer::new(size).ok());
    let mut whole = BytesMut::with_capacity(packet.len());
    restorer.is_some_and(|restorer| restorer.restore(short, &mut whole).is_ok() && whole == packet)
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{TestPacket, TestPayload};

    use super::*;

    #[test]
    fn only_what_comes_back_is_left_out() {
        let media = vec![TestPayload::whole(1, 0, 3_000, b"media")];
        // Of the field's widths a receiver takes the narrowest, as Windows encoders do.
        let packet = TestPacket { padding_width: 1, ..TestPacket::multiple(media) };
        let plain = packet.build(200);
        let short = without_padding(&plain);
        assert!(short.len() < 100, "{}", short.len());
        assert!(comes_back(&short, &plain));
        let wide = TestPacket { padding_width: 4, ..packet }.build(200);
        assert_eq!(without_padding(&wide).as_ptr(), wide.as_ptr());
        // What lies in padding is lost without it.
        let mut odd = plain.to_vec();
        *odd.last_mut().unwrap() = 7;
        let odd = Bytes::from(odd);
        assert_eq!(without_padding(&odd).as_ptr(), odd.as_ptr());
        let garbage = Bytes::from_static(&[0xFF; 50]);
        assert_eq!(without_padding(&garbage).as_ptr(), garbage.as_ptr());
    }
}
