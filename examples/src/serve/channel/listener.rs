//! One player's view of a channel: the streams that it chose, from a place where they can be
//! decoded.

use bytes::Bytes;
use mms_asf::{Selected, Selection, Selector, StreamSet};
use mms_proto::{Delivery, StreamSelection};

use super::{LivePacket, Program};
use crate::serve::padding::without_padding;

/// One player's view of a channel.
#[derive(Debug)]
pub struct Listener {
    strip_padding: bool,
    /// `None` when the channel had no header.
    tuned: Option<Tuned>,
}

/// What holds for one header.
#[derive(Debug)]
struct Tuned {
    entry: u32,
    selector: Selector,
    /// The streams that the header declares.
    declared: Vec<u8>,
    /// Streams that have not been begun where they can be decoded.
    missing: StreamSet,
}

impl Listener {
    pub(super) fn new(strip_padding: bool) -> Self {
        Self { strip_padding, tuned: None }
    }

    /// What the player gets of this packet, which is the next one of the channel; `None` for
    /// nothing, as for packets of another header than the one it is tuned to.
    ///
    /// A player of all streams gets the packet itself, without a copy, once each of them has begun
    /// where it can be decoded, and a packet that cannot be read as well.
    pub fn packet(&mut self, packet: &LivePacket) -> Option<Bytes> {
        let whole = if self.strip_padding { &packet.stripped } else { &packet.body };
        let tuned = self.tuned.as_mut().filter(|tuned| tuned.entry == packet.entry)?;
        let all = tuned.has_all();
        // It is asked about every packet, as it has to know what was begun when streams change.
        let Ok(selected) = tuned.selector.packet(&packet.body) else {
            return all.then(|| whole.clone());
        };
        let begun = tuned.missing.is_empty();
        tuned.missing = tuned.missing.without(packet.begins);
        match selected {
            Selected::Unchanged(_) => Some(whole.clone()),
            _ if all && begun => Some(whole.clone()),
            Selected::Rewritten(part) if self.strip_padding => Some(without_padding(part)),
            Selected::Rewritten(part) => Some(part),
            Selected::Nothing => None,
        }
    }

    /// Packets were not sent: what follows has to be decodable without them.
    pub fn dropped(&mut self) {
        if let Some(tuned) = &mut self.tuned {
            tuned.seek();
        }
    }

    /// Changes streams while they play; those that are not named stay as they are, and those that
    /// the header does not declare mean nothing.
    pub fn select(&mut self, changes: &[StreamSelection]) {
        let Some(tuned) = &mut self.tuned else { return };
        for change in changes {
            let stream = change.stream.get();
            let selection = selection(change.delivery);
            // The other reason to fail is a stream that is not there.
            let _ = match change.replaces {
                Some(old) => tuned.selector.switch(old.get(), stream, selection),
                None => tuned.selector.select(stream, selection),
            };
            tuned.missing.insert(stream);
        }
    }

    /// The channel goes on with this header: these streams of it from its next packet on, and no
    /// others.
    pub fn retune(&mut self, program: &Program, streams: &[StreamSelection]) {
        let mut tuned = Tuned {
            entry: program.entry,
            selector: Selector::new(&program.header),
            declared: program.header.stream_numbers().collect(),
            missing: StreamSet::EMPTY,
        };
        for &stream in &tuned.declared {
            let chosen = streams.iter().rfind(|chosen| chosen.stream.get() == stream);
            let delivery = chosen.map_or(Delivery::Off, |chosen| chosen.delivery);
            let _ = tuned.selector.select(stream, selection(delivery));
        }
        tuned.seek();
        self.tuned = Some(tuned);
    }

    /// Whether the packet has media of a stream that the player gets in full, so that it misses
    /// something without the packet.
    #[must_use]
    pub fn wants(&self, packet: &LivePacket) -> bool {
        let Some(tuned) = self.tuned.as_ref().filter(|tuned| tuned.entry == packet.entry) else {
            return false;
        };
        let full = |stream: &&u8| tuned.selector.selection(**stream) == Some(Selection::Full);
        tuned.declared.iter().filter(full).any(|&stream| packet.streams.contains(stream))
    }

    /// The streams that are delivered.
    pub(super) fn streams(&self) -> StreamSet {
        let Some(tuned) = &self.tuned else { return StreamSet::EMPTY };
        let delivered = |stream: &&u8| tuned.selector.selection(**stream) != Some(Selection::Off);
        tuned.declared.iter().filter(delivered).copied().collect()
    }
}

impl Tuned {
    fn has_all(&self) -> bool {
        let full = |&stream: &u8| self.selector.selection(stream) == Some(Selection::Full);
        self.declared.iter().all(full)
    }

    fn seek(&mut self) {
        self.selector.seek();
        self.missing = self.declared.iter().copied().collect();
    }
}

fn selection(delivery: Delivery) -> Selection {
    match delivery {
        Delivery::Full => Selection::Full,
        Delivery::KeyFramesOnly => Selection::KeyFrames,
        Delivery::Off => Selection::Off,
    }
}
