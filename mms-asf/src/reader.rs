//! Packets of a file by number, by time and by offset.

mod search;
mod seek;
mod seek_point;
mod tail;

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub use self::search::KeyFrameSearch;
pub use self::seek_point::{SeekMethod, SeekPoint};

use self::tail::Tail;
use crate::header::{DATA_HEAD, Wait, locate};
use crate::push::Sizes;
use crate::{Deviation, FileError, Header, IndexObject, Limits, Packet};

/// A packet sent this many milliseconds before the first one is out of order; with more, 32 bits
/// have not sufficed and it was sent more than 49 days after it.
const OUT_OF_ORDER: u32 = 600_000;
/// The least that is read of a header at once, in bytes.
const READ_AHEAD: usize = 4096;
/// How many unreadable packets in a row a search passes over.
const SEARCH_PAST: u64 = 16;

/// A file open for reading.
///
/// ```
/// use mms_asf::{FileReader, IndexObject, Packet};
/// # use mms_asf::testing::{self, TestStream};
/// # let mut file = testing::header(256, 3, &[TestStream::Video(1)]).to_vec();
/// # (0..3).for_each(|n| file.extend_from_slice(&testing::key_packet(n, 256, b"picture")));
/// # let file = std::io::Cursor::new(file);
///
/// let mut reader = FileReader::open(file)?;
/// let packet_size = reader.header().file().packet_size;
/// let mut bytes_of_media = 0;
/// for number in 0..reader.packet_count() {
///     let packet = reader.packet(number)?;
///     for payload in Packet::parse(&packet, packet_size)?.payloads() {
///         bytes_of_media += payload?.data.len();
///     }
/// }
/// assert_eq!(bytes_of_media, 21);
///
/// let simple = reader.indexes()?.iter().filter(|object| matches!(object, IndexObject::Simple(_)));
/// assert_eq!(simple.count(), 0, "this file has no index; seeking works all the same");
/// # Ok::<(), mms_asf::FileError>(())
/// ```
///
/// Packets that are read one after the other are read without seeking, so that a
/// [`BufReader`](std::io::BufReader) keeps what it has read ahead. Nobody else may move the input's
/// position meanwhile, as the clone of a [`File`](std::fs::File) would.
#[derive(Debug)]
pub struct FileReader<R> {
    input: R,
    /// The position of `input`, where it is known: seeking empties the buffer of a `BufReader`.
    at: Option<u64>,
    header: Header,
    packets: u64,
    leftover: u64,
    limits: Limits,
    /// Number of packets that were read from the input so far.
    packets_read: u64,
    /// What follows the packets, once it was asked for.
    tail: Option<Tail>,
    deviations: Vec<Deviation>,
}

impl<R: Read + Seek> FileReader<R> {
    /// Reads the header from the start of `input`.
    ///
    /// Fails as [`Header::parse`] does, and when the input cannot be read.
    pub fn open(input: R) -> Result<Self, FileError> {
        Self::open_with(input, &Limits::default())
    }

    /// [`FileReader::open`] with other limits; fails as it does.
    pub fn open_with(mut input: R, limits: &Limits) -> Result<Self, FileError> {
        input.seek(SeekFrom::Start(0))?;
        let header = read_header(&mut input, limits)?;
        let file_len = input.seek(SeekFrom::End(0))?;
        let (packets, leftover) = extent(&header, file_len);
        let (limits, tail, deviations) = (*limits, None, Vec::new());
        let (at, packets_read) = (None, 0);
        Ok(Self { input, at, header, packets, leftover, limits, packets_read, tail, deviations })
    }

    /// The file's header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How many whole packets can be read: the least of what File Properties declares, what the
    /// Data Object has room for and what the file holds. A broadcast file is trusted for its real
    /// length only.
    pub fn packet_count(&self) -> u64 {
        self.packets
    }

    /// The bytes of a last packet that was cut short, 0 if there is none.
    pub fn leftover(&self) -> u64 {
        self.leftover
    }

    /// Reads packet `number`, counted from 0.
    ///
    /// Fails with [`FileError::NoSuchPacket`] from [`packet_count`](Self::packet_count) on, and
    /// when the input cannot be read. What is in the packet is not looked at.
    pub fn packet(&mut self, number: u64) -> Result<Bytes, FileError> {
        let mut buffer = BytesMut::new();
        self.packet_into(number, &mut buffer)?;
        Ok(buffer.freeze())
    }

    /// Reads packet `number` into `buffer`, whose content is replaced. Fails as
    /// [`packet`](Self::packet) does.
    pub fn packet_into(&mut self, number: u64, buffer: &mut BytesMut) -> Result<(), FileError> {
        if number >= self.packets {
            return Err(FileError::NoSuchPacket { number, count: self.packets });
        }
        let size = self.header.file().packet_size;
        let offset = number
            .checked_mul(u64::from(size))
            .and_then(|offset| offset.checked_add(self.header.len() as u64))
            .ok_or(FileError::NoSuchPacket { number, count: self.packets })?;
        self.packets_read = self.packets_read.wrapping_add(1);
        // Not known again before all went well.
        if self.at.take() != Some(offset) {
            self.input.seek(SeekFrom::Start(offset))?;
        }
        buffer.resize(size as usize, 0);
        self.input.read_exact(buffer)?;
        self.at = offset.checked_add(u64::from(size));
        Ok(())
    }

    /// The last packet whose send time is at most `time`, counted from the first packet's send
    /// time. That packet is sent when the media at `time` is due or before; what it shows lies up
    /// to the preroll later.
    ///
    /// Returns 0 when `time` lies in front of all packets, and for a file without packets. Where
    /// send times are out of order the result is a packet near the right one.
    ///
    /// Fails when the input cannot be read.
    pub fn packet_at_time(&mut self, time: Duration) -> Result<u64, FileError> {
        let mut buffer = BytesMut::new();
        match self.send_time_from(0, self.packets, &mut buffer)? {
            Some((_, first)) => self.packet_sent_by(time.as_millis(), first, &mut buffer),
            None => Ok(0),
        }
    }

    /// [`packet_at_time`](Self::packet_at_time), given the first packet's send time.
    fn packet_sent_by(
        &mut self,
        time: u128,
        first: u32,
        buffer: &mut BytesMut,
    ) -> Result<u64, FileError> {
        // Packets below `low` are sent in time, those from `high` on are not.
        let (mut low, mut high) = (0, self.packets);
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            let found = self.send_time_from(middle, high, buffer)?;
            match found {
                Some((number, sent)) if u128::from(since(first, sent)) <= time => {
                    low = number.saturating_add(1);
                }
                _ => high = middle,
            }
        }
        Ok(low.saturating_sub(1))
    }

    /// The objects behind the data: indexes and others. They are read when they are first asked
    /// for, here or by [`seek`](Self::seek).
    ///
    /// They lie where the Data Object ends. When there is no object, they are looked for where the
    /// packets end, and then at packet boundaries near the end of the file. What cannot be read is
    /// left out and reported in [`deviations`](Self::deviations).
    ///
    /// Fails when the input cannot be read.
    pub fn indexes(&mut self) -> Result<&[IndexObject], FileError> {
        if self.tail.is_none() {
            let packets = (self.packets, self.leftover);
            self.at = None;
            let tail = Tail::read(&mut self.input, &self.header, packets, &self.limits)?;
            self.deviations.extend_from_slice(&tail.deviations);
            self.tail = Some(tail);
        }
        Ok(self.tail.as_ref().map_or(&[], |tail| &tail.objects))
    }

    /// What was found wrong behind the header so far, while the objects behind the data were read
    /// and used. What is wrong in the header is listed by [`Header::deviations`].
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// The packet that holds the byte at `offset` of the file: 0 for offsets in the header, the
    /// last packet for offsets behind it.
    pub fn packet_at_offset(&self, offset: u64) -> u64 {
        let inside = offset.saturating_sub(self.header.len() as u64);
        let packet = inside.checked_div(u64::from(self.header.file().packet_size));
        packet.unwrap_or(0).min(self.packets.saturating_sub(1))
    }

    /// Time from the first packet to a packet, by their send times. A packet behind the last one has
    /// that one's time; up to 16 packets in a row that cannot be parsed are passed over, and one for
    /// which that does not suffice has the time of the first. Packets that were sent up to ten
    /// minutes before the first one are out of order and have its time.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn time_of_packet(&mut self, packet: u64) -> Result<Duration, FileError> {
        let mut buffer = BytesMut::new();
        let count = self.packets;
        let first = self.send_time_from(0, count, &mut buffer)?;
        let sent = self.send_time_from(packet.min(count.saturating_sub(1)), count, &mut buffer)?;
        let distance = first.zip(sent).map_or(0, |((_, first), (_, sent))| since(first, sent));
        Ok(Duration::from_millis(distance.into()))
    }

    /// Number of packets that were read so far, those of searches included: the work that was done.
    pub fn packets_read(&self) -> u64 {
        self.packets_read
    }

    /// Gives the input back.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// The first readable packet from `number` on, with its send time.
    fn send_time_from(
        &mut self,
        number: u64,
        end: u64,
        buffer: &mut BytesMut,
    ) -> Result<Option<(u64, u32)>, FileError> {
        for number in number..end.min(number.saturating_add(SEARCH_PAST)) {
            self.packet_into(number, buffer)?;
            if let Ok(packet) = Packet::parse(buffer, self.header.file().packet_size) {
                return Ok(Some((number, packet.send_time())));
            }
        }
        Ok(None)
    }
}

/// Reads the header, and of what follows it no more than a look for the Data Object needs.
fn read_header(input: &mut impl Read, limits: &Limits) -> Result<Header, FileError> {
    let (mut bytes, mut scan, mut ended) = (Vec::new(), 0, false);
    let located = loop {
        let view = |at: usize, count: usize| {
            let rest = bytes.get(at..).unwrap_or_default();
            match rest.get(..count) {
                Some(bytes) => Ok(bytes),
                None if ended => Ok(rest),
                None => Err(at.saturating_add(count)),
            }
        };
        match locate(view, scan, limits.search_bytes, limits) {
            Ok(located) => break located?,
            Err(Wait { wait: needed, scan: next }) => {
                scan = next;
                // A search goes on byte by byte.
                let len = needed.saturating_sub(bytes.len()).max(READ_AHEAD);
                let before = bytes.len();
                read_up_to(input, len, &mut bytes)?;
                ended = bytes.len() < before.saturating_add(len);
            }
        }
    };
    let mut data = bytes.split_off(located.data_at.saturating_add(DATA_HEAD).min(bytes.len()));
    let header = Header::parse_with(&Bytes::from(bytes), limits)?;
    let Some(sizes) = Sizes::doubtful(&header, limits) else { return Ok(header) };
    read_up_to(input, sizes.window().saturating_sub(data.len()), &mut data)?;
    data.truncate(sizes.window());
    Ok(match sizes.found(&data) {
        Some(size) => header.with_packet_size(size),
        None => header,
    })
}

/// Grows `bytes` by what is there, at most `len`.
fn read_up_to(input: &mut impl Read, len: usize, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    input.take(len as u64).read_to_end(bytes)?;
    Ok(())
}

/// The number of whole packets, and the bytes of a cut one behind them.
fn extent(header: &Header, file_len: u64) -> (u64, u64) {
    let size = u64::from(header.file().packet_size);
    let whole = |bytes: u64| bytes.checked_div(size).unwrap_or(0);
    let mut bytes = file_len.saturating_sub(header.len() as u64);
    if let Some(declared) = header.declared_packet_bytes() {
        bytes = bytes.min(declared);
    }
    if let Some(count) = header.declared_packets() {
        bytes = bytes.min(count.saturating_mul(size));
    }
    (whole(bytes), bytes.checked_rem(size).unwrap_or(0))
}

/// Milliseconds from the first packet's send time.
fn since(first: u32, sent: u32) -> u32 {
    let distance = sent.wrapping_sub(first);
    if distance > u32::MAX - OUT_OF_ORDER { 0 } else { distance }
}
