//! Server: who is there. MS-MMSP 3.2.5.6, 3.2.5.7, 2.2.4.14 and 2.2.4.24.

use crate::pair::media::{content, seconds};
use crate::pair::script::{Script, events, message, messages, open, open_request};
use crate::security::*;
use bytes::Bytes;
use mms_proto::mmsp::message::{
    MessageId, ReadBlock, ReportReadBlock, SecurityChallenge, SecurityResponse, ServerMessage,
};
use mms_proto::mmsp::{MmspDeviation, ServerConfig};
use mms_proto::{
    AuthScheme, Credentials, Deviation, Error, HResult, Machine as _, MessageKind, Missing, Phase,
    ServerTimeouts, StateError, Strictness,
};

#[test]
fn credentials_that_come_with_the_request() {
    // MMSP-S-021
    use AuthScheme::{Basic, Ntlm};
    let latin = Credentials::Basic { user: "\u{FC}".to_owned(), password: "\u{E9}:".to_owned() };
    let unicode = Credentials::Basic { user: "\u{6F22}".to_owned(), password: String::new() };
    for (scheme, token, credentials, readable) in [
        (Some(Basic), &b""[..], None, true),
        (Some(Basic), b"\0", None, true),
        (Some(Basic), ALADDIN, Some(aladdin()), true),
        (Some(Basic), &ALADDIN[..ALADDIN.len() - 1], Some(aladdin()), true),
        (Some(Basic), b"5ryiOg==\0junk", Some(unicode), true),
        (Some(Basic), b"/DrpOg==\0", Some(latin), true),
        (Some(Basic), b"bm8gY29sb24=\0", None, false),
        (Some(Basic), b"!\0", None, false),
        (Some(Basic), NEGOTIATE, None, false),
        (Some(Ntlm), b"", None, true),
        (Some(Ntlm), b"\0\0", None, true),
        (Some(Ntlm), NEGOTIATE, Some(ntlm_token()), true),
        (Some(Ntlm), &wrapped(NEGOTIATE), Some(ntlm_token()), true),
        (Some(Ntlm), &wrapped(NEGOTIATE)[2..], Some(ntlm_token()), true),
        (Some(Ntlm), ALADDIN, None, false),
        // With no scheme they are nobody's.
        (None, ALADDIN, None, true),
        (None, NEGOTIATE, None, true),
    ] {
        let mut config = ServerConfig::default();
        config.authentication = scheme;
        let mut script = connected(NEW, config);
        let got = script.send(open_with(token));
        let deviation = Deviation::UnreadableCredentials(MessageKind::Mmsp(MessageId::OPEN_FILE));
        let told = events(&got)[0] == format!("Deviation({deviation:?})");
        assert_eq!(told, !readable, "{scheme:?} {token:?}");
        let request = open_request(got);
        assert_eq!(request.credentials, credentials, "{scheme:?} {token:?}");
        assert_eq!((request.path.as_str(), request.round), ("dir/file.wma?x", 0));
    }
}

#[test]
fn a_challenge_with_basic() {
    // MMSP-S-022, MMSP-S-023, MMSP-S-025
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let mut request = open_request(script.send(open_with(b"")));
    let realm: Vec<u8> = "realm=\"files\"\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut label = 0xA1B2_C309;
    for round in 0..3 {
        assert_eq!(request.round, round);
        script.writes.clear();
        let challenge = challenge(&mut script, request, basic());
        assert_wrote(&script, label, &realm);
        assert_eq!(script.machine.phase(), Phase::Authenticating);
        // The client's label is echoed, whatever it is.
        let answer = response(&challenge, ALADDIN);
        label = 0xFFFF_0000 + round;
        let got = script.send(SecurityResponse { incarnation: label, ..answer });
        let (message, expected) = (MessageId::SECURITY_RESPONSE, challenge.incarnation);
        let odd =
            Deviation::Mmsp(MmspDeviation::AnswerIncarnation { message, expected, found: label });
        assert_eq!(events(&got)[0], format!("Deviation({odd:?})"));
        request = open_request(got);
        assert_eq!((&*request.path, &request.credentials), ("dir/file.wma?x", &Some(aladdin())));
        assert_eq!(script.machine.phase(), Phase::Opening);
    }
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    assert_eq!((report.incarnation, report.result.is_ok()), (label, true));
}

#[test]
fn a_challenge_with_ntlm_is_wrapped_if_the_response_was() {
    // MMSP-S-022, MMSP-S-023, MMSP-S-024, MMSP-S-025
    for (answer, second) in
        [(bare(NEGOTIATE), bare(CHALLENGE)), (wrapped(NEGOTIATE), wrapped(CHALLENGE))]
    {
        let mut script = connected(OLD, announcing(AuthScheme::Ntlm));
        let request = open_request(script.send(open_with(b"")));
        script.writes.clear();
        let first = challenge(&mut script, request, ntlm(b""));
        assert_wrote(&script, 0xA1B2_C309, &[0, 0]);
        let request = open_request(script.send(response(&first, &answer)));
        assert_eq!((&request.credentials, request.round), (&Some(ntlm_token()), 1));
        script.writes.clear();
        challenge(&mut script, request, ntlm(CHALLENGE));
        assert_wrote(&script, 0xA1B2_C309, &second);
        // The first message may come with the request already.
        let mut script = connected(OLD, announcing(AuthScheme::Ntlm));
        let request = open_request(script.send(open_with(&answer)));
        script.writes.clear();
        challenge(&mut script, request, ntlm(CHALLENGE));
        assert_wrote(&script, 0xA1B2_C309, &second);
    }
}

#[test]
fn which_client_may_be_challenged_how() {
    // MMSP-S-022: before version 8 with the announced scheme, or not at all.
    use AuthScheme::{Basic, Ntlm};
    for (subscriber, announced, asked, understood) in [
        ("NSPlayer/7.1", Some(Basic), basic(), true),
        ("NSPlayer/7.1", Some(Ntlm), ntlm(b""), true),
        ("NSPlayer/7.1", Some(Basic), ntlm(b""), false),
        ("NSPlayer/7.1", Some(Ntlm), basic(), false),
        ("NSPlayer/7.1", None, basic(), false),
        ("Spooooon!", Some(Ntlm), basic(), false),
        ("somebody", None, ntlm(b""), false),
        ("NSPlayer/8.0", Some(Ntlm), basic(), true),
        ("NSPlayer/8.0", Some(Basic), ntlm(b""), true),
        ("NSPlayer/9.0", None, basic(), true),
    ] {
        let mut config = ServerConfig::default();
        config.authentication = announced;
        let mut script = connected(subscriber, config);
        let request = open_request(script.send(open(9, "x")));
        script.give(|server, now| server.challenge(now, request, asked.clone())).unwrap();
        let got = message(&script.poll());
        let challenged = matches!(got, ServerMessage::SecurityChallenge(_));
        assert_eq!(challenged, understood, "{subscriber} {announced:?} {asked:?}");
        if !understood {
            assert_eq!(got, denied(9));
            let request = open_request(script.send(open(10, "y")));
            assert_eq!(request.round, 0, "none was sent");
        }
    }
}

#[test]
fn a_response_is_read_with_the_scheme_of_its_challenge() {
    // MMSP-S-023: not with the announced one.
    use AuthScheme::{Basic, Ntlm};
    for (announced, asked, answer, credentials) in [
        (Ntlm, basic(), ALADDIN.to_vec(), Some(aladdin())),
        (Ntlm, basic(), bare(NEGOTIATE), None),
        (Basic, ntlm(b""), bare(NEGOTIATE), Some(ntlm_token())),
        (Basic, ntlm(b""), ALADDIN.to_vec(), None),
    ] {
        let mut script = connected(NEW, announcing(announced));
        let request = open_request(script.send(open(9, "x")));
        let challenge = challenge(&mut script, request, asked);
        let got = script.send(response(&challenge, &answer));
        let deviation =
            Deviation::UnreadableCredentials(MessageKind::Mmsp(MessageId::SECURITY_RESPONSE));
        let told = events(&got)[0] == format!("Deviation({deviation:?})");
        assert_eq!(told, credentials.is_none());
        let request = open_request(got);
        assert_eq!(request.credentials, credentials);
        script.give(|server, now| server.reject(now, request, HResult::ACCESS_DENIED)).unwrap();
        assert_eq!(message(&script.poll()), denied(9));
    }
}

#[test]
fn a_stale_cookie_is_not_taken() {
    // MMSP-S-026
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let mut request = open_request(script.send(open(9, "x")));
    let mut earlier: Vec<SecurityChallenge> = Vec::new();
    for _ in 0..3 {
        let challenge = challenge(&mut script, request, basic());
        let foreseen = SecurityChallenge { cookie: !challenge.cookie, ..challenge.clone() };
        for stale in earlier.iter().chain([&foreseen]) {
            assert_ne!(stale.cookie, challenge.cookie);
            let got = script.send(response(stale, ALADDIN));
            let (expected, found) = (challenge.cookie, stale.cookie);
            let deviation = Deviation::Mmsp(MmspDeviation::StaleResponse { expected, found });
            assert_eq!(events(&got), [format!("Deviation({deviation:?})")]);
            assert_eq!(messages(&got), []);
            assert_eq!(script.machine.phase(), Phase::Authenticating);
        }
        request = open_request(script.send(response(&challenge, ALADDIN)));
        earlier.push(challenge);
    }
    // Another session has other cookies.
    let mut script = connected(NEW, announcing(AuthScheme::Basic).seed(1));
    let request = open_request(script.send(open(9, "x")));
    let challenge = challenge(&mut script, request, basic());
    assert!(earlier.iter().all(|earlier| earlier.cookie != challenge.cookie));
}

#[test]
fn a_strict_server_takes_nothing_stale() {
    // MMSP-S-026
    let config = announcing(AuthScheme::Basic).strictness(Strictness::Strict);
    let mut script = connected(NEW, config);
    let request = open_request(script.send(open(9, "x")));
    let challenge = challenge(&mut script, request, basic());
    let expected = challenge.cookie;
    let found = expected.wrapping_add(1);
    let got = script.send(SecurityResponse { cookie: found, ..response(&challenge, ALADDIN) });
    let error = Error::Deviation(Deviation::Mmsp(MmspDeviation::StaleResponse { expected, found }));
    assert_eq!(events(&got), [format!("Closed(Failed({error:?}))")]);
}

#[test]
fn a_response_at_any_other_moment() {
    let answer = || SecurityResponse { incarnation: 9, cookie: 0, token: Bytes::new() };
    let ignored = [format!(
        "Deviation({:?})",
        Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::SECURITY_RESPONSE))
    )];
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    assert_eq!(events(&script.send(answer())), ignored);
    let request = open_request(script.send(open(9, "x")));
    let challenge = challenge(&mut script, request, basic());
    let request = open_request(script.send(response(&challenge, ALADDIN)));
    // The same again waits until the application has answered, and is too late then.
    assert!(script.send(response(&challenge, ALADDIN)).is_empty());
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    assert_eq!(events(&script.poll()), ignored);
    let mut script = Script::playing(announcing(AuthScheme::Basic), content(3));
    assert_eq!(events(&script.send(answer())), ignored);
}

#[test]
fn the_time_for_a_response() {
    let timeouts = ServerTimeouts::default().with_handshake(seconds(5));
    let mut script = connected(NEW, announcing(AuthScheme::Basic).timeouts(timeouts));
    let request = open_request(script.send(open(9, "x")));
    // How long the application takes does not count.
    script.pass(seconds(60));
    let first = challenge(&mut script, request, basic());
    assert_eq!(script.deadline, Some(script.now + seconds(5)));
    script.pass(seconds(4));
    let request = open_request(script.send(response(&first, ALADDIN)));
    script.pass(seconds(60));
    challenge(&mut script, request, basic());
    // A response to another challenge gives no more time.
    script.pass(seconds(4));
    script.send(response(&first, ALADDIN));
    let (phase, missing) = (Phase::Authenticating, Missing::Reply);
    let error = Error::TimedOut { phase, missing, after: seconds(5) };
    assert_eq!(events(&script.pass(seconds(1))), [format!("Closed(Failed({error:?}))")]);
}

#[test]
fn as_many_challenges_as_allowed() {
    let mut config = announcing(AuthScheme::Basic);
    config.limits.challenges = 2;
    let mut script = connected(NEW, config);
    let mut request = open_request(script.send(open(9, "x")));
    for _ in 0..2 {
        let challenge = challenge(&mut script, request, basic());
        request = open_request(script.send(response(&challenge, b"\0")));
        assert_eq!(request.credentials, None);
    }
    script.give(|server, now| server.challenge(now, request, basic())).unwrap();
    assert_eq!(message(&script.poll()), denied(9));
    // Another request begins no other count, but can be granted.
    let request = open_request(script.send(open(10, "y")));
    assert_eq!(request.round, 2);
    script.give(|server, now| server.challenge(now, request, basic())).unwrap();
    assert_eq!(message(&script.poll()), denied(10));
    let request = open_request(script.send(open(11, "z")));
    script.give(|server, now| server.accept(now, request, content(3))).unwrap();
    let ServerMessage::ReportOpenFile(report) = message(&script.poll()) else { panic!() };
    assert!(report.result.is_ok());
}

#[test]
fn four_challenges_by_default() {
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let mut request = open_request(script.send(open(9, "x")));
    for _ in 0..4 {
        let challenge = challenge(&mut script, request, basic());
        request = open_request(script.send(response(&challenge, b"\0")));
    }
    script.give(|server, now| server.challenge(now, request, basic())).unwrap();
    assert_eq!(message(&script.poll()), denied(9));
}

#[test]
fn something_else_instead_of_a_response() {
    // Another file: the challenge is over.
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let request = open_request(script.send(open(9, "x")));
    let first = challenge(&mut script, request, basic());
    let request = open_request(script.send(open(10, "y")));
    assert_eq!((&*request.path, request.round), ("y", 1));
    let second = challenge(&mut script, request, basic());
    assert_eq!(second.incarnation, 10);
    assert!(events(&script.send(response(&first, ALADDIN)))[0].contains("StaleResponse"));
    // A header, by a player that took the challenge for a file (T44).
    let got = script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
    let refused = ReportReadBlock { hr: HResult::INVALID_REQUEST, incarnation: 2 };
    assert_eq!(message(&got), refused.into());
    assert_eq!(events(&got), ["Closed(Local)"]);
    // Nothing at all.
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let request = open_request(script.send(open(9, "x")));
    challenge(&mut script, request, basic());
    assert_eq!(events(&script.hang_up()), ["Closed(Peer)"]);
    // Nothing, and nobody is left to be challenged.
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let request = open_request(script.send(open(9, "x")));
    script.hang_up();
    let answer = script.give(|server, now| server.challenge(now, request, basic()));
    let wrong = StateError::Phase { operation: "challenge a client", phase: Phase::Closed };
    assert_eq!(answer, Err(wrong));
}

#[test]
fn passwords_are_in_no_log() {
    let mut script = connected(NEW, announcing(AuthScheme::Basic));
    let text = events(&script.send(open_with(ALADDIN))).concat();
    assert!(text.contains("Aladdin") && !text.contains("sesame"), "{text}");
}
