//! One session from its connection to its end, and a while longer.

use std::collections::BTreeMap;
use std::mem::take;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::frame::MessageWriter;
use mms_proto::mmsp::message::{ClientMessage, Pong, ServerMessage};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::testing::sim::{App, End, Wire, Wrote};
use mms_proto::{
    AuthScheme, EntryDelivery, HResult, Input, Machine as _, Pace, PushOutcome, ServerEvent,
    ServerTimeouts,
};

use super::player::{Act, Leaving, Player, close};
use super::random::Random;
use super::rules::Rules;
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

/// The server's application, the player, and the rules between them.
struct World {
    rules: Rules,
    studio: Studio,
    player: Player,
    random: Random,
    /// What the application does later, and what the player says to what it has just heard.
    later: Later,
    replies: Vec<ClientMessage>,
    left: Option<(Leaving, Instant)>,
    /// A player that takes bytes slowly; and how long its socket is full.
    slow: bool,
    full: Option<Duration>,
    /// Something was said in this turn; and turns in a row in which the machine wanted to be asked
    /// at once and had nothing to say.
    said: bool,
    vain: u32,
}

impl App<Server> for World {
    fn event(
        &mut self,
        server: &mut Server,
        _: Instant,
        event: ServerEvent,
    ) -> Option<ServerEvent> {
        self.said = true;
        self.rules.event(&event);
        let later = self.studio.event(server, &mut self.rules, &mut self.random, event);
        self.later.extend(later);
        None
    }

    fn wrote(&mut self, _: Instant, message: &Wire<ServerMessage>) -> Wrote {
        self.said = true;
        match message {
            Wire::Data(packet) => {
                self.rules.data(packet);
                if packet.flags == 0xFE && self.left.is_none() {
                    // Whether the next number is left out depends on who is first.
                    self.replies.push(self.player.play(&mut self.random));
                }
            }
            Wire::Message(message) => {
                self.rules.message(message);
                if let ServerMessage::SecurityChallenge(challenge) = message {
                    self.player.challenged(challenge);
                }
                if matches!(message, ServerMessage::Ping(_)) && self.answers_pings() {
                    self.replies.push(Pong.into());
                }
            }
        }
        if !(self.slow && self.random.one_in(30)) {
            return Wrote::Forget;
        }
        self.rules.seen.note("a socket that was full");
        let long = if self.random.one_in(10) { 40_000 } else { 3_000 };
        self.full = Some(self.random.time(long));
        Wrote::Full
    }

    fn waits(&mut self, now: Instant, deadline: Option<Instant>) {
        let past = deadline.is_some_and(|at| at <= self.rules.now);
        self.vain = if past && !take(&mut self.said) { self.vain + 1 } else { 0 };
        assert!(self.vain < 2, "a deadline in the past, again and again");
        self.rules.waits(deadline);
        self.rules.late &= deadline.is_some_and(|at| at <= now);
    }
}

impl World {
    fn answers_pings(&self) -> bool {
        match self.left {
            Some((how, _)) => how == Leaving::Idle,
            None => self.player.polite,
        }
    }
}

pub(crate) struct Session {
    end: End<Server, World>,
    /// What is to come, with a number for what comes at the same time.
    events: BTreeMap<(Instant, u64), Event>,
    number: u64,
    /// Until when the player's last words are under way.
    said: Instant,
    writer: MessageWriter,
}

impl Session {
    pub(crate) fn new(now: Instant, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let config = config(&mut random);
        let world = World {
            rules: Rules::new(now, &config),
            studio: Studio::new(&mut random, &config),
            player: Player::new(&mut random),
            later: Later::new(),
            replies: Vec::new(),
            left: None,
            slow: random.one_in(4),
            full: None,
            said: false,
            vain: 0,
            random,
        };
        let mut session = Self {
            end: End::new(now, Server::new(now, config), world),
            events: BTreeMap::new(),
            number: 0,
            said: now,
            writer: MessageWriter::default(),
        };
        session.end.late = true;
        let world = &mut session.end.app;
        let pause = world.player.pause(&mut world.random);
        let close = world.random.one_in(20).then(|| world.random.time(200_000));
        session.comes(now + pause, Event::Act);
        if let Some(time) = close {
            session.comes(now + time, Event::Task(Task::Close));
        }
        session
    }

    /// Runs to the end, and says what happened on the way.
    pub(crate) fn run(mut self) -> Seen {
        self.poll();
        for _ in 0..MANY {
            if self.end.closed.is_some() {
                self.after_the_end();
                return self.end.app.rules.seen;
            }
            let next = self.events.first_key_value().map(|(&(at, _), _)| at);
            match (self.end.deadline.filter(|_| !self.is_full()), next) {
                (Some(deadline), next) if next.is_none_or(|next| deadline <= next) => {
                    self.end.now = self.end.now.max(deadline);
                    self.end.app.rules.now = self.end.now;
                    self.end.app.rules.time_passes();
                    self.input(Input::Timeout);
                    self.poll();
                }
                (_, Some(_)) => self.next_event(),
                (_, None) => panic!("nothing will ever happen again"),
            }
            if let Some((how, at)) = self.end.app.left {
                assert!(self.end.now < at + LONGEST, "abandoned, and it does not end: {how:?}");
            }
        }
        panic!("it goes round in circles");
    }

    fn is_full(&self) -> bool {
        self.end.app.full.is_some()
    }

    fn comes(&mut self, at: Instant, event: Event) {
        self.number += 1;
        self.events.insert((at, self.number), event);
    }

    fn next_event(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else { return };
        self.end.now = at;
        match event {
            Event::Act => return self.act(),
            Event::Bytes(bytes, messages, begun) => {
                self.end.app.rules.arrives(messages, begun);
                self.input(Input::tcp(&bytes));
            }
            Event::Gone => {
                self.end.app.rules.goes();
                self.input(Input::tcp_closed());
                // Whatever waits cannot be written any more.
                self.end.app.full = None;
            }
            Event::Room => {
                self.end.app.full = None;
                self.end.app.rules.late = true;
            }
            // The application does it when there is room; only live packets come by themselves.
            Event::Task(task) if self.is_full() && !self.end.app.studio.pushes(&task) => {
                let room = self.events.iter().find(|(_, event)| matches!(event, Event::Room));
                let at = room.map_or(at, |(&(at, _), _)| at);
                return self.comes(at, Event::Task(task));
            }
            Event::Task(task) => {
                let End { machine, app: World { rules, studio, random, later, .. }, .. } =
                    &mut self.end;
                if !matches!(task, Task::Push) {
                    rules.now = at;
                }
                later.extend(studio.task(at, machine, rules, random, task));
            }
        }
        if self.is_full() {
            self.follow_up();
        } else {
            self.poll();
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.end.app.rules.now = self.end.now;
        self.end.give(|server, now| server.handle_input(now, input)).unwrap();
    }

    /// Everything until the machine waits, or the socket is full.
    fn poll(&mut self) {
        self.end.app.said = false;
        self.end.poll();
        if let Some(time) = self.end.app.full {
            self.comes(self.end.now + time, Event::Room);
        }
        self.follow_up();
    }

    /// What comes of what was said and done.
    fn follow_up(&mut self) {
        for (time, task) in take(&mut self.end.app.later) {
            self.comes(self.end.now + time, Event::Task(task));
        }
        for reply in take(&mut self.end.app.replies) {
            self.say_within(20, vec![reply]);
        }
    }

    /// The player's turn.
    fn act(&mut self) {
        let now = self.end.now;
        let World { player, random, rules, left, .. } = &mut self.end.app;
        match player.act(random, &rules.stage) {
            Act::Say(messages) => {
                self.say(messages);
                let World { player, random, .. } = &mut self.end.app;
                let pause = player.pause(random);
                self.comes(now + pause, Event::Act);
            }
            Act::Leave(how) => {
                *left = Some((how, now));
                let at = self.said.max(now);
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

    fn say(&mut self, messages: Vec<ClientMessage>) {
        self.say_within(100, messages);
    }

    /// Sends messages, in one piece or two, within so many milliseconds.
    fn say_within(&mut self, most: u32, mut messages: Vec<ClientMessage>) {
        let Some(last) = messages.pop() else { return };
        let mut bytes: Vec<u8> = Vec::new();
        for message in &messages {
            bytes.extend_from_slice(&self.encode(message));
        }
        let end = self.encode(&last);
        let now = self.end.now;
        let random = &mut self.end.app.random;
        let mut at = self.said.max(now + random.time(most));
        if random.one_in(12) {
            let cut = random.from(1, u32::try_from(end.len()).unwrap() - 1) as usize;
            let pause = random.time(20_000);
            bytes.extend_from_slice(&end[..cut]);
            self.comes(at, Event::Bytes(bytes.into(), messages, true));
            at += pause;
            self.comes(at, Event::Bytes(end.slice(cut..), vec![last], false));
        } else {
            bytes.extend_from_slice(&end);
            messages.push(last);
            self.comes(at, Event::Bytes(bytes.into(), messages, false));
        }
        self.said = at;
    }

    /// Whatever comes now, nothing comes out.
    fn after_the_end(&mut self) {
        self.end.stays_closed();
        let close = self.encode(&close());
        self.end.feed(&close);
        self.end.give(|server, now| {
            server.close(now);
            let pushed = server.push_packet(now, 0, true, close.clone());
            assert!(!matches!(pushed, Ok(PushOutcome::Queued)));
            assert!(server.send_packet(now, 0, close.clone()).is_err());
            assert!(server.end_of_stream(now).is_err());
        });
        let outputs = self.end.outputs;
        self.end.poll();
        assert_eq!(self.end.outputs, outputs, "after the end");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_session_again() {
        let now = mms_proto::testing::sim::epoch();
        for seed in 0..20 {
            let runs = [(); 2].map(|()| format!("{:?}", Session::new(now, seed).run()));
            assert_eq!(runs[0], runs[1], "{seed}");
        }
    }
}
