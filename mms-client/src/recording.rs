//! From packets to a file that plays everywhere.
//!
//! What a recording looks like at any moment:
//!
//! 1. nothing: what a file held before stays there until the first packets are written;
//! 2. the header as the server sent it, but marked as unfinished (broadcast flag, no counts):
//!    players play such a file to its end, wherever that is; a pipe gets it at once;
//! 3. whole packets of one size, padding restored, written in blocks of at most 64 KiB and at
//!    least once a second while packets come, so that little is lost with the process;
//! 4. on [`finish`](Recording::finish) the header learns what the file holds, and an index follows
//!    the packets, so that players can seek.
//!
//! A live stream that was joined in the middle starts at time zero in its file; so does a recording
//! that [was begun elsewhere](Recording::from_zero) than at the beginning. When the clock of the
//! stream starts anew, packets continue where those before them ended ([`Continuity`](mms_asf::Continuity)). All other
//! packets are written as they came.

mod chosen;
mod options;
mod range;
mod recent;
mod record;
mod rejoin;
mod resume;
mod seen;
mod sink;
mod summary;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mms_asf::{Finalizer, Header, Packet, PacketPipeline, Rebase, Rebaser};
use mms_proto::AsfPacket;

use self::chosen::Chosen;
pub use self::options::{RecordOptions, Target};
pub use self::recent::{Fingerprint, RecentPackets};
pub use self::record::{Interruption, record, record_live};
pub use self::rejoin::Break;
use self::rejoin::Rejoin;
use self::resume::CatchUp;
pub use self::resume::Resume;
use self::seen::Seen;
use self::sink::Sink;
pub use self::summary::{Counts, Progress, RecordFailed, Summary};
pub use crate::error::{RecordingError, ResumeRefused};
use crate::session::Entry;

/// Bytes of packets that are gathered for one write.
const BLOCK: usize = 64 << 10;
/// How long packets wait for others before they are written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Packets in a row that may bring nothing new, besides those that are there already: a server that
/// cannot begin elsewhere sends all of them again. Real ones repeat a packet or a few.
const MAX_USELESS: u64 = 1024;

/// A file, or another sink, that grows packet by packet.
///
/// Dropping it finishes the file as well as it can; [`finish`](Self::finish) says whether that
/// worked. Memory stays below 64 KiB and one packet.
#[derive(Debug)]
pub struct Recording {
    sink: Sink,
    header: Header,
    pipeline: PacketPipeline,
    /// The streams that are kept, where not all are.
    chosen: Option<Chosen>,
    /// What is needed to go on over another connection.
    rejoin: Option<Rejoin>,
    live: bool,
    seen: Seen,
    /// Packets that are not written yet.
    buffer: BytesMut,
    written_at: Instant,
    /// Looking for the last packet of an earlier recording; nothing is written meanwhile.
    catch_up: Option<CatchUp>,
    counts: Counts,
    /// The header is written.
    begun: bool,
    /// Packets in a row that brought nothing new.
    useless: u64,
    /// A write has failed: where the file ends is not known.
    torn: bool,
    finished: bool,
    /// The size of the file, once it is known for good.
    size: Option<u64>,
}

/// What [`Recording::packet`] did with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kept {
    /// It is part of the recording now.
    Written,
    /// It was there already: a repeat, or what precedes the place where a recording goes on.
    Repeated,
    /// It is longer than the header says packets are; a file has no place for it.
    TooLong,
    /// It holds nothing of the streams that were chosen.
    Unselected,
}

/// What a recording holds once it is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// Its packets, those of earlier sessions included.
    pub packets: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// How long its media lasts.
    pub duration: Duration,
    /// What is not in it.
    pub counts: Counts,
}

impl Recording {
    /// Begins a recording in a regular file, whose content is replaced when the first packets are
    /// written. A file that was opened without truncation keeps what it holds until then, and for
    /// good when no packet comes.
    ///
    /// # Errors
    /// When the header cannot be read or the file is not a regular one (use
    /// [`to_stream`](Self::to_stream) then).
    pub fn create(file: File, entry: &Entry) -> Result<Self, RecordingError> {
        let header = entry.recorded_header()?;
        check_regular(&file)?;
        Self::over(Sink::File(file), &header, entry)
    }

    /// Writes a recording to anything, such as a pipe: the same bytes as in a file, but the header
    /// stays that of an unfinished one.
    ///
    /// # Errors
    /// When the header cannot be read or the sink not be written.
    pub fn to_stream(
        sink: impl Write + Send + 'static,
        entry: &Entry,
    ) -> Result<Self, RecordingError> {
        let header = entry.recorded_header()?;
        let mut recording = Self::over(Sink::Stream(Box::new(sink)), &header, entry)?;
        recording.begin().map_err(RecordingError::Write)?;
        Ok(recording)
    }

    /// Writes the header, in place of what a file held.
    fn begin(&mut self) -> io::Result<()> {
        self.sink.restart()?;
        self.sink.write_all(&self.pipeline.finalizer.initial_header())?;
        self.begun = true;
        Ok(())
    }

    /// A recording without packets over a sink that is left alone for now.
    fn over(sink: Sink, header: &Header, entry: &Entry) -> Result<Self, RecordingError> {
        let live = entry.is_live();
        let rebase = if live { Rebase::WhenLate } else { Rebase::None };
        Ok(Self {
            sink,
            pipeline: PacketPipeline::new(header, rebase)?,
            header: header.clone(),
            chosen: None,
            rejoin: None,
            live,
            seen: Seen::default(),
            buffer: BytesMut::new(),
            written_at: Instant::now(),
            catch_up: None,
            counts: Counts::default(),
            begun: false,
            useless: 0,
            torn: false,
            finished: false,
            size: None,
        })
    }

    /// Puts a recording that is not begun at the beginning of the stream on a timeline of its own,
    /// which starts at zero, as one of a live stream always is. Say it before the first packet.
    #[must_use]
    pub fn from_zero(mut self) -> Self {
        self.pipeline.rebaser = Rebaser::new(&self.header, Rebase::WhenLate);
        self
    }

    /// Adds a packet, unless it is there already. In live streams, whose packets are numbered as
    /// the server likes, none counts as repeated.
    ///
    /// While a [resumed](Self::resume) recording looks for its last packet, nothing is written.
    ///
    /// # Errors
    /// When the sink cannot be written, or when it turns out that a resumed recording cannot go
    /// on; the file is unchanged then. [`RecordingError::NothingNew`] when the server sends what is
    /// of no use for so long that nothing else can be expected of it.
    pub fn packet(&mut self, packet: &AsfPacket) -> Result<Kept, RecordingError> {
        let parsed = Packet::parse(&packet.payload, self.header.file().packet_size).ok();
        let fingerprint = self.identify(&packet.payload, parsed.as_ref());
        self.identified(packet, parsed.as_ref(), fingerprint)
    }

    /// Adds a packet that was parsed, as far as it can be, and identified.
    fn identified(
        &mut self,
        packet: &AsfPacket,
        parsed: Option<&Packet<'_>>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Kept, RecordingError> {
        let waited = self.catch_up.is_some();
        let kept = self.add(packet.location_id, &packet.payload, parsed, fingerprint)?;
        if kept == Kept::Unselected {
            return Ok(kept);
        }
        if kept == Kept::Written || waited != self.catch_up.is_some() {
            self.useless = 0;
            return Ok(kept);
        }
        self.useless = self.useless.saturating_add(1);
        let before = self.catch_up.as_ref().map_or(0, CatchUp::before);
        if self.useless > self.pipeline.finalizer.packets().max(before).saturating_add(MAX_USELESS)
        {
            return Err(RecordingError::NothingNew { packets: self.useless });
        }
        Ok(kept)
    }

    fn add(
        &mut self,
        number: u32,
        payload: &[u8],
        parsed: Option<&Packet<'_>>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Kept, RecordingError> {
        if fingerprint.is_some_and(|known| known.is_repeated()) {
            self.counts.repeated = self.counts.repeated.saturating_add(1);
            return Ok(Kept::Repeated);
        }
        let start = self.buffer.len();
        let Ok(mut staged) = self.pipeline.restore(payload, parsed, &mut self.buffer) else {
            self.counts.too_long = self.counts.too_long.saturating_add(1);
            return Ok(Kept::TooLong);
        };
        if self.catch_up.is_none() && !self.live && !self.seen.insert(number) {
            self.buffer.truncate(start);
            self.counts.repeated = self.counts.repeated.saturating_add(1);
            return Ok(Kept::Repeated);
        }
        if let Some(chosen) = &mut self.chosen {
            let kept = chosen.apply(&mut self.buffer, start, staged.whole());
            self.counts.unselected = chosen.left_out;
            match kept {
                mms_asf::Kept::All => {}
                mms_asf::Kept::Part => staged.replaced(),
                mms_asf::Kept::None => return Ok(Kept::Unselected),
            }
        }
        let added = self.buffer.get_mut(start..).unwrap_or_default();
        self.pipeline.rebase(&mut staged, added);
        if self.catch_up.is_some() && !self.has_caught_up(number)? {
            return Ok(Kept::Repeated);
        }
        let added = self.buffer.get_mut(start..).unwrap_or_default();
        if self.pipeline.join(&mut staged, added).is_some() {
            self.counts.restarts = self.counts.restarts.saturating_add(1);
        }
        let added = self.buffer.get(start..).unwrap_or_default();
        if let Some((rejoin, fingerprint)) = self.rejoin.as_mut().zip(fingerprint) {
            rejoin.written(fingerprint, staged.send_time(added), &self.pipeline.finalizer);
        }
        self.pipeline.record(&staged, added);
        if self.buffer.len() >= BLOCK || self.written_at.elapsed() >= PATIENCE {
            self.flush()?;
        }
        Ok(Kept::Written)
    }

    /// Writes what has been gathered.
    ///
    /// # Errors
    /// When the sink cannot be written. Nothing can be added after that;
    /// [`finish`](Self::finish) makes a file of the packets that are really there.
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        self.written_at = Instant::now();
        if self.torn {
            self.buffer.clear();
            return Err(RecordingError::Write(io::Error::other("an earlier write failed")));
        }
        if self.buffer.is_empty() {
            return Ok(());
        }
        let header = if self.begun { Ok(()) } else { self.begin() };
        let written = header.and_then(|()| self.sink.write_all(&self.buffer));
        self.buffer.clear();
        self.torn = written.is_err();
        written.map_err(RecordingError::Write)
    }

    /// Writes what is left and completes the header. Without a packet a file stays as it was.
    ///
    /// # Errors
    /// When the sink cannot be written now; a write that failed before was reported then. When a
    /// resumed recording never found its last packet; the file is unchanged then.
    pub fn finish(mut self) -> Result<Finished, RecordingError> {
        self.complete()?;
        Ok(self.so_far())
    }

    /// The header as the server sent it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What there is now; [`finish`](Self::finish) adds an index.
    pub fn so_far(&self) -> Finished {
        let packets = self.pipeline.finalizer.packets();
        Finished {
            packets,
            bytes: match self.size {
                Some(size) => size,
                None if self.begun || packets > 0 => self.pipeline.finalizer.data_end(),
                None => 0,
            },
            duration: self.pipeline.finalizer.media_duration(),
            counts: self.counts,
        }
    }

    fn complete(&mut self) -> Result<(), RecordingError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        if let Some(catch_up) = &self.catch_up {
            match catch_up.found() {
                None => return Err(ResumeRefused::NotFound.into()),
                Some(last) if catch_up.looks_torn() => self.go_on(last)?,
                Some(_) => return Err(ResumeRefused::OtherTail.into()),
            }
        }
        let flushed = if self.torn { Ok(()) } else { self.flush() };
        if self.torn && !self.begun {
            // Not even the header: what there is of it is nothing to keep.
            self.pipeline.finalizer = Finalizer::new(&self.header);
            let _ = self.sink.restart();
        } else if let (true, Sink::File(file)) = (self.torn, &mut self.sink) {
            self.pipeline.finalizer = resume::rescan(file, &self.header)?;
        }
        let completed = if self.begun { self.end() } else { Ok(()) };
        flushed?;
        completed.map_err(RecordingError::Write)
    }
}

impl Recording {
    /// Makes the file a finished one.
    fn end(&mut self) -> io::Result<()> {
        self.pipeline.finalizer.moved(self.pipeline.rebaser.shift().unwrap_or_default());
        let (ending, end) = (self.pipeline.finalizer.finish(), self.pipeline.finalizer.data_end());
        if let Sink::Stream(_) = self.sink {
            return Ok(());
        }
        self.sink.complete(&ending, end)?;
        self.size = Some(end.saturating_add(ending.index.len() as u64));
        Ok(())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.complete();
    }
}

fn check_regular(file: &File) -> Result<(), RecordingError> {
    if file.metadata().map_err(RecordingError::Read)?.is_file() {
        Ok(())
    } else {
        Err(RecordingError::NotAFile)
    }
}
