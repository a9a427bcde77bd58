//! What a driver and a machine hand each other: bytes and datagrams in; bytes, datagrams, events
//! and deadlines out.
//!
//! These enums are exhaustive on purpose: a new variant must break every driver that does not
//! know what to do with it.

mod connection_id;
mod transmit;

use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

pub use connection_id::ConnectionId;
pub use transmit::{Datagram, Head, Transmit};

/// Something that happened outside, fed to a machine together with the time it happened.
///
/// Input of a connection that the machine did not ask for, or has closed, is dropped.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// The connection of [`Output::Connect`] is open.
    TcpOpened {
        /// The id that [`Output::Connect`] gave it.
        connection: ConnectionId,
        /// This end of it.
        local: SocketAddr,
    },
    /// The connection of [`Output::Connect`] could not be opened: no address answered, or not
    /// within the driver's deadline.
    TcpFailed {
        /// The id that [`Output::Connect`] gave it.
        connection: ConnectionId,
    },
    /// Bytes read from a TCP connection, cut anywhere.
    ///
    /// They are copied. A driver that wants to save the copy reads into the machine's own buffer
    /// instead ([`recv_buffer`](crate::Machine::recv_buffer) and
    /// [`received`](crate::Machine::received)). While that buffer is empty, do not read: bytes beyond
    /// [`Limits::buffered`](crate::Limits::buffered) end the session.
    Tcp {
        /// The connection that was read.
        connection: ConnectionId,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The peer closed a TCP connection, or it was reset: nothing more will come on it. After a
    /// write that failed, hand in first what can still be read.
    TcpClosed {
        /// The connection that ended.
        connection: ConnectionId,
    },
    /// One UDP datagram, whole. It is copied. The driver binds the socket before the session, and the
    /// configuration of the session names its port.
    Datagram {
        /// The sender's address.
        from: SocketAddr,
        /// The payload, at most 65,507 bytes.
        bytes: &'a [u8],
    },
    /// The deadline of the last [`Output::Wait`] has passed. Early is harmless.
    ///
    /// The machine treats the deadline as missed, even if unread bytes are waiting. If the driver
    /// was busy when it passed (a slow application, a write that took long), read the sockets
    /// first, and send `Timeout` only if they were empty, or when the same deadline comes again.
    Timeout,
}

impl<'a> Input<'a> {
    /// Bytes of the main connection.
    #[must_use]
    pub const fn tcp(bytes: &'a [u8]) -> Self {
        Self::Tcp { connection: ConnectionId::MAIN, bytes }
    }

    /// The end of the main connection.
    #[must_use]
    pub const fn tcp_closed() -> Self {
        Self::TcpClosed { connection: ConnectionId::MAIN }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TcpOpened { connection, local } => {
                write!(f, "TcpOpened({connection}, local {local})")
            }
            Self::TcpFailed { connection } => write!(f, "TcpFailed({connection})"),
            Self::Tcp { connection, bytes } => {
                write!(f, "Tcp({connection}, {} bytes)", bytes.len())
            }
            Self::TcpClosed { connection } => write!(f, "TcpClosed({connection})"),
            Self::Datagram { from, bytes } => {
                write!(f, "Datagram({} bytes from {from})", bytes.len())
            }
            Self::Timeout => f.write_str("Timeout"),
        }
    }
}

/// Something that a machine wants its driver to do next.
#[must_use]
#[derive(Debug, Clone, PartialEq)]
pub enum Output<E> {
    /// Open one more connection to the peer of the main one, and answer with
    /// [`Input::TcpOpened`] or [`Input::TcpFailed`].
    Connect {
        /// The new connection: no other one of the session had this id before.
        connection: ConnectionId,
    },
    /// Write these bytes to a TCP connection; ask for the next output when they are written,
    /// or gathered for a larger write.
    Transmit {
        /// The connection to write to.
        connection: ConnectionId,
        /// The bytes.
        data: Transmit,
    },
    /// Close a TCP connection after the bytes that were given for it. The session goes on.
    Close {
        /// The connection to close. Its input is dropped from here on.
        connection: ConnectionId,
    },
    /// Send one UDP datagram.
    Datagram(Datagram),
    /// Tell the application.
    Event(E),
    /// Nothing to do until more input arrives, or until this moment at the latest. When it has passed
    /// already, look at the sockets without waiting, then hand in [`Input::Timeout`].
    Wait(Option<Instant>),
}
