//! The format of audio streams, 9.1 of the specification.

use std::borrow::Cow;

use bytes::Bytes;
use uuid::Uuid;

use super::names::audio_codec;
use crate::Error;
use crate::cursor::Cursor;
use crate::fields::Fields;

/// The last twelve bytes, as they are stored, of every sub-format that stands for a format tag.
const TAG_FAMILY: [u8; 12] =
    [0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71];

/// How an audio stream is coded (section 9.1 of the ASF specification).
#[doc(alias = "WAVEFORMATEX")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioFormat {
    /// The format tag, such as 0x0161; see [`audio_codec`].
    #[doc(alias = "Codec ID")]
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
    /// What the codec needs to know, up to 65,535 bytes; see [`wma2`](Self::wma2) and
    /// [`extensible`](Self::extensible). `None` when the format ends in front of the size of this
    /// data, which old PCM streams do.
    #[doc(alias = "Codec Specific Data")]
    pub codec_data: Option<Bytes>,
}

impl AudioFormat {
    /// The tag of Windows Media Audio 2, 7, 8 and 9.
    pub const WMA_2: u16 = 0x0161;
    /// The tag that says that the codec data names the format.
    #[doc(alias = "WAVEFORMATEXTENSIBLE")]
    pub const EXTENSIBLE: u16 = 0xFFFE;

    /// This tag, number of channels and sample rate in Hz; empty codec data, all else 0.
    pub fn new(codec: u16, channels: u16, sample_rate: u32) -> Self {
        Self {
            codec,
            channels,
            sample_rate,
            avg_bytes: 0,
            block_align: 0,
            bits_per_sample: 0,
            codec_data: Some(Bytes::new()),
        }
    }

    /// Reads type-specific data, or the same structure from elsewhere. Where it ends before the
    /// codec data does, the codec data is what is there.
    ///
    /// Fails below 16 bytes.
    pub fn parse(data: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "audio format");
        let mut format = Self::new(
            cursor.u16("a format tag")?,
            cursor.u16("a number of channels")?,
            cursor.u32("a sample rate")?,
        );
        format.avg_bytes = cursor.u32("average bytes per second")?;
        format.block_align = cursor.u16("a block size")?;
        format.bits_per_sample = cursor.u16("bits per sample")?;
        format.codec_data = cursor.u16("the size of codec data").ok().map(|size| {
            let rest = cursor.rest();
            data.slice_ref(rest.get(..usize::from(size)).unwrap_or(rest))
        });
        Ok(format)
    }

    /// The structure as bytes: 16 without codec data, 18 and the codec data with it.
    ///
    /// Fails when the codec data has more than 65,535 bytes.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let mut out = Fields::new();
        out.u16(self.codec);
        out.u16(self.channels);
        out.u32(self.sample_rate);
        out.u32(self.avg_bytes);
        out.u16(self.block_align);
        out.u16(self.bits_per_sample);
        if let Some(data) = &self.codec_data {
            out.len16("the size of audio codec data", data.len());
            out.slice(data);
        }
        out.into_bytes()
    }

    /// The usual name of the codec, or its tag in hex.
    pub fn codec_name(&self) -> Cow<'static, str> {
        let tag = self.tag();
        audio_codec(tag).map_or_else(|| Cow::Owned(format!("audio 0x{tag:04X}")), Cow::Borrowed)
    }

    /// The format tag, also where the codec data of an extensible format names it.
    pub fn tag(&self) -> u16 {
        self.extensible().and_then(|extensible| extensible.tag()).unwrap_or(self.codec)
    }

    /// What the codec data of an extensible format says; `None` for other formats.
    pub fn extensible(&self) -> Option<Extensible> {
        let data = self.codec_data.as_ref().filter(|_| self.codec == Self::EXTENSIBLE)?;
        Extensible::parse(data).ok()
    }

    /// What the codec data of Windows Media Audio 2 says; `None` for other formats.
    pub fn wma2(&self) -> Option<Wma2> {
        let data = self.codec_data.as_ref().filter(|_| self.codec == Self::WMA_2)?;
        Wma2::parse(data).ok()
    }
}

/// The codec data of an extensible audio format.
#[doc(alias = "WAVEFORMATEXTENSIBLE")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extensible {
    /// How many bits of a sample mean something; samples per block in compressed formats.
    pub valid_bits: u16,
    /// One bit for each loudspeaker that there is a channel for.
    pub channel_mask: u32,
    /// What the format is.
    #[doc(alias = "SubFormat")]
    pub sub_format: Uuid,
    /// What the codec needs to know besides, up to 65,513 bytes.
    pub codec_data: Bytes,
}

impl Extensible {
    /// The format with this tag.
    pub fn new(tag: u16, valid_bits: u16, channel_mask: u32) -> Self {
        let [low, high] = tag.to_le_bytes();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip([low, high, 0, 0].into_iter().chain(TAG_FAMILY)) {
            *to = from;
        }
        let sub_format = Uuid::from_bytes_le(id);
        Self { valid_bits, channel_mask, sub_format, codec_data: Bytes::new() }
    }

    /// Reads codec data.
    ///
    /// Fails below 22 bytes.
    pub fn parse(data: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "extensible audio format");
        Ok(Self {
            valid_bits: cursor.u16("valid bits")?,
            channel_mask: cursor.u32("a channel mask")?,
            sub_format: cursor.guid("a sub-format")?,
            codec_data: data.slice_ref(cursor.rest()),
        })
    }

    /// The codec data.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Fields::new();
        out.u16(self.valid_bits);
        out.u32(self.channel_mask);
        out.guid(self.sub_format);
        out.slice(&self.codec_data);
        out.into_bytes().unwrap_or_default()
    }

    /// The format tag that the sub-format stands for, if it stands for one.
    pub fn tag(&self) -> Option<u16> {
        match self.sub_format.to_bytes_le() {
            [low, high, 0, 0, family @ ..] if family == TAG_FAMILY => {
                Some(u16::from_le_bytes([low, high]))
            }
            _ => None,
        }
    }
}

/// The codec data of Windows Media Audio 2, 10 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wma2 {
    /// Samples per block.
    pub samples_per_block: u32,
    /// Flags of the encoder.
    pub encode_options: u16,
    /// Bytes per super block; 0 in many files.
    pub super_block_align: u32,
}

impl Wma2 {
    /// These three values.
    pub fn new(samples_per_block: u32, encode_options: u16, super_block_align: u32) -> Self {
        Self { samples_per_block, encode_options, super_block_align }
    }

    /// Reads codec data.
    ///
    /// Fails below 10 bytes.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "WMA 2 codec data");
        Ok(Self {
            samples_per_block: cursor.u32("samples per block")?,
            encode_options: cursor.u16("encode options")?,
            super_block_align: cursor.u32("a super block size")?,
        })
    }

    /// The codec data.
    pub fn to_bytes(self) -> Bytes {
        let mut out = Fields::new();
        out.u32(self.samples_per_block);
        out.u16(self.encode_options);
        out.u32(self.super_block_align);
        out.into_bytes().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bytes_have_no_codec_data() {
        let mut pcm = AudioFormat::new(1, 2, 48_000);
        assert_eq!(pcm.encode().unwrap().len(), 18);
        pcm.codec_data = None;
        let bytes = pcm.encode().unwrap();
        assert_eq!(bytes.len(), 16);
        assert_eq!(AudioFormat::parse(&bytes).unwrap(), pcm);
        let error = AudioFormat::parse(&bytes.slice(..15)).unwrap_err();
        assert_eq!(error.to_string(), "audio format at byte 14: expected bits per sample");
    }

    #[test]
    fn codec_data_that_was_cut() {
        let mut format = AudioFormat::new(0x55, 1, 16_000);
        format.codec_data = Some(Bytes::from_static(b"twelve bytes"));
        let cut = format.encode().unwrap().slice(..22);
        assert_eq!(AudioFormat::parse(&cut).unwrap().codec_data.unwrap(), "twel");
    }

    #[test]
    fn codec_data_that_is_too_long() {
        let mut format = AudioFormat::new(0x55, 1, 16_000);
        format.codec_data = Some(vec![0; 65_536].into());
        let what = "the size of audio codec data";
        assert_eq!(format.encode(), Err(Error::Limit { what, value: 65_536, limit: 65_535 }));
    }

    #[test]
    fn an_extensible_format_has_the_name_of_its_sub_format() {
        let mut format = AudioFormat::new(AudioFormat::EXTENSIBLE, 6, 48_000);
        assert_eq!(format.codec_name(), "audio 0xFFFE");
        format.codec_data = Some(Extensible::new(0x162, 24, 0x3F).to_bytes());
        assert_eq!(format.codec_name(), "WMA Pro");
        let mut extensible = format.extensible().unwrap();
        assert_eq!((extensible.valid_bits, extensible.channel_mask), (24, 0x3F));
        assert_eq!(
            extensible.sub_format.to_string(),
            "00000162-0000-0010-8000-00aa00389b71",
            "as in the registry of wave formats",
        );
        extensible.sub_format = Uuid::nil();
        assert_eq!(extensible.tag(), None);
    }
}
