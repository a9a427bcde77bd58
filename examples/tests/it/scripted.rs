//! Programs against a scripted server.

pub(crate) mod program;
pub(crate) mod server;
