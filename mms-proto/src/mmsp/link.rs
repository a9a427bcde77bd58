//! What both ends of a connection do alike: take frames apart one message at a time, number what
//! they send, queue outputs, count deviations, remember the first error.
//!
//! The order of things is made here. A frame, and inside it a message, is decoded only when every
//! output of the one before has been polled; so a command that an application gives in answer to
//! an event lands at the same place however the network cut the bytes.

use crate::mmsp::MmspDeviation;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::config::{Limits, Strictness};
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Missing, Phase};
use crate::event::{CloseReason, Stats};
use crate::io::{ConnectionId, Head, Output, Transmit};
use crate::timer::{Purpose, TimerTable};

use super::frame::{DataPacket, Frame, FrameDecoder, MessageWriter, Messages};

/// An event type of a role, as far as the link makes events itself.
pub(crate) trait LinkEvent: From<Deviation> {
    fn closed(reason: CloseReason) -> Self;
}

/// The next thing to handle.
#[derive(Debug)]
pub(crate) enum Item {
    /// One control message and its place in the stream.
    Message(u64, Bytes),
    /// One Data packet.
    Data(DataPacket),
    /// The peer will send nothing more; `mid_frame` when it stopped in the middle of a packet.
    End { mid_frame: bool },
    /// Nothing yet.
    Nothing,
}

/// Why the link may wait: it owns the timer for a frame that has begun, the role owns the others.
#[derive(Debug, Clone, Copy)]
struct FrameTimer;

impl Purpose for FrameTimer {
    fn index(self) -> usize {
        0
    }
}

#[derive(Debug)]
pub(crate) struct Link<E> {
    decoder: FrameDecoder,
    messages: Option<Messages>,
    writer: MessageWriter,
    first_sent: Option<Instant>,
    outputs: VecDeque<Output<E>>,
    strictness: Strictness,
    max_buffered: usize,
    frame_time: Duration,
    frame_timer: TimerTable<1>,
    now: Instant,
    peer_closed: bool,
    reason: Option<CloseReason>,
    pub(crate) stats: Stats,
}

impl<E: LinkEvent> Link<E> {
    pub(crate) fn new(
        now: Instant,
        decoder: FrameDecoder,
        limits: &Limits,
        strictness: Strictness,
        frame_time: Duration,
    ) -> Self {
        Self {
            decoder,
            messages: None,
            writer: MessageWriter::default(),
            first_sent: None,
            outputs: VecDeque::new(),
            strictness,
            max_buffered: limits.buffered.max(largest_packet(limits)),
            frame_time,
            frame_timer: TimerTable::new(),
            now,
            peer_closed: false,
            reason: None,
            stats: Stats::default(),
        }
    }

    /// The time of the latest input.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Whether input of this moment is taken in: not when the session is over, and with its error
    /// when it failed.
    pub(crate) fn takes_input(&mut self, now: Instant) -> Result<bool, Error> {
        match &self.reason {
            Some(CloseReason::Failed(error)) => Err(error.clone()),
            Some(_) => Ok(false),
            None => {
                self.set_now(now);
                Ok(true)
            }
        }
    }

    /// Takes note of the time. It never goes backwards.
    pub(crate) fn set_now(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.reason.is_some()
    }

    /// True when every output has been polled.
    pub(crate) fn is_drained(&self) -> bool {
        self.outputs.is_empty()
    }

    pub(crate) fn pop(&mut self) -> Option<Output<E>> {
        self.outputs.pop_front()
    }

    pub(crate) fn event(&mut self, event: impl Into<E>) {
        self.outputs.push_back(Output::Event(event.into()));
    }

    pub(crate) fn data(&mut self, head: [u8; 8], body: Bytes) {
        let head = Head::from(head);
        self.transmit(Transmit::Data { head, body, tail: &[] });
    }

    /// Queues one message as a packet of its own.
    pub(crate) fn message(&mut self, encode: impl FnOnce(&mut BytesMut)) {
        let first = *self.first_sent.get_or_insert(self.now);
        let time_sent = self.now.saturating_duration_since(first).as_millis();
        let packet = self.writer.write(u64::try_from(time_sent).unwrap_or(u64::MAX), encode);
        self.transmit(Transmit::Message(packet));
    }

    fn transmit(&mut self, data: Transmit) {
        self.outputs.push_back(Output::Transmit { connection: ConnectionId::MAIN, data });
    }

    /// The one gate through which every tolerated deviation passes.
    pub(crate) fn tolerate(&mut self, deviation: Deviation) -> Result<(), Error> {
        self.stats.deviations = self.stats.deviations.saturating_add(1);
        match self.strictness {
            Strictness::Strict => Err(deviation.into()),
            Strictness::Tolerant => {
                self.event(deviation);
                Ok(())
            }
        }
    }

    /// Ends the session: the last event.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.reason.is_none() {
            self.frame_timer.stop_all();
            self.event(E::closed(reason.clone()));
            self.reason = Some(reason);
        }
    }

    pub(crate) fn recv_buffer(&mut self) -> &mut [u8] {
        if self.decoder.buffered() >= self.max_buffered {
            &mut []
        } else {
            self.decoder.recv_buffer()
        }
    }

    /// Counts bytes read into [`Self::recv_buffer`].
    pub(crate) fn received(&mut self, count: usize) {
        // There was no room to read to: whatever the count says, these bytes do not exist.
        if self.decoder.buffered() < self.max_buffered {
            self.decoder.received(count);
        }
    }

    /// Copies bytes in. What waits already is limited, not what a caller has at once: the same
    /// bytes must do the same however they were cut.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let waiting = self.decoder.buffered();
        if waiting > self.max_buffered {
            let (value, limit) = (waiting as u64, self.max_buffered as u64);
            return Err(Error::Limit { what: "bytes that wait to be decoded", value, limit });
        }
        self.decoder.push(bytes);
        Ok(())
    }

    pub(crate) fn peer_closed(&mut self) {
        self.peer_closed = true;
    }

    pub(crate) fn is_peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// The deadline for the rest of a packet that has begun.
    pub(crate) fn frame_deadline(&self) -> Option<Instant> {
        self.frame_timer.next()
    }

    /// Fails when a packet that has begun took too long.
    pub(crate) fn check_frame_time(&mut self, phase: Phase) -> Result<(), Error> {
        if self.frame_timer.take_expired(FrameTimer, self.now) {
            let after = self.frame_time;
            return Err(Error::TimedOut { phase, missing: Missing::RestOfPacket, after });
        }
        Ok(())
    }

    /// The next message or packet that has arrived.
    #[inline]
    pub(crate) fn next_item(&mut self) -> Result<Item, Error> {
        loop {
            if let Some(messages) = &mut self.messages {
                match messages.split_next()? {
                    Some((place, message)) => return Ok(Item::Message(place, message)),
                    None => self.messages = None,
                }
            }
            match self.decoder.next_frame()? {
                Some(Frame::Data(DataPacket { location_id, incarnation, flags, payload })) => {
                    self.frame_timer.stop(FrameTimer);
                    // Field by field: a move as a whole waits until all parts are in memory.
                    return Ok(Item::Data(DataPacket { location_id, incarnation, flags, payload }));
                }
                Some(Frame::Messages(messages)) => {
                    self.frame_timer.stop(FrameTimer);
                    self.check_header(&messages)?;
                    self.messages = Some(messages);
                    // The deviations of the packet come before what is in it.
                    if !self.is_drained() {
                        return Ok(Item::Nothing);
                    }
                }
                None => return Ok(self.nothing()),
            }
        }
    }

    fn nothing(&mut self) -> Item {
        let mid_frame = self.decoder.buffered() > 0;
        if self.peer_closed {
            return Item::End { mid_frame };
        }
        if mid_frame {
            // From the first byte on, whatever trickles in after it.
            self.frame_timer.arm_if_idle(FrameTimer, self.now, self.frame_time);
        }
        Item::Nothing
    }

    fn check_header(&mut self, messages: &Messages) -> Result<(), Error> {
        let (major, minor) = messages.version;
        if (major, minor) != (0, 0) {
            self.tolerate(Deviation::Mmsp(MmspDeviation::HeaderVersion { major, minor }))?;
        }
        if messages.rest.len() % 8 != 0 {
            let length = u32::try_from(messages.rest.len()).unwrap_or(u32::MAX);
            self.tolerate(Deviation::Mmsp(MmspDeviation::UnpaddedMessage(
                length.saturating_add(16),
            )))?;
        }
        Ok(())
    }
}

/// Bytes of the largest packet that the limits allow: less room would stop it halfway for ever.
fn largest_packet(limits: &Limits) -> usize {
    let message = usize::try_from(limits.message).unwrap_or(usize::MAX);
    message.saturating_add(16).max(usize::from(u16::MAX))
}

/// Moves an error of a message's decoder to its place in the stream.
pub(crate) fn at_place(error: DecodeError, place: u64) -> Error {
    Error::Decode(error.moved_by(place))
}
