//! The server's application: it answers late, refuses, has files, playlists and live channels.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::PushOutcome;
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    Content, Features, HResult, OpenRequest, PlayRequest, Redirect, ServerChallenge, ServerEvent,
    Start, StateError,
};

use super::random::Random;
use super::rules::{Rules, Stage};

/// What the application does some time later.
#[derive(Debug)]
pub(crate) enum Task {
    Answer(OpenRequest),
    Give,
    Push,
    NextEntry,
    Close,
}

pub(crate) type Later = Vec<(Duration, Task)>;

/// A file, or a part of a broadcast.
#[derive(Debug, Clone, Default)]
struct Entry {
    id: u32,
    /// Packets, and the time between two of them.
    count: u32,
    interval: Duration,
    packet_size: u32,
}

pub(crate) struct Studio {
    live: bool,
    /// Only for those who say who they are.
    private: bool,
    /// Packets say when they are due.
    timed: bool,
    /// Entries that are still to come.
    entries: u32,
    entry: Entry,
    next: u32,
    backwards: bool,
    over: bool,
    /// Another entry was promised and not named: the player stopped in between.
    promised: bool,
    pushing: bool,
    /// Bytes of live packets that may wait.
    limit: usize,
}

impl Studio {
    pub(crate) fn new(random: &mut Random, config: &ServerConfig) -> Self {
        let live = random.one_in(4);
        Self {
            live,
            private: config.authentication.is_some(),
            timed: random.one_in(2),
            entries: if random.one_in(3) { random.from(1, 3) } else { 0 },
            entry: Entry::default(),
            next: 0,
            backwards: false,
            over: false,
            promised: false,
            pushing: false,
            limit: config.limits.queued,
        }
    }

    /// What the machine tells; what is to be done about it later.
    pub(crate) fn event(
        &mut self,
        server: &mut Server,
        rules: &mut Rules,
        random: &mut Random,
        event: ServerEvent,
    ) -> Later {
        let mut later = Later::new();
        match event {
            ServerEvent::Open(request) => {
                let long = if random.one_in(10) { 100_000 } else { 500 };
                later.push((random.time(long), Task::Answer(request)));
            }
            ServerEvent::Play(request) => {
                self.play(&request);
                if self.promised {
                    later.push((random.time(100), Task::NextEntry));
                }
                if self.live && !self.pushing {
                    self.pushing = true;
                    later.push((Duration::ZERO, Task::Push));
                }
            }
            ServerEvent::Rate(rate) => {
                (self.backwards, self.over) = (rate.get() < 0.0, false);
            }
            ServerEvent::PacketWanted { .. } => match random.from(0, 39) {
                0 => later.push((random.time(9_000), Task::Give)),
                1 => later.push((random.time(100), Task::Give)),
                _ => later = self.give(server, rules, random),
            },
            _ => {}
        }
        later
    }

    pub(crate) fn task(
        &mut self,
        now: Instant,
        server: &mut Server,
        rules: &mut Rules,
        random: &mut Random,
        task: Task,
    ) -> Later {
        match task {
            Task::Answer(request) => {
                if self.private && (request.credentials.is_none() || random.one_in(2)) {
                    let realm = "crowd".to_owned();
                    let done = server.challenge(now, request, ServerChallenge::Basic { realm });
                    rules.challenges(&done);
                    return Later::new();
                }
                match random.from(0, 15) {
                    0 | 1 => {
                        let done = server.reject(now, request, HResult::FILE_NOT_FOUND);
                        rules.rejects(&done);
                        return Later::new();
                    }
                    2 => {
                        let target = Redirect::Url("mmst://elsewhere/file.wmv".to_owned());
                        let done = server.redirect(now, request, target);
                        rules.redirects(&done);
                        return Later::new();
                    }
                    _ => {}
                }
                let content = self.content(random);
                let done = if self.live {
                    server.accept_live(now, request, content.clone())
                } else {
                    server.accept(now, request, content.clone())
                };
                rules.accepts(content, self.live, &done);
                Later::new()
            }
            Task::Give => self.give(server, rules, random),
            Task::Push => self.push(now, server, rules, random),
            Task::NextEntry => {
                self.promised = !rules.stage.streams();
                if random.one_in(10) {
                    let done = server.end_of_stream(now);
                    rules.ends(false, &done);
                    return Later::new();
                }
                let before = (self.entry.clone(), self.next);
                let content = self.content(random);
                let done = server.next_entry(now, content.clone());
                rules.begins_entry(content, &done);
                if done.is_err() {
                    // The player has stopped meanwhile.
                    (self.entry, self.next) = before;
                }
                self.goes_on(done)
            }
            Task::Close => {
                server.close(now);
                rules.closes();
                Later::new()
            }
        }
    }

    /// The task is to push a live packet, and there is one.
    pub(crate) fn pushes(&self, task: &Task) -> bool {
        matches!(task, Task::Push) && self.next < self.entry.count
    }

    fn goes_on(&mut self, done: Result<(), StateError>) -> Later {
        self.over = false;
        if self.live && done.is_ok() && !self.pushing {
            self.pushing = true;
            return vec![(Duration::ZERO, Task::Push)];
        }
        Later::new()
    }

    fn play(&mut self, request: &PlayRequest) {
        let from = match request.start {
            Start::Beginning | Start::ByteOffset(_) => 0,
            Start::Packet(number) => number.get(),
            Start::Time(time) => {
                u32::try_from(time.as_millis() / self.entry.interval.as_millis()).unwrap()
            }
        };
        self.over = false;
        self.backwards = request.rate.get() < 0.0;
        if !self.live {
            self.next = from.min(self.entry.count);
        }
    }

    /// Answers the request for a packet.
    fn give(&mut self, server: &mut Server, rules: &mut Rules, random: &mut Random) -> Later {
        let ends = self.next >= self.entry.count || self.over;
        if ends && rules.wants() && !matches!(rules.stage, Stage::EntryHeader(..)) {
            return self.end(server, rules, random);
        }
        let number = self.next;
        let bytes = self.packet(number, random);
        let time =
            if self.backwards { self.entry.count - number.min(self.entry.count) } else { number };
        let time = self.timed.then_some(self.entry.interval * time);
        let done = match time {
            Some(time) => server.send_packet_at(rules.now, number, time, bytes.clone()),
            None => server.send_packet(rules.now, number, bytes.clone()),
        };
        if done.is_ok() {
            match (self.backwards, number) {
                (true, 0) => self.over = true,
                (true, _) => self.next -= 1,
                (false, _) => self.next += 1,
            }
        }
        rules.gives(number, time, bytes, &done);
        Later::new()
    }

    /// The end of this entry, or of everything.
    fn end(&mut self, server: &mut Server, rules: &mut Rules, random: &mut Random) -> Later {
        let now = rules.now;
        if self.entries > 0 && !self.backwards {
            let done = server.end_of_entry(now);
            rules.ends_entry(&done);
            if done.is_ok() {
                self.entries -= 1;
                let long = if random.one_in(4) { 10_000 } else { 10 };
                return vec![(random.time(long), Task::NextEntry)];
            }
        } else if random.one_in(10) {
            let done = server.abort_stream(now, HResult::FILE_NOT_FOUND);
            rules.ends(true, &done);
        } else {
            let done = server.end_of_stream(now);
            rules.ends(false, &done);
        }
        Later::new()
    }

    /// Pushes a live packet, and goes on with the next one.
    fn push(
        &mut self,
        now: Instant,
        server: &mut Server,
        rules: &mut Rules,
        random: &mut Random,
    ) -> Later {
        if self.next >= self.entry.count {
            self.pushing = false;
            if !rules.stage.streams() {
                // Whoever joins now sees it from the beginning.
                self.next = 0;
                return Later::new();
            }
            rules.now = now;
            return self.end(server, rules, random);
        }
        let (number, key) = (self.next, self.next % 5 == 0);
        let bytes = self.packet(number, random);
        // A packet of an entry that waits may be too large for the one before.
        match server.push_packet(now, number, key, bytes.clone()) {
            Ok(done) => {
                if rules.takes_pushes() {
                    rules.now = now;
                }
                rules.pushes(number, key, bytes, self.limit, done);
                if done == PushOutcome::NotPlaying && !rules.stage.streams() {
                    self.pushing = false;
                    return Later::new();
                }
            }
            Err(StateError::PacketSize { .. }) => rules.now = now,
            Err(error) => panic!("{error}"),
        }
        self.next += 1;
        vec![(self.entry.interval, Task::Push)]
    }

    fn content(&mut self, random: &mut Random) -> Content {
        self.entry.id += 1;
        self.next = 0;
        let most = if random.one_in(5) { 700 } else { 60 };
        self.entry.count = random.from(0, most);
        self.entry.packet_size = random.from(20, 1400);
        let milliseconds = random.from(5, 500);
        self.entry.interval = Duration::from_millis(milliseconds.into());
        let rate = self.entry.packet_size * 8_000 / milliseconds;
        let length = random.from(1, self.entry.packet_size * 4);
        let header: Bytes =
            (0..length).map(|n| n.wrapping_add(self.entry.id).to_le_bytes()[0]).collect();
        let content = Content::new(header)
            .unwrap()
            .with_packet_size(self.entry.packet_size)
            .unwrap()
            .with_bit_rate(rate);
        if self.live {
            return content.with_features(Features::BROADCAST);
        }
        let strides = if random.one_in(2) { Features::STRIDABLE } else { Features::default() };
        content
            .with_packet_count(self.entry.count.into())
            .with_duration(self.entry.interval * self.entry.count)
            .with_features(Features::SEEKABLE | strides)
    }

    /// Bytes that are those of no other packet.
    fn packet(&self, number: u32, random: &mut Random) -> Bytes {
        let size = if random.one_in(3) {
            random.from(1, self.entry.packet_size)
        } else {
            self.entry.packet_size
        };
        let word = (number << 3 | self.entry.id).to_le_bytes();
        word.iter().copied().cycle().take(size as usize).collect()
    }
}
