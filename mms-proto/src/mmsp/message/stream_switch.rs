//! Stream selection, MS-MMSP 2.2.4.28 and 2.2.4.13.

use crate::mmsp::MmspDeviation;
use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{len32, u16_le, u32_le};
use super::{Body, Deviation, MessageId, Wire};
use crate::hresult::HResult;
use crate::stream::{Delivery, StreamNumber, StreamSelection};

/// No stream, on either side of an entry.
const NONE: u16 = 0xFFFF;
/// Bytes of one `STREAM_SWITCH_ENTRY`.
const ENTRY: usize = 6;

/// The client selects streams: all of them before it plays, the ones that change while it plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSwitch {
    /// The entries.
    #[doc(alias = "STREAM_SWITCH_ENTRY")]
    pub selections: Vec<StreamSelection>,
}

impl Body for StreamSwitch {
    const ID: MessageId = MessageId::STREAM_SWITCH;

    fn parse<'a>(body: &'a [u8], _: &Bytes, deviations: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (mut rest, announced) = u32_le("cStreamEntries").parse(body)?;
        let present = len32(rest.len() / ENTRY);
        if announced > present {
            // MPlayer announces more than it sends.
            deviations.push(Deviation::Mmsp(MmspDeviation::MissingEntries { announced, present }));
        }
        let mut selections = Vec::new();
        let mut senseless = None;
        for _ in 0..announced.min(present) {
            let entry;
            (rest, entry) =
                (u16_le("wSrcStreamNumber"), u16_le("wDstStreamNumber"), u16_le("wThinningLevel"))
                    .parse(rest)?;
            match selection(entry) {
                Some(selection) => selections.push(selection),
                None => senseless = senseless.or(Some(entry)),
            }
        }
        // The first one of a kind is enough: a message has room for ten thousand.
        if let Some((source, destination, level)) = senseless {
            let value = [source, destination, level]
                .iter()
                .fold(0, |value, &word| (value << 16) | u64::from(word));
            deviations.push(Deviation::FieldValue { field: "STREAM_SWITCH_ENTRY", value });
        }
        Ok((&[], Self { selections }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(len32(self.selections.len()));
        for selection in &self.selections {
            let stream = u16::from(selection.stream.get());
            let level = match selection.delivery {
                Delivery::Full => 0,
                Delivery::KeyFramesOnly => 1,
                Delivery::Off => 2,
            };
            let (source, destination) = match (selection.replaces, selection.delivery) {
                (Some(old), _) => (u16::from(old.get()), stream),
                // Thinning names the stream on both sides.
                (None, Delivery::KeyFramesOnly) => (stream, stream),
                // Both readings of the section: nothing replaces the stream, and level 2. Without a
                // source the level would be ignored.
                (None, Delivery::Off) => (stream, NONE),
                (None, Delivery::Full) => (NONE, stream),
            };
            out.put_u16_le(source);
            out.put_u16_le(destination);
            out.put_u16_le(level);
        }
    }
}

/// A stream number as entries carry it: 16 bits, of which 1 to 127 are streams.
fn stream_number(number: u16) -> Option<StreamNumber> {
    u8::try_from(number).ok().and_then(StreamNumber::new)
}

/// What an entry means, 2.2.4.28.1. "Off" has two forms: the specification's, where nothing
/// replaces a stream, and the one that every player sends, level 2 (T21); written as both at once.
fn selection((source, destination, level): (u16, u16, u16)) -> Option<StreamSelection> {
    let source_stream = stream_number(source);
    let delivery = match level {
        0 => Delivery::Full,
        1 => Delivery::KeyFramesOnly,
        2 => Delivery::Off,
        _ => return None,
    };
    match stream_number(destination) {
        Some(stream) => {
            let replaces = source_stream.filter(|&source| source != stream);
            Some(StreamSelection { replaces, ..StreamSelection::new(stream, delivery) })
        }
        None if destination == NONE => source_stream.map(StreamSelection::off),
        None => None,
    }
}

/// The server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStreamSwitch {
    /// Whether the selection holds.
    pub hr: HResult,
}

impl Body for ReportStreamSwitch {
    const ID: MessageId = MessageId::REPORT_STREAM_SWITCH;

    fn parse<'a>(body: &'a [u8], _: &Bytes, _: &mut Vec<Deviation>) -> Wire<'a, Self> {
        let (rest, hr) = u32_le("hr").parse(body)?;
        Ok((rest, Self { hr: HResult(hr) }))
    }

    fn put(&self, out: &mut BytesMut) {
        out.put_u32_le(self.hr.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_entry() {
        // MMSP-W-053
        let stream = |n| StreamNumber::new(n).unwrap();
        let full = StreamSelection::full(stream(2));
        let off = StreamSelection::off(stream(2));
        let thin = StreamSelection::new(stream(2), Delivery::KeyFramesOnly);
        for (entry, expected) in [
            ((NONE, 2, 0), Some(full)),
            ((2, 2, 0), Some(full)),
            ((NONE, 2, 1), Some(thin)),
            ((2, 2, 1), Some(thin)),
            ((NONE, 2, 2), Some(off)),
            ((2, NONE, 0), Some(off)),
            ((2, NONE, 2), Some(off)),
            ((2, 2, 2), Some(off)),
            ((1, 2, 0), Some(StreamSelection::replace(stream(1), stream(2)))),
            ((NONE, NONE, 0), None),
            ((NONE, 0, 0), None),
            ((NONE, 128, 0), None),
            ((NONE, 2, 3), None),
        ] {
            assert_eq!(selection(entry), expected, "{entry:x?}");
        }
    }
}
