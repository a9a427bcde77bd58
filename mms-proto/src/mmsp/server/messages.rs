//! What a server makes of what the client sends, MS-MMSP 3.2.5.

use bytes::Bytes;

use super::commands::OPEN_FILE_ID;
use super::state::State;
use super::{Server, Timer};
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Layer};
use crate::event::{ClientInfo, CloseReason, OpenRequest, ServerEvent};
use crate::hresult::HResult;
use crate::mmsp::link::at_place;
use crate::mmsp::message::{
    BandwidthTest, ClientMessage, CloseFile, Connect, FunnelInfo, FunnelName, FunnelProtocol,
    MessageId, OpenFile, PacketPair, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartStriding, ReportStartedPlaying, ReportStreamSwitch,
};
use crate::version::PeerVersion;

/// Random bytes of the three answers of a bandwidth test: packets of 512, 512 and 1,056 bytes.
const PACKET_PAIR: [usize; 3] = [432, 432, 976];

impl Server {
    pub(super) fn on_message(&mut self, place: u64, message: &Bytes) -> Result<(), Error> {
        self.session.unanswered_pings = 0;
        // Any packet shows that the client is there. Read literally, the specification stops the
        // timer here and a silent session is pinged once; it is armed again (T34).
        self.arm_keep_alive();
        let mut deviations = Vec::new();
        let decoded = ClientMessage::decode(message, &mut deviations);
        for deviation in deviations {
            self.link.tolerate(deviation)?;
        }
        let message = decoded.map_err(|error| self.refuse_malformed(error, place))?;
        if let State::Silent = self.state {
            return match message {
                ClientMessage::Connect(connect) => self.on_connect(connect),
                other => {
                    let (message, phase) = (other.id(), self.phase());
                    Err(Error::Unexpected { message, phase })
                }
            };
        }
        let id = message.id();
        if id != MessageId::PONG {
            // A Pong shows that the client lives, not that it wants something.
            self.timers.stop(Timer::AfterEnd);
        }
        match message {
            ClientMessage::FunnelInfo(request) => self.on_funnel_info(request),
            ClientMessage::ConnectFunnel(request) => self.on_connect_funnel(&request.funnel),
            ClientMessage::OpenFile(request) => self.on_open_file(request),
            ClientMessage::ReadBlock(request) => self.on_read_block(request),
            ClientMessage::CancelReadBlock(_) => return self.on_cancel_read_block(),
            ClientMessage::StreamSwitch(request) => self.on_stream_switch(&request),
            ClientMessage::StartPlaying(request) => self.on_start_playing(&request),
            ClientMessage::StartStriding(request) => self.on_start_striding(&request),
            ClientMessage::StopPlaying(request) => return self.on_stop_playing(request),
            ClientMessage::Logging(logging) => self.link.event(ServerEvent::Log(logging.log)),
            ClientMessage::CloseFile(request) => return self.on_close_file(request),
            // Never answered: a server that does keeps both ends busy for ever (T52).
            ClientMessage::Pong(_) => {}
            ClientMessage::Connect(_) | ClientMessage::SecurityResponse(_) => {
                return self.link.tolerate(Deviation::OutOfPlace(id));
            }
            ClientMessage::Unknown { id, body } => {
                self.link.tolerate(Deviation::UnknownMessage(id))?;
                self.link.event(ServerEvent::Unknown { id: id.0, body });
            }
        }
        Ok(())
    }

    /// 3.2.5.3
    fn on_connect(&mut self, connect: Connect) -> Result<(), Error> {
        let version = PeerVersion::of_client(&connect.subscriber);
        self.session.client = version;
        self.state = State::Connected;
        self.start_idle();
        let test = connect.packet_pair == PacketPair::Yes && self.config.packet_pair;
        self.send(ReportConnectedEx {
            hr: HResult::OK,
            packet_pair: if test { PacketPair::Yes } else { PacketPair::No },
            server_version: self.config.version.clone(),
            upgrade_version: String::new(),
            upgrade_url: String::new(),
            authentication: self.config.authentication.clone(),
        });
        let subscriber = connect.subscriber;
        self.link.event(ServerEvent::Connected(ClientInfo { subscriber, version }));
        Ok(())
    }

    /// 3.2.5.4
    fn on_funnel_info(&mut self, request: FunnelInfo) {
        let report = |test, packet_pair| ReportFunnelInfo {
            hr: HResult::OK,
            test,
            client_id: self.config.client_id,
            packet_pair,
        };
        if request.test.is_tcp() && self.config.packet_pair {
            let answers = PACKET_PAIR
                .map(|size| report(BandwidthTest::TcpHighEntropy, self.entropy.bytes(size)));
            for answer in answers {
                self.send(answer);
            }
        } else {
            let answer = report(BandwidthTest::None, Bytes::new());
            self.send(answer);
        }
    }

    /// 3.2.5.5
    fn on_connect_funnel(&mut self, name: &FunnelName) {
        match name.parse() {
            Some(funnel) if funnel.protocol == FunnelProtocol::Tcp => {
                self.session.funnel = true;
                self.send(ReportConnectedFunnel { hr: HResult::OK });
            }
            // Something that is no transport, or UDP, which this machine does not do yet. The
            // client may try another.
            _ => self.send(ReportDisconnectedFunnel { hr: HResult::PROTOCOL_MISMATCH }),
        }
    }

    /// 3.2.5.6
    fn on_open_file(&mut self, request: OpenFile) {
        let OpenFile { incarnation, path, token } = request;
        let refusal = if self.state.content().is_some() {
            Some(HResult::OPEN_FILE_LIMIT)
        } else if self.session.funnel {
            None
        } else {
            Some(HResult::NO_FUNNEL)
        };
        match refusal {
            Some(hr) => self.send(ReportOpenFile { incarnation, result: Err(hr) }),
            None => {
                // From here on it is the application that takes its time, and what the client
                // sends meanwhile is not looked at.
                self.timers.stop(Timer::Handshake);
                self.timers.stop(Timer::KeepAlive);
                self.state = State::OpenAsked;
                self.link.event(ServerEvent::Open(OpenRequest { path, token, incarnation }));
            }
        }
    }

    /// 3.2.5.17
    fn on_close_file(&mut self, request: CloseFile) -> Result<(), Error> {
        if request.open_file_id != OPEN_FILE_ID {
            let value = request.open_file_id.into();
            self.link.tolerate(Deviation::FieldValue { field: "openFileId", value })?;
        }
        self.end(CloseReason::Peer);
        Ok(())
    }

    /// Answers a malformed request with an error where it has an answer; the session ends either
    /// way.
    fn refuse_malformed(&mut self, error: DecodeError, place: u64) -> Error {
        let hr = HResult::BAD_CONTROL_DATA;
        let incarnation = 0;
        let open_file_id = 0;
        if let Layer::Message(id) = error.layer {
            match id {
                MessageId::CONNECT => self.send(ReportConnectedEx {
                    hr,
                    packet_pair: PacketPair::No,
                    server_version: self.config.version.clone(),
                    upgrade_version: String::new(),
                    upgrade_url: String::new(),
                    authentication: String::new(),
                }),
                MessageId::FUNNEL_INFO => self.send(ReportFunnelInfo {
                    hr,
                    test: BandwidthTest::None,
                    client_id: self.config.client_id,
                    packet_pair: Bytes::new(),
                }),
                MessageId::CONNECT_FUNNEL => self.send(ReportDisconnectedFunnel { hr }),
                MessageId::OPEN_FILE | MessageId::SECURITY_RESPONSE => {
                    self.send(ReportOpenFile { incarnation, result: Err(hr) });
                }
                MessageId::READ_BLOCK => self.send(ReportReadBlock { hr, incarnation }),
                MessageId::STREAM_SWITCH => self.send(ReportStreamSwitch { hr }),
                MessageId::START_PLAYING => {
                    self.send(ReportStartedPlaying { hr, incarnation, open_file_id });
                }
                MessageId::START_STRIDING => self.send(ReportStartStriding { hr, incarnation }),
                MessageId::STOP_PLAYING => self.send(ReportEndOfStream { hr, incarnation }),
                _ => {}
            }
        }
        at_place(error, place)
    }
}
