//! Opening a file: names, redirects, credentials.

use bytes::Bytes;
use mms_proto::MessageKind;
use mms_proto::mmsp::message::{
    ClientMessage, MessageId, NtlmToken, OpenFile, ReadBlock, ReportConnectedEx, ReportOpenFile,
    ReportRedirect, SecurityChallenge, SecurityResponse, ServerMessage,
};
use mms_proto::mmsp::{ClientConfig, Incarnations};
use mms_proto::{
    AuthScheme, Challenge, ClientEvent, CloseReason, Credentials, Error, HResult, Machine as _,
    Phase, Redirect, StateError,
};

use super::harness::*;

fn challenge(cookie: u32, token: impl Into<Bytes>) -> ServerMessage {
    SecurityChallenge { incarnation: OPEN, cookie, token: token.into() }.into()
}

fn realm(text: &str) -> Bytes {
    let units = format!("realm=\"{text}\"\0");
    units.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The challenge that is the only event.
fn asked(script: &mut Script) -> Challenge {
    match <[ClientEvent; 1]>::try_from(script.events()) {
        Ok([ClientEvent::Challenge(challenge)]) => challenge,
        other => panic!("{other:?}"),
    }
}

fn basic() -> Credentials {
    Credentials::Basic { user: "Aladdin".to_owned(), password: "open sesame".to_owned() }
}

/// A session that waits for its file, with a server of this version and scheme.
fn opening(version: &str, authentication: &str, config: ClientConfig) -> Script {
    let mut script = Script::new(config);
    let ServerMessage::ReportConnectedEx(report) = connected(version) else {
        panic!("another message");
    };
    script.say(ReportConnectedEx { authentication: authentication.to_owned(), ..report });
    script.say(funnel_info(Default::default(), &[]));
    script.say(funnel());
    script.sent();
    script.events();
    assert_eq!(script.machine.phase(), Phase::Opening);
    script
}

fn clear_text() -> ClientConfig {
    let mut config = config();
    config.session.allow_clear_text = true;
    config
}

#[test]
fn the_file_is_named() {
    // MMSP-C-027, MMSP-C-028, MMSP-C-029, MMSP-C-030, MMSP-C-031
    // The caller decodes the URL; here the path goes out as it is.
    let mut config = ClientConfig::new("h", "a b.wmv?token=%20");
    config.cached_token = Bytes::from_static(b"cached\0");
    config.session.allow_clear_text = true;
    let mut script = Script::at(Phase::ChoosingTransport, config);
    script.say(funnel());
    let expected = OpenFile {
        incarnation: OPEN,
        path: "a b.wmv?token=%20".to_owned(),
        token: Bytes::from_static(b"cached\0"),
    };
    assert_eq!(script.sent(), [expected.into()]);
    // The play command has the next label.
    let mut script = Script::at(Phase::Ready, self::config());
    script.play(all());
    assert_eq!(script.sent_play().incarnation, OPEN + 1);
}

#[test]
fn the_labels_of_old_players() {
    // MMSP-C-028
    let mut config = config();
    config.incarnations = Incarnations::of_old_players();
    let mut script = Script::at(Phase::ChoosingTransport, config);
    script.say(funnel());
    let ClientMessage::OpenFile(open) = script.sent_one() else {
        panic!("another message");
    };
    assert_eq!(open.incarnation, 1);
}

#[test]
fn the_name_of_the_file_is_repeated() {
    // MMSP-C-041
    let mut script = Script::at(Phase::Opening, config());
    script.say(opened(file()));
    script.say(read_block());
    script.feed(&data(0, HEADER, 0x0C, ASF));
    script.play(all());
    script.say(switched(HResult::OK));
    script.say(started(PLAY));
    script.stop();
    script.say(ended(HResult::OK, PLAY));
    script.play(all().rate(mms_proto::Rate::new(2.0).unwrap()));
    script.close();
    script.say(ended(HResult::OK, PLAY + 1));
    let mut named = Vec::new();
    for message in script.sent() {
        named.push(match message {
            ClientMessage::ReadBlock(message) => message.open_file_id,
            ClientMessage::StartPlaying(message) => message.open_file_id,
            ClientMessage::StartStriding(message) => message.open_file_id,
            ClientMessage::StopPlaying(message) => message.open_file_id,
            ClientMessage::Logging(message) => message.open_file_id,
            ClientMessage::CloseFile(message) => message.open_file_id,
            ClientMessage::StreamSwitch(_) => FILE,
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(named, [FILE; 10]);
}

#[test]
fn a_file_that_is_not_there() {
    // MMSP-C-042, MMSP-C-105
    for hr in [HResult::FILE_NOT_FOUND, HResult(0x8007_1234)] {
        let mut script = Script::at(Phase::Opening, config());
        let (incarnation, result) = (OPEN, Err(hr.into()));
        script.say(ReportOpenFile { incarnation, result });
        let phase = Phase::Opening;
        script.assert_failed(&Error::Refused { phase, hr });
    }
}

#[test]
fn redirected_to_another_server_and_then_to_a_proxy() {
    // MMSP-C-007, MMSP-C-032, MMSP-C-033, MMSP-C-034
    let mut config = config();
    config.session.guid = uuid();
    config.packet_pair = true;
    let subscriber = |script: &mut Script| match script.sent_one() {
        ClientMessage::Connect(connect) => connect.subscriber,
        other => panic!("{other:?}"),
    };
    let follow = |config: ClientConfig, target: Redirect| {
        let mut script = Script::at(Phase::Opening, config);
        let hr = HResult::OK;
        script.say(ReportRedirect { hr, target: target.clone() });
        assert_eq!(script.sent(), [], "nothing is closed: the file is not open");
        assert_eq!(
            script.events(),
            [ClientEvent::Redirected(target.clone()), ClientEvent::Closed(CloseReason::Redirected)]
        );
        assert_eq!(script.deadline, None);
        script.machine.config().redirected(&target).unwrap()
    };
    let first = subscriber(&mut Script::new(config.clone()));
    let url = Redirect::Url("mmst://other:99/new.wmv".to_owned());
    let next = follow(config, url);
    assert_eq!(next.connect_to(), ("other", 99));
    let second = subscriber(&mut Script::new(next.clone()));
    assert_eq!(second, first.replace("example.org", "other:99"));
    // A URL as the specification has it, and host and port alone.
    let by_url = follow(next.clone(), Redirect::Proxy(Some("mms://cache".to_owned())));
    assert_eq!(by_url.connect_to(), ("cache", 1755));
    let next = follow(next, Redirect::Proxy(Some("cache:8000".to_owned())));
    assert_eq!(next.connect_to(), ("cache", 8000));
    assert!(next.packet_pair);
    assert_eq!(subscriber(&mut Script::new(next.clone())), second);
    let next = follow(next, Redirect::Proxy(None));
    assert_eq!((next.connect_to(), next.session.hops), (("other", 99), 3));
    let mut script = Script::at(Phase::ChoosingTransport, next);
    script.say(funnel());
    let ClientMessage::OpenFile(open) = script.sent_one() else {
        panic!("another message");
    };
    assert_eq!(open.path, "new.wmv");
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(0x0123_4567_89AB_CDEF)
}

#[test]
fn a_redirect_that_goes_nowhere() {
    // MMSP-C-035
    let mut script = Script::at(Phase::Opening, config());
    let target = Redirect::Url("http://h/x".to_owned());
    let hr = HResult::FAIL;
    script.say(ReportRedirect { hr, target: target.clone() });
    let phase = Phase::Opening;
    script.assert_failed(&Error::Refused { phase, hr });
    assert!(script.machine.config().redirected(&target).is_err());
    // At any other time it is not possible to follow one.
    for phase in [Phase::Connecting, Phase::Ready, Phase::Streaming] {
        let mut script = Script::at(phase, config());
        let hr = HResult::OK;
        script.say(ReportRedirect { hr, target: target.clone() });
        let message = MessageId::REPORT_REDIRECT;
        script.assert_failed(&Error::Unexpected { message: MessageKind::Mmsp(message), phase });
    }
}

#[test]
fn a_password() {
    // MMSP-C-036, MMSP-C-038
    let mut script = opening("9.1", "BASIC", clear_text());
    script.say(challenge(77, realm("the vault")));
    let challenge = asked(&mut script);
    assert_eq!(challenge.scheme, AuthScheme::Basic);
    assert_eq!(challenge.realm.as_deref(), Some("the vault"));
    assert_eq!(challenge.round, 0);
    assert_eq!(script.machine.phase(), Phase::Authenticating);
    assert_eq!(script.deadline, None, "a person may take their time");
    script.give(|client, now| client.authenticate(now, &challenge, &basic())).unwrap();
    script.poll();
    let expected = SecurityResponse {
        incarnation: OPEN,
        cookie: 77,
        token: Bytes::from_static(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==\0"),
    };
    assert_eq!(script.sent(), [expected.into()]);
    script.say(opened(file()));
    assert!(matches!(script.sent_one(), ClientMessage::ReadBlock(ReadBlock { .. })));
}

#[test]
fn a_password_is_not_sent_without_permission() {
    // MMSP-C-038
    let mut script = opening("9.1", "BASIC", config());
    script.say(challenge(77, realm("r")));
    let challenge = asked(&mut script);
    let mut answer = |credentials| {
        let answer = script.give(|client, now| client.authenticate(now, &challenge, &credentials));
        script.poll();
        answer
    };
    assert_eq!(answer(basic()), Err(StateError::ClearText));
    let token = Credentials::Token(Bytes::from_static(b"NTLMSSP\0"));
    assert_eq!(answer(token), Err(StateError::Scheme));
    assert_eq!(script.sent(), []);
    assert_eq!(script.machine.phase(), Phase::Authenticating);
    script.close();
    assert_eq!(script.sent(), []);
    script.assert_closed(CloseReason::Local);
}

#[test]
fn refused_again_and_again() {
    // MMSP-C-040
    let mut script = opening("9.1", "BASIC", clear_text());
    let mut answered = Vec::new();
    for round in 0..4 {
        script.say(challenge(round, realm("r")));
        let challenge = asked(&mut script);
        assert_eq!(challenge.round, round);
        // The server would be told a cookie that it has forgotten.
        for old in &answered {
            let refused = script.give(|client, now| client.authenticate(now, old, &basic()));
            assert_eq!(refused, Err(StateError::OldChallenge));
        }
        script.give(|client, now| client.authenticate(now, &challenge, &basic())).unwrap();
        script.poll();
        answered.push(challenge);
    }
    script.say(challenge(4, realm("r")));
    script.assert_failed(&Error::Unauthorized);
}

#[test]
fn tokens_pass_through_wrapped_or_not() {
    // MMSP-C-036, MMSP-C-039 (all but the computing)
    let negotiate = Bytes::from_static(b"NTLMSSP\0\x01\0\0\0negotiate");
    let challenged = Bytes::from_static(b"NTLMSSP\0\x02\0\0\0challenge");
    let authenticate = Bytes::from_static(b"NTLMSSP\0\x03\0\0\0authenticate");
    for wrapped in [false, true] {
        let token = |message: &Bytes| {
            let message = message.clone();
            NtlmToken { message, wrapped }.to_token()
        };
        let mut script = opening("9.1", "NTLM", config());
        script.say(challenge(1, Bytes::from_static(&[0, 0])));
        let first = asked(&mut script);
        assert_eq!((first.scheme, &first.realm), (AuthScheme::Ntlm, &None));
        assert!(first.token.is_empty());
        let answer = |script: &mut Script, challenge: &Challenge, message: &Bytes| {
            let credentials = Credentials::Token(message.clone());
            let now = script.now;
            script.machine.authenticate(now, challenge, &credentials).unwrap();
            script.poll();
            match script.sent_one() {
                ClientMessage::SecurityResponse(response) => (response.cookie, response.token),
                other => panic!("{other:?}"),
            }
        };
        // Nothing was wrapped yet, so the first answer is not.
        let bare = [&[0, 0], &negotiate[..]].concat();
        assert_eq!(answer(&mut script, &first, &negotiate), (1, bare.into()));
        script.say(challenge(2, token(&challenged)));
        let second = asked(&mut script);
        assert_eq!((&second.token, second.round), (&challenged, 1));
        let expected = (2, token(&authenticate));
        assert_eq!(answer(&mut script, &second, &authenticate), expected);
        script.say(opened(file()));
        assert_eq!(script.machine.phase(), Phase::ReadingHeader);
    }
}

#[test]
fn which_scheme() {
    // MMSP-C-013, MMSP-C-037
    use AuthScheme::{Basic, Ntlm};
    let zeros = Bytes::from_static(&[0, 0]);
    for (version, announced, token, expected) in [
        ("9.1", "NTLM", realm("r"), Basic),
        ("9.1", "BASIC", zeros.clone(), Ntlm),
        ("4.1", "NTLM", realm("r"), Basic),
        ("4.1", "BASIC", zeros.clone(), Basic),
        ("4.1", "", zeros, Ntlm),
    ] {
        let mut script = opening(version, announced, config());
        script.say(challenge(1, token));
        assert_eq!(asked(&mut script).scheme, expected, "{version} {announced}");
    }
}

#[test]
fn a_challenge_at_the_wrong_time() {
    // MMSP-C-105
    for phase in [Phase::ChoosingTransport, Phase::Ready, Phase::Streaming] {
        let mut script = Script::at(phase, config());
        script.say(challenge(1, realm("r")));
        let message = MessageId::SECURITY_CHALLENGE;
        script.assert_failed(&Error::Unexpected { message: MessageKind::Mmsp(message), phase });
    }
}

#[test]
fn only_pings_are_answered_while_a_challenge_waits() {
    // MMSP-C-036, MMSP-C-055
    let mut script = opening("9.1", "BASIC", clear_text());
    script.say(challenge(1, realm("r")));
    let challenge = asked(&mut script);
    script.say(mms_proto::mmsp::message::Ping);
    assert!(matches!(script.sent_one(), ClientMessage::Pong(_)));
    assert_eq!(script.machine.phase(), Phase::Authenticating);
    script.say(opened(file()));
    script.say(mms_proto::mmsp::message::Ping);
    assert_eq!((script.sent(), script.events()), (vec![], vec![]));
    script.give(|client, now| client.authenticate(now, &challenge, &basic())).unwrap();
    script.poll();
    assert_eq!(script.sent().len(), 3, "the response, ReadBlock, Pong");
}

#[test]
fn the_server_goes_while_a_challenge_waits() {
    // MMSP-C-105
    let mut script = opening("9.1", "BASIC", clear_text());
    script.say(challenge(1, realm("r")));
    script.hang_up();
    let phase = Phase::Authenticating;
    let mid_frame = false;
    script.assert_failed(&Error::Disconnected { phase, mid_frame });
    // Also behind something that waits.
    let mut script = opening("9.1", "BASIC", clear_text());
    script.say(challenge(1, realm("r")));
    script.say(opened(file()));
    script.hang_up();
    script.assert_failed(&Error::Disconnected { phase, mid_frame });
}

#[test]
fn a_cached_password_needs_permission_as_well() {
    // MMSP-C-031
    for (token, allowed, sent) in [
        (&b"dTpw\0"[..], false, false),
        (b"dTpw\0", true, true),
        (b"NTLMSSP\0\x01\0\0\0", false, true),
    ] {
        let mut config = config();
        config.cached_token = Bytes::from_static(token);
        config.session.allow_clear_text = allowed;
        let mut script = Script::at(Phase::ChoosingTransport, config);
        script.say(funnel());
        let ClientMessage::OpenFile(open) = script.sent_one() else {
            panic!("another message");
        };
        assert_eq!(open.token, if sent { token } else { b"" }, "{token:?}");
    }
}
