//! The formats of streams of pictures, 9.4 of the specification.

use bytes::Bytes;

use crate::Error;
use crate::cursor::Cursor;
use crate::fields::Fields;

/// The format of a stream of JPEG pictures, 12 bytes (section 9.4 of the ASF specification).
#[doc(alias = "JFIF Media Type")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct JfifFormat {
    /// Width of the pictures in pixels.
    pub width: u32,
    /// Height of the pictures in pixels.
    pub height: u32,
    /// 0 in practice.
    pub reserved: u32,
}

impl JfifFormat {
    /// Pictures of this size.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, reserved: 0 }
    }

    /// Reads type-specific data.
    ///
    /// Fails below 12 bytes.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "JFIF format");
        Ok(Self {
            width: cursor.u32("a width")?,
            height: cursor.u32("a height")?,
            reserved: cursor.u32("a reserved field")?,
        })
    }

    /// The type-specific data. Never fails: all fields fit.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let mut out = Fields::new();
        out.u32(self.width);
        out.u32(self.height);
        out.u32(self.reserved);
        out.into_bytes()
    }
}

/// The format of a stream of JPEG pictures that share their tables (section 9.4 of the ASF
/// specification).
#[doc(alias = "Degradable JPEG Media Type")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DegradableJpegFormat {
    /// Width of the pictures in pixels.
    pub width: u32,
    /// Height of the pictures in pixels.
    pub height: u32,
    /// 0 in practice.
    pub reserved: [u16; 3],
    /// What all pictures share, up to 65,535 bytes.
    #[doc(alias = "Interchange Data")]
    pub shared: Bytes,
}

impl DegradableJpegFormat {
    /// Pictures of this size that share these tables.
    pub fn new(width: u32, height: u32, shared: Bytes) -> Self {
        Self { width, height, reserved: [0; 3], shared }
    }

    /// Reads type-specific data.
    ///
    /// Fails when it is too short for its fields.
    pub fn parse(data: &Bytes) -> Result<Self, Error> {
        let mut cursor = Cursor::new(data, 0, "degradable JPEG format");
        let width = cursor.u32("a width")?;
        let height = cursor.u32("a height")?;
        let mut reserved = [0; 3];
        for field in &mut reserved {
            *field = cursor.u16("a reserved field")?;
        }
        let len = cursor.u16("the length of the interchange data")?;
        let shared = data.slice_ref(cursor.take(len.into(), "the interchange data")?);
        Ok(Self { width, height, reserved, shared })
    }

    /// The type-specific data.
    ///
    /// Fails when what the pictures share has more than 65,535 bytes.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let mut out = Fields::new();
        out.u32(self.width);
        out.u32(self.height);
        self.reserved.iter().for_each(|&field| out.u16(field));
        out.len16("the length of the interchange data", self.shared.len());
        out.slice(&self.shared);
        if self.shared.is_empty() {
            // The specification wants one byte where there is nothing.
            out.zeros(1);
        }
        out.into_bytes()
    }
}
