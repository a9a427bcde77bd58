//! What can lie at a boundary: a packet, or one of the known objects.

use uuid::Uuid;

use crate::object::{HEAD, id_and_size};
use crate::{Error, Limits, Packet, Payload, StreamSet, guid};

/// Largest size of a known object that is believed. The indexes of a day of video are smaller.
const BELIEVED: u64 = u32::MAX as u64;

/// The known object of the top level that starts with `bytes`, with its size. `None` when there
/// are fewer than 24 bytes and when the size is not plausible.
pub(super) fn known(bytes: &[u8], limits: &Limits) -> Option<(Uuid, u64)> {
    // The first bytes of their identifiers: nearly every packet is ruled out here.
    if !matches!(bytes.first()?, 0x30 | 0x90 | 0xD3 | 0xF8 | 0xD0 | 0xCB) {
        return None;
    }
    let (id, size) = id_and_size(bytes)?;
    let (least, most) = match id {
        guid::HEADER => (30, limits.header_bytes),
        guid::SIMPLE_INDEX => (56, BELIEVED),
        guid::INDEX | guid::MEDIA_OBJECT_INDEX | guid::TIMECODE_INDEX => (34, BELIEVED),
        guid::XMP => (HEAD as u64, BELIEVED),
        _ => return None,
    };
    (least..=most).contains(&size).then_some((id, size))
}

/// Any object that starts with `bytes`, if it is small enough to be kept.
pub(super) fn any_object(bytes: &[u8], limits: &Limits) -> Option<(Uuid, u64)> {
    id_and_size(bytes).filter(|(_, size)| (HEAD as u64..=limits.index_bytes).contains(size))
}

/// Largest size of a media object that is believed, in bytes: by default nothing puts larger ones
/// together. FFmpeg loses its place at them and with it the next packet.
const MAX_OBJECT_BYTES: u32 = 64 << 20;

/// The streams of a packet and its send time, when it can be read as [`read_packet`]
/// reads it.
pub(crate) fn check_packet(bytes: &[u8], packet_size: usize) -> Result<(StreamSet, u32), Error> {
    let packet = Packet::parse_inlined(bytes, u32::try_from(packet_size).unwrap_or(u32::MAX))?;
    let mut streams = StreamSet::EMPTY;
    read_payloads(&packet, |payload| {
        streams.insert(payload.stream);
    })?;
    Ok((streams, packet.send_time()))
}

/// Reads a packet with all its payloads, which have to belong to a stream: a hole of zeros passes
/// for a packet but for its stream number. Foreign bytes in a packet have sizes that no media object
/// has. After an error, payloads in front of it were handed out.
#[inline]
pub(super) fn read_packet<'a>(
    bytes: &'a [u8],
    packet_size: usize,
    each: impl FnMut(Payload<'a>),
) -> Result<Packet<'a>, Error> {
    let packet = Packet::parse_inlined(bytes, u32::try_from(packet_size).unwrap_or(u32::MAX))?;
    read_payloads(&packet, each)?;
    Ok(packet)
}

/// The send time of a packet that can be read as [`read_packet`] reads it.
#[inline]
pub(super) fn read_send_time(bytes: &[u8], packet_size: usize) -> Result<u32, Error> {
    let packet = Packet::parse_inlined(bytes, u32::try_from(packet_size).unwrap_or(u32::MAX))?;
    read_payloads(&packet, |_| {})?;
    Ok(packet.send_time())
}

#[inline]
fn read_payloads<'a>(packet: &Packet<'a>, mut each: impl FnMut(Payload<'a>)) -> Result<(), Error> {
    for payload in packet.payloads() {
        let payload = payload?;
        if payload.stream == 0 {
            return Err(Error::Malformed {
                what: "payload",
                offset: payload.data_offset as u64,
                expected: "a stream number of at least 1",
            });
        }
        if payload.object_size.is_some_and(|size| size > MAX_OBJECT_BYTES) {
            return Err(Error::Malformed {
                what: "payload",
                offset: payload.data_offset as u64,
                expected: "a media object of at most 64 MiB",
            });
        }
        each(payload);
    }
    Ok(())
}

/// What is wrong with a packet that can be read and begins otherwise than those before it.
pub(crate) fn other_opening() -> Error {
    Error::Malformed {
        what: "data packet",
        offset: 0,
        expected: "error correction and property flags like those of other packets",
    }
}

/// The bits of the property flags that hold the width of the offset into the media object.
const OFFSET: u8 = 0x0C;

/// How the packets behind a header begin: with error correction data of one length, or without, and
/// with the same property flags, except that servers change the width of the offset into the media
/// object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// No packet was seen; what nearly all encoders write (sections 5.2.1 and 5.2.2 of the
    /// specification).
    Customary,
    /// What the first packet began with.
    Seen { correction: Option<u8>, properties: Option<u8> },
}

impl Opening {
    pub(crate) fn of(packet: &[u8]) -> Self {
        let correction = packet.first().copied().filter(|first| first & 0x80 != 0);
        let properties = packet.get(flags_at(correction).saturating_add(1)).map(|b| b & !OFFSET);
        Self::Seen { correction, properties }
    }

    /// Whether `bytes` begin like that, as far as there are any.
    pub(crate) fn fits(self, bytes: &[u8]) -> bool {
        let is = |at: usize, fits: &dyn Fn(u8) -> bool| bytes.get(at).is_none_or(|&b| fits(b));
        let plain = |flags: u8| flags & 0x80 == 0;
        let usual = |b: u8| b & !OFFSET == 0x51;
        match self {
            Self::Customary if is(0, &plain) => is(1, &usual),
            Self::Customary => {
                let correction = is(0, &|b| b == 0x82) && is(1, &|b| b == 0) && is(2, &|b| b == 0);
                correction && is(3, &plain) && is(4, &usual)
            }
            Self::Seen { correction, properties } => {
                let at = flags_at(correction);
                correction.is_none_or(|first| is(0, &|b| b == first))
                    && is(at, &plain)
                    && is(at.saturating_add(1), &|b| Some(b & !OFFSET) == properties)
            }
        }
    }

    /// Whether `bytes` begin like that, but for the flag of opaque data.
    pub(super) fn is_opaque(self, bytes: &[u8]) -> bool {
        let correction = match self {
            Self::Customary => Some(0x82),
            Self::Seen { correction, .. } => correction,
        };
        correction.is_some_and(|first| bytes.first() == Some(&(first | 0x10)))
    }
}

/// Where the length type flags lie.
fn flags_at(correction: Option<u8>) -> usize {
    correction.map_or(0, |first| usize::from(first & 0x0F).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn known_objects_have_plausible_sizes() {
        let limits = Limits::default();
        let mut index = testing::object(guid::SIMPLE_INDEX, &[0; 32]).to_vec();
        assert_eq!(known(&index, &limits), Some((guid::SIMPLE_INDEX, 56)));
        assert_eq!(known(&index[..23], &limits), None);
        index[16] = 55;
        assert_eq!(known(&index, &limits), None);
        assert_eq!(any_object(&index, &limits), Some((guid::SIMPLE_INDEX, 55)));
        index[20] = 1;
        assert_eq!(known(&index, &limits), None, "4 GiB");
        assert_eq!(any_object(&index, &limits), None);
        assert_eq!(known(&testing::object(Uuid::nil(), &[]), &limits), None);
    }

    #[test]
    fn a_hole_is_no_packet() {
        assert!(check_packet(&[0; 200], 200).is_err());
        assert!(check_packet(&testing::packet(0, 200, b"data"), 200).is_ok());
    }

    #[test]
    fn an_object_of_an_impossible_size_is_no_media() {
        use crate::testing::{TestPacket, TestPayload};
        for (size, good) in [(MAX_OBJECT_BYTES, true), (MAX_OBJECT_BYTES + 1, false)] {
            let part = TestPayload::part(1, 0, 0, size, 0, b"a part");
            let packet = TestPacket::multiple(vec![part]).build(200);
            assert_eq!(check_packet(&packet, 200).is_ok(), good);
        }
    }

    #[test]
    fn openings() {
        let packet = testing::packet(0, 200, b"data");
        let seen = Opening::of(&packet);
        for opening in [Opening::Customary, seen] {
            assert!(opening.fits(&packet));
            assert!(opening.fits(&packet[..2]));
            assert!(!opening.fits(&packet[1..]));
        }
        let bare = Opening::of(&packet[3..]);
        assert!(Opening::Customary.fits(&packet[3..]) && bare.fits(&packet[3..]));
        assert!(!bare.fits(&packet) && !seen.fits(&packet[3..]));
    }
}
