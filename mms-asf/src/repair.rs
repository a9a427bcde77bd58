//! Makes a damaged, unfinished or live-captured file whole, without repacking it.

mod behind;
mod report;

use std::collections::VecDeque;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use bytes::{Bytes, BytesMut};

use self::behind::Behind;
use self::report::Report;
pub use self::report::{Change, Repaired};
use crate::edit::mend;
use crate::{
    Event, FileError, Header, Limits, Packet, Rebase, Rebaser, Recording, Restorer, Shift,
    StreamParser,
};

/// Bytes of output that are gathered for one write.
const BLOCK: usize = 256 << 10;

/// How to repair. Start from [`RepairOptions::default`] and change single fields.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct RepairOptions {
    /// Whether times are moved so that the file starts at zero.
    pub rebase: Rebase,
    /// How much the file may ask for.
    pub limits: Limits,
}

/// Reads a file that may be damaged anywhere behind its header, and writes one that is whole:
/// sizes, counts and durations are those of the packets, video can be seeked, what a capture from
/// the middle of a stream holds starts at zero. Packets are copied; only their times change, and
/// those only when the file does not start near zero.
///
/// Packets that cannot be read, and bytes that are none, are left out. A last packet that was cut is
/// kept when all its payloads are there. Existing indexes are kept when all packets are, and made
/// anew otherwise. A header of another stream in the middle of the input ends the file;
/// [`Repaired::next`] tells where it lies.
///
/// It is one pass in constant memory, apart from indexes. `output` is written from its current
/// position on.
///
/// ```
/// use std::io::Cursor;
///
/// use mms_asf::{Change, RepairOptions, repair};
/// # use mms_asf::testing::{self, TestStream};
/// # let header = mms_asf::Header::parse(&testing::header(256, 9, &[TestStream::Audio(1)]))?;
/// # let mut cut = header.as_bytes().to_vec();
/// # (0..5).for_each(|n| cut.extend_from_slice(&testing::packet(n, 256, b"data")));
/// # cut.truncate(cut.len() - 100);
///
/// let mut whole = Cursor::new(Vec::new());
/// let repaired = repair(cut.as_slice(), &mut whole, &RepairOptions::default())?;
/// assert_eq!(repaired.packets, 4);
/// assert!(repaired.changes.contains(&Change::PacketCount { declared: 9, found: 4 }));
/// # Ok::<(), mms_asf::FileError>(())
/// ```
///
/// Fails when the header cannot be read, and with [`FileError::NoPackets`] when no whole packet
/// follows it; nothing useful was written then.
pub fn repair(
    input: impl Read,
    output: impl Write + Seek,
    options: &RepairOptions,
) -> Result<Repaired, FileError> {
    let mut output = BufWriter::with_capacity(BLOCK, output);
    let start = output.stream_position()?;
    let mut source =
        Source { input, parser: StreamParser::with_limits(options.limits), ended: false };
    let Some(Event::Header { header: found, .. }) = source.next()? else {
        return Err(FileError::NoPackets);
    };
    let header = mend(&found, &options.limits)?;
    let mut repair = Repair {
        rebaser: Rebaser::new(&header, options.rebase),
        recording: Recording::of_doubtful(&header, &options.limits),
        restorer: Restorer::new(header.file().packet_size)?,
        header,
        output,
        waiting: Some(VecDeque::new()),
        report: Report::new(&found),
        behind: Behind::default(),
        buffer: BytesMut::new(),
        limits: options.limits,
    };
    repair.output.write_all(&repair.recording.initial_header())?;
    while let Some(event) = source.next()? {
        if !repair.event(event)? {
            break;
        }
    }
    repair.finish(start)
}

/// The input as events.
struct Source<R> {
    input: R,
    parser: StreamParser,
    ended: bool,
}

impl<R: Read> Source<R> {
    fn next(&mut self) -> Result<Option<Event>, FileError> {
        while !self.ended {
            match self.parser.poll()? {
                Some(event) => {
                    self.ended = matches!(event, Event::End { .. });
                    return Ok(Some(event));
                }
                None => match self.input.read(self.parser.room()) {
                    Ok(0) => self.parser.finish(),
                    Ok(count) => self.parser.received(count),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(None)
    }
}

struct Repair<W: Write + Seek> {
    header: Header,
    rebaser: Rebaser,
    recording: Recording,
    restorer: Restorer,
    output: BufWriter<W>,
    /// The first packets, until it is known how far their times have to be moved.
    waiting: Option<VecDeque<Bytes>>,
    report: Report,
    behind: Behind,
    buffer: BytesMut,
    limits: Limits,
}

impl<W: Write + Seek> Repair<W> {
    /// Whether to go on.
    fn event(&mut self, event: Event) -> Result<bool, FileError> {
        match event {
            Event::Packet { bytes, .. } => self.packet(bytes)?,
            Event::Damage { offset, bytes, cause } => {
                self.behind.packets_differ();
                self.report.damage(offset, bytes.len() as u64, cause);
            }
            Event::Object { id, offset, bytes } => self.behind.object(id, offset, bytes),
            Event::Skipped { id, offset, len } => self.report.object_left_out(id, offset, len),
            Event::End { leftover, .. } if leftover.is_empty() => {}
            Event::End { offset, leftover } => self.leftover(offset, &leftover)?,
            Event::Header { offset, header } => {
                self.behind.packets_differ();
                if !header.same_stream(&self.header) {
                    self.report.next = Some(offset);
                    return Ok(false);
                }
                self.report.repeated(offset, header.len() as u64);
            }
            // Sizes and counts are compared at the end.
            Event::Deviation(_) => {}
        }
        Ok(true)
    }

    fn packet(&mut self, packet: Bytes) -> Result<(), FileError> {
        self.behind.packet();
        if let Some(waiting) = &mut self.waiting {
            let known = self.rebaser.observe(&packet);
            waiting.push_back(packet);
            if known {
                self.release()?;
            }
            return Ok(());
        }
        self.write(&packet)
    }

    /// Writes the packets that waited.
    fn release(&mut self) -> Result<(), FileError> {
        for packet in self.waiting.take().unwrap_or_default() {
            self.write(&packet)?;
        }
        Ok(())
    }

    fn write(&mut self, packet: &[u8]) -> Result<(), FileError> {
        if self.rebaser.shift() == Some(Shift::default()) {
            self.recording.packet(packet);
            self.output.write_all(packet)?;
            return Ok(());
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(packet);
        // A packet whose times cannot be moved keeps them.
        let _ = self.rebaser.apply(&mut self.buffer);
        self.recording.packet(&self.buffer);
        self.output.write_all(&self.buffer)?;
        Ok(())
    }

    /// A last packet that was cut: whole when only padding is missing.
    fn leftover(&mut self, offset: u64, bytes: &Bytes) -> Result<(), FileError> {
        self.behind.packets_differ();
        let size = self.header.file().packet_size;
        let whole = Packet::parse(bytes, size)
            .is_ok_and(|packet| packet.is_multiple() && packet.payload_end().is_some());
        if !whole {
            self.report.cut(offset, bytes.len() as u64);
            return Ok(());
        }
        let mut restored = BytesMut::new();
        self.restorer.restore(bytes, &mut restored)?;
        self.report.filled(offset, u64::from(size).saturating_sub(bytes.len() as u64));
        self.packet(restored.freeze())
    }

    fn finish(mut self, start: u64) -> Result<Repaired, FileError> {
        self.release()?;
        let packets = self.recording.packets();
        if packets == 0 {
            return Err(FileError::NoPackets);
        }
        let shift = self.rebaser.shift().unwrap_or_default();
        if shift != Shift::default() {
            self.behind.packets_differ();
        }
        let kept = self.behind.kept(&self.header, packets, &mut self.report);
        let mut old = 0_u64;
        for object in kept {
            old = old.saturating_add(object.bytes.len() as u64);
            self.recording.object(object);
        }
        let ending = self.recording.finish();
        self.output.write_all(&ending.index)?;
        let end = self.output.stream_position()?;
        for patch in &ending.patches {
            self.output.seek(SeekFrom::Start(start.saturating_add(patch.offset)))?;
            self.output.write_all(&patch.bytes)?;
        }
        self.output.seek(SeekFrom::Start(end))?;
        self.output.flush()?;
        let header = Header::parse_with(&ending.header, &self.limits)?;
        let made = (ending.index.len() as u64).saturating_sub(old);
        Ok(self.report.finish(&self.recording, &header, end.saturating_sub(start), made, shift))
    }
}
