//! Who is there: challenges and what clients respond, MS-MMSP 3.2.5.6 and 3.2.5.7.

use std::time::Instant;

use bytes::Bytes;

use super::state::{Challenged, State};
use super::{Server, Timer};
use crate::auth::{AuthScheme, Credentials, ServerChallenge};
use crate::deviation::Deviation;
use crate::error::{Error, StateError};
use crate::event::{OpenRequest, ServerEvent};
use crate::hresult::HResult;
use crate::message_kind::MessageKind;
use crate::mmsp::MmspDeviation;
use crate::mmsp::Ticket;
use crate::mmsp::message::{
    MessageId, NtlmToken, SecurityChallenge, SecurityResponse, basic_realm, read_basic_token,
};
use crate::ticket::Ticket as AnyTicket;

impl Server {
    /// Asks the client who it is. Its response is another
    /// [`ServerEvent::Open`] for the same path, with credentials, and
    /// is answered in its turn. [`ServerTimeouts::handshake`](crate::ServerTimeouts::handshake)
    /// is how long it may take: make that longer where a person has to type a password.
    ///
    /// The file is refused with [`HResult::ACCESS_DENIED`] instead, as by
    /// [`reject`](Self::reject), when
    /// - [`Limits::challenges`](crate::Limits::challenges) were sent in this session already, or
    /// - the client is older than version 8 and the scheme is not the one that
    ///   [`ServerConfig::authentication`](super::ServerConfig::authentication) announces: it would
    ///   take the challenge for one of the other scheme (3.2.5.6).
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn challenge(
        &mut self,
        now: Instant,
        request: OpenRequest,
        challenge: ServerChallenge,
    ) -> Result<(), StateError> {
        self.answer_open(now, "challenge a client")?;
        let OpenRequest { path, ticket, .. } = request;
        let AnyTicket::Mmsp(Ticket { incarnation, wrapped, .. }) = ticket;
        let scheme = challenge.scheme();
        let announced = self.config.authentication == Some(scheme);
        let understood = announced || self.session.client.takes_any_scheme();
        if !understood || self.session.challenges >= self.config.limits.challenges {
            self.refuse_file(incarnation, HResult::ACCESS_DENIED.into());
            return Ok(());
        }
        self.session.challenges = self.session.challenges.saturating_add(1);
        let token = match challenge {
            ServerChallenge::Basic { realm } => basic_realm(&realm),
            ServerChallenge::Ntlm { token } => NtlmToken { message: token, wrapped }.to_token(),
        };
        let cookie = self.entropy.word();
        self.state = State::Challenged(Challenged { path, scheme, incarnation, cookie });
        self.timers.arm(Timer::Handshake, self.core.now(), self.config.timeouts.handshake());
        self.send(SecurityChallenge { incarnation, cookie, token });
        Ok(())
    }

    /// 3.2.5.7
    pub(super) fn on_security_response(&mut self, response: SecurityResponse) -> Result<(), Error> {
        let message = MessageId::SECURITY_RESPONSE;
        let State::Challenged(challenged) = &self.state else {
            return self.core.on_deviation(Deviation::OutOfPlace(MessageKind::Mmsp(message)));
        };
        let Challenged { path, scheme, incarnation: expected, cookie } = challenged.clone();
        if response.cookie != cookie {
            // Not taken: what it proves, it proves to a challenge that is over.
            let (expected, found) = (cookie, response.cookie);
            return self
                .core
                .on_deviation(Deviation::Mmsp(MmspDeviation::StaleResponse { expected, found }));
        }
        let found = response.incarnation;
        if found != expected {
            self.core.on_deviation(Deviation::Mmsp(MmspDeviation::AnswerIncarnation {
                message,
                expected,
                found,
            }))?;
        }
        self.ask(message, path, found, Some(scheme), &response.token)
    }

    /// Asks the application about a file, with the credentials that came in `message`.
    pub(super) fn ask(
        &mut self,
        message: MessageId,
        path: String,
        incarnation: u32,
        scheme: Option<AuthScheme>,
        token: &Bytes,
    ) -> Result<(), Error> {
        let (credentials, wrapped) = scheme.map_or((None, false), |scheme| read(scheme, token));
        // Nothing but zeros is how both schemes say nothing.
        let says_something = token.iter().any(|&byte| byte != 0);
        if scheme.is_some() && credentials.is_none() && says_something {
            self.core.on_deviation(Deviation::UnreadableCredentials(MessageKind::Mmsp(message)))?;
        }
        // From here on it is the application that takes its time, and what the client sends
        // meanwhile is not looked at.
        self.timers.stop(Timer::Handshake);
        self.timers.stop(Timer::KeepAlive);
        self.state = State::OpenAsked;
        let round = self.session.challenges;
        self.core.event(ServerEvent::Open(OpenRequest {
            path,
            credentials,
            round,
            ticket: Ticket { incarnation, cookie: 0, wrapped }.into(),
        }));
        Ok(())
    }
}

/// The credentials in a token, and whether they were wrapped.
fn read(scheme: AuthScheme, token: &Bytes) -> (Option<Credentials>, bool) {
    match scheme {
        AuthScheme::Basic => {
            let credentials = read_basic_token(token)
                .map(|(user, password)| Credentials::Basic { user, password });
            (credentials, false)
        }
        AuthScheme::Ntlm => {
            let NtlmToken { message, wrapped } = NtlmToken::find(token);
            ((!message.is_empty()).then_some(Credentials::Token(message)), wrapped)
        }
    }
}
