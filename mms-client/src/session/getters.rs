//! Facts about an open stream, before it plays and while it does.

use mms_asf::Header;
use mms_proto::{Content, Deviation, Machine as _, Reception, ServerInfo, Stats};

use super::{Entry, Playback, Session};
use crate::error::Error;

/// Facts about the stream.
impl Session {
    /// Content that the server offers: the ASF header, and what is known about the packets.
    pub fn content(&self) -> &Content {
        self.entry.content()
    }

    /// The entry: the content with its parsed header.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The ASF header, parsed.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn header(&self) -> Result<&Header, Error> {
        Ok(self.entry.header()?)
    }

    /// The server's description of itself; `None` when it gave none.
    pub fn server(&self) -> Option<&ServerInfo> {
        self.core.server.as_ref()
    }

    /// The peer after all redirects, as `host:port`.
    pub fn server_address(&self) -> &str {
        self.core.connection.server()
    }

    /// Bits per second that the bandwidth test measured, where one was asked for and its packets
    /// came far enough apart.
    pub fn bandwidth(&self) -> Option<u64> {
        self.core.bandwidth
    }

    /// Rules that the server broke without harm: the first 64. [`stats`](Self::stats) has their
    /// number.
    pub fn deviations(&self) -> &[Deviation] {
        &self.core.deviations
    }

    /// Packets of the entry that came since it was last asked for, beside those announced: tells
    /// half a stream from a whole one.
    pub fn reception(&self) -> Reception {
        self.core.connection.machine().reception()
    }

    /// Numbers about the session so far.
    pub fn stats(&self) -> Stats {
        self.core.connection.machine().stats()
    }
}

/// Facts about the stream.
impl Playback {
    /// Content that the server offers: the ASF header, and what is known about the packets.
    pub fn content(&self) -> &Content {
        self.entry.content()
    }

    /// The entry: the content with its parsed header.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The ASF header, parsed.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub fn header(&self) -> Result<&Header, Error> {
        Ok(self.entry.header()?)
    }

    /// The server's description of itself; `None` when it gave none.
    pub fn server(&self) -> Option<&ServerInfo> {
        self.core.server.as_ref()
    }

    /// The peer after all redirects, as `host:port`.
    pub fn server_address(&self) -> &str {
        self.core.connection.server()
    }

    /// Bits per second that the bandwidth test measured, where one was asked for and its packets
    /// came far enough apart.
    pub fn bandwidth(&self) -> Option<u64> {
        self.core.bandwidth
    }

    /// Rules that the server broke without harm: the first 64. [`stats`](Self::stats) has their
    /// number.
    pub fn deviations(&self) -> &[Deviation] {
        &self.core.deviations
    }

    /// Packets of the entry that came since it was last asked for, beside those announced: tells
    /// half a stream from a whole one.
    pub fn reception(&self) -> Reception {
        self.core.connection.machine().reception()
    }

    /// Numbers about the session so far.
    pub fn stats(&self) -> Stats {
        self.core.connection.machine().stats()
    }
}
