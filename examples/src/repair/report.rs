//! What a repair did, for people and for programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mms_asf::{Change, Repaired};
use serde_json::{Value, json};

use super::RepairError;
use crate::files::{input_name, output_name, shown};
use crate::inspect::milliseconds;

/// Places of one kind that are listed one by one.
const MAX_PLACES: usize = 10;

/// What was done.
#[derive(Debug)]
pub struct Report {
    /// The file that was read.
    pub input: PathBuf,
    /// The file that was written; `None` when it would have been the same in the same place.
    pub output: Option<PathBuf>,
    /// The file that what followed of another stream was written to.
    pub rest: Option<PathBuf>,
    /// What is in it.
    pub repaired: Repaired,
}

impl Report {
    /// The object for a file that was not repaired.
    #[must_use]
    pub fn failed(input: &Path, error: &RepairError) -> Value {
        json!({ "input": input.to_string_lossy(), "error": error.to_string() })
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let repaired = &self.repaired;
        let mut out = String::new();
        if repaired.changes.is_empty() && repaired.next.is_none() {
            let _ = write!(out, "{} is whole: nothing had to be changed", input_name(&self.input));
            match &self.output {
                Some(output) => {
                    let _ = writeln!(out, ", {} is a copy", output_name(output));
                }
                None => out.push_str(", and nothing was written\n"),
            }
            return out;
        }
        let output = self.output.as_ref().unwrap_or(&self.input);
        let seekable = if repaired.seekable { "" } else { ", players cannot seek in it" };
        let _ = writeln!(
            out,
            "{}: {} packets, {} bytes, {:.3} s of media{seekable}",
            output_name(output),
            repaired.packets,
            repaired.file_size,
            repaired.media_duration.as_secs_f64(),
        );
        for line in lines(&repaired.changes) {
            let _ = writeln!(out, "  {line}");
        }
        if let Some(next) = repaired.next {
            let _ = match &self.rest {
                Some(rest) => writeln!(
                    out,
                    "another stream follows at byte {next}: it is in {}, repair that too",
                    shown(rest)
                ),
                None => writeln!(
                    out,
                    "another stream follows at byte {next} and is not in it: --rest FILE saves it"
                ),
            };
        }
        out
    }

    /// For programs: one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let repaired = &self.repaired;
        json!({
            "input": self.input.to_string_lossy(),
            "output": self.output.as_ref().map(|path| path.to_string_lossy()),
            "packets": repaired.packets,
            "bytes": repaired.file_size,
            "media_duration_ms": milliseconds(repaired.media_duration),
            "seekable": repaired.seekable,
            "left_out": repaired.left_out,
            "lost": repaired.lost,
            "changes": changes(&repaired.changes),
            "next": repaired.next,
            "rest": self.rest.as_ref().map(|path| path.to_string_lossy()),
            "error": null,
        })
    }
}

/// What was changed, for people: of places of one kind the first ones and a sum.
fn lines(changes: &[Change]) -> Vec<String> {
    let mut sums = [Sum::default(); 3];
    let mut lines = Vec::new();
    for change in changes {
        let (at, len) = match change {
            Change::Damage { len, .. } => (0, *len),
            Change::Repeated { len, .. } => (1, *len),
            Change::Kept { .. } => (2, 0),
            _ => {
                lines.push(change.to_string());
                continue;
            }
        };
        let Some(sum) = sums.get_mut(at) else { continue };
        sum.places += 1;
        if sum.places <= MAX_PLACES {
            lines.push(change.to_string());
            sum.after = lines.len();
        } else {
            sum.bytes = sum.bytes.saturating_add(len);
        }
    }
    let texts = sums.iter().enumerate().filter_map(|(at, sum)| {
        let (more, bytes) =
            (sum.places.checked_sub(MAX_PLACES).filter(|&more| more > 0)?, sum.bytes);
        let text = match at {
            0 => format!("left out {bytes} bytes in {more} more places"),
            1 => format!("left out {bytes} bytes in {more} more places: the header again"),
            _ => format!("kept the whole payloads of {more} more packets"),
        };
        Some((sum.after, text))
    });
    let mut texts: Vec<_> = texts.collect();
    // The last one first: what precedes it stays where it is.
    texts.sort_by_key(|(after, _)| std::cmp::Reverse(*after));
    for (after, text) in texts {
        lines.insert(after, text);
    }
    lines
}

/// Places of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    places: usize,
    /// Bytes of those that are not listed.
    bytes: u64,
    /// Number of lines up to the last one that is listed.
    after: usize,
}

/// What was changed, for programs.
pub(crate) fn changes(changes: &[Change]) -> Vec<Value> {
    let object = |change: &Change| json!({ "kind": kind(change), "text": change.to_string() });
    changes.iter().map(object).collect()
}

/// The name of a kind of change, which stays when its words change.
pub(crate) fn kind(change: &Change) -> &'static str {
    match change {
        Change::Header(_) => "header",
        Change::Broadcast => "broadcast",
        Change::PacketCount { .. } => "packet_count",
        Change::FileSize { .. } => "file_size",
        Change::PlayDuration { .. } => "play_duration",
        Change::SendDuration { .. } => "send_duration",
        Change::DataObject { .. } => "data_object",
        Change::Blanked { .. } => "blanked",
        Change::Seekable => "seekable",
        Change::Rebased(_) => "rebased",
        Change::Restarted { .. } => "restarted",
        Change::Damage { .. } => "damage",
        Change::Repeated { .. } => "repeated",
        Change::Cut { .. } => "cut",
        Change::Filled { .. } => "filled",
        Change::Kept { .. } => "kept",
        Change::Padded { .. } => "padded",
        Change::PacketLengths { .. } => "packet_lengths",
        Change::ObjectLeftOut { .. } => "object_left_out",
        Change::IndexMade(_) => "index_made",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use mms_asf::Cause;

    use super::*;

    #[test]
    fn places_of_one_kind_are_summed_up() {
        let damage = |offset| Change::Damage { offset, len: 7, cause: Cause::Lost };
        let listed: Vec<_> = (0..10).map(damage).chain([Change::Seekable]).collect();
        let wanted: Vec<_> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(lines(&listed), wanted);
        let kept = |offset| Change::Kept { offset, len: 100 };
        let many: Vec<_> =
            (0..12).flat_map(|at| [damage(at), kept(at)]).chain([Change::Seekable]).collect();
        let found = lines(&many);
        assert_eq!(found.len(), 23);
        assert_eq!(found[19], "left out 14 bytes in 2 more places");
        assert_eq!(found[21], "kept the whole payloads of 2 more packets");
        assert_eq!(found[22], Change::Seekable.to_string());
    }
}
