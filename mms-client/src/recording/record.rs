//! A whole session into files: what a download program does.

use std::io;
use std::time::Duration;

use mms_asf::Packet;
use mms_proto::{AsfPacket, Content, Features, HResult, Reception, Start, Stats};

use super::chosen::Chosen;
use super::range::Range;
use super::rejoin::{MAX_LISTED_BREAKS, is_break};
use super::{
    Break, Finished, Kept, Progress, RecordFailed, RecordOptions, Recording, RecordingError,
    Resume, ResumeRefused, Summary, Target,
};
use crate::error::Error;
use crate::session::{EndOfStream, Entry, Playback, Session};

/// Records a session: each entry of a playlist into the target that `target` gives for it, by
/// its number from 0; `None` ends the recording. `progress` is called after each packet.
///
/// Cancelling the session is an orderly end: the file is finished and the summary says so.
///
/// The duration is kept by this side alone. The server is not told: it would count from another
/// packet than the first, and the file should be the beginning of the whole one. Streams that the
/// options do not choose are left out even where the server sends them, and the header of the file
/// declares the others alone.
///
/// # Errors
/// When anything else goes wrong; [`Error::Incomplete`] when the server ends a file before its
/// last packet without a reason, and [`Error::NoNextEntry`] when the entry that it announced does
/// not come. What was received is kept, in a finished file.
pub fn record(
    session: Session,
    options: &RecordOptions,
    mut target: impl FnMut(u32, &Entry) -> io::Result<Option<Target>>,
    mut progress: impl FnMut(&Progress<'_>),
) -> Result<Summary, Box<RecordFailed>> {
    Run::new(options, &mut progress, None).record(session, &mut target)
}

/// Records like [`record`], and goes on over another connection when that of a live stream breaks:
/// `reopen` is told why, waits as long as it likes, and opens the stream again, or ends the
/// recording with its error. Where the header is the same the packets continue the file, with a gap
/// in time ([`Summary::breaks`]); otherwise they go to the next target.
///
/// What is on demand ends as with [`record`]: it can be [resumed](Recording::resume) without a gap.
///
/// # Errors
/// As [`record`], and what `reopen` returns.
pub fn record_live(
    session: Session,
    options: &RecordOptions,
    mut target: impl FnMut(u32, &Entry) -> io::Result<Option<Target>>,
    mut progress: impl FnMut(&Progress<'_>),
    mut reopen: impl FnMut(Interruption) -> Result<Session, Error>,
) -> Result<Summary, Box<RecordFailed>> {
    Run::new(options, &mut progress, Some(&mut reopen)).record(session, &mut target)
}

/// Why the connection of a live recording broke.
#[derive(Debug)]
#[non_exhaustive]
pub struct Interruption {
    /// What went wrong.
    pub error: Error,
    /// Packets in the file so far: when there are no more than at the last break, the connection
    /// in between brought nothing.
    pub packets: u64,
}

struct Run<'a> {
    options: &'a RecordOptions,
    progress: &'a mut dyn FnMut(&Progress<'_>),
    summary: Summary,
    range: Range,
    /// The choice of streams of the entry that is recorded.
    chosen: Option<Chosen>,
    reopen: Option<Reopen<'a>>,
    /// What earlier connections dropped and tolerated.
    earlier: Stats,
}

type Reopen<'a> = &'a mut dyn FnMut(Interruption) -> Result<Session, Error>;

/// How an entry ended.
enum Ended {
    /// As it should; others may follow.
    Entry(Box<Playback>),
    /// With a break, after which the stream has another header.
    Other(Box<Session>),
}

type Targets<'a> = &'a mut dyn FnMut(u32, &Entry) -> io::Result<Option<Target>>;

impl<'a> Run<'a> {
    fn new(
        options: &'a RecordOptions,
        progress: &'a mut dyn FnMut(&Progress<'_>),
        reopen: Option<Reopen<'a>>,
    ) -> Self {
        Self {
            options,
            progress,
            summary: Summary::default(),
            range: Range::new(options.duration, options.stop),
            chosen: None,
            reopen,
            earlier: Stats::default(),
        }
    }

    fn record(
        mut self,
        session: Session,
        target: Targets<'_>,
    ) -> Result<Summary, Box<RecordFailed>> {
        match self.entries(session, target) {
            Ok(()) => Ok(self.summary),
            Err(Error::Cancelled) => {
                self.summary.cancelled = true;
                Ok(self.summary)
            }
            Err(error) => Err(Box::new(RecordFailed { error, summary: self.summary })),
        }
    }

    fn entries(&mut self, mut session: Session, target: Targets<'_>) -> Result<(), Error> {
        for entry in 0_u32.. {
            let given = target(entry, session.entry()).map_err(RecordingError::Open)?;
            let Some(given) = given else {
                let _ = session.close();
                break;
            };
            let Some(recording) = self.begin(&session, given, entry)? else {
                let _ = session.close();
                break;
            };
            let playback = match self.entry(session, recording, entry)? {
                Ended::Entry(playback) => playback,
                Ended::Other(next) => {
                    session = *next;
                    continue;
                }
            };
            let end = playback.end().filter(|end| end.more && !self.range.is_over());
            let Some(end) = end else {
                let _ = playback.close();
                break;
            };
            let server = playback.server_address().to_owned();
            match playback.next_entry()? {
                Some(next) => session = next,
                // Servers before version 9 end every broadcast as if another entry followed.
                None if end.hr == HResult::FALSE => return Err(Error::NoNextEntry { server }),
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
        let selection = self.options.streams.as_deref();
        self.chosen = selection.and_then(|chosen| Chosen::new(session.entry(), chosen));
        let offered = match &self.chosen {
            Some(chosen) => &chosen.entry(session.entry())?,
            None => session.entry(),
        };
        let resume = match target {
            Target::Create(file) => Resume::Fresh(Recording::create(file, offered)?),
            Target::Stream(sink) => Resume::Fresh(Recording::to_stream(sink, offered)?),
            Target::Resume(_) if entry > 0 => {
                return Err(RecordingError::from(ResumeRefused::Live).into());
            }
            Target::Resume(file) => Recording::resume(file, offered)?,
        };
        Ok(match resume {
            Resume::Fresh(mut recording) | Resume::Continue(mut recording) => {
                recording.chosen = self.chosen.take();
                let elsewhere = entry == 0 && self.options.start != Start::Beginning;
                let recording = if elsewhere { recording.from_zero() } else { recording };
                let again = self.reopen.is_some();
                Some(if again { recording.reconnectable() } else { recording })
            }
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
    ) -> Result<Ended, Error> {
        let from = match self.options.start {
            _ if entry > 0 || recording.live => None,
            Start::Beginning => Some(Duration::ZERO),
            Start::Time(time) => Some(time),
            _ => None,
        };
        self.range.begin(recording.header(), from, recording.live);
        let resumed = recording.is_catching_up();
        let mut done = self.connection(session, &mut recording, entry);
        let done = loop {
            let broke = match done {
                Err(error) if recording.live && is_break(&error) => error,
                done => break done.map(|playback| Ended::Entry(Box::new(playback))),
            };
            match self.reopened(broke, &mut recording) {
                Err(error) => break Err(error),
                Ok((session, true)) => done = self.connection(session, &mut recording, entry),
                Ok((session, false)) => break Ok(Ended::Other(Box::new(session))),
            }
        };
        if entry == 0 && !recording.live {
            self.summary.start = self.range.first();
        }
        // A file that is longer than what is asked for now needs nothing, not even a look.
        let enough = done.is_ok() && recording.is_catching_up() && self.range.is_over();
        let finished = if enough {
            recording.leave();
            Ok(())
        } else {
            recording.complete()
        };
        let recorded = recording.so_far();
        self.add(recorded);
        let breaks = recording.breaks().iter().map(|one| Break { entry, ..*one });
        let room = MAX_LISTED_BREAKS.saturating_sub(self.summary.breaks.len());
        self.summary.breaks.extend(breaks.take(room));
        self.summary.already_complete = resumed
            && done.is_ok()
            && finished.is_ok()
            && recorded.packets == recorded.counts.resumed;
        let ended = done?;
        finished?;
        Ok(ended)
    }

    /// Records what one connection brings of an entry.
    fn connection(
        &mut self,
        session: Session,
        recording: &mut Recording,
        entry: u32,
    ) -> Result<Playback, Error> {
        let content = session.content().clone();
        let mut playback = self.play(session, recording)?;
        let packets = self.packets(&mut playback, recording, entry, &content);
        let stats = playback.stats();
        self.end(playback.end(), stats);
        packets?;
        let Some(end) = playback.end() else { return Ok(playback) };
        let server = || playback.server_address().to_owned();
        if end.hr.is_failure() {
            return Err(Error::EndedEarly { server: server(), hr: end.hr });
        }
        let got = playback.reception();
        if self.is_cut(&content, entry, end, got) {
            let received = got.last.map_or(0, |last| u64::from(last).saturating_add(1));
            let announced = got.announced.unwrap_or(received);
            return Err(Error::Incomplete { server: server(), received, announced });
        }
        Ok(playback)
    }

    /// Another session after a break, and whether the recording goes on with it.
    fn reopened(
        &mut self,
        broke: Error,
        recording: &mut Recording,
    ) -> Result<(Session, bool), Error> {
        let Some(reopen) = &mut self.reopen else { return Err(broke) };
        recording.interrupted()?;
        let packets = recording.so_far().packets;
        let session = reopen(Interruption { error: broke, packets })?;
        self.earlier.dropped = self.summary.dropped;
        self.earlier.deviations = self.summary.deviations;
        self.summary.reconnections = self.summary.reconnections.saturating_add(1);
        let same = recording.rejoin(session.entry())?;
        Ok((session, same))
    }

    fn packets(
        &mut self,
        playback: &mut Playback,
        recording: &mut Recording,
        entry: u32,
        content: &Content,
    ) -> Result<(), Error> {
        let packet_size = recording.header().file().packet_size;
        while let Some(packet) = playback.next_packet() {
            let packet = packet?;
            // What comes again after a break is no part of the line of time.
            let parsed = Packet::parse(&packet.payload, packet_size).ok();
            playback.played(parsed.as_ref());
            let fingerprint = recording.identify(&packet.payload, parsed.as_ref());
            let repeated = fingerprint.is_some_and(|known| known.is_repeated());
            if !repeated && !self.range.includes(parsed.as_ref()) {
                break;
            }
            let catching_up = recording.is_catching_up();
            match recording.identified(&packet, parsed.as_ref(), fingerprint)? {
                // Streams that were not chosen may fill any time.
                Kept::Written | Kept::Unselected => {}
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
        let start = self.options.start;
        let size = recording.header().file().packet_size;
        if !recording.is_catching_up() {
            return session.play(request.start(start));
        }
        if start == Start::Beginning {
            if let Some(first) = recording.first_packet() {
                let _ = self.range.includes(Packet::parse(first, size).ok().as_ref());
            }
            return session.play(request.start(recording.resume_at(0)?));
        }
        // Its number is not known, or how far its times were moved.
        let mut playback = session.play(request.start(start))?;
        let first: AsfPacket = loop {
            let packet =
                playback.next().ok_or(RecordingError::Resume(ResumeRefused::NotFound))??;
            if recording.restored(&packet).is_some() {
                break packet;
            }
        };
        if !recording.is_first(&first) {
            return Err(RecordingError::from(ResumeRefused::OtherStart).into());
        }
        let _ = self.range.includes(Packet::parse(&first.payload, size).ok().as_ref());
        playback.seek(recording.resume_at(first.location_id)?)?;
        Ok(playback)
    }

    /// Whether packets are missing after the last one of a file that was played to its end. With a
    /// stop or without some streams the server may leave them out.
    fn is_cut(&self, content: &Content, entry: u32, end: EndOfStream, got: Reception) -> bool {
        let whole = entry == 0
            && !end.more
            && self.options.stop.is_none()
            && self.options.streams.is_none()
            && !content.features().is_live()
            && !content.features().contains(Features::PLAYLIST);
        whole && got.last.is_some() && got.missing_at_end().is_some_and(|missing| missing > 0)
    }

    fn end(&mut self, end: Option<EndOfStream>, stats: Stats) {
        self.summary.end = end;
        self.summary.dropped = self.earlier.dropped.saturating_add(stats.dropped);
        self.summary.deviations = self.earlier.deviations.saturating_add(stats.deviations);
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
        summary.unselected = summary.unselected.saturating_add(counts.unselected);
        if counts.resumed > 0 {
            summary.resumed_from = Some(counts.resumed);
        }
    }
}
