//! The search for the key frame of a time, in steps that read a bounded number of packets.

use std::io::{Read, Seek};
use std::time::Duration;

use bytes::BytesMut;

use super::FileReader;
use super::seek_point::{Entry, Found, SeekMethod, SeekPoint, Wanted};
use crate::clock::shown_in_file;
use crate::time::to_millis;
use crate::{FileError, FileProperties, Packet, SendClock};

/// The indexes that a seek tries, in order.
pub(super) const INDEXES: &[SeekMethod] = &[SeekMethod::SimpleIndex, SeekMethod::Index];

/// A [seek](FileReader::seek) that is done in steps, for servers that have others to serve in
/// between. It finds exactly what the seek finds.
///
/// ```
/// use std::time::Duration;
/// use mms_asf::{FileReader, KeyFrameSearch};
/// # use mms_asf::testing::{self, TestStream};
/// # let mut file = testing::header(256, 9, &[TestStream::Video(1)]).to_vec();
/// # for n in 0..9 {
/// #     let packet = if n == 0 { testing::key_packet } else { testing::packet };
/// #     file.extend_from_slice(&packet(n, 256, b"picture"));
/// # }
///
/// // The only key frame is in packet 0, far before the time.
/// let mut reader = FileReader::open(std::io::Cursor::new(file))?;
/// let mut search = KeyFrameSearch::new(Duration::from_secs(8), 1);
/// let mut steps = 1;
/// let point = loop {
///     let mut packets = 2;
///     match search.step(&mut reader, &mut packets)? {
///         Some(point) => break point,
///         // Serve others, then go on.
///         None => steps += 1,
///     }
/// };
/// assert_eq!(point.packet, 0);
/// assert!(steps > 3);
/// # Ok::<(), mms_asf::FileError>(())
/// ```
#[derive(Debug, Clone)]
pub struct KeyFrameSearch {
    time: Duration,
    stream: u8,
    methods: &'static [SeekMethod],
    stage: Stage,
    /// Indexes whose entry leads astray, if there is a key frame that it could lead to.
    doubtful: Vec<&'static str>,
    /// The key frame of an entry after which too many packets follow to look at all of them.
    early: Option<(Found, SeekMethod)>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// The first packet is needed, for its send time.
    Begin,
    /// The index with this number among the methods is next.
    Index {
        wanted: Wanted,
        number: usize,
    },
    /// The packets from an entry of that index on.
    Entry {
        wanted: Wanted,
        number: usize,
        entry: Entry,
        next: u64,
        best: Option<Found>,
    },
    /// The last packet that was sent in time, by bisection.
    Bisection {
        wanted: Wanted,
    },
    /// The packets before that one: the next, and the number of them that may be read.
    Backwards {
        wanted: Wanted,
        next: Option<u64>,
        left: u32,
    },
    Over(SeekPoint),
}

impl KeyFrameSearch {
    /// Starts to search as [`FileReader::seek`] does. Nothing is read yet.
    #[must_use]
    pub fn new(time: Duration, stream: u8) -> Self {
        Self::by(INDEXES, time, stream)
    }

    pub(super) fn by(methods: &'static [SeekMethod], time: Duration, stream: u8) -> Self {
        let (stage, doubtful, early) = (Stage::Begin, Vec::new(), None);
        Self { time, stream, methods, stage, doubtful, early }
    }

    /// Searches on; `None` when `packets` were read and more are needed. `packets` is lowered by
    /// the number of packets that were read. Bisection, of some twenty packets, and the first
    /// packet's send time are not interrupted; in a damaged file they read up to 560 packets.
    ///
    /// Call it with the same reader each time. After the end it returns the same point.
    ///
    /// # Errors
    /// When the input cannot be read. The next step tries again.
    pub fn step<R: Read + Seek>(
        &mut self,
        reader: &mut FileReader<R>,
        packets: &mut u32,
    ) -> Result<Option<SeekPoint>, FileError> {
        let mut buffer = BytesMut::new();
        while *packets > 0 {
            let read = reader.packets_read;
            let stage = self.next_stage(reader, &mut buffer);
            let read = reader.packets_read.wrapping_sub(read);
            *packets = packets.saturating_sub(u32::try_from(read).unwrap_or(u32::MAX));
            self.stage = stage?;
            if let Stage::Over(point) = self.stage {
                return Ok(Some(point));
            }
        }
        Ok(None)
    }

    /// Reads one packet, or what cannot be interrupted.
    fn next_stage<R: Read + Seek>(
        &mut self,
        reader: &mut FileReader<R>,
        buffer: &mut BytesMut,
    ) -> Result<Stage, FileError> {
        match self.stage {
            Stage::Begin => self.begin(reader, buffer),
            Stage::Index { wanted, number } => self.look_up(reader, wanted, number),
            Stage::Entry { .. } => self.follow_entry(reader, buffer),
            Stage::Bisection { wanted } => {
                // Media that are shown in time were sent in time.
                let due = wanted.shown.saturating_sub(wanted.base);
                let last = reader.packet_sent_by(due.into(), wanted.first, buffer)?;
                let left = reader.limits.search_packets;
                Ok(Stage::Backwards { wanted, next: Some(last), left })
            }
            Stage::Backwards { wanted, next, left } => {
                let Some((number, left)) = next.zip(left.checked_sub(1)) else {
                    return Ok(self.end(reader, None));
                };
                match reader.look(&wanted, number, buffer)?.start {
                    Some(start) => Ok(self.end(reader, Some((number, start)))),
                    None => Ok(Stage::Backwards { wanted, next: number.checked_sub(1), left }),
                }
            }
            Stage::Over(point) => Ok(Stage::Over(point)),
        }
    }

    fn begin<R: Read + Seek>(
        &self,
        reader: &mut FileReader<R>,
        buffer: &mut BytesMut,
    ) -> Result<Stage, FileError> {
        let Some((_, first)) = reader.send_time_from(0, reader.packets, buffer)? else {
            return Ok(Stage::Over(Self::START));
        };
        let (stream, video) = (self.stream, reader.is_video(self.stream));
        let shown = to_millis(self.time.saturating_add(reader.header.file().preroll));
        let base = base(buffer, reader.header.file(), first);
        Ok(Stage::Index { wanted: Wanted { stream, video, first, base, shown }, number: 0 })
    }

    /// The entry of an index, if there is such an index.
    fn look_up<R: Read + Seek>(
        &self,
        reader: &mut FileReader<R>,
        wanted: Wanted,
        number: usize,
    ) -> Result<Stage, FileError> {
        let shown = self.time.saturating_add(reader.header.file().preroll);
        let entry = match self.methods.get(number) {
            None => return Ok(Stage::Bisection { wanted }),
            Some(SeekMethod::SimpleIndex) => reader.simple(shown, self.stream)?,
            Some(SeekMethod::Index) => reader.by_time(shown, self.stream)?,
            Some(SeekMethod::SendTimes) => None,
        };
        Ok(match entry {
            Some(entry) => {
                let (next, best) = (entry.packet, None);
                Stage::Entry { wanted, number, entry, next, best }
            }
            None => Stage::Index { wanted, number: number.saturating_add(1) },
        })
    }

    /// Looks for the last key frame in time from an entry on.
    ///
    /// An index has one entry for many key frames, so those behind it are looked at. What the next
    /// entry says is not asked: an index that was made for other packets, or that ends in zeros,
    /// leads to the same packet again and again.
    fn follow_entry<R: Read + Seek>(
        &mut self,
        reader: &mut FileReader<R>,
        buffer: &mut BytesMut,
    ) -> Result<Stage, FileError> {
        let Stage::Entry { wanted, number, entry, next, mut best } = self.stage else {
            return Ok(self.stage);
        };
        let searched = u64::from(reader.limits.search_packets);
        let end = entry.packet.saturating_add(searched).min(reader.packets);
        // Whether no later key frame can be in time.
        let mut whole = end == reader.packets;
        if next < end {
            let seen = reader.look(&wanted, next, buffer)?;
            if next > entry.packet && seen.start.is_some_and(|start| start <= entry.time) {
                return Ok(self.doubt(wanted, number));
            }
            best = seen.start.map(|start| (next, start)).or(best);
            // In front of the first key frame the entries are 0.
            if !seen.late && (best.is_some() || entry.packet == 0) {
                let next = next.saturating_add(1);
                return Ok(Stage::Entry { wanted, number, entry, next, best });
            }
            whole = true;
        }
        let method = self.methods.get(number).copied().unwrap_or(SeekMethod::SendTimes);
        match best {
            Some(found) if whole => return Ok(self.point(reader, found, method)),
            Some(found) => self.early = self.early.or(Some((found, method))),
            None => {}
        }
        Ok(self.doubt(wanted, number))
    }

    /// Goes on with the next index.
    fn doubt(&mut self, wanted: Wanted, number: usize) -> Stage {
        self.doubtful.push(match self.methods.get(number) {
            Some(SeekMethod::SimpleIndex) => "Simple Index Object",
            _ => "Index Object",
        });
        Stage::Index { wanted, number: number.saturating_add(1) }
    }

    /// Ends with a key frame that was found by send times, or with a better one of an index.
    fn end<R: Read + Seek>(&mut self, reader: &mut FileReader<R>, found: Option<Found>) -> Stage {
        let early = self.early.filter(|(early, _)| found.is_none_or(|found| found <= *early));
        match (early, found) {
            (Some((early, method)), _) => self.point(reader, early, method),
            (None, None) => Stage::Over(Self::START),
            (None, Some(found)) => {
                // Without any key frame in time the entries have nothing to point to.
                for what in std::mem::take(&mut self.doubtful) {
                    reader.stale(what, self.stream);
                }
                self.point(reader, found, SeekMethod::SendTimes)
            }
        }
    }

    const START: SeekPoint = SeekPoint { packet: 0, time: None, method: SeekMethod::SendTimes };

    fn point<R>(
        &self,
        reader: &FileReader<R>,
        (packet, shown): Found,
        method: SeekMethod,
    ) -> Stage {
        let shown = Duration::from_millis(shown);
        let time = Some(shown.saturating_sub(reader.header.file().preroll));
        Stage::Over(SeekPoint { packet, time, method })
    }
}

/// The place of the first packet, of which send times are the first one's distance, on the line of
/// presentation times, in milliseconds: its send time, unless that cannot be on the same line.
/// Media is sent before it is shown, and no more than the preroll before by most encoders.
fn base(packet: &[u8], file: &FileProperties, first: u32) -> u64 {
    let sent = u64::try_from(SendClock::first(first)).unwrap_or(0);
    let Ok(packet) = Packet::parse(packet, file.packet_size) else { return sent };
    let times = packet.payloads().map_while(Result::ok).map(|payload| payload.presentation_time);
    match times.map(|time| shown_in_file(sent, time)).min() {
        Some(shown) if shown < sent => shown.saturating_sub(to_millis(file.preroll)),
        _ => sent,
    }
}
