//! A stream that plays.

use std::time::Instant;

use mms_asf::Packet;
use mms_proto::{
    AsfPacket, ClientEvent, CloseReason, HResult, Machine as _, PlayRequest, Start, StreamSelection,
};

use super::played::Played;
use super::{Core, Entry, Session};
use crate::error::Error;

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndOfStream {
    /// The server's reason: an error code when it ended early.
    pub hr: HResult,
    /// Another entry of the playlist is to be expected: see [`Playback::next_entry`].
    pub more: bool,
}

/// A stream that plays: an iterator over its packets.
///
/// It yields `None` at the end of the entry and `Some(Err(_))` once when the session fails; after
/// either it yields `None`. The one error after which packets still follow is
/// [`Error::SelectionRefused`], the answer to [`select_streams`](Self::select_streams). Dropping
/// it closes the connection.
#[derive(Debug)]
pub struct Playback {
    pub(super) core: Core,
    pub(super) entry: Entry,
    request: PlayRequest,
    played: Played,
    end: Option<EndOfStream>,
    /// The next entry, when it came without the end of this one.
    upcoming: Option<Entry>,
    failed: bool,
}

impl Playback {
    pub(super) fn start(session: Session, request: PlayRequest) -> Result<Self, Error> {
        let Session { mut core, entry, flows } = session;
        let machine = core.connection.machine_mut();
        machine.play(Instant::now(), request.clone())?;
        let played = Played::of(&entry);
        let mut playback =
            Self { core, entry, request, played, end: None, upcoming: None, failed: false };
        // The packets of a new entry flow already; its refusal, if any, comes between them.
        if !flows {
            playback.wait_for_start()?;
        }
        Ok(playback)
    }

    /// How the entry ended; `None` before its end.
    pub fn end(&self) -> Option<EndOfStream> {
        self.end
    }

    /// Goes on from somewhere else, with the same streams. Packets that were under way are
    /// dropped. After the end of the entry it plays again. When the server goes on to the next
    /// entry of a playlist in the same moment, this one is at its [`end`](Self::end) then.
    ///
    /// # Errors
    /// When the server refuses or the connection fails; playing is over then.
    /// [`Error::State`] at the end of an entry that others follow: nothing has changed.
    pub fn seek(&mut self, start: Start) -> Result<(), Error> {
        let request = self.request.clone().start(start);
        if self.upcoming.is_some() {
            // It would play the other entry, with the streams of this one.
            return Err(Error::State(mms_proto::StateError::Phase {
                operation: "seek",
                phase: self.core.connection.machine().phase(),
            }));
        }
        let machine = self.core.connection.machine_mut();
        machine.play(Instant::now(), request.clone())?;
        self.request = request;
        self.end = None;
        self.played.restart();
        self.wait_for_start()
    }

    /// Changes the streams while they play: name those that change, and only those. The selection
    /// goes out with the next packet that is asked for; a refusal comes between the packets, as
    /// [`Error::SelectionRefused`], and changes nothing.
    ///
    /// # Errors
    /// [`Error::State`] when nothing plays, and while the last selection is not answered.
    pub fn select_streams(&mut self, selections: &[StreamSelection]) -> Result<(), Error> {
        let machine = self.core.connection.machine_mut();
        machine.select_streams(Instant::now(), selections)?;
        for change in selections {
            let streams = &mut self.request.streams;
            streams
                .retain(|old| old.stream != change.stream && Some(old.stream) != change.replaces);
            streams.push(StreamSelection::new(change.stream, change.delivery));
            streams.extend(change.replaces.map(StreamSelection::off));
        }
        Ok(())
    }

    /// Says that the latest packet is of no use. A server that sends no other ends the session as
    /// a silent one does; without this any packet puts its end off.
    pub fn reject_packet(&mut self) {
        self.core.connection.machine_mut().reject_packet();
    }

    /// Stops; the session can play again. Packets that were under way are dropped.
    ///
    /// # Errors
    /// When the connection fails. [`Error::State`] at the end of an entry that others follow.
    pub fn stop(mut self) -> Result<Session, Error> {
        let ended = self.end.is_some_and(|end| !end.more);
        if !ended {
            self.core.connection.machine_mut().stop(Instant::now())?;
            loop {
                match self.core.next_event()? {
                    ClientEvent::Stopped => break,
                    ClientEvent::Closed(reason) => return Err(self.core.closed(reason)),
                    _ => {}
                }
            }
        }
        let entry = self.upcoming.unwrap_or(self.entry);
        Ok(Session { core: self.core, entry, flows: false })
    }

    /// Waits for the next entry of a playlist; `None` when there is none, which breaks the server's
    /// word where the [`end`](Self::end) of this one announced it. What is left of this entry is
    /// dropped.
    ///
    /// Packets of the new entry that the server sends before it is [played](Session::play) are
    /// kept for then.
    ///
    /// # Errors
    /// When the server does not keep its promise or the connection fails.
    pub fn next_entry(mut self) -> Result<Option<Session>, Error> {
        while let Some(packet) = self.next() {
            if self.failed {
                packet?;
            }
        }
        let mut next = self.upcoming.take();
        let more = self.end.is_some_and(|end| end.more);
        while next.is_none() && more {
            match self.core.next_event()? {
                ClientEvent::NextEntry(content) => next = Some(Entry::new(content)),
                ClientEvent::EndOfStream { more: false, .. }
                | ClientEvent::Closed(CloseReason::Peer | CloseReason::Local) => return Ok(None),
                ClientEvent::Closed(reason) => return Err(self.core.closed(reason)),
                _ => {}
            }
        }
        Ok(next.map(|entry| Session { core: self.core, entry, flows: true }))
    }

    /// Says goodbye, which takes as long as the server needs, within limits. Dropping does the
    /// same without waiting.
    ///
    /// # Errors
    /// When the connection fails before that. There is nothing to be done about it.
    pub fn close(self) -> Result<(), Error> {
        self.core.connection.close()
    }

    /// Waits until the server agrees to play.
    fn wait_for_start(&mut self) -> Result<(), Error> {
        let refusal = loop {
            match self.core.next_event() {
                Ok(ClientEvent::Started) => return Ok(()),
                // The entry ended in the same moment, and this follows it.
                Ok(ClientEvent::NextEntry(content)) => {
                    self.enter(Entry::new(content));
                    return Ok(());
                }
                Ok(ClientEvent::PlayRefused(hr)) => break self.core.play_refused(hr),
                Ok(ClientEvent::SelectionRefused(hr)) => break self.core.selection_refused(hr),
                Ok(ClientEvent::Closed(reason)) => break self.core.closed(reason),
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        self.failed = true;
        Err(refusal)
    }

    /// The next entry is here, without the end of this one.
    fn enter(&mut self, entry: Entry) {
        self.upcoming = Some(entry);
        let (hr, more) = (HResult::FALSE, true);
        self.end = Some(EndOfStream { hr, more });
    }

    /// The next packet, for callers that report it as [`played`](Self::played) once it is parsed.
    pub(crate) fn next_packet(&mut self) -> Option<Result<AsfPacket, Error>> {
        while self.end.is_none() && !self.failed {
            match self.core.next_event() {
                Ok(event) => {
                    if let Some(item) = self.event(event) {
                        return Some(item);
                    }
                }
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Counts a packet for the report to the server; `None` for one that cannot be parsed.
    pub(crate) fn played(&mut self, packet: Option<&Packet<'_>>) {
        if let Some(packet) = packet {
            let played = self.played.parsed(packet);
            self.core.connection.machine_mut().set_played(played);
        }
    }

    fn event(&mut self, event: ClientEvent) -> Option<Result<AsfPacket, Error>> {
        let error = match event {
            ClientEvent::Packet(packet) => return Some(Ok(packet)),
            ClientEvent::EndOfStream { more, hr } => {
                self.end = Some(EndOfStream { hr, more });
                return None;
            }
            ClientEvent::NextEntry(content) => {
                self.enter(Entry::new(content));
                return None;
            }
            ClientEvent::SelectionRefused(hr) => {
                return Some(Err(self.core.selection_refused(hr)));
            }
            ClientEvent::PlayRefused(hr) => self.core.play_refused(hr),
            ClientEvent::Closed(reason) => self.core.closed(reason),
            _ => return None,
        };
        self.failed = true;
        Some(Err(error))
    }
}

impl Iterator for Playback {
    type Item = Result<AsfPacket, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.next_packet();
        if let Some(Ok(packet)) = &item {
            if let Some(played) = self.played.packet(&packet.payload) {
                self.core.connection.machine_mut().set_played(played);
            }
        }
        item
    }
}
