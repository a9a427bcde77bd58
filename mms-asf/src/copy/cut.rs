//! The last packet of a file that was cut.

use bytes::{Bytes, BytesMut};

use crate::Packet;

/// The packet up to the end of its last whole payload, with the number of those that are whole; all
/// of it when no payload was cut. `None` when no payload is whole.
///
/// A single payload has no length of its own: it is whole when it completes its media object.
pub(super) fn whole_payloads(bytes: &Bytes, packet_size: u32) -> Option<Bytes> {
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
