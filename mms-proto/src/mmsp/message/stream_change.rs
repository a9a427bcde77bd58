//! The next entry of a playlist, MS-MMSP 2.2.4.12.

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::u32_le;
use super::{Body, Deviation, MessageId, Wire};
use crate::hresult::HResult;

/// Incarnation of header and media packets from a stream change on, until the next play command.
pub(crate) const STREAM_CHANGE_INCARNATION: u8 = 0xFF;

/// The server goes on to the next entry. Over TCP its header follows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStreamChange {
    /// Success.
    pub hr: HResult,
    /// Size of the largest ASF packet in bytes.
    #[doc(alias = "cbPacketSize")]
    pub packet_size: u32,
    /// Size of the ASF header in bytes.
    #[doc(alias = "cbHeaderSize")]
    pub header_size: u32,
    /// Bits per second of all streams together.
    #[doc(alias = "dwBitRate")]
    pub bit_rate: u32,
}

impl Body for ReportStreamChange {
    const ID: MessageId = MessageId::REPORT_STREAM_CHANGE;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, _, packet_size, header_size, bit_rate)) = (
            u32_le("hr"),
            u32_le("dwTcpHdrIncarnation"),
            u32_le("cbPacketSize"),
            u32_le("cbHeaderSize"),
            u32_le("dwBitRate"),
        )
            .parse(body)?;
        Ok((rest, Self { hr: HResult(hr), packet_size, header_size, bit_rate }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
        out.put_u32_le(u32::from(STREAM_CHANGE_INCARNATION));
        out.put_u32_le(self.packet_size);
        out.put_u32_le(self.header_size);
        out.put_u32_le(self.bit_rate);
        out.put_u32_le(0); // dwStreamId
    }
}
