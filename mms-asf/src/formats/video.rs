//! The format of video streams, 9.2 of the specification.

use std::borrow::Cow;

use bytes::Bytes;

use super::names::video_codec;
use crate::Error;
use crate::cursor::Cursor;
use crate::fields::Fields;

/// A BITMAPINFOHEADER in bytes.
const BITMAP_INFO: usize = 40;
/// What encoders write into the reserved flags.
const RESERVED: u8 = 2;

/// How a video stream is coded (section 9.2 of the ASF specification).
#[doc(alias = "BITMAPINFOHEADER")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VideoFormat {
    /// Width of the coded picture in pixels.
    #[doc(alias = "Encoded Image Width")]
    pub encoded_width: u32,
    /// Height of the coded picture in pixels.
    #[doc(alias = "Encoded Image Height")]
    pub encoded_height: u32,
    /// Flags without a meaning; 2 in practice.
    pub reserved: u8,
    /// Width of the picture that is shown, in pixels.
    #[doc(alias = "biWidth")]
    pub width: u32,
    /// Height of the picture that is shown, in pixels, without the sign that tells the order of
    /// its rows; up to 2,147,483,647.
    #[doc(alias = "biHeight")]
    pub height: u32,
    /// The height is negative: the rows of an uncompressed picture are stored from the top down.
    pub top_down: bool,
    /// Number of planes, 1.
    #[doc(alias = "biPlanes")]
    pub planes: u16,
    /// Bits per pixel.
    #[doc(alias = "biBitCount")]
    pub bit_count: u16,
    /// The codec's four characters; see [`video_codec`].
    #[doc(alias = "biCompression")]
    pub fourcc: [u8; 4],
    /// Size of an uncompressed picture in bytes; may be 0.
    #[doc(alias = "biSizeImage")]
    pub image_size: u32,
    /// Horizontal and vertical pixels per metre; 0 in practice.
    #[doc(alias = "biXPelsPerMeter")]
    #[doc(alias = "biYPelsPerMeter")]
    pub resolution: [u32; 2],
    /// Colours of the palette that are used; 0 for all.
    #[doc(alias = "biClrUsed")]
    pub colours_used: u32,
    /// Colours of the palette that matter; 0 for all.
    #[doc(alias = "biClrImportant")]
    pub colours_important: u32,
    /// The size that the format data gives itself, where that is not the one it has.
    #[doc(alias = "biSize")]
    pub declared_size: Option<u32>,
    /// What the codec needs to know, up to 65,495 bytes; a palette for 8 bits per pixel or fewer.
    #[doc(alias = "Codec Specific Data")]
    pub codec_data: Bytes,
}

impl VideoFormat {
    /// Pictures of this codec and size in pixels, 24 bits per pixel, without codec data.
    pub fn new(fourcc: [u8; 4], width: u32, height: u32) -> Self {
        Self {
            encoded_width: width,
            encoded_height: height,
            reserved: RESERVED,
            width,
            height,
            top_down: false,
            planes: 1,
            bit_count: 24,
            fourcc,
            image_size: 0,
            resolution: [0; 2],
            colours_used: 0,
            colours_important: 0,
            declared_size: None,
            codec_data: Bytes::new(),
        }
    }

    /// Reads type-specific data. Where it ends before the format data does, the format data is what
    /// is there.
    ///
    /// Fails when there are fewer than 40 bytes of format data.
    pub fn parse(data: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "video format");
        let encoded_width = cursor.u32("an encoded width")?;
        let encoded_height = cursor.u32("an encoded height")?;
        let reserved = cursor.u8("reserved flags")?;
        let len = cursor.u16("the size of the format data")?;
        let rest = cursor.rest();
        let bitmap = data.slice_ref(rest.get(..usize::from(len)).unwrap_or(rest));
        let bitmap = Self::bitmap(&bitmap, cursor.offset())?;
        Ok(Self { encoded_width, encoded_height, reserved, ..bitmap })
    }

    /// Reads format data alone, as other containers have it.
    pub(super) fn parse_bitmap(data: &Bytes) -> Result<Self, Error> {
        Self::bitmap(data, 0)
    }

    fn bitmap(data: &Bytes, offset: usize) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, offset, "video format");
        let declared = cursor.u32("the size of the format data")?;
        let width = cursor.u32("a width")?;
        let height = i32::from_le_bytes(cursor.u32("a height")?.to_le_bytes());
        let planes = cursor.u16("a number of planes")?;
        let bit_count = cursor.u16("bits per pixel")?;
        let fourcc = cursor.u32("a codec")?.to_le_bytes();
        Ok(Self {
            top_down: height < 0,
            planes,
            bit_count,
            image_size: cursor.u32("an image size")?,
            resolution: [cursor.u32("pixels per metre")?, cursor.u32("pixels per metre")?],
            colours_used: cursor.u32("a number of colours")?,
            colours_important: cursor.u32("a number of colours")?,
            declared_size: Some(declared).filter(|&size| size as usize != data.len()),
            codec_data: data.slice_ref(cursor.rest()),
            ..Self::new(fourcc, width, height.unsigned_abs())
        })
    }

    /// The type-specific data.
    ///
    /// Fails when the codec data has more than 65,495 bytes, and when the height is larger than
    /// 2,147,483,647.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let height = i32::try_from(self.height).map_err(|_| Error::Limit {
            what: "height of a picture",
            value: self.height.into(),
            limit: 0x7FFF_FFFF,
        })?;
        let height = if self.top_down { height.wrapping_neg() } else { height };
        let size = BITMAP_INFO.saturating_add(self.codec_data.len());
        let mut out = Fields::new();
        out.u32(self.encoded_width);
        out.u32(self.encoded_height);
        out.u8(self.reserved);
        out.len16("the size of video format data", size);
        match self.declared_size {
            Some(declared) => out.u32(declared),
            None => out.len32("the size of video format data", size),
        }
        out.u32(self.width);
        out.slice(&height.to_le_bytes());
        out.u16(self.planes);
        out.u16(self.bit_count);
        out.slice(&self.fourcc);
        out.u32(self.image_size);
        self.resolution.iter().for_each(|&pixels| out.u32(pixels));
        out.u32(self.colours_used);
        out.u32(self.colours_important);
        out.slice(&self.codec_data);
        out.into_bytes()
    }

    /// The codec's four characters as text; in hex when they are not printable.
    pub fn codec_name(&self) -> Cow<'static, str> {
        let text = self.fourcc.iter().map(|&byte| char::from(byte));
        if text.clone().all(|c| c.is_ascii_graphic() || c == ' ') {
            return Cow::Owned(text.collect::<String>().trim_end().to_owned());
        }
        Cow::Owned(format!("video 0x{:08X}", u32::from_le_bytes(self.fourcc)))
    }

    /// What the codec is called; `None` when it is not known.
    pub fn codec_title(&self) -> Option<&'static str> {
        video_codec(self.fourcc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_height() {
        let mut format = VideoFormat::new(*b"\0\0\0\0", 16, 9);
        format.top_down = true;
        let bytes = format.encode().unwrap();
        assert_eq!(bytes[19..23], (-9_i32).to_le_bytes());
        assert_eq!(VideoFormat::parse(&bytes).unwrap(), format);
        // The lowest height that can be stored has no positive counterpart.
        let lowest = [&bytes[..19], &i32::MIN.to_le_bytes(), &bytes[23..]].concat().into();
        let read = VideoFormat::parse(&lowest).unwrap();
        assert_eq!((read.height, read.top_down), (0x8000_0000, true));
        let refused = read.encode().unwrap_err().to_string();
        assert_eq!(refused, "height of a picture is 2147483648, the limit is 2147483647");
    }

    #[test]
    fn sizes_that_differ() {
        let mut format = VideoFormat::new(*b"WMV3", 320, 240);
        format.codec_data = Bytes::from_static(&[1, 2, 3, 4]);
        let bytes = format.encode().unwrap();
        assert_eq!(bytes[9..15], [44, 0, 44, 0, 0, 0]);
        format.declared_size = Some(40);
        let bytes = format.encode().unwrap();
        assert_eq!(bytes[9..15], [44, 0, 40, 0, 0, 0]);
        assert_eq!(VideoFormat::parse(&bytes).unwrap(), format);
        // Format data that was cut is shorter than it says.
        let cut = VideoFormat::parse(&bytes.slice(..53)).unwrap();
        assert_eq!(cut.codec_data, &[1, 2][..]);
        let error = VideoFormat::parse(&bytes.slice(..50)).unwrap_err();
        assert_eq!(error.to_string(), "video format at byte 47: expected a number of colours");
    }

    #[test]
    fn names_of_codecs() {
        let format = |fourcc| VideoFormat::new(fourcc, 1, 1);
        assert_eq!(format(*b"DVR ").codec_name(), "DVR");
        assert_eq!(format([3, 0, 0, 0]).codec_name(), "video 0x00000003");
        assert_eq!(format(*b"wvc1").codec_title(), Some("Windows Media Video 9 Advanced Profile"));
        assert_eq!(format(*b"ABCD").codec_title(), None);
    }
}
