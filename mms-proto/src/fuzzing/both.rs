//! A client and a server that talk with each other, and what a network can do to them.

use crate::mmsp::MmspDeviation;
use std::mem::take;
use std::time::{Duration, Instant};

use super::client::{self, Player};
use super::rig::begin;
use super::script::Script;
use super::server::{self, Station};
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::{ClientEvent, CloseReason};
use crate::mmsp::{Client, Server};
use crate::testing::sim::{App, Cuts, Line, Net, Side, epoch};

/// The step that answers a waiting challenge.
const CREDENTIALS: u8 = 231;

/// Both ends, with bytes on their way between them.
struct Link {
    net: Net<Client, Server, Listener, Station>,
    /// The bytes that arrive are no longer those that were sent.
    tampered: bool,
}

/// A player that knows what the packets must hold.
#[derive(Default)]
struct Listener {
    player: Player,
    tampered: bool,
    /// Number of the next packet, counted by the station from its last play command on.
    next: Option<u32>,
}

impl App<Client> for Listener {
    fn event(
        &mut self,
        client: &mut Client,
        now: Instant,
        event: ClientEvent,
    ) -> Option<ClientEvent> {
        if !self.tampered {
            match &event {
                ClientEvent::Packet(packet) => {
                    let number = packet.location_id;
                    assert_eq!(packet.payload, server::payload(number, packet.payload.len()));
                    if let Some(next) = self.next {
                        assert_eq!(number, next, "a packet was lost");
                    }
                    self.next = Some(number.saturating_add(1));
                }
                ClientEvent::Started => self.next = Some(0),
                // Many of them may arrive at once, after a long delay.
                ClientEvent::Deviation(Deviation::Mmsp(MmspDeviation::PingFlood)) => {}
                ClientEvent::Deviation(deviation) => unreachable!("{deviation} from our server"),
                ClientEvent::Unknown { id, .. } => unreachable!("{id:?} from our server"),
                _ => {}
            }
        }
        self.player.event(client, now, event)
    }
}

/// A script of what both applications and the network do. As long as the network only delays and
/// cuts, each side finds nothing wrong with the other.
pub fn both(data: &[u8]) {
    let mut script = Script::new(data);
    let (client_options, server_options) = (script.byte() & 0x7F, script.byte() & 0x7F);
    let seed = script.byte();
    let start = epoch();
    let listener =
        Listener { player: Player::new(client::eager(client_options)), ..Listener::default() };
    let station = Station::new(client::eager(server_options));
    let client = Client::new(start, client::config(client_options));
    let server = Server::new(start, server::config(server_options, seed));
    let client = begin(start, client, listener, Cuts::random(seed));
    let server = begin(start, server, station, Cuts::random(!seed));
    let mut link = Link { net: Net::new(client, server), tampered: false };
    // Nothing is lost here.
    (link.net.client.room, link.net.server.room) = (usize::MAX, usize::MAX);
    let mut left = 300_u32;
    while !script.is_empty() && left > 0 {
        left = left.saturating_sub(1);
        let ended = link.net.client.closed.is_some() && link.net.server.closed.is_some();
        left = left.saturating_sub(if ended { 50 } else { 0 });
        link.step(&mut script);
        link.check();
    }
}

impl Link {
    fn step(&mut self, script: &mut Script<'_>) {
        let step = script.byte();
        if server::answer(&mut self.net.server, step, script) {
            return;
        }
        if step == CREDENTIALS {
            if let Some(challenge) = self.net.client.app.player.challenge.take() {
                let (client, now) = (&mut self.net.client.machine, self.net.client.now);
                let result = client::authenticate(client, now, &challenge, script);
                if result.is_err() {
                    self.net.client.app.player.challenge = Some(challenge);
                }
                return self.net.client.commanded(result);
            }
        }
        match step % 25 {
            // What was sent arrives, whole or in part.
            0..=3 => {
                for _ in 0..4 {
                    self.net.collect();
                    self.arrive(Side::Server, usize::MAX);
                    self.arrive(Side::Client, usize::MAX);
                }
            }
            4 => self.arrive(Side::Server, script.byte().into()),
            5 => self.arrive(Side::Client, script.byte().into()),
            6 => self.pass(script.time().min(Duration::from_secs(1 << 20))),
            7 => {
                self.net.client.pass_deadline();
                self.net.server.now = self.net.server.now.max(self.net.client.now);
            }
            8 => {
                self.net.server.pass_deadline();
                self.net.client.now = self.net.client.now.max(self.net.server.now);
            }
            // The connection ends, for one side or both.
            9 => self.net.client.hang_up(),
            10 => self.net.server.hang_up(),
            11 => self.tamper(script),
            12 | 13 => {
                let result =
                    client::play(&mut self.net.client.machine, self.net.client.now, script);
                self.net.client.commanded(result);
            }
            14 => {
                let result = self.net.client.machine.stop(self.net.client.now);
                self.net.client.commanded(result);
            }
            15 => {
                let (client, now) = (&mut self.net.client.machine, self.net.client.now);
                let result = client.select_streams(now, &script.selections());
                self.net.client.commanded(result);
            }
            16 => {
                self.net.client.machine.close(self.net.client.now);
                self.net.client.commanded(Ok(()));
            }
            // Those of a server are 7 to 14.
            command => {
                server::command(&mut self.net.server, command.saturating_sub(10), script);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.net.client.oversleep(time);
        self.net.server.oversleep(time);
    }

    fn tamper(&mut self, script: &mut Script<'_>) {
        let to = if script.byte() & 1 == 0 { Side::Server } else { Side::Client };
        let pipe = self.net.wire(to);
        let place = usize::from(script.u16()).checked_rem(pipe.len()).unwrap_or(0);
        let count = usize::from(script.byte());
        let end = place.saturating_add(count).min(pipe.len());
        match script.byte() % 4 {
            0 => {
                let value = script.byte();
                pipe.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= value);
            }
            1 => drop(pipe.drain(place..end)),
            2 => {
                let again = pipe.get(place..end).unwrap_or_default().to_vec();
                drop(pipe.splice(place..place, again));
            }
            _ => drop(pipe.splice(place..place, script.bytes().iter().copied())),
        }
        self.tampered = true;
        self.net.client.app.tampered = true;
    }

    /// The first bytes that are on their way to one side arrive.
    fn arrive(&mut self, side: Side, count: usize) {
        let wire = self.net.wire(side);
        let bytes: Vec<u8> = wire.drain(..count.min(wire.len())).collect();
        match side {
            _ if bytes.is_empty() => {}
            Side::Server => self.net.server.feed(&bytes),
            Side::Client => self.net.client.feed(&bytes),
        }
    }

    fn check(&mut self) {
        self.net.collect();
        let records = [&mut self.net.client.record, &mut self.net.server.record];
        for line in records.into_iter().flatten().flat_map(take) {
            if let Line::Event(text) = line {
                let broken = text.starts_with("Deviation") || text.starts_with("Unknown");
                let broken = broken && text != "Deviation(Mmsp(PingFlood))";
                assert!(self.tampered || !broken, "{text}");
            }
        }
        if self.tampered {
            return;
        }
        for reason in [&self.net.client.closed, &self.net.server.closed].into_iter().flatten() {
            // Time, the network and the applications may end a session; the peer does not.
            if let CloseReason::Failed(error) = reason {
                let natural = matches!(
                    error,
                    Error::TimedOut { .. }
                        | Error::Disconnected { .. }
                        | Error::Refused { .. }
                        | Error::Deviation(Deviation::Mmsp(MmspDeviation::PingFlood))
                );
                assert!(natural, "{error}");
            }
        }
    }
}
