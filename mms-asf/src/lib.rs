//! The ASF container (`.asf`, `.wmv`, `.wma`): headers, data packets, media objects and indexes,
//! read, changed without repacking, repaired, and made.
//!
//! It does not decode media, decrypts nothing and speaks no network protocol. [`FileReader`],
//! [`FileWriter`], [`Muxer`] and [`repair`](repair()) do input and output, on what they are given;
//! nothing else does.
//!
//! ```
//! # use std::io::Cursor;
//! # use bytes::Bytes;
//! use mms_asf::{FileReader, FileWriter, Header};
//!
//! # let header_bytes = mms_asf::testing::live_header(256, &[mms_asf::testing::TestStream::Audio(1)]);
//! # let received: Vec<Bytes> = (0..3).map(|n| mms_asf::testing::packet(n, 256, b"data")).collect();
//! let header = Header::parse(&header_bytes)?;
//! let mut writer = FileWriter::new(Cursor::new(Vec::new()), &header)?;
//! for packet in &received {
//!     writer.write_packet(packet)?;
//! }
//! let file = writer.finish()?;
//!
//! let mut reader = FileReader::open(file)?;
//! assert_eq!(reader.packet_count(), 3);
//! assert_eq!(reader.packet_at_time(std::time::Duration::from_secs(1))?, 1);
//! # Ok::<(), mms_asf::FileError>(())
//! ```
//!
//! # Where to look
//!
//! | to | use |
//! |---|---|
//! | know what a file holds | [`Header`], its [`Stream`]s and [`objects`] |
//! | change tags and other objects of a header | [`HeaderEditor`] |
//! | read packets from a file, seek in it | [`FileReader`] |
//! | read what arrives in pieces and may be damaged | [`StreamParser`] |
//! | get whole frames and blocks of audio | [`Assembler`] |
//! | take padding from packets and put it back | [`remove_padding`], [`Restorer`] |
//! | move the times of packets | [`TimeShifter`], [`Rebaser`]; keep them on one line when a clock starts anew: [`Continuity`]; follow those that wrap: [`SendClock`] |
//! | leave streams out of packets | [`keep_payloads`], [`Selector`], [`Rewind`] |
//! | write what a server sends into a file | [`FileWriter`], or its parts [`PacketPipeline`], [`Finalizer`] and [`IndexBuilder`] |
//! | make a damaged or unfinished file whole | [`repair`](repair()); know what that would change: [`RepairCheck`] |
//! | make a file of frames and blocks of audio | [`Muxer`] |
//!
//! # Concepts
//!
//! A file is a **header** ([`Header`]), then **data packets** ([`Packet`]) of one fixed size, then
//! indexes. The header is the Header Object plus the first 50 bytes of the Data Object: exactly
//! what an MMS server sends before the packets.
//!
//! A packet holds **payloads** ([`Payload`]), and each payload holds a **media object** (a frame, a
//! block of audio), a part of one, or several small ones. What is left of the packet is padding,
//! which servers leave out.
//!
//! A packet's **send time** says when it leaves the server. A media object's **presentation time**
//! says when it is shown, and includes the **preroll** for which a player buffers: media at the
//! very start has a presentation time equal to the preroll.
//!
//! An **index** ([`IndexObject`]) behind the packets says where the key frames lie.
//!
//! # The specification
//!
//! Sections are those of the *Advanced Systems Format (ASF) Specification*, revision 01.20.05. What
//! it calls an object or a field can be searched for here: the documentation finds it under that
//! name.
//!
//! # What to rely on
//!
//! - **Bytes from files and networks are hostile.** Nothing panics; sizes are compared with the
//!   bytes that are there and with [`Limits`] before memory is reserved. What cannot be used is an
//!   [`Error`] that names the object and the place; what is wrong without harm is a [`Deviation`].
//! - **What is not changed stays.** Headers, packets and objects keep their bytes, reserved fields,
//!   unknown objects and old padding included.
//! - **Packets are not repacked.** Whatever changes a packet leaves its size and its media as they
//!   are, so that times, indexes and offsets stay true.

mod assemble;
mod clock;
mod command;
mod continuity;
mod copy;
mod cursor;
mod deviation;
mod edit;
mod error;
mod fields;
mod filter;
pub mod formats;
pub mod guid;
mod header;
mod index;
mod keep;
mod lasting;
mod limits;
mod muxer;
mod object;
pub mod objects;
mod offsets;
mod packet;
mod pipeline;
mod preroll;
mod push;
mod reader;
mod rebase;
mod recording;
mod repair;
mod selector;
mod shift;
mod stream_kind;
mod stream_set;
#[cfg(any(test, feature = "_testing"))]
#[doc(hidden)]
pub mod testing;
mod text;
mod text8;
mod time;
mod walk;
mod writer;

pub use self::assemble::{
    Assembled, Assembler, ContentType, Extension, ExtensionValue, Extensions, IncompleteCause,
    MediaObject, Timecode,
};
pub use self::clock::SendClock;
pub use self::command::{CommandSample, command_sample};
pub use self::continuity::{Continuity, Restart};
pub use self::copy::{Change, Repaired};
pub use self::deviation::Deviation;
pub use self::edit::HeaderEditor;
pub use self::error::{Error, FileError, NotAsf};
pub use self::filter::{FilterOptions, Filtered, RemovedStream, filter, filter_header};
pub use self::formats::{AudioFormat, StreamFormat, VideoFormat};
pub use self::header::{Header, PayloadExtension, Protection, Stream};
pub use self::index::{
    Index, IndexBuilder, IndexObject, Indexes, KeyFrames, MediaObjectIndex, SimpleEntry,
    SimpleIndex, TimecodeIndex,
};
pub use self::keep::{Kept, keep_payloads};
pub use self::limits::Limits;
pub use self::muxer::{Muxer, Packetizer, Sample};
pub use self::object::Object;
pub use self::objects::{FileProperties, IndexKind, IndexSpecifier};
pub use self::packet::padding::{
    Removal, Restored, Restorer, remove_padding, remove_restorable_padding,
};
pub use self::packet::{Field, Packet, Payload, Payloads, Piece, Pieces};
pub use self::pipeline::{PacketPipeline, Staged};
pub use self::push::{Cause, Event, StreamParser};
pub use self::reader::{FileReader, KeyFrameSearch, SeekMethod, SeekPoint};
pub use self::rebase::{Rebase, Rebaser};
pub use self::recording::{Finalization, Finalizer, Patch};
pub use self::repair::{RepairCheck, RepairOptions, repair};
pub use self::selector::{NoSuchStream, Rewind, Selected, Selection, Selector};
pub use self::shift::{Shift, Shifted, TimeShifter};
pub use self::stream_kind::StreamKind;
pub use self::stream_set::StreamSet;
pub use self::text::Text;
pub use self::text8::Text8;
pub use self::writer::FileWriter;
