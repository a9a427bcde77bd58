//! The format of file transfer and binary streams, 9.5 of the specification.

use bytes::Bytes;
use uuid::Uuid;

use super::{AudioFormat, VideoFormat};
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::{Error, guid};

/// A VIDEOINFOHEADER in front of its BITMAPINFOHEADER, in bytes.
const VIDEO_INFO: usize = 48;

/// The format of a stream that is described by identifiers (section 9.5 of the ASF specification).
#[doc(alias = "File Transfer Media Type")]
#[doc(alias = "Binary Media Type")]
#[doc(alias = "AM_MEDIA_TYPE")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BinaryFormat {
    /// What the stream holds; see [`guid`].
    #[doc(alias = "Major Media Type")]
    pub major: Uuid,
    /// What it holds more exactly.
    #[doc(alias = "Media Subtype")]
    pub subtype: Uuid,
    /// All media objects have [`sample_size`](Self::sample_size) bytes.
    #[doc(alias = "Fixed-Size Samples")]
    pub fixed_size: bool,
    /// Not every media object can be decoded on its own.
    #[doc(alias = "Uses Temporal Compression")]
    pub temporal_compression: bool,
    /// Size of each media object in bytes, where it is fixed.
    pub sample_size: u32,
    /// How the format data is laid out.
    #[doc(alias = "Format Type")]
    pub format_type: Uuid,
    /// More about the format, up to 4 GiB.
    pub format_data: Bytes,
}

impl BinaryFormat {
    /// A stream of this type and subtype, without format data.
    pub fn new(major: Uuid, subtype: Uuid) -> Self {
        Self { major, subtype, ..Self::default() }
    }

    /// Reads type-specific data. Where it ends before the format data does, the format data is
    /// what is there.
    ///
    /// Fails below 64 bytes.
    pub fn parse(data: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "binary format");
        let major = cursor.guid("a major media type")?;
        let subtype = cursor.guid("a media subtype")?;
        let fixed_size = cursor.u32("whether samples have a fixed size")? != 0;
        let temporal_compression = cursor.u32("whether samples depend on others")? != 0;
        let sample_size = cursor.u32("a sample size")?;
        let format_type = cursor.guid("a format type")?;
        let len = cursor.u32("the size of the format data")? as usize;
        let rest = cursor.rest();
        let format_data = data.slice_ref(rest.get(..len).unwrap_or(rest));
        Ok(Self {
            major,
            subtype,
            fixed_size,
            temporal_compression,
            sample_size,
            format_type,
            format_data,
        })
    }

    /// The type-specific data.
    ///
    /// Fails when the format data has more than 4 GiB.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let mut out = Fields::new();
        out.guid(self.major);
        out.guid(self.subtype);
        out.u32(self.fixed_size.into());
        out.u32(self.temporal_compression.into());
        out.u32(self.sample_size);
        out.guid(self.format_type);
        out.len32("the size of the format data", self.format_data.len());
        out.slice(&self.format_data);
        out.into_bytes()
    }

    /// The format of a web stream; `None` for other streams.
    pub fn web_stream(&self) -> Option<WebStream> {
        let web = self.format_type == guid::WEB_STREAM_FORMAT;
        web.then(|| WebStream::parse(&self.format_data).ok()).flatten()
    }

    /// The audio format that recorded TV wraps; what it declares as codec is not reliable. `None`
    /// for other streams.
    pub fn audio(&self) -> Option<AudioFormat> {
        let wave = self.format_type == guid::FORMAT_WAVE;
        wave.then(|| AudioFormat::parse(&self.format_data).ok()).flatten()
    }

    /// The video format that recorded TV wraps, with its inner size for both sizes; what it
    /// declares as codec is not reliable. `None` for other streams.
    pub fn video(&self) -> Option<VideoFormat> {
        let data = (self.format_type == guid::FORMAT_VIDEO).then_some(&self.format_data)?;
        VideoFormat::parse_bitmap(&data.slice_ref(data.get(VIDEO_INFO..)?)).ok()
    }
}

/// The format data of a web stream, whose media objects are the files of a web page (section 9.5 of
/// the ASF specification).
#[doc(alias = "WEBSTREAM_FORMAT")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebStream {
    /// Size of what every media object starts with, in bytes.
    #[doc(alias = "Fixed Sample Header Size")]
    pub sample_header_len: u16,
    /// 1 in practice.
    pub version: u16,
}

impl WebStream {
    /// Version 1 with sample headers of this size.
    pub fn new(sample_header_len: u16) -> Self {
        Self { sample_header_len, version: 1 }
    }

    /// Reads format data.
    ///
    /// Fails below 6 bytes.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "web stream format");
        cursor.u16("its size")?;
        Ok(Self {
            sample_header_len: cursor.u16("the size of a sample header")?,
            version: cursor.u16("a version")?,
        })
    }

    /// The format data, 8 bytes.
    pub fn to_bytes(self) -> Bytes {
        let mut out = Fields::new();
        out.u16(8);
        out.u16(self.sample_header_len);
        out.u16(self.version);
        out.u16(0);
        out.into_bytes().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_recorded_tv_wraps() {
        let mut format = BinaryFormat::new(guid::RECORDED_TV_AUDIO, Uuid::nil());
        let audio = AudioFormat::new(0x50, 2, 48_000);
        format.format_data = audio.encode().unwrap();
        assert_eq!(format.audio(), None);
        format.format_type = guid::FORMAT_WAVE;
        assert_eq!(format.audio(), Some(audio));
        assert_eq!((format.video(), format.web_stream()), (None, None));

        let video = VideoFormat::new(*b"DVR ", 720, 576);
        let outer = video.encode().unwrap();
        format.format_type = guid::FORMAT_VIDEO;
        format.format_data = [&[0; VIDEO_INFO], &outer[11..]].concat().into();
        assert_eq!(format.video(), Some(video));
        format.format_data.truncate(20);
        assert_eq!(format.video(), None);
    }

    #[test]
    fn web_streams() {
        let mut format = BinaryFormat::new(guid::BINARY, guid::WEB_STREAM);
        let web = WebStream::new(34);
        assert_eq!(web.to_bytes(), &[8, 0, 34, 0, 1, 0, 0, 0][..]);
        format.format_data = web.to_bytes();
        assert_eq!(format.web_stream(), None);
        format.format_type = guid::WEB_STREAM_FORMAT;
        assert_eq!(format.web_stream(), Some(web));
    }
}
