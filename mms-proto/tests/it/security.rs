//! Requests, challenges and responses, with the passwords and tokens in them.

use bytes::Bytes;
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    OpenFile, ReportOpenFile, SecurityChallenge, SecurityResponse, ServerMessage,
};
use mms_proto::{AuthScheme, Credentials, HResult, OpenRequest, ServerChallenge};

use crate::pair::script::{Script, connect, funnel, message, open};

pub(crate) const OLD: &str = "NSPlayer/7.1.0.1956";
pub(crate) const NEW: &str = "NSPlayer/9.0.0.2980";
/// Player and password of RFC 7617, section 2.
pub(crate) const ALADDIN: &[u8] = b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==\0";
pub(crate) const NEGOTIATE: &[u8] = b"NTLMSSP\0\x01\0\0\0negotiate";
pub(crate) const CHALLENGE: &[u8] = b"NTLMSSP\0\x02\0\0\0challenge";

/// A session with a transport.
pub(crate) fn connected(subscriber: &str, config: ServerConfig) -> Script {
    let mut script = Script::new(config);
    script.send(connect(subscriber));
    script.send(funnel("\\\\h\\TCP\\1"));
    script
}

pub(crate) fn announcing(scheme: AuthScheme) -> ServerConfig {
    ServerConfig::default().authentication(scheme)
}

pub(crate) fn open_with(token: &[u8]) -> OpenFile {
    OpenFile { token: Bytes::copy_from_slice(token), ..open(0xA1B2_C309, "dir/file.wma?x") }
}

pub(crate) fn basic() -> ServerChallenge {
    ServerChallenge::Basic { realm: "files".to_owned() }
}

pub(crate) fn ntlm(token: &'static [u8]) -> ServerChallenge {
    ServerChallenge::Ntlm { token: Bytes::from_static(token) }
}

pub(crate) fn aladdin() -> Credentials {
    Credentials::Basic { user: "Aladdin".to_owned(), password: "open sesame".to_owned() }
}

pub(crate) fn ntlm_token() -> Credentials {
    Credentials::Token(Bytes::from_static(NEGOTIATE))
}

/// Challenges, and returns what the server says.
pub(crate) fn challenge(
    script: &mut Script,
    request: OpenRequest,
    challenge: ServerChallenge,
) -> SecurityChallenge {
    script.give(|server, now| server.challenge(now, request, challenge)).unwrap();
    match message(&script.poll()) {
        ServerMessage::SecurityChallenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

/// The right response to a challenge.
pub(crate) fn response(challenge: &SecurityChallenge, token: &[u8]) -> SecurityResponse {
    let SecurityChallenge { incarnation, cookie, .. } = *challenge;
    SecurityResponse { incarnation, cookie, token: Bytes::copy_from_slice(token) }
}

pub(crate) fn denied(incarnation: u32) -> ServerMessage {
    ReportOpenFile { incarnation, result: Err(HResult::ACCESS_DENIED.into()) }.into()
}

/// Two zero bytes, then the message inside an `NTLM_AUTH` structure.
pub(crate) fn wrapped(message: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0];
    for word in [0, 1, 0, u32::try_from(message.len()).unwrap(), 2, 0] {
        out.extend(word.to_le_bytes());
    }
    out.extend(message);
    out
}

pub(crate) fn bare(message: &[u8]) -> Vec<u8> {
    [&[0, 0], message].concat()
}

/// The one write since they were cleared, without its header: a challenge with this token.
pub(crate) fn assert_wrote(script: &Script, incarnation: u32, token: &[u8]) {
    assert_eq!(script.writes.len(), 1);
    let bytes = script.writes[0].to_bytes();
    let length = (20 + token.len()).next_multiple_of(8);
    let mut expected = Vec::new();
    for word in [u32::try_from(length / 8).unwrap(), 0x0004_001A, incarnation] {
        expected.extend(word.to_le_bytes());
    }
    // The cookie can be anything.
    expected.extend(&bytes[44..48]);
    expected.extend(u32::try_from(token.len()).unwrap().to_le_bytes());
    expected.extend(token);
    expected.resize(length, 0);
    assert_eq!(bytes[32..], expected);
}
