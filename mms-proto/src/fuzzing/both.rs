//! A client and a server that talk with each other, and what a network can do to them.

use crate::mmsp::MmspDeviation;
use std::time::Duration;

use super::client::{self, Player};
use super::rig::{App, Cuts, Rig, Said, Subject, epoch};
use super::script::Script;
use super::server::{self, Station};
use crate::deviation::Deviation;
use crate::error::Error;
use crate::event::{ClientEvent, CloseReason};
use crate::mmsp::{Client, Server};

/// The step that answers a waiting challenge.
const CREDENTIALS: u8 = 231;

/// Both ends, with bytes on their way between them.
struct Net {
    client: Rig<Client, Listener>,
    server: Rig<Server, Station>,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
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
    fn event(&mut self, client: &mut Client, now: std::time::Instant, event: ClientEvent) {
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
        self.player.event(client, now, event);
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
    let mut net = Net {
        client: Rig::new(start, client, listener, Cuts::random(seed)),
        server: Rig::new(start, server, station, Cuts::random(!seed)),
        to_server: Vec::new(),
        to_client: Vec::new(),
        tampered: false,
    };
    // Nothing is lost here.
    (net.client.room, net.server.room) = (usize::MAX, usize::MAX);
    let mut left = 300_u32;
    while !script.is_empty() && left > 0 {
        left = left.saturating_sub(1);
        let ended = net.client.closed.is_some() && net.server.closed.is_some();
        left = left.saturating_sub(if ended { 50 } else { 0 });
        net.step(&mut script);
        net.collect();
        net.check();
    }
}

impl Net {
    fn step(&mut self, script: &mut Script<'_>) {
        let step = script.byte();
        if server::answer(&mut self.server, step, script) {
            return;
        }
        if step == CREDENTIALS {
            if let Some(challenge) = self.client.app.player.challenge.take() {
                let (client, now) = (&mut self.client.machine, self.client.now);
                let result = client::authenticate(client, now, &challenge, script);
                if result.is_err() {
                    self.client.app.player.challenge = Some(challenge);
                }
                return self.client.commanded(result);
            }
        }
        match step % 25 {
            // What was sent arrives, whole or in part.
            0..=3 => {
                for _ in 0..4 {
                    let (to_server, to_client) =
                        (std::mem::take(&mut self.to_server), std::mem::take(&mut self.to_client));
                    if to_server.is_empty() && to_client.is_empty() {
                        return;
                    }
                    self.server.feed_some(&to_server);
                    self.client.feed_some(&to_client);
                    self.collect();
                }
            }
            4 => {
                let bytes = first(&mut self.to_server, script.byte());
                self.server.feed_some(&bytes);
            }
            5 => {
                let bytes = first(&mut self.to_client, script.byte());
                self.client.feed_some(&bytes);
            }
            6 => self.pass(script.time().min(Duration::from_secs(1 << 20))),
            7 => {
                self.client.pass_deadline();
                self.server.now = self.server.now.max(self.client.now);
            }
            8 => {
                self.server.pass_deadline();
                self.client.now = self.client.now.max(self.server.now);
            }
            // The connection ends, for one side or both.
            9 => self.client.peer_closes(),
            10 => self.server.peer_closes(),
            11 => self.tamper(script),
            12 | 13 => {
                let result = client::play(&mut self.client.machine, self.client.now, script);
                self.client.commanded(result);
            }
            14 => {
                let result = self.client.machine.stop(self.client.now);
                self.client.commanded(result);
            }
            15 => {
                let (client, now) = (&mut self.client.machine, self.client.now);
                let result = client.select_streams(now, &script.selections());
                self.client.commanded(result);
            }
            16 => {
                self.client.machine.close(self.client.now);
                self.client.commanded(Ok(()));
            }
            // Those of a server are 7 to 14.
            command => {
                server::command(&mut self.server, command.saturating_sub(10), script);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.client.pass(time);
        self.server.pass(time);
    }

    fn tamper(&mut self, script: &mut Script<'_>) {
        let pipe = if script.byte() & 1 == 0 { &mut self.to_server } else { &mut self.to_client };
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
        self.client.app.tampered = true;
    }

    /// Puts what both sides sent on its way.
    fn collect(&mut self) {
        for (said, pipe) in [
            (&mut self.client.said, &mut self.to_server),
            (&mut self.server.said, &mut self.to_client),
        ] {
            for said in said.drain(..) {
                match said {
                    Said::Sent(transmit) => pipe.extend_from_slice(&transmit.parts().concat()),
                    Said::Event(text) => {
                        let broken = text.starts_with("Deviation") || text.starts_with("Unknown");
                        let broken = broken && text != "Deviation(Mmsp(PingFlood))";
                        assert!(self.tampered || !broken, "{text}");
                    }
                }
            }
        }
    }

    fn check(&self) {
        if self.tampered {
            return;
        }
        for reason in [&self.client.closed, &self.server.closed].into_iter().flatten() {
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

impl<M: Subject, A: App<M>> Rig<M, A> {
    fn feed_some(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.feed(bytes);
        }
    }
}

/// Takes the first bytes off a pipe.
fn first(pipe: &mut Vec<u8>, count: u8) -> Vec<u8> {
    pipe.drain(..usize::from(count).min(pipe.len())).collect()
}
