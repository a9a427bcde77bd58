//! One session from its connection to its end, and a while longer.

use mms_proto::ServerTimeouts;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::frame::{Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{ClientMessage, Pong, ServerMessage};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{AuthScheme, HResult, Input, Limits, Machine as _, Output, ServerEvent, Transmit};
use mms_proto::{EntryDelivery, Pace, PushOutcome};

use super::player::{Act, Leaving, Player, close};
use super::random::Random;
use super::rules::{Rules, Stage};
use super::seen::Seen;
use super::studio::{Later, Studio, Task};

/// More outputs or steps than any session needs: something goes round in a circle.
const MANY: usize = 200_000;
/// The longest that an abandoned session may last: an idle hour, behind the content.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

enum Event {
    /// The player does something.
    Act,
    /// Bytes arrive, in which these messages end; and whether another one has begun.
    Bytes(Bytes, Vec<ClientMessage>, bool),
    /// The connection is gone.
    Gone,
    /// The application does something.
    Task(Task),
    /// There is room in the socket again.
    Room,
}

pub(crate) struct Session {
    now: Instant,
    server: Server,
    rules: Rules,
    studio: Studio,
    player: Player,
    random: Random,
    /// What is to come, with a number for what comes at the same time.
    events: BTreeMap<(Instant, u64), Event>,
    number: u64,
    /// Until when the player's last words are under way.
    said: Instant,
    deadline: Option<Instant>,
    /// Turns in a row in which the machine wanted to be asked at once and had nothing to say.
    vain: u32,
    /// A player that takes bytes slowly; and whether its socket is full.
    slow: bool,
    full: bool,
    left: Option<(Leaving, Instant)>,
    writer: MessageWriter,
    decoder: FrameDecoder,
}

impl Session {
    pub(crate) fn new(now: Instant, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let config = config(&mut random);
        let mut session = Self {
            now,
            server: Server::new(now, config.clone()),
            rules: Rules::new(now, &config),
            studio: Studio::new(&mut random, &config),
            player: Player::new(&mut random),
            events: BTreeMap::new(),
            number: 0,
            said: now,
            deadline: None,
            vain: 0,
            slow: random.one_in(4),
            full: false,
            left: None,
            writer: MessageWriter::default(),
            decoder: FrameDecoder::from_server(&Limits::default()),
            random,
        };
        let pause = session.player.pause(&mut session.random);
        session.comes(now + pause, Event::Act);
        if session.random.one_in(20) {
            let time = session.random.time(200_000);
            session.comes(now + time, Event::Task(Task::Close));
        }
        session
    }

    /// Runs to the end, and says what happened on the way.
    pub(crate) fn run(mut self) -> Seen {
        self.poll();
        for _ in 0..MANY {
            if self.rules.stage == Stage::Closed {
                self.after_the_end();
                return self.rules.seen;
            }
            let next = self.events.first_key_value().map(|(&(at, _), _)| at);
            let deadline = self.deadline.filter(|_| !self.full);
            match (deadline, next) {
                (Some(deadline), next) if next.is_none_or(|next| deadline <= next) => {
                    self.now = self.now.max(deadline);
                    self.input(Input::Timeout);
                    self.poll();
                }
                (_, Some(_)) => self.next_event(),
                (_, None) => panic!("nothing will ever happen again"),
            }
            if let Some((how, at)) = self.left {
                assert!(self.now < at + LONGEST, "abandoned, and it does not end: {how:?}");
            }
        }
        panic!("it goes round in circles");
    }

    fn comes(&mut self, at: Instant, event: Event) {
        self.number += 1;
        self.events.insert((at, self.number), event);
    }

    fn come(&mut self, later: Later) {
        for (time, task) in later {
            self.comes(self.now + time, Event::Task(task));
        }
    }

    fn next_event(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else { return };
        self.now = at;
        match event {
            Event::Act => return self.act(),
            Event::Bytes(bytes, messages, begun) => {
                self.rules.arrives(messages, begun);
                self.input(Input::tcp(&bytes));
            }
            Event::Gone => {
                self.rules.goes();
                self.input(Input::tcp_closed());
                // Whatever waits cannot be written any more.
                self.full = false;
            }
            Event::Room => {
                self.full = false;
                self.rules.late = true;
            }
            // The application does it when there is room; only live packets come by themselves.
            Event::Task(task) if self.full && !self.studio.pushes(&task) => {
                let room = self.events.iter().find(|(_, event)| matches!(event, Event::Room));
                let at = room.map_or(self.now, |(&(at, _), _)| at);
                return self.comes(at, Event::Task(task));
            }
            Event::Task(task) => {
                if !matches!(task, Task::Push) {
                    self.rules.now = self.now;
                }
                let Self { server, rules, studio, random, .. } = self;
                let later = studio.task(self.now, server, rules, random, task);
                self.come(later);
            }
        }
        if !self.full {
            self.poll();
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.rules.now = self.now;
        if matches!(input, Input::Timeout) {
            self.rules.time_passes();
        }
        self.server.handle_input(self.now, input).unwrap();
    }

    /// The player's turn.
    fn act(&mut self) {
        match self.player.act(&mut self.random, &self.rules.stage) {
            Act::Say(messages) => {
                self.say(messages);
                let pause = self.player.pause(&mut self.random);
                self.comes(self.now + pause, Event::Act);
            }
            Act::Leave(how) => {
                self.left = Some((how, self.now));
                let at = self.said.max(self.now);
                match how {
                    Leaving::CloseFile => self.say(vec![close()]),
                    Leaving::Gone => self.comes(at, Event::Gone),
                    Leaving::Silent | Leaving::Idle => {}
                    Leaving::Halfway => {
                        let bytes = self.encode(&Pong.into());
                        self.comes(at, Event::Bytes(bytes.slice(..20), Vec::new(), true));
                    }
                }
            }
        }
    }

    fn encode(&mut self, message: &ClientMessage) -> Bytes {
        self.writer.write(0, |out| message.encode(out))
    }

    /// Sends messages, in one piece or two.
    fn say(&mut self, mut messages: Vec<ClientMessage>) {
        let Some(last) = messages.pop() else { return };
        let mut bytes: Vec<u8> = Vec::new();
        for message in &messages {
            bytes.extend_from_slice(&self.encode(message));
        }
        let end = self.encode(&last);
        let mut at = self.said.max(self.now + self.random.time(100));
        if self.random.one_in(12) {
            let cut = self.random.from(1, u32::try_from(end.len()).unwrap() - 1) as usize;
            bytes.extend_from_slice(&end[..cut]);
            self.comes(at, Event::Bytes(bytes.into(), messages, true));
            at += self.random.time(20_000);
            self.comes(at, Event::Bytes(end.slice(cut..), vec![last], false));
        } else {
            bytes.extend_from_slice(&end);
            messages.push(last);
            self.comes(at, Event::Bytes(bytes.into(), messages, false));
        }
        self.said = at;
    }

    /// Everything until the machine waits, or the socket is full.
    fn poll(&mut self) {
        let mut said = false;
        for _ in 0..MANY {
            match self.server.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    said = true;
                    self.transmit(&transmit);
                    if self.full {
                        return;
                    }
                }
                Output::Event(event) => {
                    said = true;
                    self.event(event);
                }
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(deadline) => {
                    let past = deadline.is_some_and(|at| at <= self.rules.now);
                    self.vain = if past && !said { self.vain + 1 } else { 0 };
                    assert!(self.vain < 2, "a deadline in the past, again and again");
                    self.rules.waits(deadline);
                    self.rules.late &= deadline.is_some_and(|at| at <= self.now);
                    self.deadline = deadline;
                    return;
                }
            }
        }
        panic!("it never waits");
    }

    fn event(&mut self, event: ServerEvent) {
        self.rules.event(&event);
        let Self { server, rules, studio, random, .. } = self;
        let later = studio.event(server, rules, random, event);
        self.come(later);
    }

    /// A write is one whole packet with one whole message.
    fn transmit(&mut self, transmit: &Transmit) {
        self.decoder.push(&transmit.to_bytes());
        match self.decoder.next_frame().unwrap().expect("a write is a whole packet") {
            Frame::Data(packet) => {
                self.rules.data(&packet);
                if packet.flags == 0xFE && self.left.is_none() {
                    // Whether the next number is left out depends on who is first.
                    let play = self.player.play(&mut self.random);
                    self.say(vec![play]);
                }
            }
            Frame::Messages(mut messages) => {
                let (_, message) = messages.split_next().unwrap().expect("a message");
                let message = ServerMessage::decode(&message, &mut Vec::new()).unwrap();
                self.rules.message(&message);
                if let ServerMessage::SecurityChallenge(challenge) = &message {
                    self.player.challenged(challenge);
                }
                if matches!(message, ServerMessage::Ping(_)) && self.answers_pings() {
                    self.say(vec![Pong.into()]);
                }
            }
        }
        if self.slow && self.random.one_in(30) {
            self.full = true;
            self.rules.seen.note("a socket that was full");
            let long = if self.random.one_in(10) { 40_000 } else { 3_000 };
            let time = self.random.time(long);
            self.comes(self.now + time, Event::Room);
        }
    }

    fn answers_pings(&self) -> bool {
        match self.left {
            Some((how, _)) => how == Leaving::Idle,
            None => self.player.polite,
        }
    }

    /// Whatever comes now, nothing comes out.
    fn after_the_end(&mut self) {
        let play = self.encode(&close());
        for input in [Input::tcp(&play), Input::Timeout, Input::tcp_closed()] {
            self.now += Duration::from_secs(3600);
            // An error says once more why it ended.
            let _ = self.server.handle_input(self.now, input);
            self.server.close(self.now);
            let pushed = self.server.push_packet(self.now, 0, true, play.clone());
            assert!(!matches!(pushed, Ok(PushOutcome::Queued)));
            assert!(self.server.send_packet(self.now, 0, play.clone()).is_err());
            assert!(self.server.end_of_stream(self.now).is_err());
            assert!(matches!(self.server.poll_output(), Output::Wait(None)), "after the end");
        }
    }
}

fn config(random: &mut Random) -> ServerConfig {
    let mut config = ServerConfig::default()
        .pace(random.pick(&[Pace::BitRate, Pace::BitRate, Pace::Full]))
        .timeouts(
            ServerTimeouts::default().with_idle(Duration::from_secs(random.pick(&[60, 3600]))),
        );
    config.max_unanswered_pings = random.pick(&[None, Some(0), Some(1), Some(3), Some(3)]);
    config.close_after_end = random.pick(&[None, None, Some(Duration::from_secs(5))]);
    config.seek_while_streaming = !random.one_in(4);
    config.entry_delivery =
        random.pick(&[EntryDelivery::ByVersion, EntryDelivery::AtOnce, EntryDelivery::WhenPlayed]);
    config.hold_end = random.one_in(2);
    config.refusal = random.one_in(20).then_some(HResult::MAX_CLIENTS.into());
    config.authentication = random.one_in(4).then_some(AuthScheme::Basic);
    config.limits.challenges = random.from(0, 4);
    config.limits.queued = random.pick(&[1_000, 5_000, 512 << 10]);
    // Every request has its answer here; `server::plays` is about the limit.
    config.plays_a_second = 0;
    config
}
