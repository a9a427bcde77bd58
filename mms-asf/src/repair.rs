//! Makes a damaged, unfinished or live-captured file whole, without repacking it.

mod check;

use std::io::{Read, Seek, Write};

pub use self::check::RepairCheck;

use crate::copy::Original;
use crate::{FileError, Limits, Rebase, Repaired};

/// How to repair. Start from [`RepairOptions::default`] and change single fields.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct RepairOptions {
    /// Whether times are moved so that the file starts at zero.
    pub rebase: Rebase,
    /// How much the file may ask for.
    pub limits: Limits,
}

/// Reads a file that may be damaged anywhere behind its header, and writes one that is whole:
/// sizes, counts and durations are those of the packets, video can be seeked, what a capture from
/// the middle of a stream holds starts at zero. Packets are copied; only their times change, and
/// those only when the file does not start near zero, or when a clock starts anew in it. A preroll
/// that the times contradict becomes the presentation time of the first media object.
///
/// Packets that cannot be read, and bytes that are none, are left out. A packet needs no neighbour at
/// the exact distance when it is whole and continues its streams; one that is stored without its
/// padding gets it back. Of a last packet that was cut, and of one that is damaged inside, the whole
/// payloads in front of the cut or the damage are kept. Existing indexes
/// are kept when all packets are and they lead to the key frames of their times, and made
/// anew otherwise. A header of another stream in the middle of the input ends the file;
/// [`Repaired::next`] tells where it lies.
///
/// It is one pass in constant memory, apart from indexes. `output` is written from its current
/// position on.
///
/// ```
/// use std::io::Cursor;
///
/// use mms_asf::{Change, RepairOptions, repair};
/// # use mms_asf::testing::{self, TestStream};
/// # let header = mms_asf::Header::parse(&testing::header(256, 9, &[TestStream::Audio(1)]))?;
/// # let mut cut = header.as_bytes().to_vec();
/// # (0..5).for_each(|n| cut.extend_from_slice(&testing::packet(n, 256, b"data")));
/// # cut.truncate(cut.len() - 240);
///
/// let mut whole = Cursor::new(Vec::new());
/// let repaired = repair(cut.as_slice(), &mut whole, &RepairOptions::default())?;
/// assert_eq!(repaired.packets, 4);
/// assert!(repaired.changes.contains(&Change::PacketCount { declared: 9, found: 4 }));
/// # Ok::<(), mms_asf::FileError>(())
/// ```
///
/// Fails when the header cannot be read, and with [`FileError::NoPackets`] when no whole packet
/// follows it; nothing useful was written then.
pub fn repair(
    input: impl Read,
    output: impl Write + Seek,
    options: &RepairOptions,
) -> Result<Repaired, FileError> {
    let original = Original::open(input, &options.limits)?;
    let header = original.header().clone();
    original.copy(&header, output, options.rebase, None::<fn(_) -> _>)
}
