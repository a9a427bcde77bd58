//! Where live content comes from.

mod files;
mod pipe;
mod upstream;
