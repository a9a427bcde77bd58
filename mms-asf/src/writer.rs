//! A recording in one type: header, packets, finished header.

use std::io::{Seek, SeekFrom, Write};

use bytes::BytesMut;

use crate::{FileError, Header, Recording, Restored, Restorer};

/// Writes a file: [`Recording`] and [`Restorer`] over a sink.
#[derive(Debug)]
pub struct FileWriter<W> {
    sink: W,
    start: u64,
    restorer: Restorer,
    recording: Recording,
    buffer: BytesMut,
}

impl<W: Write + Seek> FileWriter<W> {
    /// Writes the header of an unfinished file at the sink's position.
    pub fn new(mut sink: W, header: &Header) -> Result<Self, FileError> {
        let restorer = Restorer::new(header.file().packet_size)?;
        let recording = Recording::new(header);
        let start = sink.stream_position()?;
        sink.write_all(&recording.initial_header())?;
        Ok(Self { sink, start, restorer, recording, buffer: BytesMut::new() })
    }

    /// Writes one packet, whose padding may be missing.
    ///
    /// Fails, with nothing written, when it is longer than the file's packets.
    pub fn write_packet(&mut self, packet: &[u8]) -> Result<Restored, FileError> {
        self.buffer.clear();
        let restored = self.restorer.restore(packet, &mut self.buffer)?;
        self.sink.write_all(&self.buffer)?;
        self.recording.packet(&self.buffer);
        Ok(restored)
    }

    /// What was written so far.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Patches the header, flushes, and gives the sink back, positioned behind the last packet.
    pub fn finish(mut self) -> Result<W, FileError> {
        let end = self.sink.stream_position()?;
        for patch in self.recording.finish() {
            self.sink.seek(SeekFrom::Start(self.start.saturating_add(patch.offset)))?;
            self.sink.write_all(&patch.bytes)?;
        }
        self.sink.seek(SeekFrom::Start(end))?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}
