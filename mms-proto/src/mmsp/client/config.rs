//! What a client session is told before it begins, and what a redirect makes of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::config::{Limits, Strictness};
use crate::mmsp::incarnation::Incarnations;
use crate::mmsp::message::ClientLog;

/// Port of the protocol where a URL names none.
pub const DEFAULT_PORT: u16 = 1755;

/// Configuration of one client session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
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
    /// The socket's own address, for the name of the transport. Servers ignore the address.
    pub local_address: SocketAddr,
    /// Connect here instead of to [`host`](Self::host): host and port.
    pub proxy: Option<(String, u16)>,
    /// Ask for a bandwidth test.
    pub packet_pair: bool,
    /// Ask for a client id even without a bandwidth test. Default true; some players do not.
    pub funnel_info: bool,
    /// Credentials of an earlier session, sent with the first request; empty for none. A BASIC
    /// token is kept back unless [`allow_clear_text`](Self::allow_clear_text) is set.
    pub cached_token: Bytes,
    /// Allow a password to be sent in clear text (BASIC). Default false.
    pub allow_clear_text: bool,
    /// What to report to the server after each stop; the counters are filled in. `None` reports
    /// nothing. The default keeps everything private that may be.
    pub log: Option<Box<ClientLog>>,
    /// Labels of requests.
    pub incarnations: Incarnations,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// What to accept at most.
    pub limits: Limits,
    /// What to do about a peer that breaks rules.
    pub strictness: Strictness,
    /// How many redirects led here.
    pub hops: u32,
    /// How many redirects may be followed, default 5.
    pub max_hops: u32,
}

impl ClientConfig {
    /// A configuration for this path on this host, everything else by default.
    pub fn new(host: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            path: path.into(),
            guid: Uuid::nil(),
            player: "NSPlayer/9.0.0.2980".to_owned(),
            local_address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            proxy: None,
            packet_pair: false,
            funnel_info: true,
            cached_token: Bytes::new(),
            allow_clear_text: false,
            log: Some(Box::default()),
            incarnations: Incarnations::default(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            strictness: Strictness::default(),
            hops: 0,
            max_hops: 5,
        }
    }

    /// Port of the content.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Identifies the session.
    #[must_use]
    pub fn guid(mut self, guid: Uuid) -> Self {
        self.guid = guid;
        self
    }

    /// What to accept at most.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long to wait for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// What to do about a peer that breaks rules.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Where to open the TCP connection: the proxy if there is one, else host and port.
    #[must_use]
    pub fn connect_to(&self) -> (&str, u16) {
        match &self.proxy {
            Some((host, port)) => (host, *port),
            None => (&self.host, self.port.unwrap_or(DEFAULT_PORT)),
        }
    }

    /// `subscriberName`, MS-MMSP 2.2.4.17. The host is always named: every player does it, and
    /// through a proxy it is required.
    pub(crate) fn subscriber(&self) -> String {
        let guid = self.guid.braced().to_string().to_ascii_uppercase();
        format!("{}; {guid}; Host: {}", self.player, self.host_info())
    }

    /// `host-string`, which a client sends through a proxy.
    pub(crate) fn host_string(&self) -> Option<String> {
        self.proxy.as_ref().map(|_| self.host_info())
    }

    /// `host-info`: through a proxy always with the port.
    fn host_info(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default = self.proxy.as_ref().map(|_| DEFAULT_PORT);
        match self.port.or(default) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

/// How long a client waits. Only complete packets count: a byte now and then keeps nothing alive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the answer to a request, default 15 s.
    pub reply: Duration,
    /// For the whole ASF header, default 60 s.
    pub header: Duration,
    /// For the rest of a packet after its first byte, default 30 s.
    pub frame: Duration,
    /// For the next media packet or message while streaming, default 90 s: servers ask whether
    /// the client is still there after 30.
    pub silence: Duration,
    /// For the next media packet while messages show that the server is there, default 1 hour. The
    /// playing time of the content is added: a server may hold back the end until then.
    pub media: Duration,
    /// For the next entry of a playlist after one has ended, default 60 s.
    pub next_entry: Duration,
    /// For the server's part in closing while streaming, default 5 s.
    pub close: Duration,
}

impl Timeouts {
    /// The same time for everything.
    #[must_use]
    pub fn all(time: Duration) -> Self {
        Self {
            reply: time,
            header: time,
            frame: time,
            silence: time,
            media: time,
            next_entry: time,
            close: time,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            reply: seconds(15),
            header: seconds(60),
            frame: seconds(30),
            silence: seconds(90),
            media: seconds(3600),
            next_entry: seconds(60),
            close: seconds(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_follows_the_grammar() {
        // MMSP-C-006, MMSP-C-008
        let guid = Uuid::from_u128(0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF);
        let mut config = ClientConfig::new("example.org", "x").guid(guid);
        let name = "NSPlayer/9.0.0.2980; {01234567-89AB-CDEF-0123-456789ABCDEF}; Host: example.org";
        assert_eq!(config.subscriber(), name);
        assert_eq!(config.host_string(), None);
        // Through a proxy the port is written, and the host once more.
        config.proxy = Some(("cache".into(), 8080));
        assert_eq!(config.subscriber(), format!("{name}:1755"));
        assert_eq!(config.host_string().as_deref(), Some("example.org:1755"));
        config.port = Some(1756);
        assert_eq!(config.subscriber(), format!("{name}:1756"));
        assert_eq!(config.host_string().as_deref(), Some("example.org:1756"));
        let mut config = ClientConfig::new("::1", "x");
        assert!(config.subscriber().ends_with("Host: [::1]"));
        config.proxy = Some(("cache".into(), 8080));
        assert_eq!(config.host_string().as_deref(), Some("[::1]:1755"));
    }
}
