//! From the connection to an open file, MS-MMSP 3.1.5.3 to 3.1.5.10.

use std::net::Ipv4Addr;
use std::time::Instant;

use bytes::Bytes;

use super::header::HeaderAssembler;
use super::state::{File, State, scheme};
use super::{Client, Timer};
use crate::auth::{AuthScheme, Challenge, Credentials};
use crate::error::{Error, StateError};
use crate::event::{ClientEvent, CloseReason, ServerInfo};
use crate::hresult::HResult;
use crate::mmsp::Ticket;
use crate::mmsp::message::{
    BandwidthTest, ConnectFunnel, Funnel, FunnelInfo, FunnelName, FunnelProtocol, MessageId,
    NtlmToken, OpenFile, PacketPair, ReadBlock, ReportConnectedEx, ReportFunnelInfo,
    ReportOpenFile, ReportRedirect, SecurityChallenge, SecurityResponse, basic_token,
};
use crate::ticket::Ticket as AnyTicket;
use crate::version::PeerVersion;

/// Answers to `FunnelInfo`: one, or three with a bandwidth test.
const MOST_FUNNEL_ANSWERS: u32 = 3;

impl Client {
    /// Answers a challenge.
    ///
    /// # Errors
    /// When no challenge waits, the credentials are of another kind, or a password would travel in
    /// clear text without permission. The challenge waits on; [`close`](Self::close) gives up.
    pub fn authenticate(
        &mut self,
        now: Instant,
        challenge: &Challenge,
        credentials: &Credentials,
    ) -> Result<(), StateError> {
        if !matches!(self.state, State::Challenged) {
            return Err(self.wrong_phase("authenticate"));
        }
        if challenge.round.checked_add(1) != Some(self.session.challenges) {
            return Err(StateError::OldChallenge);
        }
        let AnyTicket::Mmsp(Ticket { incarnation, cookie, wrapped }) = challenge.ticket;
        let token = match (challenge.scheme, credentials) {
            (AuthScheme::Basic, Credentials::Basic { .. })
                if !self.config.session.allow_clear_text =>
            {
                return Err(StateError::ClearText);
            }
            (AuthScheme::Basic, Credentials::Basic { user, password }) => {
                basic_token(user, password)
            }
            (AuthScheme::Ntlm, Credentials::Token(token)) => {
                NtlmToken { message: token.clone(), wrapped }.to_token()
            }
            _ => return Err(StateError::Scheme),
        };
        self.core.set_now(now);
        self.state = State::Opening;
        self.request(SecurityResponse { incarnation, cookie, token });
        Ok(())
    }

    /// 3.1.5.3
    pub(super) fn on_connected(&mut self, report: ReportConnectedEx) -> Result<(), Error> {
        let State::Connecting = self.state else {
            return self.out_of_place(MessageId::REPORT_CONNECTED_EX);
        };
        self.check(report.hr)?;
        let version = PeerVersion::of_server(&report.server_version);
        self.session.server = version;
        self.session.authentication = report.authentication.clone();
        self.core.event(ClientEvent::Connected(ServerInfo {
            version_text: report.server_version,
            version,
            authentication: report.authentication,
        }));
        let test = self.config.packet_pair && report.packet_pair == PacketPair::Yes;
        if test || self.config.funnel_info {
            let asked = if test { BandwidthTest::TcpHighEntropy } else { BandwidthTest::None };
            self.state = State::Testing { asked, first: None };
            self.request(FunnelInfo { test: asked });
        } else {
            self.connect_funnel();
        }
        Ok(())
    }

    /// 3.1.5.4
    pub(super) fn on_funnel_info(&mut self, report: &ReportFunnelInfo) -> Result<(), Error> {
        // The fourth of three.
        let answers = self.session.funnel_answers;
        if answers >= MOST_FUNNEL_ANSWERS {
            return Err(self.unexpected(MessageId::REPORT_FUNNEL_INFO));
        }
        self.session.funnel_answers = answers.saturating_add(1);
        let State::Testing { asked, first } = self.state else {
            return self.out_of_place(MessageId::REPORT_FUNNEL_INFO);
        };
        self.check(report.hr)?;
        self.session.client_id = Some(report.client_id);
        let now = self.core.now();
        // The packets of random bytes announce the next one, asked for or not.
        let testing =
            report.test == BandwidthTest::TcpHighEntropy || asked.is_tcp() && report.test.is_tcp();
        match (testing, answers) {
            (true, 0) => {
                self.state = State::Testing { asked, first: Some(now) };
                self.wait_for_reply();
            }
            (true, 1) => {
                let elapsed = first.map_or(0, |at| now.saturating_duration_since(at).as_nanos());
                // The packet with its header of 32 bytes and 48 bytes of fields.
                let bits = (report.packet_pair.len() as u128).saturating_add(80).saturating_mul(8);
                let rate = bits.saturating_mul(1_000_000_000).checked_div(elapsed);
                if let Some(rate) = rate.and_then(|rate| u64::try_from(rate).ok()) {
                    self.core.event(ClientEvent::Bandwidth(rate));
                }
                self.wait_for_reply();
            }
            // The third only pushes the second one out of the server's buffers.
            _ => self.connect_funnel(),
        }
        Ok(())
    }

    pub(super) fn connect_funnel(&mut self) {
        let address = self.config.local_address;
        let port = std::num::NonZeroU16::new(address.port()).unwrap_or(std::num::NonZeroU16::MIN);
        let funnel = Funnel { protocol: FunnelProtocol::Tcp, port };
        // An IPv4 address as such, as programs on the way expect it, and no address of nobody.
        let ip = match address.ip().to_canonical() {
            ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            ip => ip,
        };
        self.state = State::ChoosingTransport;
        self.request(ConnectFunnel { funnel: FunnelName::new(ip, funnel) });
    }

    /// 3.1.5.6
    pub(super) fn on_transport(&mut self, hr: HResult) -> Result<(), Error> {
        let State::ChoosingTransport = self.state else {
            return self.out_of_place(MessageId::REPORT_CONNECTED_FUNNEL);
        };
        self.check(hr)?;
        let incarnation = self.counters.open().into();
        self.state = State::Opening;
        let path = self.config.session.path.clone();
        // A token that is no NTLM message is a password that everybody on the way can read.
        let token = &self.config.cached_token;
        let allowed =
            self.config.session.allow_clear_text || !NtlmToken::find(token).message.is_empty();
        let token = if allowed { token.clone() } else { Bytes::new() };
        self.request(OpenFile { incarnation, path, token });
        Ok(())
    }

    /// 3.1.5.8
    pub(super) fn on_challenge(&mut self, challenge: &SecurityChallenge) -> Result<(), Error> {
        let State::Opening = self.state else {
            return Err(self.unexpected(MessageId::SECURITY_CHALLENGE));
        };
        let round = self.session.challenges;
        if round >= self.config.session.limits.challenges {
            return Err(Error::Unauthorized);
        }
        self.session.challenges = round.saturating_add(1);
        let scheme = scheme(self.session.server, &self.session.authentication, &challenge.token);
        let (realm, token) = match scheme {
            AuthScheme::Basic => {
                (Some(realm(&challenge.token)), NtlmToken { message: Bytes::new(), wrapped: false })
            }
            AuthScheme::Ntlm => (None, NtlmToken::find(&challenge.token)),
        };
        self.timers.stop(Timer::Reply);
        self.state = State::Challenged;
        let SecurityChallenge { incarnation, cookie, .. } = *challenge;
        let ticket = Ticket { incarnation, cookie, wrapped: token.wrapped };
        self.core.event(ClientEvent::Challenge(Challenge {
            scheme,
            realm,
            token: token.message,
            round,
            ticket: ticket.into(),
        }));
        Ok(())
    }

    /// 3.1.5.7
    pub(super) fn on_redirect(&mut self, redirect: ReportRedirect) -> Result<(), Error> {
        let State::Opening = self.state else {
            return Err(self.unexpected(MessageId::REPORT_REDIRECT));
        };
        self.check(redirect.hr)?;
        self.core.event(ClientEvent::Redirected(redirect.target));
        self.end(CloseReason::Redirected);
        Ok(())
    }

    /// 3.1.5.9
    pub(super) fn on_open_file(&mut self, report: &ReportOpenFile) -> Result<(), Error> {
        let State::Opening = self.state else {
            return self.out_of_place(MessageId::REPORT_OPEN_FILE);
        };
        let file = report.result.map_err(|failure| self.refused(failure.into()))?;
        let assembler = HeaderAssembler::new(file.header_size, self.config.session.limits.header)?;
        let (label, open_file_id) = (self.counters.header(), file.open_file_id);
        let file = File::new(file);
        self.session.arrivals.announced = file.announced_packets();
        self.state = State::ReadingHeader(file, assembler, label);
        self.request(ReadBlock { open_file_id, incarnation: label.into() });
        self.timers.arm(Timer::Header, self.core.now(), self.config.session.timeouts.header);
        Ok(())
    }

    /// 3.1.5.10
    pub(super) fn on_read_block(&mut self, hr: HResult) -> Result<(), Error> {
        if hr.is_failure() {
            return Err(self.refused(hr));
        }
        match self.state {
            State::ReadingHeader(..) => {
                self.timers.stop(Timer::Reply);
                Ok(())
            }
            State::Connecting
            | State::Testing { .. }
            | State::ChoosingTransport
            | State::Opening
            | State::Challenged => self.out_of_place(MessageId::REPORT_READ_BLOCK),
            // Some servers are late with it.
            _ => Ok(()),
        }
    }
}

/// The realm of a BASIC challenge: `realm="…"` in UTF-16, or whatever stands there.
fn realm(token: &Bytes) -> String {
    let text = crate::mmsp::wire::utf16(token);
    let realm = text.trim().strip_prefix("realm=").unwrap_or(&text);
    realm.trim_matches('"').to_owned()
}
