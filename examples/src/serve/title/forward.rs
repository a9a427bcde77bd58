//! Playing forwards: every byte, or what a selector leaves.

use std::ops::Range;

use bytes::BytesMut;
use mms_asf::{FileError, Packet, Selector, remove_restorable_padding};
use mms_proto::{Start, StreamSelection};

use super::clock::Clock;
use super::opened::Opened;
use super::streams::Chosen;
use super::{Found, STEP};
use crate::serve::padding::without_padding;

/// How much in front of a packet a selector is shown, so that it knows of objects that have begun:
/// so many packets, and of large ones so many bytes. A key frame that is larger is left out.
const SHOWN: u64 = 1_024;
const SHOWN_BYTES: u64 = 4 << 20;

/// A range of packets of a file.
#[derive(Debug)]
pub(super) struct Forward {
    next: u64,
    end: u64,
    /// `None` as long as the player gets every byte: then a recorder can compare packets, and what
    /// cannot be read is sent like everything else.
    selector: Option<Selector>,
    /// The packet in front of the next one that the selector is to be shown first.
    shown: Option<u64>,
    /// What changes when it has seen them, at most once for each stream.
    changes: Vec<StreamSelection>,
    /// Faster than normal, with key frames of video and nothing else.
    fast: bool,
}

impl Forward {
    pub(super) fn new(
        file: &Opened,
        chosen: &Chosen,
        start: Start,
        Range { start: next, end }: Range<u64>,
        fast: bool,
    ) -> Self {
        let mut forward =
            Self { next, end, selector: None, shown: None, changes: Vec::new(), fast };
        if fast || !chosen.is_everything() {
            match start {
                Start::Time(_) => {
                    let mut selector = chosen.selector(file.header(), fast);
                    selector.seek();
                    forward.selector = Some(selector);
                }
                // Whoever resumes gets the packets that it would have got before.
                _ => forward.begin_selector(file, chosen),
            }
        }
        forward
    }

    /// Whether the next step only reads the next packet.
    pub(super) fn is_ready(&self) -> bool {
        self.shown.is_none()
    }

    /// From here on these changes to what was `chosen`.
    pub(super) fn select(&mut self, file: &Opened, chosen: &Chosen, changes: &[StreamSelection]) {
        if self.selector.is_none() {
            self.begin_selector(file, chosen);
        }
        for change in changes {
            self.changes.retain(|earlier| earlier.stream != change.stream);
            self.changes.push(*change);
        }
        if self.shown.is_none() {
            self.change(chosen);
        }
    }

    /// The next packet of which something is sent. `strips`: without its padding, where a receiver
    /// can put that back.
    pub(super) fn step(
        &mut self,
        file: &Opened,
        chosen: &Chosen,
        clock: &mut Clock,
        buffer: &mut BytesMut,
        strips: bool,
    ) -> Result<Found, FileError> {
        let size = file.header().file().packet_size;
        for _ in 0..STEP {
            if let Some(number) = self.shown {
                self.show(number, file, chosen, buffer);
                continue;
            }
            if self.next >= self.end {
                return Ok(Found::End);
            }
            let number = self.next;
            file.reader().packet_into(number, buffer)?;
            self.next = number.saturating_add(1);
            let parsed = Packet::parse(buffer, size).ok();
            // Packets that are not sent take their time all the same.
            let time = clock.tick(parsed.as_ref().map(Packet::send_time));
            let body = match &mut self.selector {
                None => {
                    // A copy of what is sent: the buffer serves again.
                    let short =
                        parsed.filter(|_| strips).as_ref().and_then(remove_restorable_padding);
                    Some(short.unwrap_or_else(|| buffer.split().freeze()))
                }
                Some(selector) => {
                    let sent = selector.packet(&buffer.split().freeze());
                    let body = sent.ok().and_then(|sent| sent.into_bytes());
                    body.map(|body| if strips { without_padding(body) } else { body })
                }
            };
            if let Some(body) = body {
                return Ok(Found::Packet(number, time, body));
            }
        }
        Ok(Found::Nothing)
    }

    /// A selector that is shown what lies in front of the next packet, as far as that can matter.
    fn begin_selector(&mut self, file: &Opened, chosen: &Chosen) {
        self.selector = Some(chosen.selector(file.header(), self.fast));
        let size = u64::from(file.header().file().packet_size);
        let shown = SHOWN_BYTES.checked_div(size).unwrap_or(0).clamp(1, SHOWN);
        let first = self.next.saturating_sub(shown);
        self.shown = (first < self.next).then_some(first);
    }

    fn show(&mut self, number: u64, file: &Opened, chosen: &Chosen, buffer: &mut BytesMut) {
        // What cannot be read here fails again when it is to be sent.
        let read = file.reader().packet_into(number, buffer).is_ok();
        if let Some(selector) = self.selector.as_mut().filter(|_| read) {
            let _ = selector.packet(&buffer.split().freeze());
        }
        self.shown = number.checked_add(1).filter(|&number| read && number < self.next);
        if self.shown.is_none() {
            self.change(chosen);
        }
    }

    /// Tells the selector what was selected.
    fn change(&mut self, chosen: &Chosen) {
        let Some(selector) = &mut self.selector else { return };
        for change in std::mem::take(&mut self.changes) {
            let stream = change.stream.get();
            let selection = chosen.selection(stream, change.delivery, self.fast);
            let replaced = change.replaces.map(|old| old.get()).filter(|&old| chosen.has(old));
            // Streams that the file does not have are ignored.
            let _ = match replaced {
                Some(old) => selector.switch(old, stream, selection),
                None => selector.select(stream, selection),
            };
        }
    }
}
