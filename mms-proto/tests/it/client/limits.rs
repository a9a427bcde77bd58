//! Each default limit at its edge: what it allows, and one more.

use bytes::Bytes;
use mms_proto::mmsp::message::{OpenedFile, Ping, SecurityChallenge};
use mms_proto::{CloseReason, ConnectionId, Error, Machine as _, Phase, Problem};

use super::harness::*;

/// The error that ended the session, if one did.
fn failure(script: &mut Script) -> Option<Error> {
    script.events().into_iter().find_map(|event| match event {
        mms_proto::ClientEvent::Closed(CloseReason::Failed(error)) => Some(error),
        _ => None,
    })
}

#[test]
fn a_message_of_64_kib() {
    for (length, fits) in [(65_536_u32, true), (65_537, false)] {
        let mut head = vec![1, 0, 0, 0, 0xCE, 0xFA, 0x0B, 0xB0];
        head.extend(length.to_le_bytes());
        head.extend(b"MMS ");
        let mut script = Script::new(config());
        script.feed(&head);
        let error = failure(&mut script);
        assert_eq!(error.is_none(), fits, "{length}: {error:?}");
        if let Some(Error::Decode(error)) = error {
            let problem = Problem::AboveLimit { found: length.into(), limit: 65_536 };
            assert_eq!(error.problem, problem);
        }
    }
}

#[test]
fn a_header_of_16_mib() {
    let most = 16 << 20;
    for (header_size, fits) in [(most, true), (most + 1, false)] {
        let mut script = Script::at(Phase::Opening, config());
        script.say(opened(OpenedFile { header_size, ..file() }));
        let what = "bytes of the ASF header";
        let (value, limit) = (header_size.into(), most.into());
        let error = (!fits).then_some(Error::Limit { what, value, limit });
        assert_eq!(failure(&mut script), error);
    }
    // What comes is counted as well, whatever was announced.
    let mut script = Script::at(Phase::ReadingHeader, config());
    let piece = data(0, HEADER, 4, &vec![0; 60_000]);
    let pieces = u32::try_from((16 << 20) / 60_000).unwrap();
    for number in 0..=pieces {
        assert_eq!(script.machine.phase(), Phase::ReadingHeader, "{number} of {pieces}");
        let mut piece = piece.to_vec();
        piece[..4].copy_from_slice(&number.to_le_bytes());
        script.feed(&piece);
    }
    assert!(matches!(failure(&mut script), Some(Error::Limit { .. })));
}

#[test]
fn a_mebibyte_that_waits() {
    let mut script = Script::at(Phase::Opening, config());
    let token = Bytes::from_static(b"r\0");
    script.say(SecurityChallenge { incarnation: OPEN, cookie: 1, token });
    // The first packet is held; what follows it waits undecoded.
    script.feed(&data(0, PLAY, 0, b"x"));
    script.feed(&vec![0; (1 << 20) - 1]);
    assert!(!script.machine.recv_buffer(ConnectionId::MAIN).is_empty());
    script.feed(&[0]);
    assert!(script.machine.recv_buffer(ConnectionId::MAIN).is_empty());
    // Bytes that a caller has already are taken once more, whole.
    script.feed(&[0]);
    assert_eq!(script.machine.phase(), Phase::Authenticating);
    script.feed(&[0]);
    let what = "bytes that wait to be decoded";
    let (value, limit) = ((1 << 20) + 1, 1 << 20);
    assert_eq!(failure(&mut script), Some(Error::Limit { what, value, limit }));
}

#[test]
fn four_challenges() {
    let mut script = Script::at(Phase::Opening, config());
    for round in 0..5 {
        let token = Bytes::from_static(&[0, 0]);
        script.say(SecurityChallenge { incarnation: OPEN, cookie: round, token });
        if round == 4 {
            break;
        }
        let events = script.events();
        let [mms_proto::ClientEvent::Challenge(challenge)] = &events[..] else {
            panic!("{events:?}");
        };
        let token = mms_proto::Credentials::Token(Bytes::from_static(b"NTLMSSP\0"));
        script.give(|client, now| client.authenticate(now, challenge, &token)).unwrap();
        script.poll();
    }
    script.assert_failed(&Error::Unauthorized);
}

#[test]
fn twenty_pongs_a_second() {
    let mut script = Script::at(Phase::Ready, config());
    for _ in 0..21 {
        script.say(Ping);
    }
    assert_eq!(script.sent().len(), 20);
    script.pass(seconds(1));
    script.say(Ping);
    assert_eq!(script.sent().len(), 1);
}
