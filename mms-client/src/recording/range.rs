//! Where the media that was asked for begins and ends.

use std::time::Duration;

use mms_asf::{Continuity, Header, Packet, SendClock, Shift, StreamSet};

/// Milliseconds of content: presentation times without the preroll.
type Time = i64;

/// Follows the presentation times of packets in the order of the stream and tells when all media
/// of the range has come.
///
/// Send times alone do not tell: media is sent up to a preroll before it is shown, and a server
/// begins at the key frame before the time that it is asked for. So each audio and video stream is
/// followed, and the range is over once all of them have passed its end. A stream that has long
/// gaps does not hold it up for more than a preroll of send time.
#[derive(Debug)]
pub(super) struct Range {
    /// Media after the beginning, at most.
    left: Option<Time>,
    /// End in the time of the content.
    stop: Option<Time>,
    preroll: Time,
    /// Streams that are followed.
    media: StreamSet,
    clock: SendClock,
    /// Of a live stream, whose clock may start anew.
    continuity: Option<Continuity>,
    /// The time that `left` is counted from; that of the first packet when it is not given.
    from: Option<Time>,
    first: Option<First>,
    /// Streams that have had a payload, and those whose last one is past the end.
    seen: StreamSet,
    past: StreamSet,
    latest: Time,
    over: bool,
}

#[derive(Debug, Clone, Copy)]
struct First {
    sent: i64,
    media: Time,
}

impl Range {
    pub(super) fn new(duration: Option<Duration>, stop: Option<Duration>) -> Self {
        Self {
            left: duration.map(milliseconds),
            stop: stop.map(milliseconds),
            preroll: 0,
            media: StreamSet::ALL,
            clock: SendClock::new(),
            continuity: None,
            from: None,
            first: None,
            seen: StreamSet::EMPTY,
            past: StreamSet::EMPTY,
            latest: 0,
            over: false,
        }
    }

    /// An entry begins: its times start anew, and what others took of the duration is used up.
    /// `from` is where the media asked for begins, `None` where the first packet decides.
    pub(super) fn begin(&mut self, header: &Header, from: Option<Duration>, live: bool) {
        if let Some(first) = self.from.or_else(|| self.first.map(|first| first.media)) {
            let used = self.latest.saturating_sub(first).max(0);
            self.left = self.left.map(|left| left.saturating_sub(used).max(0));
        }
        let timed = |number: &u8| {
            let stream = header.stream(*number);
            stream.is_some_and(|stream| stream.audio().is_some() || stream.video().is_some())
        };
        let media: StreamSet = header.stream_numbers().filter(timed).collect();
        *self = Self {
            preroll: milliseconds(header.file().preroll),
            media: if media.is_empty() { StreamSet::ALL } else { media },
            from: from.map(milliseconds),
            continuity: live.then(|| Continuity::new(header)),
            ..Self::new(None, None).with(self.left, self.stop)
        };
    }

    fn with(mut self, left: Option<Time>, stop: Option<Time>) -> Self {
        (self.left, self.stop) = (left, stop);
        self
    }

    /// Whether packets came that are past the end.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The time of the content at which the first packet's media begins.
    pub(super) fn first(&self) -> Option<Duration> {
        let media = self.first?.media;
        Some(Duration::from_millis(u64::try_from(media).unwrap_or(0)))
    }

    /// Whether this packet still belongs to the range. One that cannot be parsed, `None`, does.
    pub(super) fn includes(&mut self, packet: Option<&Packet<'_>>) -> bool {
        if self.left.is_none() && self.stop.is_none() && self.first.is_some() {
            return true;
        }
        let Some(packet) = packet else { return true };
        let follow = |line: &mut Continuity| line.follow(packet).0;
        let shift = self.continuity.as_mut().map_or_else(Shift::default, follow);
        let sent = self.clock.follow(shift.send_time(packet.send_time()));
        let times = || {
            let payloads = packet.payloads().map_while(Result::ok);
            let followed = payloads.filter(|payload| self.media.contains(payload.stream));
            followed.map(|payload| {
                let shown = self.clock.shown(shift.presentation_time(&payload));
                (payload.stream, shown.saturating_sub(self.preroll))
            })
        };
        let Some(lowest) = times().map(|(_, time)| time).min() else {
            return !self.over;
        };
        let first = *self.first.get_or_insert(First { sent, media: lowest });
        let Some(end) = self.end(first) else { return true };
        let (mut seen, mut past) = (self.seen, self.past);
        for (stream, time) in times() {
            seen.insert(stream);
            if time >= end {
                past.insert(stream);
            } else {
                past.remove(stream);
            }
        }
        (self.seen, self.past) = (seen, past);
        // The last media of the range has been sent by then, at the latest when it is shown. Send
        // times that count from elsewhere are measured from the first packet.
        let room = end.saturating_sub(first.media).max(0).saturating_add(self.preroll);
        let shown = end.saturating_add(self.preroll);
        let late = sent.saturating_sub(first.sent) >= room && sent >= shown;
        self.over = self.over || late || (lowest >= end && past == seen);
        if !self.over {
            self.latest = self.latest.max(lowest);
        }
        !self.over
    }

    fn end(&self, first: First) -> Option<Time> {
        let from = self.from.unwrap_or(first.media);
        let left = self.left.map(|left| from.saturating_add(left));
        [left, self.stop].into_iter().flatten().min()
    }
}

fn milliseconds(time: Duration) -> Time {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};

    use super::*;

    const SIZE: u32 = 200;
    /// That of the header, in milliseconds.
    const PREROLL: u32 = 3_000;

    fn header() -> Header {
        let streams = [TestStream::Audio(1), TestStream::Video(2)];
        Header::parse(&testing::header(SIZE, 0, &streams)).unwrap()
    }

    /// Audio and video of these times, in milliseconds of the content, sent at the first of them.
    fn packet(sent: u32, payloads: &[(u8, u32)]) -> Vec<u8> {
        let payload =
            |&(stream, time): &(u8, u32)| TestPayload::whole(stream, 0, time + PREROLL, b"x");
        let payloads = payloads.iter().map(payload).collect();
        TestPacket { send_time: sent, ..TestPacket::multiple(payloads) }.build(SIZE).to_vec()
    }

    fn includes(range: &mut Range, packet: &[u8]) -> bool {
        range.includes(Packet::parse(packet, SIZE).ok().as_ref())
    }

    #[test]
    fn the_range_is_that_of_the_media_asked_for() {
        let seconds = Duration::from_secs;
        for (from, duration, stop, wanted, first) in [
            // From the key frame before 10 s to 15 s.
            (Some(10), Some(5), None, 8..15, 8),
            (Some(10), None, Some(15), 8..15, 8),
            (Some(10), Some(5), Some(12), 8..12, 8),
            // Counted from the first packet.
            (None, Some(5), None, 8..13, 8),
            (None, None, None, 8..40, 8),
        ] {
            let mut range = Range::new(duration.map(seconds), stop.map(seconds));
            range.begin(&header(), from.map(seconds), false);
            let kept: Vec<u32> = (8..40)
                .filter(|second| {
                    let time = second * 1_000;
                    includes(&mut range, &packet(time, &[(1, time), (2, time)]))
                })
                .collect();
            assert_eq!(kept, wanted.collect::<Vec<_>>());
            assert_eq!(range.first(), Some(seconds(first)));
        }
    }

    #[test]
    fn a_stream_that_is_sent_later_is_waited_for() {
        let mut range = Range::new(Some(Duration::from_secs(2)), None);
        range.begin(&header(), Some(Duration::ZERO), false);
        // Audio is half a second behind the pictures.
        for (sent, stream, time, kept) in [
            (0, 2, 0, true),
            (500, 1, 0, true),
            (1_000, 2, 2_000, true),
            (1_500, 1, 1_500, true),
            (1_600, 2, 2_400, true),
            (1_700, 1, 2_000, false),
        ] {
            assert_eq!(includes(&mut range, &packet(sent, &[(stream, time)])), kept, "{sent}");
        }
        assert!(range.is_over());
    }

    #[test]
    fn sound_that_is_sent_when_it_is_shown_belongs_to_the_range() {
        let mut range = Range::new(None, Some(Duration::from_secs(13)));
        range.begin(&header(), Some(Duration::from_secs(10)), false);
        // Pictures are sent three seconds early, which the end of the range must not count on.
        assert!(includes(&mut range, &packet(5_000, &[(1, 8_000), (2, 8_000)])));
        assert!(includes(&mut range, &packet(15_000, &[(2, 14_000)])));
        assert!(includes(&mut range, &packet(15_900, &[(1, 12_900)])));
        assert!(!includes(&mut range, &packet(16_000, &[(1, 12_950)])));
    }

    #[test]
    fn a_stream_that_ends_early_holds_nothing_up() {
        let mut range = Range::new(Some(Duration::from_secs(2)), None);
        range.begin(&header(), Some(Duration::ZERO), false);
        assert!(includes(&mut range, &packet(0, &[(1, 0), (2, 0)])));
        let more: Vec<u32> = (1..20)
            .filter(|second| includes(&mut range, &packet(second * 1_000, &[(2, second * 1_000)])))
            .collect();
        // Two seconds, and a preroll in which the other could still be sent.
        assert_eq!(more.last(), Some(&(1 + PREROLL / 1_000)));
    }

    #[test]
    fn entries_use_up_the_duration_together() {
        let mut range = Range::new(Some(Duration::from_secs(5)), None);
        range.begin(&header(), Some(Duration::ZERO), false);
        for second in 0..3 {
            assert!(includes(&mut range, &packet(second * 1_000, &[(1, second * 1_000)])));
        }
        range.begin(&header(), None, false);
        let kept = (0..9)
            .filter(|second| includes(&mut range, &packet(second * 1_000, &[(1, second * 1_000)])));
        assert_eq!(kept.count(), 3);
    }

    #[test]
    fn a_live_clock_that_starts_anew_goes_on() {
        let mut range = Range::new(Some(Duration::from_secs(10)), None);
        range.begin(&header(), None, true);
        let sent = (900..906).chain(0..100);
        let kept = sent.filter(|second| {
            includes(
                &mut range,
                &packet(second * 1_000, &[(1, second * 1_000), (2, second * 1_000)]),
            )
        });
        assert_eq!(kept.count(), 10);
    }
}
