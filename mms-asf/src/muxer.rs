//! Files and streams made of whole media objects.

mod packet;
mod packetizer;
mod track;

use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub use self::packetizer::Packetizer;
use crate::objects::{ExtendedStreamProperties, StreamBitrate, StreamBitrates};
use crate::{
    FileError, FileProperties, Header, HeaderEditor, IndexBuilder, Indexes, Limits, Packet,
    StreamKind, guid,
};

/// A media object to be written: a frame, a block of audio, a command.
#[doc(alias = "Media Object")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// The number of the stream it belongs to.
    pub stream: u8,
    /// When it is shown, in milliseconds from the start of the media. The preroll is added when it
    /// is written. Up to 49.7 days, preroll included.
    pub time: Duration,
    /// How long it is shown, in milliseconds. When not given, that is as long as the data rate of
    /// an audio stream says, as the average frame of a video stream, or as the distance to the
    /// media object that is shown before it.
    pub duration: Option<Duration>,
    /// It can be decoded on its own. Means something for video only.
    pub key_frame: bool,
    /// The data of the payload extensions that the stream declares, in their order, up to 247
    /// bytes.
    pub extension_data: Bytes,
    /// The media data, from 1 byte up to [`Limits::object_bytes`]. Audio with a span has to be
    /// permuted already.
    pub data: Bytes,
}

impl Sample {
    /// One that is not marked as a key frame, without duration and extension data.
    pub fn new(stream: u8, time: Duration, data: Bytes) -> Self {
        Self { stream, time, duration: None, key_frame: false, extension_data: Bytes::new(), data }
    }
}

/// Writes a file of whole media objects: a [`Packetizer`] over a sink, with the header and the
/// indexes of a finished file.
///
/// ```
/// # use std::io::Cursor;
/// # use std::time::Duration;
/// # use uuid::Uuid;
/// use mms_asf::formats::VideoFormat;
/// use mms_asf::objects::{ContentDescription, FileProperties, StreamProperties};
/// use mms_asf::{FileReader, HeaderEditor, Muxer, Sample};
///
/// # let file_id = Uuid::from_u128(1);
/// let mut file = FileProperties::new(file_id, 1_000);
/// file.preroll = Duration::from_secs(1);
/// let mut description = ContentDescription::default();
/// description.title = "Ten pictures".into();
/// let video = VideoFormat::new(*b"WMV3", 320, 240);
///
/// let mut header = HeaderEditor::create(&file)?;
/// header.set(&description)?;
/// header.add(&StreamProperties::with_format(1, &video.into())?)?;
/// let mut muxer = Muxer::new(Cursor::new(Vec::new()), &header.finish()?)?;
/// for number in 0..10_u8 {
///     let time = Duration::from_millis(500) * number.into();
///     let mut picture = Sample::new(1, time, vec![number; 700].into());
///     picture.key_frame = number % 5 == 0;
///     muxer.push(&picture)?;
/// }
/// let file = muxer.finish()?;
///
/// let reader = FileReader::open(file)?;
/// let header = reader.header();
/// assert_eq!(header.file().media_duration(), Duration::from_secs(5));
/// assert_eq!(reader.packet_count(), 8, "of 1,000 bytes each");
/// assert_eq!(header.title().as_deref(), Some("Ten pictures"));
/// assert!(header.file().seekable());
/// # Ok::<(), mms_asf::FileError>(())
/// ```
///
/// The header is that of an unfinished file, with the broadcast flag set, until
/// [`finish`](Self::finish) replaces it, so that what is there stays playable when writing breaks
/// off. It then says:
///
/// - sizes, counts and durations as they are;
/// - the maximum bit rate that it said before, or what the file takes on average;
/// - in the Stream Bitrate Properties Object, when there was none, what each stream takes on
///   average;
/// - in each Extended Stream Properties Object the size of the largest media object, where it said
///   less, and what the stream takes on average, where it said nothing;
/// - seekable, when every stream with video has an index, or every stream is audio.
///
/// Each video stream gets a Simple Index, and the file an Index Object where an Index Parameters
/// Object announces one. Objects that announce other indexes, and a Digital Signature, which the
/// changes make invalid, are taken out of the header.
#[derive(Debug)]
pub struct Muxer<W> {
    sink: W,
    start: u64,
    header: Header,
    limits: Limits,
    /// Whether the bit rates of streams are to be measured.
    measured: bool,
    packetizer: Packetizer,
    packets: u64,
    index: IndexBuilder,
}

impl<W: Write + Seek> Muxer<W> {
    /// Writes the header of an unfinished file at the sink's position.
    ///
    /// The header declares the streams, the packet size and the preroll; [`HeaderEditor`] makes one
    /// or changes that of another file. Its durations, sizes and counts do not matter.
    ///
    /// Fails as [`Packetizer::new`] does, and when the sink fails.
    pub fn new(sink: W, header: &Header) -> Result<Self, FileError> {
        Self::new_with(sink, header, &Limits::default())
    }

    /// [`Muxer::new`] with other limits; fails as it does.
    pub fn new_with(mut sink: W, header: &Header, limits: &Limits) -> Result<Self, FileError> {
        let packetizer = Packetizer::new_with(header, limits)?;
        let measured = header.find::<StreamBitrates>().is_none();
        let header = unfinished(header, measured, limits)?;
        let start = sink.stream_position()?;
        sink.write_all(header.as_bytes())?;
        let index = IndexBuilder::new_with(&header, limits);
        Ok(Self { sink, start, header, limits: *limits, measured, packetizer, packets: 0, index })
    }

    /// Writes one media object. The last ones stay in memory until their packet is full.
    ///
    /// Fails as [`Packetizer::push`] does, with nothing written, and when the sink fails.
    pub fn push(&mut self, sample: &Sample) -> Result<(), FileError> {
        self.packetizer.push(sample)?;
        self.write_packets()
    }

    /// How many packets were written.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The header as it was written first.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Writes the last packet, the indexes and the finished header, flushes, and gives the sink
    /// back, positioned at the end of the file.
    ///
    /// Fails when the sink does.
    pub fn finish(mut self) -> Result<W, FileError> {
        self.packetizer.flush();
        self.write_packets()?;
        let indexes = self.index.finish(self.packetizer.play_duration());
        let mut bytes = BytesMut::new();
        indexes.write(&mut bytes);
        self.sink.write_all(&bytes)?;
        let end = self.sink.stream_position()?;
        let header = self.finished(&indexes, bytes.len() as u64)?;
        self.sink.seek(SeekFrom::Start(self.start))?;
        self.sink.write_all(header.as_bytes())?;
        self.sink.seek(SeekFrom::Start(end))?;
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn write_packets(&mut self) -> Result<(), FileError> {
        while let Some(packet) = self.packetizer.poll() {
            self.sink.write_all(&packet)?;
            let parsed = Packet::parse(&packet, self.header.file().packet_size)?;
            self.index.packet(self.packets, &parsed);
            self.packets = self.packets.saturating_add(1);
        }
        Ok(())
    }

    /// The header of the finished file, as long as the one that was written.
    fn finished(&self, indexes: &Indexes, index_bytes: u64) -> Result<Header, FileError> {
        let play = self.packetizer.play_duration();
        let (preroll, size) = (self.header.file().preroll, self.header.file().packet_size);
        let packets = self.packets.saturating_mul(size.into());
        let media = play.saturating_sub(preroll);
        let audio = self.header.streams().iter().all(|s| s.kind == StreamKind::Audio);
        let seekable = audio || covers_video(indexes, &self.header);

        let mut editor = HeaderEditor::new(&self.header).with_limits(&self.limits);
        editor.edit_each(|file: &mut FileProperties| {
            file.flags &= !FileProperties::BROADCAST;
            if seekable {
                file.flags |= FileProperties::SEEKABLE;
            }
            file.packet_count = self.packets;
            // The header keeps its length, so the editor leaves this alone.
            let front = (self.header.len() as u64).saturating_add(packets);
            file.file_size = front.saturating_add(index_bytes);
            file.play_duration = play;
            file.send_duration = self.packetizer.send_duration();
            if file.max_bit_rate == 0 {
                file.max_bit_rate = bit_rate(packets, media);
            }
            true
        })?;
        if indexes.index.is_none() {
            // Players wait for an index that is announced.
            editor.retain(|object| object.id != guid::INDEX_PARAMETERS);
        }
        let rate = |number| bit_rate(self.packetizer.stream_bytes(number), media);
        if self.measured {
            editor.set(&rates(&self.header, rate))?;
        }
        // Where one cannot be read, all stay.
        let _ = editor.edit_each(|stream: &mut ExtendedStreamProperties| {
            let Ok(number) = u8::try_from(stream.number) else { return true };
            stream.max_object_size =
                stream.max_object_size.max(self.packetizer.largest_object(number));
            if stream.average.bit_rate == 0 {
                stream.average.bit_rate = rate(number);
            }
            true
        });
        Ok(editor.finish()?.with_packets(self.packets))
    }
}

/// What is written first: a legal header of a file that is not finished.
fn unfinished(header: &Header, measured: bool, limits: &Limits) -> Result<Header, FileError> {
    let mut editor = HeaderEditor::new(header).with_limits(limits).with_room(0);
    let invalid = [
        guid::MEDIA_OBJECT_INDEX_PARAMETERS,
        guid::TIMECODE_INDEX_PARAMETERS,
        guid::DIGITAL_SIGNATURE,
    ];
    editor.retain(|object| !invalid.contains(&object.id));
    if measured {
        // Players choose streams by their rates; those of live streams are never measured.
        editor.set(&rates(header, |number| {
            let audio = header.stream(number).and_then(|stream| stream.audio());
            audio.map_or(0, |audio| audio.avg_bytes.saturating_mul(8))
        }))?;
    }
    // What is changed once more at the end must not become shorter then.
    editor.rewrite_each(|file: &mut FileProperties| {
        file.flags |= FileProperties::BROADCAST;
        file.min_packet_size = file.packet_size;
        (file.file_size, file.packet_count) = (0, 0);
        (file.play_duration, file.send_duration) = (Duration::ZERO, Duration::ZERO);
    })?;
    // Not known, as in the files of every encoder. Where one cannot be read, all stay.
    let _ = editor.rewrite_each(|stream: &mut ExtendedStreamProperties| {
        (stream.start_time, stream.end_time) = (Duration::ZERO, Duration::ZERO);
    });
    Ok(editor.finish()?.with_packets(0))
}

/// Whether there is video, and each stream of it has an index.
fn covers_video(indexes: &Indexes, header: &Header) -> bool {
    let mut videos = header.streams().iter().filter(|stream| stream.kind == StreamKind::Video);
    let covered =
        |number| indexes.simple.iter().any(|(n, index)| *n == number && !index.is_empty());
    videos.clone().next().is_some() && videos.all(|stream| covered(stream.number))
}

/// One record for each stream.
fn rates(header: &Header, mut rate: impl FnMut(u8) -> u32) -> StreamBitrates {
    let mut rates = StreamBitrates::default();
    let numbers = header.stream_numbers();
    rates.records.extend(numbers.map(|number| StreamBitrate::new(number, rate(number))));
    rates
}

/// In bits per second; 0 for no time.
fn bit_rate(bytes: u64, time: Duration) -> u32 {
    let bits = u128::from(bytes).saturating_mul(8_000);
    let rate = bits.checked_div(time.as_millis()).unwrap_or(0);
    u32::try_from(rate).unwrap_or(u32::MAX)
}
