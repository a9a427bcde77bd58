//! A file as players are given it.

mod files;
mod packets;
mod places;
