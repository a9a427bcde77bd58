//! Header fragments and media packets: which, with which label and number, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::frame::DataPacket;
use mms_proto::{Content, PlayRequest, Start, StateError};
use mms_proto::{EntryDelivery, Pace, PushOutcome};

use super::stage::{Next, Stage};
use super::{Expected, Rules};

/// A sender that fell behind by more than this does not hurry.
const MOST_LAG: Duration = Duration::from_secs(5);
/// What rounding may do to a moment.
const ROUNDED: Duration = Duration::from_micros(1);

/// What the application handed over, in order.
#[derive(Debug)]
pub(crate) enum Given {
    Packet {
        number: u32,
        bytes: Bytes,
        due: Instant,
    },
    /// The end of an entry; whether what the player says goes before it.
    EndOfEntry {
        waits: bool,
    },
    Entry(Content),
    End {
        failed: bool,
        waits: bool,
    },
    /// The end, when the content has played out.
    HeldEnd,
}

/// A header on its way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fragments {
    label: u8,
    next: u32,
    sent: usize,
    pace: Rate,
}

/// Media on their way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Media {
    pub(crate) label: u8,
    pub(crate) unplayed: bool,
    pub(crate) asked: bool,
    /// Everything was sent, and the player is not told yet.
    pub(crate) has_ended: bool,
    /// When it began, and how long it plays where that is known.
    begun: Instant,
    plays: Option<Duration>,
    pace: Rate,
    rate: f64,
    speed: f64,
    /// Moment and time of the first packet that says when it is due.
    first: Option<(Instant, Duration)>,
    /// Those of the latest one.
    latest: Option<(Instant, Duration)>,
}

/// Bytes at a bit rate.
#[derive(Debug, Clone, PartialEq)]
struct Rate {
    /// `None` for full speed.
    bits: Option<u32>,
    due: Instant,
    /// An accelerated start: it may be earlier.
    fast: bool,
}

impl Rate {
    fn sent(&mut self, now: Instant, bytes: usize) {
        if let Some(bits) = self.bits {
            let step = Duration::from_nanos(bytes as u64 * 8_000_000_000 / u64::from(bits));
            self.due = self.due.max(now - MOST_LAG) + step;
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.fast || self.bits.is_none() || self.due <= now
    }
}

impl Rules {
    /// A Data packet came out.
    pub(crate) fn data(&mut self, packet: &DataPacket) {
        assert_eq!(self.expected, None, "not a packet");
        match &mut self.stage {
            Stage::Header(fragments) | Stage::EntryHeader(fragments, _) => {
                let header = self.content.as_ref().unwrap().header();
                let most = self.content.as_ref().unwrap().packet_size().unwrap() as usize;
                assert!(fragments.pace.is_due(self.now), "a fragment too early");
                assert_eq!(
                    (packet.location_id, packet.incarnation),
                    (fragments.next, fragments.label)
                );
                let end = header.len().min(fragments.sent + most);
                assert_eq!(packet.payload, header[fragments.sent..end]);
                let last = end == header.len();
                assert_eq!(packet.flags, if last { 0x0C } else { 0x04 });
                fragments.next += 1;
                fragments.sent = end;
                fragments.pace.sent(self.now, packet.payload.len());
                if last {
                    self.header_is_sent();
                }
            }
            Stage::Streaming(media) => {
                let Some(Given::Packet { number, bytes, due }) = self.queue.pop_front() else {
                    panic!("a packet that nobody gave");
                };
                assert_eq!((packet.location_id, &packet.payload), (number, &bytes));
                assert_eq!(packet.incarnation, media.label, "the label of the latest play command");
                assert_ne!(packet.incarnation, 0);
                assert_eq!(u32::from(packet.flags), self.sequence % 256, "one more a packet");
                let may = media.pace.fast || due <= self.now + ROUNDED || !self.queue.is_empty();
                assert!(may, "a packet too early");
                if self.live {
                    // It goes when everything that has arrived was handled.
                    self.has_handled_all();
                }
                self.sequence += 1;
                self.seen.note("a packet");
            }
            stage => panic!("{packet:?} in {stage:?}"),
        }
    }

    fn header_is_sent(&mut self) {
        self.seen.note("a header");
        self.stage = match std::mem::replace(&mut self.stage, Stage::Silent) {
            Stage::EntryHeader(_, Next::Media(mut media)) => {
                media.pace.due = self.now;
                Stage::Streaming(media)
            }
            Stage::EntryHeader(_, Next::Wait) => {
                self.timers.rests_after_end(self.now);
                Stage::EntryWaits
            }
            Stage::EntryHeader(_, Next::Play(mut media)) => {
                (media.pace.due, media.begun) = (self.now, self.now);
                self.tune(true);
                self.expected = Some(Expected::Play);
                Stage::Streaming(media)
            }
            _ => Stage::Ready,
        };
    }

    pub(super) fn wants_packet(&mut self) {
        let (live, idle) = (self.live, self.queue.is_empty());
        let Stage::Streaming(media) = &mut self.stage else { panic!("it does not stream") };
        assert!(!live && idle && !media.asked, "a packet is not needed");
        assert!(media.pace.is_due(self.now), "a packet is wanted too early");
        media.asked = true;
    }

    /// True when the application owes a packet.
    pub(crate) fn wants(&self) -> bool {
        match &self.stage {
            Stage::Streaming(media) | Stage::EntryHeader(_, Next::Media(media)) => media.asked,
            _ => false,
        }
    }

    /// The application sends a packet, which may say when it is due.
    pub(crate) fn gives(
        &mut self,
        number: u32,
        time: Option<Duration>,
        bytes: Bytes,
        done: &Result<(), StateError>,
    ) {
        assert_eq!(done.is_ok(), self.wants(), "{done:?} in {:?}", self.stage);
        let (Stage::Streaming(media) | Stage::EntryHeader(_, Next::Media(media))) = &mut self.stage
        else {
            return;
        };
        if done.is_err() {
            return;
        }
        media.asked = false;
        let mut due = self.now;
        match time {
            None => media.pace.sent(self.now, bytes.len()),
            Some(time) if self.pace == Pace::BitRate => {
                let (start, first) = *media.first.get_or_insert((self.now, time));
                due = start + time.saturating_sub(first).div_f64(media.speed);
                let late = self.now.saturating_duration_since(due).saturating_sub(MOST_LAG);
                media.first = Some((start + late, first));
                due += late;
                media.latest = Some((due, time));
            }
            Some(_) => {}
        }
        self.queue.push_back(Given::Packet { number, bytes, due });
    }

    /// The application pushes a live packet.
    pub(crate) fn pushes(
        &mut self,
        number: u32,
        key: bool,
        bytes: Bytes,
        limit: usize,
        done: PushOutcome,
    ) {
        let waiting: usize = self.queue.iter().map(Given::len).sum();
        // A session whose time is over ends when the socket takes what came before.
        let over = self.timers.running().any(|(_, at)| at <= self.now);
        let playing = matches!(self.stage, Stage::Streaming(_)) && self.takes_pushes() && !over;
        match done {
            PushOutcome::Queued => {
                assert!(self.tuned && self.stage.streams(), "queued for nobody");
                assert!(self.queue.is_empty() || waiting + bytes.len() <= limit, "too much waits");
                self.queue.push_back(Given::Packet { number, bytes, due: self.now });
                self.dropping = false;
            }
            PushOutcome::Dropped => {
                assert!(
                    waiting + bytes.len() > limit || self.dropping,
                    "dropped although there is room"
                );
                assert!(
                    !key || waiting + bytes.len() > limit / 2,
                    "a key frame dropped although there is room"
                );
                self.dropping = true;
                self.seen.note("a live packet dropped");
            }
            PushOutcome::NotPlaying => {
                assert!(!(playing && self.tuned), "the player plays");
            }
        }
    }

    /// When media goes on without anybody's doing.
    pub(super) fn media_goes_on(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Header(fragments) | Stage::EntryHeader(fragments, _) => {
                Some(fragments.pace.bits.map_or(self.now, |_| fragments.pace.due))
            }
            Stage::Streaming(media) if !media.asked => match self.queue.front() {
                Some(Given::Packet { due, .. }) => Some(*due + ROUNDED),
                Some(Given::HeldEnd) => None,
                Some(_) if media.unplayed => None,
                Some(_) => Some(self.now),
                None if self.live => None,
                None => Some(media.pace.bits.map_or(self.now, |_| media.pace.due)),
            },
            Stage::Between | Stage::EntryWaits if !self.queue.is_empty() => Some(self.now),
            _ => None,
        }
    }

    pub(super) fn entries_follow(&self) -> bool {
        match self.delivery {
            EntryDelivery::AtOnce => true,
            EntryDelivery::WhenPlayed => false,
            _ => self.modern,
        }
    }

    pub(super) fn fragments(&self, label: u8) -> Fragments {
        Fragments { label, next: 0, sent: 0, pace: self.rate(1.0, false) }
    }

    pub(super) fn media(&self, label: u8, play: &PlayRequest) -> Media {
        let speed = play.rate.get().abs();
        let fast = play.rate.is_normal() && play.accel.is_some();
        let pace = self.rate(speed, fast);
        let plays = self.content.as_ref().and_then(|content| plays(content, play, speed));
        Media {
            label,
            unplayed: false,
            asked: false,
            has_ended: false,
            begun: self.now,
            plays,
            pace,
            rate: play.rate.get(),
            speed,
            first: None,
            latest: None,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small rates")]
    fn rate(&self, speed: f64, fast: bool) -> Rate {
        let rate = self.content.as_ref().map_or(0, Content::bit_rate);
        let bits = (f64::from(rate) * speed) as u32;
        let bits = (self.pace == Pace::BitRate && bits > 0).then_some(bits);
        Rate { bits, due: self.now, fast }
    }
}

impl Media {
    /// On it goes as the other, at that one's rate, and what waits to be due with it. False when it
    /// has that rate.
    pub(super) fn plays_as(
        &mut self,
        now: Instant,
        other: &Self,
        queue: &mut VecDeque<Given>,
    ) -> bool {
        self.label = other.label;
        if self.rate == other.rate {
            return false;
        }
        let times = other.speed / self.speed;
        let faster = |at: Instant| if at > now { now + (at - now).div_f64(times) } else { at };
        for given in queue {
            if let Given::Packet { due, .. } = given {
                *due = faster(*due);
            }
        }
        self.pace.bits = other.pace.bits;
        self.pace.due = faster(self.pace.due);
        self.first = self.latest.map(|(due, time)| {
            let passed = now.saturating_duration_since(due).min(MOST_LAG);
            (faster(due.max(now)), time + passed.mul_f64(self.speed))
        });
        self.plays = self.plays.map(|plays| faster(self.begun + plays) - self.begun);
        if (self.rate < 0.0) != (other.rate < 0.0) {
            (self.first, self.plays) = (None, None);
        }
        self.latest = self.first;
        (self.rate, self.speed) = (other.rate, other.speed);
        true
    }

    /// When a player that ends with the end of the stream may hear of it (T49).
    pub(crate) fn played_out(&self) -> Option<Instant> {
        Some(self.begun + self.plays? + Duration::from_secs(5))
    }
}

/// How long the player is busy with what it asked for.
fn plays(content: &Content, play: &PlayRequest, speed: f64) -> Option<Duration> {
    let duration = content.duration()?;
    let start = match play.start {
        Start::Time(time) => time,
        Start::Packet(number) => {
            duration * number.get() / u32::try_from(content.packet_count()?).unwrap()
        }
        _ => Duration::ZERO,
    };
    let end = match play.stop {
        Some(stop) if stop.is_relative() => start + stop.time(),
        Some(stop) => stop.time(),
        None => duration,
    };
    Some(end.min(duration).saturating_sub(start).div_f64(speed))
}

impl Given {
    fn len(&self) -> usize {
        if let Self::Packet { bytes, .. } = self { bytes.len() } else { 0 }
    }
}

/// The rules notice packets that come too early.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::media::{content, seconds, start};
    use mms_proto::{Rate as Speed, Stop};

    #[test]
    fn bytes_are_due_at_their_rate() {
        let now = start();
        let mut rate = Rate { bits: Some(8_000), due: now, fast: false };
        rate.sent(now, 1_000);
        assert!(!rate.is_due(now + Duration::from_millis(999)));
        assert!(rate.is_due(now + seconds(1)));
        // A minute is not caught up with, five seconds are.
        rate.sent(now + seconds(61), 1_000);
        assert_eq!(rate.due, now + seconds(61) - MOST_LAG + seconds(1));
        rate.fast = true;
        assert!(rate.is_due(now));
    }

    #[test]
    fn what_was_asked_for_takes_its_time() {
        // Ten seconds in a hundred packets.
        let content = content(100);
        let all = PlayRequest::select([]);
        for (request, speed, takes) in [
            (all.clone(), 1.0, 10),
            (all.clone(), 5.0, 2),
            (all.clone().start(Start::Time(seconds(4))), 1.0, 6),
            (all.clone().start(Start::packet(90).unwrap()), 1.0, 1),
            (
                all.clone().start(Start::Time(seconds(4))).stop(Stop::after(seconds(2)).unwrap()),
                1.0,
                2,
            ),
            (all.stop(Stop::at(seconds(99)).unwrap()), 1.0, 10),
        ] {
            assert_eq!(plays(&content, &request, speed), Some(seconds(takes)), "{request:?}");
        }
    }

    #[test]
    fn another_rate_moves_what_is_not_due_yet() {
        let now = start();
        let rules = Rules::new(now, &mms_proto::mmsp::ServerConfig::default());
        let fast = PlayRequest::select([]).rate(Speed::new(2.0).unwrap());
        let (mut one, two) = (rules.media(1, &PlayRequest::select([])), rules.media(2, &fast));
        let packet = |due| Given::Packet { number: 0, bytes: Bytes::new(), due };
        let mut queue = VecDeque::from([packet(now), packet(now + seconds(10))]);
        assert!(one.plays_as(now, &two, &mut queue));
        let due = |given: &Given| match given {
            Given::Packet { due, .. } => *due,
            other => panic!("{other:?}"),
        };
        assert_eq!(queue.iter().map(due).collect::<Vec<_>>(), [now, now + seconds(5)]);
        assert!(!one.plays_as(now, &two, &mut queue), "it has that rate");
        assert_eq!(one.label, 2);
    }

    #[test]
    #[should_panic(expected = "it does not stream")]
    fn a_packet_that_is_wanted_by_nobody() {
        Rules::new(start(), &mms_proto::mmsp::ServerConfig::default()).wants_packet();
    }
}
