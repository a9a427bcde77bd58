//! A server session against a client that does anything.

use crate::Machine as _;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::rig::{Summary, begin, compare, small_limits, summary};
use super::script::{Script, content};
use crate::Pace;
use crate::auth::AuthScheme;
use crate::config::Strictness;
use crate::error::{Phase, StateError};
use crate::event::{OpenRequest, ServerEvent};
use crate::hresult::HResult;
use crate::mmsp::frame::MessageWriter;
use crate::mmsp::{Server, ServerConfig};
use crate::testing::sim::{App, Cuts, End, Subject, Wrote, epoch};

/// A server's application.
#[derive(Default)]
pub(super) struct Station {
    pub(super) eager: bool,
    pub(super) request: Option<OpenRequest>,
    /// A packet was asked for.
    pub(super) wanted: bool,
    /// Number of the next packet.
    next: u32,
    /// How many there are, if that was announced.
    count: Option<u64>,
    packets: u64,
}

impl App<Server> for Station {
    fn event(
        &mut self,
        server: &mut Server,
        now: Instant,
        event: ServerEvent,
    ) -> Option<ServerEvent> {
        match event {
            ServerEvent::Open(request) if self.eager => {
                let accepted = server.accept(now, request, content(300, 100).with_bit_rate(80_000));
                assert_eq!(accepted, Ok(()), "asked, and yet not");
            }
            ServerEvent::Open(request) => self.request = Some(request),
            ServerEvent::Play(_) => {
                (self.wanted, self.next) = (false, 0);
            }
            ServerEvent::PacketWanted { room } => {
                assert!(room > 0);
                assert!(!self.wanted, "asked for twice");
                assert_eq!(server.phase(), Phase::Streaming);
                self.wanted = true;
            }
            ServerEvent::Stopped | ServerEvent::Closed(_) => self.wanted = false,
            _ => {}
        }
        None
    }

    fn wrote(&mut self, _: Instant, _: &<Server as Subject>::Message) -> Wrote {
        Wrote::Forget
    }
}

impl Station {
    pub(super) fn new(eager: bool) -> Self {
        Self { eager, ..Self::default() }
    }

    /// Sends the next packet, if one is wanted.
    pub(super) fn send(
        &mut self,
        server: &mut Server,
        now: Instant,
        size: usize,
    ) -> Result<(), StateError> {
        if self.count.is_some_and(|count| u64::from(self.next) >= count) {
            return Ok(());
        }
        let packet = payload(self.next, size);
        let waits = server.has_waiting_play();
        let result = server.send_packet(now, self.next, packet);
        assert!(self.wanted || result.is_err(), "sent what nobody asked for");
        if result.is_ok() {
            self.wanted = false;
            self.next = self.next.saturating_add(1);
            self.packets = self.packets.saturating_add(u64::from(!waits));
            assert_eq!(server.stats().packets, self.packets);
        }
        result
    }
}

/// What packet `number` holds: its number again and again.
pub(super) fn payload(number: u32, size: usize) -> Bytes {
    let mut bytes = number.to_le_bytes().repeat(size.div_ceil(4));
    bytes.truncate(size);
    bytes.into()
}

/// Steps that answer a waiting request with more than yes or no. Inputs from before there was
/// more have none of them at such a moment.
const ANSWERS: RangeInclusive<u8> = 225..=230;

/// A configuration of which each bit means something. The seed means something as well if it is
/// one that inputs from before that do not have.
pub(super) fn config(options: u8, seed: u8) -> ServerConfig {
    let set = |bit: u8| options & (1 << bit) != 0;
    let mut config = ServerConfig { plays_a_second: 2, ..ServerConfig::default() };
    match seed {
        225..=227 => config.authentication = Some(AuthScheme::Basic),
        228..=230 => config.authentication = Some(AuthScheme::Ntlm),
        231 => config.refusal = Some(HResult::MAX_CLIENTS.into()),
        _ => {}
    }
    if set(0) {
        config.strictness = Strictness::Strict;
    }
    config.packet_pair = !set(1);
    if set(2) {
        config.pace = Pace::BitRate;
    }
    config.seek_while_streaming = !set(3);
    config.select_all_unasked = set(4);
    if set(5) {
        config.close_after_end = Some(Duration::from_secs(4));
        config.max_unanswered_pings = Some(2);
    }
    if set(7) {
        config.limits = small_limits();
    }
    config
}

/// A script of what a client, the network and an application do.
pub fn server_session(data: &[u8]) {
    let mut script = Script::new(data);
    let (options, seed) = (script.byte(), script.byte());
    let bytes = script.rest();
    if options & (1 << 7) != 0 {
        // How much waits undecoded, and may not, depends on the cuts.
        run(epoch(), config(options, seed), options, bytes, Cuts::random(seed));
    } else {
        compare(seed, |start, cuts| run(start, config(options, seed), options, bytes, cuts));
    }
}

fn run(start: Instant, config: ServerConfig, options: u8, bytes: &[u8], cuts: Cuts) -> Summary {
    let mut script = Script::new(bytes);
    let station = Station::new(options & (1 << 6) != 0);
    let mut rig = begin(start, Server::new(start, config), station, cuts);
    let mut writer = MessageWriter::default();
    // A hundred things after the end are as good as one.
    let mut left = 100_u32;
    while !script.is_empty() && left > 0 {
        if rig.closed.is_some() {
            left = left.saturating_sub(25);
        }
        let step = script.byte();
        if answer(&mut rig, step, &mut script) {
            continue;
        }
        match step % 15 {
            0 => rig.feed(script.bytes()),
            1 => {
                let message = script.client_message();
                rig.feed(&writer.write(0, |out| message.encode(out)));
            }
            2 => {
                let messages = [(); 2].map(|()| script.client_message());
                rig.feed(&writer.write(0, |out| messages.iter().for_each(|m| m.encode(out))));
            }
            3 => {
                let message = script.client_message();
                let packet = writer.write(0, |out| message.encode(out));
                rig.feed(&packet.repeat(usize::from(script.byte() % 32)));
            }
            4 => rig.oversleep(script.time()),
            5 => rig.pass_deadline(),
            6 => rig.hang_up(),
            command => {
                left = left.saturating_sub(1);
                self::command(&mut rig, command, &mut script);
            }
        }
    }
    summary(rig)
}

/// Challenges or redirects, if that is what a step means now.
pub(super) fn answer(rig: &mut End<Server, Station>, step: u8, script: &mut Script<'_>) -> bool {
    let Some(request) = rig.app.request.take_if(|_| ANSWERS.contains(&step)) else {
        return false;
    };
    let result = match step % 3 {
        0 | 1 => rig.machine.challenge(rig.now, request, script.challenge()),
        _ => rig.machine.redirect(rig.now, request, script.redirect()),
    };
    rig.commanded(result);
    true
}

pub(super) fn command(rig: &mut End<Server, Station>, command: u8, script: &mut Script<'_>) {
    let now = rig.now;
    let result = match command {
        7 | 8 => match rig.app.request.take() {
            Some(request) => {
                let content = script.content();
                rig.app.count = content.packet_count();
                rig.machine.accept(now, request, content)
            }
            None => Ok(()),
        },
        9 => match rig.app.request.take() {
            Some(request) => rig.machine.reject(now, request, script.hresult()),
            None => Ok(()),
        },
        10 | 11 => {
            let size = usize::from(script.u16());
            for _ in 0..script.byte() % 32 {
                let result = rig.app.send(&mut rig.machine, now, size);
                rig.commanded(result);
            }
            return;
        }
        12 => rig.machine.end_of_stream(now),
        13 => rig.machine.abort_stream(now, script.hresult()),
        _ => {
            rig.machine.close(now);
            Ok(())
        }
    };
    if result.is_ok() && matches!(command, 12 | 13) {
        rig.app.wanted = false;
    }
    rig.commanded(result);
}
