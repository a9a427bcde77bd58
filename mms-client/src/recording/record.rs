//! A whole session into files: what a download program does.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use mms_asf::Packet;
use mms_proto::{AsfPacket, Content, Start, Stats, Stop, StreamSelection};

use super::{Finished, Kept, Recording, RecordingError, Resume, ResumeRefused};
use crate::error::Error;
use crate::session::{EndOfStream, Playback, Session};

/// What to record.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RecordOptions {
    /// Where to begin. A resumed recording must name the start that it was begun with.
    pub start: Start,
    /// Where to end, in the time of the content, preroll not included. The server is asked to.
    pub stop: Option<Duration>,
    /// How much to record at most: packets that are due this long after the first one, or later,
    /// are left out. Entries of a playlist count together.
    pub duration: Option<Duration>,
    /// Which streams; `None` for all. A resumed recording must name the same.
    pub streams: Option<Vec<StreamSelection>>,
}

impl RecordOptions {
    /// Everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where to begin.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Where to end, in the time of the content.
    #[must_use]
    pub fn stop(mut self, time: Duration) -> Self {
        self.stop = Some(time);
        self
    }

    /// How much to record at most.
    #[must_use]
    pub fn duration(mut self, time: Duration) -> Self {
        self.duration = Some(time);
        self
    }

    /// Which streams.
    #[must_use]
    pub fn streams(mut self, streams: impl IntoIterator<Item = StreamSelection>) -> Self {
        self.streams = Some(streams.into_iter().collect());
        self
    }
}

/// Where an entry goes.
#[non_exhaustive]
pub enum Target {
    /// Into this regular file, whose content is replaced when the first packets are written: open
    /// it without truncation to keep what it holds where none comes.
    Create(File),
    /// Behind what this regular file holds already; open it for reading and writing. Not for the
    /// later entries of a playlist.
    Resume(File),
    /// Into a pipe or the like.
    Stream(Box<dyn Write + Send>),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Create(_) => "Create",
            Self::Resume(_) => "Resume",
            Self::Stream(_) => "Stream",
        })
    }
}

/// How far a recording is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// Which entry of a playlist, from 0.
    pub entry: u32,
    /// What the server offers.
    pub content: &'a Content,
    /// The entry's recording so far.
    pub recorded: Finished,
    /// A resumed recording still waits for its last packet.
    pub catching_up: bool,
}

/// What was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Recordings made, one an entry.
    pub entries: u32,
    /// Packets in them, those of earlier sessions included.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long their media lasts, together.
    pub duration: Duration,
    /// How many packets were there before; `None` when nothing was resumed.
    pub resumed_from: Option<u64>,
    /// A resumed recording lacked nothing.
    pub already_complete: bool,
    /// The recording ended because it was cancelled.
    pub cancelled: bool,
    /// How the server ended the last entry; `None` when it did not get so far.
    pub end: Option<EndOfStream>,
    /// Packets that came twice and were left out.
    pub repeated: u64,
    /// Packets that were left out because they are longer than the header allows.
    pub too_long: u64,
    /// Times that the clock of the stream started anew, and packets were moved to continue the
    /// recording.
    pub restarts: u64,
    /// Packets that nothing had asked for.
    pub dropped: u64,
    /// Rules that the server broke without harm.
    pub deviations: u64,
}

/// A recording that failed, and what was recorded before. The files are finished and play.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct RecordFailed {
    /// What went wrong.
    pub error: Error,
    /// What there is.
    pub summary: Summary,
}

/// Records a session: each entry of a playlist into the target that `target` gives for it, by
/// its number from 0; `None` ends the recording. `progress` is called after each packet.
///
/// Cancelling the session is an orderly end: the file is finished and the summary says so.
///
/// The duration is kept by this side alone. The server is not told: it would count from another
/// packet than the first, and the file should be the beginning of the whole one.
///
/// # Errors
/// When anything else goes wrong. What was received is kept, in a finished file.
pub fn record(
    session: Session,
    options: &RecordOptions,
    mut target: impl FnMut(u32, &Content) -> io::Result<Option<Target>>,
    mut progress: impl FnMut(&Progress<'_>),
) -> Result<Summary, Box<RecordFailed>> {
    let mut run = Run {
        options,
        progress: &mut progress,
        summary: Summary::default(),
        clock: Clock::new(options.duration),
    };
    match run.entries(session, &mut target) {
        Ok(()) => Ok(run.summary),
        Err(Error::Cancelled) => {
            run.summary.cancelled = true;
            Ok(run.summary)
        }
        Err(error) => {
            let summary = run.summary;
            Err(Box::new(RecordFailed { error, summary }))
        }
    }
}

struct Run<'a> {
    options: &'a RecordOptions,
    progress: &'a mut dyn FnMut(&Progress<'_>),
    summary: Summary,
    clock: Clock,
}

type Targets<'a> = &'a mut dyn FnMut(u32, &Content) -> io::Result<Option<Target>>;

impl Run<'_> {
    fn entries(&mut self, mut session: Session, target: Targets<'_>) -> Result<(), Error> {
        for entry in 0_u32.. {
            let given = target(entry, session.content()).map_err(RecordingError::Open)?;
            let Some(given) = given else {
                let _ = session.close();
                break;
            };
            let Some(recording) = self.begin(&session, given, entry)? else {
                let _ = session.close();
                break;
            };
            let playback = self.entry(session, recording, entry)?;
            let more = playback.end().is_some_and(|end| end.more) && !self.clock.is_over();
            if !more {
                let _ = playback.close();
                break;
            }
            match playback.next_entry()? {
                Some(next) => session = next,
                None => break,
            }
        }
        Ok(())
    }

    /// The recording of an entry; `None` when there is nothing left to record.
    fn begin(
        &mut self,
        session: &Session,
        target: Target,
        entry: u32,
    ) -> Result<Option<Recording>, Error> {
        let content = session.content();
        let resume = match target {
            Target::Create(file) => Resume::Fresh(Recording::create(file, content)?),
            Target::Stream(sink) => Resume::Fresh(Recording::to_stream(sink, content)?),
            Target::Resume(_) if entry > 0 => {
                return Err(RecordingError::from(ResumeRefused::Live).into());
            }
            Target::Resume(file) => Recording::resume(file, content)?,
        };
        let elsewhere = entry == 0 && self.options.start != Start::Beginning;
        Ok(match resume {
            Resume::Fresh(recording) | Resume::Continue(recording) if elsewhere => {
                Some(recording.from_zero())
            }
            Resume::Fresh(recording) | Resume::Continue(recording) => Some(recording),
            Resume::Complete(finished) => {
                self.add(finished);
                self.summary.already_complete = true;
                None
            }
        })
    }

    /// Records one entry to its end.
    fn entry(
        &mut self,
        session: Session,
        mut recording: Recording,
        entry: u32,
    ) -> Result<Playback, Error> {
        let content = session.content().clone();
        self.clock.begin(recording.header().file().packet_size);
        let resumed = recording.is_catching_up();
        let mut done = self.play(session, &mut recording);
        if let Ok(playback) = &mut done {
            let packets = self.packets(playback, &mut recording, entry, &content);
            let stats = playback.stats();
            self.end(playback.end(), stats);
            let server = playback.server_address().to_owned();
            let hr = playback.end().map(|end| end.hr).filter(|hr| hr.is_failure());
            if let Err(error) = packets {
                done = Err(error);
            } else if let Some(hr) = hr {
                done = Err(Error::EndedEarly { server, hr });
            }
        }
        // A file that is longer than what is asked for now needs nothing, not even a look.
        let enough = done.is_ok() && recording.is_catching_up() && self.clock.is_over();
        let finished = if enough {
            recording.leave();
            Ok(())
        } else {
            recording.complete()
        };
        let recorded = recording.so_far();
        self.add(recorded);
        self.summary.already_complete = resumed
            && done.is_ok()
            && finished.is_ok()
            && recorded.packets == recorded.counts.resumed;
        let playback = done?;
        finished?;
        Ok(playback)
    }

    fn packets(
        &mut self,
        playback: &mut Playback,
        recording: &mut Recording,
        entry: u32,
        content: &Content,
    ) -> Result<(), Error> {
        while let Some(packet) = playback.next() {
            let packet = packet?;
            if !self.clock.is_due(&packet.payload) {
                break;
            }
            let catching_up = recording.is_catching_up();
            match recording.packet(&packet)? {
                Kept::Written => {}
                Kept::Repeated if catching_up => {}
                // Nothing but such packets is as good as silence.
                _ => playback.reject_packet(),
            }
            (self.progress)(&Progress {
                entry,
                content,
                recorded: recording.so_far(),
                catching_up: recording.is_catching_up(),
            });
        }
        Ok(())
    }

    /// Plays from where the recording begins or goes on.
    fn play(&mut self, session: Session, recording: &mut Recording) -> Result<Playback, Error> {
        let mut request = session.all_streams()?;
        if let Some(streams) = &self.options.streams {
            request.streams.clone_from(streams);
        }
        request.stop = self.options.stop.and_then(Stop::at);
        let start = self.options.start;
        if !recording.is_catching_up() {
            return session.play(request.start(start));
        }
        if start == Start::Beginning {
            if let Some(first) = recording.first_packet() {
                let _ = self.clock.is_due(first);
            }
            return session.play(request.start(recording.resume_at(0)?));
        }
        // Its number is not known, or how far its times were moved.
        let mut playback = session.play(request.start(start))?;
        let first: AsfPacket =
            playback.next().ok_or(RecordingError::Resume(ResumeRefused::NotFound))??;
        if !recording.is_first(&first) {
            return Err(RecordingError::from(ResumeRefused::OtherStart).into());
        }
        let _ = self.clock.is_due(&first.payload);
        playback.seek(recording.resume_at(first.location_id)?)?;
        Ok(playback)
    }

    fn end(&mut self, end: Option<EndOfStream>, stats: Stats) {
        self.summary.end = end;
        self.summary.dropped = stats.dropped;
        self.summary.deviations = stats.deviations;
    }

    fn add(&mut self, recorded: Finished) {
        let Finished { packets, bytes, duration, counts } = recorded;
        let summary = &mut self.summary;
        summary.entries = summary.entries.saturating_add(1);
        summary.packets = summary.packets.saturating_add(packets);
        summary.bytes = summary.bytes.saturating_add(bytes);
        summary.duration = summary.duration.saturating_add(duration);
        summary.repeated = summary.repeated.saturating_add(counts.repeated);
        summary.too_long = summary.too_long.saturating_add(counts.too_long);
        summary.restarts = summary.restarts.saturating_add(counts.restarts);
        if counts.resumed > 0 {
            summary.resumed_from = Some(counts.resumed);
        }
    }
}

/// Tells when enough was recorded, by the send times of the packets.
struct Clock {
    left: Option<Duration>,
    packet_size: u32,
    first: Option<u32>,
    elapsed: Duration,
    over: bool,
}

impl Clock {
    fn new(left: Option<Duration>) -> Self {
        Self { left, packet_size: 0, first: None, elapsed: Duration::ZERO, over: false }
    }

    /// Another entry begins: its times start anew.
    fn begin(&mut self, packet_size: u32) {
        self.left = self.left.map(|left| left.saturating_sub(self.elapsed));
        self.packet_size = packet_size;
        (self.first, self.elapsed) = (None, Duration::ZERO);
    }

    fn is_over(&self) -> bool {
        self.over
    }

    /// Whether this packet still belongs to the recording.
    fn is_due(&mut self, packet: &[u8]) -> bool {
        let Some(left) = self.left else { return true };
        let Ok(packet) = Packet::parse(packet, self.packet_size) else {
            return true;
        };
        let first = *self.first.get_or_insert_with(|| packet.send_time());
        let distance = packet.send_time().wrapping_sub(first);
        // One that is sent before the first is out of order.
        let distance = if distance > 0x7FFF_FFFF { 0 } else { distance };
        let elapsed = Duration::from_millis(distance.into());
        self.over = elapsed >= left;
        if !self.over {
            self.elapsed = self.elapsed.max(elapsed);
        }
        !self.over
    }
}
