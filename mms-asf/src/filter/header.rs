//! The header of a file that loses streams.

use bytes::Bytes;

use super::Streams;
use crate::objects::{
    AdvancedContentEncryption, AdvancedMutualExclusion, BandwidthSharing, BitrateMutualExclusion,
    Body as _, CodecEntry, CodecKind, CodecList, ExtendedStreamProperties, FileProperties,
    GroupMutualExclusion, IndexParameters, MediaObjectIndexParameters, Metadata, MetadataLibrary,
    StreamBitrates, StreamPrioritization, StreamProperties, TimecodeIndexParameters,
};
use crate::{Error, Header, HeaderEditor, Limits, Stream, StreamFormat, guid};

/// The header with those streams only that `keep` says yes to; it is asked about each number from 1
/// to 127.
///
/// No object mentions the others any more: their declarations, bit rates, priorities, metadata,
/// index columns and protection go, and so do they as members of mutual exclusions and of shared
/// bandwidth, which need two members to mean something. An entry of the Codec List Object goes when
/// the codec is that of no other stream. The maximum bit rate is lowered by what the streams took,
/// as far as the header says. Everything else stays, stream numbers and the list of languages
/// included; so does the length of the header, by means of padding, whenever that is possible.
///
/// Counts, sizes and durations are left to [`Finalizer`](crate::Finalizer) or
/// [`filter()`](crate::filter()), because they depend on the packets.
///
/// ```
/// # use mms_asf::{Header, testing};
/// use mms_asf::filter_header;
///
/// # let streams = [testing::TestStream::Audio(1), testing::TestStream::Video(2)];
/// # let header = Header::parse(&testing::header(256, 1, &streams))?;
/// let audio = filter_header(&header, |number| number == 1)?;
/// assert_eq!(audio.stream_numbers().collect::<Vec<_>>(), [1]);
/// # Ok::<(), mms_asf::Error>(())
/// ```
///
/// Fails with [`Error::NothingKept`] when no declared stream is kept, and when an object that may
/// mention a stream cannot be read.
pub fn filter_header(header: &Header, keep: impl Fn(u8) -> bool) -> Result<Header, Error> {
    filter_header_with(header, Streams::new(keep), &Limits::default())
}

/// [`filter_header`] with other limits.
pub(super) fn filter_header_with(
    header: &Header,
    kept: Streams,
    limits: &Limits,
) -> Result<Header, Error> {
    if !header.stream_numbers().any(|number| kept.contains(number)) {
        return Err(Error::NothingKept);
    }
    let mut editor = HeaderEditor::new(header).with_limits(limits).with_room(0);
    let max_bit_rate = max_bit_rate(header, kept);
    editor.edit_each(|file: &mut FileProperties| {
        file.max_bit_rate = max_bit_rate;
        true
    })?;
    declarations(&mut editor, kept)?;
    facts(&mut editor, kept)?;
    relations(&mut editor, kept)?;
    codecs(&mut editor, header, kept)?;
    editor.finish()
}

/// Streams are declared beside what is known about them or inside of it, and damaged files have
/// another stream inside.
fn declarations(editor: &mut HeaderEditor, kept: Streams) -> Result<(), Error> {
    let mut apart = Vec::new();
    editor.edit_each(|stream: &mut StreamProperties| !kept.drop(stream.number().into()))?;
    editor.edit_each(|extended: &mut ExtendedStreamProperties| {
        let stays = !kept.drop(extended.number);
        let nested = extended.nested.as_ref().filter(|nested| nested.id == guid::STREAM_PROPERTIES);
        match nested.and_then(|nested| StreamProperties::decode(nested).ok()) {
            Some(stream) if kept.drop(stream.number().into()) => extended.nested = None,
            Some(stream) if !stays => apart.push(stream),
            _ => {}
        }
        stays
    })?;
    apart.iter().try_for_each(|stream| editor.add(stream))
}

/// What is said about single streams.
fn facts(editor: &mut HeaderEditor, kept: Streams) -> Result<(), Error> {
    editor.edit_each(|rates: &mut StreamBitrates| {
        thin(&mut rates.records, 1, |rate| !kept.drop(rate.stream().into()))
    })?;
    editor.edit_each(|metadata: &mut Metadata| {
        thin(&mut metadata.records, 1, |record| !kept.drop(record.stream))
    })?;
    editor.edit_each(|library: &mut MetadataLibrary| {
        thin(&mut library.records, 1, |record| !kept.drop(record.stream))
    })?;
    editor.edit_each(|index: &mut IndexParameters| {
        thin(&mut index.specifiers, 1, |column| !kept.drop(column.stream))
    })?;
    editor.edit_each(|index: &mut MediaObjectIndexParameters| {
        thin(&mut index.specifiers, 1, |column| !kept.drop(column.stream))
    })?;
    editor.edit_each(|index: &mut TimecodeIndexParameters| {
        thin(&mut index.specifiers, 1, |column| !kept.drop(column.stream))
    })?;
    editor.edit_each(|encryption: &mut AdvancedContentEncryption| {
        thin(&mut encryption.records, 1, |record| {
            thin(&mut record.objects, 1, |object| {
                !object.stream_number().is_some_and(|number| kept.drop(number))
            })
        })
    })
}

/// What is said about several streams together.
fn relations(editor: &mut HeaderEditor, kept: Streams) -> Result<(), Error> {
    editor.edit_each(|priorities: &mut StreamPrioritization| {
        thin(&mut priorities.records, 1, |record| !kept.drop(record.stream))
    })?;
    editor.edit_each(|exclusion: &mut BitrateMutualExclusion| {
        thin(&mut exclusion.streams, 2, |&mut number| !kept.drop(number))
    })?;
    editor.edit_each(|exclusion: &mut AdvancedMutualExclusion| {
        thin(&mut exclusion.streams, 2, |&mut number| !kept.drop(number))
    })?;
    editor.edit_each(|exclusion: &mut GroupMutualExclusion| {
        thin(&mut exclusion.groups, 2, |group| thin(group, 1, |&mut number| !kept.drop(number)))
    })?;
    editor.edit_each(|sharing: &mut BandwidthSharing| {
        thin(&mut sharing.streams, 2, |&mut number| !kept.drop(number))
    })
}

/// Which entry belongs to which stream is not said: one goes when no stream that stays can be
/// meant.
fn codecs(editor: &mut HeaderEditor, header: &Header, kept: Streams) -> Result<(), Error> {
    let (kept, dropped): (Vec<&Stream>, Vec<&Stream>) =
        header.streams().iter().partition(|stream| kept.contains(stream.number));
    let among = |streams: &[&Stream], entry: &CodecEntry| {
        streams
            .iter()
            .filter_map(|stream| codec(stream))
            .any(|(kind, information)| entry.kind == kind && entry.information == information)
    };
    editor.edit_each(|list: &mut CodecList| {
        thin(&mut list.entries, 1, |entry| !among(&dropped, entry) || among(&kept, entry))
    })
}

/// What the entry for a stream says.
fn codec(stream: &Stream) -> Option<(CodecKind, Bytes)> {
    match stream.format() {
        StreamFormat::Audio(audio) => {
            let tag = audio.codec.to_le_bytes();
            Some((CodecKind::Audio, Bytes::copy_from_slice(&tag)))
        }
        StreamFormat::Video(video) => {
            Some((CodecKind::Video, Bytes::copy_from_slice(&video.fourcc)))
        }
        _ => None,
    }
}

/// Leaves in a list what `keep` says yes to. Whether the list stays: it does with at least so many
/// entries, and when it lost none.
fn thin<T>(list: &mut Vec<T>, least: usize, keep: impl FnMut(&mut T) -> bool) -> bool {
    let before = list.len();
    list.retain_mut(keep);
    list.len() == before || list.len() >= least
}

/// The maximum bit rate without the streams that go. Of streams that exclude each other it may
/// count only one: those that stay still get what they need.
fn max_bit_rate(header: &Header, kept: Streams) -> u32 {
    let before = header.file().max_bit_rate;
    // What muxers write that do not know it.
    if before == u32::MAX {
        return before;
    }
    let (mut stay, mut go) = (0_u64, 0_u64);
    for stream in header.streams() {
        let sum = if kept.contains(stream.number) { &mut stay } else { &mut go };
        *sum = sum.saturating_add(bit_rate(header, stream).into());
    }
    let most = u64::from(before);
    let rate = most.saturating_sub(go).max(stay.min(most));
    u32::try_from(rate).unwrap_or(before)
}

/// The bits per second of a stream; 0 when nothing is said about them.
fn bit_rate(header: &Header, stream: &Stream) -> u32 {
    let extended = || {
        let objects = header.objects().iter().chain(header.extension_objects());
        objects
            .filter(|object| object.id == guid::EXTENDED_STREAM_PROPERTIES)
            .filter_map(|object| ExtendedStreamProperties::decode(object).ok())
            .find(|extended| extended.number == u16::from(stream.number))
            .map(|extended| extended.average.bit_rate)
    };
    stream.bit_rate.or_else(extended).unwrap_or(0)
}
