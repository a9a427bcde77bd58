//! The timing extension of recorded TV: two times in each payload.

use crate::{Payload, Stream, guid};

/// Where the two times lie in the 48 bytes of the extension.
const TIMES: [usize; 2] = [8, 16];
/// The bytes of the extension that matter here.
const NEEDED: usize = 24;

/// Where the extension lies in the extension data of each stream, indexed by stream number; empty
/// for all files but recorded TV.
#[derive(Debug, Clone, Default)]
pub(super) struct Timings(Vec<Option<Place>>);

/// Where the extension lies among those of its stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    /// The bytes in front of it, or in front of the first extension of variable size.
    fixed: usize,
    /// For each extension of variable size in front of it, the bytes between it and the next one
    /// or the timing. Fixed sizes are summed up, so that each step consumes data.
    gaps: Vec<usize>,
}

impl Timings {
    pub(super) fn new(streams: &[Stream]) -> Self {
        let mut places = Vec::new();
        for stream in streams {
            let Some(place) = Place::new(stream) else { continue };
            let index = usize::from(stream.number);
            if places.len() <= index {
                places.resize(index.saturating_add(1), None);
            }
            if let Some(entry) = places.get_mut(index) {
                *entry = Some(place);
            }
        }
        Self(places)
    }

    /// The times of a payload in 100 ns, with their offsets in its extension data. Those that are
    /// not there are left out.
    pub(super) fn of(&self, payload: &Payload<'_>) -> impl Iterator<Item = (usize, u64)> {
        let extensions = payload.extensions;
        let place = self.0.get(usize::from(payload.stream)).and_then(Option::as_ref);
        let start = place.and_then(|place| place.locate(extensions));
        start.into_iter().flat_map(|start| TIMES.map(|at| start.saturating_add(at))).filter_map(
            move |at| {
                let ticks = u64::from_le_bytes(*extensions.get(at..)?.first_chunk()?);
                (ticks != 0 && ticks != u64::MAX).then_some((at, ticks))
            },
        )
    }
}

impl Place {
    fn new(stream: &Stream) -> Option<Self> {
        let mut place = Self::default();
        for extension in &stream.extensions {
            if extension.system == guid::RECORDED_TV_TIMING {
                if extension.size.is_none() {
                    // Its own size lies in front of it.
                    place.skip(2);
                }
                return extension
                    .size
                    .is_none_or(|size| usize::from(size) >= NEEDED)
                    .then_some(place);
            }
            match extension.size {
                Some(size) => place.skip(usize::from(size)),
                None => place.gaps.push(0),
            }
        }
        None
    }

    fn skip(&mut self, bytes: usize) {
        let sum = self.gaps.last_mut().unwrap_or(&mut self.fixed);
        *sum = sum.saturating_add(bytes);
    }

    fn locate(&self, extensions: &[u8]) -> Option<usize> {
        let mut at = self.fixed;
        for gap in &self.gaps {
            let len = u16::from_le_bytes(*extensions.get(at..)?.first_chunk()?);
            at = at.checked_add(2)?.checked_add(usize::from(len))?.checked_add(*gap)?;
        }
        extensions.get(at..at.checked_add(NEEDED)?).map(|_| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_sizes_are_walked() {
        // Two fixed bytes, a variable extension, one fixed byte, the timing.
        let place = Place { fixed: 2, gaps: vec![1] };
        let mut data = vec![9, 9, 3, 0, 7, 7, 7, 8];
        assert_eq!(place.locate(&data), None);
        data.extend([0; 24]);
        assert_eq!(place.locate(&data), Some(8));
        data.pop();
        assert_eq!(place.locate(&data), None, "too short");
        assert_eq!(place.locate(&data[..3]), None, "the size is cut");
        let far = Place { fixed: usize::MAX, gaps: vec![usize::MAX] };
        assert_eq!(far.locate(&data), None);
    }
}
