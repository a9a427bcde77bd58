//! Playing forwards: every byte, or what a selector leaves.

use bytes::BytesMut;
use mms_asf::{FileError, Selector};
use mms_proto::{PlayRequest, Start, StreamSelection};

use super::clock::Clock;
use super::opened::Opened;
use super::streams::Chosen;
use super::{Found, place, send_time};

/// Packets that one step reads at most.
const LOOKED_AT: u64 = 1_024;
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
    /// Faster than normal, with key frames of video and nothing else.
    fast: bool,
}

impl Forward {
    pub(super) fn new(
        file: &Opened,
        request: &PlayRequest,
        chosen: &Chosen,
        buffer: &mut BytesMut,
    ) -> Result<Self, FileError> {
        let fast = request.rate.get() > 1.0 && chosen.video().is_some();
        let mut reader = file.reader();
        let next = place::first(&mut reader, request.start, &chosen.timed(fast))?;
        let end = place::end(&mut reader, request, next)?;
        drop(reader);
        let mut forward = Self { next, end, selector: None, fast };
        if fast || !chosen.is_everything() {
            forward.selector = Some(match request.start {
                Start::Time(_) => {
                    let mut selector = chosen.selector(file.header(), fast);
                    selector.seek();
                    selector
                }
                // Whoever resumes gets the packets that it would have got before.
                _ => forward.selector(file, chosen, buffer),
            });
        }
        Ok(forward)
    }

    /// From here on these changes to what was `chosen`.
    pub(super) fn select(
        &mut self,
        file: &Opened,
        chosen: &Chosen,
        changes: &[StreamSelection],
        buffer: &mut BytesMut,
    ) {
        let mut selector =
            self.selector.take().unwrap_or_else(|| self.selector(file, chosen, buffer));
        for change in changes {
            let stream = change.stream.get();
            let selection = chosen.selection(stream, change.delivery, self.fast);
            let replaced = change.replaces.map(|old| old.get()).filter(|&old| chosen.has(old));
            // Streams that the file does not have are ignored.
            let _ = match replaced {
                Some(old) => selector.switch(old, stream, selection),
                None => selector.select(stream, selection),
            };
        }
        self.selector = Some(selector);
    }

    /// The next packet of which something is sent.
    pub(super) fn step(
        &mut self,
        file: &Opened,
        clock: &mut Clock,
        buffer: &mut BytesMut,
    ) -> Result<Found, FileError> {
        for _ in 0..LOOKED_AT {
            if self.next >= self.end {
                return Ok(Found::End);
            }
            let number = self.next;
            file.reader().packet_into(number, buffer)?;
            self.next = number.saturating_add(1);
            let packet = buffer.split().freeze();
            // Packets that are not sent take their time all the same.
            let time = clock.tick(send_time(&packet, file));
            let body = match &mut self.selector {
                None => Some(packet),
                Some(selector) => selector.packet(&packet).ok().and_then(|s| s.into_bytes()),
            };
            if let Some(body) = body {
                return Ok(Found::Packet(number, time, body));
            }
        }
        Ok(Found::Nothing)
    }

    /// A selector that has seen what lies in front of the next packet, as far as that can matter.
    fn selector(&self, file: &Opened, chosen: &Chosen, buffer: &mut BytesMut) -> Selector {
        let mut selector = chosen.selector(file.header(), self.fast);
        let size = u64::from(file.header().file().packet_size);
        let shown = SHOWN_BYTES.checked_div(size).unwrap_or(0).clamp(1, SHOWN);
        for number in self.next.saturating_sub(shown)..self.next {
            // What cannot be read here fails again when it is to be sent.
            if file.reader().packet_into(number, buffer).is_err() {
                break;
            }
            let _ = selector.packet(&buffer.split().freeze());
        }
        selector
    }
}
