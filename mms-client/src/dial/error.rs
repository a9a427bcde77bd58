//! Why no connection was made.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

/// How many failed addresses a message lists before it only counts them.
const LISTED: usize = 4;

/// What a dial was doing when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialPhase {
    /// Asking for the addresses of the server name.
    Resolve,
    /// Connecting to those addresses.
    Connect,
}

/// Why a dial gave no connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The server name could not be resolved.
    #[error("cannot find the server {host:?}; check its name and the network connection")]
    Resolve {
        /// The name asked for.
        host: String,
        /// What the system's resolver said.
        source: io::Error,
    },
    /// The name exists but has no IP address.
    #[error("the server name {host:?} has no IP address; check the name")]
    NoAddress {
        /// The name asked for.
        host: String,
    },
    /// Every address of the server refused or failed.
    #[error(
        "cannot connect to {host:?} port {port} ({tried}); \
         check that the server is running and that no firewall blocks the port",
        tried = Tried(attempts)
    )]
    Connect {
        /// The name asked for.
        host: String,
        /// The TCP port.
        port: u16,
        /// Every address tried, in order, with its error; never empty.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The time for the whole dial ran out.
    #[error("{}", describe_time_out(*phase, host, *port, *after, attempts))]
    TimedOut {
        /// What was still going on.
        phase: DialPhase,
        /// The name asked for.
        host: String,
        /// The TCP port.
        port: u16,
        /// How long the dial took.
        after: Duration,
        /// The addresses that had failed by then, in order, with their errors.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The [`Cancel`](super::Cancel) handle was used.
    #[error("connecting was cancelled")]
    Cancelled,
    /// The system gave no thread to resolve and connect on.
    #[error("cannot start a thread for the connection; close other programs or raise the limit")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
    /// Another kind of dialer failed in its own way, for example a proxy.
    #[error("cannot connect to {host:?} port {port} by way of another program")]
    Other {
        /// The name asked for.
        host: String,
        /// The TCP port.
        port: u16,
        /// What went wrong there.
        source: Box<dyn StdError + Send + Sync>,
    },
}

struct Tried<'a>(&'a [(SocketAddr, io::Error)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, error)) in self.0.iter().take(LISTED).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{address}: {error}")?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn describe_time_out(
    phase: DialPhase,
    host: &str,
    port: u16,
    after: Duration,
    attempts: &[(SocketAddr, io::Error)],
) -> String {
    let seconds = after.as_secs_f64();
    match phase {
        DialPhase::Resolve => format!(
            "no answer about the server name {host:?} within {seconds:.1} s; \
             check the network connection or allow more time"
        ),
        DialPhase::Connect => {
            let tried = match attempts {
                [] => String::new(),
                _ => format!(" ({})", Tried(attempts)),
            };
            format!(
                "no connection to {host:?} port {port} within {seconds:.1} s{tried}; \
                 check that no firewall blocks the port or allow more time"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn attempts(count: u8) -> Vec<(SocketAddr, io::Error)> {
        let attempt = |last| {
            let address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 1755));
            (address, io::Error::other("refused"))
        };
        (1..=count).map(attempt).collect()
    }

    #[test]
    fn messages_say_what_where_and_what_to_try() {
        let host = || "media.example".to_owned();
        let after = Duration::from_millis(1500);
        for (error, want) in [
            (
                DialError::Resolve { host: "a\u{202e}b".into(), source: io::Error::other("x") },
                "cannot find the server \"a\\u{202e}b\"; check its name and the network connection",
            ),
            (
                DialError::Connect { host: host(), port: 1755, attempts: attempts(2) },
                "cannot connect to \"media.example\" port 1755 (127.0.0.1:1755: refused, \
                 127.0.0.2:1755: refused); check that the server is running and that no firewall \
                 blocks the port",
            ),
            (
                DialError::TimedOut {
                    phase: DialPhase::Resolve,
                    host: host(),
                    port: 1755,
                    after,
                    attempts: Vec::new(),
                },
                "no answer about the server name \"media.example\" within 1.5 s; check the \
                 network connection or allow more time",
            ),
            (
                DialError::TimedOut {
                    phase: DialPhase::Connect,
                    host: host(),
                    port: 1755,
                    after,
                    attempts: attempts(1),
                },
                "no connection to \"media.example\" port 1755 within 1.5 s (127.0.0.1:1755: \
                 refused); check that no firewall blocks the port or allow more time",
            ),
        ] {
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn a_long_list_is_counted() {
        let text = Tried(&attempts(9)).to_string();
        assert!(text.contains("127.0.0.4:1755") && !text.contains("127.0.0.5"), "{text}");
        assert!(text.ends_with(" and 5 more"), "{text}");
    }
}
