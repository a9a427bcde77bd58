//! From an address to an open stream, through credentials and redirects.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    AuthScheme, Challenge, ClientEvent, Credentials, Limits, Redirect, StateError, Strictness,
};
use mms_proto::{ClientTimeouts, SessionOptions};
use uuid::Uuid;

use super::{Core, Entry, Session};
use crate::connection::{Connection, Network};
use crate::dial::{Cancel, Dial, Dialer};
use crate::error::Error;
use crate::url::MmsUrl;

/// Opens a stream with default options.
///
/// # Errors
/// When the address is wrong, and as [`OpenOptions::open`].
pub fn open(url: &str) -> Result<Session, Error> {
    OpenOptions::new().open(&MmsUrl::parse(url)?)
}

/// How to open streams. The same options can be used many times.
#[derive(Clone)]
pub struct OpenOptions {
    dialer: Arc<dyn Dial>,
    cancel: Cancel,
    credentials: Option<Login>,
    template: ClientConfig,
}

/// A user and a password, for one server.
#[derive(Clone)]
struct Login {
    user: String,
    password: String,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            dialer: Arc::new(Dialer::default()),
            cancel: Cancel::new(),
            credentials: None,
            template: ClientConfig::new("", ""),
        }
    }
}

impl OpenOptions {
    /// The defaults: no credentials, 15 seconds to connect, and the time-outs of
    /// [`ClientTimeouts::default`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same time, at least 1 ms, for connecting and for everything that is waited for later;
    /// for the server's part in closing no more than the default. It replaces the
    /// [`dialer`](Self::dialer).
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        let time = time.max(Duration::from_millis(1));
        let mut timeouts = ClientTimeouts::all(time);
        timeouts.close = time.min(ClientTimeouts::default().close);
        self.dialer(Arc::new(Dialer::new(time))).timeouts(timeouts)
    }

    /// How long to wait for what, once connected.
    #[must_use]
    pub fn timeouts(mut self, timeouts: ClientTimeouts) -> Self {
        self.template.session.timeouts = timeouts;
        self
    }

    /// User and password, instead of those in the address.
    ///
    /// They go to the server of the address only, not to where it redirects, and by themselves do
    /// not [allow clear text](Self::allow_clear_text).
    #[must_use]
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Login { user: user.into(), password: password.into() });
        self
    }

    /// Allows a password to be sent in clear text (BASIC), readable by everybody on the way.
    /// Default false, even when an address contains a password: addresses are copied from pages.
    #[must_use]
    pub fn allow_clear_text(mut self, allow: bool) -> Self {
        self.template.session.allow_clear_text = allow;
        self
    }

    /// Product and version to announce, default `NSPlayer/9.0.0.2980`. Servers change their
    /// behaviour by it.
    #[must_use]
    pub fn player(mut self, player: impl Into<String>) -> Self {
        self.template.session.player = player.into();
        self
    }

    /// Asks for a bandwidth test, which takes three packets. Default false.
    #[must_use]
    pub fn packet_pair(mut self, test: bool) -> Self {
        self.template.packet_pair = test;
        self
    }

    /// What to accept at most.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.template.session.limits = limits;
        self
    }

    /// What to do about servers that break rules.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.template.session.strictness = strictness;
        self
    }

    /// How many redirects to follow, default 5.
    #[must_use]
    pub fn max_redirects(mut self, redirects: u32) -> Self {
        self.template.session.max_hops = redirects;
        self
    }

    /// Changes anything else about sessions, whatever their protocol. Host, port, path, GUID and
    /// the count of redirects are filled in for each session whatever is set here.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut SessionOptions)) -> Self {
        change(&mut self.template.session);
        self
    }

    /// Changes what only sessions of MS-MMSP know. What [`configure`](Self::configure) fills in is
    /// filled in here as well, and so is the local address.
    #[must_use]
    pub fn configure_mmsp(mut self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        change(&mut self.template);
        self
    }

    /// How connections are made.
    #[must_use]
    pub fn dialer(mut self, dialer: Arc<dyn Dial>) -> Self {
        self.dialer = dialer;
        self
    }

    /// A handle that ends everything that is opened with these options, from any thread: whatever
    /// is going on then fails with [`Error::Cancelled`].
    #[must_use]
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Opens a stream, following redirects.
    ///
    /// # Errors
    /// When no connection can be made, the server refuses, is silent or fails, wants credentials
    /// that there are not, or redirects too often; and when cancelled.
    pub fn open(&self, url: &MmsUrl) -> Result<Session, Error> {
        let mut config = self.template.clone();
        url.host().clone_into(&mut config.session.host);
        config.session.port = url.port_is_explicit().then(|| url.port());
        url.wire_path().clone_into(&mut config.session.path);
        config.session.guid = Uuid::new_v4();
        config.session.hops = 0;
        let login = self.credentials.clone().or_else(|| Login::of(url));
        let home = address(&config);
        loop {
            let away = address(&config) != home;
            if away {
                // Nobody agreed to tell this server anything.
                config.cached_token = Bytes::new();
            }
            let login = login.as_ref().filter(|_| !away);
            let (host, port) = config.connect_to();
            let socket = self.dialer.dial(host, port, &self.cancel)?;
            let network = Network {
                main: socket,
                datagrams: None,
                dialer: Arc::clone(&self.dialer),
                host: host.to_owned(),
                port,
                write_timeout: config.session.timeouts.reply,
                cancel: self.cancel.clone(),
            };
            let connection = Connection::new(network, |local_address| {
                config.local_address = local_address;
                Client::new(Instant::now(), config)
            })?;
            let mut core = Core::new(connection);
            match core.handshake(login)? {
                Opened::Content(content) => {
                    return Ok(Session { core, entry: Entry::new(content), flows: false });
                }
                Opened::Elsewhere(redirect) => {
                    let next = core.connection.machine().config().redirected(&redirect);
                    config = next
                        .map_err(|source| Error::Redirect { server: core.server_name(), source })?;
                }
            }
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions")
            .field("user", &self.credentials.as_ref().map(|login| &login.user))
            .field("cancel", &self.cancel)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

impl Login {
    fn of(url: &MmsUrl) -> Option<Self> {
        Some(Self {
            user: url.user()?.to_owned(),
            password: url.password().unwrap_or_default().to_owned(),
        })
    }
}

/// Where a configuration leads, comparably.
fn address(config: &ClientConfig) -> (String, u16) {
    let (host, port) = config.connect_to();
    (host.to_ascii_lowercase(), port)
}

enum Opened {
    Content(mms_proto::Content),
    Elsewhere(Redirect),
}

impl Core {
    fn handshake(&mut self, login: Option<&Login>) -> Result<Opened, Error> {
        loop {
            match self.next_event()? {
                ClientEvent::Ready(content) => return Ok(Opened::Content(content)),
                ClientEvent::Redirected(redirect) => return Ok(Opened::Elsewhere(redirect)),
                ClientEvent::Challenge(challenge) => self.answer(&challenge, login)?,
                ClientEvent::Closed(reason) => return Err(self.closed(reason)),
                _ => {}
            }
        }
    }

    fn answer(&mut self, challenge: &Challenge, login: Option<&Login>) -> Result<(), Error> {
        let server = self.server_name();
        let scheme = challenge.scheme;
        if scheme != AuthScheme::Basic {
            return Err(Error::AuthScheme { server, scheme });
        }
        let Some(Login { user, password }) = login.cloned() else {
            let realm = challenge.realm.clone();
            return Err(Error::CredentialsNeeded { server, realm });
        };
        if challenge.round > 0 {
            // The same words will not do better the second time.
            let source = mms_proto::Error::Unauthorized;
            return Err(Error::Protocol { server, source });
        }
        let credentials = Credentials::Basic { user, password };
        let machine = self.connection.machine_mut();
        match machine.authenticate(Instant::now(), challenge, &credentials) {
            Err(StateError::ClearText) => Err(Error::ClearText { server }),
            done => Ok(done?),
        }
    }
}
