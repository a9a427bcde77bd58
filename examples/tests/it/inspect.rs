//! `inspect`: what it finds and how it says it.

mod damaged;
mod report;
