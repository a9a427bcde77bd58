//! Tests of the programs and of what is in them, in one program: what they share is compiled once.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers are tests too.
#![cfg(test)]

mod attack;
mod dissection;
mod feed;
mod filter;
// Replays the inputs of the fuzz targets of `mms-asf`: their bodies and tests are in the fuzz package,
// which is a workspace of its own, and this brings them into `cargo test --workspace`.
#[expect(unreachable_pub, reason = "it is a library where it comes from")]
#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;
mod inspect;
mod players;
mod programs;
mod record;
mod relay;
mod repair;
mod samples;
mod scripted;
mod serve;
mod support;
mod title;
