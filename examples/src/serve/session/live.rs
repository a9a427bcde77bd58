//! What all players share: joining it, keeping up with it, and going on with it under a new
//! header.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use mms_proto::PushOutcome;
use mms_proto::{Content, HResult, OpenRequest, PlayRequest, StateError, StreamSelection};

use super::{Reason, Session, Source, Waiting};
use crate::serve::House;
use crate::serve::broadcast::Broadcast;
use crate::serve::channel::{Change, Channel, Cursor, Item, Listener, LivePacket, Program};
use crate::serve::playlist::default_streams;

/// Bytes that a player may be behind the others, beside the backlog that it began with.
const MAX_LAG_BYTES: u64 = 512 << 10;
/// Bytes that wait in the machine; what follows them waits in the channel, which all share.
const QUEUED_BYTES: usize = 64 << 10;
/// Items of the channel that are looked at in one step.
const MAX_STEP_ITEMS: usize = 256;

/// One player's part in it.
#[derive(Debug)]
pub(super) struct Audience {
    /// What was announced to the player last.
    content: Content,
    /// `None` while it does not play.
    playing: Option<Playing>,
}

/// What a player gets, and how far it has come.
#[derive(Debug)]
struct Playing {
    view: View,
    cursor: Cursor,
    /// Bytes that it may be behind. They shrink while it catches up with the others.
    max_lag: u64,
}

/// What a player gets of the packets that it comes to.
#[derive(Debug)]
struct View {
    listener: Listener,
    /// It was too slow, and goes on with the next key frame for which there is room.
    resumes: bool,
}

/// Packets that a player did not get although it plays their streams.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LeftOut {
    /// It was too slow for them.
    pub(super) too_slow: u64,
    /// They cannot be decoded before the next key frame.
    pub(super) no_key_frame: u64,
}

impl Audience {
    pub(super) fn select(&mut self, changes: &[StreamSelection]) {
        if let Some(playing) = &mut self.playing {
            playing.view.listener.select(changes);
        }
    }

    pub(super) fn pause(&mut self) {
        self.playing = None;
    }
}

impl Playing {
    fn new(listener: Listener, cursor: Cursor, channel: &Channel) -> Self {
        let max_lag = channel.bytes_after(&cursor).saturating_add(MAX_LAG_BYTES);
        Self { view: View { listener, resumes: false }, cursor, max_lag }
    }

    /// Notes how far it is behind, in bytes. Returns whether there is room to go on after packets
    /// were left out.
    fn measure(&mut self, lag: u64) -> bool {
        if lag > self.max_lag {
            self.view.resumes = true;
        }
        self.max_lag = self.max_lag.min(lag.saturating_add(MAX_LAG_BYTES));
        lag <= MAX_LAG_BYTES / 2
    }
}

impl View {
    /// What the player gets of this packet; `None` for nothing.
    fn packet(&mut self, packet: &LivePacket, room: bool, left_out: &mut LeftOut) -> Option<Bytes> {
        if self.resumes && room && packet.key_frame {
            self.resumes = false;
            self.listener.dropped();
        }
        let body = if self.resumes { None } else { self.listener.packet(packet) };
        if body.is_none() && self.listener.wants(packet) {
            let count = match self.resumes && !room {
                true => &mut left_out.too_slow,
                false => &mut left_out.no_key_frame,
            };
            *count = count.saturating_add(1);
        }
        body
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
        match change {
            Change::Nothing => return,
            Change::Packet(_) => {}
            Change::Header => {
                if let Some(waiting) = self.waiting.take_if(|waiting| waiting.is_for_live()) {
                    // The session may have ended in the meantime: the last event says so.
                    let _ = self.open_live(now, waiting.request, house);
                    return;
                }
            }
            Change::Ended(_) => {
                self.wait_no_longer(now, house);
                if !self.plays_live() {
                    self.end_live(now);
                    return;
                }
            }
        }
        self.feed(house);
    }

    fn plays_live(&self) -> bool {
        matches!(&self.source, Source::Live(audience) if audience.playing.is_some())
    }

    /// Gives the machine what comes next, as long as there is room for it; `false` when there was
    /// nothing to do.
    pub(super) fn feed(&mut self, house: &House) -> bool {
        let Some(broadcast) = &house.broadcast else { return false };
        let channel = broadcast.channel();
        let now = Instant::now();
        for step in 0..MAX_STEP_ITEMS {
            let Source::Live(audience) = &mut self.source else { return false };
            let Some(playing) = &mut audience.playing else { return false };
            let room = playing.measure(channel.bytes_after(&playing.cursor));
            if !playing.view.resumes && self.server.queued_bytes() >= QUEUED_BYTES {
                return step > 0;
            }
            // A session that has ended, or does not play, needs nothing.
            match playing.cursor.take() {
                None => return step > 0,
                Some(Item::Packet(packet)) => {
                    let Some(body) = playing.view.packet(packet, room, &mut self.left_out) else {
                        continue;
                    };
                    let (number, key_frame) = (packet.number, packet.key_frame);
                    let pushed = self.server.push_packet(now, number, key_frame, body);
                    if pushed == Ok(PushOutcome::Dropped) {
                        self.left_out.too_slow = self.left_out.too_slow.saturating_add(1);
                        playing.view.resumes = true;
                    }
                }
                Some(Item::Header(program)) => {
                    let program = Arc::clone(program);
                    let _ = self.go_on(now, &program);
                }
                Some(Item::End) => self.end_live(now),
            }
        }
        true
    }

    /// One that does not play would wait for nothing.
    fn end_live(&mut self, now: Instant) {
        if self.server.end_of_stream(now).is_err() {
            self.server.close(now);
        }
    }

    pub(super) fn open_live(
        &mut self,
        now: Instant,
        request: OpenRequest,
        house: &House,
    ) -> Result<(), StateError> {
        let broadcast = house.broadcast.as_ref();
        let Some(content) = broadcast.and_then(|broadcast| broadcast.channel().content()) else {
            return match now.checked_add(house.options.timeouts.handshake()) {
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
        self.source = Source::Live(Box::new(Audience { content: content.clone(), playing: None }));
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
        let Some(program) = broadcast.channel().program() else {
            return self.server.end_of_stream(now);
        };
        let Source::Live(audience) = &mut self.source else { return Ok(()) };
        if audience.content.header() == program.content().header() {
            self.tune_in(request.streams.clone(), broadcast);
        } else {
            // The header that it has is not the one of what is sent now.
            let streams = self.announce(now, program)?;
            self.tune_in(streams, broadcast);
        }
        self.feed(house);
        Ok(())
    }

    /// Goes on with a new header, as with the next entry of a list.
    fn go_on(&mut self, now: Instant, program: &Program) -> Result<(), StateError> {
        // What is pushed before an older player has played the entry is not for it.
        let streams = self.announce(now, program)?;
        let Source::Live(audience) = &mut self.source else { return Ok(()) };
        if let Some(playing) = &mut audience.playing {
            playing.view.listener.retune(program, &streams);
        }
        Ok(())
    }

    /// Tells the player of a new header. Returns the streams of it that are played until the player
    /// chooses.
    fn announce(
        &mut self,
        now: Instant,
        program: &Program,
    ) -> Result<Vec<StreamSelection>, StateError> {
        self.server.end_of_entry(now)?;
        self.server.next_entry(now, program.content().clone())?;
        if let Source::Live(audience) = &mut self.source {
            audience.content = program.content().clone();
        }
        Ok(default_streams(program.header(), self.server.link_bandwidth()))
    }

    fn tune_in(&mut self, streams: Vec<StreamSelection>, broadcast: &Broadcast) {
        let Source::Live(audience) = &mut self.source else { return };
        let (listener, cursor) = broadcast.tune_in(streams, self.strips_padding);
        audience.playing = Some(Playing::new(listener, cursor, broadcast.channel()));
    }
}
