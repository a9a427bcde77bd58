//! How a recording went, for people and for programs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use mms_client::{MmsUrl, Summary};
use mms_proto::Start;
use serde_json::{Value, json};

use super::{Demo, Failure, failure, shown};
use crate::inspect::milliseconds;
use crate::text::one_line;

/// Gaps that a summary lists.
const MAX_SHOWN_BREAKS: usize = 10;

/// How a recording went.
#[derive(Debug, Default)]
pub struct Report {
    /// The address, without a password; empty when it did not come so far.
    pub url: String,
    /// Title of the content, in its author's words.
    pub title: Option<String>,
    /// The files that were written; "-" is standard output.
    pub files: Vec<PathBuf>,
    /// What is in them.
    pub summary: Summary,
    /// The start that was asked for.
    pub start: Start,
    /// More entries of a playlist follow than files may be made.
    pub more_follows: bool,
    /// How long it took.
    pub seconds: Duration,
    /// The file can be continued: it is one, and the stream is neither live nor a playlist.
    pub resumable: bool,
    /// How many packets were compared with the clip of the demonstration and are identical.
    pub identical: Option<u64>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

impl Report {
    pub(super) fn new(url: &MmsUrl) -> Self {
        Self { url: url.to_string(), ..Self::default() }
    }

    /// A report of something that did not even begin.
    #[must_use]
    pub fn failed(failure: impl Into<Failure>) -> Self {
        Self { failure: Some(failure.into()), ..Self::default() }
    }

    /// Compares what was recorded with the clip of the demonstration, where it went into a file.
    pub fn check(&mut self, demo: &Demo) {
        // What went into a pipe or a device cannot be read again.
        let again = |path: &&PathBuf| path.as_os_str() != "-" && path.is_file();
        let Some(file) = self.files.first().filter(again) else { return };
        match demo.check(file) {
            Ok(count) => self.identical = Some(count),
            Err(error) => self.failure = Some(error.into()),
        }
    }

    /// A few lines for a person; none when there is nothing to tell but the failure.
    #[must_use]
    pub fn text(&self) -> String {
        let summary = &self.summary;
        let mut out = String::new();
        if summary.packets == 0 || self.failure.as_ref().is_some_and(Failure::left_file_alone) {
            return out;
        }
        if let Some(title) = &self.title {
            // Quoted and escaped: its author may have written anything.
            let _ = writeln!(out, "{title:?}");
        }
        let files: Vec<String> = self.files.iter().map(|path| shown(path)).collect();
        let files = files.join(", ");
        if summary.already_complete {
            let _ = writeln!(out, "{files} was complete already: nothing was missing");
        } else {
            let _ = writeln!(
                out,
                "recorded {} of media to {files} ({}, {} bytes, in {:.1} s)",
                clock(summary.duration),
                packets(summary.packets),
                summary.bytes,
                self.seconds.as_secs_f64(),
            );
        }
        if let Some(start) = summary.start {
            let _ = match self.start {
                Start::Time(asked) if start < asked => writeln!(
                    out,
                    "it begins at {} of the content, the last place before {} that can be played from",
                    exact(start),
                    exact(asked)
                ),
                _ if start.is_zero() => Ok(()),
                _ => writeln!(out, "it begins at {} of the content", exact(start)),
            };
        }
        if self.more_follows {
            let _ = writeln!(
                out,
                "stopped after {}, although more follow: --max-files sets the number",
                match self.files.len() {
                    1 => "1 file".to_owned(),
                    count => format!("{count} files"),
                }
            );
        }
        if let Some(before) = summary.resumed_from.filter(|_| !summary.already_complete) {
            let _ = writeln!(out, "the first {} were in the file already", packets(before));
        }
        if summary.cancelled {
            out.push_str("stopped early, as asked");
            match self.again() {
                Some(again) => {
                    let _ = writeln!(
                        out,
                        ": the file plays, and the same command with {again} continues it"
                    );
                }
                None => out.push('\n'),
            }
        }
        if summary.unselected > 0 {
            let _ = writeln!(
                out,
                "the server ignores --streams: what it sent of the other streams was left out"
            );
        }
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                let _ = writeln!(out, "{} {what}", packets(count));
            }
        };
        note(summary.repeated, "came twice and were left out");
        note(summary.too_long, "did not fit and were left out: longer than the header allows");
        // Going on from another place leaves some behind, which is as it should be.
        if summary.resumed_from.is_none() {
            note(summary.dropped, "came that nothing had asked for");
        }
        self.breaks(&mut out);
        if summary.restarts > 0 {
            let times = if summary.restarts == 1 { "once" } else { "several times" };
            let _ = writeln!(
                out,
                "the clock of the stream started anew {times} ({}): what followed was moved to \
                 continue the recording",
                summary.restarts
            );
        }
        if summary.deviations > 0 {
            let _ = writeln!(
                out,
                "the server broke the rules of the protocol {} times, without harm",
                summary.deviations
            );
        }
        if let Some(count) = self.identical {
            let _ = writeln!(out, "all {count} packets are identical to the clip's");
        }
        out
    }

    /// The gaps that broken connections left.
    fn breaks(&self, out: &mut String) {
        let breaks = &self.summary.breaks;
        for one in breaks.iter().take(MAX_SHOWN_BREAKS) {
            let file = usize::try_from(one.entry).ok().and_then(|entry| self.files.get(entry));
            let _ = writeln!(
                out,
                "the connection broke {} into {}: it went on {} later, with a gap of {}",
                clock(one.at),
                file.map_or_else(|| "the recording".to_owned(), |file| shown(file)),
                exact(one.outage),
                exact(one.gap),
            );
        }
        if breaks.len() > MAX_SHOWN_BREAKS {
            let _ = writeln!(
                out,
                "it broke {} times more",
                self.summary.reconnections.saturating_sub(MAX_SHOWN_BREAKS as u64)
            );
        }
    }

    /// One line: what, where, what to do. `None` when nothing went wrong.
    #[must_use]
    pub fn failure_line(&self) -> Option<String> {
        let failure = self.failure.as_ref()?;
        let mut line = failure.to_string();
        let kept = self.summary.packets;
        // Where a resumed recording got nothing more, another try gets as little.
        let stuck = failure.is_cut() && self.summary.resumed_from == Some(kept);
        let again = self.again().filter(|_| kept > 0 && failure.may_pass() && !stuck);
        let advice = failure.advice();
        let replaced = |advice: &str| advice == failure::AGAIN || failure.is_cut();
        if let Some(advice) = advice.filter(|advice| again.is_none() || !replaced(advice)) {
            let _ = write!(line, "; {advice}");
        }
        if let Some(again) = again {
            let _ = write!(line, "; {} are recorded, go on with {again}", packets(kept));
        }
        // What a server says may hold anything.
        Some(one_line(&line, ' '))
    }

    /// What to type to continue the file, where that is possible.
    fn again(&self) -> Option<String> {
        match self.files.as_slice() {
            [file] if self.resumable => {
                let name = file.to_string_lossy();
                let name = quoted(&name, cfg!(unix))?;
                Some(format!("-o {name} --resume"))
            }
            _ => None,
        }
    }

    /// One object for a program.
    #[must_use]
    pub fn json(&self) -> Value {
        let summary = &self.summary;
        let files: Vec<String> =
            self.files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        json!({
            "url": self.url,
            "transport": "tcp",
            "title": self.title,
            "file": files.first(),
            "files": files,
            "packets": summary.packets,
            "bytes": summary.bytes,
            "media_duration_ms": milliseconds(summary.duration),
            "start_ms": summary.start.map(milliseconds),
            "resumed_from": summary.resumed_from,
            "already_complete": summary.already_complete,
            "reconnections": summary.reconnections,
            "breaks": summary.breaks.iter().map(|one| json!({
                "file": one.entry,
                "at_ms": milliseconds(one.at),
                "gap_ms": milliseconds(one.gap),
                "outage_ms": milliseconds(one.outage),
            })).collect::<Vec<_>>(),
            "cancelled": summary.cancelled,
            "packets_repeated": summary.repeated,
            "packets_too_long": summary.too_long,
            "clock_restarts": summary.restarts,
            "packets_unasked": summary.dropped,
            "payloads_unselected": summary.unselected,
            "more_follows": self.more_follows,
            "deviations": summary.deviations,
            "identical_packets": self.identical,
            "seconds": self.seconds.as_secs_f64(),
            "error": self.failure_line(),
        })
    }
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}

/// A file name to be pasted into a shell. It may come from the address, so nothing in it may have a
/// meaning there: `None` where that cannot be had in every shell of the system.
fn quoted(name: &str, unix: bool) -> Option<String> {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    // Otherwise it would be read as an option.
    let dot = if name.starts_with('-') { "./" } else { "" };
    if name.chars().all(plain) {
        Some(format!("{dot}{name}"))
    } else if unix {
        // In double quotes a shell runs what a name like `$(x)` says.
        Some(format!("'{dot}{}'", name.replace('\'', "'\\''")))
    } else {
        // cmd knows no single quotes, PowerShell runs `$(x)` in double ones.
        let harmless = |c: char| plain(c) || " \\:".contains(c);
        name.chars().all(harmless).then(|| format!("\"{dot}{name}\""))
    }
}

/// Seconds with milliseconds, as far as they are needed.
fn exact(time: Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Hours, minutes and seconds, as far as they are needed.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{:02} h", seconds % 60)
    } else if minutes > 0 {
        format!("{minutes}:{:02} min", seconds % 60)
    } else {
        format!("{seconds}.{} s", time.subsec_millis() / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_it_quotes() {
        let server = "host\n\u{1b}[2J\u{9b}\u{202e}\u{2028}:1755".to_owned();
        let report = Report::failed(Failure::Nothing { server });
        let line = report.failure_line().unwrap();
        assert!(line.starts_with("host  [2J   :1755: the stream ended without"), "{line:?}");
        assert!(!line.contains(crate::text::is_control));
    }

    #[test]
    fn what_is_to_be_typed_runs_nothing_but_the_program() {
        for (name, unix, elsewhere) in [
            ("a.wmv", Some("a.wmv"), Some("a.wmv")),
            ("-a.wmv", Some("./-a.wmv"), Some("./-a.wmv")),
            ("a b.wmv", Some("'a b.wmv'"), Some(r#""a b.wmv""#)),
            (r"C:\a.wmv", Some(r"'C:\a.wmv'"), Some(r#""C:\a.wmv""#)),
            ("$(id) `id`.wmv", Some("'$(id) `id`.wmv'"), None),
            ("-a&id.wmv", Some("'./-a&id.wmv'"), None),
            ("it's.wmv", Some(r"'it'\''s.wmv'"), None),
        ] {
            assert_eq!(quoted(name, true).as_deref(), unix);
            assert_eq!(quoted(name, false).as_deref(), elsewhere);
        }
        let files = vec!["$(id).wmv".into()];
        let report = Report { files, resumable: true, ..Report::default() };
        assert_eq!(report.again().as_deref(), cfg!(unix).then_some("-o '$(id).wmv' --resume"));
    }
}
