//! `repair`, and what players make of what it writes.

mod agrees;
mod header_sizes;
mod parts;
mod peers;
mod program;
mod remux;
