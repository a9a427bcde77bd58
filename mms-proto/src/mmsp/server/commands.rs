//! Answers and commands of a server's application, MS-MMSP 3.2.4.

use std::time::Instant;

use bytes::Bytes;

use super::state::State;
use super::{Server, Timer};
use crate::content::Content;
use crate::error::StateError;
use crate::event::{CloseReason, OpenRequest};
use crate::hresult::HResult;
use crate::mmsp::frame::DataPacket;
use crate::mmsp::message::{OpenedFile, ReportEndOfStream, ReportOpenFile};

/// The name of the one file that a connection can open. FFmpeg, VLC and others say 1 whatever the
/// server called it, and VLC gives up on anything but 1 and 2 (T1).
pub(super) const OPEN_FILE_ID: u32 = 1;

impl Server {
    /// Opens the file that was asked for.
    ///
    /// # Errors
    /// When no request waits: the session has ended in the meantime.
    pub fn accept(
        &mut self,
        now: Instant,
        request: OpenRequest,
        content: Content,
    ) -> Result<(), StateError> {
        self.answer_open(now, "accept a file")?;
        let OpenRequest { incarnation, .. } = request;
        let file = OpenedFile {
            open_file_id: OPEN_FILE_ID,
            attributes: content.attributes(),
            duration: content.duration().unwrap_or_default(),
            packet_size: content.packet_size(),
            packet_count: content.packet_count().unwrap_or(0),
            bit_rate: content.bit_rate(),
            header_size: u32::try_from(content.header().len()).unwrap_or(u32::MAX),
        };
        self.state = State::Opened(content);
        self.send(ReportOpenFile { incarnation, result: Ok(file) });
        Ok(())
    }

    /// Refuses the file that was asked for. A code that is no failure becomes `E_FAIL`.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn reject(
        &mut self,
        now: Instant,
        request: OpenRequest,
        reason: HResult,
    ) -> Result<(), StateError> {
        self.answer_open(now, "reject a file")?;
        let OpenRequest { incarnation, .. } = request;
        let reason = if reason.is_failure() { reason } else { HResult::FAIL };
        self.state = State::Connected;
        // It may ask for another.
        self.timers.arm(Timer::Handshake, self.link.now(), self.config.timeouts.handshake);
        self.send(ReportOpenFile { incarnation, result: Err(reason) });
        Ok(())
    }

    /// Sends one ASF packet with its number in the file, in answer to
    /// [`ServerEvent::PacketWanted`](crate::ServerEvent::PacketWanted).
    ///
    /// # Errors
    /// When none was asked for, or it is empty or larger than the content's packet size.
    pub fn send_packet(
        &mut self,
        now: Instant,
        location_id: u32,
        packet: Bytes,
    ) -> Result<(), StateError> {
        let label = self.label();
        let flags = self.session.sequence.to_le_bytes()[0];
        let wrong = self.wrong_phase("send a packet");
        let State::Streaming(content, flow) = &mut self.state else {
            return Err(wrong);
        };
        if self.link.is_closed() {
            return Err(wrong);
        }
        if !flow.asked {
            return Err(StateError::NotWanted);
        }
        let (size, limit) = (packet.len(), content.packet_size());
        let packet = DataPacket::new(location_id, label, flags, packet);
        let fits = size > 0 && u32::try_from(size).is_ok_and(|size| size <= limit);
        let Some(head) = packet.head().filter(|_| fits) else {
            return Err(StateError::PacketSize { size, limit });
        };
        self.link.set_now(now);
        flow.asked = false;
        flow.pacer.sent(self.link.now(), size);
        self.session.sequence = self.session.sequence.wrapping_add(1);
        let stats = &mut self.link.stats;
        stats.packets = stats.packets.saturating_add(1);
        stats.bytes = stats.bytes.saturating_add(size as u64);
        self.link.data(head, packet.payload);
        Ok(())
    }

    /// Says that there are no more packets.
    ///
    /// # Errors
    /// Unless the session is streaming.
    pub fn end_of_stream(&mut self, now: Instant) -> Result<(), StateError> {
        self.finish_stream(now, HResult::OK)
    }

    /// Ends the stream early, for this reason. A code that is no failure becomes `E_FAIL`.
    ///
    /// # Errors
    /// Unless the session is streaming.
    pub fn abort_stream(&mut self, now: Instant, reason: HResult) -> Result<(), StateError> {
        self.finish_stream(now, if reason.is_failure() { reason } else { HResult::FAIL })
    }

    /// Ends the session; the driver closes the connection after what is queued.
    pub fn close(&mut self, now: Instant) {
        self.link.set_now(now);
        self.end(CloseReason::Local);
    }

    fn finish_stream(&mut self, now: Instant, hr: HResult) -> Result<(), StateError> {
        let wrong = self.wrong_phase("end the stream");
        let State::Streaming(content, _) = &self.state else {
            return Err(wrong);
        };
        if self.link.is_closed() {
            return Err(wrong);
        }
        let content = content.clone();
        self.link.set_now(now);
        self.state = State::Ready(content);
        self.send(ReportEndOfStream { hr, incarnation: self.session.incarnation });
        self.start_idle();
        if let Some(time) = self.config.close_after_end {
            self.timers.arm(Timer::AfterEnd, self.link.now(), time);
        }
        Ok(())
    }

    fn answer_open(&mut self, now: Instant, operation: &'static str) -> Result<(), StateError> {
        if !matches!(self.state, State::OpenAsked) || self.link.is_closed() {
            return Err(self.wrong_phase(operation));
        }
        self.link.set_now(now);
        Ok(())
    }

    /// Label of media packets: the low byte of the play command's. Zero is reserved.
    fn label(&self) -> u8 {
        self.session.incarnation.to_le_bytes()[0].max(1)
    }

    fn wrong_phase(&self, operation: &'static str) -> StateError {
        StateError::Phase { operation, phase: self.phase() }
    }
}
