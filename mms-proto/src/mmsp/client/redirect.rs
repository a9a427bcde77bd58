//! Where a redirect leads, MS-MMSP 2.2.4.9 and 3.1.5.7.

use std::num::NonZeroU16;

use bytes::Bytes;

use super::config::{ClientConfig, DEFAULT_PORT};
use crate::event::Redirect;

impl ClientConfig {
    /// The configuration of the session that a redirect leads to: same GUID, same settings, one
    /// hop more. Cached credentials stay behind: they were meant for the server that was asked,
    /// not for one that a server names.
    ///
    /// # Errors
    /// When it leads to something that is no `mms`, `mmst` or `mmsu` URL, or once too often.
    pub fn redirected(&self, redirect: &Redirect) -> Result<Self, RedirectError> {
        let hops = self.session.hops.saturating_add(1);
        if hops > self.session.max_hops {
            return Err(RedirectError::TooMany(self.session.max_hops));
        }
        let mut next = self.clone();
        next.session.hops = hops;
        match redirect {
            Redirect::Url(url) => {
                let target = RedirectUrl::parse(url)?;
                next.session.host = target.host;
                next.session.port = target.port;
                next.session.path = target.path;
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
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_redirect_keeps_everything_but_the_target() {
        // MMSP-C-007, MMSP-C-032, MMSP-C-034
        let mut config = ClientConfig::new("old", "old.wmv").guid(Uuid::from_u128(7)).port(99);
        config.packet_pair = true;
        config.proxy = Some(("proxy".into(), 8));
        let next = config.redirected(&Redirect::Url("mmst://new:1756/a b?q=%20".into())).unwrap();
        assert_eq!((next.session.host.as_str(), next.session.port), ("new", Some(1756)));
        assert_eq!(next.session.path, "a b?q=%20");
        assert_eq!(
            (next.session.guid, next.packet_pair, next.session.hops),
            (config.session.guid, true, 1)
        );
        assert_eq!(next.connect_to(), ("proxy", 8));
        let next = next.redirected(&Redirect::Url("mms://[::1]".into())).unwrap();
        assert_eq!(
            (next.session.host.as_str(), next.session.port, next.session.path.as_str()),
            ("::1", None, "")
        );
    }

    #[test]
    fn a_redirect_to_a_proxy() {
        // MMSP-C-033, MMSP-W-045
        let config = ClientConfig::new("host", "file");
        let with = config.redirected(&Redirect::Proxy(Some("cache:8000".into()))).unwrap();
        assert_eq!(with.connect_to(), ("cache", 8000));
        assert_eq!(with.session.host, "host");
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
            assert_eq!((with.session.host.as_str(), with.session.path.as_str()), ("host", "file"));
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
}
