//! Bodies of the fuzz targets: functions that take any bytes and panic when a promise is broken.
//!
//! They live here so that a fuzzer and a plain test, which replays what the fuzzer has found, run
//! the same code. For the sessions, input is a `Script`: a list of things that
//! happen outside, so that a fuzzer reaches the states behind a handshake.

mod both;
mod client;
mod frame;
mod media;
mod message;
mod rig;
mod script;
mod server;

pub(crate) use script::Script;

pub use both::both;
pub use client::client_session;
pub use frame::frame;
pub use media::server_media;
pub use message::{client_message, server_message};
pub use server::server_session;

/// A body: any bytes will do.
pub type Body = fn(&[u8]);

/// Every target with its name, which is also the name of the directory of its inputs.
pub const TARGETS: &[(&str, Body)] = &[
    ("frame", frame),
    ("client_message", client_message),
    ("server_message", server_message),
    ("client_session", client_session),
    ("server_session", server_session),
    ("server_media", server_media),
    ("both", both),
];
