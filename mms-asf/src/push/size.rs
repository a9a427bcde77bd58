//! The size of packets, where the header contradicts itself about it.

use std::cmp::Reverse;

use super::known::Opening;
use super::whole::whole;
use super::{Next, StreamParser};
use crate::{Header, Limits, StreamSet};

/// Packets that are read to compare sizes.
const PACKETS: usize = 8;
/// Least number of bytes that are read to compare sizes.
const MIN_WINDOW: usize = 16 << 10;
/// Most bytes that are read to compare sizes, unless the smallest one needs more for four packets.
const MAX_WINDOW: usize = 128 << 10;
/// Whole packets that make a size likely.
const MIN_PACKETS: usize = 2;
/// Most distances between packets that are tried.
const MAX_DISTANCES: usize = 32;

/// Packet sizes that a header may mean.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// The one that it has.
    current: usize,
    others: Vec<usize>,
    streams: StreamSet,
    most: usize,
}

impl Sizes {
    /// `None` when the header does not contradict itself.
    pub(crate) fn doubtful(header: &Header, limits: &Limits) -> Option<Self> {
        if !header.doubts_packet_size() {
            return None;
        }
        let most = limits.packet_size as usize;
        let current = header.file().packet_size as usize;
        let (minimum, maximum) = header.declared_packet_sizes();
        let others = [header.counted_packet_size(), Some(minimum), Some(maximum)];
        let others = others.into_iter().flatten().map(|size| size as usize);
        let others = others.filter(|&size| size != current && (1..=most).contains(&size)).collect();
        let streams = header.stream_numbers().collect();
        Some(Self { current, others, streams, most })
    }

    /// Number of bytes after the header that decide.
    pub(crate) fn window(&self) -> usize {
        let sizes = || self.others.iter().copied().chain([self.current]);
        let largest =
            sizes().max().unwrap_or(0).saturating_mul(PACKETS).clamp(MIN_WINDOW, MAX_WINDOW);
        sizes().min().unwrap_or(0).saturating_mul(4).max(largest)
    }

    /// The size that packets at the start of `data` have, if it is not the current one.
    pub(crate) fn found(&self, data: &[u8]) -> Option<u32> {
        let known = self.score(data, self.current);
        let best = |sizes: &mut dyn Iterator<Item = usize>| {
            let scored = sizes.map(|size| (self.score(data, size), Reverse(size)));
            scored.filter(|(score, _)| score.is_likely() && *score > known).max()
        };
        let found = best(&mut self.others.iter().copied()).or_else(|| {
            if known.whole >= MIN_PACKETS {
                return None;
            }
            let places = (1..data.len().min(self.most.saturating_add(1)))
                .filter(|&at| data.get(at) == Some(&0x82))
                .filter(|&at| Opening::Customary.fits(data.get(at..).unwrap_or_default()));
            let scored = |at: &usize| *at == self.current || self.others.contains(at);
            best(&mut places.take(MAX_DISTANCES).filter(|at| !scored(at)))
        });
        found.and_then(|(_, Reverse(size))| u32::try_from(size).ok())
    }

    /// How well packets at this distance from each other can be read.
    fn score(&self, data: &[u8], size: usize) -> Score {
        let first = Opening::of(data);
        let mut score = Score { whole: 0, other: Reverse(0) };
        for packet in data.chunks_exact(size.max(1)) {
            let fits = Opening::Customary.fits(packet) || first.fits(packet);
            if fits && whole(packet, size, self.streams).is_some() {
                score.whole = score.whole.saturating_add(1);
            } else {
                score.other.0 = score.other.0.saturating_add(1);
            }
        }
        score
    }
}

/// The greater, the better, among sizes that are likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Number of whole packets.
    whole: usize,
    /// Number of places where none starts: as many as whole ones where the size is half of the real
    /// one.
    other: Reverse<usize>,
}

impl Score {
    /// True when packets start nearly everywhere at this distance. At a half of the real size as many
    /// are whole, and one more where the last packet is cut, but none starts at every second place.
    fn is_likely(self) -> bool {
        self.whole >= MIN_PACKETS && self.other.0.saturating_mul(4) <= self.whole
    }
}

impl StreamParser {
    /// The header of the packets `at` bytes from here, with the size that they have.
    pub(super) fn sized(&mut self, header: Header, at: usize) -> Result<Header, Next> {
        let Some(sizes) = Sizes::doubtful(&header, &self.limits) else { return Ok(header) };
        // The declared sizes and the distances are compared one by one.
        let each = sizes.window().min(MAX_WINDOW).saturating_mul(MAX_DISTANCES.saturating_add(4));
        let cost = sizes.window().saturating_mul(2).saturating_add(each);
        if !self.may_look(at, cost) {
            return Ok(header);
        }
        let found = sizes.found(self.view(at, sizes.window())?);
        self.looked_in_vain(cost);
        Ok(match found {
            Some(size) => header.with_packet_size(size),
            None => header,
        })
    }
}
