//! Drops streams from a file, without repacking it.

mod header;
mod packets;
mod streams;

use std::io::{Read, Seek, Write};

pub use self::header::filter_header;

use self::header::filter_header_with;
use self::packets::Filter;
use self::streams::Streams;
use crate::copy::Original;
use crate::{Error, FileError, Limits, Rebase, Repaired, Stream};

/// How to filter. Start from [`FilterOptions::default`] and change single fields.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct FilterOptions {
    /// How much the file may ask for.
    pub limits: Limits,
}

/// A file without some of its streams.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filtered {
    /// The new file, and what differs from the input apart from the streams.
    pub file: Repaired,
    /// What went, in the order of stream numbers.
    pub removed: Vec<RemovedStream>,
    /// Packets that held nothing else and are not in the file.
    pub removed_packets: u64,
    /// Packets that are not in the file because their payloads cannot be told apart, such as parity
    /// of other packets. With all streams kept there is no need to.
    pub unreadable_packets: u64,
}

/// A stream that is not in the file any more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedStream {
    /// Its number.
    pub number: u8,
    /// What the header said about it; `None` for payloads of a stream that it did not declare.
    pub declared: Option<Stream>,
    /// How many payloads it had.
    pub payloads: u64,
    /// How many bytes of media they held.
    pub bytes: u64,
}

/// Reads a file and writes one with those streams only whose numbers are in `keep`. Packets keep
/// their size and times, streams their numbers, and payloads their bytes and their order; the room
/// of what goes becomes padding. Packets of which nothing is left go too.
///
/// The header is that of [`filter_header`], with the counts of the new file. Its durations stay when
/// they are near what is left. Indexes are made anew, other objects behind the packets are kept. What
/// is damaged is treated as [`repair()`](crate::repair()) does it, but times are not moved. With all
/// streams kept, a file that is whole stays as it is.
///
/// ```
/// use std::io::Cursor;
///
/// use mms_asf::{FileReader, FilterOptions, filter};
/// # use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
/// # let mut file = testing::header(256, 5, &[TestStream::Audio(1), TestStream::Video(2)]).to_vec();
/// # for n in 0..5 {
/// #     let time = 3_000 + 1_000 * n;
/// #     let audio = TestPayload::whole(1, n, time, b"audio");
/// #     let video = TestPayload::whole(0x82, n, time, b"video");
/// #     let packet = TestPacket { send_time: time, ..TestPacket::multiple(vec![audio, video]) };
/// #     file.extend_from_slice(&packet.build(256));
/// # }
///
/// let mut video = Cursor::new(Vec::new());
/// let filtered = filter(file.as_slice(), &mut video, &[2], &FilterOptions::default())?;
/// assert_eq!(filtered.removed[0].number, 1);
/// assert_eq!(filtered.removed[0].payloads, 5);
///
/// video.set_position(0);
/// let reader = FileReader::open(video)?;
/// assert_eq!(reader.header().stream_numbers().collect::<Vec<_>>(), [2]);
/// # Ok::<(), mms_asf::FileError>(())
/// ```
///
/// It is one pass in constant memory, apart from indexes. `output` is written from its current
/// position on.
///
/// Fails when the header cannot be read; with [`Error::NoSuchStream`] when it does not declare a
/// stream of `keep`; with [`Error::NothingKept`] when `keep` is empty, and when no packet holds any
/// of them; and with [`FileError::NoPackets`] when the input has no whole packet. Nothing useful was
/// written then.
pub fn filter(
    input: impl Read,
    output: impl Write + Seek,
    keep: &[u8],
    options: &FilterOptions,
) -> Result<Filtered, FileError> {
    let original = Original::open(input, &options.limits)?;
    let before = original.header().clone();
    if let Some(&number) = keep.iter().find(|&&number| before.stream(number).is_none()) {
        return Err(Error::NoSuchStream { number }.into());
    }
    let kept = Streams::new(|number| keep.contains(&number));
    let header = filter_header_with(&before, kept, &options.limits)?;
    let mut filter = Filter::new(&before, kept);
    let change = Some(|packet| filter.packet(packet));
    let file = match original.copy(&header, output, Rebase::None, change) {
        Err(FileError::NoPackets) if filter.took_any() => Err(Error::NothingKept.into()),
        copied => copied,
    }?;
    Ok(filter.report(&before, file))
}
