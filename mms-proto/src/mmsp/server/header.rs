//! The ASF header on its way to the client, MS-MMSP 3.2.5.8 and 3.2.5.9.

use super::Server;
use super::opening::OPEN_FILE_ID;
use super::state::{EntryMedia, HeaderSender, State};
use crate::content::{Content, MAX_PACKET_SIZE};
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::CloseReason;
use crate::hresult::HResult;
use crate::io::ConnectionId;
use crate::message_kind::MessageKind;
use crate::mmsp::message::{MessageId, ReadBlock, ReportReadBlock};
use crate::serving::pacing::Pacing;

impl Server {
    /// 3.2.5.8
    pub(super) fn on_read_block(&mut self, request: ReadBlock) {
        let ReadBlock { open_file_id, incarnation } = request;
        if self.state.content().is_none() {
            // MPlayer does not see that its file was refused, and waits for ever (T44).
            let hr = HResult::INVALID_REQUEST;
            self.send(ReportReadBlock { hr, incarnation });
            return self.end(CloseReason::Local);
        }
        let hr = if open_file_id != OPEN_FILE_ID {
            HResult::INVALID_ARGUMENT
        } else if self.state.may_read_header() {
            HResult::OK
        } else {
            // Header packets among media would confuse every player (T40).
            HResult::INVALID_REQUEST
        };
        self.send(ReportReadBlock { hr, incarnation });
        if !hr.is_failure() {
            self.begin_header(incarnation);
        }
    }

    /// 3.2.5.9
    pub(super) fn on_cancel_read_block(&mut self) -> Result<(), Error> {
        match &self.state {
            State::SendingHeader(content, _) => {
                self.state = State::Opened(content.clone());
                Ok(())
            }
            // It crossed the last fragment.
            State::Ready(_) | State::Opened(_) => Ok(()),
            _ => self.core.on_deviation(Deviation::OutOfPlace(MessageKind::Mmsp(
                MessageId::CANCEL_READ_BLOCK,
            ))),
        }
    }

    /// Queues the next piece of the header if it is due.
    pub(super) fn send_header_fragment(&mut self) -> bool {
        let now = self.core.now();
        let (State::SendingHeader(content, sender) | State::EntryHeader(content, sender, _)) =
            &mut self.state
        else {
            return false;
        };
        if sender.pacing.room(now) == 0 {
            return false;
        }
        if let Some(fragment) = sender.next(content.packet_limit(MAX_PACKET_SIZE)) {
            // A fragment is at most one packet size, and that fits a Data packet.
            let size = fragment.payload.len();
            if let Some(data) = fragment.into_transmit() {
                sender.pacing.sent(now, size);
                self.core.transmit(ConnectionId::MAIN, data);
            }
        }
        if sender.is_done() {
            self.state = match self.state.take() {
                State::SendingHeader(content, _) => State::Ready(content),
                State::EntryHeader(content, _, media) => self.after_entry_header(content, media),
                other => other,
            };
        }
        true
    }

    /// Sends the header, from its beginning, with this label.
    fn begin_header(&mut self, incarnation: u32) {
        let label = incarnation.to_le_bytes()[0].max(1);
        self.state = match self.state.take() {
            // 4.5.1: a client may ask for the header of the next entry although it comes unasked.
            State::EntryHeader(content, _, media) => {
                let sender = self.header_sender(&content, label);
                State::EntryHeader(content, sender, media)
            }
            State::EntryWaits(content) => {
                let sender = self.header_sender(&content, label);
                State::EntryHeader(content, sender, EntryMedia::Wait)
            }
            State::StreamingEntry(content, flow) => {
                let sender = self.header_sender(&content, label);
                State::EntryHeader(content, sender, EntryMedia::Follow(flow))
            }
            State::Opened(content) | State::SendingHeader(content, _) | State::Ready(content) => {
                let sender = self.header_sender(&content, label);
                State::SendingHeader(content, sender)
            }
            other => other,
        };
    }

    pub(super) fn header_sender(&self, content: &Content, label: u8) -> HeaderSender {
        let rate = self.config.pacing().paced(content.bit_rate());
        HeaderSender::new(content.header().clone(), label, Pacing::new(self.core.now(), rate))
    }
}
