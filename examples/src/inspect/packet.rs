//! One packet, for those who want to see them all.

use std::fmt::Write as _;

use mms_asf::{Packet, Payload, SendClock};
use serde_json::{Value, json};

use super::time;

/// A packet that is being read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// Which header is in front of it, counted from 0.
    pub part: u64,
    /// Its number behind that header, counted from 0.
    pub number: u64,
    /// Where it starts in the input.
    pub offset: u64,
    /// The packet.
    pub bytes: &'a [u8],
    /// The file's packet size.
    pub size: u32,
}

impl Seen<'_> {
    /// What the columns of [`line`](Self::line) are.
    pub const COLUMNS: &'static str = "packet @offset send time +duration in ms, bytes used + \
        padding; payloads: stream.object offset/size presentation time, K for key frame";

    /// For people: one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{} @{}", self.number, self.offset);
        let packet = match Packet::parse(self.bytes, self.size) {
            Ok(packet) => packet,
            Err(error) => return format!("{line} {error}"),
        };
        let used = packet.payload_end().unwrap_or(self.bytes.len());
        let (sent, duration) =
            (time(Some(SendClock::first(packet.send_time()))), packet.duration());
        let padding = self.bytes.len().saturating_sub(used);
        let _ = write!(line, " {sent} +{duration}, {used}+{padding};");
        for payload in packet.payloads() {
            match payload {
                Ok(payload) => line.push_str(&short(&payload)),
                Err(error) => {
                    let _ = write!(line, " {error}");
                }
            }
        }
        line
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let place = |more: Value| {
            let mut object = json!({
                "header": self.part,
                "number": self.number,
                "offset": self.offset,
            });
            if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
                object.extend(more);
            }
            object
        };
        let packet = match Packet::parse(self.bytes, self.size) {
            Ok(packet) => packet,
            Err(error) => return place(json!({ "error": error.to_string() })),
        };
        let used = packet.payload_end().unwrap_or(self.bytes.len());
        let payloads = packet.payloads().map(|payload| match payload {
            Ok(payload) => json!({
                "stream": payload.stream,
                "object": payload.object_number,
                "offset": payload.offset,
                "size": payload.object_size,
                "bytes": payload.data.len(),
                "presentation_ms": payload.presentation_time,
                "key_frame": payload.key_frame,
                "compressed": payload.compressed.map(|_| whole(&payload)),
            }),
            Err(error) => json!({ "error": error.to_string() }),
        });
        place(json!({
            "send_ms": packet.send_time(),
            "duration_ms": packet.duration(),
            "bytes": used,
            "padding": self.bytes.len().saturating_sub(used),
            "payloads": payloads.collect::<Vec<_>>(),
        }))
    }
}

fn short(payload: &Payload<'_>) -> String {
    let key = if payload.key_frame { "K" } else { "" };
    let Payload { stream, object_number, offset, presentation_time, .. } = *payload;
    let at = time(Some(SendClock::first(presentation_time)));
    let part = match (payload.compressed, payload.object_size) {
        (Some(delta), _) => format!("{} objects of {delta} ms", whole(payload)),
        (None, Some(size)) => format!("{offset}/{size}"),
        (None, None) => format!("{offset}/?"),
    };
    format!(" {stream}.{object_number} {part} {at}{key}")
}

/// How many whole objects are in a compressed payload.
fn whole(payload: &Payload<'_>) -> usize {
    payload.pieces().filter(Result::is_ok).count()
}
