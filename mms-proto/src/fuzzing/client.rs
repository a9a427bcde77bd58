//! A client session against a server that does anything.

use crate::Machine as _;
use std::time::Instant;

use bytes::Bytes;

use super::rig::{Summary, begin, compare, small_limits, summary};
use super::script::Script;
use crate::auth::{Challenge, Credentials};
use crate::config::Strictness;
use crate::error::StateError;
use crate::event::ClientEvent;
use crate::mmsp::frame::MessageWriter;
use crate::mmsp::{Client, ClientConfig, Incarnations};
use crate::request::PlayRequest;
use crate::stream::StreamNumber;
use crate::testing::sim::{App, Cuts, End, Subject, Wrote, data_packet, epoch};

/// A client's application: it may answer at once, in the middle of what arrived.
#[derive(Default)]
pub(super) struct Player {
    pub(super) eager: bool,
    pub(super) challenge: Option<Challenge>,
    packets: u64,
    bytes: u64,
}

impl Player {
    pub(super) fn new(eager: bool) -> Self {
        Self { eager, ..Self::default() }
    }
}

impl App<Client> for Player {
    fn event(
        &mut self,
        client: &mut Client,
        now: Instant,
        event: ClientEvent,
    ) -> Option<ClientEvent> {
        match event {
            ClientEvent::Challenge(challenge) => {
                if self.eager {
                    let answer = client.authenticate(now, &challenge, &credentials(0));
                    if answer.is_ok() {
                        return None;
                    }
                }
                self.challenge = Some(challenge);
            }
            ClientEvent::Ready(content) | ClientEvent::NextEntry(content) => {
                assert!(!content.header().is_empty());
                if self.eager {
                    let request = PlayRequest::all(StreamNumber::new(1));
                    assert_eq!(client.play(now, request), Ok(()), "ready, and yet not");
                }
            }
            ClientEvent::Packet(packet) => {
                assert!(!packet.payload.is_empty());
                self.packets = self.packets.saturating_add(1);
                self.bytes = self.bytes.saturating_add(packet.payload.len() as u64);
            }
            ClientEvent::Closed(_) => {
                let stats = client.stats();
                assert_eq!((stats.packets, stats.bytes), (self.packets, self.bytes));
            }
            _ => {}
        }
        None
    }

    fn wrote(&mut self, _: Instant, _: &<Client as Subject>::Message) -> Wrote {
        Wrote::Forget
    }
}

/// A configuration of which each bit means something.
pub(super) fn config(options: u8) -> ClientConfig {
    let set = |bit: u8| options & (1 << bit) != 0;
    let mut config = ClientConfig::new("example.org", "a file?x=1");
    if set(0) {
        config.session.strictness = Strictness::Strict;
    }
    config.packet_pair = set(1);
    config.funnel_info = !set(2);
    config.session.allow_clear_text = set(3);
    if set(4) {
        config.session.log = None;
    }
    if set(5) {
        config.incarnations = Incarnations::of_old_players();
    }
    if set(7) {
        config.session.limits = small_limits();
    }
    config
}

/// Whether the application answers events at once.
pub(super) fn eager(options: u8) -> bool {
    options & (1 << 6) != 0
}

fn credentials(kind: u8) -> Credentials {
    match kind % 3 {
        0 => Credentials::Token(Bytes::from_static(b"NTLMSSP\0token")),
        1 => Credentials::Basic { user: "user".to_owned(), password: "word".to_owned() },
        _ => Credentials::Token(Bytes::new()),
    }
}

/// A script of what a server, the network and an application do.
pub fn client_session(data: &[u8]) {
    let mut script = Script::new(data);
    let (options, seed) = (script.byte(), script.byte());
    let bytes = script.rest();
    if options & (1 << 7) != 0 {
        // How much waits undecoded, and may not, depends on the cuts.
        run(epoch(), options, bytes, Cuts::random(seed));
    } else {
        compare(seed, |start, cuts| run(start, options, bytes, cuts));
    }
}

fn run(start: Instant, options: u8, bytes: &[u8], cuts: Cuts) -> Summary {
    let mut script = Script::new(bytes);
    let player = Player::new(eager(options));
    let mut rig = begin(start, Client::new(start, config(options)), player, cuts);
    let mut writer = MessageWriter::default();
    // A hundred things after the end are as good as one.
    let mut left = 100_u32;
    while !script.is_empty() && left > 0 {
        if rig.closed.is_some() {
            left = left.saturating_sub(25);
        }
        match script.byte() % 14 {
            0 => rig.feed(script.bytes()),
            1 => {
                let message = script.server_message();
                rig.feed(&writer.write(0, |out| message.encode(out)));
            }
            2 => {
                // Several in one packet, as Windows Media Services send them.
                let messages = [(); 2].map(|()| script.server_message());
                rig.feed(&writer.write(0, |out| messages.iter().for_each(|m| m.encode(out))));
            }
            3 => rig.feed(&data(&mut script)),
            4 => rig.feed(&data(&mut script).repeat(usize::from(script.byte() % 64))),
            5 => rig.oversleep(script.time()),
            6 => rig.pass_deadline(),
            7 => rig.hang_up(),
            command => {
                left = left.saturating_sub(1);
                let result = self::command(&mut rig, command, &mut script);
                rig.commanded(result);
            }
        }
    }
    summary(rig)
}

fn command(
    rig: &mut End<Client, Player>,
    command: u8,
    script: &mut Script<'_>,
) -> Result<(), StateError> {
    let (client, now) = (&mut rig.machine, rig.now);
    match command {
        8 | 9 => play(client, now, script),
        10 => client.stop(now),
        11 => client.select_streams(now, &script.selections()),
        12 => match &rig.app.challenge {
            Some(challenge) => authenticate(client, now, challenge, script),
            None => Ok(()),
        },
        _ => {
            client.close(now);
            Ok(())
        }
    }
}

pub(super) fn authenticate(
    client: &mut Client,
    now: Instant,
    challenge: &Challenge,
    script: &mut Script<'_>,
) -> Result<(), StateError> {
    client.authenticate(now, challenge, &credentials(script.byte()))
}

pub(super) fn play(
    client: &mut Client,
    now: Instant,
    script: &mut Script<'_>,
) -> Result<(), StateError> {
    client.play(now, script.play_request())
}

/// A Data packet with a label that often is the right one.
fn data(script: &mut Script<'_>) -> Bytes {
    let label = match script.byte() {
        label @ 0..=0xF0 => label,
        // The label of a new entry.
        _ => 0xFF,
    };
    let (number, flags, length) = (script.number(), script.byte(), script.u16());
    data_packet(number, label, flags, vec![flags; usize::from(length % 2048)])
}
