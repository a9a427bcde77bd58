//! The driver with a protocol of two connections and datagrams, over real sockets.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

use mms_proto::testing::toy::{PLAY, SELECT, STOP, Toy, ToyEvent};
use mms_proto::{Content, PushOutcome, StreamNumber, StreamSelection};

use super::*;
use crate::dial::{Dial, DialError, Dialer};

/// Ends a test that would hang otherwise; never reached when the code works.
const SAFETY: Duration = Duration::from_secs(20);

/// The server ended the stream.
const CLOSED: ToyEvent = ToyEvent::Closed(CloseReason::Peer);

impl ClientMachine for Toy {
    fn close(&mut self, _now: Instant) {
        Self::close(self);
    }

    fn is_last(event: &ToyEvent) -> bool {
        matches!(event, ToyEvent::Closed(_))
    }
}

/// A server of plain sockets, and the client that is connected to it.
struct Peers {
    listener: TcpListener,
    main: TcpStream,
    udp: UdpSocket,
    /// Where the client listens for datagrams.
    client_port: u16,
    cancel: Cancel,
    connection: Connection<Toy>,
}

impl Peers {
    fn new(timeout: Duration) -> Self {
        Self::build(timeout, Arc::new(Dialer::default()), true)
    }

    fn build(timeout: Duration, dialer: Arc<dyn Dial>, by_udp: bool) -> Self {
        let local = (Ipv4Addr::LOCALHOST, 0);
        let listener = TcpListener::bind(local).unwrap();
        let address = listener.local_addr().unwrap();
        let datagrams = UdpSocket::bind(local).unwrap();
        let client_port = datagrams.local_addr().unwrap().port();
        let cancel = Cancel::new();
        let network = Network {
            main: TcpStream::connect(address).unwrap(),
            datagrams: by_udp.then_some(datagrams),
            dialer,
            // Leads nowhere: further connections go to the peer of the main one.
            host: "nowhere.invalid".to_owned(),
            port: address.port(),
            write_timeout: SAFETY,
            cancel: cancel.clone(),
        };
        let make = |_| Toy::client(Instant::now(), client_port, timeout);
        let connection = Connection::new(network, make).unwrap();
        let (main, _) = listener.accept().unwrap();
        main.set_read_timeout(Some(SAFETY)).unwrap();
        let udp = UdpSocket::bind(local).unwrap();
        udp.set_read_timeout(Some(SAFETY)).unwrap();
        Self { listener, main, udp, client_port, cancel, connection }
    }

    fn next(&mut self) -> ToyEvent {
        self.connection.next_event().unwrap()
    }

    fn send(&mut self, bytes: &[u8]) {
        self.main.write_all(bytes).unwrap();
    }

    fn send_datagram(&self, bytes: &[u8]) {
        self.udp.send_to(bytes, (Ipv4Addr::LOCALHOST, self.client_port)).unwrap();
    }

    fn datagram(&self, bytes: &'static [u8]) -> ToyEvent {
        ToyEvent::Datagram(self.udp.local_addr().unwrap(), bytes.into())
    }
}

fn packet(bytes: &'static [u8]) -> ToyEvent {
    ToyEvent::Packet(bytes.into())
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[test]
fn two_connections_and_datagrams() {
    let mut peers = Peers::new(SAFETY);
    peers.send(b"\x05first");
    assert_eq!(peers.next(), packet(b"first"));
    let [high, low] = peers.client_port.to_be_bytes();
    assert_eq!(read(&mut peers.main), [PLAY, high, low]);

    // The second connection: opened while media come, answered, closed by the client.
    let listener = peers.listener.try_clone().unwrap();
    let second = thread::spawn(move || {
        let (mut second, _) = listener.accept().unwrap();
        second.set_read_timeout(Some(SAFETY)).unwrap();
        assert_eq!(read(&mut second), [SELECT, 1]);
        second.write_all(&[1]).unwrap();
        assert_eq!(second.read(&mut [0]).unwrap(), 0, "closed");
    });
    assert_eq!(peers.next(), ToyEvent::Selected(1));
    // A datagram arrives and is sent back, with the main connection open beside it.
    peers.send_datagram(b"by UDP");
    assert_eq!(peers.next(), peers.datagram(b"by UDP"));
    peers.send(b"\x06second");
    assert_eq!(peers.next(), packet(b"second"));
    second.join().unwrap();
    let mut echo = [0; 64];
    let (count, from) = peers.udp.recv_from(&mut echo).unwrap();
    assert_eq!((&echo[..count], from.port()), (&b"by UDP"[..], peers.client_port));

    // Empty datagrams count as input; the rest of the main connection comes in order.
    peers.send_datagram(b"");
    assert_eq!(peers.next(), peers.datagram(b""));
    peers.send(b"\x01a\x01b\x00");
    assert_eq!([peers.next(), peers.next(), peers.next()], [packet(b"a"), packet(b"b"), CLOSED]);
    assert!(matches!(peers.connection.next_event(), Err(Error::Closed { .. })));
}

#[test]
fn neither_socket_starves_the_other() {
    let mut peers = Peers::new(SAFETY);
    peers.send(&b"\x01a".repeat(1000));
    for _ in 0..50 {
        peers.send_datagram(b"u");
    }
    let mut first = None;
    for at in 0..1000 {
        if matches!(peers.next(), ToyEvent::Datagram(..)) {
            first = first.or(Some(at));
        }
    }
    // One read of the main connection is 32 packets.
    assert!(first.is_some_and(|at| at < 100), "{first:?}");
}

#[test]
fn a_second_connection_that_ends_does_not_end_the_session() {
    let mut peers = Peers::new(SAFETY);
    peers.send(b"\x01a");
    let listener = peers.listener.try_clone().unwrap();
    let second = thread::spawn(move || drop(listener.accept().unwrap()));
    assert_eq!([peers.next(), peers.next()], [packet(b"a"), ToyEvent::SecondEnded]);
    second.join().unwrap();
    peers.send(b"\x01b\x00");
    assert_eq!([peers.next(), peers.next()], [packet(b"b"), CLOSED]);
}

#[derive(Debug)]
struct Refuses;

impl Dial for Refuses {
    fn dial(&self, host: &str, port: u16, _: &Cancel) -> Result<TcpStream, DialError> {
        assert_eq!(host, "nowhere.invalid");
        Err(DialError::Connect { host: host.to_owned(), port, attempts: Vec::new() })
    }
}

#[test]
fn a_second_connection_that_cannot_be_opened() {
    let mut peers = Peers::build(SAFETY, Arc::new(Refuses), true);
    peers.send(b"\x01a");
    assert_eq!([peers.next(), peers.next()], [packet(b"a"), ToyEvent::SecondEnded]);
    peers.send(b"\x01b\x00");
    assert_eq!([peers.next(), peers.next()], [packet(b"b"), CLOSED]);
}

#[test]
fn a_main_connection_that_is_alone_again_is_read_blocking() {
    let mut peers = Peers::build(SAFETY, Arc::new(Dialer::default()), false);
    assert!(!peers.connection.sockets.is_polled());
    peers.send(b"\x01a");
    let listener = peers.listener.try_clone().unwrap();
    let second = thread::spawn(move || {
        let (mut second, _) = listener.accept().unwrap();
        second.write_all(&[7]).unwrap();
        second
    });
    assert_eq!([peers.next(), peers.next()], [packet(b"a"), ToyEvent::Selected(7)]);
    assert!(peers.connection.sockets.is_polled());
    let _second = second.join().unwrap();
    peers.send(b"\x01b");
    assert_eq!(peers.next(), packet(b"b"));
    assert!(!peers.connection.sockets.is_polled());
    peers.send(b"\x01c\x00");
    assert_eq!([peers.next(), peers.next()], [packet(b"c"), CLOSED]);
}

#[test]
fn a_deadline_with_several_sockets() {
    let mut peers = Peers::new(Duration::from_millis(100));
    let before = Instant::now();
    assert_eq!(peers.next(), ToyEvent::Silence);
    assert!(before.elapsed() >= Duration::from_millis(100));
    peers.send_datagram(b"a");
    assert_eq!(peers.next(), peers.datagram(b"a"));
    // The application is busy, and what meets the deadline waits in a socket.
    peers.send_datagram(b"b");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(peers.next(), peers.datagram(b"b"));
    assert_eq!(peers.next(), ToyEvent::Silence);
}

#[test]
fn cancelling_ends_a_wait_for_several_sockets() {
    let mut peers = Peers::new(SAFETY);
    let cancel = peers.cancel.clone();
    let before = Instant::now();
    let thread = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        cancel.cancel();
    });
    assert!(matches!(peers.connection.next_event(), Err(Error::Cancelled)));
    assert!(before.elapsed() < SAFETY / 2);
    thread.join().unwrap();
}

#[test]
fn closing_tells_the_server() {
    let Peers { mut main, connection, .. } = Peers::new(SAFETY);
    connection.close().unwrap();
    assert_eq!(read::<4>(&mut main)[3], STOP);
    let Peers { mut main, connection, .. } = Peers::new(SAFETY);
    drop(connection);
    assert_eq!(read::<4>(&mut main)[3], STOP);
}

/// The server's driver: the connection that its machine asks for is the one that the client opens.
#[derive(Debug)]
struct Accepts(TcpListener);

impl Dial for Accepts {
    fn dial(&self, _: &str, _: u16, _: &Cancel) -> Result<TcpStream, DialError> {
        Ok(self.0.accept().unwrap().0)
    }
}

#[test]
fn both_ends_over_sockets() {
    let Peers { listener, main, udp, client_port, cancel, mut connection } = Peers::new(SAFETY);
    let server_address = udp.local_addr().unwrap();
    let server = thread::spawn(move || {
        let network = Network {
            main,
            datagrams: Some(udp),
            dialer: Arc::new(Accepts(listener)),
            host: "nowhere.invalid".to_owned(),
            port: 0,
            write_timeout: SAFETY,
            cancel,
        };
        let content = Content::new(b"header"[..].into()).unwrap().with_bit_rate(80_000);
        let local = Ipv4Addr::LOCALHOST.into();
        let make = |_| Toy::server(Instant::now(), local, content);
        let mut connection = Connection::new(network, make).unwrap();
        let (mut told, mut packets) = (Vec::new(), 0);
        loop {
            let event = connection.next_event().unwrap();
            let (now, toy) = (Instant::now(), connection.machine_mut());
            match &event {
                ToyEvent::Wanted(_) if packets < 3 => {
                    packets += 1;
                    toy.send_packet(now, b"on demand"[..].into()).unwrap();
                }
                ToyEvent::Play(_) => {
                    let pushed = toy.push_packet(now, b"live"[..].into());
                    assert_eq!(pushed, PushOutcome::Queued);
                }
                ToyEvent::Closed(_) => return (told, event, packets),
                _ => {}
            }
            if !matches!(event, ToyEvent::Wanted(_)) {
                told.push(event);
            }
            // The play command, the selection, its connection's end, and the live packet again.
            if told.len() == 4 && packets == 3 {
                toy.end_of_stream(now);
            }
        }
    });
    let mut told: Vec<_> = std::iter::from_fn(|| connection.next_event().ok()).collect();
    assert_eq!(told.pop(), Some(CLOSED));
    let (packets, mut other): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|event| *event == packet(b"on demand"));
    assert_eq!(packets.len(), 3);
    let live = ToyEvent::Datagram(server_address, b"live"[..].into());
    other.sort_by_key(|event| *event == live);
    assert_eq!(other, [ToyEvent::Selected(1), live]);

    let (told, last, packets) = server.join().unwrap();
    assert_eq!((last, packets), (ToyEvent::Closed(CloseReason::Local), 3));
    let client = SocketAddr::from((Ipv4Addr::LOCALHOST, client_port));
    let stream = StreamSelection::full(StreamNumber::new(1).unwrap());
    assert_eq!(told[0], ToyEvent::Play(client));
    for event in [
        ToyEvent::Select(vec![stream]),
        ToyEvent::SecondEnded,
        ToyEvent::Datagram(client, b"live"[..].into()),
    ] {
        assert!(told[1..].contains(&event), "{event:?} in {told:?}");
    }
}
