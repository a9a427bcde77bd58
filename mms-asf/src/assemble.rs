//! Payloads put together again: the media objects that the packets carry.

mod extension;
mod group;
mod object;

use std::collections::VecDeque;

use bytes::Bytes;

pub use self::extension::{ContentType, Extension, ExtensionValue, Extensions, Timecode};
pub use self::object::{Assembled, IncompleteCause, MediaObject};

use self::group::{Budget, Group, declared_size};
use crate::{Error, Header, Limits, Packet, Payload, PayloadExtension, Stream, StreamKind, guid};

/// Stream numbers have seven bits.
const STREAMS: usize = 128;

/// Makes media objects (frames, blocks of audio, commands) of the payloads of packets.
///
/// Push one packet after the other and poll after each until there is nothing more. Packets may
/// start in the middle of a stream, some may be missing, and their padding may have been removed:
/// what could not be put together comes out as [`Assembled::Incomplete`], so that nothing that
/// was received is lost silently. Objects come out in the order in which they are completed.
///
/// At most one object per stream is open at a time; its fragments arrive in order. Memory for
/// open objects grows with what arrives, never with what is declared, up to
/// [`Limits::object_bytes`] and [`Limits::open_bytes`]. An object that lies whole in one payload
/// is a slice of its packet.
///
/// Payloads of streams that the header does not declare are put together as well.
///
/// ```
/// use mms_asf::{Assembled, Assembler, Header};
/// # use mms_asf::testing::{self, TestPacket, TestPayload, TestStream};
/// # let header = Header::parse(&testing::header(128, 2, &[TestStream::Video(2)]))?;
/// # let part = |at: usize| {
/// #     let part = &b"a frame in two parts"[at..at + 10];
/// #     let payload = TestPayload::part(0x82, 0, 3000, 20, at.try_into().unwrap(), part);
/// #     TestPacket::single(payload).build(128)
/// # };
/// # let packets = [part(0), part(10)];
///
/// let mut assembler = Assembler::new(&header);
/// let mut frames = Vec::new();
/// for packet in &packets {
///     assembler.push(packet)?;
///     while let Some(assembled) = assembler.poll() {
///         match assembled {
///             Assembled::Object(object) => frames.push(object),
///             lost => eprintln!("{lost:?}"),
///         }
///     }
/// }
/// // A last object may still be open: poll once more after this.
/// assembler.finish();
/// assert_eq!(assembler.poll(), None);
///
/// assert_eq!(frames.len(), 1);
/// assert_eq!(frames[0].data, "a frame in two parts");
/// assert_eq!((frames[0].stream, frames[0].presentation_time), (2, 3000));
/// assert!(frames[0].key_frame);
/// # Ok::<(), mms_asf::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Assembler {
    packet_size: u32,
    packets: u64,
    tracks: Vec<Track>,
    budget: Budget,
    ready: VecDeque<Assembled>,
}

/// What is known about one stream, and its open object.
#[derive(Debug, Clone, Default)]
struct Track {
    /// Whether only flagged objects are key frames; those of audio, commands and the like all are.
    flagged: bool,
    /// The declared extensions, when one of them tells key frames.
    clean_points: Vec<PayloadExtension>,
    open: Option<Group>,
    /// The most bytes an object of the stream had so far.
    largest: usize,
}

impl Assembler {
    /// For the packets that follow `header`.
    pub fn new(header: &Header) -> Self {
        Self::new_with(header, &Limits::default())
    }

    /// [`Assembler::new`] with other limits.
    pub fn new_with(header: &Header, limits: &Limits) -> Self {
        let tracks = (0..STREAMS).map(|number| {
            let number = u8::try_from(number).unwrap_or_default();
            Track::new(header.stream(number))
        });
        Self {
            packet_size: header.file().packet_size,
            packets: 0,
            tracks: tracks.collect(),
            budget: Budget::new(limits),
            ready: VecDeque::new(),
        }
    }

    /// Takes the payloads of the next packet, of the file's size or without its padding.
    ///
    /// Fails when the packet, one of its payloads or a list of objects in one of them cannot be
    /// read. What could be read is there to be polled, and the next packet may be pushed: whatever
    /// went missing shows as an incomplete object.
    pub fn push(&mut self, packet: &Bytes) -> Result<(), Error> {
        let number = self.packets;
        self.packets = self.packets.saturating_add(1);
        let parsed = Packet::parse_inlined(packet, self.packet_size)?;
        let mut result = Ok(());
        for payload in parsed.payloads() {
            let done = payload.and_then(|payload| self.payload(packet, &payload, number));
            result = result.and(done);
        }
        result
    }

    /// The next media object; `None` when another packet is needed.
    pub fn poll(&mut self) -> Option<Assembled> {
        self.ready.pop_front()
    }

    /// Closes the open objects: at the end, and where packets continue at another place (a seek).
    /// Poll afterwards. Packets may be pushed again.
    pub fn finish(&mut self) {
        for number in (0..).take(STREAMS) {
            self.close(number, IncompleteCause::End);
        }
    }

    /// How many packets were pushed, unreadable ones included.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    fn payload(&mut self, packet: &Bytes, payload: &Payload<'_>, number: u64) -> Result<(), Error> {
        let Some(track) = self.tracks.get_mut(usize::from(payload.stream)) else {
            return Ok(());
        };
        if let Some(open) = &mut track.open {
            let pushed = open.push(payload, track.largest, &mut self.budget);
            if pushed.is_ok() && !open.is_complete() {
                return Ok(());
            }
            self.close(payload.stream, pushed.err().unwrap_or(IncompleteCause::NoBeginning));
            if pushed.is_ok() {
                return Ok(());
            }
        }
        if payload.compressed.is_some() {
            return self.list(packet, payload, number);
        }
        self.begin(packet, payload, number);
        Ok(())
    }

    /// The first fragment of an object, or all of it.
    fn begin(&mut self, packet: &Bytes, payload: &Payload<'_>, number: u64) {
        let Some(track) = self.tracks.get_mut(usize::from(payload.stream)) else {
            return;
        };
        let size = declared_size(payload);
        let end = u64::from(payload.offset).saturating_add(payload.data.len() as u64);
        let cause = match size.map(u64::from) {
            Some(size) if end > size => IncompleteCause::TooLong,
            size if size == Some(end) && payload.offset == 0 || is_empty(payload) => {
                let object = track.whole(packet, payload, number);
                self.ready.push_back(Assembled::Object(object));
                return;
            }
            size if size == Some(end) => IncompleteCause::NoBeginning,
            _ => {
                let open = Group::start(payload, track.is_key_frame(payload), number);
                track.open = open.filled(payload, track.largest, &mut self.budget);
                if track.open.is_some() {
                    return;
                }
                IncompleteCause::Limit
            }
        };
        self.ready.push_back(Assembled::Incomplete {
            object: track.whole(packet, payload, number),
            offset: payload.offset,
            declared: size,
            cause,
        });
    }

    /// A compressed payload: whole objects.
    fn list(&mut self, packet: &Bytes, payload: &Payload<'_>, number: u64) -> Result<(), Error> {
        let Some(track) = self.tracks.get(usize::from(payload.stream)) else {
            return Ok(());
        };
        for piece in payload.pieces() {
            let piece = piece?;
            self.ready.push_back(Assembled::Object(MediaObject {
                number: piece.object_number,
                presentation_time: piece.presentation_time,
                data: packet.slice_ref(piece.data),
                ..track.whole(packet, payload, number)
            }));
        }
        Ok(())
    }

    /// Ends the open object of a stream, if there is one.
    fn close(&mut self, stream: u8, cause: IncompleteCause) {
        let Some(track) = self.tracks.get_mut(usize::from(stream)) else {
            return;
        };
        if let Some(open) = track.open.take() {
            track.largest = track.largest.max(open.len());
            self.budget.release(&open);
            self.ready.push_back(open.close(stream, cause));
        }
    }
}

impl Track {
    fn new(stream: Option<&Stream>) -> Self {
        let Some(stream) = stream else {
            return Self { flagged: true, ..Self::default() };
        };
        let tells = |extension: &PayloadExtension| extension.system == guid::OUTPUT_CLEAN_POINT;
        let tells = stream.extensions.iter().any(tells);
        Self {
            flagged: stream.kind == StreamKind::Video,
            clean_points: if tells { stream.extensions.clone() } else { Vec::new() },
            ..Self::default()
        }
    }

    /// What one payload holds.
    fn whole(&self, packet: &Bytes, payload: &Payload<'_>, number: u64) -> MediaObject {
        MediaObject {
            stream: payload.stream,
            number: payload.object_number,
            presentation_time: payload.presentation_time,
            key_frame: self.is_key_frame(payload),
            extension_data: packet.slice_ref(payload.extensions),
            data: packet.slice_ref(payload.data),
            packet: number,
        }
    }

    fn is_key_frame(&self, payload: &Payload<'_>) -> bool {
        let declared = Extensions::new(&self.clean_points, payload.extensions)
            .filter_map(|extension| extension.value())
            .find_map(|value| match value {
                ExtensionValue::OutputCleanPoint(is) => Some(is),
                _ => None,
            });
        declared.unwrap_or(!self.flagged || payload.key_frame)
    }
}

/// Whether this is an object without data, and not the start of one of unknown size.
fn is_empty(payload: &Payload<'_>) -> bool {
    payload.object_size == Some(0) && payload.offset == 0 && payload.data.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, TestPacket, TestPayload, TestStream};

    #[test]
    fn closed_objects_give_their_memory_back() {
        let header = testing::header(200, 1, &[TestStream::Video(2)]);
        let mut assembler = Assembler::new(&Header::parse(&header).unwrap());
        let mut push = |number, size, offset, len: u8| {
            let data = vec![0; len.into()];
            let mut payload = TestPayload::part(2, number, 3000, size, offset, &data);
            payload.replicated.extend_from_slice(b"extension");
            assembler.push(&TestPacket::single(payload).build(200)).unwrap();
            assembler.budget.held()
        };
        // Nine bytes of extensions, and never more for data than twice what arrived.
        assert_eq!(push(1, 1_000_000, 0, 100), 109);
        assert_eq!(push(1, 1_000_000, 100, 100), 209);
        assert_eq!(push(1, 1_000_000, 200, 1), 409);
        // The next one begins, with room for as much as the first one had.
        assert_eq!(push(2, 1_000_000, 0, 10), 210);
        assert_eq!(push(3, 15, 0, 10), 24, "no more than it declares");
        assert_eq!(push(3, 15, 10, 5), 0, "complete");
        assert_eq!(push(4, 15, 0, 10), 24);
        assembler.finish();
        assert_eq!(assembler.budget.held(), 0);
    }

    #[test]
    fn room_for_more_to_come_stays_below_the_limit() {
        let header = testing::header(200, 1, &[TestStream::Video(2)]);
        let header = Header::parse(&header).unwrap();
        let limits = Limits { open_bytes: 250, ..Limits::default() };
        let mut assembler = Assembler::new_with(&header, &limits);
        for (offset, len, held) in [(0, 100, 100), (100, 100, 200), (200, 10, 250), (210, 40, 250)]
        {
            let part = TestPayload::part(2, 1, 3000, 1_000_000, offset, &vec![0; len]);
            assembler.push(&TestPacket::single(part).build(200)).unwrap();
            assert_eq!(assembler.budget.held(), held);
            assert_eq!(assembler.poll(), None);
        }
    }
}
