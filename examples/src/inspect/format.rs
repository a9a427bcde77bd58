//! Formats of streams, in lines.

use std::fmt::Display;

use mms_asf::formats::{AudioFormat, StreamFormat, VideoFormat, audio_codec};

/// Quoted and escaped: whoever made the file may have written anything.
pub(super) fn quoted(text: &(impl Display + ?Sized)) -> String {
    format!("{:?}", text.to_string())
}

/// One line a fact.
pub(super) fn format(format: &StreamFormat) -> Vec<String> {
    match format {
        StreamFormat::Audio(audio) => vec![sound(audio)],
        StreamFormat::Video(video) => vec![picture(video)],
        StreamFormat::Command => Vec::new(),
        StreamFormat::Jfif(jfif) => vec![format!("{} x {}", jfif.width, jfif.height)],
        StreamFormat::DegradableJpeg(jpeg) => vec![format!("{} x {}", jpeg.width, jpeg.height)],
        StreamFormat::FileTransfer(binary) | StreamFormat::Binary(binary) => {
            let mut lines = vec![format!(
                "{} / {}",
                super::describe::name(binary.major),
                super::describe::name(binary.subtype)
            )];
            lines.extend(binary.audio().as_ref().map(sound));
            lines.extend(binary.video().as_ref().map(picture));
            lines
        }
        StreamFormat::Opaque(_, data) => vec![format!("{} bytes of another format", data.len())],
        _ => Vec::new(),
    }
}

fn sound(audio: &AudioFormat) -> String {
    let name = audio_codec(audio.tag()).unwrap_or("unknown");
    format!(
        "{name} ({:#06x}), {} Hz, channels: {}, {} bits, {} bytes/s, blocks of {}",
        audio.codec,
        audio.sample_rate,
        audio.channels,
        audio.bits_per_sample,
        audio.avg_bytes,
        audio.block_align
    )
}

fn picture(video: &VideoFormat) -> String {
    let title = video.codec_title().map_or_else(String::new, |title| format!(" ({title})"));
    format!(
        "{}{title}, {} x {}, {} bits, {} bytes of codec data",
        video.codec_name(),
        video.width,
        video.height,
        video.bit_count,
        video.codec_data.len()
    )
}
