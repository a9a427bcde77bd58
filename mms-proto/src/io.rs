//! What a driver and a machine hand each other: bytes in, bytes, events and deadlines out.
//!
//! These enums are exhaustive on purpose: a new variant must break every driver that does not
//! know what to do with it.

use std::fmt;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

/// Something that happened outside, fed to a machine together with the time it happened.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// Bytes read from the TCP connection, cut anywhere.
    ///
    /// They are copied. A driver that wants to save the copy reads into the machine's own buffer
    /// instead (`recv_buffer` and `received`).
    Tcp(&'a [u8]),
    /// The deadline of the last [`Output::Wait`] has passed. Early is harmless.
    ///
    /// The machine believes it: what waits in the socket counts as not sent. After a time in which
    /// the driver did not look (a slow application, a write that took long) read first what is
    /// there, and say this when there was nothing, or when the same deadline comes again.
    Timeout,
    /// The peer closed the TCP connection, or it was reset: nothing more will come.
    TcpClosed,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(bytes) => write!(f, "Tcp({} bytes)", bytes.len()),
            Self::Timeout => f.write_str("Timeout"),
            Self::TcpClosed => f.write_str("TcpClosed"),
        }
    }
}

/// What a machine wants its driver to do next.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Output<E> {
    /// Write these bytes to the TCP connection; ask for the next output when they are written,
    /// or gathered for a larger write.
    Transmit(Transmit),
    /// Tell the application.
    Event(E),
    /// Nothing to do until more input arrives, or until this moment at the latest.
    Wait(Option<Instant>),
}

/// Bytes for the TCP connection.
#[must_use]
#[derive(Clone, PartialEq, Eq)]
pub enum Transmit {
    /// One control message, framed. It must reach the socket in one write of its own: VLC and
    /// MPlayer fail on a message that arrives in two segments.
    Message(Bytes),
    /// One Data packet: its eight-byte head and a body that may be shared by many sessions.
    /// Drivers gather several of these into one vectored write of about 64 KiB.
    Data {
        /// The Data header, MS-MMSP 2.2.2.
        head: [u8; 8],
        /// The payload.
        body: Bytes,
    },
}

impl Transmit {
    /// The two parts in the order of the wire; the second is empty for a message.
    pub fn parts(&self) -> [&[u8]; 2] {
        match self {
            Self::Message(bytes) => [bytes, &[]],
            Self::Data { head, body } => [head, body],
        }
    }

    /// Number of bytes on the wire.
    pub fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Never true: an empty write is never asked for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Head and body joined, for drivers that prefer simplicity to speed.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Message(bytes) => bytes.clone(),
            Self::Data { head, body } => {
                let mut joined = BytesMut::with_capacity(head.len().saturating_add(body.len()));
                joined.put_slice(head);
                joined.put_slice(body);
                joined.freeze()
            }
        }
    }
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(bytes) => write!(f, "Message({} bytes)", bytes.len()),
            Self::Data { head, body } => write!(f, "Data({head:02x?}, {} bytes)", body.len()),
        }
    }
}
