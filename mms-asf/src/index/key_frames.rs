//! Key frames as they are in the packets, beside the index that should lead to them.

use std::time::Duration;

use crate::{Index, IndexKind, SimpleIndex};

/// The most by which an entry may miss its time, in milliseconds: encoders could round to the
/// interval, which is a second. Those of the sample files are exact.
const MAX_ROUNDING: u64 = 1_000;

/// The key frames of one video stream, which tell whether a [`SimpleIndex`] or an [`Index`] leads to
/// them.
///
/// An entry is right when the key frame that it leads to is the last one at or before its time. Up
/// to a second of rounding is allowed in both directions. Before the first key frame an entry leads
/// to it, or to packet 0.
///
/// ```
/// use std::time::Duration;
/// use mms_asf::{KeyFrames, SimpleEntry, SimpleIndex};
/// # use mms_asf::testing::FILE_ID;
///
/// // A key frame every ten seconds, in every tenth packet, with a preroll of three seconds.
/// let mut frames = KeyFrames::default();
/// (0..6).for_each(|number| frames.note(number * 10, 3_000 + number * 10_000));
///
/// let entries = |late: u32| {
///     (0..60_u32).map(move |second| SimpleEntry {
///         packet: (second + late).saturating_sub(3) / 10 * 10,
///         packet_count: 1,
///     })
/// };
/// let index = |late| SimpleIndex::new(FILE_ID, Duration::from_secs(1), entries(late));
/// assert_eq!(frames.led_astray(&index(0)?), 0);
/// assert_eq!(frames.led_astray(&index(3)?), 10);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct KeyFrames {
    /// In the order of packets.
    frames: Vec<Frame>,
}

/// The key frames that begin in one packet.
#[derive(Debug, Clone, Copy)]
struct Frame {
    packet: u32,
    /// The earliest presentation time in milliseconds.
    time: u32,
    /// How much later the latest one is.
    span: u16,
}

impl Frame {
    fn earliest(&self) -> u64 {
        self.time.into()
    }

    fn latest(&self) -> u64 {
        self.earliest().saturating_add(self.span.into())
    }
}

impl KeyFrames {
    /// Notes a key frame that begins in packet `packet` and is shown at `time` milliseconds, preroll
    /// included. Call it in the order of the packets. Takes 12 bytes for each packet.
    pub fn note(&mut self, packet: u64, time: u64) {
        // An index has no more than 32 bits for a packet number, and none reaches beyond 49 days.
        let (Ok(packet), Ok(time)) = (u32::try_from(packet), u32::try_from(time)) else { return };
        match self.frames.last_mut().filter(|last| last.packet == packet) {
            Some(last) => {
                let latest = last.latest().max(time.into());
                last.time = last.time.min(time);
                let span = latest.saturating_sub(last.earliest());
                last.span = u16::try_from(span).unwrap_or(u16::MAX);
            }
            None => self.frames.push(Frame { packet, time, span: 0 }),
        }
    }

    /// Number of packets in which key frames begin.
    pub fn packets(&self) -> usize {
        self.frames.len()
    }

    /// Number of entries that lead elsewhere than to the key frame of their time.
    pub fn led_astray(&self, index: &SimpleIndex) -> u64 {
        let packets = index.entries().map(|entry| Some(entry.packet));
        self.astray(index.interval(), packets)
    }

    /// [`led_astray`](Self::led_astray) of the key frames of `stream` in an Index Object of a file
    /// with packets of `packet_size` bytes. Entries without a target lead nowhere.
    pub fn led_astray_by(&self, index: &Index, stream: u8, packet_size: u32) -> u64 {
        let Some(column) = index.column(stream, IndexKind::KeyFrame) else { return 0 };
        let packets = index.column_targets(column).map(|target| {
            let packet = target?.checked_div(packet_size.into())?;
            Some(u32::try_from(packet).unwrap_or(u32::MAX))
        });
        self.astray(index.interval(), packets)
    }

    fn astray(&self, interval: Duration, packets: impl Iterator<Item = Option<u32>>) -> u64 {
        let mut by_time = self.frames.clone();
        by_time.sort_by_key(|frame| frame.time);
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let rounding = interval.min(MAX_ROUNDING);
        let first = by_time.first().map_or(0, Frame::earliest);
        let astray = |(number, packet): (u64, Option<u32>)| {
            let Some(packet) = packet else { return false };
            let time = number.saturating_mul(interval);
            // The last key frame that the entry must not miss.
            let due = time.checked_sub(rounding).and_then(|due| {
                let in_time = by_time.partition_point(|frame| frame.earliest() <= due);
                by_time.get(in_time.checked_sub(1)?)
            });
            let due = due.map(Frame::earliest);
            match self.frames.binary_search_by_key(&packet, |frame| frame.packet) {
                Ok(at) => self.frames.get(at).is_some_and(|frame| {
                    frame.earliest() > time.saturating_add(rounding).max(first)
                        || due.is_some_and(|due| due > frame.latest())
                }),
                Err(_) => packet != 0 || due.is_some(),
            }
        };
        (0..).zip(packets).filter(|&entry| astray(entry)).count() as u64
    }
}
