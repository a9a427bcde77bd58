//! What is known about one stream while its packets pass.

use crate::clock::shown_in_file;
use crate::{IndexKind, IndexSpecifier, Payload};

/// The interval of a Simple Index, in milliseconds.
const SECOND: u64 = 1_000;

/// A target, and the first entry that may point to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    entry: u32,
    pub(super) packet: u32,
    /// How many packets it takes from there.
    pub(super) count: u16,
}

/// The targets of one column, in the order of the file. Only the last one before each entry is
/// kept.
#[derive(Debug, Clone)]
pub(super) struct Track {
    /// In milliseconds, at least 1.
    interval: u64,
    /// The first target of all: entries in front of it point there too.
    first: Option<Place>,
    places: Vec<Place>,
}

/// The columns of one stream.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) number: u8,
    video: bool,
    /// The Simple Index, which video streams have.
    pub(super) key_frames: Option<Track>,
    /// Columns of the Index Object.
    columns: Vec<(IndexKind, Track)>,
    open: Option<Open>,
}

/// A key frame of which parts are missing still.
#[derive(Debug, Clone, Copy)]
struct Open {
    object: u32,
    time: u64,
    first: u32,
    last: u32,
    /// 0 when it is not declared.
    size: u64,
    received: u64,
}

impl Track {
    fn new(interval: u64) -> Self {
        Self { interval: interval.max(1), first: None, places: Vec::new() }
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.first
    }

    /// What each of the first entries points to; `None` in front of all targets. Where several
    /// belong to one entry because times ran backwards, the last one counts.
    pub(super) fn spread(&self, entries: usize) -> impl Iterator<Item = Option<Place>> + use<> {
        let mut places = self.places.clone();
        places.sort_by_key(|place| place.entry);
        let (mut places, mut last) = (places.into_iter().peekable(), None);
        (0..entries).map(move |entry| {
            while let Some(place) = places.next_if(|place| place.entry as usize <= entry) {
                last = Some(place);
            }
            last
        })
    }

    fn note(&mut self, time: u64, packet: u32, count: u16, room: &mut usize) {
        let Ok(entry) = u32::try_from(time.div_ceil(self.interval)) else { return };
        let place = Place { entry, packet, count };
        self.first.get_or_insert(place);
        match self.places.last_mut().filter(|last| last.entry == entry) {
            Some(last) => *last = place,
            None => {
                if let Some(left) = room.checked_sub(1) {
                    *room = left;
                    self.places.push(place);
                }
            }
        }
    }
}

impl Watched {
    pub(super) fn new(number: u8, video: bool) -> Self {
        let key_frames = video.then(|| Track::new(SECOND));
        Self { number, video, key_frames, columns: Vec::new(), open: None }
    }

    /// Adds a column of the Index Object, whose interval is in milliseconds. One of an
    /// undocumented type never has targets, and headers can declare 65,535 of them: each would be
    /// looked at for each media object.
    pub(super) fn declare(&mut self, kind: IndexKind, interval: u64) {
        let documented = !matches!(kind, IndexKind::Other(_));
        if documented && !self.columns.iter().any(|(known, _)| *known == kind) {
            self.columns.push((kind, Track::new(interval)));
        }
    }

    /// The columns of the Index Object with what a specifier calls them.
    pub(super) fn columns(&self) -> impl Iterator<Item = (IndexSpecifier, &Track)> {
        let stream = self.number.into();
        self.columns
            .iter()
            .map(move |(kind, track)| (IndexSpecifier { stream, kind: *kind }, track))
    }

    /// `room` is how many more targets may be kept.
    pub(super) fn payload(
        &mut self,
        packet: u32,
        payload: &Payload<'_>,
        sent: u64,
        room: &mut usize,
    ) {
        let time = shown_in_file(sent, payload.presentation_time);
        if payload.offset != 0 {
            self.note(IndexKind::Packet, time, packet, room);
            self.continued(packet, payload, room);
            return;
        }
        // An object without a size ends where the next one starts.
        if let Some(open) = self.open.take().filter(|open| open.size == 0) {
            self.key_frame(&open, room);
        }
        let key_frame = payload.key_frame || !self.video;
        for piece in payload.pieces().map_while(Result::ok) {
            let time = shown_in_file(sent, piece.presentation_time);
            self.note(IndexKind::Packet, time, packet, room);
            self.note(IndexKind::MediaObject, time, packet, room);
            let received = piece.data.len() as u64;
            let open = Open {
                object: piece.object_number,
                time,
                first: packet,
                last: packet,
                size: payload.object_size.map_or(0, u64::from),
                received,
            };
            if payload.compressed.is_some() || (open.size != 0 && received >= open.size) {
                if key_frame {
                    self.key_frame(&open, room);
                }
            } else {
                self.open = key_frame.then_some(open);
            }
        }
    }

    /// A further part of the object that is open; with a hole in front of it the object is lost.
    fn continued(&mut self, packet: u32, payload: &Payload<'_>, room: &mut usize) {
        let Some(open) = &mut self.open else { return };
        if open.object != payload.object_number || open.received != u64::from(payload.offset) {
            self.open = None;
            return;
        }
        open.last = packet;
        open.received = open.received.saturating_add(payload.data.len() as u64);
        if open.size != 0 && open.received >= open.size {
            if let Some(open) = self.open.take() {
                self.key_frame(&open, room);
            }
        }
    }

    fn key_frame(&mut self, open: &Open, room: &mut usize) {
        let count = open.last.saturating_sub(open.first).saturating_add(1);
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        if let Some(track) = &mut self.key_frames {
            track.note(open.time, open.first, count, room);
        }
        for (_, track) in self.columns.iter_mut().filter(|(kind, _)| *kind == IndexKind::KeyFrame) {
            track.note(open.time, open.first, count, room);
        }
    }

    fn note(&mut self, wanted: IndexKind, time: u64, packet: u32, room: &mut usize) {
        for (_, track) in self.columns.iter_mut().filter(|(kind, _)| *kind == wanted) {
            track.note(time, packet, 1, room);
        }
    }
}
