//! Plays and records `mms://` streams (Microsoft Media Server) over blocking sockets.
//!
//! ```no_run
//! use mms_client::{Recording, open};
//!
//! let session = open("mms://media.example/clip.wmv")?;
//! let mut out = Recording::create(std::fs::File::create("clip.wmv")?, session.entry())?;
//! for packet in session.play_all()? {
//!     out.packet(&packet?)?;
//! }
//! out.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It speaks MMS over TCP only: no UDP, no HTTP. It does not decode media and has no threads of
//! its own but one for connecting.
//!
//! # Concepts
//!
//! A [`Session`] is a stream that is open: its header is here, nothing plays. Playing turns it
//! into a [`Playback`], an iterator over packets, which turns back into a session when it is
//! stopped or when a playlist goes on to its next entry. What is not possible at a moment is not
//! there to be called.
//!
//! [`OpenOptions`] says how: time-outs, credentials, redirects, another way to connect. Its
//! [`Cancel`] handle ends everything from another thread; whatever was going on then fails with
//! [`Error::Cancelled`].
//!
//! A [`Recording`] makes a file of packets, and [goes on](Recording::resume) with one that broke
//! off. [`record`] does all of it, for a whole session:
//!
//! ```no_run
//! use mms_client::{MmsUrl, OpenOptions, RecordOptions, Target, record};
//! use std::fs::File;
//!
//! let url = MmsUrl::parse("mms://media.example/clip.wmv")?;
//! let session = OpenOptions::new().open(&url)?;
//! let options = RecordOptions::new();
//! let target = |entry: u32, _: &_| {
//!     File::create(format!("clip{entry}.wmv")).map(|file| Some(Target::Create(file)))
//! };
//! let summary = record(session, &options, target, |progress| {
//!     eprintln!("{} packets", progress.recorded.packets);
//! })?;
//! println!("{} packets, {} bytes", summary.packets, summary.bytes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing a server sends makes this crate panic, wait longer than its time-outs, or keep more
//! than [`Limits`](mms_proto::Limits) allow. The wire and the container are the business of
//! [`mms_proto`] and [`mms_asf`], whose types appear here as they are.

mod connection;
pub mod dial;
mod error;
pub mod recording;
pub mod session;
pub mod url;

pub use mms_asf;
pub use mms_proto;

pub use crate::dial::{Cancel, Dial, DialError, Dialer};
pub use crate::error::Error;
pub use crate::recording::{
    Break, Counts, Fingerprint, Finished, Interruption, Kept, Progress, RecentPackets,
    RecordFailed, RecordOptions, Recording, RecordingError, Resume, ResumeRefused, Summary, Target,
    record, record_live,
};
pub use crate::session::{EndOfStream, Entry, OpenOptions, Playback, Session, open};
pub use crate::url::{MmsUrl, UrlError};
