//! What the packets say: counts, bytes and times for each stream.

use std::collections::BTreeMap;

use bytes::Bytes;
use mms_asf::{
    Assembled, Assembler, Header, IncompleteCause, KeyFrames, Packet, SendClock, StreamSet,
};

use super::findings::Findings;

/// Places are remembered for so many packets. Entries of an index that lead further are not
/// checked.
const PLACES: u64 = 1 << 22;

/// The times of so many key frames are remembered. An index of more is checked without times.
const KEY_FRAMES: usize = 1 << 20;

/// Counts over all packets behind one header.
#[derive(Debug)]
pub(super) struct Counts {
    assembler: Assembler,
    packet_size: u32,
    pub(super) packets: u64,
    /// Packets with error correction data instead of media.
    pub(super) opaque: u64,
    pub(super) padding: u64,
    pub(super) sent: Times,
    pub(super) streams: BTreeMap<u8, StreamCounts>,
}

#[derive(Debug, Default)]
pub(super) struct StreamCounts {
    /// Packets with payloads of the stream.
    pub(super) packets: u64,
    pub(super) payloads: u64,
    /// Media data in payloads, without the lengths in compressed ones.
    pub(super) payload_bytes: u64,
    /// Whole media objects.
    pub(super) objects: u64,
    pub(super) object_bytes: u64,
    pub(super) key_frames: u64,
    pub(super) incomplete: BTreeMap<&'static str, u64>,
    pub(super) incomplete_bytes: u64,
    pub(super) shown: Times,
    /// The packets in which media objects start.
    pub(super) starts: Places,
    /// The packets in which key frames start.
    pub(super) keys: Places,
    /// The same with their times.
    pub(super) key_frames_shown: KeyFrames,
}

/// Times in the order in which they come.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) first: Option<u32>,
    pub(super) last: Option<u32>,
    /// The earliest, in milliseconds, on the line of [`SendClock::first`].
    pub(super) least: Option<i64>,
    pub(super) most: Option<i64>,
    /// How often one was less than the one before.
    pub(super) backwards: u64,
    /// By how many milliseconds at most.
    pub(super) furthest: u32,
}

/// A set of packet numbers, one bit each.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<u64>);

impl Counts {
    pub(super) fn new(header: &Header) -> Self {
        Self {
            assembler: Assembler::new(header),
            packet_size: header.file().packet_size,
            packets: 0,
            opaque: 0,
            padding: 0,
            sent: Times::default(),
            streams: BTreeMap::new(),
        }
    }

    pub(super) fn packet(&mut self, number: u64, bytes: &Bytes, findings: &mut Findings) {
        // Those that could not be read are counted by the assembler as well.
        while self.assembler.packets() < number {
            let _ = self.assembler.push(&Bytes::new());
        }
        self.packets = self.packets.saturating_add(1);
        match Packet::parse(bytes, self.packet_size) {
            Ok(packet) => self.count(&packet),
            // Nothing else is let through by the parser.
            Err(_) => self.opaque = self.opaque.saturating_add(1),
        }
        let pushed = self.assembler.push(bytes);
        if let Err(error @ mms_asf::Error::Malformed { .. }) = pushed {
            findings.push(format!("packet {number}: {error}"));
        }
        self.collect();
    }

    /// No packet follows.
    pub(super) fn finish(&mut self) {
        self.assembler.finish();
        self.collect();
    }

    fn count(&mut self, packet: &Packet<'_>) {
        self.sent.add(packet.send_time());
        if let Some(end) = packet.payload_end() {
            let padding = packet.as_bytes().len().saturating_sub(end) as u64;
            self.padding = self.padding.saturating_add(padding);
        }
        let mut seen = StreamSet::EMPTY;
        for payload in packet.payloads().map_while(Result::ok) {
            let counts = self.streams.entry(payload.stream).or_default();
            let new = seen.insert(payload.stream);
            counts.packets = counts.packets.saturating_add(new.into());
            counts.payloads = counts.payloads.saturating_add(1);
            for piece in payload.pieces().map_while(Result::ok) {
                let len = piece.data.len() as u64;
                counts.payload_bytes = counts.payload_bytes.saturating_add(len);
            }
        }
    }

    fn collect(&mut self) {
        while let Some(assembled) = self.assembler.poll() {
            match assembled {
                Assembled::Object(object) => {
                    let counts = self.streams.entry(object.stream).or_default();
                    counts.objects = counts.objects.saturating_add(1);
                    let len = object.data.len() as u64;
                    counts.object_bytes = counts.object_bytes.saturating_add(len);
                    counts.key_frames = counts.key_frames.saturating_add(object.key_frame.into());
                    counts.begun(object.packet, object.key_frame, object.presentation_time);
                }
                Assembled::Incomplete { object, offset, cause, .. } => {
                    let counts = self.streams.entry(object.stream).or_default();
                    let why = counts.incomplete.entry(why(cause)).or_default();
                    *why = why.saturating_add(1);
                    let len = object.data.len() as u64;
                    counts.incomplete_bytes = counts.incomplete_bytes.saturating_add(len);
                    if offset == 0 {
                        counts.begun(object.packet, object.key_frame, object.presentation_time);
                    }
                }
                _ => {}
            }
        }
    }
}

impl StreamCounts {
    /// Whether there are no more key frames than [`StreamCounts::key_frames_shown`] holds.
    pub(super) fn remembers_all_keys(&self) -> bool {
        self.key_frames_shown.packets() < KEY_FRAMES
    }

    fn begun(&mut self, packet: u64, key_frame: bool, time: u32) {
        self.shown.add(time);
        self.starts.insert(packet);
        if key_frame {
            self.keys.insert(packet);
            if self.key_frames_shown.packets() < KEY_FRAMES {
                let time = u64::try_from(SendClock::first(time)).unwrap_or(0);
                self.key_frames_shown.note(packet, time);
            }
        }
    }
}

impl Times {
    fn add(&mut self, time: u32) {
        if let Some(last) = self.last {
            // Times wrap after 49.7 days: the way back is the shorter one.
            let back = last.wrapping_sub(time);
            if back != 0 && back < 1 << 31 {
                self.backwards = self.backwards.saturating_add(1);
                self.furthest = self.furthest.max(back);
            }
        }
        self.first = self.first.or(Some(time));
        self.last = Some(time);
        let time = SendClock::first(time);
        self.least = Some(self.least.map_or(time, |least| least.min(time)));
        self.most = Some(self.most.map_or(time, |most| most.max(time)));
    }
}

impl Places {
    /// Whether `packet` is in the set; `None` where that was not remembered.
    pub(super) fn contains(&self, packet: u64) -> Option<bool> {
        let (word, bit) = place(packet)?;
        Some(self.0.get(word).is_some_and(|word| word & bit != 0))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, packet: u64) {
        let Some((word, bit)) = place(packet) else { return };
        if self.0.len() <= word {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }
}

fn place(packet: u64) -> Option<(usize, u64)> {
    let word = usize::try_from(packet / 64).ok().filter(|_| packet < PLACES)?;
    Some((word, 1 << (packet % 64)))
}

fn why(cause: IncompleteCause) -> &'static str {
    match cause {
        IncompleteCause::Hole => "a part is missing",
        IncompleteCause::Overlap => "parts overlap",
        IncompleteCause::NextBegan => "the next one began",
        IncompleteCause::SizeChanged => "its size changed",
        IncompleteCause::TooLong => "longer than its size",
        IncompleteCause::NoBeginning => "without beginning",
        IncompleteCause::Limit => "too large",
        IncompleteCause::End => "the end came",
        _ => "another reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let mut places = Places::default();
        assert!(places.is_empty());
        for packet in [0, 63, 64, 1000, PLACES] {
            places.insert(packet);
        }
        assert_eq!(places.contains(63), Some(true));
        assert_eq!(places.contains(65), Some(false));
        assert_eq!(places.contains(1000), Some(true));
        assert_eq!(places.contains(2000), Some(false));
        assert_eq!(places.contains(PLACES), None);
    }

    #[test]
    fn times_run_backwards_but_may_wrap() {
        let mut times = Times::default();
        for time in [u32::MAX - 5, 10, 30, 20, 5, 40] {
            times.add(time);
        }
        assert_eq!((times.backwards, times.furthest), (2, 15));
        assert_eq!((times.first, times.last), (Some(u32::MAX - 5), Some(40)));
        assert_eq!((times.least, times.most), (Some(-6), Some(40)));
    }
}
