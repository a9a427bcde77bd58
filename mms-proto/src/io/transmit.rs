//! Bytes for the network.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes for a TCP connection.
#[must_use]
#[derive(Clone, PartialEq, Eq)]
pub enum Transmit {
    /// One control message, framed. It must reach the socket in one write of its own: VLC and
    /// MPlayer fail on a message that arrives in two segments.
    Message(Bytes),
    /// One media packet: its head, a body that may be shared by many sessions, and what ends it.
    /// Drivers gather several of these into one vectored write of about 64 KiB.
    Data {
        /// Bytes before the body: the protocol's framing of a media packet.
        head: Head,
        /// The payload.
        body: Bytes,
        /// Bytes after the body: the end of an HTTP chunk; often none.
        tail: &'static [u8],
    },
}

impl Transmit {
    /// The three parts in the order of the wire; parts may be empty.
    pub fn parts(&self) -> [&[u8]; 3] {
        match self {
            Self::Message(bytes) => [bytes, &[], &[]],
            Self::Data { head, body, tail } => [head, body, tail],
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

    /// All parts joined, for drivers that prefer simplicity to speed.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Message(bytes) => bytes.clone(),
            Self::Data { .. } => {
                let mut joined = BytesMut::with_capacity(self.len());
                self.parts().iter().for_each(|part| joined.put_slice(part));
                joined.freeze()
            }
        }
    }
}

impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(bytes) => write!(f, "Message({} bytes)", bytes.len()),
            Self::Data { head, body, tail } => {
                let len = body.len().saturating_add(tail.len());
                write!(f, "Data({:02x?}, {len} bytes)", &head[..])
            }
        }
    }
}

/// One UDP datagram to send.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The receiver's address.
    pub to: SocketAddr,
    /// The local address to send from; `None` for the driver's choice.
    pub from: Option<IpAddr>,
    /// Bytes before the body.
    pub head: Head,
    /// The payload, which may be shared by many sessions.
    pub body: Bytes,
}

/// At most [`Head::MAX_LEN`] bytes, kept inline: writing a packet's head allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Head {
    /// The longest head, in bytes: the chunk line, framing and packet header of one packet in a
    /// chunked HTTP response are 7 + 4 + 8.
    pub const MAX_LEN: usize = 23;

    /// A head of these bytes; `None` when there are more than [`Head::MAX_LEN`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let len = u8::try_from(bytes.len()).ok()?;
        let mut head = Self { bytes: [0; Self::MAX_LEN], len };
        head.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(head)
    }
}

impl From<[u8; 8]> for Head {
    fn from(bytes: [u8; 8]) -> Self {
        let mut head = Self { bytes: [0; Self::MAX_LEN], len: 8 };
        if let Some(start) = head.bytes.first_chunk_mut() {
            *start = bytes;
        }
        head
    }
}

impl Deref for Head {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", &self[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_holds_23_bytes_and_no_more() {
        let bytes: Vec<u8> = (0..24).collect();
        for len in 0..=23 {
            assert_eq!(&Head::new(&bytes[..len]).unwrap()[..], &bytes[..len]);
        }
        assert_eq!(Head::new(&bytes), None);
        assert_eq!(Head::from([7; 8]), Head::new(&[7; 8]).unwrap());
        assert_ne!(Head::new(&[0]), Head::new(&[]), "equal bytes, unequal lengths");
    }

    #[test]
    fn parts_are_joined_in_the_order_of_the_wire() {
        let head = Head::new(b"5\r\n$D").unwrap();
        let data = Transmit::Data { head, body: Bytes::from_static(b"abc"), tail: b"\r\n" };
        assert_eq!(&data.to_bytes()[..], b"5\r\n$Dabc\r\n");
        assert_eq!(data.len(), 10);
        let message = Transmit::Message(Bytes::from_static(b"abc"));
        assert_eq!(message.parts(), [&b"abc"[..], b"", b""]);
    }
}
