//! Tests of the public API, in one program: what they share is compiled once.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers are tests too.
#![cfg(test)]

mod client;
mod corpus;
mod crowd;
mod hostile;
mod hostile_player;
mod interleavings;
mod machine;
mod message_properties;
mod messages;
mod no_room;
mod pair;
mod security;
mod server;
mod toy;
