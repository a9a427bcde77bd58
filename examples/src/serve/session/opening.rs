//! Who asks for what, and what they get.

use std::time::Instant;

use mms_proto::{HResult, OpenRequest, Redirect, StateError};

use super::access::Access;
use super::{Session, Source};
use crate::arguments::shown_address;
use crate::serve::House;
use crate::serve::catalog::Found;
use crate::serve::report::shortened;

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
            match self.admits(now, users, &house.guesses, &request) {
                Access::Granted => {}
                Access::NoPassword => return self.challenge(now, request),
                Access::WrongPassword => return self.deny(now, request),
                Access::Slowed(until) => return self.slow_down(now, request, until),
            }
        }
        self.refused = None;
        let found = house.catalog.find(&request.path);
        // One name for one file, however it was asked for.
        if let Some(name) = house.catalog.name(&found) {
            self.file = Some(shortened(&name));
        }
        match found {
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
                self.refused = Some(format!("sent to {}", shown_address(url)));
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
}
