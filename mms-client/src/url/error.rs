//! What can be wrong with an address.

use thiserror::Error;

use super::MAX_URL_BYTES;

/// Why a text is not a usable MMS URL. No message repeats user info, which may be a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text has no `scheme://` at its start.
    #[error("the address must begin with mms:// or mmst://")]
    MissingScheme,
    /// A transport of the same family that this library does not speak yet.
    #[error("{scheme}:// is not supported yet; use mms:// or mmst://")]
    UnsupportedScheme {
        /// The scheme in lower case.
        scheme: String,
    },
    /// A scheme that has nothing to do with MMS.
    #[error("{scheme}:// is not a Microsoft Media Server address; use mms:// or mmst://")]
    WrongScheme {
        /// The scheme in lower case, at most 32 characters of it.
        scheme: String,
    },
    /// No server is named.
    #[error("the address names no server; write mms://server/file")]
    MissingHost,
    /// The server is neither a valid name nor a valid IP address.
    #[error("{host:?} is not a valid server name or IP address")]
    BadHost {
        /// The server as typed.
        host: String,
    },
    /// An IPv6 address without brackets, whose end would be taken for a port.
    #[error("an IPv6 address needs brackets, as in mms://[::1]/file")]
    MissingBrackets,
    /// An IPv6 address with an interface name after `%`.
    #[error("an IPv6 address with a zone (the part after %) cannot be used in a URL")]
    ZoneId,
    /// The port is not a number from 1 to 65535.
    #[error("the port after the server name must be a number from 1 to 65535")]
    BadPort,
    /// The user name or password, percent-decoded, is not UTF-8.
    #[error("the user name or password is not valid UTF-8 once percent-decoded")]
    BadUserInfo,
    /// A control character, typed or percent-encoded (`%00`, `%0A`), outside a query.
    #[error("the address contains a control character (U+{code:04X})")]
    ControlCharacter {
        /// The code point.
        code: u32,
    },
    /// The text is longer than [`MAX_URL_BYTES`].
    #[error("the address is {bytes} bytes long; at most {MAX_URL_BYTES} are accepted")]
    TooLong {
        /// Its length in bytes, without white space around it.
        bytes: usize,
    },
}
