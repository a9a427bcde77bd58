//! `filter`, and what players make of what it writes.

mod peers;
mod program;
