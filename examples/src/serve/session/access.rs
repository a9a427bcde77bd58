//! Who may ask for anything: names and passwords, and those who guess them.

use std::time::{Duration, Instant};

use mms_proto::{Credentials, HResult, OpenRequest, ServerChallenge, StateError};

use super::{Reason, Session, Waiting};
use crate::serve::users::Users;

/// What the password is for.
const REALM: &str = "Media";
/// How long the answer to a wrong password takes. A person does not notice; a program that guesses
/// has one guess a second, where a connection could carry thousands.
const DELAY: Duration = Duration::from_secs(1);
/// Wrong passwords after which the connection is closed.
const GUESSES: u32 = 4;

/// What became of a request's name and password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Granted,
    NoPassword,
    WrongPassword,
}

impl Session {
    /// Whether the player is somebody who may play.
    pub(super) fn admits(&mut self, users: &Users, request: &OpenRequest) -> Access {
        match &request.credentials {
            Some(Credentials::Basic { user, password }) if users.admits(user, password) => {
                self.who.is_user(user);
                Access::Granted
            }
            Some(_) => {
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
