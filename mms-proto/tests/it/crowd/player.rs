//! A player: it does what players do, and now and then what they should not.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;
use mms_proto::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, CloseFile, Connect, ConnectFunnel, Funnel,
    FunnelInfo, FunnelName, FunnelProtocol, Logging, MessageId, OpenFile, PacketPair, Pong,
    ReadBlock, SecurityChallenge, SecurityResponse, StartPlaying, StartStriding, StopPlaying,
    StreamSwitch, basic_token,
};
use mms_proto::{Accel, Rate, Start, Stop, StreamNumber, StreamSelection};

use super::random::Random;
use super::rules::Stage;

/// How a player leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// It says so.
    CloseFile,
    /// Its connection is gone.
    Gone,
    /// It says nothing any more.
    Silent,
    /// It stops in the middle of a message.
    Halfway,
    /// It says nothing but Pongs.
    Idle,
}

/// What a player does next.
#[derive(Debug)]
pub(crate) enum Act {
    Say(Vec<ClientMessage>),
    Leave(Leaving),
}

#[derive(Debug)]
pub(crate) struct Player {
    subscriber: &'static str,
    /// Label of the latest play command.
    label: u32,
    /// What it still does before it leaves.
    acts: u32,
    /// It is in a hurry: it waits for no answer.
    hasty: bool,
    /// Label and cookie of the latest challenge.
    challenge: (u32, u32),
    /// It answers Pings.
    pub(crate) polite: bool,
}

impl Player {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            subscriber: random.pick(&[
                "NSPlayer/9.0.0.2980; {3300AD50-2C39-46C0-AE0A-AC7B8159E203}; Host: example",
                "NSPlayer/7.0.0.1956; {3300AD50-2C39-46C0-AE0A-AC7B8159E203}; Host: example",
                "NSPlayer/12.0.7601.17514",
                "NSPlayer/6.2.5.715; {00000000-0000-0000-0000-000000000000}",
                "Spooooon!",
                "",
            ]),
            label: random.from(1, 0xFE),
            acts: random.from(1, 60),
            hasty: random.one_in(4),
            challenge: (0, 0),
            polite: !random.one_in(8),
        }
    }

    /// The time until its next act.
    pub(crate) fn pause(&self, random: &mut Random) -> Duration {
        match random.from(0, 19) {
            0 => random.time(50_000),
            1..=3 => random.time(10_000),
            _ if self.hasty => random.time(50),
            _ => random.time(1_000),
        }
    }

    pub(crate) fn act(&mut self, random: &mut Random, stage: &Stage) -> Act {
        if self.acts == 0 {
            return Act::Leave(random.pick(&[
                Leaving::CloseFile,
                Leaving::Gone,
                Leaving::Silent,
                Leaving::Halfway,
                Leaving::Idle,
            ]));
        }
        self.acts -= 1;
        if *stage != Stage::Silent && random.one_in(15) {
            let any = self.anything(random);
            return Act::Say(vec![any]);
        }
        Act::Say(self.sensible(random, stage))
    }

    /// What leads to playing, and what one does then.
    fn sensible(&mut self, random: &mut Random, stage: &Stage) -> Vec<ClientMessage> {
        match stage {
            Stage::Silent => vec![self.connect()],
            Stage::Connected | Stage::Asked => match random.from(0, 3) {
                0 => vec![funnel_info(random)],
                1 => vec![funnel(FunnelProtocol::Tcp)],
                _ => vec![funnel(FunnelProtocol::Tcp), open(random)],
            },
            Stage::Challenged => match random.from(0, 7) {
                0 => vec![open(random)],
                1 => Vec::new(),
                _ => vec![self.respond(random)],
            },
            Stage::Opened => vec![self.read_block(random)],
            Stage::Header(_) => match random.from(0, 5) {
                0 => vec![CancelReadBlock { incarnation: 2 }.into()],
                _ => Vec::new(),
            },
            Stage::Ready | Stage::EntryWaits => match random.from(0, 9) {
                0 => vec![log()],
                1 => vec![self.stride(random)],
                2 => vec![self.stop(random)],
                _ => vec![select(random), self.play(random)],
            },
            Stage::Streaming(_) => match random.from(0, 11) {
                // A seek, with a stop and without, as libmms and VLC do it.
                0 => vec![self.play(random)],
                1 => vec![self.stop(random), self.play(random)],
                2 => vec![self.stop(random), log()],
                3 => vec![select(random)],
                4 => vec![self.stride(random)],
                5 => vec![select(random), self.play(random)],
                _ => Vec::new(),
            },
            Stage::Between | Stage::EntryHeader(..) => match random.from(0, 3) {
                0 => vec![select(random), self.play(random)],
                1 => vec![log()],
                _ => Vec::new(),
            },
            Stage::Closed => Vec::new(),
        }
    }

    /// The server wants to know who it is.
    pub(crate) fn challenged(&mut self, challenge: &SecurityChallenge) {
        self.challenge = (challenge.incarnation, challenge.cookie);
    }

    fn respond(&self, random: &mut Random) -> ClientMessage {
        let (incarnation, cookie) = self.challenge;
        // Now and then to another challenge.
        let cookie = if random.one_in(5) { cookie ^ 1 } else { cookie };
        SecurityResponse { incarnation, cookie, token: basic_token("user", "password") }.into()
    }

    fn anything(&mut self, random: &mut Random) -> ClientMessage {
        match random.from(0, 15) {
            0 => self.connect(),
            1 => funnel_info(random),
            2 => funnel(FunnelProtocol::Udp),
            3 => open(random),
            4 => self.read_block(random),
            5 => ReadBlock { open_file_id: 7, incarnation: 2 }.into(),
            6 => CancelReadBlock { incarnation: 2 }.into(),
            7 => select(random),
            8 => self.play(random),
            9 => self.stride(random),
            10 => self.stop(random),
            11 => log(),
            12 => Pong.into(),
            14 => self.respond(random),
            13 => StartPlaying {
                open_file_id: 7,
                start: Start::Beginning,
                stop: None,
                incarnation: 9,
                accel: None,
            }
            .into(),
            _ => ClientMessage::Unknown { id: MessageId(0x0003_0030), body: Bytes::new() },
        }
    }

    fn connect(&self) -> ClientMessage {
        let subscriber = self.subscriber.to_owned();
        Connect { packet_pair: PacketPair::Yes, subscriber, host: None }.into()
    }

    fn read_block(&self, random: &mut Random) -> ClientMessage {
        let incarnation = random.pick(&[1, 2, 8, 0x0003_0002, 0x100]);
        ReadBlock { open_file_id: 1, incarnation }.into()
    }

    /// The next label, in one of the forms that there are.
    fn next_label(&mut self, random: &mut Random) -> u32 {
        self.label = if self.label >= 0xFE { 1 } else { self.label + 1 };
        match random.from(0, 9) {
            0 => self.label | 0xF0F0_F000,
            1 => 0x100,
            _ => self.label,
        }
    }

    fn start(random: &mut Random) -> Start {
        match random.from(0, 5) {
            0 => Start::packet(random.from(0, 80)).unwrap(),
            1 => Start::Time(random.time(20_000)),
            2 => Start::ByteOffset(random.from(0, 50_000).into()),
            _ => Start::Beginning,
        }
    }

    pub(crate) fn play(&mut self, random: &mut Random) -> ClientMessage {
        let accel = random.one_in(8).then(|| {
            Accel::new(random.from(1_000, 10_000_000), random.from(1, 20_000))
                .with_link_bandwidth(random.from(1, 0x7FFF_FFFF))
        });
        StartPlaying {
            open_file_id: 1,
            start: Self::start(random),
            stop: Stop::at(random.time(10_000)).filter(|_| random.one_in(8)),
            incarnation: self.next_label(random),
            accel,
        }
        .into()
    }

    fn stride(&mut self, random: &mut Random) -> ClientMessage {
        StartStriding {
            open_file_id: 1,
            start: Self::start(random),
            incarnation: self.next_label(random),
            rate: Rate::new(random.pick(&[-5.0, -1.0, 0.5, 2.0, 5.0])).unwrap(),
        }
        .into()
    }

    fn stop(&self, random: &mut Random) -> ClientMessage {
        // Old players send garbage (T4).
        let incarnation = if random.one_in(3) { 0x001F_FFFF } else { self.label };
        StopPlaying { open_file_id: 1, incarnation }.into()
    }
}

pub(crate) fn close() -> ClientMessage {
    CloseFile { open_file_id: 1 }.into()
}

fn funnel_info(random: &mut Random) -> ClientMessage {
    FunnelInfo { test: random.pick(&[BandwidthTest::None, BandwidthTest::TcpHighEntropy]) }.into()
}

fn funnel(protocol: FunnelProtocol) -> ClientMessage {
    let funnel = Funnel { protocol, port: NonZeroU16::MIN };
    let funnel = FunnelName::new(IpAddr::V4(Ipv4Addr::LOCALHOST), funnel);
    ConnectFunnel { funnel }.into()
}

fn open(random: &mut Random) -> ClientMessage {
    let incarnation = random.pick(&[0, 1, 9, 0xFE]);
    OpenFile { incarnation, path: "file.wmv".to_owned(), token: Bytes::new() }.into()
}

fn select(random: &mut Random) -> ClientMessage {
    let streams = (1..=3).filter_map(StreamNumber::new).map(|stream| {
        if random.one_in(3) { StreamSelection::off(stream) } else { StreamSelection::full(stream) }
    });
    StreamSwitch { selections: streams.collect() }.into()
}

fn log() -> ClientMessage {
    Logging { open_file_id: 0, log: Box::default() }.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn players_say_everything_that_there_is() {
        let mut said = BTreeSet::new();
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let mut player = Player::new(&mut random);
            let any = (0..200).map(|_| player.anything(&mut random).id());
            said.extend(any.collect::<Vec<_>>());
        }
        said.insert(close().id());
        let missing: Vec<_> =
            ClientMessage::IDS.iter().filter(|(id, _)| !said.contains(id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn players_leave_in_every_way() {
        let mut left = Vec::new();
        for seed in 0..100 {
            let mut random = Random::new(seed);
            let mut player = Player::new(&mut random);
            let end = (0..100).find_map(|_| match player.act(&mut random, &Stage::Ready) {
                Act::Leave(how) => Some(how),
                Act::Say(_) => None,
            });
            left.push(end.expect("a player that stays for ever"));
        }
        use Leaving::{CloseFile, Gone, Halfway, Idle, Silent};
        for how in [CloseFile, Gone, Silent, Halfway, Idle] {
            assert!(left.contains(&how), "{how:?}");
        }
    }
}
