//! What became of a file that lost streams.

use std::fmt::Write as _;
use std::path::PathBuf;

use mms_asf::{Filtered, RemovedStream};
use serde_json::{Value, json};

use super::Options;
use crate::files::{output_name, shown};
use crate::inspect::milliseconds;
use crate::repair::changes;
use crate::text::one_line;

/// What was written, and what was not.
#[derive(Debug)]
pub struct Report {
    options: Options,
    filtered: Filtered,
}

impl Report {
    pub(super) fn new(options: &Options, filtered: Filtered) -> Self {
        Self { options: options.clone(), filtered }
    }

    /// The file that was written.
    #[must_use]
    pub fn output(&self) -> &PathBuf {
        &self.options.output
    }

    /// What the library says.
    #[must_use]
    pub fn filtered(&self) -> &Filtered {
        &self.filtered
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let file = &self.filtered.file;
        let mut out = String::new();
        let mut line = |text: String| {
            // Codecs and numbers come from the file: whoever made it may have written anything.
            let _ = writeln!(out, "{}", one_line(&text, ' '));
        };
        line(format!(
            "{}: {} packets, {} bytes, {:.3} s, {}",
            output_name(self.output()),
            file.packets,
            file.file_size,
            file.media_duration.as_secs_f64(),
            if file.seekable { "seekable" } else { "not seekable" },
        ));
        for stream in &self.filtered.removed {
            line(format!(
                "removed stream {} ({}): {} payloads with {} bytes",
                stream.number,
                codec(stream).as_deref().unwrap_or("not declared"),
                stream.payloads,
                stream.bytes,
            ));
        }
        if self.filtered.removed_packets != 0 {
            line(format!(
                "removed packets that held nothing else: {}",
                self.filtered.removed_packets
            ));
        }
        if self.filtered.unreadable_packets != 0 {
            line(format!(
                "removed packets that cannot be read: {}",
                self.filtered.unreadable_packets
            ));
        }
        for change in &file.changes {
            line(change.to_string());
        }
        if let Some(next) = file.next {
            line(format!(
                "the header of another stream lies at byte {next} of {}: it ends there",
                shown(&self.options.input)
            ));
        }
        out
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let file = &self.filtered.file;
        let removed: Vec<_> = self
            .filtered
            .removed
            .iter()
            .map(|stream| {
                json!({
                    "number": stream.number,
                    "codec": codec(stream),
                    "payloads": stream.payloads,
                    "bytes": stream.bytes,
                })
            })
            .collect();
        json!({
            "input": self.options.input.to_string_lossy(),
            "output": self.output().to_string_lossy(),
            "error": null,
            "packets": file.packets,
            "bytes": file.file_size,
            "media_duration_ms": milliseconds(file.media_duration),
            "seekable": file.seekable,
            "removed": removed,
            "removed_packets": self.filtered.removed_packets,
            "unreadable_packets": self.filtered.unreadable_packets,
            "left_out": file.left_out,
            "changes": changes(&file.changes),
            "next": file.next,
        })
    }
}

fn codec(stream: &RemovedStream) -> Option<String> {
    stream.declared.as_ref().map(|declared| declared.codec_name().into_owned())
}
