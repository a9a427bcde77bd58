//! Media on its way: their label, their pace, the packet that waits.

use std::time::{Duration, Instant};

use super::ServerConfig;
use crate::content::Content;
use crate::request::{PlayRequest, Rate, Start};
use crate::serving::demand::Demand;
use crate::serving::pacing::Pacing;
use crate::serving::rate::{at_speed, scaled};

/// Media on its way.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) pacing: Pacing,
    /// Label of its packets.
    pub(super) label: u8,
    rate: Rate,
    /// The packet that comes next.
    pub(super) demand: Demand,
    /// When what is played has played out, as far as that is known.
    pub(super) plays_until: Option<Instant>,
}

/// A rate below this is taken for it: the smallest numbers would turn every distance into for ever,
/// or every rate of bits into none.
const SLOWEST: f64 = 0.01;

impl Flow {
    /// Media of `content` from now on, as `play` wants them.
    pub(super) fn new(
        now: Instant,
        label: u8,
        config: &ServerConfig,
        content: &Content,
        play: &PlayRequest,
    ) -> Self {
        let speed = speed(play.rate);
        let policy = config.pacing();
        let rate = policy.paced(scaled(content.bit_rate(), speed));
        Self {
            pacing: Pacing::new(now, rate)
                .with_speed(speed * f64::from(policy.percent.max(1)) / 100.0)
                .with_burst(policy.burst(content, play)),
            label,
            rate: play.rate,
            demand: Demand::Idle,
            plays_until: plays_for(content, play, speed).and_then(|time| now.checked_add(time)),
        }
    }

    /// Goes on where it is at another rate. False when it is the rate that it has.
    pub(super) fn change_rate(
        &mut self,
        now: Instant,
        config: &ServerConfig,
        content: &Content,
        rate: Rate,
    ) -> bool {
        if rate == self.rate {
            return false;
        }
        let times = speed(rate) / speed(self.rate);
        let turns = (rate.get() < 0.0) != (self.rate.get() < 0.0);
        self.rate = rate;
        let bits = config.pacing().paced(scaled(content.bit_rate(), speed(rate)));
        self.pacing.change(now, bits, times);
        if let Demand::Scheduled(held) = &mut self.demand {
            held.due = at_speed(now, held.due, times);
        }
        self.plays_until = self.plays_until.map(|until| at_speed(now, until, times));
        if turns {
            self.pacing.restart();
            // Nothing tells how far it is to the other end.
            self.plays_until = None;
        }
        true
    }

    /// True when a play command looks for its position, although media are on their way. libmms asks
    /// for the beginning with all position fields unused. After an end that is held back nothing goes
    /// on.
    pub(super) fn seeks(&self, config: &ServerConfig) -> bool {
        config.seek_while_streaming || matches!(self.demand, Demand::Ended)
    }

    /// Nothing was due before this moment.
    pub(super) fn begin(&mut self, now: Instant) {
        self.pacing.begin(now);
    }
}

/// Seconds of content in one second.
fn speed(rate: Rate) -> f64 {
    rate.get().abs().max(SLOWEST)
}

/// How long the player is busy with what it asked for.
fn plays_for(content: &Content, play: &PlayRequest, speed: f64) -> Option<Duration> {
    let duration = content.duration()?;
    let start = match play.start {
        Start::Time(time) => time,
        Start::Packet(number) => {
            let count = content.packet_count().and_then(|count| u32::try_from(count).ok())?;
            duration.saturating_mul(number.get()).checked_div(count)?
        }
        Start::Beginning | Start::ByteOffset(_) => Duration::ZERO,
    };
    let end = match play.stop {
        Some(stop) if stop.is_relative() => start.saturating_add(stop.time()),
        Some(stop) => stop.time(),
        None => duration,
    };
    let content = end.min(duration).saturating_sub(start);
    Duration::try_from_secs_f64(content.as_secs_f64() / speed).ok()
}
