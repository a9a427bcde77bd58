//! A recording in one type: header, packets, indexes, finished header.

use std::io::{Seek, SeekFrom, Write};

use bytes::BytesMut;

use crate::{
    Continuity, FileError, Finalizer, Header, Packet, PacketPipeline, Rebase, Restored, Shift,
};

/// Writes a file: a [`PacketPipeline`] over a sink.
///
/// ```
/// use std::io::Cursor;
///
/// use mms_asf::{FileReader, FileWriter, Header, Rebase};
/// # use mms_asf::testing::{self, TestStream};
/// # let header = Header::parse(&testing::live_header(256, &[TestStream::Audio(1)]))?;
/// # let received: Vec<_> = (70..75).map(|n| testing::packet(n, 256, b"data")).collect();
///
/// // A broadcast that was joined 70 seconds after it began.
/// let mut writer = FileWriter::rebased(Cursor::new(Vec::new()), &header, Rebase::WhenLate)?;
/// for packet in &received {
///     writer.write_packet(packet)?;
/// }
/// assert_eq!(writer.shift().map(|shift| shift.send), Some(-70_000));
/// let reader = FileReader::open(writer.finish()?)?;
/// assert!(!reader.header().file().broadcast());
/// assert_eq!(reader.header().file().packet_count, 5);
/// # Ok::<(), mms_asf::FileError>(())
/// ```
#[derive(Debug)]
pub struct FileWriter<W> {
    sink: W,
    start: u64,
    pipeline: PacketPipeline,
    buffer: BytesMut,
}

impl<W: Write + Seek> FileWriter<W> {
    /// Writes the header of an unfinished file at the sink's position. Packets keep their times.
    ///
    /// Fails when the sink does.
    pub fn new(sink: W, header: &Header) -> Result<Self, FileError> {
        Self::rebased(sink, header, Rebase::None)
    }

    /// [`FileWriter::new`] for a recording whose times may have to start at zero. The first packet
    /// that can be read decides how far all times are moved, and packets whose clock starts anew
    /// are [joined](Continuity) to those before them. Fails as it does.
    pub fn rebased(mut sink: W, header: &Header, rebase: Rebase) -> Result<Self, FileError> {
        let mut pipeline = PacketPipeline::new(header, rebase)?;
        if rebase == Rebase::None {
            pipeline.continuity = None;
        }
        let start = sink.stream_position()?;
        sink.write_all(&pipeline.finalizer.initial_header())?;
        Ok(Self { sink, start, pipeline, buffer: BytesMut::new() })
    }

    /// Writes one packet, whose padding may be missing. One that cannot be read keeps its times.
    ///
    /// Fails, with nothing written, when it is longer than the file's packets, and when the sink
    /// does.
    pub fn write_packet(&mut self, packet: &[u8]) -> Result<Restored, FileError> {
        self.buffer.clear();
        let pipeline = &mut self.pipeline;
        let parsed = Packet::parse(packet, pipeline.restorer.packet_size()).ok();
        let mut staged = pipeline.restore(packet, parsed.as_ref(), &mut self.buffer)?;
        // Nothing that was received is lost because its times are odd.
        pipeline.rebase(&mut staged, &mut self.buffer);
        pipeline.join(&mut staged, &mut self.buffer);
        self.sink.write_all(&self.buffer)?;
        pipeline.record(&staged, &self.buffer);
        Ok(staged.restored)
    }

    /// Facts about the packets that were written so far.
    pub fn finalizer(&self) -> &Finalizer {
        &self.pipeline.finalizer
    }

    /// How far times are moved; `None` before the first packet that could be read.
    pub fn shift(&self) -> Option<Shift> {
        self.pipeline.rebaser.shift()
    }

    /// Number of times that the packets' clock started anew.
    pub fn restarts(&self) -> u64 {
        self.pipeline.continuity.as_ref().map_or(0, Continuity::restarts)
    }

    /// Writes the indexes, patches the header, flushes, and gives the sink back, positioned behind
    /// the file. Fails when the sink does.
    pub fn finish(mut self) -> Result<W, FileError> {
        let PacketPipeline { rebaser, finalizer, .. } = &mut self.pipeline;
        finalizer.moved(rebaser.shift().unwrap_or_default());
        let ending = finalizer.finish();
        self.sink.write_all(&ending.index)?;
        let end = self.sink.stream_position()?;
        for patch in ending.patches {
            self.sink.seek(SeekFrom::Start(self.start.saturating_add(patch.offset)))?;
            self.sink.write_all(&patch.bytes)?;
        }
        self.sink.seek(SeekFrom::Start(end))?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}
