//! What a client session is told before it begins, and what a redirect makes of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::config::{Limits, Strictness};
use crate::event::Redirect;
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

    /// The configuration of the session that a redirect leads to: same GUID, same settings, one
    /// hop more. Cached credentials stay behind: they were meant for the server that was asked,
    /// not for one that a server names.
    ///
    /// # Errors
    /// When it leads to something that is no `mms`, `mmst` or `mmsu` URL, or once too often.
    pub fn redirected(&self, redirect: &Redirect) -> Result<Self, RedirectError> {
        let hops = self.hops.saturating_add(1);
        if hops > self.max_hops {
            return Err(RedirectError::TooMany(self.max_hops));
        }
        let mut next = Self { hops, ..self.clone() };
        match redirect {
            Redirect::Url(url) => {
                let target = RedirectUrl::parse(url)?;
                next.host = target.host;
                next.port = target.port;
                next.path = target.path;
                next.cached_token = Bytes::new();
            }
            Redirect::Proxy(None) => next.proxy = None,
            Redirect::Proxy(Some(proxy)) => {
                let (host, port) = proxy_address(proxy)?;
                next.proxy = Some((host, port.unwrap_or(DEFAULT_PORT)));
                next.cached_token = Bytes::new();
            }
        }
        Ok(next)
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

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectError {
    /// It is one too many.
    #[error("redirected more than {0} times")]
    TooMany(u32),
    /// It leads to another kind of service.
    #[error("redirected to {0:?}, which is no mms, mmst or mmsu URL")]
    Scheme(String),
    /// It does not lead anywhere.
    #[error("redirected to {0:?}, which names no host")]
    Url(String),
}

/// A URL of 2.2.4.9: it is not percent-encoded, so no URL library would read it rightly.
struct RedirectUrl {
    host: String,
    port: Option<u16>,
    path: String,
}

impl RedirectUrl {
    fn parse(url: &str) -> Result<Self, RedirectError> {
        let no_host = || RedirectError::Url(url.to_owned());
        let (scheme, rest) =
            url.trim().split_once("://").ok_or_else(|| RedirectError::Scheme(url.to_owned()))?;
        if !["mms", "mmst", "mmsu"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(RedirectError::Scheme(url.to_owned()));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = host_and_port(authority).ok_or_else(no_host)?;
        Ok(Self { host, port, path: path.to_owned() })
    }
}

/// Where a proxy is: a URL as MS-MMSP 2.2.4.9 has it, whose path means nothing, or host and port
/// alone.
fn proxy_address(location: &str) -> Result<(String, Option<u16>), RedirectError> {
    if location.contains("://") {
        let RedirectUrl { host, port, .. } = RedirectUrl::parse(location)?;
        return Ok((host, port));
    }
    host_and_port(location.trim()).ok_or_else(|| RedirectError::Url(location.to_owned()))
}

/// Splits `host`, `host:port`, `[ipv6]` and `[ipv6]:port`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            match rest.strip_prefix(':') {
                None if !rest.is_empty() => return None,
                port => (host, port),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        None | Some("") => None,
        Some(digits) => Some(digits.parse::<NonZeroU16>().ok()?.get()),
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/\\?#@[]".contains(c);
    let sound = !host.is_empty() && !host.contains(odd);
    sound.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_everything_but_the_target() {
        // MMSP-C-007, MMSP-C-032, MMSP-C-034
        let mut config = ClientConfig::new("old", "old.wmv").guid(Uuid::from_u128(7)).port(99);
        config.packet_pair = true;
        config.proxy = Some(("proxy".into(), 8));
        let next = config.redirected(&Redirect::Url("mmst://new:1756/a b?q=%20".into())).unwrap();
        assert_eq!((next.host.as_str(), next.port), ("new", Some(1756)));
        assert_eq!(next.path, "a b?q=%20");
        assert_eq!((next.guid, next.packet_pair, next.hops), (config.guid, true, 1));
        assert_eq!(next.connect_to(), ("proxy", 8));
        let next = next.redirected(&Redirect::Url("mms://[::1]".into())).unwrap();
        assert_eq!((next.host.as_str(), next.port, next.path.as_str()), ("::1", None, ""));
    }

    #[test]
    fn a_redirect_to_a_proxy() {
        // MMSP-C-033, MMSP-W-045
        let config = ClientConfig::new("host", "file");
        let with = config.redirected(&Redirect::Proxy(Some("cache:8000".into()))).unwrap();
        assert_eq!(with.connect_to(), ("cache", 8000));
        assert_eq!(with.host, "host");
        let without = with.redirected(&Redirect::Proxy(None)).unwrap();
        assert_eq!(without.connect_to(), ("host", DEFAULT_PORT));
        // A URL to a proxy server, 2.2.4.9; its port is 1755 unless it names one.
        for (location, proxy) in [
            ("mms://cache.example:8000", ("cache.example", 8000)),
            ("mmst://cache", ("cache", 1755)),
            ("MMSU://cache/", ("cache", 1755)),
            ("mms://[::1]:99/ignored?too", ("::1", 99)),
            ("cache", ("cache", 1755)),
            (" cache:8000 ", ("cache", 8000)),
            ("[::1]", ("::1", 1755)),
        ] {
            let with = without.redirected(&Redirect::Proxy(Some(location.into()))).unwrap();
            assert_eq!(with.connect_to(), proxy, "{location}");
            assert_eq!((with.host.as_str(), with.path.as_str()), ("host", "file"));
        }
        for (location, scheme) in
            [("http://cache", true), ("mms://", false), ("cache:0", false), ("a b", false)]
        {
            let error = config.redirected(&Redirect::Proxy(Some(location.into()))).unwrap_err();
            let scheme_error = matches!(error, RedirectError::Scheme(_));
            assert_eq!(scheme_error, scheme, "{error}");
        }
    }

    #[test]
    fn credentials_do_not_follow_a_redirect() {
        // MMSP-C-031
        let mut config = ClientConfig::new("host", "file");
        config.cached_token = Bytes::from_static(b"secret");
        for elsewhere in
            [Redirect::Url("mms://new/x".into()), Redirect::Proxy(Some("cache".into()))]
        {
            let next = config.redirected(&elsewhere).unwrap();
            assert!(next.cached_token.is_empty(), "{elsewhere:?}");
        }
        let direct = config.redirected(&Redirect::Proxy(None)).unwrap();
        assert_eq!(direct.cached_token, config.cached_token);
    }

    #[test]
    fn redirects_that_are_not_followed() {
        // MMSP-C-035, MMSP-W-045
        let config = ClientConfig::new("host", "file");
        for url in ["http://new/x", "rtsp://new/x", "file:///etc/passwd", "mmsh://h/x", "junk"] {
            let error = config.redirected(&Redirect::Url(url.into())).unwrap_err();
            assert_eq!(error, RedirectError::Scheme(url.into()));
        }
        for url in [
            "mms:///x",
            "mms://h:0/x",
            "mms://h:65536/x",
            "mms://a\nb/x",
            "mms://[::1/x",
            "mms://[::1]x/x",
            "mms://h?x",
            "mms://h\\x",
        ] {
            let error = config.redirected(&Redirect::Url(url.into())).unwrap_err();
            assert_eq!(error, RedirectError::Url(url.into()));
        }
        let mut hop = config;
        for _ in 0..5 {
            hop = hop.redirected(&Redirect::Url("mms://again/x".into())).unwrap();
        }
        let again = hop.redirected(&Redirect::Url("mms://again/x".into()));
        assert_eq!(again.unwrap_err(), RedirectError::TooMany(5));
    }

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
