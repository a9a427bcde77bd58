//! From the connection to an open file, MS-MMSP 3.2.4.1 and 3.2.5.3 to 3.2.5.6.

use std::time::Instant;

use bytes::Bytes;

use super::state::State;
use super::{Server, Timer};
use crate::auth::AuthScheme;
use crate::content::Content;
use crate::error::{Error, StateError};
use crate::event::{ClientInfo, CloseReason, OpenRequest, Redirect, ServerEvent};
use crate::hresult::{Failure, HResult};
use crate::mmsp::Ticket;
use crate::mmsp::message::FileAttributes;
use crate::mmsp::message::{
    BandwidthTest, Connect, FunnelInfo, FunnelName, FunnelProtocol, MessageId, OpenFile,
    OpenedFile, PacketPair, ReportConnectedEx, ReportConnectedFunnel, ReportDisconnectedFunnel,
    ReportFunnelInfo, ReportOpenFile, ReportRedirect,
};
use crate::ticket::Ticket as AnyTicket;
use crate::version::PeerVersion;

/// The name of the one file that a connection can open. FFmpeg, VLC and others say 1 whatever the
/// server called it, and VLC gives up on anything but 1 and 2 (T1).
pub(super) const OPEN_FILE_ID: u32 = 1;

/// Random bytes of the three answers of a bandwidth test: packets of 512, 512 and 1,056 bytes.
const PACKET_PAIR: [usize; 3] = [432, 432, 976];

impl Server {
    /// Opens the file that was asked for. Clients before version 9 are told of live content that
    /// it is a broadcast, and no more (T20).
    ///
    /// # Errors
    /// When no request waits: the session has ended in the meantime. When the content has no packet
    /// size, which is announced: the request is used up, [`close`](Self::close) the session.
    pub fn accept(
        &mut self,
        now: Instant,
        request: OpenRequest,
        content: Content,
    ) -> Result<(), StateError> {
        let packet_size = content.packet_size().ok_or(StateError::NoPacketSize)?;
        self.answer_open(now, "accept a file")?;
        let AnyTicket::Mmsp(Ticket { incarnation, .. }) = request.ticket;
        let attributes = FileAttributes::from(content.features());
        let file = OpenedFile {
            open_file_id: OPEN_FILE_ID,
            attributes: if self.session.client.tells_live_from_broadcast() {
                attributes
            } else {
                attributes.live_as_broadcast()
            },
            duration: content.duration().unwrap_or_default(),
            packet_size,
            packet_count: content.packet_count().unwrap_or(0),
            bit_rate: content.bit_rate(),
            header_size: content.header_size(),
        };
        self.state = State::Opened(content);
        self.send(ReportOpenFile { incarnation, result: Ok(file) });
        Ok(())
    }

    /// Refuses the file that was asked for.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn reject(
        &mut self,
        now: Instant,
        request: OpenRequest,
        reason: impl Into<Failure>,
    ) -> Result<(), StateError> {
        self.answer_open(now, "reject a file")?;
        let AnyTicket::Mmsp(Ticket { incarnation, .. }) = request.ticket;
        self.refuse_file(incarnation, reason.into());
        Ok(())
    }

    /// Sends the client elsewhere, and ends the session. A URL is sent as it is: one that
    /// begins `mms:` means UDP first, say `mmst:` for TCP (T39). A proxy that is named by host and
    /// port alone becomes a URL.
    ///
    /// The file is refused instead, as by [`reject`](Self::reject),
    /// - with [`HResult::FILE_NOT_FOUND`] when the client is older than version 7, which knows no
    ///   redirects,
    /// - with [`HResult::INVALID_NAME`] when the target is empty, has a NUL in it, or is longer
    ///   than 32,766 UTF-16 units.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    #[doc(alias = "ReportRedirect")]
    pub fn redirect(
        &mut self,
        now: Instant,
        request: OpenRequest,
        target: Redirect,
    ) -> Result<(), StateError> {
        self.answer_open(now, "redirect a client")?;
        let AnyTicket::Mmsp(Ticket { incarnation, .. }) = request.ticket;
        let target = target.with_scheme();
        if !self.session.client.follows_redirects() {
            self.refuse_file(incarnation, HResult::FILE_NOT_FOUND.into());
        } else if !target.can_be_sent() {
            self.refuse_file(incarnation, HResult::INVALID_NAME.into());
        } else {
            self.send(ReportRedirect { hr: HResult::OK, target });
            self.end(CloseReason::Redirected);
        }
        Ok(())
    }

    /// 3.2.5.3
    pub(super) fn on_connect(&mut self, connect: Connect) -> Result<(), Error> {
        let version = PeerVersion::of_client(&connect.subscriber);
        self.session.client = version;
        self.state = State::Connected;
        self.start_idle();
        let refusal = self.config.refusal;
        let scheme = self.config.authentication;
        let test = connect.packet_pair == PacketPair::Yes && self.config.packet_pair;
        self.send(ReportConnectedEx {
            hr: refusal.map_or(HResult::OK, HResult::from),
            packet_pair: if test { PacketPair::Yes } else { PacketPair::No },
            server_version: self.config.version.clone(),
            upgrade_version: String::new(),
            upgrade_url: String::new(),
            authentication: scheme.map(package).unwrap_or_default().to_owned(),
        });
        let subscriber = connect.subscriber;
        self.core.event(ServerEvent::Connected(ClientInfo { subscriber, version }));
        if refusal.is_some() {
            self.end(CloseReason::Local);
        }
        Ok(())
    }

    /// 3.2.5.4
    pub(super) fn on_funnel_info(&mut self, request: FunnelInfo) {
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
    pub(super) fn on_connect_funnel(&mut self, name: &FunnelName) {
        match name.protocol() {
            Some(FunnelProtocol::Tcp) => {
                self.session.funnel = true;
                self.send(ReportConnectedFunnel { hr: HResult::OK });
            }
            // Something that is no transport, or UDP, which this machine does not do yet. The
            // client may try another.
            _ => self.send(ReportDisconnectedFunnel { hr: HResult::PROTOCOL_MISMATCH }),
        }
    }

    /// 3.2.5.6
    pub(super) fn on_open_file(&mut self, request: OpenFile) -> Result<(), Error> {
        let OpenFile { incarnation, path, token } = request;
        let refusal = if self.state.content().is_some() {
            Some(HResult::OPEN_FILE_LIMIT)
        } else if self.session.funnel {
            None
        } else {
            Some(HResult::NO_FUNNEL)
        };
        match refusal {
            Some(hr) => {
                self.send(ReportOpenFile { incarnation, result: Err(hr.into()) });
                Ok(())
            }
            None => {
                let scheme = self.config.authentication;
                self.ask(MessageId::OPEN_FILE, path, incarnation, scheme, &token)
            }
        }
    }

    /// Refuses the file; the client may ask for another.
    pub(super) fn refuse_file(&mut self, incarnation: u32, reason: Failure) {
        self.state = State::Connected;
        self.timers.arm(Timer::Handshake, self.core.now(), self.config.timeouts.handshake());
        self.send(ReportOpenFile { incarnation, result: Err(reason) });
    }

    pub(super) fn answer_open(
        &mut self,
        now: Instant,
        operation: &'static str,
    ) -> Result<(), StateError> {
        if !matches!(self.state, State::OpenAsked) {
            return Err(self.wrong_phase(operation));
        }
        self.core.set_now(now);
        Ok(())
    }
}

/// The scheme's name in the answer to `Connect`, MS-MMSP 2.2.4.2.
fn package(scheme: AuthScheme) -> &'static str {
    match scheme {
        AuthScheme::Basic => "BASIC",
        AuthScheme::Ntlm => "NTLM",
    }
}
