//! The machines that are wished ill, with their applications, and an honest peer for each.

use mms_proto::mmsp::message::FileAttributes;
use std::time::Instant;

use bytes::Bytes;
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, CloseFile, Connect, ConnectFunnel, Funnel, FunnelInfo,
    FunnelName, FunnelProtocol, Logging, OpenFile, OpenedFile, PacketPair, Ping, Pong, ReadBlock,
    ReportConnectedEx, ReportConnectedFunnel, ReportDisconnectedFunnel, ReportEndOfStream,
    ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportRedirect, ReportStartStriding,
    ReportStartedPlaying, ReportStreamChange, ReportStreamSwitch, SecurityChallenge, ServerMessage,
    StartPlaying, StopPlaying, StreamSwitch,
};
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{
    AuthScheme, ClientEvent, CloseReason, Content, Credentials, Error, HResult, Input,
    Machine as _, Output, Phase, PlayRequest, Rate, Redirect, ServerEvent, Start, StreamNumber,
    StreamSelection,
};

use super::{Did, Frame, Machine, data, message};

pub(crate) struct ClientVictim {
    client: Client,
    rate: Rate,
}

impl ClientVictim {
    pub(crate) fn new(now: Instant) -> Self {
        let mut config = ClientConfig::new("host", "file.wma");
        config.packet_pair = true;
        config.session.allow_clear_text = true;
        config.session.limits.header = 256 << 10;
        Self::with(now, config)
    }

    pub(crate) fn with(now: Instant, config: ClientConfig) -> Self {
        Self { client: Client::new(now, config), rate: Rate::NORMAL }
    }

    /// Plays at another speed.
    pub(crate) fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    fn told(&mut self, now: Instant, event: &ClientEvent) {
        let done = match event {
            ClientEvent::Challenge(challenge) => {
                let credentials = match challenge.scheme {
                    AuthScheme::Basic => {
                        Credentials::Basic { user: "user".into(), password: "secret".into() }
                    }
                    _ => Credentials::Token(Bytes::from_static(b"NTLMSSP\0")),
                };
                self.client.authenticate(now, challenge, &credentials)
            }
            ClientEvent::Ready(_) | ClientEvent::NextEntry(_) => {
                let request = PlayRequest::all(StreamNumber::new(1)).rate(self.rate);
                self.client.play(now, request)
            }
            ClientEvent::EndOfStream { more: false, .. } | ClientEvent::PlayRefused(_) => {
                self.client.close(now);
                Ok(())
            }
            _ => Ok(()),
        };
        // The machine said that it may.
        assert_eq!(done, Ok(()), "{event:?}");
    }
}

impl Machine for ClientVictim {
    fn input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        self.client.handle_input(now, input)
    }

    fn step(&mut self, now: Instant) -> Did {
        match self.client.poll_output() {
            Output::Transmit { data: _, .. } => Did::Wrote,
            Output::Event(ClientEvent::Closed(reason)) => Did::Closed(reason),
            Output::Event(event) => {
                self.told(now, &event);
                Did::Told
            }
            Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                unreachable!("a session over one connection")
            }
            Output::Wait(deadline) => Did::Waits(deadline),
        }
    }
}

pub(crate) struct ServerVictim {
    server: Server,
    left: u32,
}

impl ServerVictim {
    pub(crate) fn new(now: Instant) -> Self {
        let mut config = ServerConfig::default();
        config.max_unanswered_pings = Some(2);
        Self { server: Server::new(now, config), left: 0 }
    }
}

impl Machine for ServerVictim {
    fn input(&mut self, now: Instant, input: Input<'_>) -> Result<(), Error> {
        self.server.handle_input(now, input)
    }

    fn step(&mut self, now: Instant) -> Did {
        match self.server.poll_output() {
            Output::Transmit { data: _, .. } => return Did::Wrote,
            Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                unreachable!("a session over one connection")
            }
            Output::Wait(deadline) => return Did::Waits(deadline),
            Output::Event(ServerEvent::Closed(reason)) => return Did::Closed(reason),
            Output::Event(ServerEvent::Open(request)) => {
                let content = Content::new(Bytes::from_static(&[7; 250]))
                    .unwrap()
                    .with_packet_size(100)
                    .unwrap();
                self.server.accept(now, request, content).unwrap();
            }
            Output::Event(ServerEvent::Play(_)) => self.left = 3,
            Output::Event(ServerEvent::PacketWanted { .. }) if self.left == 0 => {
                self.server.end_of_stream(now).unwrap();
            }
            Output::Event(ServerEvent::PacketWanted { .. }) => {
                self.left -= 1;
                self.server.send_packet(now, self.left, Bytes::from_static(&[9; 100])).unwrap();
            }
            Output::Event(_) => {}
        }
        Did::Told
    }
}

/// What an honest server says to [`ClientVictim`]: a bandwidth test, a challenge, a playlist.
pub(crate) fn honest_server() -> Vec<Frame> {
    let say = |after, m: ServerMessage| message(after, |out| m.encode(out));
    let hr = HResult::OK;
    let test = || ReportFunnelInfo {
        hr,
        test: BandwidthTest::TcpHighEntropy,
        client_id: 77,
        packet_pair: Bytes::from_static(&[0xA7; 16]),
    };
    let file = OpenedFile {
        open_file_id: 1,
        attributes: FileAttributes::CAN_SEEK,
        duration: std::time::Duration::from_secs(3),
        packet_size: 100,
        packet_count: 30,
        bit_rate: 8000,
        header_size: 120,
    };
    let realm = "realm=\"x\"\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let part = |n: u8| Bytes::from(vec![n; 60]);
    let connected = ReportConnectedEx {
        hr,
        packet_pair: PacketPair::Yes,
        server_version: "9.01.01.3814".into(),
        upgrade_version: "9".into(),
        upgrade_url: "http://x/".into(),
        authentication: "BASIC".into(),
    };
    let started = |incarnation| ReportStartedPlaying { hr, incarnation, open_file_id: 1 };
    vec![
        say(1, connected.into()),
        say(2, test().into()),
        say(2, test().into()),
        say(2, test().into()),
        say(3, ReportConnectedFunnel { hr }.into()),
        say(4, SecurityChallenge { incarnation: 9, cookie: 5, token: realm }.into()),
        say(5, ReportOpenFile { incarnation: 9, result: Ok(file) }.into()),
        say(6, ReportReadBlock { hr, incarnation: 1 }.into()),
        data(6, 0, 1, 4, part(1)),
        data(6, 1, 1, 0x0C, part(2)),
        say(8, ReportStreamSwitch { hr }.into()),
        say(8, started(10).into()),
        data(8, 0, 10, 0, part(3)),
        say(8, Ping.into()),
        data(8, 1, 10, 1, part(4)),
        say(8, ReportEndOfStream { hr: HResult::FALSE, incarnation: 10 }.into()),
        say(10, ReportStreamChange { hr, packet_size: 90, header_size: 60, bit_rate: 9 }.into()),
        data(10, 0, 0xFF, 0x0C, part(5)),
        data(10, 0, 0xFF, 2, part(6)),
        say(12, ReportStreamSwitch { hr }.into()),
        say(12, started(11).into()),
        data(12, 1, 11, 3, part(7)),
        say(12, ReportEndOfStream { hr, incarnation: 11 }.into()),
    ]
}

/// A session of [`ClientVictim`] with an honest server.
#[derive(Debug, Clone)]
pub(crate) struct Honest {
    pub(crate) frames: Vec<Frame>,
    /// The speed that the client asks for.
    pub(crate) rate: Rate,
    /// Where it begins to differ from [`honest_server`].
    pub(crate) begin: usize,
    pub(crate) reason: CloseReason,
}

/// Sessions in which an honest server says everything that it can say.
pub(crate) fn honest_servers() -> Vec<Honest> {
    let (hr, main) = (HResult::OK, honest_server());
    let instead = |begin: usize, m: ServerMessage, reason| {
        let mut frames = main[..begin].to_vec();
        frames.push(message(main[begin].after, |out| m.encode(out)));
        Honest { frames, rate: Rate::NORMAL, begin, reason }
    };
    let fails = HResult::FAIL;
    let refused = Error::Refused { phase: Phase::ChoosingTransport, hr: fails };
    let redirect =
        |target| instead(6, ReportRedirect { hr, target }.into(), CloseReason::Redirected);
    let mut fast =
        instead(11, ReportStartStriding { hr, incarnation: 10 }.into(), CloseReason::Local);
    fast.rate = Rate::new(5.0).unwrap();
    fast.frames.push(main[12].clone());
    let end = ReportEndOfStream { hr, incarnation: 10 };
    fast.frames.push(message(8, |out| ServerMessage::from(end).encode(out)));
    vec![
        instead(4, ReportDisconnectedFunnel { hr: fails }.into(), CloseReason::Failed(refused)),
        redirect(Redirect::Url("mms://other/file.wma".into())),
        redirect(Redirect::Proxy(Some("proxy:8080".into()))),
        fast,
        Honest { frames: main, rate: Rate::NORMAL, begin: 0, reason: CloseReason::Local },
    ]
}

/// What an honest client says to [`ServerVictim`].
pub(crate) fn honest_client() -> Vec<Frame> {
    let say = |after, m: ClientMessage| message(after, |out| m.encode(out));
    let funnel = Funnel { protocol: FunnelProtocol::Tcp, port: std::num::NonZeroU16::MIN };
    let funnel = FunnelName::new(std::net::Ipv4Addr::LOCALHOST.into(), funnel);
    let start = |incarnation, start| StartPlaying {
        open_file_id: 1,
        start,
        stop: None,
        incarnation,
        accel: Some(mms_proto::Accel { bandwidth: 1, duration: 1, link_bandwidth: Some(1) }),
    };
    let one = StreamSelection::full(StreamNumber::new(1).unwrap());
    let subscriber = "NSPlayer/9.0; {x}".to_owned();
    let token = Bytes::from_static(b"dXNlcjo=\0");
    vec![
        say(0, Connect { packet_pair: PacketPair::Yes, subscriber, host: None }.into()),
        say(1, FunnelInfo { test: BandwidthTest::TcpHighEntropy }.into()),
        say(4, ConnectFunnel { funnel }.into()),
        say(5, OpenFile { incarnation: 9, path: "file.wma".into(), token }.into()),
        say(6, ReadBlock { open_file_id: 1, incarnation: 1 }.into()),
        say(10, StreamSwitch { selections: vec![one] }.into()),
        say(11, start(10, Start::Time(std::time::Duration::from_secs(1))).into()),
        say(16, Logging { open_file_id: 0, log: Box::default() }.into()),
        say(16, start(11, Start::packet(7).unwrap()).into()),
        say(16, StopPlaying { open_file_id: 1, incarnation: 11 }.into()),
        say(16, Pong.into()),
        say(16, CloseFile { open_file_id: 1 }.into()),
    ]
}
