//! What servers of every protocol do alike: pacing, the queue of live packets, selected streams.
//!
//! Nothing in here knows a message or a connection.

pub(crate) mod demand;
pub(crate) mod pacing;
pub(crate) mod policy;
pub(crate) mod queue;
pub(crate) mod rate;
pub(crate) mod selection;

pub(crate) use policy::PacingPolicy;
pub use policy::{EntryDelivery, Pace, StartBurst};
pub use queue::PushOutcome;
