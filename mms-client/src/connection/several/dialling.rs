//! Further connections to the peer of the main one, opened while the session goes on.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use mio::Waker;
use mms_proto::ConnectionId;

use super::super::tcp::TcpSocket;
use crate::dial::{Cancel, Dial};

/// How to reach the peer of the main connection once more.
pub(in crate::connection) struct Route {
    pub(in crate::connection) dialer: Arc<dyn Dial>,
    pub(in crate::connection) host: String,
    pub(in crate::connection) port: u16,
    /// Where the main connection leads: the server itself, or a proxy on the way to it. `None` if
    /// it has ended.
    pub(in crate::connection) peer: Option<SocketAddr>,
    pub(in crate::connection) write_timeout: Duration,
    pub(in crate::connection) cancel: Cancel,
}

impl Route {
    /// Opens a connection; `None` when that fails, for whatever reason.
    fn dial(&self) -> Option<TcpSocket> {
        let Self { dialer, host, port, peer, write_timeout, cancel } = self;
        let stream = dialer.dial_again(host, *port, (*peer)?, cancel).ok()?;
        TcpSocket::new(stream, *write_timeout, cancel).ok()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// A connection that was asked for, and what came of it.
type Dialled = (ConnectionId, Option<TcpSocket>);

/// Connections that are being opened, each on a thread of its own: dialling blocks.
#[derive(Debug)]
pub(super) struct Dials {
    route: Arc<Route>,
    waker: Arc<Waker>,
    pending: Vec<ConnectionId>,
    sender: Sender<Dialled>,
    results: Receiver<Dialled>,
}

impl Dials {
    pub(super) fn new(route: Arc<Route>, waker: Arc<Waker>) -> Self {
        let (sender, results) = mpsc::channel();
        Self { route, waker, pending: Vec::new(), sender, results }
    }

    /// True when no connection is being opened.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Begins to open a connection.
    pub(super) fn begin(&mut self, connection: ConnectionId) {
        self.pending.push(connection);
        let (route, waker) = (Arc::clone(&self.route), Arc::clone(&self.waker));
        let sender = self.sender.clone();
        let thread = thread::Builder::new().name("mms-connect".to_owned()).spawn(move || {
            // Fails when the session has ended, and closes the socket.
            let _ = sender.send((connection, route.dial()));
            let _ = waker.wake();
        });
        if thread.is_err() {
            // The receiver is in this struct.
            let _ = self.sender.send((connection, None));
        }
    }

    /// Drops the connection when it opens.
    pub(super) fn give_up(&mut self, connection: ConnectionId) {
        self.pending.retain(|&pending| pending != connection);
    }

    /// A connection that was opened; its socket is `None` if that failed.
    pub(super) fn next(&mut self) -> Option<Dialled> {
        while !self.pending.is_empty() {
            let (connection, socket) = self.results.try_recv().ok()?;
            let before = self.pending.len();
            self.give_up(connection);
            if self.pending.len() < before {
                return Some((connection, socket));
            }
        }
        None
    }
}
