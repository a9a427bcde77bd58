//! Writes with a time limit, and the ways in which a TCP connection ends.

use std::io::{self, ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Writes all of it, in one system call where the system agrees. The limit is for the whole: a
/// peer that takes a byte now and then gets no more time than one that takes none.
///
/// The write time-out of the socket is to be `timeout` as well.
pub(super) fn write_all(
    socket: &mut TcpStream,
    mut bytes: &[u8],
    timeout: Duration,
) -> io::Result<()> {
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
