//! The event loop: one thread that serves everybody.
//!
//! ```text
//!   poll ──► door ────► new players
//!        ──► players ─► woken ──┐
//!   deadlines that passed ─► due┴► one turn each ──► busy, later, or gone
//! ```
//!
//! A round asks the system once what has happened, then players that have something to do get one
//! bounded turn each: all whose packet is due, then for some milliseconds those to whom something
//! happened, then for as long those who had a turn that was not enough ([`turns`]). So none waits
//! for a greedy one. Seeks and whatever else reads much of a file are done in turns of the last
//! kind, some packets each. A player that has nothing to do costs no
//! system call: sockets are registered once, for edges, and deadlines lie in order.
//!
//! A deadline is believed only when the system was asked after it had passed, and had nothing to
//! read for this player (see `Input::Timeout` of the machine).
//!
//! Media over UDP will join as one socket under the token `DATAGRAMS`, shared by all sessions: the
//! protocol sends datagrams to the address of the TCP connection, so a datagram that comes in
//! finds its session through a map from the peer's IP address, which [`Hub::admit`] and
//! [`Hub::remove`] are the places to keep.

mod accept;
mod turns;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::House;
use super::broadcast::{Broadcast, News, started_anew};
use super::channel::Change;
use super::door::Door;
use super::player::{Next, Player};
use super::seats::{Seat, Seats};
use super::stopper::Stopper;
use turns::{Turns, Why};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
/// Token of the first player; 2 is kept for `DATAGRAMS`, media over UDP.
const FIRST: usize = 3;
/// Events of one round. When there are more, the rest comes in the next round.
const EVENTS: usize = 1024;
/// Players at a time who are told that the server is full; more are just closed.
const REFUSALS: usize = 64;
/// Live packets that are handed out in one round, one to all players or several to few: some tens
/// of milliseconds.
const HANDED: usize = 8192;
/// How long players may take to hear that the server stops.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long players may take for the rest of what all shared, when nothing else is served.
const PATIENCE: Duration = Duration::from_secs(300);

/// A socket that listens, and everything that came of it.
#[derive(Debug)]
pub(super) struct Hub {
    poll: Poll,
    door: Door,
    stopper: Stopper,
    places: Slab<Place>,
    seats: Seats,
    /// Places for those who are told that there is no seat.
    refusals: Seats,
    /// What all players share may have brought something.
    news: bool,
    turns: Turns,
    deadlines: BTreeSet<(Instant, usize)>,
    complained: Option<Instant>,
}

/// A player, and what the loop knows of it.
#[derive(Debug)]
struct Place {
    player: Player,
    /// Its number among the silent ones.
    arrival: u64,
    /// `None` while it is silent or leaves.
    seat: Option<Seat>,
    /// It waits for its turn.
    queued: bool,
    /// Its entry among the deadlines.
    deadline: Option<Instant>,
}

impl Hub {
    /// Listens.
    pub(super) fn new(
        mut listener: TcpListener,
        max_players: usize,
        each: usize,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let stopper = Stopper::new(poll.registry(), WAKER)?;
        Ok(Self {
            poll,
            door: Door::new(listener),
            stopper,
            places: Slab::new(),
            seats: Seats::new(max_players, each),
            refusals: Seats::new(REFUSALS, 0),
            news: true,
            turns: Turns::default(),
            deadlines: BTreeSet::new(),
            complained: None,
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.door.address()
    }

    pub(super) fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What wakes the loop when a feed has brought something.
    pub(super) fn waker(&self) -> impl Fn() + Send + 'static {
        let stopper = self.stopper();
        move || stopper.wake()
    }

    /// Serves until it is told to stop, or nothing is left to serve.
    ///
    /// # Errors
    /// When the system can no longer be asked what happens, and when what all players share has
    /// ended as it should not have.
    pub(super) fn run(mut self, house: &mut House) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let (mut stopping, mut lasts) = (None, None);
        loop {
            let asked = self.stopper.asked();
            let ended = house.over();
            if ended.is_some() {
                lasts = lasts.or_else(|| Instant::now().checked_add(PATIENCE));
            }
            let passed = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
            if (asked > 0 || passed(lasts)) && stopping.is_none() {
                stopping = Instant::now().checked_add(FAREWELL);
                self.stop();
            }
            let empty = self.places.is_empty() && (asked > 0 || ended.is_some());
            if empty || asked > 1 || passed(stopping) {
                self.places.iter().for_each(|(_, place)| place.player.give_up(house));
                return match ended.flatten() {
                    Some(why) if asked == 0 => Err(io::Error::other(why)),
                    _ => Ok(()),
                };
            }
            let closed = stopping.is_some() || ended.is_some();
            self.wait(&mut events, stopping.or(lasts), closed)?;
            let looked = Instant::now();
            self.notice(&events, looked);
            if !closed {
                self.accept(looked, house);
            }
            self.hand_out(house);
            self.turns.begin(looked);
            while let Some((key, why)) = self.turns.next(Instant::now()) {
                self.turn(key, why, looked, house);
            }
        }
    }

    /// Waits until something happens, or a deadline has passed.
    fn wait(
        &mut self,
        events: &mut Events,
        stopping: Option<Instant>,
        closed: bool,
    ) -> io::Result<()> {
        loop {
            match self.poll.poll(events, self.timeout(stopping, closed)) {
                // Nothing was looked at.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn timeout(&self, stopping: Option<Instant>, closed: bool) -> Option<Duration> {
        let now = Instant::now();
        let open = !closed && self.door.is_open(now);
        if open || self.news || !self.turns.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.deadlines.first().map(|&(at, _)| at);
        let door = self.door.opens().filter(|_| !closed);
        let next = [deadline, door, stopping].into_iter().flatten().min();
        next.map(|at| at.saturating_duration_since(now))
    }

    /// Queues those to whom something happened, and those whose time has come.
    fn notice(&mut self, events: &Events, looked: Instant) {
        let mut count = 0_usize;
        for event in events {
            count = count.saturating_add(1);
            match event.token() {
                LISTENER => self.door.knock(),
                WAKER => self.news = true,
                Token(token) => {
                    let key = token.saturating_sub(FIRST);
                    // It may be of one that has gone; then it is a hint too many for another.
                    if let Some(place) = self.places.get_mut(key) {
                        let broken = event.is_error();
                        let readable = event.is_readable() || event.is_read_closed() || broken;
                        let writable = event.is_writable() || event.is_write_closed() || broken;
                        place.player.notice(readable, writable);
                        self.queue(key, Why::Woken);
                    }
                }
            }
        }
        while let Some(&(at, key)) = self.deadlines.first().filter(|(at, _)| *at <= looked) {
            self.deadlines.remove(&(at, key));
            if let Some(place) = self.places.get_mut(key) {
                place.deadline = None;
                // With so many events this one's may be among those that were not told: it looks
                // itself.
                place.player.notice(count >= EVENTS, false);
                self.queue(key, Why::Due);
            }
        }
    }

    /// Hands what has come for all players to each of them.
    fn hand_out(&mut self, house: &mut House) {
        for _ in 0..(HANDED / self.places.len().max(1)).max(1) {
            match house.broadcast.as_mut().filter(|_| self.news).and_then(Broadcast::next) {
                None => {
                    self.news = false;
                    return;
                }
                Some(News::Note(note)) => house.report.trouble(&note),
                Some(News::Change(change)) => {
                    match &change {
                        // Where it is all there is, it is also why the server ends.
                        Change::Ended(Some(why)) if !house.catalog.is_only_a_channel() => {
                            house.report.trouble(why);
                        }
                        Change::Packet(Some(restart)) => {
                            self.complain(Instant::now(), &started_anew(restart), house);
                        }
                        _ => {}
                    }
                    let concerned = self.places.iter_mut().filter_map(|(key, place)| {
                        place.player.on_change(&change, house).then_some(key)
                    });
                    for key in concerned.collect::<Vec<_>>() {
                        self.queue(key, Why::Woken);
                    }
                }
            }
        }
    }

    fn queue(&mut self, key: usize, why: Why) {
        if let Some(place) = self.places.get_mut(key).filter(|place| !place.queued) {
            place.queued = true;
            self.turns.push(key, why);
        }
    }

    fn turn(&mut self, key: usize, why: Why, looked: Instant, house: &House) {
        let Some(place) = self.places.get_mut(key) else { return };
        place.queued = false;
        if place.player.is_silent() && !self.begin(key, looked, house) {
            return;
        }
        let Some(place) = self.places.get_mut(key) else { return };
        house.counters.turn();
        match place.player.turn(why == Why::Busy, looked, house) {
            Next::Again => self.queue(key, Why::Busy),
            Next::Wait(until) => self.set_deadline(key, until),
            Next::Over => {
                place.seat = None;
                self.queue(key, Why::Woken);
            }
            Next::Gone => self.remove(key),
        }
    }

    fn set_deadline(&mut self, key: usize, deadline: Option<Instant>) {
        let Some(place) = self.places.get_mut(key) else { return };
        if place.deadline == deadline {
            return;
        }
        if let Some(before) = place.deadline {
            self.deadlines.remove(&(before, key));
        }
        if let Some(at) = deadline {
            self.deadlines.insert((at, key));
        }
        place.deadline = deadline;
    }

    fn remove(&mut self, key: usize) {
        let Some(mut place) = self.places.try_remove(key) else { return };
        if let Some(before) = place.deadline {
            self.deadlines.remove(&(before, key));
        }
        self.door.silent().remove(place.arrival);
        // Closing it does the same; not every system takes it for granted.
        let _ = self.poll.registry().deregister(place.player.socket());
        self.door.room();
    }

    /// Nobody comes in any more, and everybody is told.
    fn stop(&mut self) {
        let now = Instant::now();
        let keys: Vec<usize> = self.places.iter().map(|(key, _)| key).collect();
        for key in keys {
            if self.places.get_mut(key).is_some_and(|place| place.player.stop(now)) {
                self.queue(key, Why::Woken);
            } else {
                self.remove(key);
            }
        }
    }
}
