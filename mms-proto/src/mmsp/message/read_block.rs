//! The ASF header, MS-MMSP 2.2.4.23, 2.2.4.8, 2.2.4.15.

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{bytes, u32_le};
use super::{Body, Deviation, MessageId, Wire, hr_and_incarnation};
use crate::hresult::HResult;

/// The client asks for the ASF header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBlock {
    /// The file, as the server named it.
    #[doc(alias = "openFileId")]
    pub open_file_id: u32,
    /// Its low byte labels the Data packets of the header.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
}

impl Body for ReadBlock {
    const ID: MessageId = MessageId::READ_BLOCK;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        // Between the two: fileBlockId, offset, length, flags, padding and two doubles, which
        // every player fills differently and no server uses.
        let (rest, (open_file_id, _, incarnation)) =
            (u32_le("openFileId"), bytes("fileBlockId", 36), u32_le("playIncarnation"))
                .parse(body)?;
        Ok((rest, Self { open_file_id, incarnation }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.open_file_id);
        out.put_u32_le(0); // fileBlockId
        out.put_u32_le(0); // offset
        out.put_u32_le(0x8000); // length
        out.put_u32_le(u32::MAX); // flags
        out.put_u32_le(0); // padding
        out.put_f64_le(0.0); // tEarliest
        out.put_f64_le(3600.0); // tDeadline
        out.put_u32_le(self.incarnation);
        out.put_u32_le(0); // playSequence
    }
}

/// The server's answer; the header follows in Data packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportReadBlock {
    /// Whether it follows.
    pub hr: HResult,
    /// The request's label.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
}

impl Body for ReportReadBlock {
    const ID: MessageId = MessageId::REPORT_READ_BLOCK;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, incarnation)) = hr_and_incarnation(body)?;
        Ok((rest, Self { hr, incarnation }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(self.incarnation);
        out.put_u32_le(0); // playSequence
    }
}

/// The client no longer wants the header that it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelReadBlock {
    /// Label of the request that is cancelled.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
}

impl Body for CancelReadBlock {
    const ID: MessageId = MessageId::CANCEL_READ_BLOCK;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, incarnation) = u32_le("playIncarnation").parse(body)?;
        Ok((rest, Self { incarnation }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.incarnation);
    }
}
