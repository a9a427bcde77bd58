//! A socket that is written to within a time limit, and the ways in which a connection ends.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use mms_proto::Phase;

use crate::dial::{Cancel, CancelGuard};

/// The shortest time-out: zero means no time-out to the system.
pub(super) const MIN_WAIT: Duration = Duration::from_millis(1);
/// The longest write time-out, which no clock overflows by.
const MAX_WRITE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// Time in which bytes that arrived before a failed write are still read.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// One TCP connection of a session.
#[derive(Debug)]
pub(crate) struct TcpSocket {
    stream: TcpStream,
    write_timeout: Duration,
    nonblocking: bool,
    broken: Option<Broken>,
    _guard: CancelGuard,
}

/// A write has failed: nothing is written any more.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) phase: Phase,
    pub(super) error: io::Error,
    /// End of the time in which bytes that have arrived are still read.
    pub(super) until: Instant,
}

impl TcpSocket {
    /// A connection that is open, and that `cancel` shuts down.
    ///
    /// # Errors
    /// When the system refuses a time-out or a duplicate of the socket.
    pub(crate) fn new(
        stream: TcpStream,
        write_timeout: Duration,
        cancel: &Cancel,
    ) -> io::Result<Self> {
        let guard = cancel.register(&stream)?;
        let nonblocking = false;
        let mut socket = Self { stream, write_timeout, nonblocking, broken: None, _guard: guard };
        socket.limit_writes(write_timeout)?;
        Ok(socket)
    }

    /// Gives every later write this time, 1 ms to a day.
    pub(super) fn limit_writes(&mut self, timeout: Duration) -> io::Result<()> {
        self.write_timeout = timeout.clamp(MIN_WAIT, MAX_WRITE_TIMEOUT);
        self.stream.set_write_timeout(Some(self.write_timeout))
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Switches between waiting in reads and waiting for several sockets.
    pub(super) fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(nonblocking)?;
        self.nonblocking = nonblocking;
        Ok(())
    }

    /// Reads once, and waits for it until the time-out.
    pub(super) fn read(&mut self, buffer: &mut [u8], wait: Option<Duration>) -> io::Result<usize> {
        self.stream.set_read_timeout(wait)?;
        self.stream.read(buffer)
    }

    /// Writes all of it, or notes why not: the server may have given its reason before it went
    /// away, and that is still to be read.
    pub(super) fn write(&mut self, bytes: &[u8], phase: impl FnOnce() -> Phase) {
        if self.broken.is_some() || bytes.is_empty() {
            return;
        }
        let written = if self.nonblocking {
            self.write_nonblocking(bytes)
        } else {
            write_all(&mut self.stream, bytes, self.write_timeout)
        };
        if let Err(error) = written {
            self.broken = Some(Broken { phase: phase(), error, until: later(DRAIN_TIMEOUT) });
        }
    }

    /// Writes to a socket that does not block; when it is full, waits in a blocking write.
    fn write_nonblocking(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = match self.stream.write(bytes) {
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => 0,
            other => other?,
        };
        let rest = bytes.get(written..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        self.stream.set_nonblocking(false)?;
        let done = write_all(&mut self.stream, rest, self.write_timeout);
        self.stream.set_nonblocking(true)?;
        done
    }

    /// The write that failed.
    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// Takes the write that failed.
    pub(super) fn take_broken(&mut self) -> Option<Broken> {
        self.broken.take()
    }

    /// Sends the end of the stream, and drops what still arrives.
    pub(super) fn shut_down(&self) {
        // Fails only on a socket that is not connected any more.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Writes all of it, in one system call where the system agrees. The limit is for the whole: a
/// peer that takes a byte now and then gets no more time than one that takes none.
///
/// The write time-out of the socket is to be `timeout` as well.
fn write_all(socket: &mut TcpStream, mut bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let until = later(timeout);
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(not_read()),
            Err(error) => return Err(error),
        }
        if !bytes.is_empty() && Instant::now() >= until {
            return Err(not_read());
        }
    }
    Ok(())
}

fn not_read() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the server does not read what it is sent")
}

/// The moment after this time; now, if no clock can show it.
pub(super) fn later(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now)
}

/// True for both errors of a read time-out: which one it is depends on the system.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// True for the ways in which a connection ends: libmms, MPlayer and their like just close, which
/// often arrives as a reset (T47).
pub(super) fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_peer_that_does_not_read_cannot_hang_us() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_peer, _) = listener.accept().unwrap();
        let time = Duration::from_millis(50);
        socket.set_write_timeout(Some(time)).unwrap();
        let before = Instant::now();
        let error = loop {
            if let Err(error) = write_all(&mut socket, &[0; 1 << 20], time) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("does not read"), "{error}");
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_full_socket_that_does_not_block_is_waited_for() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let time = Duration::from_millis(500);
        let mut socket = TcpSocket::new(stream, time, &Cancel::new()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let sent: Vec<u8> = (0..16 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
        let expected = sent.clone();
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; expected.len()];
            peer.read_exact(&mut got).unwrap();
            assert!(got == expected);
            peer
        });
        socket.write(&sent, || Phase::Streaming);
        assert!(socket.broken().is_none(), "{:?}", socket.broken());
        let _peer = reader.join().unwrap();
        let error = socket.stream.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "does not block again");
        while socket.broken().is_none() {
            socket.write(&sent, || Phase::Streaming);
        }
        let broken = socket.take_broken().unwrap();
        assert_eq!((broken.phase, broken.error.kind()), (Phase::Streaming, ErrorKind::TimedOut));
    }

    #[test]
    fn the_ways_in_which_a_connection_ends() {
        for kind in
            [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::BrokenPipe]
        {
            assert!(is_end(&kind.into()), "{kind}");
            assert!(!is_timeout(&kind.into()), "{kind}");
        }
        assert!(!is_end(&ErrorKind::PermissionDenied.into()));
    }
}
