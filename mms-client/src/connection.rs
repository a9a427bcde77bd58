//! The loop between one machine and its sockets: the only place that reads and writes the network.
//!
//! ```text
//! socket ─► recv_buffer/received ─► machine ─► poll_output ─► Event    ─► session
//!   ▲                                  ▲                    ├► Transmit ─► socket
//!   └──────── read time-out ◄──────────┴──── deadline ◄─────┴► Wait
//! ```
//!
//! The loop knows no protocol: its machine is any [`ClientMachine`].

mod late;
mod machine;
mod several;
mod sockets;
mod tcp;
mod waited;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mms_proto::{CloseReason, Input, Output, Phase};

pub(crate) use self::machine::ClientMachine;
pub(crate) use self::sockets::Network;
use self::sockets::Sockets;
use self::tcp::{Broken, is_end, later};
use crate::dial::Cancel;
use crate::error::Error;

/// The longest that dropping a connection may take to tell the server.
const DROP_TIMEOUT: Duration = Duration::from_millis(200);

/// A machine and its sockets.
#[derive(Debug)]
pub(crate) struct Connection<M: ClientMachine> {
    machine: M,
    sockets: Sockets,
    /// The peer, for error messages: `host:port`.
    server: String,
    cancel: Cancel,
    closed: bool,
}

impl<M: ClientMachine> Connection<M> {
    /// Begins a session with the machine that `make` returns for the local address of the main
    /// connection.
    ///
    /// # Errors
    /// When the system refuses a time-out, a duplicate of a socket, or a way to wait for several.
    pub(crate) fn new(network: Network, make: impl FnOnce(SocketAddr) -> M) -> Result<Self, Error> {
        let Network { host, port, cancel, .. } = &network;
        let server =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let cancel = cancel.clone();
        match Sockets::new(network) {
            Ok((sockets, local)) => {
                Ok(Self { machine: make(local), sockets, server, cancel, closed: false })
            }
            Err(source) => Err(Error::Io { server, phase: Phase::Connecting, source }),
        }
    }

    /// Waits for the next event. After the last one of the session every call fails.
    ///
    /// # Errors
    /// Failures of the session are events; only cancellation and the sockets make errors here.
    pub(crate) fn next_event(&mut self) -> Result<M::Event, Error> {
        loop {
            // A cancelled socket is shut down, which looks like the end of the stream.
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if self.closed {
                return Err(self.closed_error(CloseReason::Local));
            }
            let done = match self.machine.poll_output() {
                Output::Event(event) => {
                    self.closed = M::is_last(&event);
                    return Ok(event);
                }
                Output::Transmit { connection, data } => {
                    self.sockets.write(&mut self.machine, connection, &data);
                    Ok(())
                }
                Output::Connect { connection } => {
                    if self.sockets.connect(connection).is_err() {
                        waited::input(&mut self.machine, Input::TcpFailed { connection });
                    }
                    Ok(())
                }
                Output::Close { connection } => self.sockets.close(connection),
                Output::Datagram(datagram) => {
                    self.sockets.send(&datagram);
                    Ok(())
                }
                Output::Wait(deadline) => self.sockets.wait(&mut self.machine, deadline),
            };
            done.map_err(|source| self.failed(source))?;
        }
    }

    /// The error of a socket, unless it was shut down on purpose.
    fn failed(&self, source: io::Error) -> Error {
        if self.cancel.is_cancelled() {
            return Error::Cancelled;
        }
        Error::Io { server: self.server.clone(), phase: self.machine.phase(), source }
    }

    /// The machine, for commands; the bytes that they send go out with the next event.
    pub(crate) fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// The machine, for questions.
    pub(crate) fn machine(&self) -> &M {
        &self.machine
    }

    /// The peer, as `host:port`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Error for the user when the session closed for this reason and should not have.
    pub(crate) fn closed_error(&mut self, reason: CloseReason) -> Error {
        let server = self.server.clone();
        let CloseReason::Failed(source) = reason else {
            return Error::Closed { server };
        };
        // The machine knows only that nothing came any more; the failed write knows why.
        let vague = matches!(source, mms_proto::Error::Disconnected { .. });
        match self.sockets.main().take_broken() {
            Some(Broken { phase, error, .. }) if vague && !is_end(&error) => {
                Error::Io { server, phase, source: error }
            }
            _ => Error::Protocol { server, source },
        }
    }

    /// Ends the session and waits for the server's part in it, as long as the machine does.
    pub(crate) fn close(mut self) -> Result<(), Error> {
        self.machine.close(Instant::now());
        while !self.closed {
            self.next_event()?;
        }
        Ok(())
    }
}

impl<M: ClientMachine> Drop for Connection<M> {
    /// Sends what can be sent without waiting for an answer.
    fn drop(&mut self) {
        if self.closed || self.cancel.is_cancelled() {
            return;
        }
        let _ = self.sockets.main().limit_writes(DROP_TIMEOUT);
        let until = later(DROP_TIMEOUT);
        self.machine.close(Instant::now());
        while Instant::now() < until && self.sockets.main().broken().is_none() {
            match self.machine.poll_output() {
                Output::Transmit { connection, data } => {
                    if connection.is_main() {
                        self.sockets.write(&mut self.machine, connection, &data);
                    }
                }
                Output::Event(event) if M::is_last(&event) => break,
                Output::Wait(_) => break,
                Output::Event(_)
                | Output::Connect { .. }
                | Output::Close { .. }
                | Output::Datagram(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
