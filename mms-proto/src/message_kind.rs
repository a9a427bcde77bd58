//! The kind of a message, whatever the protocol.

use std::fmt;

use crate::mmsp::MessageId;

/// Identifies a kind of message of one of the protocols.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// A message of the native protocol.
    Mmsp(MessageId),
}

impl fmt::Debug for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mmsp(id) => fmt::Debug::fmt(id, f),
        }
    }
}
