//! Real files.

mod headers;
mod recorded;
