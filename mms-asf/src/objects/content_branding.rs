//! Content Branding Object, 3.13 of the specification: a banner with two addresses.

use bytes::Bytes;
use uuid::Uuid;

use super::Layout;
use crate::cursor::Cursor;
use crate::fields::Fields;
use crate::object::Object;
use crate::{Error, Text8, guid};

/// A banner that players showed, and where a click on it leads (section 3.13 of the ASF
/// specification).
#[doc(alias = "Content Branding Object")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentBranding {
    /// What the banner's data is.
    #[doc(alias = "Banner Image Type")]
    pub kind: BannerKind,
    /// The image, up to 4 GiB.
    #[doc(alias = "Banner Image Data")]
    pub banner: Bytes,
    /// Where a click on the banner leads, up to 4 GiB.
    #[doc(alias = "Banner Image URL")]
    pub banner_url: Text8,
    /// Where a click on the copyright notice leads, up to 4 GiB.
    #[doc(alias = "Copyright URL")]
    pub copyright_url: Text8,
}

/// What a banner's data is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BannerKind {
    /// Nothing.
    #[default]
    None,
    /// A Windows bitmap.
    Bitmap,
    /// A JPEG image.
    Jpeg,
    /// A GIF image.
    Gif,
    /// A number that the specification does not have.
    Other(u32),
}

impl BannerKind {
    fn code(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Bitmap => 1,
            Self::Jpeg => 2,
            Self::Gif => 3,
            Self::Other(code) => code,
        }
    }
}

impl From<u32> for BannerKind {
    fn from(code: u32) -> Self {
        match code {
            0 => Self::None,
            1 => Self::Bitmap,
            2 => Self::Jpeg,
            3 => Self::Gif,
            other => Self::Other(other),
        }
    }
}

impl Layout for ContentBranding {
    const ID: Uuid = guid::CONTENT_BRANDING;
    const NAME: &'static str = "Content Branding Object";

    fn parse(cursor: &mut Cursor<'_>, object: &Object) -> Result<Self, Error> {
        let kind = cursor.u32("a banner type")?.into();
        let len = cursor.u32("the length of a banner")? as usize;
        let banner = cursor.bytes(len, &object.bytes, "a banner")?;
        let len = cursor.u32("the length of a banner's address")? as usize;
        let banner_url = cursor.bytes(len, &object.bytes, "a banner's address")?;
        let len = cursor.u32("the length of a copyright address")? as usize;
        let copyright_url = cursor.bytes(len, &object.bytes, "a copyright address")?;
        let [banner_url, copyright_url] = [banner_url, copyright_url].map(Text8::from_bytes);
        Ok(Self { kind, banner, banner_url, copyright_url })
    }

    fn put(&self, out: &mut Fields) {
        out.u32(self.kind.code());
        out.len32("the length of a banner", self.banner.len());
        out.slice(&self.banner);
        out.len32("the length of a banner's address", self.banner_url.as_bytes().len());
        out.slice(self.banner_url.as_bytes());
        out.len32("the length of a copyright address", self.copyright_url.as_bytes().len());
        out.slice(self.copyright_url.as_bytes());
    }
}
