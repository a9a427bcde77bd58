//! Microsoft Media Server protocol (MMS) without input and output: bytes go in, events, bytes and
//! deadlines come out. Client and server, control messages and media over TCP (MS-MMSP, "MMST").
//!
//! There is no socket, clock, thread or random source in here, and no knowledge of ASF beyond
//! "an opaque header, opaque packets". The crate `mms-client` puts sockets under it, `mms-asf`
//! reads what comes out.
//!
//! # The loop
//!
//! ```text
//!   bytes read ──► handle_input(now, Tcp)  ┌─────────┐  Transmit ──► write it
//!   time passed ─► handle_input(now, Timeout)        │  Event ─────► the application decides
//!   the end ─────► handle_input(now, TcpClosed)      │  Wait(when) ► read again, until then
//!                  play, stop, accept, ... └─────────┘  poll_output(), until it says Wait
//! ```
//!
//! One rule: **after every call that takes `now`, poll until `Wait`**. `handle_input`,
//! `received` and `poll_output` are in the trait [`Machine`], the same for every protocol and either end;
//! commands belong to each end. Where a session has one TCP connection,
//! [`Input::tcp`] is what was read from it and [`Input::tcp_closed`] its end. A whole session in
//! memory, both ends of it real:
//!
//! ```
//! use bytes::Bytes;
//! use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
//! use mms_proto::{
//!     ClientEvent, Content, Input, Machine, Output, PlayRequest, ServerEvent, StreamNumber,
//! };
//! use std::time::Instant;
//!
//! let now = Instant::now();
//! let mut client = Client::new(now, ClientConfig::new("example.org", "clip.wmv"));
//! let mut server = Server::new(now, ServerConfig::default());
//! let clip = Content::new(Bytes::from_static(b"an ASF header"))?.with_packet_size(1440)?.with_packet_count(2);
//! let packets = [Bytes::from_static(b"packet 0"), Bytes::from_static(b"packet 1")];
//! let (mut sent, mut received) = (0..2u32, Vec::new());
//!
//! while client.phase() != mms_proto::Phase::Closed {
//!     loop {
//!         match client.poll_output() {
//!             Output::Transmit { data: bytes, .. } => server.handle_input(now, Input::tcp(&bytes.to_bytes()))?,
//!             Output::Event(ClientEvent::Ready(_)) => {
//!                 client.play(now, PlayRequest::all(StreamNumber::new(1)))?;
//!             }
//!             Output::Event(ClientEvent::Packet(packet)) => received.push(packet.payload),
//!             Output::Event(ClientEvent::EndOfStream { .. }) => client.close(now),
//!             Output::Wait(_) => break,
//!             // Other events; and no second connection, no datagram in this session.
//!             _ => {}
//!         }
//!     }
//!     loop {
//!         match server.poll_output() {
//!             Output::Transmit { data: bytes, .. } => client.handle_input(now, Input::tcp(&bytes.to_bytes()))?,
//!             Output::Event(ServerEvent::Open(request)) => server.accept(now, request, clip.clone())?,
//!             Output::Event(ServerEvent::PacketWanted { .. }) => match sent.next() {
//!                 Some(number) => server.send_packet(now, number, packets[number as usize].clone())?,
//!                 None => server.end_of_stream(now)?,
//!             },
//!             Output::Wait(_) => break,
//!             // Other events; and no second connection, no datagram in this session.
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(received, packets);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to rely on
//!
//! - **Order.** A packet, and inside it a message, is decoded only when every output of the one
//!   before has been polled. So the same bytes give the same events however they were cut, and a
//!   command given in answer to an event lands at the same place.
//! - **Errors** ([`Error`]) end a session: the error is its last event, after everything that came
//!   before it, and later input returns it again. A command at the wrong time ([`StateError`])
//!   changes nothing.
//! - **Deviations** ([`Deviation`]): peers break rules. What does no harm is counted, reported and
//!   tolerated, or refused in [`Strictness::Strict`] mode. What is sent keeps the rules.
//! - **Memory** is bounded by [`Limits`], each checked before memory is reserved. Payloads are
//!   slices of the buffer that they were read into: nothing is copied, nothing allocated for one.
//! - **Time** is an argument. Early is harmless. Late needs care: a deadline that passed while the
//!   driver was busy is believed only after a look at the socket, see [`Input::Timeout`].
//! - **Names.** Types are called what a caller would look for; the names of the specification are
//!   found by searching for them. Numbers like T44 are behaviours of real servers and players,
//!   listed in `docs/behaviours.md` of the repository.
//!
//! What is streamed ([`Content`], [`PlayRequest`], [`StreamSelection`], [`AsfPacket`], the events)
//! knows no transport. [`mmsp`] is the native protocol; media over UDP will join it there, and the
//! same service over HTTP (MS-WMSP) will stand beside it, with the same events.

mod auth;
mod client_log;
mod config;
mod content;
mod deviation;
mod error;
mod event;
mod features;
#[cfg(any(test, feature = "_testing"))]
#[doc(hidden)]
pub mod fuzzing;
mod hresult;
mod io;
mod machine;
mod message_kind;
pub mod mmsp;
mod receive;
mod request;
mod serving;
mod session;
mod session_options;
mod stream;
#[cfg(any(test, feature = "_testing"))]
#[doc(hidden)]
pub mod testing;
mod ticket;
mod timeouts;
mod timer;
mod version;

pub use auth::{AuthScheme, Challenge, Credentials, ServerChallenge};
pub use client_log::{ClientLog, LogClient, LogPlayback, LogReception, LogVersion, Transport};
pub use config::{Limits, Strictness};
pub use content::{AsfPacket, Content, InvalidContent, MAX_PACKET_SIZE};
pub use deviation::Deviation;
pub use error::{DecodeError, Error, Layer, Missing, Phase, Problem, StateError};
pub use event::{
    ClientEvent, ClientInfo, CloseReason, OpenRequest, Reception, Redirect, ServerEvent,
    ServerInfo, Stats,
};
pub use features::Features;
pub use hresult::{Failure, HResult};
pub use io::{ConnectionId, Datagram, Head, Input, Output, Transmit};
pub use machine::Machine;
pub use message_kind::MessageKind;
pub use request::{Accel, PlayRequest, Position, Rate, Start, Stop};
pub use serving::{EntryDelivery, Pace, PushOutcome, StartBurst};
pub use session_options::SessionOptions;
pub use stream::{Delivery, StreamNumber, StreamSelection};
pub use timeouts::{ClientTimeouts, ServerTimeouts};
pub use version::PeerVersion;
