//! The facts a finished file states in its header, gathered packet by packet.

mod timeline;

use std::time::Duration;

use bytes::{Bytes, BytesMut};

pub(crate) use self::timeline::near;

use self::timeline::Timeline;
use crate::header::DATA_HEAD;
use crate::{FileProperties, Header, Packet, StreamKind};

/// Watches the packets of a recording and knows the header of the finished file.
///
/// The result depends on the header and the packets alone. To resume a recording, feed the packets
/// that are in the file already to a new one.
///
/// When the recording holds all packets that the header of a complete file declares, count,
/// durations and flags stay as the header has them, so that a file recorded from start to end is
/// an exact copy. Otherwise:
///
/// - the play duration is the end of the last media object, preroll included;
/// - the send duration is the distance from the first to the last send time plus the last packet's
///   duration;
/// - a broadcast header loses its broadcast flag and all unknown flags;
/// - the seekable flag is set when every stream is audio, which needs no index, and left alone
///   when not.
///
/// File ID and creation date are kept.
#[derive(Debug, Clone)]
pub struct Recording {
    header: Header,
    packets: u64,
    timeline: Timeline,
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

impl Recording {
    /// A recording without packets. `header` is what the server sent, not what an unfinished file
    /// holds: [`initial_header`](Self::initial_header) clears fields that are needed at the end.
    pub fn new(header: &Header) -> Self {
        Self { header: header.clone(), packets: 0, timeline: Timeline::new(header) }
    }

    /// Counts one packet of the file's size. One that cannot be read adds nothing to the times.
    pub fn packet(&mut self, packet: &[u8]) {
        self.packets = self.packets.saturating_add(1);
        if let Ok(packet) = Packet::parse(packet, self.header.file().packet_size) {
            self.timeline.packet(&packet);
        }
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

    /// The size of the file as it is now, in bytes.
    pub fn file_size(&self) -> u64 {
        (self.header.len() as u64).saturating_add(self.packet_bytes())
    }

    /// The header to write first: a legal unfinished file with the broadcast flag set and without
    /// counts, so that what is written stays playable if the recording breaks off.
    pub fn initial_header(&self) -> Bytes {
        let (file, data) = self.header.patch_points();
        let flags = self.header.file().flags | FileProperties::BROADCAST;
        let mut bytes = BytesMut::from(self.header.as_bytes().as_ref());
        put(&mut bytes, file, 40, &0_u64.to_le_bytes());
        put(&mut bytes, file, 56, &0_u64.to_le_bytes());
        put(&mut bytes, file, 64, &0_u64.to_le_bytes());
        put(&mut bytes, file, 72, &0_u64.to_le_bytes());
        put(&mut bytes, file, 88, &flags.to_le_bytes());
        put(&mut bytes, data, 16, &(DATA_HEAD as u64).to_le_bytes());
        put(&mut bytes, data, 40, &0_u64.to_le_bytes());
        bytes.freeze()
    }

    /// The header of the finished file.
    pub fn final_header(&self) -> Bytes {
        let (file, data) = self.header.patch_points();
        let mut bytes = BytesMut::from(self.header.as_bytes().as_ref());
        put(&mut bytes, file, 40, &self.file_size().to_le_bytes());
        if !self.is_complete_copy() {
            let play = self.timeline.play_duration().saturating_mul(10_000);
            let send = self.timeline.send_duration().saturating_mul(10_000);
            put(&mut bytes, file, 56, &self.packets.to_le_bytes());
            put(&mut bytes, file, 64, &play.to_le_bytes());
            put(&mut bytes, file, 72, &send.to_le_bytes());
            put(&mut bytes, file, 88, &self.final_flags().to_le_bytes());
        }
        let size = (DATA_HEAD as u64).saturating_add(self.packet_bytes());
        put(&mut bytes, data, 16, &size.to_le_bytes());
        put(&mut bytes, data, 40, &self.packets.to_le_bytes());
        bytes.freeze()
    }

    /// What turns a file that starts with [`initial_header`](Self::initial_header) into a finished
    /// one: parts of [`final_header`](Self::final_header), for the File Properties Object and for
    /// the Data Object.
    pub fn finish(&self) -> Vec<Patch> {
        let header = self.final_header();
        let (file, data) = self.header.patch_points();
        [(file, 40..92), (data, 16..48)]
            .into_iter()
            .filter_map(|(object, field)| {
                let start = object.saturating_add(field.start);
                let end = object.saturating_add(field.end);
                let bytes = header.get(start..end).map(|part| header.slice_ref(part))?;
                Some(Patch { offset: start as u64, bytes })
            })
            .collect()
    }

    /// Whether the recording holds every packet of a file whose header was complete.
    fn is_complete_copy(&self) -> bool {
        let file = self.header.file();
        !file.broadcast() && file.packet_count == self.packets
    }

    fn final_flags(&self) -> u32 {
        let file = self.header.file();
        let kept =
            if file.broadcast() { file.flags & FileProperties::SEEKABLE } else { file.flags };
        let streams = self.header.streams();
        let audio = !streams.is_empty() && streams.iter().all(|s| s.kind == StreamKind::Audio);
        if audio { kept | FileProperties::SEEKABLE } else { kept }
    }

    fn packet_bytes(&self) -> u64 {
        self.packets.saturating_mul(u64::from(self.header.file().packet_size))
    }
}

fn put(bytes: &mut [u8], object: usize, field: usize, value: &[u8]) {
    let start = object.saturating_add(field);
    let target = bytes.get_mut(start..start.saturating_add(value.len()));
    if let Some(target) = target {
        target.copy_from_slice(value);
    }
}
