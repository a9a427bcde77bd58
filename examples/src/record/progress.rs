//! How far a recording is, for a person at a terminal.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use console::Term;
use mms_client::Progress as Now;
use mms_proto::Start;

use super::Options;

/// The line changes no more often than this.
const PACE: Duration = Duration::from_millis(100);
/// How long a part must have taken before the rest is guessed from it.
const GUESS_AFTER: Duration = Duration::from_secs(1);
/// Columns that stay free at the end of a line: where a terminal shows `^C`.
const MARGIN: usize = 3;
/// Columns of the bar, at most and at least.
const BAR: std::ops::RangeInclusive<usize> = 10..=30;

/// One line: a bar where the length is known, numbers always.
#[derive(Debug)]
pub struct Progress {
    /// `None` where nothing is drawn.
    term: Option<Term>,
    start: Start,
    duration: Option<Duration>,
    changed: Option<Instant>,
    begun: Option<Begun>,
}

/// Where an entry was when it was first seen.
#[derive(Debug, Clone, Copy)]
struct Begun {
    entry: u32,
    at: Instant,
    fraction: f64,
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Columns of a line that is not broken, even when `^C` follows.
fn room(term: &Term) -> usize {
    usize::from(term.size().1).saturating_sub(MARGIN)
}

fn draw(term: &Term, line: &str) {
    // A terminal that is gone needs no bar.
    let _ = term.clear_line().and_then(|()| term.write_str(line));
}

impl Progress {
    /// Draws on standard error if that is a terminal and the options want it.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let term = Term::stderr();
        let term = (options.show_progress && term.is_term()).then_some(term);
        let start = options.start;
        let from = if let Start::Time(from) = start { from } else { Duration::ZERO };
        let until = options.stop.map(|stop| stop.saturating_sub(from));
        let duration = [options.duration, until].into_iter().flatten().min();
        Self { term, start, duration, changed: None, begun: None }
    }

    /// Shows what is being waited for.
    pub fn waiting(&self, what: &str) {
        if let Some(term) = &self.term {
            draw(term, &cut(what, room(term)));
        }
    }

    /// Shows how far it is now.
    pub fn show(&mut self, now: &Now<'_>) {
        let Some(term) = self.term.clone() else { return };
        if self.changed.is_some_and(|changed| changed.elapsed() < PACE) {
            return;
        }
        self.changed = Some(Instant::now());
        if now.catching_up {
            draw(&term, &cut("looking for the place to go on", room(&term)));
            return;
        }
        let (total, fraction) = self.expected(now);
        let begun = match self.begun {
            Some(begun) if begun.entry == now.entry => begun,
            _ => {
                let at = Instant::now();
                *self.begun.insert(Begun { entry: now.entry, at, fraction: fraction.unwrap_or(0.) })
            }
        };
        let state = State {
            entry: now.entry,
            recorded: now.recorded.duration,
            total,
            fraction,
            left: fraction.and_then(|fraction| left(begun.at.elapsed(), begun.fraction, fraction)),
            bytes: now.recorded.bytes,
        };
        draw(&term, &state.line(room(&term)));
    }

    /// Takes the line away until there is something to show again.
    pub fn clear(&self) {
        if let Some(term) = &self.term {
            let _ = term.clear_line();
        }
    }

    /// Takes the line away for good.
    pub fn finish(&mut self) {
        if let Some(term) = self.term.take() {
            let _ = term.clear_line();
        }
    }

    /// How much media there will be, and which part of it is here.
    fn expected(&self, now: &Now<'_>) -> (Option<Duration>, Option<f64>) {
        let content = now.content;
        let known = !content.features().is_live();
        let whole = content.duration().filter(|time| known && !time.is_zero());
        let rest = match self.start {
            Start::Beginning => whole,
            Start::Time(from) => whole.map(|whole| whole.saturating_sub(from)),
            _ => None,
        };
        let total = match (rest, self.duration) {
            (Some(rest), Some(limit)) => Some(rest.min(limit)),
            (rest, limit) => limit.or(rest),
        };
        let first = match self.start {
            Start::Beginning => Some(0),
            Start::Packet(first) => Some(first.get()),
            _ => None,
        };
        let packets = content
            .packet_count()
            .zip(first)
            .map(|(count, first)| count.saturating_sub(first.into()))
            .filter(|_| self.duration.is_none());
        let fraction = match (packets, total) {
            (Some(packets @ 1..), _) => Some(ratio(now.recorded.packets, packets)),
            (_, Some(total)) => {
                Some(now.recorded.duration.as_secs_f64() / total.as_secs_f64().max(0.001))
            }
            _ => None,
        };
        (total, fraction.map(|fraction| fraction.clamp(0., 1.)))
    }
}

/// What the line says.
struct State {
    entry: u32,
    recorded: Duration,
    total: Option<Duration>,
    fraction: Option<f64>,
    left: Option<Duration>,
    bytes: u64,
}

impl State {
    /// As much as fits.
    fn line(&self, room: usize) -> String {
        let mut start = match self.entry {
            0 => String::new(),
            entry => format!("entry {}: ", entry.saturating_add(1)),
        };
        if let Some(fraction) = self.fraction {
            let _ = write!(start, "{:>3.0}% ", (fraction * 100.).floor());
        }
        let mut middle = clock(self.recorded);
        if let Some(total) = self.total {
            let _ = write!(middle, " of {}", clock(total));
        }
        let left = self.left.map_or_else(String::new, |left| format!(", {} left", clock(left)));
        let bytes = format!(", {}", size(self.bytes));
        let full = format!("{middle}{bytes}{left}");
        let bar = room.saturating_sub(start.len()).saturating_sub(full.len()).saturating_sub(3);
        match self.fraction {
            Some(fraction) if bar >= *BAR.start() => {
                format!("{start}{} {full}", bar_of(bar.min(*BAR.end()), fraction))
            }
            _ => {
                let ways = [full, format!("{middle}{left}"), middle];
                let fits = |way: &&String| start.len().saturating_add(way.len()) <= room;
                let way = ways.iter().find(fits).map_or("", String::as_str);
                cut(&format!("{start}{way}"), room)
            }
        }
    }
}

fn bar_of(width: usize, fraction: f64) -> String {
    let done = (0..width).take_while(|&at| ratio_of(at, width) < fraction).count();
    let mut bar = "=".repeat(done.saturating_sub(1));
    if done > 0 {
        bar.push(if done == width { '=' } else { '>' });
    }
    format!("[{bar:<width$}]")
}

fn ratio_of(part: usize, whole: usize) -> f64 {
    ratio(part as u64, whole as u64)
}

#[expect(clippy::cast_precision_loss, reason = "a bar of 30 columns needs no more")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// How long it will still take, if it goes on as it went so far.
fn left(elapsed: Duration, from: f64, fraction: f64) -> Option<Duration> {
    if elapsed < GUESS_AFTER || fraction <= from {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * (1. - fraction) / (fraction - from)).ok()
}

/// Hours, minutes, seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Bytes in the unit that reads best.
#[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"].iter();
    let mut unit = units.next();
    while amount >= 1000. {
        let Some(larger) = units.next() else { break };
        amount /= 1024.;
        unit = Some(larger);
    }
    let digits = usize::from(bytes >= 1000);
    format!("{amount:.digits$} {}", unit.unwrap_or(&""))
}

/// A longer line would be broken, and only its last part be taken away again.
fn cut(line: &str, room: usize) -> String {
    line.chars().take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_breaks() {
        let state = |entry, fraction: Option<f64>| State {
            entry,
            recorded: Duration::from_secs(3601),
            total: fraction.map(|_| Duration::from_secs(7202)),
            fraction,
            left: fraction.map(|_| Duration::from_secs(61)),
            bytes: 123_456_789,
        };
        let half = state(0, Some(0.5));
        assert_eq!(
            half.line(77),
            " 50% [============>             ] 1:00:01 of 2:00:02, 117.7 MiB, 0:01:01 left"
        );
        assert_eq!(half.line(37), " 50% 1:00:01 of 2:00:02, 0:01:01 left");
        assert_eq!(half.line(30), " 50% 1:00:01 of 2:00:02");
        assert_eq!(half.line(4), " 50%");
        assert_eq!(state(1, None).line(77), "entry 2: 1:00:01, 117.7 MiB");
        for room in 0..200 {
            for state in [state(0, Some(1.)), state(9, Some(0.)), state(7, None)] {
                assert!(state.line(room).len() <= room);
            }
        }
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0 KiB"),
            (123_456_789, "117.7 MiB"),
            (u64::MAX, "16384.0 PiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_bar_fills() {
        assert_eq!(bar_of(10, 0.), "[          ]");
        assert_eq!(bar_of(10, 0.01), "[>         ]");
        assert_eq!(bar_of(10, 0.5), "[====>     ]");
        assert_eq!(bar_of(10, 1.), "[==========]");
    }

    #[test]
    fn the_rest_is_guessed_from_what_was_done() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(10), 0., 0.25), Some(seconds(30)));
        assert_eq!(left(seconds(10), 0.5, 0.75), Some(seconds(10)));
        assert_eq!(left(Duration::from_millis(10), 0., 0.5), None);
        assert_eq!(left(seconds(10), 0.5, 0.5), None);
        assert_eq!(left(seconds(u64::MAX), 0., f64::MIN_POSITIVE), None);
    }
}
