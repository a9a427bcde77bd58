//! What a server makes of what the client sends, MS-MMSP 3.2.5.

use bytes::Bytes;

use super::commands::OPEN_FILE_ID;
use super::state::{Flow, HeaderSender, State};
use super::{Server, Timer};
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Layer};
use crate::event::{ClientInfo, CloseReason, OpenRequest, ServerEvent};
use crate::hresult::HResult;
use crate::mmsp::link::at_place;
use crate::mmsp::message::{
    BandwidthTest, ClientMessage, CloseFile, Connect, FunnelInfo, FunnelName, FunnelProtocol,
    MessageId, OpenFile, PacketPair, ReadBlock, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartStriding, ReportStartedPlaying, ReportStreamSwitch, StartPlaying, StopPlaying,
    StreamSwitch,
};
use crate::request::PlayRequest;
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
            ClientMessage::StartStriding(request) => {
                // Fast forward and rewind are not offered (CAN_STRIDE is never set yet).
                let (hr, incarnation) = (HResult::STRIDE_REFUSED, request.incarnation);
                self.send(ReportStartStriding { hr, incarnation });
            }
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

    /// 3.2.5.8
    fn on_read_block(&mut self, request: ReadBlock) {
        let ReadBlock { open_file_id, incarnation } = request;
        let Some(content) = self.state.content().cloned() else {
            // MPlayer does not see that its file was refused, and waits for ever (T44).
            let hr = HResult::INVALID_REQUEST;
            self.send(ReportReadBlock { hr, incarnation });
            return self.end(CloseReason::Local);
        };
        let hr = if open_file_id != OPEN_FILE_ID {
            HResult::INVALID_ARGUMENT
        } else if let State::Streaming(..) = self.state {
            // Header packets among media would confuse every player (T40).
            HResult::INVALID_REQUEST
        } else {
            HResult::OK
        };
        self.send(ReportReadBlock { hr, incarnation });
        if !hr.is_failure() {
            let label = incarnation.to_le_bytes()[0].max(1);
            let pacer = self.pacer(content.bit_rate());
            let sender = HeaderSender::new(content.header().clone(), label, pacer);
            self.state = State::SendingHeader(content, sender);
        }
    }

    /// 3.2.5.9
    fn on_cancel_read_block(&mut self) -> Result<(), Error> {
        match &self.state {
            State::SendingHeader(content, _) => {
                self.state = State::Opened(content.clone());
                Ok(())
            }
            // It crossed the last fragment.
            State::Ready(_) | State::Opened(_) => Ok(()),
            _ => self.link.tolerate(Deviation::OutOfPlace(MessageId::CANCEL_READ_BLOCK)),
        }
    }

    /// 3.2.5.10
    fn on_stream_switch(&mut self, request: &StreamSwitch) {
        let hr = match &self.state {
            State::Ready(_) | State::Streaming(..) => HResult::OK,
            _ => HResult::INVALID_REQUEST,
        };
        self.send(ReportStreamSwitch { hr });
        if !hr.is_failure() {
            self.session.select(&request.selections);
            self.link.event(ServerEvent::SelectStreams(request.selections.clone()));
        }
    }

    /// 3.2.5.11
    fn on_start_playing(&mut self, request: &StartPlaying) {
        let incarnation = request.incarnation;
        let hr = match &self.state {
            State::Ready(_) | State::Streaming(..) if request.open_file_id != OPEN_FILE_ID => {
                HResult::INVALID_ARGUMENT
            }
            State::Ready(_) | State::Streaming(..) => HResult::OK,
            _ => HResult::INVALID_REQUEST,
        };
        self.send(ReportStartedPlaying { hr, incarnation, open_file_id: OPEN_FILE_ID });
        if hr.is_failure() {
            return;
        }
        self.session.incarnation = incarnation;
        if self.session.sequence.wrapping_sub(1).to_le_bytes()[0] == 0xFE {
            // 2.2.2: after a packet with 0xFE the first of a new play command carries 0x00.
            self.session.sequence = self.session.sequence.wrapping_add(1);
        }
        self.timers.stop(Timer::Idle);
        let content = match &self.state {
            State::Ready(content) => content,
            // libmms asks for the beginning with all position fields unused.
            State::Streaming(content, _) if self.config.seek_while_streaming => content,
            // 3.2.5.11 in STREAMING: the new label, and on it goes.
            _ => return,
        };
        let content = content.clone();
        let flow = Flow { pacer: self.pacer(content.bit_rate()), asked: false };
        self.state = State::Streaming(content, flow);
        let mut play = PlayRequest::select(self.session.streams(self.config.select_all_unasked));
        // Their presence follows from the length alone: a spare chunk looks like zeros.
        let accel = request.accel.filter(|accel| accel.bandwidth > 0 && accel.duration > 0);
        (play.start, play.stop, play.accel) = (request.start, request.stop, accel);
        self.link.event(ServerEvent::Play(play));
    }

    /// 3.2.5.14
    fn on_stop_playing(&mut self, request: StopPlaying) -> Result<(), Error> {
        let content = match &self.state {
            State::Ready(content) | State::Streaming(content, _) => content.clone(),
            _ => {
                return self.link.tolerate(Deviation::OutOfPlace(MessageId::STOP_PLAYING));
            }
        };
        let streaming = matches!(self.state, State::Streaming(..));
        self.state = State::Ready(content);
        // Old players send garbage in the label; it is only echoed.
        self.send(ReportEndOfStream { hr: HResult::OK, incarnation: request.incarnation });
        self.start_idle();
        if streaming {
            self.link.event(ServerEvent::Stopped);
        }
        Ok(())
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
