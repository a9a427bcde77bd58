//! One pass over a file that was recorded before.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};

use bytes::Bytes;
use mms_asf::{Continuity, Header, guid};

use crate::recording::{BLOCK, RecordingError};

/// Feeds the packets of a file to a new finalizer. The last packet may be cut; it is removed from
/// the file.
pub(in crate::recording) fn rescan(
    file: &mut File,
    header: &Header,
) -> Result<mms_asf::Finalizer, RecordingError> {
    let length = file.seek(SeekFrom::End(0)).map_err(RecordingError::Read)?;
    let scan = Scan::run(file, header, packets_in(header, length))?;
    let end = scan.finalizer.data_end();
    if length > end {
        file.set_len(end).map_err(RecordingError::Write)?;
    }
    Ok(scan.finalizer)
}

/// What one pass over a file finds.
pub(super) struct Scan {
    pub(super) header: Bytes,
    pub(super) first: Bytes,
    pub(super) last: Bytes,
    pub(super) finalizer: mms_asf::Finalizer,
    pub(super) continuity: Continuity,
    /// Behind the packets lies an index, of which nothing else is known.
    pub(super) index_follows: bool,
    /// Bytes that follow the packets, at most as many as a packet has.
    tail: Vec<u8>,
}

impl Scan {
    pub(super) fn run(
        file: &mut File,
        header: &Header,
        packets: u64,
    ) -> Result<Self, RecordingError> {
        let mut scan = Self {
            header: Bytes::new(),
            first: Bytes::new(),
            last: Bytes::new(),
            finalizer: mms_asf::Finalizer::new(header),
            continuity: Continuity::new(header),
            index_follows: false,
            tail: Vec::new(),
        };
        scan.read(file, header, packets).map_err(RecordingError::Read)?;
        Ok(scan)
    }

    fn read(&mut self, file: &mut File, header: &Header, packets: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(BLOCK, file);
        let mut bytes = vec![0; header.len()];
        reader.read_exact(&mut bytes)?;
        self.header = bytes.into();
        let size = header.file().packet_size as usize;
        let (mut packet, mut last) = (vec![0; size], vec![0; size]);
        let mut joined = Vec::new();
        for number in 0..packets {
            reader.read_exact(&mut packet)?;
            self.index_follows = is_index(&packet);
            if self.index_follows {
                break;
            }
            self.finalizer.packet(&packet);
            joined.clone_from(&packet);
            let _ = self.continuity.join(&mut joined);
            if number == 0 {
                self.first = Bytes::copy_from_slice(&packet);
            }
            std::mem::swap(&mut packet, &mut last);
        }
        self.last = last.into();
        if !self.index_follows {
            reader.take(size as u64).read_to_end(&mut self.tail)?;
            self.index_follows = is_index(&self.tail);
        }
        Ok(())
    }

    /// Bytes after the packets that may be something else than what a recording leaves that breaks
    /// off: zeros of a file system, or an index that was being written.
    pub(super) fn doubtful_tail(&self) -> Bytes {
        let tail = &self.tail;
        let is_index = || {
            let index = self.finalizer.finish().index;
            let begins = |id: &uuid::Uuid| id.to_bytes_le().starts_with(tail);
            index.starts_with(tail) || guid::INDEXES.iter().any(begins)
        };
        if self.index_follows || tail.iter().all(|&byte| byte == 0) || is_index() {
            return Bytes::new();
        }
        Bytes::copy_from_slice(tail)
    }

    /// Whether the file is just what finishing a recording of these packets makes of it.
    pub(super) fn is_finished(&self, file: &mut File) -> io::Result<bool> {
        let ending = self.finalizer.finish();
        if self.header != ending.header {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(self.finalizer.data_end()))?;
        let mut index = Vec::new();
        file.take((ending.index.len() as u64).saturating_add(1)).read_to_end(&mut index)?;
        Ok(index == ending.index)
    }
}

/// Whether an index begins here. No packet does so: it would be one without media.
fn is_index(bytes: &[u8]) -> bool {
    guid::INDEXES.iter().any(|id| bytes.starts_with(&id.to_bytes_le()))
}

/// How many whole packets lie behind the header.
pub(super) fn packets_in(header: &Header, length: u64) -> u64 {
    let size = u64::from(header.file().packet_size);
    let packets = length.saturating_sub(header.len() as u64);
    packets.checked_div(size).unwrap_or(0)
}
