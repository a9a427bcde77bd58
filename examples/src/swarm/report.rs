//! What was measured, beside what is wanted.

use std::fmt;
use std::time::Duration;

use super::Options;
use super::clip::RATE;
use super::crowd::Played;

/// What was measured, as a table.
#[derive(Debug)]
pub struct Report {
    title: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Line {
    name: &'static str,
    measured: String,
    wanted: String,
    held: Option<bool>,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        packets: u64,
        before: Option<u64>,
        played: Played,
    ) -> Self {
        let sessions = u64::from(options.sessions);
        let Played { mut late, ended, why, memory } = played;
        late.sort_unstable();
        let arrived = u64::try_from(late.len()).unwrap_or(u64::MAX);
        let all = sessions.saturating_mul(packets);
        let worst = late.last().copied();
        let line = |name, measured, wanted, held| Line { name, measured, wanted, held };
        let mut lines = vec![
            line(
                "players that came to the end",
                ended.to_string(),
                sessions.to_string(),
                Some(ended == sessions),
            ),
            line("packets", arrived.to_string(), all.to_string(), Some(arrived == all)),
            line("half of them late by", shown(share(&late, 500)), String::new(), None),
            line("999 of 1,000 late by", shown(share(&late, 999)), String::new(), None),
            line(
                "the latest by",
                shown(worst),
                format!("{} ms at most", options.late.as_millis()),
                Some(worst.is_some_and(|worst| worst <= options.late)),
            ),
        ];
        let taken = before.zip(memory).map(|(before, with)| with.saturating_sub(before));
        let each = taken.and_then(|taken| taken.checked_div(sessions));
        lines.push(line(
            "memory of the server a session",
            each.map_or_else(|| "not known".to_owned(), kibibytes),
            format!("{} at most", kibibytes(options.memory)),
            // Elsewhere than on Linux nobody tells.
            each.map(|each| each <= options.memory)
                .or_else(|| cfg!(target_os = "linux").then_some(false)),
        ));
        let mut notes = vec![
            "late: behind the moment at which it was asked for, or as long after it as the packet's"
                .to_owned(),
            "  send time is after that of the first one.".to_owned(),
        ];
        if let Some((before, with)) = before.zip(memory) {
            notes.push(format!(
                "memory: resident, {} before the first session and {} with all of them; what the",
                kibibytes(before),
                kibibytes(with)
            ));
            notes.push("  kernel has for their sockets is not counted.".to_owned());
        }
        notes.extend(why.map(|why| format!("one of the players that did not: {why}")));
        let title = format!(
            "{sessions} sessions at {} kbit/s for {} s from one process",
            RATE / 1000,
            options.time.as_secs()
        );
        Self { title, lines, notes }
    }

    /// What players saw of a server while it was flooded with play commands.
    pub(super) fn of_flood(options: &Options, empty: u8, plays: u64, played: Played) -> Self {
        let sessions = u64::from(options.sessions);
        let Played { mut late, ended, why, .. } = played;
        late.sort_unstable();
        let worst = late.last().copied();
        let line = |name, measured, wanted, held| Line { name, measured, wanted, held };
        let lines = vec![
            line(
                "players that came to the end",
                ended.to_string(),
                sessions.to_string(),
                Some(ended == sessions),
            ),
            line("play commands of the flood", plays.to_string(), String::new(), Some(plays > 0)),
            line("half of them late by", shown(share(&late, 500)), String::new(), None),
            line("999 of 1,000 late by", shown(share(&late, 999)), String::new(), None),
            line(
                "the latest by",
                shown(worst),
                format!("{} ms at most", options.late.as_millis()),
                Some(worst.is_some_and(|worst| worst <= options.late)),
            ),
        ];
        let title = format!(
            "{sessions} sessions for {} s beside {} connections that seek without end; the file \
             declares {empty} empty streams",
            options.time.as_secs(),
            options.flood,
        );
        let notes = why.map(|why| format!("one of the players that did not: {why}"));
        Self { title, lines, notes: notes.into_iter().collect() }
    }

    /// True when nothing that was wanted was missed.
    #[must_use]
    pub fn is_as_wanted(&self) -> bool {
        self.lines.iter().all(|line| line.held != Some(false))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        writeln!(f, "{:<31} {:>10}  {:<15} held", "", "", "wanted")?;
        for Line { name, measured, wanted, held } in &self.lines {
            let held = held.map_or("", |held| if held { "yes" } else { "no" });
            let line = format!("{name:<31} {measured:>10}  {wanted:<15} {held}");
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

/// The value that so many of 1,000 do not exceed.
fn share(sorted: &[Duration], of_1000: usize) -> Option<Duration> {
    let place = sorted.len().checked_mul(of_1000)?.div_ceil(1000);
    sorted.get(place.checked_sub(1)?).copied()
}

fn shown(time: Option<Duration>) -> String {
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    time.map_or_else(|| "not known".to_owned(), milliseconds)
}

fn kibibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / 1024;
    if tenths < 1000 {
        format!("{}.{} KiB", tenths / 10, tenths % 10)
    } else {
        format!("{} KiB", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(late: &[u64], ended: u64, memory: u64) -> Report {
        let mut options = Options::new();
        options.sessions = 2;
        let late = late.iter().copied().map(Duration::from_millis).collect();
        let played = Played { late, ended, why: None, memory: Some(memory) };
        Report::new(&options, 2, Some(1 << 20), played)
    }

    #[test]
    fn whatever_is_missed_is_missed() {
        let good = (1 << 20) + (64 << 10);
        assert!(report(&[0, 0, 7, 250], 2, good).is_as_wanted());
        for missed in [
            report(&[0, 0, 7, 251], 2, good),
            report(&[0, 0, 7], 2, good),
            report(&[], 0, good),
            report(&[0, 0, 7, 250], 1, good),
            report(&[0, 0, 7, 250], 2, good + 2),
        ] {
            assert!(!missed.is_as_wanted(), "{missed}");
        }
    }

    #[test]
    fn shares() {
        let ms = Duration::from_millis;
        let times: Vec<_> = (1..=2000).map(ms).collect();
        assert_eq!(share(&times, 500), Some(ms(1000)));
        assert_eq!(share(&times, 999), Some(ms(1998)));
        assert_eq!(share(&[], 999), None);
        assert_eq!(share(&[ms(3)], 1), Some(ms(3)));
    }
}
