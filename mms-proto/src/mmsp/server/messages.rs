//! What a server makes of what the client sends, MS-MMSP 3.2.5.

use bytes::Bytes;

use super::opening::OPEN_FILE_ID;
use super::play_rate::PlayCommand;
use super::state::State;
use super::{Server, Timer};
use crate::Machine as _;
use crate::deviation::Deviation;
use crate::error::{DecodeError, Error, Layer};
use crate::event::{CloseReason, ServerEvent};
use crate::hresult::HResult;
use crate::message_kind::MessageKind;
use crate::mmsp::framing::at_place;
use crate::mmsp::message::{
    BandwidthTest, ClientMessage, CloseFile, MessageId, PacketPair, ReportConnectedEx,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartStriding, ReportStartedPlaying, ReportStreamSwitch,
};

impl Server {
    pub(super) fn on_message(&mut self, place: u64, message: &Bytes) -> Result<(), Error> {
        self.session.unanswered_pings = 0;
        // Any packet shows that the client is there. Read literally, the specification stops the
        // timer here and a silent session is pinged once; it is armed again (T34).
        self.arm_keep_alive();
        let mut deviations = Vec::new();
        let decoded = ClientMessage::decode(message, &mut deviations);
        for deviation in deviations {
            self.core.on_deviation(deviation)?;
        }
        let message = match decoded {
            Ok(message) => message,
            Err(error) => return self.on_undecoded(error, place),
        };
        if let State::Silent = self.state {
            return match message {
                ClientMessage::Connect(connect) => self.on_connect(connect),
                other => {
                    let (message, phase) = (other.id(), self.phase());
                    Err(Error::Unexpected { message: MessageKind::Mmsp(message), phase })
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
            ClientMessage::OpenFile(request) => return self.on_open_file(request),
            ClientMessage::SecurityResponse(response) => {
                return self.on_security_response(response);
            }
            ClientMessage::ReadBlock(request) => self.on_read_block(request),
            ClientMessage::CancelReadBlock(_) => return self.on_cancel_read_block(),
            ClientMessage::StreamSwitch(request) => self.on_stream_switch(&request),
            ClientMessage::StartPlaying(request) => {
                self.on_play_command(PlayCommand::Normal(request));
            }
            ClientMessage::StartStriding(request) => {
                self.on_play_command(PlayCommand::Striding(request));
            }
            ClientMessage::StopPlaying(request) => return self.on_stop_playing(request),
            ClientMessage::Logging(logging) => self.core.event(ServerEvent::Log(logging.log)),
            ClientMessage::CloseFile(request) => return self.on_close_file(request),
            // Never answered: a server that does keeps both ends busy for ever (T52).
            ClientMessage::Pong(_) => {}
            ClientMessage::Connect(_) => {
                return self.core.on_deviation(Deviation::OutOfPlace(MessageKind::Mmsp(id)));
            }
            ClientMessage::Unknown { id, body } => {
                self.core.on_deviation(Deviation::UnknownMessage(MessageKind::Mmsp(id)))?;
                self.core.event(ServerEvent::Unknown { id: id.0, body });
            }
        }
        Ok(())
    }

    /// 3.2.5.17
    fn on_close_file(&mut self, request: CloseFile) -> Result<(), Error> {
        if request.open_file_id != OPEN_FILE_ID {
            let value = request.open_file_id.into();
            self.core.on_deviation(Deviation::FieldValue { field: "openFileId", value })?;
        }
        self.end(CloseReason::Peer);
        Ok(())
    }

    /// A message whose fields cannot be read. It is noted and the session goes on where nothing
    /// depends on them:
    ///
    /// - `Logging` tells how it was, is never answered and changes nothing: it is skipped.
    /// - `CancelReadBlock` means the only header that is under way, whatever label it names.
    /// - `CloseFile` means the end of the session, whatever file it names.
    ///
    /// Pong has no field that is looked at. Everything else asks for something.
    fn on_undecoded(&mut self, error: DecodeError, place: u64) -> Result<(), Error> {
        let silent = matches!(self.state, State::Silent);
        match error.layer {
            Layer::Message(MessageKind::Mmsp(
                id @ (MessageId::LOGGING | MessageId::CANCEL_READ_BLOCK | MessageId::CLOSE_FILE),
            )) if !silent => {
                self.core.on_deviation(Deviation::ShortMessage(MessageKind::Mmsp(id)))?;
                self.timers.stop(Timer::AfterEnd);
                match id {
                    MessageId::CANCEL_READ_BLOCK => self.on_cancel_read_block()?,
                    MessageId::CLOSE_FILE => self.end(CloseReason::Peer),
                    _ => {}
                }
                Ok(())
            }
            _ => Err(self.refuse_malformed(error, place)),
        }
    }

    /// Answers a malformed request with an error where it has an answer; the session ends either
    /// way.
    fn refuse_malformed(&mut self, error: DecodeError, place: u64) -> Error {
        let hr = HResult::BAD_CONTROL_DATA;
        let incarnation = 0;
        let open_file_id = 0;
        if let Layer::Message(MessageKind::Mmsp(id)) = error.layer {
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
                    self.send(ReportOpenFile { incarnation, result: Err(hr.into()) });
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
