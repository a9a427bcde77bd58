//! Files that are open, each one once however many players it has.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use mms_asf::{FileError, FileReader, Header, Limits, Packet, StreamKind};
use mms_proto::{Content, Features};

use super::positional::Positional;
use super::{Title, TitleError};
use crate::files::open_regular;

/// The reader of a file that is served.
pub(super) type Reader = FileReader<BufReader<Positional>>;

/// What is read ahead, in bytes. Players of one file take turns, and each reads elsewhere.
const READ_AHEAD: usize = 8 << 10;
/// Packets that are read to find one key frame.
const SEARCHED: u32 = 8_192;
/// Bytes of all indexes of a file: a Simple Index of five days.
const INDEX_BYTES: u64 = 4 << 20;

/// The files that players have open. A file's header, its indexes and the open file itself are
/// shared by its players, and gone with the last one.
#[derive(Debug, Default)]
pub struct Titles {
    open: Mutex<HashMap<PathBuf, (Stamp, Weak<Opened>)>>,
}

/// Length and time of change: with other ones it is another file.
type Stamp = (u64, Option<SystemTime>);

impl Titles {
    /// Opens a file for one more player.
    ///
    /// # Errors
    /// When it cannot be read, is no ASF file, or cannot be sent.
    pub fn open(&self, path: &Path) -> Result<Title, TitleError> {
        let metadata = std::fs::metadata(path).map_err(FileError::Io)?;
        // One that is open needs no descriptor for one more player.
        if let Some(opened) = self.known(path, stamp(&metadata)) {
            return Ok(Title::new(opened));
        }
        let file = open_regular(path).map_err(FileError::Io)?;
        let stamp = stamp(&file.metadata().map_err(FileError::Io)?);
        let opened = Arc::new(Opened::new(file)?);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, (_, opened)| opened.strong_count() > 0);
        open.insert(path.to_owned(), (stamp, Arc::downgrade(&opened)));
        Ok(Title::new(opened))
    }

    fn known(&self, path: &Path, stamp: Stamp) -> Option<Arc<Opened>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let known = open.get(path).filter(|(known, _)| *known == stamp);
        known.and_then(|(_, opened)| opened.upgrade())
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

/// Whether a file can be opened, by its header alone.
pub(super) fn check(path: &Path) -> Result<(), TitleError> {
    let (reader, _) = read(open_regular(path).map_err(FileError::Io)?)?;
    let header = reader.header();
    Content::new(header.as_bytes().clone())?.with_packet_size(header.file().packet_size)?;
    Ok(())
}

/// A reader, and the number of packets, at least one.
fn read(file: File) -> Result<(Reader, u64), TitleError> {
    let mut limits = Limits::default();
    limits.search_packets = SEARCHED;
    limits.index_bytes = INDEX_BYTES;
    let file = BufReader::with_capacity(READ_AHEAD, Positional::new(file));
    let reader = FileReader::open_with(file, &limits)?;
    match reader.packet_count() {
        0 => Err(TitleError::Empty),
        count => Ok((reader, count)),
    }
}

/// A file that is open.
#[derive(Debug)]
pub(super) struct Opened {
    reader: Mutex<Reader>,
    packet_count: u64,
    header: Header,
    content: Content,
}

impl Opened {
    fn new(file: File) -> Result<Self, TitleError> {
        let (mut reader, count) = read(file)?;
        let mut attributes = Features::SEEKABLE;
        if has_key_frames(&mut reader)? {
            attributes |= Features::STRIDABLE;
        }
        let header = reader.header().clone();
        let properties = header.file();
        let duration = properties.media_duration();
        let content = Content::new(header.as_bytes().clone())?
            .with_packet_size(properties.packet_size)?
            .with_packet_count(count)
            .with_duration(duration)
            .with_bit_rate(bit_rate(
                properties.max_bit_rate,
                count,
                properties.packet_size,
                duration,
            ))
            .with_features(attributes);
        Ok(Self { reader: Mutex::new(reader), packet_count: count, header, content })
    }

    /// The reader, for a moment: other players wait for it.
    pub(super) fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many packets there were when it was opened.
    pub(super) fn packet_count(&self) -> u64 {
        self.packet_count
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }
}

/// Whether there is a key frame to stride to, in a stream with video. Most begin with one.
fn has_key_frames(reader: &mut Reader) -> Result<bool, FileError> {
    let videos = reader.header().streams().iter();
    let videos = videos.filter(|stream| stream.kind == StreamKind::Video);
    let numbers: Vec<u8> = videos.map(|stream| stream.number).collect();
    if numbers.is_empty() {
        return Ok(false);
    }
    let size = reader.header().file().packet_size;
    let mut buffer = BytesMut::new();
    for number in 0..reader.packet_count().min(SEARCHED.into()) {
        reader.packet_into(number, &mut buffer)?;
        let Ok(packet) = Packet::parse(&buffer, size) else { continue };
        let mut payloads = packet.payloads().map_while(Result::ok);
        if payloads.any(|p| p.key_frame && p.begins_object() && numbers.contains(&p.stream)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The rate to announce and to send at: what the file says where that is credible, else what it
/// takes to send all packets in the time that they play.
fn bit_rate(declared: u32, count: u64, packet_size: u32, duration: Duration) -> u32 {
    let bits = count.saturating_mul(packet_size.into()).saturating_mul(8);
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let Some(needed) = bits.saturating_mul(1000).checked_div(milliseconds) else { return declared };
    let needed = u32::try_from(needed).unwrap_or(u32::MAX).max(1);
    if (needed..=needed.saturating_mul(4)).contains(&declared) { declared } else { needed }
}
