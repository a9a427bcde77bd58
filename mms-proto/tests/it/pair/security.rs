//! Client and server together: challenges, redirects, refusals.

use std::time::Instant;

use crate::pair::media::{content, seconds};
use crate::pair::{Pair, ServerAct, play_once};
use bytes::Bytes;
use mms_proto::mmsp::message::basic_token;
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{
    AuthScheme, Challenge, ClientEvent, CloseReason, Content, Credentials, Error, HResult,
    Machine as _, OpenRequest, Phase, Redirect, ServerChallenge, ServerEvent,
};

fn client() -> ClientConfig {
    let mut config = ClientConfig::new("host", "file.wma");
    config.session.allow_clear_text = true;
    config
}

fn alice(password: &str) -> Credentials {
    Credentials::Basic { user: "alice".to_owned(), password: password.to_owned() }
}

/// Lets Alice in.
fn ask_for_a_password(server: &mut Server, now: Instant, request: OpenRequest, file: &Content) {
    if request.credentials == Some(alice("secret")) {
        server.accept(now, request, file.clone()).unwrap();
    } else {
        let realm = "the files".to_owned();
        server.challenge(now, request, ServerChallenge::Basic { realm }).unwrap();
    }
}

/// Lets in who goes through two rounds of NTLM.
fn ask_for_tokens(server: &mut Server, now: Instant, request: OpenRequest, file: &Content) {
    let challenge = match (request.round, &request.credentials) {
        (0, None) => Bytes::new(),
        (1, Some(Credentials::Token(token))) if token == &message(1)[..] => message(2),
        (2, Some(Credentials::Token(token))) if token == &message(3)[..] => {
            return server.accept(now, request, file.clone()).unwrap();
        }
        other => panic!("{other:?}"),
    };
    server.challenge(now, request, ServerChallenge::Ntlm { token: challenge }).unwrap();
}

/// Message 1, 2 or 3 of MS-NLMP.
fn message(kind: u8) -> Bytes {
    [b"NTLMSSP\0", &[kind, 0, 0, 0][..], &[kind; 40]].concat().into()
}

/// Answers requests for the file like this.
fn answering(
    mut open: impl FnMut(&mut Server, Instant, OpenRequest, &Content) + 'static,
) -> ServerAct {
    Box::new(move |server, now, event| match event {
        ServerEvent::Open(request) => {
            open(server, now, request, &content(5));
            None
        }
        other => Some(other),
    })
}

/// A client that answers challenges, and a server that makes them.
fn secured(
    client: ClientConfig,
    server: ServerConfig,
    open: impl FnMut(&mut Server, Instant, OpenRequest, &Content) + 'static,
    mut answer: impl FnMut(&Challenge) -> Credentials + 'static,
) -> Pair {
    let mut pair = Pair::new(client, server, content(5));
    pair.server.app.act = answering(open);
    pair.client.app.act = Box::new(move |client: &mut Client, now, event| match event {
        ClientEvent::Challenge(challenge) => {
            client.authenticate(now, challenge, &answer(challenge)).unwrap();
        }
        _ => play_once(client, now, event),
    });
    pair
}

fn basic() -> ServerConfig {
    ServerConfig::default().authentication(AuthScheme::Basic)
}

fn count(log: &[(std::time::Duration, String)], begin: &str) -> usize {
    log.iter().filter(|(_, event)| event.starts_with(begin)).count()
}

/// It was played to the end, and nobody found anything wrong.
fn assert_played(pair: &Pair) {
    assert_eq!(pair.packets(), [0, 1, 2, 3, 4]);
    assert_eq!(*pair.heard().last().unwrap(), "Closed(Local)");
    assert_eq!(
        (pair.client.machine.stats().deviations, pair.server.machine.stats().deviations),
        (0, 0)
    );
}

fn assert_ended(pair: &Pair, client: &CloseReason, server: &CloseReason) {
    assert_eq!(*pair.heard().last().unwrap(), format!("Closed({client:?})"));
    assert_eq!(pair.server.app.log.last().unwrap().1, format!("Closed({server:?})"));
}

fn refused(phase: Phase, hr: HResult) -> CloseReason {
    CloseReason::Failed(Error::Refused { phase, hr })
}

#[test]
fn a_password() {
    // MMSP-S-022, MMSP-S-023
    for piece in [1, 7, usize::MAX] {
        let mut pair = secured(client(), basic(), ask_for_a_password, |challenge| {
            assert_eq!(challenge.scheme, AuthScheme::Basic);
            assert_eq!(challenge.realm.as_deref(), Some("the files"));
            alice("secret")
        });
        pair.cut = Box::new(move |_, _| piece);
        pair.run();
        assert_played(&pair);
        assert_eq!(count(&pair.client.app.log, "Challenge"), 1);
        assert_eq!(count(&pair.server.app.log, "Open"), 2);
    }
}

#[test]
fn a_password_that_is_known_already() {
    // MMSP-S-021
    let mut config = client();
    config.cached_token = basic_token("alice", "secret");
    let mut pair = secured(config, basic(), ask_for_a_password, |_| panic!("asked again"));
    pair.run();
    assert_played(&pair);
}

#[test]
fn a_wrong_password_and_then_the_right_one() {
    // MMSP-S-023, MMSP-S-026
    let mut pair =
        secured(client(), basic(), ask_for_a_password, |challenge| match challenge.round {
            0 => alice("guess"),
            1 => alice(""),
            _ => alice("secret"),
        });
    pair.run();
    assert_played(&pair);
    assert_eq!(count(&pair.client.app.log, "Challenge"), 3);
}

#[test]
fn wrong_passwords_only() {
    // The server refuses the file in the end.
    let mut pair = secured(client(), basic(), ask_for_a_password, |_| alice("guess"));
    pair.run();
    assert_eq!(count(&pair.client.app.log, "Challenge"), 4);
    assert_eq!(count(&pair.server.app.log, "Open"), 5);
    assert_ended(&pair, &refused(Phase::Opening, HResult::ACCESS_DENIED), &CloseReason::Peer);
    // A client that has less patience gives up.
    let mut config = client();
    config.session.limits.challenges = 2;
    let mut pair = secured(config, basic(), ask_for_a_password, |_| alice("guess"));
    pair.run();
    assert_eq!(count(&pair.client.app.log, "Challenge"), 2);
    assert_ended(&pair, &CloseReason::Failed(Error::Unauthorized), &CloseReason::Peer);
}

#[test]
fn nobody_types_a_password() {
    let mut pair = Pair::new(client(), basic(), content(5));
    pair.server.app.act = answering(ask_for_a_password);
    pair.run();
    let (at, ended) = pair.server.app.log.last().unwrap();
    assert_eq!(*at, seconds(30));
    assert!(ended.contains("TimedOut") && ended.contains("Authenticating"), "{ended}");
    let (at, ended) = pair.client.app.log.last().unwrap();
    assert_eq!(*at, seconds(30));
    assert!(ended.contains("Disconnected") && ended.contains("Authenticating"), "{ended}");
}

#[test]
fn tokens_of_ntlm() {
    // MMSP-S-022, MMSP-S-023, MMSP-S-024: old servers are known by what they announced.
    for version in ["9.01.01.3814", "4.1.0.3934"] {
        let mut server = ServerConfig::default().authentication(AuthScheme::Ntlm);
        server.version = version.to_owned();
        let mut pair = secured(client(), server, ask_for_tokens, |challenge| {
            assert_eq!((challenge.scheme, &challenge.realm), (AuthScheme::Ntlm, &None));
            match challenge.round {
                0 => assert!(challenge.token.is_empty()),
                _ => assert_eq!(challenge.token, message(2)),
            }
            Credentials::Token(message(if challenge.round == 0 { 1 } else { 3 }))
        });
        pair.run();
        assert_played(&pair);
        assert_eq!(count(&pair.client.app.log, "Challenge"), 2);
    }
}

#[test]
fn a_redirect() {
    // MMSP-S-018
    for target in [
        Redirect::Url("mmst://elsewhere/file.wma?x=1".to_owned()),
        Redirect::Proxy(Some("proxy:8080".to_owned())),
        Redirect::Proxy(None),
    ] {
        let mut pair = Pair::simple(5);
        let sent = target.clone();
        pair.server.app.act = answering(move |server, now, request, _| {
            server.redirect(now, request, sent.clone()).unwrap();
        });
        pair.run();
        // A proxy is named by a URL, 2.2.4.9.
        let target = match target {
            Redirect::Proxy(Some(proxy)) => Redirect::Proxy(Some(format!("mmst://{proxy}"))),
            other => other,
        };
        assert!(pair.heard().contains(&&*format!("Redirected({target:?})")));
        assert_ended(&pair, &CloseReason::Redirected, &CloseReason::Redirected);
        assert_eq!(
            (pair.client.machine.stats().deviations, pair.server.machine.stats().deviations),
            (0, 0)
        );
    }
}

#[test]
fn a_full_server() {
    let server = ServerConfig::default().refusal(HResult::MAX_CLIENTS);
    let mut pair = Pair::new(client(), server, content(5));
    pair.run();
    assert_ended(&pair, &refused(Phase::Connecting, HResult::MAX_CLIENTS), &CloseReason::Local);
    assert_eq!(count(&pair.server.app.log, "Connected"), 1);
}
