//! What is in an ASF file: header, streams, packet statistics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::BytesMut;
use mms_asf::{FileError, FileReader, Packet};
use serde_json::{Value, json};

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}; check the name and the permissions")]
    Unreadable(#[from] io::Error),
    /// A folder, a pipe or a device.
    #[error("is no regular file; name a .wmv, .wma or .asf file")]
    NoFile,
    /// It is something else, or damaged beyond reading.
    #[error("is no ASF file, or its header is damaged ({0}); name a .wmv, .wma or .asf file")]
    NotAsf(FileError),
}

impl From<FileError> for InspectError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => Self::Unreadable(error),
            other => Self::NotAsf(other),
        }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    path: PathBuf,
    header: mms_asf::Header,
    packets: Packets,
}

/// Counts over all packets.
#[derive(Debug, Default)]
struct Packets {
    whole: u64,
    leftover: u64,
    unreadable: u64,
    first_send: Option<u32>,
    last_send: Option<u32>,
    padding: u64,
    streams: BTreeMap<u8, StreamCounts>,
}

#[derive(Debug, Default)]
struct StreamCounts {
    payloads: u64,
    bytes: u64,
    objects: u64,
    key_frames: u64,
    first: Option<u32>,
    last: Option<u32>,
}

impl Report {
    /// Reads a whole file.
    ///
    /// # Errors
    /// When it cannot be read or is no ASF file. A damaged packet is counted, not an error.
    pub fn of(path: &Path) -> Result<Self, InspectError> {
        // Opening a pipe would wait for its writer.
        if !path.metadata()?.is_file() {
            return Err(InspectError::NoFile);
        }
        let mut reader = FileReader::open(BufReader::new(File::open(path)?))?;
        let header = reader.header().clone();
        let size = header.file().packet_size;
        let mut packets = Packets {
            whole: reader.packet_count(),
            leftover: reader.leftover(),
            ..Packets::default()
        };
        let mut bytes = BytesMut::new();
        for number in 0..reader.packet_count() {
            bytes.clear();
            reader.packet_into(number, &mut bytes)?;
            packets.add(&bytes, size);
        }
        Ok(Self { path: path.to_owned(), header, packets })
    }

    /// The object for a file of which there is nothing to tell.
    #[must_use]
    pub fn failed(path: &Path, error: &InspectError) -> Value {
        json!({ "file": path.to_string_lossy(), "error": error.to_string() })
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let file = self.header.file();
        let mut out = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<14}{value}");
        };
        // Quoted and escaped: whoever made the file may have written anything.
        if let Some(title) = self.header.title().filter(|title| !title.is_empty()) {
            line("title", format!("{title:?}"));
        }
        if let Some(author) = self.header.author().filter(|author| !author.is_empty()) {
            line("author", format!("{author:?}"));
        }
        line("file id", file.file_id.to_string());
        line(
            "duration",
            format!("{} (and {} of preroll)", clock(file.media_duration()), clock(file.preroll)),
        );
        let mut flags = Vec::new();
        if file.broadcast() {
            flags.push("broadcast: sizes and durations are not valid");
        }
        if file.seekable() {
            flags.push("seekable");
        }
        line("flags", if flags.is_empty() { "none".to_owned() } else { flags.join(", ") });
        line("bit rate", format!("{} bit/s at most", file.max_bit_rate));
        line(
            "header",
            format!("{} bytes, {} objects", self.header.len(), self.header.objects().len()),
        );
        let packets = &self.packets;
        let declared = if file.packet_count == packets.whole || file.broadcast() {
            String::new()
        } else {
            format!(", {} declared", file.packet_count)
        };
        line("packets", format!("{} of {} bytes{declared}", packets.whole, file.packet_size));
        line("padding", format!("{} bytes", packets.padding));
        line("send times", format!("{} to {}", time(packets.first_send), time(packets.last_send)));
        if packets.leftover > 0 {
            line("cut packet", format!("{} bytes at the end", packets.leftover));
        }
        if packets.unreadable > 0 {
            line("damaged", format!("{} packets", packets.unreadable));
        }
        for stream in self.header.streams() {
            let _ = writeln!(out, "stream {}", stream.number);
            let mut line = |name: &str, value: String| {
                let _ = writeln!(out, "  {name:<12}{value}");
            };
            line("kind", format!("{:?}, {}", stream.kind, stream.codec_name()));
            if let Some(audio) = stream.audio() {
                line("audio", format!("{} Hz, channels: {}", audio.sample_rate, audio.channels));
            }
            if let Some(video) = stream.video() {
                line("video", format!("{} x {}", video.width, video.height));
            }
            if let Some(rate) = stream.bit_rate {
                line("bit rate", format!("{rate} bit/s"));
            }
            if stream.encrypted {
                line("protected", "yes".to_owned());
            }
            match packets.streams.get(&stream.number) {
                None => line("packets", "none of its data is in the file".to_owned()),
                Some(counts) => {
                    line(
                        "objects",
                        format!("{}, {} of them key frames", counts.objects, counts.key_frames),
                    );
                    line("payloads", format!("{}, {} bytes", counts.payloads, counts.bytes));
                    line("times", format!("{} to {}", time(counts.first), time(counts.last)));
                }
            }
        }
        for deviation in self.header.deviations() {
            let _ = writeln!(out, "deviation     {deviation}");
        }
        out
    }

    /// For programs: one object.
    #[must_use]
    pub fn json(&self) -> Value {
        let file = self.header.file();
        let packets = &self.packets;
        let streams = self.header.streams().iter().map(|stream| {
            let none = StreamCounts::default();
            let counts = packets.streams.get(&stream.number).unwrap_or(&none);
            json!({
                "number": stream.number,
                "kind": format!("{:?}", stream.kind),
                "codec": stream.codec_name(),
                "bit_rate": stream.bit_rate,
                "encrypted": stream.encrypted,
                "sample_rate": stream.audio().map(|audio| audio.sample_rate),
                "channels": stream.audio().map(|audio| audio.channels),
                "width": stream.video().map(|video| video.width),
                "height": stream.video().map(|video| video.height),
                "payloads": counts.payloads,
                "payload_bytes": counts.bytes,
                "objects": counts.objects,
                "key_frames": counts.key_frames,
                "first_ms": counts.first,
                "last_ms": counts.last,
            })
        });
        let objects = self.header.objects().iter().map(|object| {
            json!({
                "id": object.id.to_string(),
                "name": object.name(),
                "offset": object.offset,
                "bytes": object.bytes.len(),
            })
        });
        json!({
            "file": self.path.to_string_lossy(),
            "error": null,
            "title": self.header.title(),
            "author": self.header.author(),
            "file_id": file.file_id.to_string(),
            "file_size": file.file_size,
            "packet_size": file.packet_size,
            "packet_count_declared": file.packet_count,
            "packets": packets.whole,
            "packets_damaged": packets.unreadable,
            "leftover_bytes": packets.leftover,
            "padding_bytes": packets.padding,
            "play_duration_ms": milliseconds(file.play_duration),
            "send_duration_ms": milliseconds(file.send_duration),
            "preroll_ms": milliseconds(file.preroll),
            "media_duration_ms": milliseconds(file.media_duration()),
            "broadcast": file.broadcast(),
            "seekable": file.seekable(),
            "max_bit_rate": file.max_bit_rate,
            "header_bytes": self.header.len(),
            "objects": objects.collect::<Vec<_>>(),
            "streams": streams.collect::<Vec<_>>(),
            "deviations": self.header.deviations().iter().map(ToString::to_string)
                .collect::<Vec<_>>(),
        })
    }
}

impl Packets {
    fn add(&mut self, bytes: &[u8], size: u32) {
        let Ok(packet) = Packet::parse(bytes, size) else {
            self.unreadable = self.unreadable.saturating_add(1);
            return;
        };
        let at = packet.send_time();
        self.first_send = self.first_send.or(Some(at));
        self.last_send = Some(at);
        if let Some(end) = packet.payload_end() {
            let padding = bytes.len().saturating_sub(end) as u64;
            self.padding = self.padding.saturating_add(padding);
        }
        let mut damaged = false;
        for payload in packet.payloads() {
            let Ok(payload) = payload else {
                damaged = true;
                continue;
            };
            let counts = self.streams.entry(payload.stream).or_default();
            counts.payloads = counts.payloads.saturating_add(1);
            counts.bytes = counts.bytes.saturating_add(payload.data.len() as u64);
            let begun = if payload.compressed.is_some() {
                payload.pieces().count() as u64
            } else {
                u64::from(payload.offset == 0)
            };
            counts.objects = counts.objects.saturating_add(begun);
            if payload.key_frame {
                counts.key_frames = counts.key_frames.saturating_add(begun);
            }
            let at = payload.presentation_time;
            counts.first = Some(counts.first.map_or(at, |first| first.min(at)));
            counts.last = Some(counts.last.map_or(at, |last| last.max(at)));
        }
        self.unreadable = self.unreadable.saturating_add(damaged.into());
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn time(milliseconds: Option<u32>) -> String {
    milliseconds.map_or_else(|| "-".to_owned(), |ms| clock(Duration::from_millis(ms.into())))
}

/// Hours, minutes, seconds and thousandths.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}.{:03}", seconds % 60, time.subsec_millis())
}
