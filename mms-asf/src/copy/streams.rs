//! Whether the header still declares all streams that packets belong to.

use std::borrow::Borrow;

use crate::{Deviation, FileError, Header, Payload, StreamSet};

/// So many packets make a stream; a single one may be damaged.
const USED: u64 = 2;

/// The streams of packets, counted where the header was not whole.
#[derive(Debug)]
pub(super) struct Streams {
    /// The streams that are declared.
    declared: StreamSet,
    /// Packets by stream number; `None` where nothing can have been lost.
    packets: Option<Box<[u64; 128]>>,
}

impl Streams {
    /// For an input with this header.
    pub(super) fn of(header: &Header) -> Self {
        let lost = |d: &Deviation| !matches!(d, Deviation::DataPacketCount { .. });
        let declared = header.stream_numbers().collect();
        let mut streams = Self { declared, packets: None };
        if header.deviations().iter().any(lost) {
            streams.watch();
        }
        streams
    }

    /// Counts from now on.
    pub(super) fn watch(&mut self) {
        self.packets.get_or_insert_with(|| Box::new([0; 128]));
    }

    /// Notes the payloads of a packet.
    #[inline]
    pub(super) fn packet<'a>(&mut self, payloads: impl Iterator<Item: Borrow<Payload<'a>>>) {
        let Some(packets) = &mut self.packets else { return };
        let mut seen = StreamSet::EMPTY;
        for payload in payloads {
            let stream = payload.borrow().stream;
            let count = packets.get_mut(usize::from(stream));
            if let Some(count) = count.filter(|_| !seen.contains(stream)) {
                *count = count.saturating_add(1);
            }
            seen.insert(stream);
        }
    }

    /// Fails when packets belong to a stream that what is left of the header does not declare.
    pub(super) fn check(&self) -> Result<(), FileError> {
        let packets = self.packets.iter().flat_map(|packets| packets.iter());
        let mut used = (0..=u8::MAX).zip(packets).filter(|(_, count)| **count >= USED);
        match used.find(|(stream, _)| !self.declared.contains(*stream)) {
            Some((stream, _)) => Err(FileError::StreamLost { stream }),
            None => Ok(()),
        }
    }
}
