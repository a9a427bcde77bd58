//! Answers and commands of a server's application, MS-MMSP 3.2.4.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::flow::Flow;
use super::state::{EntryMedia, State};
use super::{Server, Timer};
use crate::content::MAX_PACKET_SIZE;
use crate::error::StateError;
use crate::event::CloseReason;
use crate::hresult::{Failure, HResult};
use crate::io::ConnectionId;
use crate::mmsp::frame::DataPacket;
use crate::serving::Pace;
use crate::serving::demand::{Demand, ScheduledPacket};
use crate::serving::queue::Queued;

/// How long after the end of the content a player that ends with the end of stream is told (T49).
const LAST_SECONDS: Duration = Duration::from_secs(5);

impl Server {
    /// Sends one ASF packet with its number in the file, in answer to
    /// [`ServerEvent::PacketWanted`](crate::ServerEvent::PacketWanted). With [`Pace::BitRate`]
    /// it is paced by its bytes.
    ///
    /// A packet that comes while a play command waits for its turn
    /// ([`plays_a_second`](super::ServerConfig::plays_a_second)) is taken and not sent: what the
    /// command plays begins elsewhere.
    ///
    /// # Errors
    /// When none is wanted (none was asked for, the credit is used up, or the packet before waits
    /// until it is due), or it is empty or larger than the content's packet size.
    pub fn send_packet(
        &mut self,
        now: Instant,
        location_id: u32,
        packet: Bytes,
    ) -> Result<(), StateError> {
        let Some(flow) = self.answer_wanted(now, packet.len())? else { return Ok(()) };
        flow.pacing.sent(now, packet.len());
        self.send_at(now, now, location_id, packet);
        Ok(())
    }

    /// As [`send_packet`](Self::send_packet), for a packet that says when it is due: at `time` on
    /// the clock of the content, such as an ASF packet's send time. With [`Pace::BitRate`] it goes
    /// as long after the first one of its play command as their times differ, at the speed of the
    /// play command, and waits here until then. For playing backwards count the time backwards. After
    /// [`ServerEvent::Rate`](crate::ServerEvent::Rate) in the other direction it counts anew.
    ///
    /// Bytes tell nothing when streams are left out, or padding, or all but key frames.
    ///
    /// # Errors
    /// As [`send_packet`](Self::send_packet).
    pub fn send_packet_at(
        &mut self,
        now: Instant,
        location_id: u32,
        time: Duration,
        packet: Bytes,
    ) -> Result<(), StateError> {
        let Some(flow) = self.answer_wanted(now, packet.len())? else { return Ok(()) };
        let due = flow.pacing.due(now, time, packet.len());
        self.send_at(due, now, location_id, packet);
        Ok(())
    }

    /// True while a packet is taken: one was asked for, and the credit of that request is not used up.
    /// A driver that answers one request with several packets asks before it reads the next one.
    #[must_use]
    #[inline]
    pub fn wants_packet(&self) -> bool {
        self.state.wants_packet()
    }

    /// Says that there are no more packets.
    ///
    /// # Errors
    /// Unless the session is streaming.
    pub fn end_of_stream(&mut self, now: Instant) -> Result<(), StateError> {
        self.begin_command(now, "end the stream")?;
        match &mut self.state {
            _ if self.session.live => self.session.queue.mark(Queued::End),
            State::StreamingEntry(_, flow) => {
                flow.demand.withdraw();
                self.release_held();
                self.session.queue.mark(Queued::End);
            }
            State::Streaming(_, flow) => {
                let until = flow.plays_until.and_then(|until| until.checked_add(LAST_SECONDS));
                let holds = self.config.hold_end && self.config.pace == Pace::BitRate;
                match until.filter(|&until| holds && until > self.core.now()) {
                    Some(until) if self.session.client.ends_at_end_of_stream() => {
                        self.release_held();
                        if let State::Streaming(_, flow) = &mut self.state {
                            flow.demand = Demand::Ended;
                        }
                        let time = until.saturating_duration_since(self.core.now());
                        self.timers.arm(Timer::HeldEnd, self.core.now(), time);
                        self.arm_keep_alive();
                    }
                    _ => self.finish_now(HResult::OK),
                }
            }
            _ => self.finish_now(HResult::OK),
        }
        Ok(())
    }

    /// Ends the stream early, for this reason.
    ///
    /// # Errors
    /// Unless the session is streaming.
    pub fn abort_stream(
        &mut self,
        now: Instant,
        reason: impl Into<Failure>,
    ) -> Result<(), StateError> {
        self.begin_command(now, "end the stream")?;
        self.finish_now(reason.into().hresult());
        Ok(())
    }

    /// Ends the session; the driver closes the connection after what is queued.
    pub fn close(&mut self, now: Instant) {
        if !matches!(self.state, State::Closed(_)) {
            self.core.set_now(now);
            self.end(CloseReason::Local);
        }
    }

    /// `EndOfStream` without another entry.
    pub(super) fn finish_now(&mut self, hr: HResult) {
        let Some(content) = self.state.content().cloned() else { return };
        if !hr.is_failure() {
            self.release_held();
        }
        self.send_past_last_packet();
        self.end_media(content, hr, self.session.incarnation);
        self.arm_after_end();
    }

    /// Players that wait for the connection to close are silent from here on (T45).
    pub(super) fn arm_after_end(&mut self) {
        let waits = self.session.client.waits_for_close();
        if let Some(time) = self.config.close_after_end.filter(|_| waits) {
            self.timers.arm(Timer::AfterEnd, self.core.now(), time);
        }
    }

    /// Sends a packet when it is due, and not while a header is on its way.
    #[inline]
    fn send_at(&mut self, due: Instant, now: Instant, number: u32, packet: Bytes) {
        match &mut self.state {
            State::Streaming(..) | State::StreamingEntry(..) if due <= now => {
                self.transmit(number, packet);
            }
            State::Streaming(_, flow)
            | State::StreamingEntry(_, flow)
            | State::EntryHeader(_, _, EntryMedia::Follow(flow) | EntryMedia::Played(flow)) => {
                flow.demand = Demand::Scheduled(ScheduledPacket { due, number, packet });
            }
            _ => {}
        }
    }

    /// Sends the packet that waited.
    pub(super) fn release_held(&mut self) {
        if let Some((_, flow)) = self.state.flow() {
            if let Some(ScheduledPacket { number, packet, .. }) = flow.demand.release() {
                self.transmit(number, packet);
            }
        }
    }

    /// Sends the packet that waited, if it is due and the socket was looked at.
    pub(super) fn send_due(&mut self) -> bool {
        let now = self.core.now();
        match &self.state {
            State::Streaming(_, flow) | State::StreamingEntry(_, flow)
                if flow.demand.scheduled().is_some_and(|packet| packet.due <= now)
                    && flow.pacing.has_quantum() =>
            {
                self.release_held();
                true
            }
            _ => false,
        }
    }

    /// Queues one media packet. It counts as sent already.
    pub(super) fn transmit(&mut self, number: u32, packet: Bytes) {
        let Some((content, flow)) = self.state.flow() else { return };
        let size = packet.len();
        // Looked at when it was handed over; a live packet may have waited for another entry.
        if content.check_packet(size, MAX_PACKET_SIZE).is_err() {
            return;
        }
        let flags = self.session.sequence.to_le_bytes()[0];
        let packet = DataPacket::new(number, flow.label, flags, packet);
        let Some(data) = packet.into_transmit() else { return };
        self.session.sequence = self.session.sequence.wrapping_add(1);
        let stats = &mut self.core.stats;
        stats.packets = stats.packets.saturating_add(1);
        stats.bytes = stats.bytes.saturating_add(size as u64);
        self.core.transmit(ConnectionId::MAIN, data);
    }

    /// The flow that asked for a packet, if one of this size is possible; `None` when it is no longer
    /// sent because a play command waits.
    #[inline]
    fn answer_wanted(
        &mut self,
        now: Instant,
        size: usize,
    ) -> Result<Option<&mut Flow>, StateError> {
        let waits = self.has_waiting_play();
        let (content, flow) = match &mut self.state {
            State::Streaming(content, flow)
            | State::StreamingEntry(content, flow)
            | State::EntryHeader(content, _, EntryMedia::Follow(flow) | EntryMedia::Played(flow)) => {
                (content, flow)
            }
            state => {
                let phase = state.phase();
                return Err(StateError::Phase { operation: "send a packet", phase });
            }
        };
        if !flow.demand.is_asked() {
            return Err(StateError::NotWanted);
        }
        content.check_packet(size, MAX_PACKET_SIZE)?;
        self.core.set_now(now);
        if waits {
            flow.demand.withdraw();
        } else {
            flow.demand.take(size);
        }
        Ok(Some(flow).filter(|_| !waits))
    }

    /// Begins a command that is for a session that streams.
    pub(super) fn begin_command(
        &mut self,
        now: Instant,
        operation: &'static str,
    ) -> Result<(), StateError> {
        if !self.state.is_streaming() {
            return Err(self.wrong_phase(operation));
        }
        self.core.set_now(now);
        Ok(())
    }

    /// Label of media packets: the low byte of the play command's. Zero is reserved.
    pub(super) fn label(&self) -> u8 {
        self.session.incarnation.to_le_bytes()[0].max(1)
    }

    pub(super) fn wrong_phase(&self, operation: &'static str) -> StateError {
        StateError::Phase { operation, phase: self.state.phase() }
    }
}
