//! What the victim serves: a file, a playlist of two entries, a broadcast. It trusts the machine:
//! whatever it is asked for is possible, and a refusal is a failed test.

use std::time::{Duration, Instant};

use mms_proto::mmsp::Server;
use mms_proto::{Content, Features, HResult, OpenRequest, ServerChallenge, ServerEvent, Start};

use super::requests::MISSING;
use super::victim::Stage;
use crate::pair::media;

/// Packets of a file and of each entry: two seconds.
pub(crate) const PACKETS: u64 = 20;

pub(crate) fn content() -> Content {
    let attributes = Features::SEEKABLE | Features::STRIDABLE;
    media::content(PACKETS).with_features(attributes)
}

pub(crate) struct Application {
    /// It takes its time with answers to `OpenFile` and with the next entry.
    slow: bool,
    asked: Option<OpenRequest>,
    owes_entry: bool,
    /// Entries that follow this one.
    entries: u32,
    pub(crate) live: bool,
    /// Number of the next packet.
    next: u32,
    /// It never answers requests for packets: whether one comes between two pieces of a message
    /// depends on the pieces.
    pub(crate) stalled: bool,
}

impl Application {
    pub(crate) fn new(stage: Stage) -> Self {
        let entries = [Stage::EntryHeader, Stage::EntryFollows, Stage::EntryWaits];
        let owing = [Stage::OpenAsked, Stage::BetweenEntries];
        Self {
            slow: owing.contains(&stage) || entries.contains(&stage),
            asked: None,
            owes_entry: false,
            entries: 0,
            live: false,
            next: 0,
            stalled: false,
        }
    }

    /// Answers what is owed, and is quick from now on.
    pub(crate) fn go_on(&mut self, server: &mut Server, now: Instant) {
        self.slow = false;
        if let Some(request) = self.asked.take() {
            self.open(server, now, request);
        }
        if std::mem::take(&mut self.owes_entry) {
            self.begin_entry(server, now);
        }
    }

    /// Hands a live packet over.
    pub(crate) fn push(&mut self, server: &mut Server, now: Instant) {
        let number = self.next;
        self.next += 1;
        let pushed = server.push_packet(now, number, true, media::packet(number));
        assert!(pushed.is_ok(), "{pushed:?}");
    }

    pub(crate) fn told(&mut self, server: &mut Server, now: Instant, event: ServerEvent) {
        match event {
            ServerEvent::Open(request) if self.slow && request.path == "file.wma" => {
                self.asked = Some(request);
            }
            ServerEvent::Open(request) => self.open(server, now, request),
            ServerEvent::Play(_) if self.live => {}
            ServerEvent::Play(request) => {
                self.owes_entry = false;
                self.next = match request.start {
                    Start::Beginning => 0,
                    Start::Packet(number) => number.get(),
                    Start::ByteOffset(offset) => u32::try_from(offset).unwrap(),
                    Start::Time(time) => u32::try_from(time.as_millis() / 100).unwrap_or(u32::MAX),
                };
            }
            ServerEvent::Stopped => self.owes_entry = false,
            ServerEvent::PacketWanted { room } => {
                assert!(room > 0 && !self.live);
                if !self.stalled {
                    self.send(server, now);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, server: &mut Server, now: Instant, request: OpenRequest) {
        match request.path.as_str() {
            MISSING => return server.reject(now, request, HResult::FILE_NOT_FOUND).unwrap(),
            "private" if request.credentials.is_none() => {
                let challenge = ServerChallenge::Basic { realm: "x".to_owned() };
                return server.challenge(now, request, challenge).unwrap();
            }
            "live" => {
                self.live = true;
                return server.accept_live(now, request, content()).unwrap();
            }
            "playlist" => self.entries = 1,
            _ => {}
        }
        server.accept(now, request, content()).unwrap();
    }

    fn send(&mut self, server: &mut Server, now: Instant) {
        let number = self.next;
        if u64::from(number) < PACKETS {
            self.next += 1;
            let time = Duration::from_millis(100) * number;
            server.send_packet_at(now, number, time, media::packet(number)).unwrap();
        } else if self.entries == 0 {
            server.end_of_stream(now).unwrap();
        } else {
            server.end_of_entry(now).unwrap();
            if self.slow {
                self.owes_entry = true;
            } else {
                self.begin_entry(server, now);
            }
        }
    }

    fn begin_entry(&mut self, server: &mut Server, now: Instant) {
        (self.entries, self.next) = (0, 0);
        server.next_entry(now, content()).unwrap();
    }
}
