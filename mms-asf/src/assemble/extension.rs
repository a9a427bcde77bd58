//! What accompanies media objects: the payload extensions of Extended Stream Properties.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::cursor::Cursor;
use crate::time::from_ticks;
use crate::{PayloadExtension, Text, guid};

const WHAT: &str = "payload extension data";

/// The payload extensions of a media object, in the order in which its stream declares them.
///
/// Ends where the data ends, also when more is declared.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    declared: std::slice::Iter<'a, PayloadExtension>,
    rest: Cursor<'a>,
}

/// One payload extension of a media object (section 4.1 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension<'a> {
    /// What the data means.
    pub system: Uuid,
    /// Its bytes, without the size in front of those of variable size.
    pub data: &'a [u8],
}

/// What a payload extension of a known system says (section 10.13 of the ASF specification).
#[doc(alias = "Payload Extension System")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtensionValue {
    /// How long the media object lasts. Broken muxers store 1 ms in all of them.
    SampleDuration(Duration),
    /// The aspect ratio of a pixel, `x` to `y`; 0 to 0 occurs.
    PixelAspectRatio {
        /// Horizontal part.
        x: u8,
        /// Vertical part.
        y: u8,
    },
    /// The timecode that the source gave a frame.
    Timecode(Timecode),
    /// How the fields of a frame lie.
    ContentType(ContentType),
    /// The name of the file that the media object is.
    FileName(Text),
    /// The key that the media object is encrypted with.
    EncryptionKeyId(Uuid),
    /// Whether the media object can be decoded on its own.
    OutputCleanPoint(bool),
    /// When a media object of recorded TV is shown, on the recorder's clock; `None` when it does
    /// not say, for which there are zeros and ones.
    RecordedTvTiming(Option<Duration>),
}

/// The SMPTE timecode of a frame (section 10.13 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Timecode {
    /// The range that it belongs to: sources restart theirs. With the timecode it is what
    /// [`FileReader::packet_of_timecode`](crate::FileReader::packet_of_timecode) asks for.
    pub range: u16,
    /// Hours, minutes, seconds and frames in binary coded decimals, two digits each.
    pub timecode: u32,
    /// The user bits of the source.
    #[doc(alias = "dwUserbits")]
    pub user_bits: u32,
    /// The flags of the source, such as for dropped frames.
    #[doc(alias = "dwAMFlags")]
    pub flags: u32,
}

/// How the fields of a frame lie (section 10.13 of the ASF specification).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ContentType {
    /// The frame is made of two fields.
    pub interlaced: bool,
    /// The upper field is shown first.
    pub upper_field_first: bool,
    /// The lower field is shown first.
    pub lower_field_first: bool,
    /// The first field is shown again after the second one.
    pub repeat_first_field: bool,
}

impl<'a> Extensions<'a> {
    /// Splits `data`, such as [`Payload::extensions`](crate::Payload::extensions), as a stream
    /// declares it.
    pub fn new(declared: &'a [PayloadExtension], data: &'a [u8]) -> Self {
        Self { declared: declared.iter(), rest: Cursor::new(data, 0, WHAT) }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let PayloadExtension { system, size, .. } = *self.declared.next()?;
        let data = size
            .map_or_else(|| self.rest.u16("a size"), Ok)
            .and_then(|size| self.rest.take(usize::from(size), "data of this size"));
        match data {
            Ok(data) => Some(Extension { system, data }),
            Err(_) => {
                // Behind it nothing has a known place.
                self.declared = [].iter();
                None
            }
        }
    }
}

impl Extension<'_> {
    /// What the data says; `None` for data that is too short and for systems that are unknown or
    /// of which no more is known than their name.
    pub fn value(&self) -> Option<ExtensionValue> {
        let mut cursor = Cursor::new(self.data, 0, WHAT);
        Some(match self.system {
            guid::SAMPLE_DURATION => {
                let millis = cursor.u16("milliseconds").ok()?;
                ExtensionValue::SampleDuration(Duration::from_millis(millis.into()))
            }
            guid::PIXEL_ASPECT_RATIO => ExtensionValue::PixelAspectRatio {
                x: cursor.u8("a horizontal part").ok()?,
                y: cursor.u8("a vertical part").ok()?,
            },
            guid::TIMECODE => ExtensionValue::Timecode(Timecode {
                range: cursor.u16("a range").ok()?,
                timecode: cursor.u32("a timecode").ok()?,
                user_bits: cursor.u32("user bits").ok()?,
                flags: cursor.u32("flags").ok()?,
            }),
            guid::CONTENT_TYPE => {
                let flags = cursor.u8("flags").ok()?;
                ExtensionValue::ContentType(ContentType {
                    interlaced: flags & 1 != 0,
                    upper_field_first: flags & 2 != 0,
                    lower_field_first: flags & 4 != 0,
                    repeat_first_field: flags & 8 != 0,
                })
            }
            guid::FILE_NAME => {
                let name = Text::from_bytes(Bytes::copy_from_slice(self.data));
                ExtensionValue::FileName(name)
            }
            guid::ENCRYPTION_KEY_ID => {
                ExtensionValue::EncryptionKeyId(cursor.guid("a key identifier").ok()?)
            }
            guid::OUTPUT_CLEAN_POINT => {
                ExtensionValue::OutputCleanPoint(cursor.u8("a flag").ok()? != 0)
            }
            guid::RECORDED_TV_TIMING => {
                cursor.take(8, "two reserved fields").ok()?;
                let time = cursor.u64("a presentation time").ok()?;
                let time = (time != 0 && time != u64::MAX).then(|| from_ticks(time));
                ExtensionValue::RecordedTvTiming(time)
            }
            _ => return None,
        })
    }
}
