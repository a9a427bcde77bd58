//! A client session against a scripted server: docs/conformance.md names the requirements.

mod close;
mod connect;
mod crossing;
mod cuts;
mod harness;
mod header;
mod hostile;
mod limits;
mod open;
mod packets;
mod patience;
mod play;
mod playlist;
mod stop;
mod timers;
mod useless;
