//! What a client is told before a session, whatever the protocol.

use uuid::Uuid;

use crate::client_log::ClientLog;
use crate::config::{Limits, Strictness};
use crate::timeouts::ClientTimeouts;

/// What a client session asks for and what it accepts, in the words of no protocol.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Host of the content, as the URL names it; an IPv6 literal without brackets.
    pub host: String,
    /// Port of the content, where the URL names one.
    pub port: Option<u16>,
    /// Path for the server: no leading slash, not percent-encoded, with `?query` if there is one.
    pub path: String,
    /// Identifies the session, through all redirects. Make a random one for each.
    pub guid: Uuid,
    /// Product and version to announce, default `NSPlayer/9.0.0.2980`. Servers change their
    /// behaviour by it.
    pub player: String,
    /// Allow a password to be sent in clear text (BASIC). Default false.
    pub allow_clear_text: bool,
    /// What to report to the server after each stop; the counters are filled in. `None` reports
    /// nothing. The default keeps everything private that may be.
    pub log: Option<Box<ClientLog>>,
    /// How long to wait for what.
    pub timeouts: ClientTimeouts,
    /// What to accept at most.
    pub limits: Limits,
    /// What to do about a peer that breaks rules.
    pub strictness: Strictness,
    /// How many redirects led here.
    pub hops: u32,
    /// How many redirects may be followed, default 5.
    pub max_hops: u32,
}

impl SessionOptions {
    /// Options for this path on this host, everything else by default.
    pub fn new(host: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            path: path.into(),
            guid: Uuid::nil(),
            player: "NSPlayer/9.0.0.2980".to_owned(),
            allow_clear_text: false,
            log: Some(Box::default()),
            timeouts: ClientTimeouts::default(),
            limits: Limits::default(),
            strictness: Strictness::default(),
            hops: 0,
            max_hops: 5,
        }
    }
}
