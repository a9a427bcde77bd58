//! Waiting for several sockets: connections that the machine asked for, and datagrams.
//!
//! Exists only while there is more than the main connection. Sockets are non-blocking then, and are
//! read until they are empty, as `mio` wants it; they take turns, so that no one starves another.

mod dialling;

use std::io::{self, ErrorKind, Read as _};
use std::net::{Shutdown, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};
use mms_proto::{ConnectionId, Datagram, Input, Machine, Transmit};

use self::dialling::Dials;
pub(super) use self::dialling::Route;
use super::tcp::{TcpSocket, is_end};
use super::waited::{Waited, input, too_much};
use crate::dial::CancelGuard;

const WAKER: Token = Token(usize::MAX);
/// Sockets that one wait reports at most; others are reported by the next one.
const MAX_EVENTS: usize = 16;
/// The longest UDP datagram, in bytes.
const MAX_DATAGRAM: usize = 65_535;
/// What a read counts at least among those after a deadline: as much of a socket's memory as the
/// smallest datagram takes up.
const MIN_LATE_BYTES: usize = 1024;

/// The sockets beside the main connection, and a way to wait for all of them.
#[derive(Debug)]
pub(super) struct Several {
    poll: Poll,
    events: Events,
    sockets: Vec<Socket>,
    /// Number of the socket that was read last.
    turn: usize,
    next_token: usize,
    dials: Dials,
    /// Where datagrams are read to and put together; empty without a UDP socket.
    datagram: Vec<u8>,
    _guard: CancelGuard,
}

#[derive(Debug)]
struct Socket {
    token: Token,
    /// False once a read has found it empty, until the system reports it.
    ready: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A duplicate of the main connection, for reading.
    Main(mio::net::TcpStream),
    /// Another connection: a duplicate for reading, and the socket for writing.
    Further {
        id: ConnectionId,
        reader: mio::net::TcpStream,
        writer: TcpSocket,
    },
    Datagrams(mio::net::UdpSocket),
}

impl Several {
    /// Begins to wait for more than the main connection.
    pub(super) fn new(main: &mut TcpSocket, route: &Arc<Route>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let dials = Dials::new(Arc::clone(route), Arc::clone(&waker));
        // A cancelled socket is shut down, which not every system reports.
        let guard = route.cancel.on_cancel(move || {
            let _ = waker.wake();
        });
        let mut several = Self {
            poll,
            events: Events::with_capacity(MAX_EVENTS),
            sockets: Vec::new(),
            turn: 0,
            next_token: 0,
            dials,
            datagram: Vec::new(),
            _guard: guard,
        };
        several.register(Kind::Main(reader(main)?))?;
        Ok(several)
    }

    /// Adds the socket for datagrams.
    pub(super) fn add_datagrams(&mut self, socket: UdpSocket) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        self.datagram = vec![0; MAX_DATAGRAM];
        self.register(Kind::Datagrams(mio::net::UdpSocket::from_std(socket)))
    }

    fn register(&mut self, mut kind: Kind) -> io::Result<()> {
        let token = Token(self.next_token);
        self.next_token = self.next_token.wrapping_add(1);
        let registry = self.poll.registry();
        match &mut kind {
            Kind::Main(reader) | Kind::Further { reader, .. } => {
                registry.register(reader, token, Interest::READABLE)?;
            }
            Kind::Datagrams(socket) => registry.register(socket, token, Interest::READABLE)?,
        }
        // What came before may not be reported.
        self.sockets.push(Socket { token, ready: true, kind });
        Ok(())
    }

    /// True when the main connection is all that is left to wait for.
    pub(super) fn is_only_main(&self) -> bool {
        self.dials.is_idle() && matches!(&self.sockets[..], [Socket { kind: Kind::Main(_), .. }])
    }

    /// Begins to open a connection; [`wait`](Self::wait) reports what came of it.
    pub(super) fn connect(&mut self, connection: ConnectionId) {
        self.dials.begin(connection);
    }

    /// Closes a connection, or gives up opening it.
    pub(super) fn close(&mut self, connection: ConnectionId) {
        self.dials.give_up(connection);
        if let Some(index) = self.position(connection) {
            if let Some(Socket { kind: Kind::Further { reader, .. }, .. }) =
                self.sockets.get_mut(index)
            {
                finish(reader);
            }
            self.remove(index);
        }
    }

    fn remove(&mut self, index: usize) {
        if index >= self.sockets.len() {
            return;
        }
        let registry = self.poll.registry();
        // Fails only if the socket is not registered.
        let _ = match &mut self.sockets.remove(index).kind {
            Kind::Main(reader) | Kind::Further { reader, .. } => registry.deregister(reader),
            Kind::Datagrams(socket) => registry.deregister(socket),
        };
    }

    /// Writes to a connection other than the main one. One that takes nothing any more is read to
    /// its end; one whose peer does not read is closed.
    pub(super) fn write<M: Machine>(
        &mut self,
        machine: &mut M,
        connection: ConnectionId,
        data: &Transmit,
    ) {
        let Some(index) = self.position(connection) else { return };
        let Some(socket) = self.sockets.get_mut(index) else { return };
        let Kind::Further { writer, .. } = &mut socket.kind else { return };
        for part in data.parts() {
            writer.write(part, || machine.phase());
        }
        match writer.broken() {
            None => {}
            Some(broken) if is_end(&broken.error) => socket.ready = true,
            Some(_) => {
                self.remove(index);
                input(machine, Input::TcpClosed { connection });
            }
        }
    }

    fn position(&self, connection: ConnectionId) -> Option<usize> {
        self.sockets.iter().position(|socket| socket.id() == Some(connection))
    }

    /// Sends a datagram. One that the system does not take is lost, as on the network.
    pub(super) fn send(&mut self, datagram: &Datagram) {
        let parts = [&datagram.head[..], &datagram.body[..]];
        let length = parts.iter().map(|part| part.len()).sum();
        let Some(whole) = self.datagram.get_mut(..length) else { return };
        let (head, body) = whole.split_at_mut(datagram.head.len());
        head.copy_from_slice(&datagram.head);
        body.copy_from_slice(&datagram.body);
        for socket in &self.sockets {
            if let Kind::Datagrams(socket) = &socket.kind {
                let _ = socket.send_to(whole, datagram.to);
            }
        }
    }

    /// Waits for input and hands it to the machine. `read_late` bytes were read after the deadline
    /// of this wait had passed.
    ///
    /// # Errors
    /// When the system cannot wait, or the main connection fails other than by its end.
    pub(super) fn wait<M: Machine>(
        &mut self,
        machine: &mut M,
        wait: Option<Duration>,
        read_late: usize,
    ) -> io::Result<Waited> {
        let mut polled = false;
        loop {
            if self.take_dialled(machine) {
                return Ok(Waited::Other);
            }
            if let Some(index) = self.next_ready() {
                let count = self.read(index, machine)?;
                if count > 0 {
                    let late = read_late.saturating_add(count.max(MIN_LATE_BYTES));
                    return Ok(Waited::Read { at: Instant::now(), late });
                }
                continue;
            }
            if read_late > 0 {
                // Every socket was found empty after the deadline.
                return Ok(Waited::TimedOut);
            }
            if polled {
                return Ok(Waited::Other);
            }
            match self.poll.poll(&mut self.events, wait) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(()) if self.events.is_empty() => return Ok(Waited::TimedOut),
                Ok(()) => {}
            }
            polled = true;
            for event in &self.events {
                for socket in &mut self.sockets {
                    socket.ready |= socket.token == event.token();
                }
            }
        }
    }

    /// Hands a connection that was opened, or not, to the machine; false when there is none.
    fn take_dialled<M: Machine>(&mut self, machine: &mut M) -> bool {
        let Some((connection, dialled)) = self.dials.next() else { return false };
        let added = dialled.and_then(|mut writer| {
            let local = writer.stream().local_addr().ok()?;
            let reader = reader(&mut writer).ok()?;
            self.register(Kind::Further { id: connection, reader, writer }).ok()?;
            Some(local)
        });
        match added {
            Some(local) => input(machine, Input::TcpOpened { connection, local }),
            None => input(machine, Input::TcpFailed { connection }),
        }
        true
    }

    /// Number of the socket whose turn it is to be read.
    fn next_ready(&mut self) -> Option<usize> {
        let ready = |(index, socket): (usize, &Socket)| socket.ready.then_some(index);
        let mut all = self.sockets.iter().enumerate();
        let next = all.clone().filter(|&(index, _)| index > self.turn).find_map(ready);
        self.turn = next.or_else(|| all.find_map(ready))?;
        Some(self.turn)
    }

    /// Reads a socket once into the machine, and returns the number of bytes: zero if there were
    /// none.
    fn read<M: Machine>(&mut self, index: usize, machine: &mut M) -> io::Result<usize> {
        let Some(socket) = self.sockets.get_mut(index) else { return Ok(0) };
        let connection = socket.id();
        let read = match &mut socket.kind {
            Kind::Main(reader) | Kind::Further { reader, .. } => {
                let buffer = machine.recv_buffer(connection.unwrap_or(ConnectionId::MAIN));
                if buffer.is_empty() {
                    return Err(too_much());
                }
                reader.read(buffer)
            }
            Kind::Datagrams(socket) => socket.recv_from(&mut self.datagram).map(|(count, from)| {
                let bytes = self.datagram.get(..count).unwrap_or_default();
                input(machine, Input::Datagram { from, bytes });
                count.max(1)
            }),
        };
        match (read, connection) {
            // Its bytes are with the machine.
            (Ok(count), None) => Ok(count),
            (Ok(count), Some(connection)) if count > 0 => {
                let _ = machine.received(Instant::now(), connection, count);
                Ok(count)
            }
            (Err(error), _) if error.kind() == ErrorKind::Interrupted => Ok(0),
            (Err(error), _) if error.kind() == ErrorKind::WouldBlock => {
                socket.ready = false;
                Ok(0)
            }
            // An earlier datagram was refused (by ICMP): the next ones may not be.
            (Err(error), None) => {
                socket.ready = is_end(&error) || error.kind() == ErrorKind::ConnectionRefused;
                Ok(usize::from(socket.ready))
            }
            (Err(error), Some(ConnectionId::MAIN)) if !is_end(&error) => Err(error),
            (_, Some(connection)) => {
                self.remove(index);
                input(machine, Input::TcpClosed { connection });
                Ok(1)
            }
        }
    }
}

impl Socket {
    /// The connection; `None` for datagrams.
    fn id(&self) -> Option<ConnectionId> {
        match &self.kind {
            Kind::Main(_) => Some(ConnectionId::MAIN),
            Kind::Further { id, .. } => Some(*id),
            Kind::Datagrams(_) => None,
        }
    }
}

/// A duplicate of a socket, for reading; both are non-blocking from here on.
fn reader(socket: &mut TcpSocket) -> io::Result<mio::net::TcpStream> {
    socket.set_nonblocking(true)?;
    Ok(mio::net::TcpStream::from_std(socket.stream().try_clone()?))
}

/// Lets the last bytes arrive: a socket that is closed while bytes in it are unread resets its
/// connection, and the peer loses what it has not read.
fn finish(reader: &mut mio::net::TcpStream) {
    // Fails only on a socket that is not connected any more.
    let _ = reader.shutdown(Shutdown::Write);
    let mut unread = [0; 4096];
    for _ in 0..16 {
        if !matches!(reader.read(&mut unread), Ok(1..)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_closed_with_bytes_unread_is_not_reset() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"unread").unwrap();
        // They have arrived.
        assert_eq!(ours.peek(&mut [0; 6]).unwrap(), 6);
        ours.write_all(b"end").unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut reader = mio::net::TcpStream::from_std(ours);
        finish(&mut reader);
        drop(reader);
        let mut got = Vec::new();
        assert_eq!(peer.read_to_end(&mut got).unwrap(), 3);
        assert_eq!(got, b"end");
    }
}
