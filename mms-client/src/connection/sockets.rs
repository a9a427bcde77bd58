//! The sockets of a session: a blocking read while there is only the main connection, and
//! [`Several`] while there are others.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mms_proto::{ConnectionId, Datagram, Input, Machine, Transmit};

use super::late::{self, LateReads};
use super::several::{Route, Several};
use super::tcp::{Broken, MIN_WAIT, TcpSocket, is_end, is_timeout};
use super::waited::{Waited, input, too_much};
use crate::dial::{Cancel, Dial};

/// How a session reaches its peer.
pub(crate) struct Network {
    /// The main connection, open.
    pub(crate) main: TcpStream,
    /// The socket for datagrams, where the session has any.
    pub(crate) datagrams: Option<UdpSocket>,
    /// Opens further connections.
    pub(crate) dialer: Arc<dyn Dial>,
    /// Host that the main connection was dialled with.
    pub(crate) host: String,
    /// Port that the main connection was dialled with.
    pub(crate) port: u16,
    /// The longest that one write may take, 1 ms to a day.
    pub(crate) write_timeout: Duration,
    /// Ends everything that waits here.
    pub(crate) cancel: Cancel,
}

/// All sockets of a session.
#[derive(Debug)]
pub(super) struct Sockets {
    main: TcpSocket,
    /// Set when the machine was told the end of the main connection after a failed write, and goes
    /// on with others.
    main_ended: bool,
    several: Option<Box<Several>>,
    route: Arc<Route>,
    late: LateReads,
}

impl Sockets {
    /// Takes the sockets, and returns with them this end of the main connection.
    ///
    /// # Errors
    /// When the system refuses a time-out, a duplicate of a socket, or a way to wait for several.
    pub(super) fn new(network: Network) -> io::Result<(Self, SocketAddr)> {
        let Network { main, datagrams, dialer, host, port, write_timeout, cancel } = network;
        let local = main.local_addr()?;
        // A connection that was reset already has no peer.
        let peer = main.peer_addr().ok();
        let mut main = TcpSocket::new(main, write_timeout, &cancel)?;
        let route = Arc::new(Route { dialer, host, port, peer, write_timeout, cancel });
        let several = match datagrams {
            Some(socket) => {
                let mut several = Several::new(&mut main, &route)?;
                several.add_datagrams(socket)?;
                Some(Box::new(several))
            }
            None => None,
        };
        let late = LateReads::default();
        Ok((Self { main, main_ended: false, several, route, late }, local))
    }

    /// The main connection.
    pub(super) fn main(&mut self) -> &mut TcpSocket {
        &mut self.main
    }

    /// Writes to a connection; one that is not open drops it.
    pub(super) fn write<M: Machine>(
        &mut self,
        machine: &mut M,
        connection: ConnectionId,
        data: &Transmit,
    ) {
        if connection.is_main() {
            for part in data.parts() {
                self.main.write(part, || machine.phase());
            }
        } else if let Some(several) = &mut self.several {
            several.write(machine, connection, data);
        }
    }

    /// Begins to open a connection to the peer of the main one; [`wait`](Self::wait) hands the
    /// outcome to the machine.
    ///
    /// # Errors
    /// When the system has no way to wait for several sockets.
    pub(super) fn connect(&mut self, connection: ConnectionId) -> io::Result<()> {
        self.several()?.connect(connection);
        Ok(())
    }

    /// Closes a connection.
    ///
    /// # Errors
    /// When the system has no way to wait without the main connection.
    pub(super) fn close(&mut self, connection: ConnectionId) -> io::Result<()> {
        if connection.is_main() {
            self.main.shut_down();
            self.several()?.close(connection);
        } else if let Some(several) = &mut self.several {
            several.close(connection);
        }
        Ok(())
    }

    /// Sends a datagram, where there is a socket for it.
    pub(super) fn send(&mut self, datagram: &Datagram) {
        if let Some(several) = &mut self.several {
            several.send(datagram);
        }
    }

    fn several(&mut self) -> io::Result<&mut Several> {
        let several = match self.several.take() {
            Some(several) => several,
            None => match Several::new(&mut self.main, &self.route) {
                Ok(several) => Box::new(several),
                Err(error) => {
                    self.main.set_nonblocking(false)?;
                    return Err(error);
                }
            },
        };
        Ok(self.several.insert(several))
    }

    /// True while the main connection is not the only socket, as far as the last wait knew.
    #[cfg(test)]
    pub(super) fn is_polled(&self) -> bool {
        self.several.is_some()
    }

    /// Waits for input until the deadline and hands it to the machine.
    ///
    /// # Errors
    /// When a socket fails in a way that is not the end of its connection.
    pub(super) fn wait<M: Machine>(
        &mut self,
        machine: &mut M,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let now = Instant::now();
        let drain_until = self.broken().map(|broken| broken.until);
        if drain_until.is_some_and(|until| until <= now) {
            self.end_main(machine);
            return Ok(());
        }
        let read_late = self.late.take(deadline);
        if late::is_enough(read_late) {
            input(machine, Input::Timeout);
            return Ok(());
        }
        let mut wait = deadline.map(|at| at.saturating_duration_since(now).max(MIN_WAIT));
        if drain_until.is_some() {
            wait = Some(MIN_WAIT);
        }
        if self.several.as_ref().is_some_and(|several| several.is_only_main()) {
            self.several = None;
            self.main.set_nonblocking(false)?;
        }
        let waited = match &mut self.several {
            None => read_main(&mut self.main, machine, wait, read_late)?,
            Some(several) => several.wait(machine, wait, read_late)?,
        };
        match waited {
            Waited::Read { at, late } => self.late.note(deadline, at, late),
            Waited::Other => {}
            Waited::TimedOut if drain_until.is_some() => self.end_main(machine),
            Waited::TimedOut => input(machine, Input::Timeout),
        }
        Ok(())
    }

    /// The write to the main connection that failed, as long as its input is still wanted.
    fn broken(&self) -> Option<&Broken> {
        self.main.broken().filter(|_| !self.main_ended)
    }

    /// All that came before a failed write is read.
    fn end_main<M: Machine>(&mut self, machine: &mut M) {
        if let Some(several) = &mut self.several {
            several.close(ConnectionId::MAIN);
            self.main_ended = true;
        }
        input(machine, Input::tcp_closed());
    }
}

/// Reads the main connection, which is the only one, and waits for it.
fn read_main<M: Machine>(
    main: &mut TcpSocket,
    machine: &mut M,
    wait: Option<Duration>,
    read_late: usize,
) -> io::Result<Waited> {
    let buffer = machine.recv_buffer(ConnectionId::MAIN);
    let capacity = buffer.len();
    if capacity == 0 {
        return Err(too_much());
    }
    match main.read(buffer, wait) {
        Ok(0) => input(machine, Input::tcp_closed()),
        Ok(count) => {
            let at = Instant::now();
            // Fails only after the event that gives the reason.
            let _ = machine.received(at, ConnectionId::MAIN, count);
            return Ok(Waited::Read { at, late: late::add(read_late, count, capacity) });
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => {}
        Err(error) if is_timeout(&error) => return Ok(Waited::TimedOut),
        Err(error) if is_end(&error) => input(machine, Input::tcp_closed()),
        Err(error) => return Err(error),
    }
    Ok(Waited::Other)
}
