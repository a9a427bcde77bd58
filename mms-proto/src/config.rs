//! What both roles can be told: limits, strictness.

/// What a machine accepts at most. Each limit is checked before memory is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one control packet after its first 16 (`messageLength`). Default 65,536: FFmpeg,
    /// which plays from every server there is, takes no more; real messages stay below 2,100.
    pub message: u32,
    /// Bytes of an ASF header, default 16 MiB. Headers with large pictures reach several.
    pub header: u32,
    /// Bytes that may wait undecoded, default 1 MiB: what was read ahead while the application
    /// owes an answer. There is always room for one packet, and for one read more.
    pub buffered: usize,
    /// Bytes of live packets that wait for a player that is too slow, default 512 KiB; what comes
    /// then is dropped.
    pub queued: usize,
    /// Challenges in a row before the credentials count as refused, default 4 (NTLM needs two).
    pub challenges: u32,
    /// Pings answered in one second, default 20. More are ignored: a server that answers a Pong
    /// with a Ping would otherwise keep both ends busy for ever (T52).
    pub pongs_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 65_536,
            header: 16 << 20,
            buffered: 1 << 20,
            queued: 512 << 10,
            challenges: 4,
            pongs_per_second: 20,
        }
    }
}

/// What happens when a peer breaks a rule in a way that does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// It is counted and reported as an event. Real servers and players break rules.
    #[default]
    Tolerant,
    /// It ends the session with an error: for testing a peer.
    Strict,
}
