//! How long media objects last, which packets hardly ever say.

use crate::time::to_millis;
use crate::{Stream, StreamKind};

/// A longer distance between two objects of a stream is a pause, not an object's duration.
const LONGEST_OBJECT: u64 = 2_000;

/// What a stream's declaration tells about the durations of its media objects. All in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Lasting {
    /// Objects have a duration: audio and video do, commands and pictures happen.
    lasts: bool,
    per_frame: Option<u64>,
    /// The rate of an audio stream.
    bytes_per_second: Option<u64>,
}

impl Lasting {
    pub(crate) fn new(stream: &Stream) -> Self {
        let video = stream.kind == StreamKind::Video;
        Self {
            lasts: video || stream.kind == StreamKind::Audio,
            per_frame: stream
                .time_per_frame
                .map(to_millis)
                // Encoders leave garbage in this field of audio streams.
                .filter(|&time| video && time <= LONGEST_OBJECT),
            bytes_per_second: stream.audio().map(|audio| u64::from(audio.avg_bytes)),
        }
    }

    /// Whether the stream's objects last at all.
    pub(crate) fn lasts(&self) -> bool {
        self.lasts
    }

    /// How long an object of so many bytes lasts; `None` when only its [neighbours](Neighbours)
    /// tell.
    #[inline]
    pub(crate) fn guess(&self, size: u64) -> Option<u64> {
        if !self.lasts {
            return Some(0);
        }
        // Audio objects of one stream differ much in length; the rate knows better.
        let played = || {
            self.bytes_per_second
                .and_then(|rate| size.saturating_mul(1_000).checked_div(rate))
                .filter(|&duration| duration <= LONGEST_OBJECT)
        };
        self.per_frame.or_else(played)
    }
}

/// The last two objects of a stream in the order in which they are shown. Frames may be stored in
/// another order, the last one in front of those before it. All in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Neighbours {
    /// When the last one is shown, and how long, if that is known.
    last: Option<(u64, Option<u64>)>,
    before: Option<u64>,
}

impl Neighbours {
    /// Notes an object, or another part of one.
    #[inline]
    pub(crate) fn note(&mut self, time: u64, duration: Option<u64>) {
        match self.last {
            Some((last, _)) if time < last => self.before = self.before.max(Some(time)),
            Some((last, _)) if time == last => {}
            last => {
                self.before = last.map(|(last, _)| last);
                self.last = Some((time, duration));
            }
        }
    }

    /// How long the last object lasts: when it is not known, as long as the one before it.
    #[inline]
    pub(crate) fn duration(&self) -> u64 {
        let Some((last, duration)) = self.last else { return 0 };
        let distance = || self.before.map(|before| last.saturating_sub(before));
        duration.or_else(|| distance().filter(|&distance| distance <= LONGEST_OBJECT)).unwrap_or(0)
    }

    /// When the last object ends, if there is one.
    pub(crate) fn end(&self) -> Option<u64> {
        self.last.map(|(last, _)| last.saturating_add(self.duration()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_object_lasts_as_long_as_the_one_before_it() {
        for (times, end) in [
            (&[][..], None),
            (&[500], Some(500)),
            (&[500, 540], Some(580)),
            (&[500, 540, 540], Some(580)),
            // Two frames that need the one behind them.
            (&[0, 120, 40, 80], Some(160)),
            (&[0, 120, 80, 40], Some(160)),
            (&[0, 120, 40], Some(200)),
            // A pause.
            (&[0, 40, 2_041], Some(2_041)),
            (&[0, 40, 2_040], Some(4_040)),
            (&[u64::MAX - 1, u64::MAX], Some(u64::MAX)),
        ] {
            let mut neighbours = Neighbours::default();
            times.iter().for_each(|&time| neighbours.note(time, None));
            assert_eq!(neighbours.end(), end, "{times:?}");
        }
        let mut neighbours = Neighbours::default();
        neighbours.note(0, None);
        neighbours.note(40, Some(5_000));
        assert_eq!(neighbours.end(), Some(5_040));
        neighbours.note(50, None);
        assert_eq!(neighbours.end(), Some(60));
    }
}
