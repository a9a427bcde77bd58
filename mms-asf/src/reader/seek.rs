//! From a time to the packet at which reading starts: by an index, or by send times.

use std::io::{Read, Seek};
use std::time::Duration;

use bytes::BytesMut;

use super::search::{INDEXES, KeyFrameSearch};
use super::seek_point::{Entry, SeekMethod, SeekPoint, Seen, Wanted};
use super::{FileReader, since};
use crate::clock::shown_in_file;
use crate::{Deviation, FileError, IndexKind, IndexObject, Packet, StreamKind};

impl<R: Read + Seek> FileReader<R> {
    /// The packet at which to start reading so that `stream` can be shown from `time` on: the one
    /// in which its last key frame at or before `time` starts. In streams that are not video every
    /// media object is a key frame.
    ///
    /// `time` is a media time: the presentation time that is stored in the packets, without the
    /// preroll. It does not count from the first packet, unlike the time of
    /// [`packet_at_time`](Self::packet_at_time); in finished files both clocks start at zero.
    ///
    /// A Simple Index is used before an Index Object, and where there is none, or where its entry
    /// leads to the wrong place, send times are. An index that leads astray, be it to an
    /// earlier key frame, is reported in [`deviations`](Self::deviations). No more than
    /// [`Limits::search_packets`] packets are read in a row; when they do not hold a key frame, the
    /// result is packet 0.
    ///
    /// A server of many players reads some packets at a time instead: [`KeyFrameSearch`].
    ///
    /// Fails when the input cannot be read.
    ///
    /// [`Limits::search_packets`]: crate::Limits::search_packets
    ///
    /// ```
    /// use std::time::Duration;
    /// use mms_asf::{FileReader, SeekMethod};
    /// # use mms_asf::testing::{self, TestStream};
    /// # let mut file = testing::header(256, 9, &[TestStream::Video(1)]).to_vec();
    /// # for n in 0..9 {
    /// #     let packet = if n % 3 == 0 { testing::key_packet } else { testing::packet };
    /// #     file.extend_from_slice(&packet(n, 256, b"picture"));
    /// # }
    ///
    /// // A key frame every three seconds, and no index.
    /// let mut reader = FileReader::open(std::io::Cursor::new(file))?;
    /// let point = reader.seek(Duration::from_millis(5_500), 1)?;
    /// assert_eq!(point.packet, 3);
    /// assert_eq!(point.time, Some(Duration::from_secs(3)));
    /// assert_eq!(point.method, SeekMethod::SendTimes);
    /// # Ok::<(), mms_asf::FileError>(())
    /// ```
    pub fn seek(&mut self, time: Duration, stream: u8) -> Result<SeekPoint, FileError> {
        self.seek_by(INDEXES, time, stream)
    }

    /// [`seek`](Self::seek) by one method; by send times when the file has no such index or when
    /// it leads astray. Fails as it does.
    pub fn seek_with(
        &mut self,
        method: SeekMethod,
        time: Duration,
        stream: u8,
    ) -> Result<SeekPoint, FileError> {
        let methods: &[_] = match method {
            SeekMethod::SimpleIndex => &[SeekMethod::SimpleIndex],
            SeekMethod::Index => &[SeekMethod::Index],
            SeekMethod::SendTimes => &[],
        };
        self.seek_by(methods, time, stream)
    }

    /// The packet that the Media Object Index has for media object `object` of a stream, counted
    /// from 0, or for the last one before it that is indexed.
    ///
    /// `None` without such an entry, and when the entry does not lead to a packet in which a media
    /// object of the stream starts. Fails when the input cannot be read.
    pub fn packet_of_object(&mut self, object: u64, stream: u8) -> Result<Option<u64>, FileError> {
        let target = self.indexes()?.iter().find_map(|index| {
            let IndexObject::MediaObject(index) = index else { return None };
            let column = column(|kind| index.column(stream, kind))?;
            index.target(column, index.position(object)?)
        });
        self.start_at("Media Object Index Object", target, stream)
    }

    /// The packet that the Timecode Index has for a timecode of a range, or for the last one
    /// before it that is indexed. The timecode is in binary coded decimals: hours, minutes,
    /// seconds and frames, two digits each.
    ///
    /// `None` without such an entry, and when the entry does not lead to a packet in which a media
    /// object of the stream starts. Fails when the input cannot be read.
    pub fn packet_of_timecode(
        &mut self,
        range: u16,
        timecode: u32,
        stream: u8,
    ) -> Result<Option<u64>, FileError> {
        let target = self.indexes()?.iter().find_map(|index| {
            let IndexObject::Timecode(index) = index else { return None };
            let column = column(|kind| index.column(stream, kind))?;
            index.target(column, index.position(range, timecode)?)
        });
        self.start_at("Timecode Index Object", target, stream)
    }

    fn seek_by(
        &mut self,
        methods: &'static [SeekMethod],
        time: Duration,
        stream: u8,
    ) -> Result<SeekPoint, FileError> {
        let mut search = KeyFrameSearch::by(methods, time, stream);
        loop {
            let mut packets = u32::MAX;
            if let Some(point) = search.step(self, &mut packets)? {
                return Ok(point);
            }
        }
    }

    /// The entry for a presentation time.
    pub(super) fn simple(
        &mut self,
        shown: Duration,
        stream: u8,
    ) -> Result<Option<Entry>, FileError> {
        if !self.is_video(stream) {
            return Ok(None);
        }
        // Indexes do not name their streams: they have their order.
        let videos = self.header.streams().iter().filter(|s| s.kind == StreamKind::Video);
        let place = videos.filter(|video| video.number < stream).count();
        let mut simple = self.indexes()?.iter().filter_map(|index| match index {
            IndexObject::Simple(index) => Some(index),
            _ => None,
        });
        Ok(simple.nth(place).and_then(|index| {
            let number = index.position(shown)?;
            let packet = index.entry(number)?.packet.into();
            Some(Entry { packet, time: entry_time(number as u64, index.interval()) })
        }))
    }

    /// [`simple`](Self::simple) of the Index Object.
    pub(super) fn by_time(
        &mut self,
        shown: Duration,
        stream: u8,
    ) -> Result<Option<Entry>, FileError> {
        let video = self.is_video(stream);
        let entry = self.indexes()?.iter().find_map(|index| {
            let IndexObject::Index(index) = index else { return None };
            let objects = || index.column(stream, IndexKind::MediaObject).filter(|_| !video);
            let column = index.column(stream, IndexKind::KeyFrame).or_else(objects)?;
            let number = index.position(shown)?;
            let time = entry_time(number, index.interval());
            Some((index.target(column, number)?, time))
        });
        Ok(entry.map(|(target, time)| {
            let packet = self.packet_of_target(target).unwrap_or(u64::MAX);
            Entry { packet, time }
        }))
    }

    /// The packet that starts at an offset from the first one.
    fn packet_of_target(&self, target: u64) -> Option<u64> {
        let size = u64::from(self.header.file().packet_size);
        let packet = target.checked_div(size).filter(|&packet| packet < self.packets)?;
        (packet.checked_mul(size) == Some(target)).then_some(packet)
    }

    /// What a packet holds; nothing when it is damaged.
    pub(super) fn look(
        &mut self,
        wanted: &Wanted,
        number: u64,
        buffer: &mut BytesMut,
    ) -> Result<Seen, FileError> {
        self.packet_into(number, buffer)?;
        let mut seen = Seen::default();
        let Ok(packet) = Packet::parse(buffer, self.header.file().packet_size) else {
            return Ok(seen);
        };
        let sent = wanted.base.saturating_add(since(wanted.first, packet.send_time()).into());
        seen.late = sent > wanted.shown;
        let payloads = packet.payloads().map_while(Result::ok);
        for payload in payloads.filter(|p| p.stream == wanted.stream && p.offset == 0) {
            for piece in payload.pieces().map_while(Result::ok) {
                let shown = shown_in_file(sent, piece.presentation_time);
                if shown > wanted.shown {
                    seen.late = true;
                } else if payload.key_frame || !wanted.video {
                    seen.start = Some(shown);
                }
            }
        }
        Ok(seen)
    }

    /// The packet of a target, if a media object of the stream starts there.
    fn start_at(
        &mut self,
        what: &'static str,
        target: Option<u64>,
        stream: u8,
    ) -> Result<Option<u64>, FileError> {
        let Some(target) = target else { return Ok(None) };
        if let Some(number) = self.packet_of_target(target) {
            let wanted = Wanted { stream, video: false, first: 0, base: 0, shown: u64::MAX };
            if self.look(&wanted, number, &mut BytesMut::new())?.start.is_some() {
                return Ok(Some(number));
            }
        }
        self.stale(what, stream);
        Ok(None)
    }

    /// Reports an index once for each stream.
    pub(super) fn stale(&mut self, what: &'static str, stream: u8) {
        let deviation = Deviation::StaleIndex { what, stream };
        if !self.deviations.contains(&deviation) {
            self.deviations.push(deviation);
        }
    }

    pub(super) fn is_video(&self, stream: u8) -> bool {
        self.header.stream(stream).is_some_and(|stream| stream.kind == StreamKind::Video)
    }
}

/// The presentation time of an entry in milliseconds.
fn entry_time(number: u64, interval: Duration) -> u64 {
    let nanos = interval.as_nanos().saturating_mul(number.into());
    u64::try_from(nanos / 1_000_000).unwrap_or(u64::MAX)
}

/// The column that leads nearest to something that can be decoded.
fn column(find: impl Fn(IndexKind) -> Option<usize>) -> Option<usize> {
    [IndexKind::KeyFrame, IndexKind::MediaObject].into_iter().find_map(find)
}
