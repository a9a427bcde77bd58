//! Content that a server offers, with its ASF header.

use std::borrow::Cow;

use mms_asf::Header;
use mms_proto::{Content, Features, MAX_PACKET_SIZE, StreamNumber};

/// An entry of a playlist, or the one entry of a session without a playlist: its content, whose ASF
/// header is parsed once.
#[derive(Debug, Clone)]
pub struct Entry {
    content: Content,
    header: Result<Box<Header>, mms_asf::Error>,
}

impl Entry {
    /// Parses the content's header. The content gets the header's packet size where the server
    /// announced none.
    #[must_use]
    pub fn new(content: Content) -> Self {
        let header = Header::parse(content.header()).map(Box::new);
        let declared = header.as_ref().ok().map(|header| header.file().packet_size);
        let missing = declared.filter(|_| content.packet_size().is_none());
        let sized = missing.and_then(|size| content.clone().with_packet_size(size).ok());
        Self { content: sized.unwrap_or(content), header }
    }

    /// Content as the server announced it: the header's bytes, and what is known about the packets.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The ASF header, parsed.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn header(&self) -> Result<&Header, mms_asf::Error> {
        self.header.as_deref().map_err(Clone::clone)
    }

    /// Whether the stream is live: positions and packet numbers mean nothing in a broadcast. The
    /// features of the content or its header declare it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let declared = self.header.as_ref().is_ok_and(|header| header.file().broadcast());
        declared || self.content.features().is_live()
    }

    /// Whether the stream can be asked for a packet by its number, so that an interrupted download
    /// can be resumed: it is not live and not an entry of a playlist.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        !self.is_live() && !self.content.features().contains(Features::PLAYLIST)
    }

    /// An entry whose header was parsed already, or made.
    pub(crate) fn with_header(content: Content, header: Header) -> Self {
        Self { content, header: Ok(Box::new(header)) }
    }

    /// The header of a recording. Packets that the protocol could not carry are refused: each would
    /// be filled up to its size in the file, however little of it was sent.
    pub(crate) fn recorded_header(&self) -> Result<Cow<'_, Header>, mms_asf::Error> {
        let header = self.header()?;
        if header.file().packet_size <= MAX_PACKET_SIZE {
            return Ok(Cow::Borrowed(header));
        }
        // The header may declare another size that is possible.
        let mut limits = mms_asf::Limits::default();
        limits.packet_size = MAX_PACKET_SIZE;
        Header::parse_with(self.content.header(), &limits).map(Cow::Owned)
    }

    /// The streams that the header declares.
    pub(crate) fn streams(&self) -> Result<impl Iterator<Item = StreamNumber>, mms_asf::Error> {
        Ok(self.header()?.stream_numbers().filter_map(StreamNumber::new))
    }
}

impl From<Content> for Entry {
    fn from(content: Content) -> Self {
        Self::new(content)
    }
}
