//! What can be done to a frame.

use bytes::Bytes;

use super::Frame;

/// `sessionId` of a packet with messages.
const SESSION_ID: [u8; 4] = [0xCE, 0xFA, 0x0B, 0xB0];

/// The frames with the one at `index` replaced.
pub(crate) fn with(frames: &[Frame], index: usize, bytes: Bytes) -> Vec<Frame> {
    let mut changed = frames.to_vec();
    changed[index].bytes = bytes;
    changed
}

/// The frames with each of them sent twice, left out, and exchanged with each other one.
pub(crate) fn orders(honest: &[Frame]) -> impl Iterator<Item = Vec<Frame>> {
    (0..honest.len()).flat_map(move |index| {
        let mut twice = honest.to_vec();
        twice.insert(index, honest[index].clone());
        let mut dropped = honest.to_vec();
        dropped.remove(index);
        let swapped = (0..honest.len()).map(move |other| {
            let mut swapped = with(honest, index, honest[other].bytes.clone());
            swapped[other].bytes = honest[index].bytes.clone();
            swapped
        });
        [twice, dropped].into_iter().chain(swapped)
    })
}

/// True for a packet with messages, false for a Data packet.
pub(crate) fn has_messages(frame: &[u8]) -> bool {
    frame.get(4..8) == Some(&SESSION_ID)
}

/// Every aligned word of the first `limit` bytes set to every number that breaks things: all
/// length and count fields are among them, and so are the limits of most (a packet's messages and
/// 16 bytes, 64 KiB of them, [`client_victim`](super::victim::client_victim)'s header).
pub(crate) fn words(frame: &Bytes, limit: usize) -> impl Iterator<Item = (usize, Bytes)> {
    const HEADER: u32 = 256 << 10;
    #[rustfmt::skip]
    const NUMBERS: [u32; 14] = [
        0, 1, 2, 7, 15, 0x7FFF, 0xFFFF, 0x0001_0000, 0x0001_0001, HEADER, HEADER + 1,
        0x7FFF_FFFF, 0x8000_0000, u32::MAX,
    ];
    let places = (0..limit.min(frame.len()).saturating_sub(3)).step_by(4);
    places.flat_map(move |at| {
        let old = u32::from_le_bytes(frame[at..at + 4].try_into().unwrap());
        let near = [old.wrapping_sub(1), old.wrapping_add(1)];
        NUMBERS.into_iter().chain(near).filter(move |&new| new != old).map(move |new| {
            let mut changed = frame.to_vec();
            changed[at..at + 4].copy_from_slice(&new.to_le_bytes());
            (at, changed.into())
        })
    })
}

/// The same for half words, which hold sizes of Data packets and locations, and stream numbers.
pub(crate) fn half_words(frame: &Bytes, limit: usize) -> impl Iterator<Item = (usize, Bytes)> {
    const NUMBERS: [u16; 6] = [0, 1, 7, 8, 0x8000, u16::MAX];
    let places = (0..limit.min(frame.len()).saturating_sub(1)).step_by(2);
    places.flat_map(move |at| {
        let old = u16::from_le_bytes(frame[at..at + 2].try_into().unwrap());
        let near = [old.wrapping_sub(1), old.wrapping_add(1)];
        NUMBERS.into_iter().chain(near).filter(move |&new| new != old).map(move |new| {
            let mut changed = frame.to_vec();
            changed[at..at + 2].copy_from_slice(&new.to_le_bytes());
            (at, changed.into())
        })
    })
}

/// The frame cut after every byte, its lengths as they were: the stream stalls in the middle.
pub(crate) fn cut(frame: &Bytes) -> impl Iterator<Item = Bytes> {
    (0..frame.len()).map(|end| frame.slice(..end))
}

/// The frame cut after every byte, the length of the packet put right.
pub(crate) fn shortened(frame: &Bytes) -> impl Iterator<Item = Bytes> {
    let first = if has_messages(frame) { 32 } else { 8 };
    (first..frame.len()).flat_map(move |end| {
        let mut short = frame[..end].to_vec();
        if !has_messages(frame) {
            short[6..8].copy_from_slice(&u16::try_from(end).unwrap().to_le_bytes());
            return vec![short.into()];
        }
        short[8..12].copy_from_slice(&u32::try_from(end - 16).unwrap().to_le_bytes());
        let with_old_chunks = Bytes::from(short.clone());
        if end < 40 {
            return vec![with_old_chunks];
        }
        // And the length of the message as well.
        short[32..36].copy_from_slice(&u32::try_from((end - 32) / 8).unwrap().to_le_bytes());
        vec![with_old_chunks, short.into()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::victim::{honest_client, honest_server};

    #[test]
    fn every_change_is_one_and_lengths_are_put_right() {
        for frame in honest_client().into_iter().chain(honest_server()) {
            let frame = frame.bytes;
            let changed = |bytes: &Bytes| bytes.len() == frame.len() && *bytes != frame;
            assert!(words(&frame, 152).all(|(_, bytes)| changed(&bytes)));
            assert!(half_words(&frame, 64).all(|(_, bytes)| changed(&bytes)));
            assert_eq!(cut(&frame).count(), frame.len());
            for short in shortened(&frame) {
                let length = if has_messages(&frame) {
                    u32::from_le_bytes(short[8..12].try_into().unwrap()) as usize + 16
                } else {
                    u16::from_le_bytes(short[6..8].try_into().unwrap()).into()
                };
                assert_eq!(length, short.len());
            }
        }
    }
}
