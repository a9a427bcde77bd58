//! What a server waits for and how long, section 6.3 of the reference.

use std::time::{Duration, Instant};

use mms_proto::mmsp::ServerConfig;

pub(crate) struct Timers {
    handshake: Option<Instant>,
    idle: Option<Instant>,
    after_end: Option<Instant>,
    silence: Option<Instant>,
    frame: Option<Instant>,
    unplayed: Option<Instant>,
    /// The end of the stream is held back.
    held: Option<Instant>,
    /// A message has begun; and another one has ended since the machine waited.
    begun: bool,
    ended: bool,
    /// Pings in a row that nobody answered.
    pings: u32,
    most_pings: Option<u32>,
    idle_time: Duration,
    end_time: Option<Duration>,
}

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

impl Timers {
    pub(super) fn new(now: Instant, config: &ServerConfig) -> Self {
        Self {
            handshake: Some(now + HALF_A_MINUTE),
            idle: None,
            after_end: None,
            silence: None,
            frame: None,
            unplayed: None,
            held: None,
            begun: false,
            ended: false,
            pings: 0,
            most_pings: config.max_unanswered_pings,
            idle_time: config.timeouts.idle(),
            end_time: config.close_after_end,
        }
    }

    /// All that run, with their names.
    pub(super) fn running(&self) -> impl Iterator<Item = (&'static str, Instant)> {
        [
            ("the handshake", self.handshake),
            ("the idle time", self.idle),
            ("the time after the end", self.after_end),
            ("the silence", self.silence),
            ("the rest of a packet", self.frame),
            ("the time for a play command", self.unplayed),
            ("the end", self.held),
        ]
        .into_iter()
        .filter_map(|(name, at)| Some((name, at?)))
    }

    pub(super) fn stop_all(&mut self) {
        (self.handshake, self.idle, self.after_end) = (None, None, None);
        (self.silence, self.frame, self.unplayed) = (None, None, None);
        self.held = None;
    }

    /// The client does not wait for the connection to close.
    pub(super) fn keep_open_after_end(&mut self) {
        self.end_time = None;
    }

    /// A message was sent.
    pub(super) fn sends(&mut self, now: Instant) {
        self.silence = Some(now + self.patience());
    }

    /// A message was handled.
    pub(super) fn hears(&mut self, now: Instant, pong: bool) {
        self.pings = 0;
        self.silence = Some(now + self.patience());
        if !pong {
            self.after_end = None;
        }
    }

    /// The client may ask for a file.
    pub(super) fn shakes_hands(&mut self, now: Instant) {
        self.handshake = Some(now + HALF_A_MINUTE);
    }

    /// The application is asked for it, and takes its time.
    pub(super) fn asks(&mut self) {
        (self.handshake, self.silence, self.frame) = (None, None, None);
    }

    /// Nothing plays; if that was so before, the time goes on.
    pub(super) fn rests(&mut self, now: Instant) {
        self.idle.get_or_insert(now + self.idle_time);
        (self.unplayed, self.held) = (None, None);
    }

    /// As [`rests`](Self::rests), because the content has ended.
    pub(super) fn rests_after_end(&mut self, now: Instant) {
        self.rests(now);
        self.after_end = self.end_time.map(|time| now + time).or(self.after_end);
    }

    pub(super) fn plays(&mut self, now: Instant) {
        (self.idle, self.unplayed, self.held) = (None, None, None);
        self.sends(now);
    }

    /// The end of the stream waits until the content has played out. Who waits hears Pings.
    pub(super) fn holds_end(&mut self, now: Instant, until: Instant) {
        self.held = Some(until);
        self.sends(now);
    }

    /// How long to be silent before a Ping.
    fn patience(&self) -> Duration {
        if self.held.is_some() { Duration::from_secs(3) } else { HALF_A_MINUTE }
    }

    /// The end of an entry waits for the play command.
    pub(super) fn waits_for_play(&mut self, now: Instant) {
        self.unplayed.get_or_insert(now + HALF_A_MINUTE);
    }

    /// True, once, when it has waited for long enough.
    pub(super) fn is_not_played(&mut self, now: Instant) -> bool {
        self.unplayed.take_if(|at| *at <= now).is_some()
    }

    /// A Ping was sent; true if it was time.
    pub(super) fn pings(&mut self, now: Instant, late: bool) -> bool {
        let time = over(self.silence, now, late);
        let may = self.most_pings.is_none_or(|most| self.pings < most);
        self.pings += 1;
        time && may
    }

    /// Bytes arrived: whole messages, the beginning of one, or both.
    pub(super) fn frame_arrives(&mut self, ended: bool, begun: bool) {
        self.ended |= ended;
        self.begun = begun;
    }

    /// The machine has looked at everything that is there.
    pub(super) fn frame_waits(&mut self, now: Instant) {
        if std::mem::take(&mut self.ended) || !self.begun {
            self.frame = None;
        }
        if self.begun {
            self.frame.get_or_insert(now + HALF_A_MINUTE);
        }
    }

    pub(super) fn held(&self, now: Instant, late: bool) -> bool {
        over(self.held, now, late)
    }

    pub(super) fn handshake(&self, now: Instant, late: bool) -> bool {
        over(self.handshake, now, late)
    }

    pub(super) fn idle(&self, now: Instant, late: bool) -> bool {
        over(self.idle, now, late)
    }

    pub(super) fn after_end(&self, now: Instant, late: bool) -> bool {
        over(self.after_end, now, late)
    }

    pub(super) fn frame(&self, now: Instant, late: bool) -> bool {
        over(self.frame, now, late)
    }

    /// As many Pings as are allowed were not answered.
    pub(super) fn unanswered(&self, now: Instant, late: bool) -> bool {
        over(self.silence, now, late) && self.most_pings == Some(self.pings)
    }
}

/// True at the moment, and later for a driver that was held up.
fn over(at: Option<Instant>, now: Instant, late: bool) -> bool {
    at.is_some_and(|at| at == now || (late && at < now))
}

/// The rules notice what is too early and what is missed.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair::media::{seconds, start};

    #[test]
    fn a_ping_has_one_moment_and_a_late_driver_more() {
        let (now, mut config) = (start(), ServerConfig::default());
        config.max_unanswered_pings = Some(2);
        let timers = || {
            let mut timers = Timers::new(now, &config);
            timers.sends(now);
            timers
        };
        for (after, late, right) in [
            (29, false, false),
            (30, false, true),
            (31, false, false),
            (31, true, true),
            (29, true, false),
        ] {
            assert_eq!(timers().pings(now + seconds(after), late), right, "{after} {late}");
        }
        let mut timers = timers();
        let at = now + HALF_A_MINUTE;
        assert!(timers.pings(at, false) && timers.pings(at, false));
        assert!(!timers.pings(at, false), "one more than is allowed");
        timers.hears(now, true);
        assert!(timers.pings(at, false), "somebody is there");
    }

    #[test]
    fn the_rest_of_a_packet_is_waited_for_from_its_beginning() {
        let now = start();
        let mut timers = Timers::new(now, &ServerConfig::default());
        timers.frame_arrives(false, true);
        timers.frame_waits(now);
        timers.frame_arrives(false, true);
        timers.frame_waits(now + seconds(9));
        assert!(timers.frame(now + seconds(30), false), "more of it does not prolong the time");
        timers.frame_arrives(true, true);
        timers.frame_waits(now + seconds(10));
        assert!(!timers.frame(now + seconds(30), false), "another one has begun");
        assert!(timers.frame(now + seconds(40), false));
        timers.stop_all();
        assert_eq!(timers.running().count(), 0);
    }
}
