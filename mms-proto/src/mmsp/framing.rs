//! The framing of MS-MMSP on a session's connection: takes frames apart one message at a time, and
//! numbers what is sent.
//!
//! The order of things is made here. A frame, and inside it a message, is decoded only when every
//! output of the one before has been polled; so a command that an application gives in answer to
//! an event lands at the same place however the network cut the bytes.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::config::Limits;
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Missing, Phase};
use crate::io::{ConnectionId, Input, Transmit};
use crate::session::SessionCore;
use crate::timer::{Purpose, TimerTable};

use super::MmspDeviation;
use super::frame::{DataPacket, Frame, FrameDecoder, MessageWriter, Messages};

/// The next thing to handle.
#[derive(Debug)]
pub(crate) enum Received {
    /// One control message and its place in the stream.
    Message(u64, Bytes),
    /// One Data packet.
    Data(DataPacket),
    /// The peer will send nothing more; `mid_frame` when it stopped in the middle of a packet.
    End { mid_frame: bool },
    /// Nothing yet.
    Nothing,
}

/// The timer for the rest of a frame that has begun. The role owns all others.
#[derive(Debug, Clone, Copy)]
struct FrameTimer;

impl Purpose for FrameTimer {
    fn index(self) -> usize {
        0
    }
}

/// Both directions of the connection.
#[derive(Debug)]
pub(crate) struct Framing {
    decoder: FrameDecoder,
    messages: Option<Messages>,
    writer: MessageWriter,
    first_sent: Option<Instant>,
    max_buffered: usize,
    frame_time: Duration,
    frame_timer: TimerTable<1>,
    peer_closed: bool,
    /// What was taken and has to wait for the application.
    held: Option<Received>,
}

impl Framing {
    pub(crate) fn new(decoder: FrameDecoder, limits: &Limits, frame_time: Duration) -> Self {
        Self {
            decoder,
            messages: None,
            writer: MessageWriter::default(),
            first_sent: None,
            max_buffered: limits.buffered.max(largest_packet(limits)),
            frame_time,
            frame_timer: TimerTable::new(),
            peer_closed: false,
            held: None,
        }
    }

    /// Queues one message as a packet of its own.
    pub(crate) fn message<E: From<Deviation>>(
        &mut self,
        core: &mut SessionCore<E>,
        encode: impl FnOnce(&mut BytesMut),
    ) {
        let now = core.now();
        let first = *self.first_sent.get_or_insert(now);
        let time_sent = now.saturating_duration_since(first).as_millis();
        let packet = self.writer.write(u64::try_from(time_sent).unwrap_or(u64::MAX), encode);
        core.transmit(ConnectionId::MAIN, Transmit::Message(packet));
    }

    /// Stops waiting for the rest of a packet: the session is over.
    pub(crate) fn stop(&mut self) {
        self.frame_timer.stop_all();
    }

    /// Where to read to. Empty for other connections, which were not asked for, and while too much
    /// waits.
    pub(crate) fn recv_buffer(&mut self, connection: ConnectionId) -> &mut [u8] {
        if !connection.is_main() || self.decoder.buffered() >= self.max_buffered {
            &mut []
        } else {
            self.decoder.recv_buffer()
        }
    }

    /// Counts bytes read into [`Self::recv_buffer`].
    pub(crate) fn received(&mut self, connection: ConnectionId, count: usize) {
        // Without room to read to these bytes do not exist, whatever the count says.
        if connection.is_main() && self.decoder.buffered() < self.max_buffered {
            self.decoder.received(count);
        }
    }

    /// Takes in what came from the connection. Other connections and datagrams were not asked for:
    /// they are dropped.
    pub(crate) fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        match input {
            Input::Tcp { connection: ConnectionId::MAIN, bytes } => self.push(bytes),
            Input::TcpClosed { connection: ConnectionId::MAIN } => {
                self.peer_closed = true;
                Ok(())
            }
            Input::Tcp { .. }
            | Input::TcpClosed { .. }
            | Input::TcpOpened { .. }
            | Input::TcpFailed { .. }
            | Input::Datagram { .. }
            | Input::Timeout => Ok(()),
        }
    }

    /// Copies bytes in. What waits already is limited, not what a caller has at once: the same
    /// bytes must do the same however they were cut.
    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let waiting = self.decoder.buffered();
        if waiting > self.max_buffered {
            let (value, limit) = (waiting as u64, self.max_buffered as u64);
            return Err(Error::Limit { what: "bytes that wait to be decoded", value, limit });
        }
        self.decoder.push(bytes);
        Ok(())
    }

    pub(crate) fn is_peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// The deadline for the rest of a packet that has begun.
    pub(crate) fn frame_deadline(&self) -> Option<Instant> {
        self.frame_timer.next()
    }

    /// Fails when a packet that has begun took too long.
    pub(crate) fn check_frame_time(&mut self, now: Instant, phase: Phase) -> Result<(), Error> {
        if self.frame_timer.take_expired(FrameTimer, now) {
            let after = self.frame_time;
            return Err(Error::TimedOut { phase, missing: Missing::RestOfPacket, after });
        }
        Ok(())
    }

    /// The next message or packet that has arrived.
    #[inline]
    pub(crate) fn next<E: From<Deviation>>(
        &mut self,
        core: &mut SessionCore<E>,
    ) -> Result<Received, Error> {
        if let Some(held) = self.held.take() {
            return Ok(held);
        }
        loop {
            if let Some(messages) = &mut self.messages {
                match messages.split_next()? {
                    Some((place, message)) => return Ok(Received::Message(place, message)),
                    None => self.messages = None,
                }
            }
            match self.decoder.next_frame()? {
                Some(Frame::Data(DataPacket { location_id, incarnation, flags, payload })) => {
                    self.frame_timer.stop(FrameTimer);
                    // Field by field: a move as a whole waits until all parts are in memory.
                    return Ok(Received::Data(DataPacket {
                        location_id,
                        incarnation,
                        flags,
                        payload,
                    }));
                }
                Some(Frame::Messages(messages)) => {
                    self.frame_timer.stop(FrameTimer);
                    check_header(core, &messages)?;
                    self.messages = Some(messages);
                    // The deviations of the packet come before what is in it.
                    if !core.is_drained() {
                        return Ok(Received::Nothing);
                    }
                }
                None => return Ok(self.nothing(core.now())),
            }
        }
    }

    /// The next thing, if it may be handled now. Anything else is the next thing again, unless
    /// nobody is left to hear what it waits for.
    pub(crate) fn next_if<E: From<Deviation>>(
        &mut self,
        core: &mut SessionCore<E>,
        may: impl FnOnce(&Received) -> bool,
    ) -> Result<Received, Error> {
        let received = self.next(core)?;
        if may(&received) {
            return Ok(received);
        }
        self.held = Some(received);
        Ok(if self.peer_closed { Received::End { mid_frame: false } } else { Received::Nothing })
    }

    fn nothing(&mut self, now: Instant) -> Received {
        let mid_frame = self.decoder.buffered() > 0;
        if self.peer_closed {
            return Received::End { mid_frame };
        }
        if mid_frame {
            // From the first byte on, whatever trickles in after it.
            self.frame_timer.arm_if_idle(FrameTimer, now, self.frame_time);
        }
        Received::Nothing
    }
}

fn check_header<E: From<Deviation>>(
    core: &mut SessionCore<E>,
    messages: &Messages,
) -> Result<(), Error> {
    let (major, minor) = messages.version;
    if (major, minor) != (0, 0) {
        core.on_deviation(Deviation::Mmsp(MmspDeviation::HeaderVersion { major, minor }))?;
    }
    if messages.rest.len() % 8 != 0 {
        let length = u32::try_from(messages.rest.len()).unwrap_or(u32::MAX);
        core.on_deviation(Deviation::Mmsp(MmspDeviation::UnpaddedMessage(
            length.saturating_add(16),
        )))?;
    }
    Ok(())
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
