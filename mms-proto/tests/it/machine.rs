//! What every machine keeps, asked through the trait.
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{ConnectionId, Input, Machine, Output, Phase};

/// The beginning of all time.
#[expect(clippy::disallowed_methods, reason = "only differences to it count")]
fn epoch() -> Instant {
    Instant::now()
}

/// Everything that a machine has to say now.
fn outputs<M: Machine>(machine: &mut M) -> (usize, Option<Instant>) {
    for count in 0.. {
        if let Output::Wait(deadline) = machine.poll_output() {
            return (count, deadline);
        }
    }
    unreachable!()
}

fn drops_foreign_input(mut machine: impl Machine, phase: Phase) {
    let now = epoch();
    let other = ConnectionId::MAIN.next().unwrap();
    assert!(!other.is_main());
    let (_, deadline) = outputs(&mut machine);
    let (stats, address) = (machine.stats(), SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    for input in [
        Input::TcpOpened { connection: other, local: address },
        Input::TcpFailed { connection: other },
        Input::Tcp { connection: other, bytes: &[0xCE; 100] },
        Input::TcpClosed { connection: other },
        Input::Datagram { from: address, bytes: &[0xCE; 100] },
    ] {
        assert_eq!(machine.handle_input(now, input), Ok(()), "{input:?}");
        assert_eq!(outputs(&mut machine), (0, deadline), "{input:?}");
    }
    assert!(machine.recv_buffer(other).is_empty());
    assert_eq!(machine.received(now, other, 8), Ok(()));
    assert_eq!(outputs(&mut machine), (0, deadline));
    assert_eq!((machine.phase(), machine.stats()), (phase, stats));
    // The session's own connection is read as before.
    assert!(!machine.recv_buffer(ConnectionId::MAIN).is_empty());
    let _ = machine.handle_input(now, Input::tcp_closed());
    assert!(outputs(&mut machine).0 > 0);
    assert_eq!(machine.phase(), Phase::Closed);
}

#[test]
fn a_client_drops_input_of_a_connection_that_is_not_its_own() {
    let client = Client::new(epoch(), ClientConfig::new("example.org", "clip.wmv"));
    drops_foreign_input(client, Phase::Connecting);
}

#[test]
fn a_server_drops_input_of_a_connection_that_is_not_its_own() {
    let server = Server::new(epoch(), ServerConfig::default());
    drops_foreign_input(server, Phase::Connecting);
}
