//! From one entry of a playlist to the next, MS-MMSP 3.2.4.1 and 3.2.4.2.

use std::time::Instant;

use super::Server;
use super::state::{EntryMedia, State};
use crate::content::{Content, MAX_PACKET_SIZE};
use crate::error::StateError;
use crate::hresult::HResult;
use crate::mmsp::message::{ReportEndOfStream, ReportStreamChange, STREAM_CHANGE_INCARNATION};
use crate::request::PlayRequest;
use crate::serving::EntryDelivery;
use crate::serving::queue::Queued;

impl Server {
    /// Says that this entry has no more packets and another entry follows: name it with
    /// [`next_entry`](Self::next_entry), or say with [`end_of_stream`](Self::end_of_stream) that
    /// there is none after all. Best at once: a player that stops in between may be told of the
    /// promise when it plays again, and waits for the entry then.
    ///
    /// Live, what is queued goes first.
    ///
    /// # Errors
    /// When the content has no packet size.
    /// Unless the session is streaming.
    pub fn end_of_entry(&mut self, now: Instant) -> Result<(), StateError> {
        self.begin_command(now, "end the entry")?;
        match &mut self.state {
            _ if self.session.live => self.session.queue.mark(Queued::EndOfEntry),
            State::StreamingEntry(_, flow) if !self.session.queue.has_ended_entry() => {
                flow.demand.withdraw();
                self.release_held();
                self.session.queue.mark(Queued::EndOfEntry);
            }
            State::Streaming(..) | State::EntryWaits(_) => self.finish_entry(),
            _ => return Err(self.wrong_phase("end the entry")),
        }
        Ok(())
    }

    /// Goes on to the next entry: its sizes, its header, and then its media. These wait for the
    /// client's play command, or follow at once: see [`EntryDelivery`].
    ///
    /// - At once: [`PacketWanted`](crate::ServerEvent::PacketWanted) comes with no play command
    ///   before it, for the streams that the application chooses;
    ///   [`link_bandwidth`](Self::link_bandwidth) may guide it. A later selection of the client is
    ///   reported as ever; its play command changes nothing but the label.
    /// - When played: [`Play`](crate::ServerEvent::Play) comes.
    ///
    /// Live, what is queued goes first.
    ///
    /// # Errors
    /// Unless [`end_of_entry`](Self::end_of_entry) came before.
    pub fn next_entry(&mut self, now: Instant, content: Content) -> Result<(), StateError> {
        content.packet_size().ok_or(StateError::NoPacketSize)?;
        self.begin_command(now, "begin an entry")?;
        let at_once = self.entries_follow_at_once();
        let queue = &mut self.session.queue;
        if queue.has_ended_entry() {
            queue.mark(Queued::Entry(content));
        } else if matches!(self.state, State::BetweenEntries(_)) && queue.is_empty() {
            self.begin_entry(content);
        } else {
            return Err(self.wrong_phase("begin an entry"));
        }
        // What is pushed before the client has played the entry is not for it.
        self.session.queue.on &= at_once;
        Ok(())
    }

    /// Bits per second of the client's link as it said with its latest play command, where it
    /// knew: a guide to which streams of the next entry to send, MS-MMSP 3.2.4.2.
    #[must_use]
    #[doc(alias = "dwLinkBandwidth")]
    pub fn link_bandwidth(&self) -> Option<u32> {
        self.session.link_bandwidth
    }

    /// `EndOfStream` with the promise of another entry.
    pub(super) fn finish_entry(&mut self) {
        let (State::Streaming(content, _)
        | State::StreamingEntry(content, _)
        | State::EntryWaits(content)) = &self.state
        else {
            return;
        };
        let content = content.clone();
        self.release_held();
        self.send_past_last_packet();
        self.state = State::BetweenEntries(content);
        let incarnation = self.session.incarnation;
        self.send(ReportEndOfStream { hr: HResult::FALSE, incarnation });
    }

    /// 3.2.4.2
    pub(super) fn begin_entry(&mut self, content: Content) {
        self.send(ReportStreamChange {
            hr: HResult::OK,
            packet_size: content.packet_limit(MAX_PACKET_SIZE),
            header_size: content.header_size(),
            bit_rate: content.bit_rate(),
        });
        // Until the client selects anew its last selection stands, but it is not added to.
        self.session.selection.entry_begins();
        let label = STREAM_CHANGE_INCARNATION;
        let sender = self.header_sender(&content, label);
        let media = if self.entries_follow_at_once() {
            EntryMedia::Follow(self.flow(&content, label, &PlayRequest::select([])))
        } else {
            EntryMedia::Wait
        };
        self.state = State::EntryHeader(content, sender, media);
    }

    /// The header of an entry has been sent.
    pub(super) fn after_entry_header(&mut self, content: Content, media: EntryMedia) -> State {
        match media {
            EntryMedia::Follow(mut flow) => {
                flow.begin(self.core.now());
                State::StreamingEntry(content, flow)
            }
            EntryMedia::Played(mut flow) => {
                flow.begin(self.core.now());
                State::Streaming(content, flow)
            }
            EntryMedia::Wait => {
                // Players that do not know stream changes wait for the end of the connection now.
                self.start_idle();
                self.arm_after_end();
                State::EntryWaits(content)
            }
            EntryMedia::Play(play) => self.play(content, play),
        }
    }

    /// An entry whose media follow at once is played, or counts as played.
    pub(super) fn entry_is_played(&mut self) {
        self.state = match self.state.take() {
            State::StreamingEntry(content, flow) => State::Streaming(content, flow),
            other => other,
        };
    }

    /// The player begins to play. If it has to be told of an entry first, and to play that, what is
    /// pushed until then is not for it.
    pub(super) fn tune_in(&mut self) {
        let queue = &mut self.session.queue;
        queue.tune(true);
        if queue.latest_entry().is_some() {
            self.session.queue.on = self.entries_follow_at_once();
        }
    }

    fn entries_follow_at_once(&self) -> bool {
        match self.config.entry_delivery {
            EntryDelivery::ByVersion => self.session.client.takes_entries_unasked(),
            EntryDelivery::AtOnce => true,
            EntryDelivery::WhenPlayed => false,
        }
    }
}
