//! The formats of audio and video streams.

use std::borrow::Cow;

use crate::cursor::Cursor;

/// How an audio stream is coded.
#[doc(alias = "WAVEFORMATEX")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioFormat {
    /// The format tag, such as 0x0161.
    pub codec: u16,
    /// Number of channels.
    pub channels: u16,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Average bytes per second.
    pub avg_bytes: u32,
    /// Size of a coded block in bytes.
    pub block_align: u16,
    /// Bits per sample; 0 where that makes no sense.
    pub bits_per_sample: u16,
}

impl AudioFormat {
    /// The usual name of the format tag, or the tag in hex.
    pub fn codec_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.codec {
            0x0001 => "PCM",
            0x000A => "WMA Voice",
            0x0042 => "G.723.1",
            0x0050 => "MPEG audio",
            0x0055 => "MP3",
            0x0075 | 0x0130 => "ACELP",
            0x00FF | 0x1600 => "AAC",
            0x0160 => "WMA 1",
            0x0161 => "WMA 2",
            0x0162 => "WMA Pro",
            0x0163 => "WMA Lossless",
            tag => return Cow::Owned(format!("audio 0x{tag:04X}")),
        })
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes, 0, "audio format");
        Some(Self {
            codec: cursor.u16("a format tag").ok()?,
            channels: cursor.u16("channels").ok()?,
            sample_rate: cursor.u32("a sample rate").ok()?,
            avg_bytes: cursor.u32("average bytes per second").ok()?,
            block_align: cursor.u16("a block size").ok()?,
            bits_per_sample: cursor.u16("bits per sample").ok()?,
        })
    }
}

/// How a video stream is coded.
#[doc(alias = "BITMAPINFOHEADER")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoFormat {
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels, without the sign that tells the order of its rows.
    pub height: u32,
    /// The codec's four characters.
    pub fourcc: [u8; 4],
}

impl VideoFormat {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes, 0, "video format");
        // Players show the inner size, which follows the encoded one.
        cursor.take(11 + 4, "the encoded size").ok()?;
        let width = cursor.u32("a width").ok()?;
        let height = i32::from_le_bytes(cursor.u32("a height").ok()?.to_le_bytes()).unsigned_abs();
        cursor.take(4, "planes and bit count").ok()?;
        let fourcc = cursor.u32("a codec").ok()?.to_le_bytes();
        Some(Self { width, height, fourcc })
    }
}

/// Four characters as text; in hex when they are not printable.
pub(super) fn fourcc_name(fourcc: [u8; 4]) -> Cow<'static, str> {
    let text = fourcc.iter().map(|&byte| char::from(byte));
    if text.clone().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Cow::Owned(text.collect::<String>().trim_end().to_owned());
    }
    Cow::Owned(format!("video 0x{:08X}", u32::from_le_bytes(fourcc)))
}
