//! The native protocol, MS-MMSP: control messages and media on one TCP connection ("MMST").
//!
//! Three layers: [`frame`] knows lengths, [`message`] knows fields,
//! [`Client`] and [`Server`] know order. Media over UDP will join them here; the same service over
//! HTTP (MS-WMSP) will be a sibling of this module.

pub mod client;
mod deviation;
pub mod frame;
mod framing;
mod id;
mod incarnation;
pub mod message;
pub mod server;
mod ticket;
pub(crate) mod wire;

pub use client::{Client, ClientConfig};
pub use deviation::MmspDeviation;
pub use id::MessageId;
pub use incarnation::Incarnations;
pub use server::{Server, ServerConfig};
pub(crate) use ticket::Ticket;
