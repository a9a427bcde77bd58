//! Files and lists, which each player plays from where it likes.

use std::time::Instant;

use mms_proto::{HResult, Machine as _, PlayRequest, StateError};

use super::{Session, Source};
use crate::serve::House;
use crate::serve::playlist::default_streams;
use crate::serve::title::{Step, Title};

/// Bytes of packets that are read for one request, before a player that seeks or stops is heard.
const BYTES_A_REQUEST: u64 = 16 << 10;

impl Session {
    pub(super) fn play_demand(
        &mut self,
        now: Instant,
        request: &PlayRequest,
    ) -> Result<(), StateError> {
        match self.title() {
            Some(title) => {
                title.play(request);
                Ok(())
            }
            None => self.server.abort_stream(now, HResult::FAIL),
        }
    }

    /// Sends the next packets at once if that is cheap, as many as the request allows and a little
    /// more than one write takes. Else one is owed: all that has arrived from the player is heard
    /// first, and others have their turn.
    pub(super) fn want_packet(&mut self, now: Instant, house: &House) -> Result<(), StateError> {
        let enough = self.server.stats().bytes.saturating_add(BYTES_A_REQUEST);
        loop {
            if self.title().is_some_and(|title| !title.is_ready()) {
                self.owes_packet = true;
                house.counters.search();
                return Ok(());
            }
            self.send_packet(now, house)?;
            let goes_on = self.server.wants_packet() && self.server.stats().bytes < enough;
            if self.owes_packet || !goes_on {
                return Ok(());
            }
        }
    }

    /// Sends the next packet, or what comes when there is none. Where only a part of the file was
    /// looked through, the packet is owed.
    pub(super) fn send_packet(&mut self, now: Instant, house: &House) -> Result<(), StateError> {
        self.owes_packet = false;
        let Some(title) = self.title() else {
            return self.server.abort_stream(now, HResult::FAIL);
        };
        let before = title.packets_read();
        let step = title.step();
        house.counters.read(title.packets_read().wrapping_sub(before));
        match step {
            Ok(Step::Packet(packet)) => {
                self.server.send_packet_at(now, packet.number, packet.time, packet.body)
            }
            Ok(Step::Later) => {
                self.owes_packet = true;
                Ok(())
            }
            Ok(Step::End) => self.next_entry(now),
            Err(error) => self.fail(now, error.to_string()),
        }
    }

    /// The end of a file, or of an entry of a list.
    fn next_entry(&mut self, now: Instant) -> Result<(), StateError> {
        let Source::Playlist(list) = &mut self.source else {
            return self.server.end_of_stream(now);
        };
        let Some(title) = list.next_entry() else { return self.server.end_of_stream(now) };
        title.strip_padding(self.strips_padding);
        // A player that gets the entry at once has had no chance to choose.
        let streams = default_streams(title.header(), self.server.link_bandwidth());
        let content = title.content().clone();
        title.play(&PlayRequest::select(streams));
        self.server.end_of_entry(now)?;
        self.server.next_entry(now, content)
    }

    fn title(&mut self) -> Option<&mut Title> {
        match &mut self.source {
            Source::Title(title) => Some(title),
            Source::Playlist(list) => Some(list.title()),
            _ => None,
        }
    }

    /// The file was cut or taken away under our hands.
    fn fail(&mut self, now: Instant, why: String) -> Result<(), StateError> {
        self.error = Some(why);
        self.server.abort_stream(now, HResult::FAIL)
    }
}
