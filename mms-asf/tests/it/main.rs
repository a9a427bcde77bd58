//! Tests of the public API, in one program: what they share is compiled once.
//!
//! `cfg(test)` is always true here; it tells the lints that helpers are tests too.
#![cfg(test)]

mod assemble;
mod continuity;
mod documented;
mod edit;
mod files;
mod filter;
mod formats;
mod forms;
mod index;
mod limits;
mod muxer;
mod objects;
mod properties;
mod push;
mod rebase;
mod recording;
mod repair;
mod restore;
mod rewind;
mod rewrite;
mod samples;
mod seek;
mod selector;
mod strict;
mod support;
