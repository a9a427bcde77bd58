//! The note that is taken of a request for a file and of a challenge.

/// Fields that an answer repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// `playIncarnation` of the request or the challenge.
    pub(crate) incarnation: u32,
    /// `cookie` of a challenge; 0 for a request.
    pub(crate) cookie: u32,
    /// The token came inside an `NTLM_AUTH` structure: the answer goes in one as well.
    pub(crate) wrapped: bool,
}
