//! The report for programs: one object.

use mms_asf::{SendClock, Stream};
use serde_json::{Map, Value, json};

use super::counts::StreamCounts;
use super::format::format;
use super::part::Part;
use super::repairable::Repairable;
use super::tree::Node;
use super::{Report, milliseconds};

impl Report {
    /// For programs: one object. What lies behind the first header is at its top level, what lies
    /// behind others is in `more`.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut parts = self.parts.iter().map(Part::json);
        let mut whole = parts.next().unwrap_or_default();
        whole.insert("file".to_owned(), self.path.to_string_lossy().into());
        whole.insert("error".to_owned(), Value::Null);
        whole.insert("more".to_owned(), parts.map(Value::Object).collect());
        whole.insert("headers_left_out".to_owned(), self.more.into());
        Value::Object(whole)
    }
}

impl Part {
    fn json(&self) -> Map<String, Value> {
        let (header, counts) = (&self.header, &self.counts);
        let file = header.file();
        let declared = header.streams().iter().map(|stream| {
            let none = StreamCounts::default();
            stream_json(stream, counts.streams.get(&stream.number).unwrap_or(&none))
        });
        let unknown = counts.streams.iter().filter(|(number, _)| header.stream(**number).is_none());
        let unknown = unknown.map(|(number, counts)| {
            let mut object = counts_json(counts);
            object.insert("number".to_owned(), (*number).into());
            Value::Object(object)
        });
        let media = self.media();
        let (repairable, others) = self.faults();
        let protection = header.protection();
        let value = json!({
            "offset": self.offset,
            "bytes": self.len,
            "title": header.title(),
            "author": header.author(),
            "file_id": file.file_id.to_string(),
            "file_size": file.file_size,
            "packet_size": file.packet_size,
            "packet_count_declared": file.packet_count,
            "packets": counts.packets,
            "packets_damaged": self.findings.damaged_packets,
            "packets_without_media": counts.opaque,
            "damaged_bytes": self.findings.damaged_bytes,
            "leftover_bytes": self.leftover,
            "padding_bytes": counts.padding,
            "play_duration_ms": milliseconds(file.play_duration),
            "send_duration_ms": milliseconds(file.send_duration),
            "preroll_ms": milliseconds(file.preroll),
            "media_duration_ms": milliseconds(file.media_duration()),
            "first_media_ms": media.map(|(first, _)| milliseconds(first)),
            "last_media_ms": media.map(|(_, last)| milliseconds(last)),
            "first_send_ms": counts.sent.first.map(SendClock::first),
            "last_send_ms": counts.sent.last.map(SendClock::first),
            "send_times_backwards": counts.sent.backwards,
            "broadcast": file.broadcast(),
            "seekable": file.seekable(),
            "protected": protection.is_encrypted(),
            "protection": protection.to_string(),
            "max_bit_rate": file.max_bit_rate,
            "header_bytes": header.len(),
            "data_offset": self.data_offset,
            "data_bytes_declared": header.data_size(),
            "objects": nodes(&self.tree),
            "objects_behind": nodes(&self.behind),
            "streams": declared.collect::<Vec<_>>(),
            "streams_not_declared": unknown.collect::<Vec<_>>(),
            "repairable": repairable.iter().map(Repairable::json).collect::<Vec<_>>(),
            "deviations": others,
        });
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }
}

fn nodes(nodes: &[Node]) -> Vec<Value> {
    nodes.iter().map(Node::json).collect()
}

fn stream_json(stream: &Stream, counts: &StreamCounts) -> Value {
    let value = json!({
        "number": stream.number,
        "kind": format!("{:?}", stream.kind),
        "codec": stream.codec_name(),
        "format": format(&stream.format()),
        "bit_rate": stream.bit_rate,
        "encrypted": stream.encrypted,
        "sample_rate": stream.audio().map(|audio| audio.sample_rate),
        "channels": stream.audio().map(|audio| audio.channels),
        "width": stream.video().map(|video| video.width),
        "height": stream.video().map(|video| video.height),
    });
    let mut all = counts_json(counts);
    if let Value::Object(object) = value {
        all.extend(object);
    }
    Value::Object(all)
}

fn counts_json(counts: &StreamCounts) -> Map<String, Value> {
    let value = json!({
        "packets": counts.packets,
        "payloads": counts.payloads,
        "payload_bytes": counts.payload_bytes,
        "objects": counts.objects,
        "object_bytes": counts.object_bytes,
        "key_frames": counts.key_frames,
        "incomplete": counts.incomplete,
        "incomplete_bytes": counts.incomplete_bytes,
        "first_ms": counts.shown.least,
        "last_ms": counts.shown.most,
        "times_backwards": counts.shown.backwards,
    });
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
