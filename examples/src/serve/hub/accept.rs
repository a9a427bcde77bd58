//! Letting players in: connections, then seats.

use std::io;
use std::time::{Duration, Instant};

use mio::{Interest, Token};
use mms_proto::HResult;

use super::{FIRST, Hub, Place};
use crate::serve::House;
use crate::serve::door::Found;
use crate::serve::network::Network;
use crate::serve::player::Player;
use crate::serve::seats::Taken;

/// Connections accepted in one round.
const ACCEPTED: usize = 64;
/// Complaints about a lack of room are made no more often than this.
const COMPLAINTS: Duration = Duration::from_secs(10);

impl Hub {
    pub(super) fn accept(&mut self, looked: Instant, house: &House) {
        for _ in 0..ACCEPTED {
            if !self.door.is_open(looked) {
                return;
            }
            match self.door.accept(looked) {
                Found::Player(socket, address) => {
                    let player = Player::new(socket, address, looked);
                    if let Err(error) = self.admit(player, house) {
                        house.report.turned_away(address, &error.to_string());
                    }
                    self.evict(looked, house);
                }
                Found::Lost => {}
                Found::Nobody => return,
                Found::Full(error) => {
                    self.door.full(self.places.len(), looked);
                    self.evict(looked, house);
                    self.complain(looked, &format!("cannot accept more: {error}"), house);
                }
            }
        }
    }

    /// Lets a new player in. It has no seat before it says something.
    fn admit(&mut self, mut player: Player, house: &House) -> io::Result<()> {
        let entry = self.places.vacant_entry();
        let key = entry.key();
        let token = Token(key.saturating_add(FIRST));
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(player.socket(), token, interest)?;
        let deadline = player.silent_until(house.options.timeouts.handshake());
        let arrival = self.door.silent().add(key);
        entry.insert(Place { player, arrival, seat: None, queued: false, deadline: None });
        self.set_deadline(key, deadline);
        Ok(())
    }

    /// Silent connections make room.
    fn evict(&mut self, now: Instant, house: &House) {
        for key in self.door.evict(self.places.len(), now) {
            if let Some(place) = self.places.get(key) {
                house.report.turned_away(place.player.address(), "others need the room");
            }
            self.remove(key);
        }
    }

    /// A silent connection has spoken, or its time is over. `false` when there is nothing to do.
    pub(super) fn begin(&mut self, key: usize, looked: Instant, house: &House) -> bool {
        let Some(place) = self.places.get_mut(key) else { return false };
        let until = place.player.silent_until(house.options.timeouts.handshake());
        if !place.player.is_readable() && until.is_none_or(|until| until > looked) {
            self.set_deadline(key, until);
            return false;
        }
        let mut config = house.config();
        let mut full = None;
        let network = Network::of(place.player.address().ip());
        let seat = self.seats.take(network).or_else(|why| {
            full = Some(match why {
                Taken::All => format!("{} players are here already", house.options.max_players),
                Taken::Address => {
                    let each = house.options.max_per_address;
                    format!("{each} players of its address are here already")
                }
            });
            config.refusal = Some(HResult::MAX_CLIENTS.into());
            self.refusals.take(network)
        });
        let Ok(seat) = seat else {
            house.report.turned_away(place.player.address(), &full.unwrap_or_default());
            self.remove(key);
            return false;
        };
        place.seat = Some(seat);
        place.player.begin(config, full);
        self.door.silent().remove(place.arrival);
        true
    }

    pub(super) fn complain(&mut self, now: Instant, what: &str, house: &House) {
        let recently = |at: Instant| now.saturating_duration_since(at) < COMPLAINTS;
        if !self.complained.is_some_and(recently) {
            self.complained = Some(now);
            house.report.trouble(what);
        }
    }
}
