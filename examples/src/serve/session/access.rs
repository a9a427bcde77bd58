//! Who may ask for anything: names and passwords, and those who guess them.

use std::time::{Duration, Instant};

use mms_proto::{Credentials, HResult, OpenRequest, ServerChallenge, StateError};

use super::{Reason, Session, Waiting};
use crate::serve::guesses::Guesses;
use crate::serve::users::Users;

/// What the password is for.
const REALM: &str = "Media";
/// How long the answer to a wrong password takes. A person does not notice; a program that guesses
/// has one guess a second, where a connection could carry thousands.
const DELAY: Duration = Duration::from_secs(1);
/// Wrong passwords after which the connection is closed.
const GUESSES: u32 = 4;
/// How often a password may wait for the address, about a second each, before it is refused.
const WAITS: u32 = 10;

/// What became of a request's name and password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Granted,
    NoPassword,
    WrongPassword,
    /// Not looked at before then: there were many wrong ones from this address.
    Slowed(Instant),
}

impl Session {
    /// Whether the player is somebody who may play.
    pub(super) fn admits(
        &mut self,
        now: Instant,
        users: &Users,
        guesses: &Guesses,
        request: &OpenRequest,
    ) -> Access {
        let network = self.who.network();
        let wait = guesses.wait(network, now).filter(|_| request.credentials.is_some());
        if let Some(until) = wait {
            return Access::Slowed(until);
        }
        match &request.credentials {
            Some(Credentials::Basic { user, password }) if users.admits(user, password) => {
                self.who.is_user(user);
                Access::Granted
            }
            Some(_) => {
                guesses.wrong(network, now);
                self.refused = Some("wrong name or password".to_owned());
                Access::WrongPassword
            }
            None => {
                self.refused = Some("no name and password".to_owned());
                Access::NoPassword
            }
        }
    }

    /// Asks who it is.
    pub(super) fn challenge(
        &mut self,
        now: Instant,
        request: OpenRequest,
    ) -> Result<(), StateError> {
        let challenge = ServerChallenge::Basic { realm: REALM.to_owned() };
        self.server.challenge(now, request, challenge)
    }

    /// The password was wrong: nothing is said for a while.
    pub(super) fn deny(&mut self, now: Instant, request: OpenRequest) -> Result<(), StateError> {
        self.guesses = self.guesses.saturating_add(1);
        match now.checked_add(DELAY) {
            Some(until) => {
                self.waiting = Some(Waiting { request, until, why: Reason::Denied });
                Ok(())
            }
            None => self.answer_denied(now, request),
        }
    }

    /// There were many wrong passwords from its address: this one is looked at later.
    pub(super) fn slow_down(
        &mut self,
        now: Instant,
        request: OpenRequest,
        until: Instant,
    ) -> Result<(), StateError> {
        self.slowed = self.slowed.saturating_add(1);
        if self.slowed <= WAITS {
            self.waiting = Some(Waiting { request, until, why: Reason::Slowed });
            return Ok(());
        }
        let why = "too many wrong passwords from its address".to_owned();
        self.refuse(now, request, HResult::ACCESS_DENIED, why)?;
        self.server.close(now);
        Ok(())
    }

    /// It may try again, but not for ever.
    pub(super) fn answer_denied(
        &mut self,
        now: Instant,
        request: OpenRequest,
    ) -> Result<(), StateError> {
        if self.guesses < GUESSES {
            return self.challenge(now, request);
        }
        self.server.reject(now, request, HResult::ACCESS_DENIED)?;
        self.server.close(now);
        Ok(())
    }
}
