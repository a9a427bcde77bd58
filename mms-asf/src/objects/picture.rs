//! Pictures in metadata: the value of `WM/Picture`, the layout of which the specification leaves
//! to Windows Media.

use bytes::{BufMut, Bytes, BytesMut};

use crate::cursor::Cursor;
use crate::{Error, Text};

/// A picture such as the front cover.
///
/// ```
/// use bytes::Bytes;
/// use mms_asf::objects::{Descriptor, ExtendedContentDescription, Picture};
///
/// let jpeg = Bytes::from_static(b"\xFF\xD8...");
/// let cover = Picture::new(Picture::FRONT_COVER, "image/jpeg", jpeg);
/// let mut tags = ExtendedContentDescription::default();
/// tags.descriptors.push(Descriptor::new(Picture::NAME, cover.encode()?));
/// assert_eq!(tags.pictures().next(), Some(Ok(cover)));
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[doc(alias = "WM_PICTURE")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Picture {
    /// What it shows, numbered as in ID3: [`FRONT_COVER`](Self::FRONT_COVER) and others.
    pub kind: u8,
    /// What kind of image it is, such as `image/jpeg`; `-->` when the data is an address.
    pub mime: Text,
    /// What somebody wrote about it.
    pub description: Text,
    /// The image, up to 4 GiB.
    pub data: Bytes,
}

impl Picture {
    /// The name under which pictures are stored.
    pub const NAME: &str = "WM/Picture";
    /// The [`kind`](Self::kind) of a front cover.
    pub const FRONT_COVER: u8 = 3;

    /// A picture without description.
    pub fn new(kind: u8, mime: &str, data: Bytes) -> Self {
        Self { kind, mime: mime.into(), description: "".into(), data }
    }

    /// Reads a value. Bytes behind the image are left out.
    ///
    /// Fails when a text has no end or the image is longer than the value; offsets in the error
    /// count from the start of the value.
    pub fn decode(value: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value, 0, Self::NAME);
        let kind = cursor.u8("a picture type")?;
        let len = cursor.u32("the length of an image")? as usize;
        let mime = value.slice_ref(cursor.terminated("the type of an image, with an end")?);
        let description = value.slice_ref(cursor.terminated("a description, with an end")?);
        let data = value.slice_ref(cursor.take(len, "an image")?);
        let (mime, description) = (Text::from_bytes(mime), Text::from_bytes(description));
        Ok(Self { kind, mime, description, data })
    }

    /// The value. Both texts end at their first zero.
    ///
    /// Fails when the image is longer than 4 GiB.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let value = self.data.len() as u64;
        let len = u32::try_from(value).map_err(|_| Error::Limit {
            what: "the length of an image",
            value,
            limit: u32::MAX.into(),
        })?;
        let mut bytes = BytesMut::new();
        bytes.put_u8(self.kind);
        bytes.put_u32_le(len);
        bytes.put_slice(&self.mime.terminated());
        bytes.put_slice(&self.description.terminated());
        bytes.put_slice(&self.data);
        Ok(bytes.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Bytes {
        let mut picture = Picture::new(Picture::FRONT_COVER, "image/png", Bytes::from_static(b"x"));
        picture.description = "vorn".into();
        let bytes = picture.encode().unwrap();
        assert_eq!(Picture::decode(&bytes), Ok(picture));
        bytes
    }

    #[test]
    fn every_cut_is_found_out() {
        let bytes = stored();
        assert_eq!(bytes.len(), 5 + 20 + 10 + 1);
        assert_eq!(bytes[..9], [3, 1, 0, 0, 0, b'i', 0, b'm', 0]);
        for len in 0..bytes.len() {
            let error = Picture::decode(&bytes.slice(..len)).unwrap_err();
            let Error::Malformed { what: "WM/Picture", offset, .. } = error else {
                panic!("{error}")
            };
            assert!(offset <= len as u64);
        }
    }

    #[test]
    fn an_image_that_is_too_long() {
        let mut bytes = stored().to_vec();
        bytes[1..5].fill(0xFF);
        assert_eq!(
            Picture::decode(&bytes.into()).unwrap_err().to_string(),
            "WM/Picture at byte 35: expected an image"
        );
    }

    #[test]
    fn texts_get_their_ends() {
        let mut picture = Picture::new(0, "", Bytes::new());
        picture.mime = Text::from_bytes(Bytes::from_static(b"a\0\0\0b\0"));
        picture.description = Text::unterminated("c");
        assert_eq!(picture.encode().unwrap().as_ref(), b"\0\0\0\0\0a\0\0\0c\0\0\0");
    }
}
