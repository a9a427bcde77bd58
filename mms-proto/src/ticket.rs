//! Notes that a protocol takes of a request, to be able to answer it later.

use crate::mmsp;

/// A protocol's own note; nothing that an application could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// Of the native protocol.
    Mmsp(mmsp::Ticket),
}
