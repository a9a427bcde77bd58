//! The whole payloads at the start of a packet that was cut or damaged.

use bytes::BytesMut;

use crate::offsets::put_at;
use crate::packet::WholeList;
use crate::push::{is_near, is_plausible};
use crate::{Error, Header, Packet, Restorer};

/// A packet made of the payloads that are whole.
#[derive(Debug)]
pub(super) struct Part {
    /// The packet, with new padding.
    pub(super) packet: BytesMut,
    /// Number of bytes of the damaged packet that it holds.
    pub(super) len: usize,
}

impl Part {
    /// Of a packet that was cut; all that is there may be whole.
    ///
    /// A single payload has no length of its own: it is whole when it completes its media object.
    /// Compressed payloads are whole up to the end of a media object.
    pub(super) fn of_cut(bytes: &[u8], restorer: &Restorer) -> Result<Option<Self>, Error> {
        let Ok(packet) = Packet::parse(bytes, restorer.packet_size()) else { return Ok(None) };
        if !packet.is_multiple() {
            let payload = packet.payloads().next().and_then(Result::ok);
            let completes = payload.is_some_and(|payload| {
                let end = u64::from(payload.offset).saturating_add(payload.data.len() as u64);
                payload.object_size.is_some_and(|size| size != 0 && end == size.into())
            });
            if completes {
                return Self::whole(bytes, restorer).map(Some);
            }
            let Some(list) = packet.whole_list(packet.first_payload()) else { return Ok(None) };
            let Some(kept) = bytes.get(..list.end) else { return Ok(None) };
            let mut restored = BytesMut::new();
            restorer.restore_up_to(kept, list.end, &mut restored)?;
            return Ok(Some(Self { packet: restored, len: list.end }));
        }
        if packet.payload_end().is_some() {
            return Self::whole(bytes, restorer).map(Some);
        }
        let payloads = packet.payloads().map_while(Result::ok);
        let (count, end) = payloads
            .fold((0, packet.first_payload()), |(n, _), p| (u8::saturating_add(n, 1), p.end()));
        Self::of_first(&packet, count, end, packet.whole_list(end), restorer)
    }

    /// Of a packet that is damaged after its first payloads, which belong to streams of the header
    /// and continue the packet that was sent at `sent` milliseconds. Without one, error correction
    /// data have to tell that it is a packet.
    pub(super) fn of_damaged(
        bytes: &[u8],
        header: &Header,
        sent: Option<u32>,
        restorer: &Restorer,
    ) -> Result<Option<Self>, Error> {
        let size = restorer.packet_size() as usize;
        let bytes = bytes.get(..size).unwrap_or(bytes);
        let Ok(packet) = Packet::parse(bytes, restorer.packet_size()) else { return Ok(None) };
        let continues = match sent {
            Some(sent) => is_near(sent, packet.send_time()),
            None => bytes.first().is_some_and(|first| first & 0x80 != 0),
        };
        if !packet.is_multiple() || !continues {
            return Ok(None);
        }
        let payloads = packet
            .payloads()
            .map_while(Result::ok)
            .take_while(|payload| header.stream(payload.stream).is_some() && is_plausible(payload));
        let (count, end) = payloads
            .fold((0, packet.first_payload()), |(n, _), p| (u8::saturating_add(n, 1), p.end()));
        Self::of_first(&packet, count, end, None, restorer)
    }

    /// All of the packet, which lacks padding at most.
    fn whole(bytes: &[u8], restorer: &Restorer) -> Result<Self, Error> {
        let mut packet = BytesMut::new();
        restorer.restore(bytes, &mut packet)?;
        Ok(Self { packet, len: bytes.len() })
    }

    /// The first `count` payloads, which end at `end`, and the part of a compressed payload that
    /// follows them.
    fn of_first(
        packet: &Packet<'_>,
        count: u8,
        end: usize,
        list: Option<WholeList>,
        restorer: &Restorer,
    ) -> Result<Option<Self>, Error> {
        let count = count.saturating_add(list.is_some().into());
        let end = list.map_or(end, |list| list.end);
        // The payload count is the byte in front of the first payload.
        let count_at = packet.first_payload().checked_sub(1);
        let kept = packet.as_bytes().get(..end).filter(|_| count > 0);
        let Some((kept, count_at)) = kept.zip(count_at) else { return Ok(None) };
        let mut kept = BytesMut::from(kept);
        if let Some(flags) = kept.get_mut(count_at) {
            *flags = (*flags & 0xC0) | count;
        }
        if let Some((list, (at, width))) = list.and_then(|list| list.length.map(|at| (list, at))) {
            let len = u32::try_from(list.end.saturating_sub(list.start)).unwrap_or(u32::MAX);
            put_at(&mut kept, at, len.to_le_bytes().get(..width).unwrap_or_default());
        }
        let mut restored = BytesMut::new();
        restorer.restore_up_to(&kept, end, &mut restored)?;
        Ok(Some(Self { packet: restored, len: end }))
    }
}
