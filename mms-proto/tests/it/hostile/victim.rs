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
use mms_proto::testing::sim::{App, End, Wire, Wrote};
use mms_proto::{
    AuthScheme, ClientEvent, CloseReason, Content, Credentials, Error, HResult, Phase, PlayRequest,
    Rate, Redirect, ServerEvent, Start, StreamNumber, StreamSelection,
};

use super::{Frame, data, message};

/// A client that plays whatever there is, at this speed.
pub(crate) fn client_victim(now: Instant, rate: Rate) -> End<Client, Viewer> {
    let mut config = ClientConfig::new("host", "file.wma");
    config.packet_pair = true;
    config.session.allow_clear_text = true;
    config.session.limits.header = 256 << 10;
    End::new(now, Client::new(now, config), Viewer(rate))
}

/// Its application.
pub(crate) struct Viewer(Rate);

impl App<Client> for Viewer {
    fn event(
        &mut self,
        client: &mut Client,
        now: Instant,
        event: ClientEvent,
    ) -> Option<ClientEvent> {
        let done = match &event {
            ClientEvent::Challenge(challenge) => {
                let credentials = match challenge.scheme {
                    AuthScheme::Basic => {
                        Credentials::Basic { user: "user".into(), password: "secret".into() }
                    }
                    _ => Credentials::Token(Bytes::from_static(b"NTLMSSP\0")),
                };
                client.authenticate(now, challenge, &credentials)
            }
            ClientEvent::Ready(_) | ClientEvent::NextEntry(_) => {
                client.play(now, PlayRequest::all(StreamNumber::new(1)).rate(self.0))
            }
            ClientEvent::EndOfStream { more: false, .. } | ClientEvent::PlayRefused(_) => {
                client.close(now);
                Ok(())
            }
            _ => Ok(()),
        };
        // The machine said that it may.
        assert_eq!(done, Ok(()), "{event:?}");
        None
    }

    fn wrote(&mut self, _: Instant, _: &Wire<ClientMessage>) -> Wrote {
        Wrote::Forget
    }
}

/// A server of one file.
pub(crate) fn server_victim(now: Instant) -> End<Server, Station> {
    let mut config = ServerConfig::default();
    config.max_unanswered_pings = Some(2);
    End::new(now, Server::new(now, config), Station { left: 0 })
}

/// Its application.
pub(crate) struct Station {
    left: u32,
}

impl App<Server> for Station {
    fn event(
        &mut self,
        server: &mut Server,
        now: Instant,
        event: ServerEvent,
    ) -> Option<ServerEvent> {
        match event {
            ServerEvent::Open(request) => {
                let content = Content::new(Bytes::from_static(&[7; 250])).unwrap();
                let content = content.with_packet_size(100).unwrap();
                server.accept(now, request, content).unwrap();
            }
            ServerEvent::Play(_) => self.left = 3,
            ServerEvent::PacketWanted { .. } if self.left == 0 => {
                server.end_of_stream(now).unwrap();
            }
            ServerEvent::PacketWanted { .. } => {
                self.left -= 1;
                server.send_packet(now, self.left, Bytes::from_static(&[9; 100])).unwrap();
            }
            _ => {}
        }
        None
    }

    fn wrote(&mut self, _: Instant, _: &Wire<ServerMessage>) -> Wrote {
        Wrote::Forget
    }
}

/// What an honest server says to [`client_victim`]: a bandwidth test, a challenge, a playlist.
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

/// A session of [`client_victim`] with an honest server.
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

/// What an honest client says to [`server_victim`].
pub(crate) fn honest_client() -> Vec<Frame> {
    let say = |after, m: ClientMessage| message(after, |out| m.encode(out));
    let funnel = Funnel { protocol: FunnelProtocol::Tcp, port: std::num::NonZeroU16::MIN };
    let funnel = FunnelName::new(std::net::Ipv4Addr::LOCALHOST.into(), funnel);
    let start = |incarnation, start| StartPlaying {
        open_file_id: 1,
        start,
        stop: None,
        incarnation,
        accel: Some(mms_proto::Accel::new(1, 1).with_link_bandwidth(1)),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hostile::{run, whole};
    use crate::pair::media;

    #[test]
    fn honest_sessions_end_well() {
        for Honest { frames, rate, reason, .. } in honest_servers() {
            let outcome = run(client_victim(media::start(), rate), &frames, whole);
            assert_eq!((outcome.reason, outcome.after), (reason, Duration::ZERO));
        }
        let outcome = run(server_victim(media::start()), &honest_client(), whole);
        assert_eq!((outcome.reason, outcome.after), (CloseReason::Peer, Duration::ZERO));
    }
}
