//! Notes that a protocol takes of a request, to be able to answer it later.

use crate::mmsp::Ticket as MmspTicket;

/// A protocol's own note; nothing that an application could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// Of the native protocol.
    Mmsp(MmspTicket),
}

impl From<MmspTicket> for Ticket {
    fn from(ticket: MmspTicket) -> Self {
        Self::Mmsp(ticket)
    }
}
