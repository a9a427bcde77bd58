//! A server session behind its handshake: packets with times, entries, live content, all of it
//! against a client and an application that do anything.

use crate::Machine as _;
use std::time::{Duration, Instant};

use super::rig::{Summary, begin, compare, summary};
use super::script::{Script, content};
use super::server::payload;
use crate::content::Content;
use crate::error::{Phase, StateError};
use crate::event::ServerEvent;
use crate::features::Features;
use crate::mmsp::frame::MessageWriter;
use crate::mmsp::message::{
    ClientMessage, Connect, ConnectFunnel, Funnel, FunnelName, FunnelProtocol, OpenFile,
    PacketPair, ReadBlock, StartPlaying, StreamSwitch,
};
use crate::mmsp::{Server, ServerConfig};
use crate::request::Start;
use crate::stream::{StreamNumber, StreamSelection};
use crate::testing::sim::{App, Cuts, End, Subject, Wrote};
use crate::{EntryDelivery, Pace, PushOutcome, StartBurst};

/// A server's application with one file or broadcast.
#[derive(Default)]
struct Stage {
    live: bool,
    /// A packet was asked for, and none came yet.
    wanted: bool,
    /// Bytes that may still be sent for that request.
    credit: usize,
    packets: u64,
    /// Live packets that the machine took, and may still forget.
    pushed: u64,
}

impl App<Server> for Stage {
    fn event(
        &mut self,
        server: &mut Server,
        now: Instant,
        event: ServerEvent,
    ) -> Option<ServerEvent> {
        match event {
            ServerEvent::Open(request) => {
                let opened = if self.live {
                    server.accept_live(now, request, file())
                } else {
                    server.accept(now, request, file())
                };
                assert_eq!(opened, Ok(()), "asked, and yet not");
            }
            ServerEvent::PacketWanted { room } => {
                assert!(room > 0 && !self.live);
                assert!(!self.wanted, "asked for twice");
                assert_eq!(server.phase(), Phase::Streaming);
                (self.wanted, self.credit) = (true, room);
            }
            ServerEvent::Play(_) | ServerEvent::Stopped | ServerEvent::Closed(_) => {
                (self.wanted, self.credit) = (false, 0);
            }
            _ => {}
        }
        None
    }

    fn wrote(&mut self, _: Instant, _: &<Server as Subject>::Message) -> Wrote {
        Wrote::Forget
    }
}

fn file() -> Content {
    let attributes = Features::SEEKABLE | Features::STRIDABLE;
    content(300, 100)
        .with_bit_rate(80_000)
        .with_packet_count(100)
        .with_duration(Duration::from_secs(10))
        .with_features(attributes)
}

/// A configuration of which each bit means something.
fn config(options: u8) -> ServerConfig {
    let set = |bit: u8| options & (1 << bit) != 0;
    let mut config = ServerConfig { plays_a_second: 2, ..ServerConfig::default() };
    if set(1) {
        config.entry_delivery = EntryDelivery::AtOnce;
    }
    if set(2) {
        config.pace = Pace::BitRate;
    }
    config.hold_end = set(3);
    if set(4) {
        config.start_burst = Some(StartBurst::new(Duration::from_secs(2), 3));
        config.pace_percent = 150;
    }
    config.seek_while_streaming = !set(5);
    if set(6) {
        config.limits.queued = 250;
        config.close_after_end = Some(Duration::from_secs(4));
    }
    config
}

/// A script of what happens to a session that plays.
pub fn server_media(data: &[u8]) {
    let mut script = Script::new(data);
    let (options, seed) = (script.byte(), script.byte());
    let bytes = script.rest();
    compare(seed, |start, cuts| run(start, options, bytes, cuts));
}

fn run(start: Instant, options: u8, bytes: &[u8], cuts: Cuts) -> Summary {
    let mut script = Script::new(bytes);
    let stage = Stage { live: options & 1 != 0, ..Stage::default() };
    let mut rig = begin(start, Server::new(start, config(options)), stage, cuts);
    let mut writer = MessageWriter::default();
    for message in handshake(options & (1 << 7) != 0) {
        rig.feed(&writer.write(0, |out| message.encode(out)));
        while rig.machine.phase() == Phase::ReadingHeader {
            rig.pass_deadline();
        }
    }
    let mut left = 200_u32;
    while !script.is_empty() && left > 0 {
        left = left.saturating_sub(if rig.closed.is_some() { 50 } else { 1 });
        match script.byte() % 16 {
            0 | 1 => {
                let message = script.client_message();
                rig.feed(&writer.write(0, |out| message.encode(out)));
            }
            2 => rig.oversleep(script.time()),
            3 | 4 => rig.pass_deadline(),
            5 => rig.hang_up(),
            command => self::command(&mut rig, command, &mut script),
        }
    }
    summary(rig)
}

/// What a player sends until it plays: one of version 9, or of version 6.
fn handshake(old: bool) -> Vec<ClientMessage> {
    let subscriber = if old { "NSPlayer/6.0" } else { "NSPlayer/9.0" }.to_owned();
    let address = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let tcp = Funnel { protocol: FunnelProtocol::Tcp, port: std::num::NonZeroU16::MIN };
    let selections = StreamNumber::new(1).map(StreamSelection::full).into_iter().collect();
    vec![
        Connect { packet_pair: PacketPair::No, subscriber, host: None }.into(),
        ConnectFunnel { funnel: FunnelName::new(address, tcp) }.into(),
        OpenFile { incarnation: 9, path: "a".to_owned(), token: bytes::Bytes::new() }.into(),
        ReadBlock { open_file_id: 1, incarnation: 2 }.into(),
        StreamSwitch { selections }.into(),
        StartPlaying {
            open_file_id: 1,
            start: Start::Beginning,
            stop: None,
            incarnation: 10,
            accel: None,
        }
        .into(),
    ]
}

fn command(rig: &mut End<Server, Stage>, command: u8, script: &mut Script<'_>) {
    let now = rig.now;
    let server = &mut rig.machine;
    let result = match command {
        6 | 7 => server.end_of_entry(now),
        8 | 9 => server.next_entry(now, script.content()),
        10 => server.end_of_stream(now),
        11 => server.abort_stream(now, script.hresult()),
        12 => {
            server.close(now);
            Ok(())
        }
        _ if rig.app.live => {
            for _ in 0..script.byte() % 16 {
                push(rig, script);
            }
            Ok(())
        }
        _ => {
            let (number, size) = (script.number(), usize::from(script.byte()));
            let time = Duration::from_millis(script.number().into());
            let result = if command == 13 {
                server.send_packet(now, number, payload(number, size))
            } else {
                server.send_packet_at(now, number, time, payload(number, size))
            };
            assert!(rig.app.credit > 0 || result.is_err(), "sent what nobody asked for");
            if result.is_ok() {
                rig.app.wanted = false;
                rig.app.credit = rig.app.credit.saturating_sub(size);
                rig.app.packets = rig.app.packets.saturating_add(1);
            }
            assert!(rig.machine.stats().packets <= rig.app.packets, "more than was sent");
            result
        }
    };
    if result.is_ok() && matches!(command, 6 | 7 | 10 | 11) {
        (rig.app.wanted, rig.app.credit) = (false, 0);
    }
    rig.commanded(result);
}

/// Pushes one packet; several may wait for a player that does not take them.
fn push(rig: &mut End<Server, Stage>, script: &mut Script<'_>) {
    let (number, size) = (script.number(), usize::from(script.byte()));
    let key_frame = number % 3 == 0;
    let streams = rig.machine.phase() == Phase::Streaming;
    let pushed = rig.machine.push_packet(rig.now, number, key_frame, payload(number, size));
    match &pushed {
        Ok(PushOutcome::Queued) => {
            assert!(streams, "nobody plays");
            rig.app.pushed = rig.app.pushed.saturating_add(1);
        }
        Ok(PushOutcome::Dropped | PushOutcome::NotPlaying) => {}
        Err(error) => assert!(matches!(error, StateError::PacketSize { .. }), "{error}"),
    }
    assert!(rig.machine.stats().packets <= rig.app.pushed, "more than was pushed");
}
