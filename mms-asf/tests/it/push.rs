//! The parser for bytes cut anywhere: what it tells, and that cuts make no difference.

mod damage;
mod files;
mod harness;
mod properties;
mod samples;
mod sizes;
