//! The client against servers on loopback.

#![cfg(test)]

mod chosen;
mod common;
mod ends;
mod faults;
mod playing;
mod playlist;
mod reconnect;
mod recording;
mod resume;
mod strangers;
mod tail;
