//! Copies a file packet by packet into one that is whole: what repairing and filtering have in
//! common.

mod behind;
mod change;
mod cut;
mod packet;
mod part;
mod report;
mod source;
mod streams;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};

use bytes::{Bytes, BytesMut};

use self::behind::{Behind, Tail};
pub use self::change::Change;
pub use self::report::Repaired;
use self::report::Report;
use self::source::Source;
use self::streams::Streams;
use crate::edit::mend;
use crate::push::{Opening, other_opening};
use crate::{
    Cause, Continuity, Deviation, Event, FileError, Finalizer, Header, Limits, Packet, Payload,
    Rebase, Rebaser, Restorer, Shift,
};

/// Bytes of output that are gathered for one write. Runs of packets are longer, and are written from
/// where they were read to.
const BLOCK: usize = 32 << 10;

/// A file of which the header has been read.
pub(crate) struct Original<R> {
    source: Source<R>,
    /// The header as it was found.
    found: Header,
    header: Header,
    limits: Limits,
}

impl<R: Read> Original<R> {
    /// Reads the header.
    ///
    /// Fails when it cannot be read, and when there is none.
    pub(crate) fn open(input: R, limits: &Limits) -> Result<Self, FileError> {
        let mut source = Source::new(input, limits);
        let Some(Event::Header { header: found, .. }) = source.next()? else {
            return Err(FileError::NoPackets);
        };
        let header = mend(&found, limits)?;
        Ok(Self { source, found: *found, header, limits: *limits })
    }

    /// The header without deviations.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Writes a whole file with this header and with what `change` makes of each packet: one of the
    /// same size, or none. Without `change` packets stay as they are, but for their times.
    ///
    /// Fails with [`FileError::NoPackets`] when there is no packet to write.
    pub(crate) fn copy<W: Write + Seek>(
        mut self,
        header: &Header,
        output: W,
        rebase: Rebase,
        change: Option<impl FnMut(Bytes) -> Option<Bytes>>,
    ) -> Result<Repaired, FileError> {
        let unchanged = *header == self.header;
        let mut copy = Copy::new(self.found, header, &self.limits, output, rebase, change)?;
        if !unchanged {
            copy.behind.packets_differ();
        }
        loop {
            copy.runs(&mut self.source)?;
            let Some(event) = self.source.next()? else { break };
            if !copy.event(event)? {
                break;
            }
        }
        copy.finish()
    }
}

pub(crate) struct Copy<W: Write + Seek, F> {
    /// The header as it was found.
    found: Header,
    /// The header of the output.
    header: Header,
    /// The streams of the input's packets.
    streams: Streams,
    /// The send time of the last packet in the input, in milliseconds.
    sent: Option<u32>,
    /// The last bytes that were no packet were passed over in a search, which may go on.
    searching: bool,
    change: Option<F>,
    /// `None` when times stay as they are.
    continuity: Option<Continuity>,
    rebaser: Rebaser,
    recording: Finalizer,
    restorer: Restorer,
    output: BufWriter<W>,
    /// Position of the output's first byte.
    start: u64,
    /// The first packets, until it is known how far their times have to be moved.
    waiting: Option<VecDeque<Bytes>>,
    report: Report,
    /// How the packets that are in the output begin.
    opening: Option<Opening>,
    /// Times of packets changed.
    moved: bool,
    behind: Behind,
    buffer: BytesMut,
    limits: Limits,
}

impl<W: Write + Seek, F: FnMut(Bytes) -> Option<Bytes>> Copy<W, F> {
    /// A copy of the packets that follow the header `found`, with `header` written in its place.
    pub(crate) fn new(
        found: Header,
        header: &Header,
        limits: &Limits,
        output: W,
        rebase: Rebase,
        change: Option<F>,
    ) -> Result<Self, FileError> {
        let mut output = BufWriter::with_capacity(BLOCK, output);
        let start = output.stream_position()?;
        let mut copy = Self {
            continuity: (rebase != Rebase::None).then(|| Continuity::new(header)),
            rebaser: Rebaser::new(header, rebase),
            recording: Finalizer::of_doubtful(header, limits),
            restorer: Restorer::new(header.file().packet_size)?,
            header: header.clone(),
            output,
            start,
            waiting: Some(VecDeque::new()),
            report: Report::new(&found),
            streams: Streams::of(&found),
            sent: None,
            searching: false,
            opening: None,
            moved: false,
            behind: Behind::new(header, limits),
            buffer: BytesMut::new(),
            limits: *limits,
            found,
            change,
        };
        if rebase != Rebase::None {
            copy.recording.mend_preroll();
        }
        copy.output.write_all(&copy.recording.initial_header())?;
        Ok(copy)
    }

    /// Writes the packets that come next as they are, as long as nothing else is to be done with
    /// them: all that were read at once, with one write.
    fn runs<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), FileError> {
        let stay = self.change.is_none() && self.waiting.is_none() && self.keeps_times();
        let Some(opening) = self.opening.filter(|_| stay) else { return Ok(()) };
        let (recording, behind) = (&mut self.recording, &mut self.behind);
        let continuity = &mut self.continuity;
        let streams = &mut self.streams;
        let sent = &mut self.sent;
        while let Some(run) = source.run(opening, |packet, payloads| {
            let payloads = payloads.iter();
            let passes = continuity.as_mut().is_none_or(|c| c.passes(packet, payloads.clone()));
            if passes {
                *sent = Some(packet.send_time());
                streams.packet(payloads.clone());
                note(recording, behind, packet, payloads);
            }
            passes
        })? {
            behind.packet();
            self.searching = false;
            self.output.write_all(&run)?;
        }
        Ok(())
    }

    /// Whether to go on.
    pub(crate) fn event(&mut self, event: Event) -> Result<bool, FileError> {
        match event {
            Event::Packet { offset, bytes, .. } => self.fitting(offset, bytes)?,
            Event::Damage { offset, bytes, cause } => self.damage(offset, &bytes, cause)?,
            // Right behind the packets it would be read as one more.
            Event::Object { id, offset, bytes } if self.begins_like_a_packet(&bytes) => {
                self.report.object_left_out(id, offset, bytes.len() as u64);
            }
            Event::Object { id, offset, bytes } => {
                if let Err(len) = self.behind.object(id, offset, bytes) {
                    self.report.object_left_out(id, offset, len);
                }
            }
            Event::Skipped { id, offset, len } => self.report.object_left_out(id, offset, len),
            Event::End { leftover, .. } if leftover.is_empty() => {}
            Event::End { offset, leftover } => self.leftover(offset, &leftover)?,
            Event::Header { offset, header } => {
                self.behind.packets_differ();
                if !header.same_stream(&self.found) {
                    self.report.next = Some(offset);
                    return Ok(false);
                }
                self.report.repeated(offset, header.len() as u64);
            }
            Event::Deviation(deviation @ Deviation::DataObjectElsewhere { .. })
                if self.opening.is_none() =>
            {
                self.streams.watch();
                self.report.header(deviation);
            }
            // Sizes and counts are compared at the end.
            Event::Deviation(_) => {}
        }
        Ok(true)
    }

    fn begins_like_a_packet(&self, bytes: &[u8]) -> bool {
        self.opening.unwrap_or(Opening::Customary).fits(bytes)
    }

    /// A packet that was read. Behind a header that was there again packets may begin in another
    /// way; a file in which they do is not readable.
    fn fitting(&mut self, offset: u64, packet: Bytes) -> Result<(), FileError> {
        // Parity of other packets has an opening of its own: error correction data, and opaque.
        let opaque = packet.first().is_some_and(|first| first & 0x90 == 0x90);
        if !opaque && !self.opening.get_or_insert_with(|| Opening::of(&packet)).fits(&packet) {
            self.behind.packets_differ();
            self.report.damage(offset, &packet, Cause::Packet(other_opening()));
            return Ok(());
        }
        self.packet(offset, packet)
    }

    /// Writes the packets that waited.
    fn release(&mut self) -> Result<(), FileError> {
        let waiting = self.waiting.take().unwrap_or_default();
        // A file of which only some packets are on the new timeline is worse than an old one.
        let mut trial = self.rebaser.clone();
        if waiting.iter().any(|packet| trial.apply(&mut BytesMut::from(&packet[..])).is_err()) {
            self.rebaser = Rebaser::new(&self.header, Rebase::None);
        }
        for packet in waiting {
            self.write(&packet)?;
        }
        Ok(())
    }

    /// Whether packets keep their times.
    fn keeps_times(&self) -> bool {
        let continues = |c: &Continuity| c.shift() != Shift::default();
        self.rebaser.shift() == Some(Shift::default())
            && !self.continuity.as_ref().is_some_and(continues)
    }

    pub(crate) fn finish(mut self) -> Result<Repaired, FileError> {
        let start = self.start;
        self.release()?;
        let packets = self.recording.packets();
        if packets == 0 {
            return Err(FileError::NoPackets);
        }
        self.streams.check()?;
        let shift = self.rebaser.shift().filter(|_| self.moved).unwrap_or_default();
        if shift != Shift::default() {
            self.behind.packets_differ();
        }
        let Tail { kept, left, bytes: before } = self.behind.tail(&self.recording);
        let mut old = 0_u64;
        for object in kept {
            old = old.saturating_add(object.bytes.len() as u64);
            self.recording.object(object);
        }
        self.recording.moved(shift);
        let ending = self.recording.finish();
        // An index that was made anew and is the old one was not changed.
        if ending.index == before {
            old = before.len() as u64;
        } else {
            for (offset, object) in left {
                self.report.object_left_out(object.id, offset, object.bytes.len() as u64);
            }
        }
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

/// Takes down what the output needs to know of its next packet.
#[inline]
fn note<'a>(
    recording: &mut Finalizer,
    behind: &mut Behind,
    packet: &Packet<'_>,
    payloads: impl Iterator<Item: Borrow<Payload<'a>>> + Clone,
) {
    let number = recording.packets();
    let sent = recording.read_packet(packet, payloads.clone());
    behind.watch(number, sent, payloads);
}
