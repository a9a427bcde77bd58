//! The client against servers on loopback.

#![cfg(test)]

mod common;
mod faults;
mod playing;
mod playlist;
mod recording;
mod resume;
mod strangers;
