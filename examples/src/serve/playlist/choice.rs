//! Which streams of a file to play for someone who has not chosen.

use mms_asf::objects::{AdvancedMutualExclusion, Body, GroupMutualExclusion};
use mms_asf::{Header, Stream, StreamKind, guid};
use mms_proto::{StreamNumber, StreamSelection};

/// All streams of a header: in full what to play of a later entry of a playlist, and the others
/// off.
///
/// That is one stream with audio and one with video, and everything that is neither. Of several
/// they are the best ones by their bit rates, of several languages those of the first. With
/// `link_bandwidth`, in bits per second, they are the best ones that the link can carry together,
/// video before audio, and the smallest where it can carry none (MS-MMSP 3.2.4.2).
#[must_use]
pub fn default_streams(header: &Header, link_bandwidth: Option<u32>) -> Vec<StreamSelection> {
    let excluded = excluded(header);
    let mut room = link_bandwidth.map_or(u64::MAX, u64::from);
    let (mut audio, mut video) = (Vec::new(), Vec::new());
    let mut chosen = Vec::new();
    for stream in header.streams().iter().filter(|stream| !excluded.contains(&stream.number)) {
        match stream.kind {
            StreamKind::Audio => audio.push((stream.number, rate(stream))),
            StreamKind::Video => video.push((stream.number, rate(stream))),
            _ => {
                room = room.saturating_sub(rate(stream));
                chosen.push(stream.number);
            }
        }
    }
    let least = audio.iter().map(|(_, rate)| *rate).min().unwrap_or(0);
    let video = best(&video, room.saturating_sub(least));
    let room = room.saturating_sub(video.map_or(0, |(_, rate)| rate));
    let picked = [video, best(&audio, room)];
    chosen.extend(picked.into_iter().flatten().map(|(number, _)| number));
    let numbers = header.stream_numbers().filter_map(StreamNumber::new);
    let selection = |number: StreamNumber| {
        if chosen.contains(&number.get()) {
            StreamSelection::full(number)
        } else {
            StreamSelection::off(number)
        }
    };
    numbers.map(selection).collect()
}

/// The stream with the highest rate that has room, else the one with the lowest; the first one of
/// several.
fn best(streams: &[(u8, u64)], room: u64) -> Option<(u8, u64)> {
    let fitting = streams.iter().rev().filter(|(_, rate)| *rate <= room);
    let best = fitting.max_by_key(|(_, rate)| *rate);
    best.or_else(|| streams.iter().min_by_key(|(_, rate)| *rate)).copied()
}

/// Bits per second; 0 where the header does not say.
fn rate(stream: &Stream) -> u64 {
    let declared = stream.bit_rate.filter(|&rate| rate != 0).map(u64::from);
    let format = || Some(u64::from(stream.audio()?.avg_bytes).saturating_mul(8));
    declared.or_else(format).unwrap_or(0)
}

/// The streams of all languages but the first.
fn excluded(header: &Header) -> Vec<u8> {
    let mut excluded = Vec::new();
    let narrow = |number: u16| u8::try_from(number).ok();
    for languages in decoded::<AdvancedMutualExclusion>(header) {
        if languages.kind == guid::MUTEX_LANGUAGE {
            excluded.extend(languages.streams.into_iter().skip(1).filter_map(narrow));
        }
    }
    for languages in decoded::<GroupMutualExclusion>(header) {
        if languages.kind != guid::MUTEX_LANGUAGE {
            continue;
        }
        if let Some((first, others)) = languages.groups.split_first() {
            let others = others.iter().flatten().filter(|number| !first.contains(number));
            excluded.extend(others.copied().filter_map(narrow));
        }
    }
    excluded
}

/// Every object of this kind that can be read.
fn decoded<T: Body>(header: &Header) -> impl Iterator<Item = T> + '_ {
    let objects = header.objects().iter().chain(header.extension_objects());
    objects.filter(|object| object.id == T::ID).filter_map(|object| T::decode(object).ok())
}
