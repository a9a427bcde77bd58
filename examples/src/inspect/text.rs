//! The report for people: 80 columns.

use std::fmt::Write as _;
use std::time::Duration;

use mms_asf::{SendClock, Stream};

use super::counts::StreamCounts;
use super::format::{format, quoted};
use super::part::Part;
use super::tree::Node;
use super::{Report, clock, time};

const WIDTH: usize = 80;
/// Width of the names in the tree: the longest at the deepest level, and some room.
const NAMES: usize = 48;
/// So many facts of one object; all of them are in the JSON object.
const FACTS: usize = 24;
/// So many lines of what can be repaired; all of it is in the JSON object.
const LINES: usize = 200;

impl Report {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (number, part) in self.parts.iter().enumerate() {
            if number > 0 {
                let _ =
                    writeln!(out, "\nheader {} at byte {}", number.saturating_add(1), part.offset);
            }
            part.text(&mut out);
        }
        if self.more > 0 {
            let _ = writeln!(out, "\n{} more headers", self.more);
        }
        out
    }
}

impl Part {
    fn text(&self, out: &mut String) {
        self.file(out);
        let _ = writeln!(out, "{:<NAMES$}{:>12}{:>12}", "objects", "offset", "size");
        let header = (self.offset, self.header.len().saturating_sub(50) as u64);
        object(out, 0, "Header Object", header.0, header.1);
        for node in &self.tree {
            self::node(out, 1, node);
        }
        let data = self.header.data_size();
        object(out, 0, "Data Object", self.data_offset, data);
        for node in &self.behind {
            self::node(out, 0, node);
        }
        for stream in self.header.streams() {
            let none = StreamCounts::default();
            let counts = self.counts.streams.get(&stream.number).unwrap_or(&none);
            self::stream(out, stream, counts);
        }
        for (number, counts) in &self.counts.streams {
            if self.header.stream(*number).is_none() {
                let _ = writeln!(out, "stream {number}, not declared");
                self::counts(out, counts);
            }
        }
        let (repairable, others) = self.faults();
        if repairable.is_empty() && others.is_empty() {
            out.push_str("deviations    none\n");
        }
        for fault in repairable.iter().filter(|fault| !fault.harmless).take(LINES) {
            wrapped(out, "repairable", &fault.text);
        }
        if let Some(more @ 1..) = repairable.len().checked_sub(LINES) {
            wrapped(out, "repairable", &format!("and {more} more"));
        }
        for fault in repairable.iter().filter(|fault| fault.harmless) {
            wrapped(out, "harmless", &format!("{}; repair corrects it", fault.text));
        }
        for line in others {
            wrapped(out, "deviation", &line);
        }
    }

    fn file(&self, out: &mut String) {
        let (header, counts) = (&self.header, &self.counts);
        let file = header.file();
        // Quoted and escaped: whoever made the file may have written anything.
        for (name, value) in [("title", header.title()), ("author", header.author())] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                line(out, name, &quoted(&value));
            }
        }
        line(out, "file id", &file.file_id.to_string());
        line(out, "play", &format!("{}, preroll included", clock(file.play_duration)));
        line(out, "preroll", &clock(file.preroll));
        line(out, "media", &format!("{} by the header", clock(file.media_duration())));
        if let Some((first, last)) = self.media() {
            line(out, "", &format!("{} to {} in the packets", clock(first), clock(last)));
        }
        let [first, last] =
            [counts.sent.first, counts.sent.last].map(|sent| time(sent.map(SendClock::first)));
        line(out, "sent", &format!("{} by the header", clock(file.send_duration)));
        if counts.packets > 0 {
            line(out, "", &format!("{first} to {last} in the packets"));
        }
        let mut flags = Vec::new();
        if file.broadcast() {
            flags.push("broadcast: sizes and durations are not valid");
        }
        if file.seekable() {
            flags.push("seekable");
        }
        line(out, "flags", &if flags.is_empty() { "none".to_owned() } else { flags.join(", ") });
        line(out, "protection", &header.protection().to_string());
        line(out, "bit rate", &format!("{} bit/s at most", file.max_bit_rate));
        let declared = if file.packet_count == counts.packets || file.broadcast() {
            String::new()
        } else {
            format!(", {} declared", file.packet_count)
        };
        line(
            out,
            "packets",
            &format!("{} of {} bytes{declared}", counts.packets, file.packet_size),
        );
        line(out, "padding", &format!("{} bytes", counts.padding));
        if counts.opaque > 0 {
            line(out, "parity", &format!("{} packets hold no media", counts.opaque));
        }
        if self.leftover > 0 {
            line(out, "cut packet", &format!("{} bytes at the end", self.leftover));
        }
        if self.findings.damaged_bytes > 0 {
            let (bytes, packets) = (self.findings.damaged_bytes, self.findings.damaged_packets);
            line(out, "damaged", &format!("{bytes} bytes, of them {packets} whole packets"));
        }
    }

    /// From when to when media is shown, without the preroll.
    pub(super) fn media(&self) -> Option<(Duration, Duration)> {
        let shown = || self.counts.streams.values().map(|counts| &counts.shown);
        let first = shown().filter_map(|times| times.least).min()?;
        let last = shown().filter_map(|times| times.most).max()?;
        let preroll = self.header.file().preroll;
        let at =
            |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0)).saturating_sub(preroll);
        Some((at(first), at(last)))
    }
}

fn line(out: &mut String, name: &str, value: &str) {
    let line = format!("{name:<14}{value}");
    let _ = writeln!(out, "{}", cut(&line));
}

fn cut(line: &str) -> std::borrow::Cow<'_, str> {
    console::truncate_str(line, WIDTH, "…")
}

/// A line that is not cut, but goes on in the next one.
fn wrapped(out: &mut String, name: &str, text: &str) {
    let mut name = name;
    let mut line = String::new();
    for word in text.split(' ') {
        let len = console::measure_text_width(&line).saturating_add(word.len());
        if !line.is_empty() && len >= WIDTH.saturating_sub(14) {
            let _ = writeln!(out, "{name:<14}{line}");
            (name, line) = ("", String::new());
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{name:<14}{line}");
}

fn object(out: &mut String, depth: usize, name: &str, offset: u64, size: u64) {
    let name = format!("{:indent$}{name}", "", indent = indent(depth));
    let _ = writeln!(out, "{name:<NAMES$}{offset:>12}{size:>12}");
}

/// Objects lie one in the other, and all in the file.
fn indent(depth: usize) -> usize {
    depth.saturating_add(1).saturating_mul(2)
}

fn node(out: &mut String, depth: usize, node: &Node) {
    object(out, depth, &node.name(), node.offset, node.size);
    let mut fact = |fact: &str| {
        let fact = format!("{:indent$}{fact}", "", indent = indent(depth.saturating_add(1)));
        let _ = writeln!(out, "{}", cut(&fact));
    };
    match &node.content {
        None => fact("cannot be read"),
        Some(facts) => {
            facts.iter().take(FACTS).for_each(|it| fact(it));
            if let Some(more @ 1..) = facts.len().checked_sub(FACTS) {
                fact(&format!("and {more} more"));
            }
        }
    }
    for child in &node.children {
        self::node(out, depth.saturating_add(1), child);
    }
}

fn stream(out: &mut String, stream: &Stream, counts: &StreamCounts) {
    let _ = writeln!(out, "stream {}", stream.number);
    let mut field = |name: &str, value: &str| line(out, &format!("  {name}"), value);
    field("kind", &format!("{:?}, {}", stream.kind, stream.codec_name()));
    for fact in format(&stream.format()) {
        wrapped(out, "  format", &fact);
    }
    let mut field = |name: &str, value: &str| line(out, &format!("  {name}"), value);
    if let Some(rate) = stream.bit_rate {
        field("bit rate", &format!("{rate} bit/s"));
    }
    if let Some(time) = stream.time_per_frame {
        field("frame", &format!("{:.3} ms on average", time.as_secs_f64() * 1000.0));
    }
    if stream.encrypted {
        field("protected", "yes");
    }
    self::counts(out, counts);
}

fn counts(out: &mut String, counts: &StreamCounts) {
    let mut field = |name: &str, value: &str| line(out, &format!("  {name}"), value);
    if counts.payloads == 0 {
        field("packets", "none of its data is in the file");
        return;
    }
    field("packets", &counts.packets.to_string());
    field("payloads", &format!("{}, {} bytes", counts.payloads, counts.payload_bytes));
    let (objects, bytes, keys) = (counts.objects, counts.object_bytes, counts.key_frames);
    field("objects", &format!("{objects}, {bytes} bytes, {keys} of them key frames"));
    let incomplete = counts.incomplete.values().fold(0_u64, |sum, n| sum.saturating_add(*n));
    if incomplete > 0 {
        field("incomplete", &format!("{incomplete}, {} bytes", counts.incomplete_bytes));
    }
    let (first, last) = (time(counts.shown.least), time(counts.shown.most));
    field("times", &format!("{first} to {last}, preroll included"));
}
