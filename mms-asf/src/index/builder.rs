//! Indexes made in one pass over the packets.

mod track;

use std::time::Duration;

use bytes::BytesMut;
use uuid::Uuid;

use self::track::{Track, Watched};
use super::{Index, IndexObject, SimpleEntry, SimpleIndex};
use crate::clock::near_in_file;
use crate::objects::IndexParameters;
use crate::{Header, Limits, Packet, Payload, SendClock, StreamKind};

/// The interval of every Simple Index: players count on one second.
const SECOND: Duration = Duration::from_secs(1);
/// So many entries an index may have in any case: two hours in a Simple Index.
const ENTRIES: u64 = 8_192;
/// The bytes of an entry of a Simple Index; those of an Index Object have fewer.
const ENTRY: u64 = 6;

/// Watches the packets of a file as they are written and makes the indexes for them: a Simple
/// Index for each video stream, and an Index Object if the header declares one.
///
/// ```
/// use bytes::BytesMut;
/// use mms_asf::{FileReader, Header, IndexBuilder, Packet};
/// # use mms_asf::testing::{self, TestStream};
/// # let mut file = testing::header(256, 5, &[TestStream::Video(1)]).to_vec();
/// # for n in 0..5 {
/// #     file.extend_from_slice(&testing::key_packet(n, 256, b"picture"));
/// # }
///
/// let mut reader = FileReader::open(std::io::Cursor::new(file))?;
/// let mut builder = IndexBuilder::new(reader.header());
/// for number in 0..reader.packet_count() {
///     let packet = reader.packet(number)?;
///     if let Ok(packet) = Packet::parse(&packet, reader.header().file().packet_size) {
///         builder.packet(number, &packet);
///     }
/// }
/// let indexes = builder.finish(reader.header().file().play_duration);
/// assert_eq!(indexes.simple[0].1.len(), 8, "five seconds and a preroll of three");
///
/// let mut behind_the_data = BytesMut::new();
/// indexes.write(&mut behind_the_data);
/// # Ok::<(), mms_asf::FileError>(())
/// ```
///
/// A key frame counts once all its bytes have been seen; one that was cut off or has a hole is no
/// target. Where only the first part of a key frame is marked, the mark counts for all of it. In
/// streams that are not video every media object is a key frame.
///
/// It needs at most 12 bytes for each interval in which something new becomes a target, and no
/// more than [`Limits::index_entries`] allows. The indexes have no more bytes than the packets, but
/// may have 8,192 entries: times that jump by weeks, as those of a damaged packet do, would make
/// them larger than the file.
#[derive(Debug, Clone)]
pub struct IndexBuilder {
    file_id: Uuid,
    packet_size: u32,
    parameters: Option<IndexParameters>,
    streams: Vec<Watched>,
    sent: Option<u64>,
    packets: u64,
    limit: usize,
    room: usize,
}

/// A packet whose payloads are being noted.
#[derive(Debug)]
pub(crate) struct IndexedPacket<'a> {
    builder: &'a mut IndexBuilder,
    /// `None` when it has no place in an index.
    number: Option<u32>,
    sent: u64,
}

/// What [`IndexBuilder::finish`] makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Indexes {
    /// The index that the header declares, if it does.
    pub index: Option<Index>,
    /// One index for each video stream, in the order of their numbers. Streams without a key frame
    /// have none; in front of a stream that has one they have an index without entries, because
    /// only its place among the others tells which stream an index belongs to.
    pub simple: Vec<(u8, SimpleIndex)>,
}

impl IndexBuilder {
    /// For the packets of a file with this header.
    pub fn new(header: &Header) -> Self {
        Self::new_with(header, &Limits::default())
    }

    /// [`IndexBuilder::new`] with other limits.
    pub fn new_with(header: &Header, limits: &Limits) -> Self {
        let parameters = header.find::<IndexParameters>().and_then(Result::ok);
        let parameters = parameters.filter(|parameters| parameters.interval != 0);
        let columns = parameters.as_ref().map_or(&[][..], |parameters| &parameters.specifiers);
        let mut streams = Vec::<Watched>::new();
        // In the order of their numbers, in which Simple Indexes follow each other.
        for number in 1..=127 {
            let video = header.stream(number).is_some_and(|s| s.kind == StreamKind::Video);
            let mut watched = Watched::new(number, video);
            for column in columns.iter().filter(|column| column.stream == number.into()) {
                let interval = parameters.as_ref().map_or(0, |p| p.interval);
                watched.declare(column.kind, interval.into());
            }
            if video || watched.columns().next().is_some() {
                streams.push(watched);
            }
        }
        let limit = limits.index_entries as usize;
        Self {
            file_id: header.file().file_id,
            packet_size: header.file().packet_size,
            parameters,
            streams,
            sent: None,
            packets: 0,
            limit,
            room: limit,
        }
    }

    /// Notes packet `number` of the file, counted from 0, with the times it has in the file. Call
    /// it in the order of the packets; those that cannot be parsed are left out.
    pub fn packet(&mut self, number: u64, packet: &Packet<'_>) {
        let mut indexed = self.begin(number, packet);
        for payload in packet.payloads().map_while(Result::ok) {
            indexed.payload(&payload);
        }
    }

    /// [`packet`](Self::packet) for those who read the payloads anyway.
    pub(crate) fn begin(&mut self, number: u64, packet: &Packet<'_>) -> IndexedPacket<'_> {
        let sent = match self.sent {
            Some(last) => near_in_file(last, packet.send_time()),
            None => u64::try_from(SendClock::first(packet.send_time())).unwrap_or(0),
        };
        self.sent = Some(sent);
        self.packets = self.packets.saturating_add(1);
        // An index has no more than 32 bits for a packet number.
        let number = u32::try_from(number).ok();
        IndexedPacket { builder: self, number, sent }
    }

    /// The indexes for a file of this play duration, preroll included, which is what the File
    /// Properties Object says.
    ///
    /// Entries reach up to the play duration. Those in front of the first key frame point to
    /// packet 0 in a Simple Index, with as many packets as it takes to have that key frame, and to
    /// the first target in an Index Object. Columns of undocumented types are kept, for the
    /// columns must be those that the header declares, and have no targets.
    pub fn finish(&self, play_duration: Duration) -> Indexes {
        Indexes { index: self.index(play_duration), simple: self.simple(play_duration) }
    }

    fn simple(&self, play_duration: Duration) -> Vec<(u8, SimpleIndex)> {
        let videos: Vec<(u8, &Track)> = self
            .streams
            .iter()
            .filter_map(|watched| Some((watched.number, watched.key_frames.as_ref()?)))
            .collect();
        let last = videos.iter().rposition(|(_, track)| track.first().is_some());
        let count = last.map_or(0, |last| last.saturating_add(1));
        let entries = self.entries(play_duration, SECOND, count);
        let index = |(number, track): (u8, &Track)| {
            let index = match track.first() {
                Some(first) => {
                    let behind = first.packet.saturating_add(first.count.into());
                    let packet_count = u16::try_from(behind).unwrap_or(u16::MAX);
                    let entries = track.spread(entries).map(|place| match place {
                        Some(place) => {
                            SimpleEntry { packet: place.packet, packet_count: place.count }
                        }
                        None => SimpleEntry { packet: 0, packet_count },
                    });
                    SimpleIndex::new(self.file_id, SECOND, entries)
                }
                None => SimpleIndex::new(self.file_id, Duration::ZERO, []),
            };
            index.ok().map(|index| (number, index))
        };
        videos.into_iter().take(count).filter_map(index).collect()
    }

    fn index(&self, play_duration: Duration) -> Option<Index> {
        let IndexParameters { interval, specifiers } = self.parameters.as_ref()?;
        // An index that leads nowhere is none.
        self.streams.iter().flat_map(Watched::columns).find_map(|(_, track)| track.first())?;
        let interval = Duration::from_millis((*interval).into());
        let entries = self.entries(play_duration, interval, specifiers.len());
        let (known, mut tracks): (Vec<_>, Vec<_>) = self
            .streams
            .iter()
            .flat_map(Watched::columns)
            .map(|(column, track)| {
                let first = track.first();
                (column, track.spread(entries).map(move |place| place.or(first)))
            })
            .unzip();
        // Headers may declare a column twice.
        let columns: Vec<_> =
            specifiers.iter().map(|wanted| known.iter().position(|k| k == wanted)).collect();
        let rows = (0..entries).map(|_| {
            let places: Vec<_> = tracks.iter_mut().map(|track| track.next().flatten()).collect();
            let target = |column: &Option<usize>| {
                let packet = places.get((*column)?).copied().flatten()?.packet;
                Some(u64::from(packet).saturating_mul(self.packet_size.into()))
            };
            columns.iter().map(target).collect::<Vec<_>>()
        });
        Index::new(interval, specifiers, rows).ok().filter(|index| !index.is_empty())
    }

    /// The number of entries up to the play duration, as far as the limit and the size of the
    /// packets allow.
    fn entries(&self, play_duration: Duration, interval: Duration, columns: usize) -> usize {
        let entries = play_duration.as_nanos().div_ceil(interval.as_nanos().max(1));
        let bytes = self.packets.saturating_mul(self.packet_size.into());
        let bounded = usize::try_from((bytes / ENTRY).max(ENTRIES)).unwrap_or(usize::MAX);
        let limit = self.limit.min(bounded).checked_div(columns).unwrap_or(0);
        usize::try_from(entries).unwrap_or(usize::MAX).min(limit)
    }
}

impl IndexedPacket<'_> {
    /// Notes the next payload.
    pub(crate) fn payload(&mut self, payload: &Payload<'_>) {
        let Some(number) = self.number else { return };
        let watched = self.builder.streams.iter_mut().find(|w| w.number == payload.stream);
        if let Some(watched) = watched {
            watched.payload(number, payload, self.sent, &mut self.builder.room);
        }
    }
}

impl Indexes {
    /// Appends the objects in the order in which encoders write them.
    pub fn write(&self, out: &mut BytesMut) {
        if let Some(index) = &self.index {
            index.write(out);
        }
        for (_, index) in &self.simple {
            index.write(out);
        }
    }

    /// The objects in the order in which encoders write them.
    pub fn into_objects(self) -> impl Iterator<Item = IndexObject> {
        let simple = self.simple.into_iter().map(|(_, index)| IndexObject::from(index));
        self.index.map(IndexObject::from).into_iter().chain(simple)
    }

    /// Whether there is no index at all.
    pub fn is_empty(&self) -> bool {
        self.index.is_none() && self.simple.is_empty()
    }
}
