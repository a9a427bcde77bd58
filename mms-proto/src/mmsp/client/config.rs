//! What a client session is told before it begins, and what a redirect makes of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use uuid::Uuid;

use crate::config::{Limits, Strictness};
use crate::mmsp::incarnation::Incarnations;
use crate::session_options::SessionOptions;
use crate::timeouts::ClientTimeouts;

/// Port of the protocol where a URL names none.
pub const DEFAULT_PORT: u16 = 1755;

/// Configuration of one client session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// What every protocol asks for: the content, who asks, limits.
    pub session: SessionOptions,
    /// The socket's own address, for the name of the transport. Servers ignore the address.
    pub local_address: SocketAddr,
    /// Connect here instead of to [`host`](SessionOptions::host): host and port.
    pub proxy: Option<(String, u16)>,
    /// Ask for a bandwidth test.
    pub packet_pair: bool,
    /// Ask for a client id even without a bandwidth test. Default true; some players do not.
    pub funnel_info: bool,
    /// Credentials of an earlier session, sent with the first request; empty for none. A BASIC
    /// token is kept back unless [`allow_clear_text`](SessionOptions::allow_clear_text) is set.
    pub cached_token: Bytes,
    /// Labels of requests.
    pub incarnations: Incarnations,
}

impl ClientConfig {
    /// A configuration for this path on this host, everything else by default.
    pub fn new(host: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            session: SessionOptions::new(host, path),
            local_address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            proxy: None,
            packet_pair: false,
            funnel_info: true,
            cached_token: Bytes::new(),
            incarnations: Incarnations::default(),
        }
    }

    /// Port of the content.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.session.port = Some(port);
        self
    }

    /// Identifies the session.
    #[must_use]
    pub fn guid(mut self, guid: Uuid) -> Self {
        self.session.guid = guid;
        self
    }

    /// What to accept at most.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.session.limits = limits;
        self
    }

    /// How long to wait for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: ClientTimeouts) -> Self {
        self.session.timeouts = timeouts;
        self
    }

    /// What to do about a peer that breaks rules.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.session.strictness = strictness;
        self
    }

    /// Where to open the TCP connection: the proxy if there is one, else host and port.
    #[must_use]
    pub fn connect_to(&self) -> (&str, u16) {
        match &self.proxy {
            Some((host, port)) => (host, *port),
            None => (&self.session.host, self.session.port.unwrap_or(DEFAULT_PORT)),
        }
    }

    /// `subscriberName`, MS-MMSP 2.2.4.17. The host is always named: every player does it, and
    /// through a proxy it is required.
    pub(crate) fn subscriber(&self) -> String {
        let guid = self.session.guid.braced().to_string().to_ascii_uppercase();
        format!("{}; {guid}; Host: {}", self.session.player, self.host_info())
    }

    /// `host-string`, which a client sends through a proxy.
    pub(crate) fn host_string(&self) -> Option<String> {
        self.proxy.as_ref().map(|_| self.host_info())
    }

    /// `host-info`: through a proxy always with the port.
    fn host_info(&self) -> String {
        let host = if self.session.host.contains(':') {
            format!("[{}]", self.session.host)
        } else {
            self.session.host.clone()
        };
        let default = self.proxy.as_ref().map(|_| DEFAULT_PORT);
        match self.session.port.or(default) {
            Some(port) => format!("{host}:{port}"),
            None => host,
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
        config.session.port = Some(1756);
        assert_eq!(config.subscriber(), format!("{name}:1756"));
        assert_eq!(config.host_string().as_deref(), Some("example.org:1756"));
        let mut config = ClientConfig::new("::1", "x");
        assert!(config.subscriber().ends_with("Host: [::1]"));
        config.proxy = Some(("cache".into(), 8080));
        assert_eq!(config.host_string().as_deref(), Some("[::1]:1755"));
    }
}
