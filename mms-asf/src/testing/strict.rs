//! A reader that forgives nothing: what a repaired file has to satisfy.

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    Error, Event, Header, IndexObject, Limits, Packet, SimpleIndex, StreamKind, StreamParser, guid,
};

/// What a strict reader finds in a good file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strict {
    /// The header.
    pub header: Header,
    /// All packets in order.
    pub packets: Vec<Bytes>,
    /// What lies behind them.
    pub objects: Vec<(Uuid, Bytes)>,
}

/// Reads a whole file and says what is wrong with it first, if anything is.
///
/// The header has no deviation and no broadcast flag, sizes and counts are true wherever they are
/// declared, there is nothing but packets that can be read and objects behind them, and every entry
/// of a Simple Index leads to a key frame of its stream; entries in front of the first key frame
/// lead to packet 0.
pub fn strict(file: &[u8], limits: &Limits) -> Result<Strict, String> {
    let mut parser = StreamParser::with_limits(*limits);
    parser.push(file);
    parser.finish();
    let Some(Event::Header { header, .. }) = parser.poll().map_err(show)? else {
        return Err("no header".to_owned());
    };
    let (mut packets, mut objects) = (Vec::new(), Vec::new());
    while let Some(event) = parser.poll().map_err(show)? {
        match event {
            Event::Packet { bytes, .. } if objects.is_empty() => packets.push(bytes),
            Event::Object { id, bytes, .. } => objects.push((id, bytes)),
            Event::End { leftover, .. } if leftover.is_empty() => {}
            other => return Err(format!("told {other:?}")),
        }
    }
    let found = Strict { header: *header, packets, objects };
    found.header_is_true(file.len() as u64)?;
    let size = found.header.file().packet_size;
    for (number, packet) in found.packets.iter().enumerate() {
        readable(packet, size).map_err(|error| format!("packet {number}: {error}"))?;
    }
    found.indexes_are_true()?;
    Ok(found)
}

impl Strict {
    /// The payload bytes of a stream, one after the other.
    pub fn media(&self, stream: u8) -> Vec<u8> {
        let size = self.header.file().packet_size;
        let parsed = self.packets.iter().filter_map(|packet| Packet::parse(packet, size).ok());
        parsed
            .flat_map(|packet| packet.payloads().filter_map(Result::ok).collect::<Vec<_>>())
            .filter(|payload| payload.stream == stream)
            .flat_map(|payload| payload.data.to_vec())
            .collect()
    }

    fn header_is_true(&self, file_size: u64) -> Result<(), String> {
        let (header, file) = (&self.header, self.header.file());
        let count = self.packets.len() as u64;
        let bytes = count.saturating_mul(file.packet_size.into());
        let at = header.len().saturating_sub(10);
        let in_data = header.as_bytes().get(at..).and_then(|rest| rest.first_chunk());
        same("deviations", header.deviations().len(), 0)?;
        same("broadcast flag", file.broadcast(), false)?;
        same("smallest packet", file.min_packet_size, file.packet_size)?;
        same("packet count", file.packet_count, count)?;
        same("packet count of the Data Object", in_data.copied(), Some(count.to_le_bytes()))?;
        same("size of the Data Object", header.data_size(), bytes.saturating_add(50))?;
        same("file size", file.file_size, file_size)?;
        same("whether there are packets", count > 0, true)
    }

    fn indexes_are_true(&self) -> Result<(), String> {
        let mut simple = Vec::new();
        for (id, bytes) in &self.objects {
            match IndexObject::parse(bytes) {
                Ok(IndexObject::Simple(index)) => simple.push(index),
                Ok(_) => {}
                Err(error) if guid::INDEXES.contains(id) => return Err(show(error)),
                Err(_) => {}
            }
        }
        let streams = self.header.streams().iter();
        let mut videos: Vec<u8> =
            streams.filter(|s| s.kind == StreamKind::Video).map(|s| s.number).collect();
        videos.sort_unstable();
        for (stream, index) in videos.into_iter().zip(&simple) {
            self.leads_to_key_frames(stream, index)?;
        }
        Ok(())
    }

    fn leads_to_key_frames(&self, stream: u8, index: &SimpleIndex) -> Result<(), String> {
        let size = self.header.file().packet_size;
        let begins = |packet: &Bytes| {
            Packet::parse(packet, size).is_ok_and(|packet| {
                packet.payloads().map_while(Result::ok).any(|payload| {
                    payload.stream == stream && payload.key_frame && payload.begins_object()
                })
            })
        };
        let keys: Vec<bool> = self.packets.iter().map(begins).collect();
        let mut found = false;
        for (number, entry) in index.entries().enumerate() {
            let key = keys.get(entry.packet as usize).copied();
            found |= key == Some(true);
            if key != Some(true) && (found || entry.packet != 0) {
                return Err(format!("entry {number} of stream {stream} leads astray: {entry:?}"));
            }
        }
        Ok(())
    }
}

/// Whether the packet and all its payloads can be read; parity of other packets cannot.
fn readable(packet: &[u8], size: u32) -> Result<(), Error> {
    match Packet::parse(packet, size) {
        Err(Error::Unsupported { .. }) => Ok(()),
        Err(error) => Err(error),
        Ok(packet) => packet.payloads().try_for_each(|payload| payload.map(|_| ())),
    }
}

fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {wanted:?}"))
}

fn show(error: Error) -> String {
    error.to_string()
}
