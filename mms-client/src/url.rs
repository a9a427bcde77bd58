//! The address of a stream, as people type it and as servers redirect to it.
//!
//! `scheme://[user[:password]@]host[:port][/path][?query]`. The `url` crate reads the part
//! before the path (user info, host, IPv6 literals, international names, port). The path and the
//! query stay as typed: a URL library rewrites them (`..`, spaces, non-ASCII), while an MMS
//! server wants the plain file name.

mod error;
mod file_name;

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use percent_encoding::utf8_percent_encode;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str};
use url::{Host, ParseError, Url};

pub use error::UrlError;

/// The TCP port of an MMS server when the URL names none.
pub const DEFAULT_PORT: u16 = 1755;

/// Longest URL accepted, in bytes; its path must fit one MMS message as UTF-16.
pub const MAX_URL_BYTES: usize = 8192;

/// What `Display` must encode so that the text is one printable ASCII word and parses again.
const SHOWN: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'#');
/// The same for a path that was never percent-encoded: here `%` and `?` are plain characters.
const SHOWN_LITERAL: &AsciiSet = &SHOWN.add(b'%').add(b'?');

/// The transport a URL asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// `mms`: any transport; this library uses TCP.
    Mms,
    /// `mmst`: MMS with the data on the TCP connection.
    Mmst,
}

impl Scheme {
    /// The scheme in lower case, without `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mms => "mms",
            Self::Mmst => "mmst",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A parsed `mms://` or `mmst://` URL.
///
/// `Display` and `Debug` never show the password; `Display` is printable ASCII without spaces.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MmsUrl {
    scheme: Scheme,
    user: Option<String>,
    password: Option<String>,
    host: Host<String>,
    host_text: String,
    port: Option<u16>,
    /// The file as the server wants it, query included.
    wire_path: String,
    /// Where the query (with its `?`) starts in `wire_path`.
    path_len: usize,
    /// Path and query for `Display`.
    shown_path: String,
}

impl MmsUrl {
    /// Parses what a person types; white space around it, spaces and non-ASCII inside it are fine.
    ///
    /// A fragment (`#…`) is dropped, as everywhere on the Web: write `%23` for a `#` in a file name.
    ///
    /// # Errors
    ///
    /// A [`UrlError`] that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, authority, rest) = split(text, &['/', '?', '#'])?;
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (raw_path, query) = cut_before(rest, &['?']);
        // Bytes that are no UTF-8 have no UTF-16 form either: such a name goes out as typed.
        let path = percent_decode_str(raw_path).decode_utf8().unwrap_or(Cow::Borrowed(raw_path));
        refuse_control_characters(&path)?;
        let shown_path = utf8_percent_encode(rest, SHOWN).to_string();
        Self::assemble(
            scheme,
            authority,
            path.strip_prefix('/').unwrap_or(&path),
            query,
            shown_path,
        )
    }

    /// Parses the address in a server's redirect message, whose path is never percent-encoded:
    /// `%` and `#` are plain characters of the file name there.
    ///
    /// # Errors
    ///
    /// A [`UrlError`] that says what is wrong with the text.
    pub fn parse_redirect(text: &str) -> Result<Self, UrlError> {
        let (scheme, authority, rest) = split(text, &['/', '?'])?;
        let (path, query) = cut_before(rest, &['?']);
        let shown_path = format!(
            "{}{}",
            utf8_percent_encode(path, SHOWN_LITERAL),
            utf8_percent_encode(query, SHOWN)
        );
        Self::assemble(scheme, authority, path.strip_prefix('/').unwrap_or(path), query, shown_path)
    }

    fn assemble(
        scheme: Scheme,
        authority: &str,
        path: &str,
        query: &str,
        shown_path: String,
    ) -> Result<Self, UrlError> {
        let Authority { user, password, host, port } = Authority::parse(authority)?;
        let host_text = match &host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let wire_path = format!("{path}{query}");
        let path_len = path.len();
        Ok(Self { scheme, user, password, host, host_text, port, wire_path, path_len, shown_path })
    }

    /// The transport asked for.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The server: a lower-case ASCII name or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host_text
    }

    /// The TCP port, 1 to 65535; [`DEFAULT_PORT`] when the URL names none.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }

    /// Whether the URL names the port itself.
    pub fn port_is_explicit(&self) -> bool {
        self.port.is_some()
    }

    /// The user name, percent-decoded.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password, percent-decoded.
    pub fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The file to ask the server for: the path without its leading slash, percent-decoded unless
    /// that gives invalid UTF-8, then `?query` exactly as typed. May be empty.
    pub fn wire_path(&self) -> &str {
        &self.wire_path
    }

    /// The last part of the path as a safe local file name of at most 200 bytes: no separator, no
    /// control or invisible direction character, no leading dot, no Windows device or drive.
    /// `None` when nothing is left.
    pub fn file_name(&self) -> Option<String> {
        file_name::from_path(self.wire_path.get(..self.path_len)?)
    }
}

impl FromStr for MmsUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for MmsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{}@", utf8_percent_encode(user, NON_ALPHANUMERIC))?;
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.shown_path)
    }
}

impl fmt::Debug for MmsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MmsUrl")
            .field("url", &format_args!("{self}"))
            .field("has_password", &self.password.is_some())
            .finish()
    }
}

/// Cuts the text into scheme, authority (up to one of `ends`), and everything after it.
fn split<'a>(text: &'a str, ends: &[char]) -> Result<(Scheme, &'a str, &'a str), UrlError> {
    let text = text.trim();
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong { bytes: text.len() });
    }
    refuse_control_characters(text)?;
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::MissingScheme)?;
    let is_word = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_word {
        return Err(UrlError::MissingScheme);
    }
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "mms" => Scheme::Mms,
        "mmst" => Scheme::Mmst,
        known @ ("mmsu" | "mmsh" | "http") => {
            return Err(UrlError::UnsupportedScheme { scheme: known.to_owned() });
        }
        other => {
            return Err(UrlError::WrongScheme { scheme: other.chars().take(32).collect() });
        }
    };
    let (authority, rest) = cut_before(rest, ends);
    Ok((scheme, authority, rest))
}

/// Cuts before the first of `ends`, which stays with the second part.
fn cut_before<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.find(ends).and_then(|end| text.split_at_checked(end)).unwrap_or((text, ""))
}

/// A NUL would cut the name on the wire; the others are only good for forging log lines.
fn refuse_control_characters(text: &str) -> Result<(), UrlError> {
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(UrlError::ControlCharacter { code: u32::from(c) }),
        None => Ok(()),
    }
}

struct Authority {
    user: Option<String>,
    password: Option<String>,
    host: Host<String>,
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Result<Self, UrlError> {
        let host_and_port = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let bad_host = || UrlError::BadHost { host: host_and_port.to_owned() };
        if host_and_port.starts_with('[') && host_and_port.contains('%') {
            return Err(UrlError::ZoneId);
        }
        // In a redirect `#` ends nothing, but `url` would stop there.
        if text.contains('#') {
            return Err(bad_host());
        }
        if host_and_port.parse::<Ipv6Addr>().is_ok() {
            return Err(UrlError::MissingBrackets);
        }
        let url = Url::parse(&format!("mms://{text}")).map_err(|error| match error {
            ParseError::InvalidPort => UrlError::BadPort,
            ParseError::EmptyHost => UrlError::MissingHost,
            _ => bad_host(),
        })?;
        let host = match url.host() {
            None | Some(Host::Domain("")) => return Err(UrlError::MissingHost),
            // Outside the Web schemes `url` leaves a name as it is, so ask for the Web's rules:
            // lower case, punycode, and no character a resolver could misread.
            Some(Host::Domain(name)) => Host::parse(name).map_err(|_| bad_host())?,
            Some(address) => address.to_owned(),
        };
        if url.port() == Some(0) {
            return Err(UrlError::BadPort);
        }
        let user = Some(url.username()).filter(|user| !user.is_empty());
        let user = user.map(decode_user_info).transpose()?;
        let password = url.password().map(decode_user_info).transpose()?;
        Ok(Self { user, password, host, port: url.port() })
    }
}

fn decode_user_info(text: &str) -> Result<String, UrlError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| UrlError::BadUserInfo)?;
    refuse_control_characters(&text)?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests;
