//! A server in any phase of a session, with an application that behaves well, and a player that
//! does not: the mirror of `hostile`, where one honest session is bent.

pub(crate) mod application;
mod cuts;
mod fields;
mod floods;
mod orders;
pub(crate) mod requests;
pub(crate) mod victim;
pub(crate) mod watch;

use victim::Stage;

/// What a session may take whatever it is sent: a read buffer, and the largest packet in it. While
/// the application owes an answer, 1 MiB waits beside a read more, and the smaller buffer is there
/// until the larger one is filled from it.
pub(crate) fn memory(stage: Stage) -> u64 {
    if stage == Stage::OpenAsked { 4 << 20 } else { 1 << 20 }
}

/// Runs something and insists that it never holds more memory than this.
#[track_caller]
pub(crate) fn within<T>(limit: u64, run: impl FnOnce() -> T) -> T {
    let mut result = None;
    let memory = allocation_counter::measure(|| result = Some(run()));
    assert!(memory.bytes_max <= limit, "{} bytes, {limit} are allowed", memory.bytes_max);
    result.unwrap()
}
