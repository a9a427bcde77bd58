//! What all players share: joining it, keeping up with it, and going on with it under a new
//! header.

use std::time::Instant;

use mms_proto::mmsp::server::Pushed;
use mms_proto::{Content, HResult, OpenRequest, PlayRequest, StateError, StreamSelection};

use super::{Reason, Session, Source, Waiting};
use crate::serve::House;
use crate::serve::broadcast::Broadcast;
use crate::serve::channel::{Change, Listener, LivePacket};

/// One player's part in it.
#[derive(Debug)]
pub(super) struct Audience {
    /// What was announced to the player last.
    content: Content,
    /// `None` while it does not play.
    listener: Option<Listener>,
}

impl Audience {
    pub(super) fn select(&mut self, changes: &[StreamSelection]) {
        if let Some(listener) = &mut self.listener {
            listener.select(changes);
        }
    }

    pub(super) fn pause(&mut self) {
        self.listener = None;
    }
}

impl Waiting {
    fn is_for_live(&self) -> bool {
        self.why == Reason::NotBegun
    }
}

impl Session {
    /// Whether it plays what all share, or waits for it.
    pub(in crate::serve) fn is_live(&self) -> bool {
        self.waiting.as_ref().is_some_and(Waiting::is_for_live)
            || matches!(self.source, Source::Live(_))
    }

    /// Something has happened that concerns all who share it.
    pub(in crate::serve) fn on_change(&mut self, change: &Change, house: &House) {
        let now = Instant::now();
        let Some(broadcast) = &house.broadcast else { return };
        // A session that has ended, or does not play, needs nothing.
        let _ = match change {
            Change::Nothing => Ok(()),
            Change::Packet(packet) => self.push(now, packet),
            Change::Header => match self.waiting.take_if(|waiting| waiting.is_for_live()) {
                Some(waiting) => self.open_live(now, waiting.request, house),
                None => self.go_on(now, broadcast),
            },
            Change::Ended(_) => {
                self.wait_no_longer(now);
                // One that does not play would wait for nothing.
                self.server.end_of_stream(now).or_else(|_| {
                    self.server.close(now);
                    Ok(())
                })
            }
        };
    }

    pub(super) fn open_live(
        &mut self,
        now: Instant,
        request: OpenRequest,
        house: &House,
    ) -> Result<(), StateError> {
        let broadcast = house.broadcast.as_ref();
        let Some(content) = broadcast.and_then(|broadcast| broadcast.channel().content()) else {
            return match now.checked_add(house.options.timeouts.handshake) {
                Some(until) if broadcast.is_some_and(|it| it.ended().is_none()) => {
                    self.waiting = Some(Waiting { request, until, why: Reason::NotBegun });
                    Ok(())
                }
                _ => {
                    let why = "it has ended".to_owned();
                    self.refuse(now, request, HResult::FILE_NOT_FOUND, why)
                }
            };
        };
        let content = content.clone();
        self.source = Source::Live(Box::new(Audience { content: content.clone(), listener: None }));
        self.opened(house);
        self.server.accept_live(now, request, content)
    }

    pub(super) fn play_live(
        &mut self,
        now: Instant,
        request: &PlayRequest,
        house: &House,
    ) -> Result<(), StateError> {
        let Some(broadcast) = &house.broadcast else { return self.server.end_of_stream(now) };
        let Some(content) = broadcast.channel().content() else {
            return self.server.end_of_stream(now);
        };
        let Source::Live(audience) = &mut self.source else { return Ok(()) };
        if audience.content.header() != content.header() {
            // The header that it has is not the one of what is sent now.
            return self.go_on(now, broadcast);
        }
        self.tune_in(now, request.streams.clone(), broadcast)
    }

    /// Goes on with a new header, as with the next entry of a list.
    fn go_on(&mut self, now: Instant, broadcast: &Broadcast) -> Result<(), StateError> {
        let Some(content) = broadcast.channel().content() else { return Ok(()) };
        // One that does not play is told when it does.
        self.server.end_of_entry(now)?;
        self.server.next_entry(now, content.clone())?;
        if let Source::Live(audience) = &mut self.source {
            audience.content = content.clone();
        }
        // What is pushed before an older player has played the entry is not for it.
        let streams = broadcast.streams(self.server.link_bandwidth());
        self.tune_in(now, streams, broadcast)
    }

    fn tune_in(
        &mut self,
        now: Instant,
        streams: Vec<StreamSelection>,
        broadcast: &Broadcast,
    ) -> Result<(), StateError> {
        let Source::Live(audience) = &mut self.source else { return Ok(()) };
        let (listener, backlog) = broadcast.tune_in(streams, self.strips_padding);
        audience.listener = Some(listener);
        backlog.iter().try_for_each(|packet| self.push(now, packet))
    }

    fn push(&mut self, now: Instant, packet: &LivePacket) -> Result<(), StateError> {
        let Source::Live(audience) = &mut self.source else { return Ok(()) };
        let Some(listener) = &mut audience.listener else { return Ok(()) };
        let Some(body) = listener.packet(packet) else { return Ok(()) };
        let pushed = self.server.push_packet(now, packet.number, packet.key_frame, body)?;
        if pushed == Pushed::Dropped {
            listener.dropped();
        }
        Ok(())
    }
}
