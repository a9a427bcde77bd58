//! One file as the protocol sees it: content to announce, packets to send.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_asf::{FileError, FileReader};
use mms_proto::{Content, FileAttributes, HResult, InvalidContent, PlayRequest, Start};

/// An open file.
#[derive(Debug)]
pub struct Title {
    reader: FileReader<BufReader<File>>,
    content: Content,
    next: u64,
    end: u64,
    buffer: BytesMut,
}

/// Why a file cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TitleError {
    /// It is no ASF file, or cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its packets do not fit the protocol.
    #[error(transparent)]
    Content(#[from] InvalidContent),
    /// It has no whole packet.
    #[error("the file holds no whole packet")]
    Empty,
}

impl TitleError {
    /// What to tell the player.
    #[must_use]
    pub fn hresult(&self) -> HResult {
        HResult::FILE_OPEN_FAILED
    }
}

impl Title {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is no ASF file, or cannot be sent.
    pub fn open(path: &Path) -> Result<Self, TitleError> {
        let file = File::open(path).map_err(FileError::Io)?;
        let reader = FileReader::open(BufReader::new(file))?;
        let header = reader.header();
        let properties = header.file();
        let count = reader.packet_count();
        if count == 0 {
            return Err(TitleError::Empty);
        }
        let duration = properties.media_duration();
        let content = Content::new(header.as_bytes().clone(), properties.packet_size)?
            .with_packet_count(count)
            .with_duration(duration)
            .with_bit_rate(bit_rate(
                properties.max_bit_rate,
                count,
                properties.packet_size,
                duration,
            ))
            .with_attributes(FileAttributes::CAN_SEEK);
        Ok(Self { reader, content, next: 0, end: count, buffer: BytesMut::new() })
    }

    /// What to announce.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Goes to where a player wants to begin, and notes where it wants to end.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn seek(&mut self, request: &PlayRequest) -> Result<(), FileError> {
        let count = self.reader.packet_count();
        let from = match request.start {
            Start::Beginning => 0,
            Start::Time(time) => self.reader.packet_at_time(time)?,
            Start::Packet(number) => number.get().into(),
            Start::ByteOffset(offset) => self.reader.packet_at_offset(offset.get().into()),
        };
        self.next = from.min(count);
        self.end = count;
        if let Some(stop) = request.stop {
            let start = match request.start {
                Start::Time(time) if stop.is_relative() => time,
                _ => Duration::ZERO,
            };
            let last = self.reader.packet_at_time(start.saturating_add(stop.time()))?;
            self.end = last.saturating_add(1).clamp(self.next, count);
        }
        // A player that selected nothing gets nothing (MS-MMSP 3.2.5.11).
        if request.streams.is_empty() {
            self.end = self.next;
        }
        Ok(())
    }

    /// The next packet with its number; `None` at the end.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn next_packet(&mut self) -> Result<Option<(u32, Bytes)>, FileError> {
        let Ok(number) = u32::try_from(self.next) else { return Ok(None) };
        if self.next >= self.end {
            return Ok(None);
        }
        self.buffer.clear();
        self.reader.packet_into(self.next, &mut self.buffer)?;
        self.next = self.next.saturating_add(1);
        Ok(Some((number, self.buffer.split().freeze())))
    }
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
