//! Reads the header and the data packets of ASF files and streams (`.asf`, `.wmv`, `.wma`), and
//! makes a finished file of packets that came over a network.
//!
//! It does not decode media, does not speak any network protocol, and does not edit metadata yet. Only [`FileReader`] and [`FileWriter`] do input and output, on what they are
//! given.
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
//! # Concepts
//!
//! A file is a **header** ([`Header`]), then **data packets** ([`Packet`]) of one fixed size, then
//! indexes. The header is the Header Object plus the first 50 bytes of the Data Object: exactly
//! what an MMS server sends before the packets.
//!
//! A packet holds **payloads** ([`Payload`]), and each payload holds a **media object** (a frame, a
//! block of audio), a part of one, or several small ones. What is left of the packet is padding.
//! Servers leave padding out; [`Restorer`] puts it back, [`remove_padding`] takes it away.
//!
//! A packet's **send time** says when it leaves the server. A media object's **presentation time**
//! says when it is shown, and includes the **preroll** for which a player buffers: media at the
//! very start has a presentation time equal to the preroll.
//!
//! An **index** ([`IndexObject`]) behind the packets says where the key frames lie;
//! [`FileReader::seek`] finds them with and without one, [`IndexBuilder`] makes one.
//!
//! [`Recording`] gathers what the header of the finished file has to say; [`FileWriter`] puts
//! everything together.
//!
//! Bytes from files and networks are hostile here: nothing panics, sizes are compared with the
//! bytes that are there and with [`Limits`] before memory is reserved. What a header does wrong
//! without becoming unusable is listed as [`Deviation`]s.

mod assemble;
mod command;
mod cursor;
mod edit;
mod error;
mod fields;
pub mod formats;
pub mod guid;
mod header;
mod index;
mod keep;
mod limits;
mod muxer;
mod object;
pub mod objects;
mod packet;
mod push;
mod reader;
mod rebase;
mod recording;
mod repair;
mod restore;
mod selector;
mod shift;
mod strip;
#[cfg(any(test, feature = "_testing"))]
#[doc(hidden)]
pub mod testing;
mod text;
mod text8;
mod time;
mod writer;

pub use self::assemble::{
    Assembled, Assembler, ContentType, Extension, ExtensionValue, Extensions, IncompleteCause,
    MediaObject,
};
pub use self::command::{CommandSample, command_sample};
pub use self::edit::HeaderEditor;
pub use self::error::{Deviation, Error, FileError};
pub use self::formats::{AudioFormat, StreamFormat, VideoFormat};
pub use self::header::{Header, PayloadExtension, Protection, Stream, StreamKind};
pub use self::index::{
    Index, IndexBuilder, IndexObject, Indexes, MediaObjectIndex, SimpleEntry, SimpleIndex,
    TimecodeIndex,
};
pub use self::keep::{Kept, keep_payloads};
pub use self::limits::Limits;
pub use self::muxer::{Muxer, Packetizer, Sample};
pub use self::object::Object;
pub use self::objects::{FileProperties, IndexKind, IndexSpecifier};
pub use self::packet::{Field, Packet, Payload, Payloads, Piece, Pieces};
pub use self::push::{Cause, Event, StreamParser};
pub use self::reader::{FileReader, SeekMethod, SeekPoint};
pub use self::rebase::{Rebase, Rebaser};
pub use self::recording::{Ending, Patch, Recording};
pub use self::repair::{Change, RepairOptions, Repaired, repair};
pub use self::restore::{Restored, Restorer};
pub use self::selector::{NoSuchStream, Rewind, Selected, Selection, Selector};
pub use self::shift::{Shift, Shifted, TimeShifter};
pub use self::strip::{Removal, remove_padding};
pub use self::text::Text;
pub use self::text8::Text8;
pub use self::writer::FileWriter;
