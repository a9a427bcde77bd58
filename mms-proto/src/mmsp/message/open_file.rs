//! The file, MS-MMSP 2.2.4.21 and 2.2.4.7.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{Fault, bytes, f64_le, len32, put_utf16_z, u32_le, u64_le, utf16, utf16_z_units};
use super::{
    Body, Deviation, FileAttributes, MessageId, Wire, hr_and_incarnation, put_seconds, seconds,
};
use crate::hresult::{Failure, HResult};

/// The client names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFile {
    /// Labels the answer. MPlayer sends 0.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// Path without leading slash, not percent-encoded, with `?query` where there is one.
    #[doc(alias = "fileName")]
    pub path: String,
    /// Credentials of an earlier session; empty for none.
    #[doc(alias = "tokenData")]
    pub token: Bytes,
}

impl Body for OpenFile {
    const ID: MessageId = MessageId::OPEN_FILE;

    fn parse<'a>(body: &'a [u8], message: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (at_token, (incarnation, _)) =
            (u32_le("playIncarnation"), u32_le("spare")).parse(body)?;
        let (names, (offset, length)) = (u32_le("token"), u32_le("cbtoken")).parse(at_token)?;
        let mut name = names;
        let mut token = Bytes::new();
        if length != 0 {
            // Counted from the beginning of fileName.
            let end = offset.checked_add(length).and_then(|end| usize::try_from(end).ok());
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let Some(data) = end.and_then(|end| names.get(start..end)) else {
                return Fault::value(at_token, "token", offset, "a place inside the message");
            };
            token = message.slice_ref(data);
            name = names.get(..start).unwrap_or_default();
        }
        Ok((&[], Self { incarnation, path: utf16(name), token }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.incarnation);
        out.put_u32_le(0); // spare
        let offset =
            if self.token.is_empty() { 0 } else { utf16_z_units(&self.path).saturating_mul(2) };
        out.put_u32_le(len32(offset));
        out.put_u32_le(len32(self.token.len()));
        put_utf16_z(out, &self.path);
        out.put_slice(&self.token);
    }
}

/// The server's answer: the file, or why not.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportOpenFile {
    /// The request's label.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// The file, or the reason why it was not opened.
    pub result: Result<OpenedFile, Failure>,
}

/// What a server says about an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedFile {
    /// Names the file in every later message.
    #[doc(alias = "openFileId")]
    pub open_file_id: u32,
    /// What can be done with it.
    #[doc(alias = "fileAttributes")]
    pub attributes: FileAttributes,
    /// Playing time; zero when unknown or live.
    #[doc(alias = "fileDuration")]
    pub duration: Duration,
    /// Size of the largest ASF packet in bytes.
    #[doc(alias = "filePacketSize")]
    pub packet_size: u32,
    /// Number of ASF packets; 0 or all ones when unknown.
    #[doc(alias = "filePacketCount")]
    pub packet_count: u64,
    /// Bits per second of all streams together.
    #[doc(alias = "fileBitRate")]
    pub bit_rate: u32,
    /// Size of the ASF header in bytes.
    #[doc(alias = "fileHeaderSize")]
    pub header_size: u32,
}

impl Body for ReportOpenFile {
    const ID: MessageId = MessageId::REPORT_OPEN_FILE;

    fn parse<'a>(body: &'a [u8], _: &Bytes, deviations: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (hr, incarnation)) = hr_and_incarnation(body)?;
        if let Some(failure) = hr.failure() {
            // The rest may be zero or missing.
            return Ok((&[], Self { incarnation, result: Err(failure) }));
        }
        let (rest, (open_file_id, _, attributes, duration)) = (
            u32_le("openFileId"),
            bytes("padding", 8), // and fileName
            u32_le("fileAttributes"),
            f64_le("fileDuration"),
        )
            .parse(rest)?;
        let (_, (_, packet_size, packet_count, bit_rate, header_size)) = (
            bytes("fileBlocks", 20), // and unused1
            u32_le("filePacketSize"),
            u64_le("filePacketCount"),
            u32_le("fileBitRate"),
            u32_le("fileHeaderSize"),
        )
            .parse(rest)?;
        let attributes = FileAttributes(attributes);
        let duration = seconds(duration).unwrap_or_else(|| {
            let value = duration.to_bits();
            deviations.push(Deviation::FieldValue { field: "fileDuration", value });
            Duration::ZERO
        });
        let file = OpenedFile {
            open_file_id,
            attributes,
            duration,
            packet_size,
            packet_count,
            bit_rate,
            header_size,
        };
        Ok((&[], Self { incarnation, result: Ok(file) }))
    }

    fn put(&self, out: &mut BytesMut) {
        let hr = self.result.map_or_else(HResult::from, |_| HResult::OK);
        out.put_u32_le(hr.0);
        out.put_u32_le(self.incarnation);
        let Ok(file) = self.result else {
            // Full size with an openFileId of 0: VLC looks at nothing else (T44).
            return out.put_bytes(0, 100);
        };
        out.put_u32_le(file.open_file_id);
        out.put_u32_le(0); // padding
        out.put_u32_le(0); // fileName
        out.put_u32_le(file.attributes.0);
        put_seconds(out, file.duration);
        let whole = file.duration.as_secs();
        let blocks =
            if file.duration.subsec_nanos() == 0 { whole } else { whole.saturating_add(1) };
        out.put_u32_le(u32::try_from(blocks).unwrap_or(u32::MAX));
        out.put_bytes(0, 16); // unused1
        out.put_u32_le(file.packet_size);
        out.put_u64_le(file.packet_count);
        out.put_u32_le(file.bit_rate);
        out.put_u32_le(file.header_size);
        out.put_bytes(0, 36); // unused2
    }
}
