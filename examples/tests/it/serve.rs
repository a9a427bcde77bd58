//! The server that `serve` is, and what is in it.

mod channel;
mod descriptors;
mod hub;
mod live;
mod offers;
mod old_clients;
mod playlist;
mod sessions;
