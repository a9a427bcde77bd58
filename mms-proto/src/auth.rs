//! Challenges and credentials.

use bytes::Bytes;

use crate::ticket::Ticket;

/// A request for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The scheme to answer with.
    pub scheme: AuthScheme,
    /// For BASIC: what the password is for, to be shown to a person.
    pub realm: Option<String>,
    /// For NTLM: the server's token without the protocol's own wrapping; empty in the first round.
    pub token: Bytes,
    /// How many challenges came before this one in the session.
    pub round: u32,
    pub(crate) ticket: Ticket,
}

/// A server's request for credentials, made in its turn by the application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerChallenge {
    /// Asks for a name and a password, see [`AuthScheme::Basic`].
    Basic {
        /// What the password is for, shown to a person. It is sent up to its first NUL or its
        /// thousandth character, with apostrophes for quotation marks, which would end it.
        realm: String,
    },
    /// Asks for an NTLM token, see [`AuthScheme::Ntlm`].
    Ntlm {
        /// The answer to the client's token, an `NTLMSSP` message without the protocol's own
        /// wrapping; empty when the client has sent none yet.
        token: Bytes,
    },
}

impl ServerChallenge {
    /// What the client is to answer with.
    #[must_use]
    pub fn scheme(&self) -> AuthScheme {
        match self {
            Self::Basic { .. } => AuthScheme::Basic,
            Self::Ntlm { .. } => AuthScheme::Ntlm,
        }
    }
}

/// How a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthScheme {
    /// Name and password, readable by everybody on the way.
    Basic,
    /// NTLM tokens, computed by the application (MS-NLMP).
    Ntlm,
}

/// The answer to a [`Challenge`] or [`ServerChallenge`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// For [`AuthScheme::Basic`].
    Basic {
        /// Name of the user; a colon ends it.
        user: String,
        /// The password.
        password: String,
    },
    /// For [`AuthScheme::Ntlm`]: an `NTLMSSP` message.
    Token(Bytes),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A password has no business in a log.
        match self {
            Self::Basic { user, .. } => write!(f, "Basic({user:?}, …)"),
            Self::Token(token) => write!(f, "Token({} bytes)", token.len()),
        }
    }
}
