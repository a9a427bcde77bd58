//! Going on where an earlier recording broke off.
//!
//! A packet's bytes, padding restored, depend on what the server sends alone, and the header of a
//! finished file on the header that the server sends and on the packets. So a recording that goes
//! on behind its last whole packet becomes, byte for byte, the file that one session would have
//! made. What has to be found out is whether the file is part of *this* stream, and where in the
//! stream its last packet lies:
//!
//! - the header must be the one that the server sends now, apart from the fields that a recording
//!   changes;
//! - a file of `n` packets that began with packet `first` ends with packet `first + n - 1`. That
//!   one is asked for again, and the recording goes on when a packet with this number or a later
//!   one is byte-equal to it. Once packets are sent later than it, it will not come any more;
//! - nothing in the file is touched before that.
//!
//! `first` is 0 unless the recording was begun elsewhere; then the first packet is asked for in
//! the same words as before and must be byte-equal to the file's first. Where `first` is too low,
//! because nobody knew better or the server leaves packets out, more packets than needed pass by
//! before the right one. A selection of streams needs no record of its own: the header declares
//! those streams alone.
//!
//! Bytes that follow the last whole packet are those of the next one, of which a part was written,
//! or of the index. Others are not cut off: the recording is refused.
//!
//! Where the clock of the stream started anew before the last packet, the file has that packet with
//! other times than the server sends: it must be byte-equal but for one distance of all times, and
//! the recording goes on with the same distance.

mod catch_up;
mod scan;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use bytes::{Bytes, BytesMut};
use mms_asf::{Header, Kept, Packet};
use mms_proto::{AsfPacket, Start};

pub(super) use self::catch_up::CatchUp;
pub(super) use self::scan::rescan;
use self::scan::{Scan, packets_in};
use super::{Finished, Recording, RecordingError, ResumeRefused, Sink, check_regular};
use crate::session::Entry;

/// What became of an attempt to resume.
#[derive(Debug)]
#[non_exhaustive]
pub enum Resume {
    /// The file holds no whole packet: it begins again, and stays as it is until packets come.
    Fresh(Recording),
    /// The file can go on. Play from [`Recording::resume_at`].
    Continue(Recording),
    /// The file holds the whole stream and was left alone.
    Complete(Finished),
}

impl Recording {
    /// Prepares to go on with a file that may have been cut anywhere; open it for reading and
    /// writing, without truncation. The file may end inside its header or inside a packet, and may
    /// be finished or not.
    ///
    /// It is read once from start to end, in constant memory.
    ///
    /// # Errors
    /// A [`ResumeRefused`] when the file is not of this stream or the stream cannot be resumed;
    /// [`RecordingError::NotAFile`]; when the file cannot be read. The file is unchanged then.
    pub fn resume(mut file: File, entry: &Entry) -> Result<Resume, RecordingError> {
        check_regular(&file)?;
        let header = entry.recorded_header()?;
        let length = file.seek(SeekFrom::End(0)).map_err(RecordingError::Read)?;
        if length > 0 {
            if !entry.is_resumable() {
                return Err(ResumeRefused::Live.into());
            }
            check_header(&mut file, &header, length)?;
        }
        let whole = packets_in(&header, length);
        if whole == 0 {
            return Self::over(Sink::File(file), &header, entry).map(Resume::Fresh);
        }
        // The server's word: the session takes no packet from this number on. What the header says
        // binds nobody, and without the server's word only the server's end says where the end is.
        let count = entry.content().packet_count();
        let scan = Scan::run(&mut file, &header, count.map_or(whole, |count| count.min(whole)))?;
        let wanted = scan.finalizer.packets();
        if wanted == 0 {
            return Self::over(Sink::File(file), &header, entry).map(Resume::Fresh);
        }
        // Either a finished recording or the original, index and all: its header is the server's,
        // which an unfinished recording never has, and it is as long as that says.
        let complete = scan.is_finished(&mut file).map_err(RecordingError::Read)?
            || (scan.header == header.as_bytes() && length >= header.file().file_size);
        let tail = scan.doubtful_tail();
        let mut recording = Self::over(Sink::File(file), &header, entry)?;
        recording.begun = true;
        recording.pipeline.finalizer = scan.finalizer;
        recording.counts.resumed = wanted;
        recording.size = Some(length);
        if count == Some(wanted) && complete {
            recording.finished = true;
            return Ok(Resume::Complete(recording.so_far()));
        }
        if wanted < whole && !scan.index_follows {
            // More packets than the stream has: whatever it is, it is not a part of it.
            recording.finished = true;
            return Err(ResumeRefused::OtherPackets.into());
        }
        let size = header.file().packet_size;
        let parsed = Packet::parse(&scan.last, size).ok();
        recording.catch_up = Some(CatchUp {
            packets: wanted,
            sent: parsed.map(|packet| packet.send_time()),
            first: scan.first,
            last: scan.last,
            continuity: scan.continuity,
            base: 0,
            expected: 0,
            tail,
            whole: count == Some(wanted),
            found: None,
        });
        recording.resume_at(0)?;
        Ok(Resume::Continue(recording))
    }

    /// Where to play from so that the recording can go on, when its first packet has the number
    /// `first` in the stream: 0 unless it was begun elsewhere. [`Start::Beginning`] for a
    /// recording that is not resumed.
    ///
    /// # Errors
    /// When the number would be too large for a stream.
    pub fn resume_at(&mut self, first: u32) -> Result<Start, RecordingError> {
        let Some(catch_up) = &mut self.catch_up else {
            return Ok(Start::Beginning);
        };
        let last = u64::from(first).saturating_add(catch_up.packets.saturating_sub(1));
        let last = u32::try_from(last).map_err(|_| ResumeRefused::OtherPackets)?;
        (catch_up.base, catch_up.expected) = (first, last);
        Ok(Start::packet(last).unwrap_or_default())
    }

    /// Whether this packet is the first one of the file that is being resumed: how to find its
    /// number when the recording was not begun at the beginning, and how far its times were moved.
    pub fn is_first(&mut self, packet: &AsfPacket) -> bool {
        let Some(mut restored) = self.restored(packet) else { return false };
        let Some(catch_up) = &self.catch_up else { return false };
        let mut rebaser = self.pipeline.rebaser.clone();
        let _ = rebaser.apply(&mut restored);
        let found = restored == catch_up.first;
        if found {
            self.pipeline.rebaser = rebaser;
        }
        found
    }

    /// A packet as it would be in the file, times apart; `None` when it would not be.
    pub(super) fn restored(&mut self, packet: &AsfPacket) -> Option<BytesMut> {
        let mut restored = BytesMut::new();
        self.pipeline.restorer.restore(&packet.payload, &mut restored).ok()?;
        if let Some(chosen) = &mut self.chosen {
            if chosen.apply(&mut restored, 0, None) == Kept::None {
                return None;
            }
        }
        Some(restored)
    }

    /// Whether the last packet of the earlier recording is still to come, or the one after it where
    /// the file may hold a part of that; until then the file is not touched.
    #[must_use]
    pub fn is_catching_up(&self) -> bool {
        self.catch_up.is_some()
    }

    /// Ends a resumed recording without touching the file.
    pub(super) fn leave(&mut self) {
        self.finished = true;
    }

    /// The first packet of the file that is being resumed.
    pub(super) fn first_packet(&self) -> Option<&Bytes> {
        self.catch_up.as_ref().map(|catch_up| &catch_up.first)
    }

    /// Looks at the packet in the buffer, which nothing else is in. Returns whether it is the first
    /// one that is not in the file; otherwise it is taken out of the buffer.
    pub(super) fn has_caught_up(&mut self, number: u32) -> Result<bool, RecordingError> {
        let Some(catch_up) = &mut self.catch_up else { return Ok(true) };
        let (last, next) = match catch_up.found() {
            // The same once more.
            Some(last) if number <= last => (None, false),
            Some(_) if !catch_up.continues(&self.buffer) => {
                self.buffer.clear();
                return Err(ResumeRefused::OtherTail.into());
            }
            Some(last) => (Some(last), true),
            None => {
                let found = catch_up.is_last(number, &self.buffer);
                let last = found.map(|found| (found && catch_up.find(number)).then_some(number));
                (last.inspect_err(|_| self.buffer.clear())?, false)
            }
        };
        if !next {
            self.buffer.clear();
        }
        if let Some(last) = last {
            self.go_on(last)?;
        }
        if next {
            self.seen.insert(number);
        }
        Ok(next)
    }

    /// The last packet was found, with this number: the file becomes what it was when that packet
    /// had just been written.
    pub(super) fn go_on(&mut self, location_id: u32) -> Result<(), RecordingError> {
        let Some(catch_up) = self.catch_up.take() else {
            return Ok(());
        };
        self.seen.insert_range(catch_up.base, location_id);
        self.counts.restarts = catch_up.continuity.restarts();
        self.pipeline.continuity = Some(catch_up.continuity);
        if self.counts.restarts > 0 {
            self.pipeline.finalizer.restarted();
        }
        let end = self.pipeline.finalizer.data_end();
        let initial = self.pipeline.finalizer.initial_header();
        self.size = None;
        let Sink::File(file) = &mut self.sink else {
            return Ok(());
        };
        let unfinish = |file: &mut File| -> io::Result<()> {
            for patch in self.pipeline.finalizer.finish().patches {
                let range = place(patch.offset, patch.bytes.len());
                file.seek(SeekFrom::Start(patch.offset))?;
                file.write_all(initial.get(range).unwrap_or_default())?;
            }
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
            Ok(())
        };
        // Nothing may be written behind a place that is not known.
        self.torn = true;
        unfinish(file).map_err(RecordingError::Write)?;
        self.torn = false;
        Ok(())
    }
}

/// Refuses a file that begins otherwise than a recording of this stream.
fn check_header(file: &mut File, header: &Header, length: u64) -> Result<(), RecordingError> {
    let mut bytes = Vec::new();
    let read = |file: &mut File, bytes: &mut Vec<u8>| -> io::Result<usize> {
        file.seek(SeekFrom::Start(0))?;
        file.take(header.len() as u64).read_to_end(bytes)
    };
    read(file, &mut bytes).map_err(RecordingError::Read)?;
    let same = if length >= header.len() as u64 {
        Header::parse(&Bytes::from(bytes)).is_ok_and(|found| found.same_stream(header))
    } else {
        begins_like(bytes, header)
    };
    if same { Ok(()) } else { Err(ResumeRefused::OtherStream.into()) }
}

/// Whether a part of a header is the beginning of this one, apart from what recordings change.
fn begins_like(mut part: Vec<u8>, header: &Header) -> bool {
    let mut whole = header.as_bytes().to_vec();
    for patch in mms_asf::Finalizer::new(header).finish().patches {
        let range = place(patch.offset, patch.bytes.len());
        let end = range.end.min(part.len());
        if let Some(bytes) = part.get_mut(range.start..end) {
            bytes.fill(0);
        }
        if let Some(bytes) = whole.get_mut(range) {
            bytes.fill(0);
        }
    }
    whole.starts_with(&part)
}

/// A patch's place in a header, which is in memory.
fn place(offset: u64, length: usize) -> std::ops::Range<usize> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    start..start.saturating_add(length)
}
