//! Random messages, for property tests of any layer.
//!
//! A strategy makes every value that the public API can build, awkward ones included: text with
//! NULs, times that no field can hold, redirects to nowhere. Writing such a value normalises it;
//! [`client_message_as_read`] and [`server_message_as_read`] make values that survive the wire
//! unchanged.

mod fields;
mod logs;
mod messages;
pub mod sim;
pub mod toy;

pub use fields::{
    accel, blob, duration, hresult, position, rate, redirect, start, stop, stream_number,
    stream_selection, text,
};
pub use logs::{log_version, logging};
pub use messages::*;
