//! Who asks for what, and what they get.

use std::time::Instant;

use mms_proto::{Credentials, HResult, OpenRequest, Redirect, ServerChallenge, StateError};

use super::{Session, Source};
use crate::serve::House;
use crate::serve::catalog::Found;
use crate::serve::report::shortened;
use crate::serve::users::Users;

/// What the password is for.
const REALM: &str = "Media";

impl Session {
    pub(super) fn open(
        &mut self,
        now: Instant,
        request: OpenRequest,
        house: &House,
    ) -> Result<(), StateError> {
        self.file = Some(shortened(&request.path));
        self.source = Source::Nothing;
        if let Some(users) = &house.users {
            if !self.admit(users, &request) {
                let challenge = ServerChallenge::Basic { realm: REALM.to_owned() };
                return self.server.challenge(now, request, challenge);
            }
        }
        self.refused = None;
        match house.catalog.find(&request.path) {
            Found::Title(path) => match house.titles.open(&path) {
                Ok(mut title) => {
                    title.strip_padding(self.strips_padding);
                    let content = title.content().clone();
                    self.source = Source::Title(Box::new(title));
                    self.opened(house);
                    self.server.accept(now, request, content)
                }
                Err(error) => self.refuse(now, request, error.hresult(), error.to_string()),
            },
            Found::Playlist(playlist) => {
                let mut list = playlist.open();
                list.title().strip_padding(self.strips_padding);
                let content = list.title().content().clone();
                self.source = Source::Playlist(Box::new(list));
                self.opened(house);
                self.server.accept(now, request, content)
            }
            Found::Channel => self.open_live(now, request, house),
            Found::Redirect(url) => {
                self.refused = Some(format!("sent to {url}"));
                let url = url.to_owned();
                self.server.redirect(now, request, Redirect::Url(url))
            }
            Found::Missing => {
                let why = "there is no such file".to_owned();
                self.refuse(now, request, HResult::FILE_NOT_FOUND, why)
            }
        }
    }

    pub(super) fn opened(&self, house: &House) {
        house.report.opened(&self.who, self.file.as_deref().unwrap_or_default());
    }

    pub(super) fn refuse(
        &mut self,
        now: Instant,
        request: OpenRequest,
        hr: HResult,
        why: String,
    ) -> Result<(), StateError> {
        self.refused = Some(why);
        self.server.reject(now, request, hr)
    }

    /// Whether the player is somebody who may play.
    fn admit(&mut self, users: &Users, request: &OpenRequest) -> bool {
        match &request.credentials {
            Some(Credentials::Basic { user, password }) if users.admits(user, password) => {
                self.who.is_user(user);
                true
            }
            Some(_) => {
                self.refused = Some("wrong name or password".to_owned());
                false
            }
            None => {
                self.refused = Some("no name and password".to_owned());
                false
            }
        }
    }
}
