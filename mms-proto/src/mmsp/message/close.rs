//! End of the session, MS-MMSP 2.2.4.16.

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::u32_le;
use super::{Body, Deviation, MessageId, Wire};

/// The client closes the file and with it the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseFile {
    /// The file, as the server named it.
    #[doc(alias = "openFileId")]
    pub open_file_id: u32,
}

impl Body for CloseFile {
    const ID: MessageId = MessageId::CLOSE_FILE;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, (_, open_file_id)) =
            (u32_le("playIncarnation"), u32_le("openFileId")).parse(body)?;
        Ok((rest, Self { open_file_id }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(0); // playIncarnation, not used
        out.put_u32_le(self.open_file_id);
    }
}
