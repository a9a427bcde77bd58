//! Recordings of some streams: what a server sends of the others is left out.
//!
//! Servers that ignore a selection send everything, and the file has to be the same as with one
//! that honours it. So the header declares the chosen streams alone, and payloads of the others
//! are taken out of each packet.

use std::borrow::Cow;

use bytes::BytesMut;
use mms_asf::{Header, Kept, Packet, StreamSet, filter_header, keep_payloads};
use mms_proto::{Content, Delivery, StreamSelection};

use super::RecordingError;
use crate::session::Entry;

/// The streams of a recording that are kept, where not all are.
#[derive(Debug)]
pub(super) struct Chosen {
    streams: StreamSet,
    packet_size: u32,
    buffer: BytesMut,
    /// Payloads that were left out.
    pub(super) left_out: u64,
}

impl Chosen {
    /// The streams that a selection delivers; `None` when these are all of the header.
    pub(super) fn new(entry: &Entry, selection: &[StreamSelection]) -> Option<Self> {
        let header = entry.recorded_header().ok()?;
        let wanted = |number: u8| {
            let on = |one: &&StreamSelection| one.delivery != Delivery::Off;
            selection.iter().filter(on).any(|one| one.stream.get() == number)
        };
        let all = header.stream_numbers().all(wanted);
        let streams = header.stream_numbers().filter(|&number| wanted(number)).collect();
        let packet_size = header.file().packet_size;
        (!all).then(|| Self { streams, packet_size, buffer: BytesMut::new(), left_out: 0 })
    }

    /// The entry with these streams alone. How many packets it has is not known any more.
    pub(super) fn entry(&self, entry: &Entry) -> Result<Entry, RecordingError> {
        if self.streams.is_empty() {
            return Err(RecordingError::NoChosenStream);
        }
        let header = entry.recorded_header()?;
        let header = filter_header(&header, |number| self.contains(number))?;
        Ok(Entry::with_header(rewritten(entry.content(), &header), header))
    }

    /// Takes the payloads of all other streams out of the packet that `packets` holds from `start`
    /// on; `parsed` is that packet where it was parsed. When nothing of it is left the packet goes
    /// too, and so does one whose payloads cannot be told apart.
    pub(super) fn apply(
        &mut self,
        packets: &mut BytesMut,
        start: usize,
        parsed: Option<&Packet<'_>>,
    ) -> Kept {
        let bytes = packets.get(start..).unwrap_or_default();
        self.buffer.clear();
        let mut left_out = 0_u64;
        let streams = self.streams;
        let parsed = match parsed {
            Some(packet) => Ok(Cow::Borrowed(packet)),
            None => Packet::parse(bytes, self.packet_size).map(Cow::Owned),
        };
        let kept = parsed.and_then(|packet| {
            let keep = |payload: &mms_asf::Payload<'_>| {
                let keep = streams.contains(payload.stream);
                left_out = left_out.saturating_add(u64::from(!keep));
                keep
            };
            keep_payloads(&packet, keep, &mut self.buffer)
        });
        self.left_out = self.left_out.saturating_add(left_out);
        match kept {
            Ok(Kept::All) => return Kept::All,
            Ok(Kept::Part) => {
                packets.truncate(start);
                packets.extend_from_slice(&self.buffer);
                return Kept::Part;
            }
            Ok(Kept::None) => {}
            Err(_) => self.left_out = self.left_out.saturating_add(1),
        }
        packets.truncate(start);
        Kept::None
    }

    /// Whether a stream is kept.
    pub(super) fn contains(&self, number: u8) -> bool {
        self.streams.contains(number)
    }
}

/// Content with another header of the same packets, of which some may be left out.
fn rewritten(content: &Content, header: &Header) -> Content {
    // A header and a packet size that were legal before stay so.
    let mut changed = Content::new(header.as_bytes().clone());
    if let Some(size) = content.packet_size() {
        changed = changed.and_then(|changed| changed.with_packet_size(size));
    }
    changed.map_or_else(
        |_| content.clone(),
        |changed| {
            changed
                .with_duration(content.duration().unwrap_or_default())
                .with_bit_rate(content.bit_rate())
                .with_features(content.features())
        },
    )
}
