//! Names of the TCP connections of a session.

use std::fmt;

/// Identifies one TCP connection of a session.
///
/// [`ConnectionId::MAIN`] is open when the session begins. Other connections are opened by
/// [`Output::Connect`](crate::Output::Connect), each with an id that was not used before, so that
/// late bytes of an old connection cannot be taken for those of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u32);

impl ConnectionId {
    /// The connection that the session begins on: the one that the client's driver opened, or the
    /// server's accepted.
    pub const MAIN: Self = Self(0);

    /// True for [`ConnectionId::MAIN`].
    #[must_use]
    pub const fn is_main(self) -> bool {
        self.0 == Self::MAIN.0
    }

    /// The id of the connection that is opened after this one; `None` after 2^32 of them.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.0)
    }
}
