//! Challenge and response, MS-MMSP 2.2.4.14 and 2.2.4.24.

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use super::wire::{ansi, bytes, len32, put_utf16_z, u32_le};
use super::{Body, Deviation, MessageId, Wire};

/// The server asks for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityChallenge {
    /// Label of the request that is challenged.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// Ties the response to the challenge.
    pub cookie: u32,
    /// BASIC: `realm="…"` in UTF-16. NTLM: two zero bytes, or a message of MS-NLMP, see
    /// [`NtlmToken`].
    #[doc(alias = "pToken")]
    pub token: Bytes,
}

/// The client's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityResponse {
    /// The challenge's label.
    #[doc(alias = "playIncarnation")]
    pub incarnation: u32,
    /// The challenge's cookie.
    pub cookie: u32,
    /// BASIC: see [`basic_token`]. NTLM: two zero bytes and a message of MS-NLMP.
    #[doc(alias = "pToken")]
    pub token: Bytes,
}

macro_rules! label_cookie_token {
    ($name:ident, $id:expr) => {
        impl Body for $name {
            const ID: MessageId = $id;

            fn parse<'a>(
                body: &'a [u8],
                message: &Bytes,
                _: &mut Vec<Deviation>,
            ) -> Wire<'a, Self> {
                let (rest, (incarnation, cookie, length)) =
                    (u32_le("playIncarnation"), u32_le("cookie"), u32_le("cbToken")).parse(body)?;
                // A count that does not fit the address space is certainly past the end.
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let (rest, token) = bytes("pToken", length).parse(rest)?;
                Ok((rest, Self { incarnation, cookie, token: message.slice_ref(token) }))
            }

            fn put(&self, out: &mut BytesMut) {
                out.put_u32_le(self.incarnation);
                out.put_u32_le(self.cookie);
                out.put_u32_le(len32(self.token.len()));
                out.put_slice(&self.token);
            }
        }
    };
}

label_cookie_token!(SecurityChallenge, MessageId::SECURITY_CHALLENGE);
label_cookie_token!(SecurityResponse, MessageId::SECURITY_RESPONSE);

/// The BASIC token: `user:password` in base64 with a terminating zero.
#[must_use]
pub fn basic_token(user: &str, password: &str) -> Bytes {
    use base64::Engine as _;
    let mut token =
        base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")).into_bytes();
    token.push(0);
    token.into()
}

/// What a BASIC token says: name and password. UTF-8 as [`basic_token`] writes it; what is none is
/// read as Latin-1, a character a byte.
pub(crate) fn read_basic_token(token: &[u8]) -> Option<(String, String)> {
    use base64::Engine as _;
    let text = token.split(|&byte| byte == 0).next()?;
    let text = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let text = String::from_utf8(text).unwrap_or_else(|error| ansi(error.as_bytes()));
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Longest realm that is sent, in characters.
const MOST_REALM: usize = 1000;

/// The token of a BASIC challenge, never just a terminator: that looks like NTLM.
pub(crate) fn basic_realm(realm: &str) -> Bytes {
    let realm: String = realm
        .chars()
        .take_while(|&c| c != '\0')
        .take(MOST_REALM)
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    let mut token = BytesMut::new();
    put_utf16_z(&mut token, &format!("realm=\"{realm}\""));
    token.freeze()
}

/// An NTLM token with or without the protocol's wrapping, MS-MMSP 2.2.4.14.1.
#[doc(alias = "NTLM_AUTH")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NtlmToken {
    /// A message of MS-NLMP, beginning `NTLMSSP`; empty in the first round.
    pub message: Bytes,
    /// Whether it comes inside an `NTLM_AUTH` structure. A server answers as it was asked.
    pub wrapped: bool,
}

/// First bytes of every message of MS-NLMP.
const NTLMSSP: &[u8] = b"NTLMSSP\0";
/// Bytes of `NTLM_AUTH` before its token.
const WRAPPING: usize = 24;

impl NtlmToken {
    /// Finds the message inside the token of a challenge, response or `OpenFile`.
    ///
    /// It is looked for in the first bytes: whether two zero bytes stand before the wrapping or
    /// belong to it is unclear from the specification, and both are accepted.
    #[must_use]
    pub fn find(token: &Bytes) -> Self {
        let window = token.get(..token.len().min(WRAPPING + 8 + NTLMSSP.len())).unwrap_or_default();
        let Some(at) = window.windows(NTLMSSP.len()).position(|bytes| bytes == NTLMSSP) else {
            return Self { message: Bytes::new(), wrapped: false };
        };
        // NTLMTokenSize, Two, Reserved2 stand right before the message.
        let size = at
            .checked_sub(12)
            .and_then(|start| token.get(start..at))
            .and_then(|fields| fields.split_first_chunk())
            .filter(|(_, two)| two.starts_with(&2u32.to_le_bytes()))
            .and_then(|(&size, _)| usize::try_from(u32::from_le_bytes(size)).ok());
        let rest = token.slice(at..);
        match size {
            Some(size) if size <= rest.len() => Self { message: rest.slice(..size), wrapped: true },
            _ => Self { message: rest, wrapped: false },
        }
    }

    /// The token of a challenge or response: two zero bytes, then the message, wrapped if asked.
    #[must_use]
    pub fn to_token(&self) -> Bytes {
        let mut out = BytesMut::new();
        out.put_u16_le(0);
        if self.wrapped && !self.message.is_empty() {
            out.put_u32_le(0); // Zero
            out.put_u32_le(1); // One
            out.put_u32_le(0); // Reserved1
            out.put_u32_le(len32(self.message.len()));
            out.put_u32_le(2); // Two
            out.put_u32_le(0); // Reserved2
        }
        out.put_slice(&self.message);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic() {
        // MMSP-C-038
        assert_eq!(&basic_token("Aladdin", "open sesame")[..], b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==\0");
        assert_eq!(&basic_token("", "")[..], b"Og==\0");
        for (user, password) in [("Aladdin", "open sesame"), ("", ""), ("\u{FC}", ":\u{6F22}:")] {
            let read = read_basic_token(&basic_token(user, password));
            assert_eq!(read, Some((user.to_owned(), password.to_owned())));
        }
    }

    #[test]
    fn realms() {
        // A quotation mark or a NUL would end the text, zeros alone would look like NTLM.
        for (realm, said) in [
            ("files", "realm=\"files\"\0".to_owned()),
            ("", "realm=\"\"\0".to_owned()),
            ("a \"b\" c", "realm=\"a 'b' c\"\0".to_owned()),
            ("a\0b", "realm=\"a\"\0".to_owned()),
            (&"\u{1D11E}".repeat(2000), format!("realm=\"{}\"\0", "\u{1D11E}".repeat(1000))),
        ] {
            let said: Vec<u8> = said.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(basic_realm(realm), said);
        }
    }

    #[test]
    fn ntlm_wrapping() {
        // MMSP-W-048
        let message = Bytes::from_static(b"NTLMSSP\0\x01\0\0\0flags");
        for wrapped in [false, true] {
            let token = NtlmToken { message: message.clone(), wrapped };
            let wire = token.to_token();
            assert_eq!(&wire[..2], [0, 0]);
            assert_eq!(NtlmToken::find(&wire), token);
            // Without the two zero bytes, as OpenFile carries it.
            assert_eq!(NtlmToken::find(&wire.slice(2..)), token);
        }
        let first = NtlmToken { message: Bytes::new(), wrapped: true }.to_token();
        assert_eq!(&first[..], [0, 0]);
        assert!(NtlmToken::find(&first).message.is_empty());
        // A size that lies is no wrapping.
        let mut lie = NtlmToken { message, wrapped: true }.to_token().to_vec();
        lie[14] = 0xFF;
        assert!(!NtlmToken::find(&Bytes::from(lie)).wrapped);
    }
}
