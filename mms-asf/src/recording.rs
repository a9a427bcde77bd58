//! The facts a finished file states in its header, and its indexes, gathered packet by packet.

mod header;
mod moved;
mod timeline;

use std::borrow::Borrow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use self::header::FinalHeader;
use self::timeline::Timeline;
use crate::index::is_index;
use crate::preroll;
use crate::{
    Header, IndexBuilder, Indexes, Limits, Object, Packet, Payload, Shift, StreamKind, guid,
};

/// The most that durations can differ by what encoders think of the last object.
const LAST_OBJECT: Duration = Duration::from_secs(2);

/// Computes the header and the indexes of a finished recording from its packets.
///
/// The result depends on the header and the packets alone. To resume a recording, feed the packets
/// that are in the file already to a new one.
///
/// When the recording holds all packets that the header of a complete file declares, count,
/// durations and flags stay as the header has them, so that a file recorded from start to end is an
/// exact copy, apart from what follows of an index. Otherwise:
///
/// - the play duration is the end of the last media object, preroll included;
/// - the send duration is the distance from the first to the last send time plus the last packet's
///   duration;
/// - a broadcast header loses its broadcast flag and all unknown flags.
///
/// Indexes do not come over a network: they are made from the packets, a Simple Index for every
/// video stream and an Index Object where the header declares one. The seekable flag is set when
/// every video stream has an index; audio needs none. What the header
/// declares and the file will not have, other indexes and a signature over a header that changed,
/// becomes padding: the header keeps its length, because packets follow it.
///
/// File ID and creation date are kept.
///
/// ```
/// use mms_asf::{Finalizer, Header};
/// # use mms_asf::testing::{self, TestStream};
/// # let header = Header::parse(&testing::live_header(256, &[TestStream::Audio(1)]))?;
/// # let packets: Vec<_> = (0..5).map(|n| testing::packet(n, 256, b"data")).collect();
///
/// let mut finalizer = Finalizer::new(&header);
/// let mut file = finalizer.initial_header().to_vec();
/// for packet in &packets {
///     file.extend_from_slice(packet);
///     finalizer.packet(packet);
/// }
/// let finalization = finalizer.finish();
/// file.extend_from_slice(&finalization.index);
/// for patch in &finalization.patches {
///     let at = usize::try_from(patch.offset)?;
///     file[at..at + patch.bytes.len()].copy_from_slice(&patch.bytes);
/// }
/// assert!(file.starts_with(&finalization.header));
/// # let finished = Header::parse(&finalization.header)?;
/// # assert_eq!((finished.file().packet_count, finished.file().broadcast()), (5, false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Finalizer {
    header: Header,
    packets: u64,
    timeline: Timeline,
    indexes: IndexBuilder,
    /// Objects to be written behind the indexes.
    behind: Vec<Object>,
    /// The header's times are compared with those of the packets before they are kept.
    doubtful: bool,
    /// The preroll becomes what the packets tell when it cannot be true.
    mends_preroll: bool,
    shift: Shift,
}

/// Bytes that replace as many at an offset of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patch {
    /// Where they belong, counted from the start of the file.
    pub offset: u64,
    /// The bytes.
    pub bytes: Bytes,
}

/// Changes that make a finished file of an unfinished one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finalization {
    /// The header of the finished file, as long as the one of the unfinished file.
    pub header: Bytes,
    /// What lies behind the last packet: the indexes. Often empty.
    pub index: Bytes,
    /// The parts of [`header`](Self::header) in which it can differ from the
    /// [initial one](Finalizer::initial_header).
    pub patches: Vec<Patch>,
}

impl Finalizer {
    /// A finalizer of a recording without packets. `header` is what the server sent, not what an
    /// unfinished file holds: [`initial_header`](Self::initial_header) clears fields that are needed
    /// at the end.
    pub fn new(header: &Header) -> Self {
        Self::new_with(header, &Limits::default())
    }

    /// [`Finalizer::new`] with other limits.
    pub fn new_with(header: &Header, limits: &Limits) -> Self {
        Self {
            header: header.clone(),
            packets: 0,
            timeline: Timeline::new(header),
            indexes: IndexBuilder::new_with(header, limits),
            behind: Vec::new(),
            doubtful: false,
            mends_preroll: false,
            shift: Shift::default(),
        }
    }

    /// A recording of packets whose header may tell nonsense: its times stay only when they are
    /// near those of the packets.
    pub(crate) fn of_doubtful(header: &Header, limits: &Limits) -> Self {
        Self { doubtful: true, ..Self::new_with(header, limits) }
    }

    /// Corrects a preroll that the times of the packets contradict.
    pub(crate) fn mend_preroll(&mut self) {
        self.mends_preroll = true;
    }

    fn preroll(&self) -> Option<Duration> {
        let start = self.timeline.start().filter(|_| self.mends_preroll)?;
        preroll::mended(self.header.file().preroll, start)
    }

    /// Adds an object that the file shall have behind its packets. An index replaces the one of its
    /// kind that would be made.
    pub(crate) fn object(&mut self, object: Object) {
        self.behind.push(object);
    }

    /// Says how far the times of all packets were moved. Script commands and markers in the
    /// finished header are moved as far; those from before the start of the file are left out.
    pub fn moved(&mut self, by: Shift) {
        self.shift = by;
    }

    /// Notes that the times of some packets were [joined](crate::Continuity): the durations that the
    /// header declares stay only when they are near those of the packets.
    pub fn restarted(&mut self) {
        self.doubtful = true;
    }

    /// Counts one packet of the file's size, with the times that it has in the file. One that
    /// cannot be read adds nothing to times and indexes.
    pub fn packet(&mut self, packet: &[u8]) {
        match Packet::parse(packet, self.header.file().packet_size) {
            Ok(packet) => {
                self.read_packet(&packet, packet.payloads().map_while(Result::ok));
            }
            Err(_) => self.packets = self.packets.saturating_add(1),
        }
    }

    /// [`packet`](Self::packet) for a packet that was read before its times were moved by `by`.
    pub(crate) fn moved_packet(&mut self, packet: &Packet<'_>, by: Shift) {
        let payloads = packet.payloads().map_while(Result::ok);
        if by == Shift::default() {
            self.read_packet(packet, payloads);
            return;
        }
        let moved = packet.with_send_time(by.send_time(packet.send_time()));
        let payloads = payloads.map(|mut payload| {
            payload.presentation_time = by.presentation_time(&payload);
            payload
        });
        self.read_packet(&moved, payloads);
    }

    /// [`packet`](Self::packet) for those who have read it already. Returns the send time on the
    /// line of the file, in milliseconds.
    #[inline]
    pub(crate) fn read_packet<'a>(
        &mut self,
        packet: &Packet<'_>,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
    ) -> u64 {
        let sent = self.timeline.packet(packet);
        let mut indexed = self.indexes.begin(self.packets, packet);
        self.packets = self.packets.saturating_add(1);
        for payload in payloads {
            self.timeline.payload(payload.borrow());
            indexed.payload(payload.borrow());
        }
        sent
    }

    /// The header that the recording began with.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many packets there are.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// How long the recorded media lasts, from the first presentation time to the end of the last
    /// media object.
    pub fn media_duration(&self) -> Duration {
        Duration::from_millis(self.timeline.media_duration())
    }

    /// Where the last packet ends, in bytes from the start of the file. Indexes will follow there.
    pub fn data_end(&self) -> u64 {
        (self.header.len() as u64).saturating_add(self.packet_bytes())
    }

    /// The header to write first: a legal unfinished file with the broadcast flag set and without
    /// counts, so that what is written stays playable if the recording breaks off.
    pub fn initial_header(&self) -> Bytes {
        FinalHeader::unfinished(&self.header)
    }

    /// The header of the finished file.
    pub fn final_header(&self) -> Bytes {
        self.finish().header
    }

    /// What turns a file that starts with [`initial_header`](Self::initial_header) into a finished
    /// one. Making the indexes takes a while: once, at the end.
    pub fn finish(&self) -> Finalization {
        let play_duration = self.play_duration();
        let mut indexes = self.indexes.finish(play_duration);
        let seekable = self.is_seekable(&indexes);
        let given = |id| self.behind.iter().any(|object| object.id == id);
        if given(guid::INDEX) {
            indexes.index = None;
        }
        if given(guid::SIMPLE_INDEX) {
            indexes.simple.clear();
        }
        // Simple Indexes come last of all indexes, as encoders have them.
        let last = self.behind.iter().rposition(|object| is_index(object.id));
        let place = last.map_or(0, |last| last.saturating_add(1));
        let (front, rest) = self.behind.split_at_checked(place).unwrap_or_default();
        let mut index = BytesMut::new();
        if let Some(made) = &indexes.index {
            made.write(&mut index);
        }
        front.iter().for_each(|object| index.extend_from_slice(&object.bytes));
        indexes.simple.iter().for_each(|(_, made)| made.write(&mut index));
        rest.iter().for_each(|object| index.extend_from_slice(&object.bytes));
        let made = FinalHeader {
            packets: self.packets,
            file_size: self.data_end().saturating_add(index.len() as u64),
            times: (!self.is_complete_copy())
                .then(|| (play_duration, Duration::from_millis(self.timeline.send_duration()))),
            preroll: self.preroll(),
            // An exact copy keeps its flags, unless it gained an index.
            seekable: seekable
                && (self.doubtful || !self.is_complete_copy() || !indexes.simple.is_empty()),
            indexes: header::Declared {
                by_time: indexes.index.is_some() || given(guid::INDEX),
                by_object: given(guid::MEDIA_OBJECT_INDEX),
                by_timecode: given(guid::TIMECODE_INDEX),
            },
            shift: self.shift,
        };
        let header = made.of(&self.header);
        let patches = header::patches(&self.header, &header);
        Finalization { header, index: index.freeze(), patches }
    }

    /// The play duration of the finished file, preroll included.
    pub(crate) fn play_duration(&self) -> Duration {
        if self.is_complete_copy() {
            return self.header.file().play_duration;
        }
        Duration::from_millis(self.timeline.play_duration())
    }

    /// Whether the recording holds every packet of a file whose header was complete.
    fn is_complete_copy(&self) -> bool {
        let file = self.header.file();
        let complete = !file.broadcast() && file.packet_count == self.packets;
        complete && (!self.doubtful || self.times_agree())
    }

    /// Whether the header's durations can be those of the packets. Encoders do not agree on how
    /// long the last object lasts.
    fn times_agree(&self) -> bool {
        let near = |declared: Duration, found: u64| {
            let found = Duration::from_millis(found);
            declared.abs_diff(found) <= LAST_OBJECT
        };
        let file = self.header.file();
        near(file.play_duration, self.timeline.play_duration())
            && near(file.send_duration, self.timeline.send_duration())
    }

    fn is_seekable(&self, indexes: &Indexes) -> bool {
        let streams = self.header.streams();
        let indexed = |number: u8| {
            indexes.simple.iter().any(|(of, index)| *of == number && !index.is_empty())
        };
        streams.iter().any(|s| matches!(s.kind, StreamKind::Audio | StreamKind::Video))
            && streams.iter().all(|stream| match stream.kind {
                StreamKind::Video => indexed(stream.number),
                // Players go by the others.
                _ => true,
            })
    }

    fn packet_bytes(&self) -> u64 {
        self.packets.saturating_mul(u64::from(self.header.file().packet_size))
    }
}
