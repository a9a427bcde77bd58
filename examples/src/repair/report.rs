//! What a repair did, for people and for programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mms_asf::{Change, Repaired};
use serde_json::{Value, json};

use super::RepairError;
use crate::files::{input_name, output_name, shown};
use crate::inspect::milliseconds;

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
        for change in &repaired.changes {
            let _ = writeln!(out, "  {change}");
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
