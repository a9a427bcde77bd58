//! A server session against a scripted client: docs/conformance.md names the requirements.

mod connect;
mod end;
mod entries;
mod live;
mod open;
mod pace;
mod play;
mod plays;
mod robust;
mod security;
mod stride;
mod timers;
mod transcripts;
