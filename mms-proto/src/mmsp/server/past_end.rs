//! Data packets after the last one for FFmpeg, which takes neither the end of the stream nor that of
//! the connection for an end (T45).
//!
//! FFmpeg 5.1 ends in two ways. Its reader of ASF stops at the size of the Data Object in the header.
//! Once there it skips the padding of the last packet again each time it asks for a frame, and waits
//! for ever for these bytes: packets of one byte, of each of which FFmpeg makes a whole packet, are
//! enough for a file that has all its packets.
//!
//! Where packets are missing, and live, that size is never reached. The only failure that its
//! `mmst.c` hands on is a Data packet larger than the packets of the file, and its reader of ASF
//! takes a failure for an end only where it reads the data of a payload. So FFmpeg is sent an ASF
//! packet whose payload begins after its last byte, and then a larger one. The failure is remembered:
//! from there on a payload without data ends the stream as well, and one is needed each time that
//! FFmpeg asks for a frame, which it does for each frame that its decoders hold back. A payload of a
//! stream that is not decoded is skipped: the streams take turns.

use bytes::Bytes;

use super::Server;
use crate::content::MAX_PACKET_SIZE;
use crate::io::ConnectionId;
use crate::mmsp::frame::DataPacket;
use crate::stream::{Delivery, StreamNumber};

/// Packets of one byte: what FFmpeg skips while it looks at the streams of a short file, and again
/// when it decodes.
const EMPTY_PACKETS: usize = 16;
/// Payloads without data for each stream: frames that a decoder holds back, one for each of its
/// threads and some more.
const ROUNDS: usize = 64;
/// Most bytes of all packets together.
const MAX_BYTES: usize = 128 << 10;
/// Bytes of an ASF packet before the first of several payloads, see [`without_data`].
const HEAD: u32 = 16;
/// Bytes of a payload without data.
const PAYLOAD: u32 = 13;
/// Most payloads of a packet.
const MAX_PAYLOADS: u32 = 63;
/// Bytes before the replicated data of a packet with one payload, see [`unfinished`].
const SINGLE_HEAD: u32 = 25;
/// Bytes of an object of which no payload has any, so that it is never whole.
const OBJECT: u32 = 17;

impl Server {
    /// Sends packets after the last one to players that would wait for ever. They are not media, and
    /// not counted as any.
    pub(super) fn send_past_last_packet(&mut self) {
        let Some((content, _)) = self.state.flow() else { return };
        if !self.session.client.reads_past_last_packet() {
            return;
        }
        let size = content.packet_limit(MAX_PACKET_SIZE);
        for _ in 0..EMPTY_PACKETS {
            self.send_beyond(Bytes::from_static(&[0]));
        }
        let selections = self.session.selection.selected().into_iter().flatten();
        let streams = selections.filter(|selection| selection.delivery != Delivery::Off);
        let streams: Vec<StreamNumber> = streams.map(|selection| selection.stream).collect();
        let Some(&first) = streams.first() else { return };
        // Where packets are as large as Data packets can be there are no larger ones.
        if !(HEAD + PAYLOAD..MAX_PACKET_SIZE).contains(&size) {
            return;
        }
        let Some(packet) = unfinished(first, size) else { return };
        self.send_beyond(packet);
        let mut left = streams.len().saturating_mul(ROUNDS);
        let mut bytes = 0_usize;
        let mut turns = streams.iter().copied().cycle();
        let mut larger = true;
        while left > 0 && bytes < MAX_BYTES {
            let length = size.saturating_add(larger.into());
            let (mut packet, count) = without_data(&mut turns, length, left);
            if larger {
                packet.resize(usize::try_from(length).unwrap_or_default(), 0);
            }
            larger = false;
            left = left.saturating_sub(count);
            bytes = bytes.saturating_add(packet.len());
            self.send_beyond(packet.into());
        }
    }

    /// Sends a Data packet that is not media.
    fn send_beyond(&mut self, payload: Bytes) {
        let Some((content, flow)) = self.state.flow() else { return };
        let count = content.packet_count().and_then(|count| u32::try_from(count).ok());
        let flags = self.session.sequence.to_le_bytes()[0];
        let packet = DataPacket::new(count.unwrap_or(u32::MAX), flow.label, flags, payload);
        let Some(data) = packet.into_transmit() else { return };
        self.session.sequence = self.session.sequence.wrapping_add(1);
        self.core.transmit(ConnectionId::MAIN, data);
    }
}

/// The beginning of an ASF packet with the length that it declares.
fn begin(flags: [u8; 2], length: u32) -> Vec<u8> {
    let mut packet = vec![0x82, 0, 0];
    packet.extend(flags);
    packet.extend(length.to_le_bytes());
    packet.extend([0; 6]); // send time and duration
    packet
}

/// An ASF packet of so many bytes, of which the data of the only payload would be what follows it:
/// its replicated data goes to its end. FFmpeg fills it up with zeros. `None` where it does not fit.
fn unfinished(stream: StreamNumber, size: u32) -> Option<Bytes> {
    let replicated = size.checked_sub(SINGLE_HEAD).filter(|&bytes| bytes >= 8)?;
    // The lengths of the packet, of the offset and of replicated data have 4 bytes.
    let mut packet = begin([0x60, 0x5F], size.saturating_add(OBJECT - 1));
    packet.extend([0x80 | stream.get(), 0]);
    packet.extend([0; 4]);
    packet.extend(replicated.to_le_bytes());
    packet.extend(OBJECT.to_le_bytes());
    packet.extend([0; 4]);
    Some(packet.into())
}

/// An ASF packet of this length with payloads that have no data, at most `most`, and their number. The
/// bytes after the last payload are left out.
fn without_data(
    streams: &mut impl Iterator<Item = StreamNumber>,
    length: u32,
    most: usize,
) -> (Vec<u8>, usize) {
    let fit = (length.saturating_sub(HEAD) / PAYLOAD).min(MAX_PAYLOADS);
    let count = u8::try_from(most).unwrap_or(u8::MAX).min(fit.to_le_bytes()[0]);
    let mut packet = begin([0x61, 0x55], length);
    packet.push(0x40 | count);
    for stream in streams.take(count.into()) {
        packet.extend([0x80 | stream.get(), 0, 0, 8]);
        packet.extend(OBJECT.to_le_bytes());
        packet.extend([0; 4]);
        packet.push(0);
    }
    (packet, count.into())
}
