//! Replays the inputs of the fuzz targets of `mms-asf`: their bodies and tests are in the fuzz
//! package, which is a workspace of its own, and this brings them into `cargo test --workspace`.

#![cfg(test)]

#[expect(unreachable_pub, reason = "it is a library where it comes from")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
