//! The packets of a file that loses streams.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::{Filtered, RemovedStream, Streams};
use crate::keep::Choice;
use crate::{Error, Header, Kept, Packet, Repaired};

/// Takes payloads out of packets and counts them.
pub(super) struct Filter {
    kept: Streams,
    packet_size: u32,
    /// Every stream that the header declares is kept.
    all: bool,
    buffer: BytesMut,
    removed: BTreeMap<u8, Counts>,
    packets: u64,
    unreadable: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    payloads: u64,
    bytes: u64,
}

impl Filter {
    pub(super) fn new(header: &Header, kept: Streams) -> Self {
        let dropped = header.stream_numbers().filter(|&number| !kept.contains(number));
        let removed: BTreeMap<_, _> = dropped.map(|number| (number, Counts::default())).collect();
        Self {
            kept,
            packet_size: header.file().packet_size,
            all: removed.is_empty(),
            buffer: BytesMut::new(),
            removed,
            packets: 0,
            unreadable: 0,
        }
    }

    /// What is left of a packet, if anything is.
    pub(super) fn packet(&mut self, packet: Bytes) -> Option<Bytes> {
        if self.all {
            return Some(packet);
        }
        match self.take(&packet) {
            Ok(Kept::All) => Some(packet),
            Ok(Kept::Part) => Some(self.buffer.split().freeze()),
            Ok(Kept::None) => {
                self.packets = self.packets.saturating_add(1);
                None
            }
            Err(_) => {
                self.unreadable = self.unreadable.saturating_add(1);
                None
            }
        }
    }

    /// Leaves in the buffer what is left of a packet that loses something.
    fn take(&mut self, packet: &[u8]) -> Result<Kept, Error> {
        let packet = Packet::parse(packet, self.packet_size)?;
        let choice = Choice::new(&packet, |payload| {
            let kept = self.kept.contains(payload.stream);
            if !kept {
                let counts = self.removed.entry(payload.stream).or_default();
                counts.payloads = counts.payloads.saturating_add(1);
                counts.bytes = counts.bytes.saturating_add(payload.data.len() as u64);
            }
            kept
        })?;
        if choice.kept() == Kept::Part {
            choice.write(&packet, &mut self.buffer)?;
        }
        Ok(choice.kept())
    }

    /// Whether there was a packet that is not in the file.
    pub(super) fn took_any(&self) -> bool {
        self.packets != 0 || self.unreadable != 0
    }

    pub(super) fn report(self, before: &Header, file: Repaired) -> Filtered {
        let removed = self.removed.into_iter().map(|(number, counts)| RemovedStream {
            number,
            declared: before.stream(number).cloned(),
            payloads: counts.payloads,
            bytes: counts.bytes,
        });
        Filtered {
            file,
            removed: removed.collect(),
            removed_packets: self.packets,
            unreadable_packets: self.unreadable,
        }
    }
}
