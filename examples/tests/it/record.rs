//! `record` against servers of every kind.

mod ends;
mod files;
mod hostile;
mod memory;
mod scripted;
