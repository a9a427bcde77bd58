//! Input of several sockets in one order gives the same events and the same writes, however TCP cuts
//! the bytes of each connection and wherever the pieces fall between those of others.
//!
//! The order is that of units: a datagram, what happens to a connection, or bytes that mean something
//! together, which count when the last of them is here.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mms_proto::testing::sim::{App, End, Line, Subject, epoch};
use mms_proto::testing::toy::{PLAY, SELECT, Toy, ToyEvent};
use mms_proto::{ConnectionId, Input, Pace};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::pair::Side;
use crate::pair::properties::eventful;
use crate::toy::{Studio, alone, content};

const MAIN: ConnectionId = ConnectionId::MAIN;
const SECOND: ConnectionId = MAIN.next().unwrap();
const THIRD: ConnectionId = SECOND.next().unwrap();
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7);

#[derive(Debug, Clone)]
enum Unit {
    Tcp(ConnectionId, Vec<u8>),
    Datagram(Vec<u8>),
    Opened(ConnectionId),
    Failed(ConnectionId),
    Closed(ConnectionId),
}

impl Unit {
    fn input(&self) -> Input<'_> {
        match self {
            Self::Tcp(connection, bytes) => Input::Tcp { connection: *connection, bytes },
            Self::Datagram(bytes) => Input::Datagram { from: PEER, bytes },
            Self::Opened(connection) => Input::TcpOpened { connection: *connection, local: PEER },
            Self::Failed(connection) => Input::TcpFailed { connection: *connection },
            Self::Closed(connection) => Input::TcpClosed { connection: *connection },
        }
    }

    fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Tcp(connection, _) | Self::Opened(connection) => Some(*connection),
            Self::Failed(connection) | Self::Closed(connection) => Some(*connection),
            Self::Datagram(_) => None,
        }
    }
}

/// An application that has had enough at one packet: nothing may come after that.
struct Leaves;

impl App<Toy> for Leaves {
    fn event(&mut self, client: &mut Toy, _: Instant, event: ToyEvent) -> Option<ToyEvent> {
        if matches!(&event, ToyEvent::Packet(packet) if packet[0] == 0) {
            client.close();
        }
        Some(event)
    }
}

/// Reads that deliver units in their order: pieces of a unit may come before other units, its last
/// byte may not, and one read may hold what follows on its connection.
fn cut(units: &[Unit], mut choose: impl FnMut(usize) -> usize) -> Vec<Unit> {
    let mut reads: Vec<Unit> = Vec::new();
    // Bytes of each unit that have come.
    let mut came = vec![0; units.len()];
    for (index, unit) in units.iter().enumerate() {
        if let Unit::Tcp(connection, bytes) = unit {
            while came[index] < bytes.len() {
                let count = choose(bytes.len() - came[index]) + 1;
                let piece = bytes[came[index]..came[index] + count].to_vec();
                came[index] += count;
                reads.push(Unit::Tcp(*connection, piece));
            }
        } else {
            reads.push(unit.clone());
        }
        // What comes early: of each connection some of its next unit, all of it if that is next.
        for connection in [MAIN, SECOND, THIRD] {
            let mut later = units.iter().enumerate().skip(index + 1);
            let next = later.find(|(_, unit)| unit.connection() == Some(connection));
            let Some((next, Unit::Tcp(_, bytes))) = next else { continue };
            let most = bytes.len() - came[next] - usize::from(next > index + 1);
            let count = if choose(2) == 0 { 0 } else { choose(most + 1) };
            let piece = &bytes[came[next]..came[next] + count];
            came[next] += count;
            match reads.last_mut() {
                _ if count == 0 => {}
                Some(Unit::Tcp(same, read)) if *same == connection && choose(4) > 0 => {
                    read.extend(piece);
                }
                _ => reads.push(Unit::Tcp(connection, piece.to_vec())),
            }
            if came[next] == bytes.len() {
                // The next unit is here: what comes before it later would be out of order.
                break;
            }
        }
    }
    reads
}

/// Everything that an end says about these reads, each by one of the two ways to read: writes and
/// events, and what is for the network.
fn run<M: Subject, A: App<M>>(
    mut end: End<M, A>,
    reads: &[Unit],
    mut choose: impl FnMut(usize) -> usize,
) -> (Vec<Line>, Vec<String>) {
    end.record = Some(Vec::new());
    end.net = Some(Vec::new());
    end.poll();
    for read in reads {
        if let Unit::Tcp(connection, bytes) = read {
            let room = end.machine.recv_buffer(*connection);
            if choose(2) == 0 && room.len() >= bytes.len() {
                room[..bytes.len()].copy_from_slice(bytes);
                let (connection, count) = (*connection, bytes.len());
                end.command(|machine, now| {
                    let _ = machine.received(now, connection, count);
                });
                continue;
            }
        }
        let _ = end.input(read.input());
    }
    let network = end.net.iter().flatten().map(|output| format!("{output:?}"));
    (end.record.unwrap(), network.collect())
}

/// The same units, cut in any way, give the same as the units one by one.
fn check<M: Subject, A: App<M>>(
    make: impl Fn() -> End<M, A>,
    units: &[Unit],
    seed: u64,
) -> Result<(), TestCaseError> {
    let mut state = seed | 1;
    let mut choose = |count: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % count
    };
    let (whole, to_network) = run(make(), units, |_| 1);
    let reads = cut(units, &mut choose);
    let (pieces, in_pieces) = run(make(), &reads, &mut choose);
    let differs = whole.iter().zip(&pieces).position(|(whole, piece)| whole != piece);
    let differs =
        differs.or_else(|| (whole.len() != pieces.len()).then(|| whole.len().min(pieces.len())));
    if let Some(at) = differs {
        let (whole, piece) = (whole.get(at), pieces.get(at));
        return Err(TestCaseError::fail(format!(
            "{at}: {whole:?}, in pieces {piece:?}: {reads:?}"
        )));
    }
    prop_assert_eq!(to_network, in_pieces);
    Ok(())
}

/// What reaches the client of the toy protocol.
fn to_toy_client() -> impl Strategy<Value = Vec<Unit>> {
    let packet = vec(0..8_u8, 1..40).prop_map(|payload| {
        let length = u8::try_from(payload.len()).unwrap();
        Unit::Tcp(MAIN, [vec![length], payload].concat())
    });
    let unit = prop_oneof![
        4 => packet,
        3 => vec(any::<u8>(), 0..10).prop_map(Unit::Datagram),
        2 => Just(Unit::Opened(SECOND)),
        2 => vec(any::<u8>(), 1..2).prop_map(|answer| Unit::Tcp(SECOND, answer)),
        1 => Just(Unit::Failed(SECOND)),
        1 => Just(Unit::Closed(SECOND)),
    ];
    (vec(unit, 1..20), any::<bool>()).prop_map(|(mut units, ends)| {
        units.extend(ends.then(|| Unit::Tcp(MAIN, vec![0])));
        units
    })
}

/// What reaches its server.
fn to_toy_server() -> impl Strategy<Value = Vec<Unit>> {
    let unit = prop_oneof![
        3 => any::<[u8; 2]>().prop_map(|[a, b]| Unit::Tcp(MAIN, vec![PLAY, a, b])),
        1 => (3..=255_u8).prop_map(|unknown| Unit::Tcp(MAIN, vec![unknown])),
        3 => any::<u8>().prop_map(|stream| Unit::Tcp(SECOND, vec![SELECT, stream])),
        3 => vec(any::<u8>(), 0..10).prop_map(Unit::Datagram),
        1 => Just(Unit::Opened(SECOND)),
        1 => Just(Unit::Closed(SECOND)),
    ];
    // Nothing comes on a connection before it is asked for.
    let play = Unit::Tcp(MAIN, vec![PLAY, 0, 7]);
    vec(unit, 1..20).prop_map(move |units| [vec![play.clone()], units].concat())
}

/// The writes of a whole session of the native protocol that reach one side, with input between
/// them that this transport does not take.
fn to_mmsp(side: Side, foreign: &[(Index, Unit)]) -> Vec<Unit> {
    let writes = Rc::new(RefCell::new(Vec::new()));
    let taken = Rc::clone(&writes);
    let mut pair = eventful(Pace::Full);
    pair.tamper = Box::new(move |from, write| {
        if from == side.other() {
            taken.borrow_mut().push(Unit::Tcp(MAIN, write.to_bytes().to_vec()));
        }
        vec![write.to_bytes()]
    });
    pair.run();
    drop(pair);
    let mut units = writes.take();
    for (place, unit) in foreign {
        units.insert(place.index(units.len() + 1), unit.clone());
    }
    units
}

fn foreign() -> impl Strategy<Value = Vec<(Index, Unit)>> {
    let id = prop_oneof![Just(SECOND), Just(THIRD)];
    let unit = prop_oneof![
        4 => vec(any::<u8>(), 0..40).prop_map(Unit::Datagram),
        4 => (id.clone(), vec(any::<u8>(), 1..40)).prop_map(|(id, bytes)| Unit::Tcp(id, bytes)),
        1 => id.clone().prop_map(Unit::Opened),
        1 => id.clone().prop_map(Unit::Failed),
        1 => id.prop_map(Unit::Closed),
    ];
    vec((any::<Index>(), unit), 0..10)
}

proptest! {
    #[test]
    fn of_a_client_with_two_connections_and_datagrams(
        units in to_toy_client(),
        seed in any::<u64>(),
    ) {
        let now = epoch();
        let timeout = Duration::from_secs(1);
        check(|| alone(now, Toy::client(now, 7, timeout), Leaves), &units, seed)?;
    }

    #[test]
    fn of_a_server_with_two_connections_and_datagrams(
        units in to_toy_server(),
        seed in any::<u64>(),
    ) {
        let now = epoch();
        check(
            || alone(now, Toy::server(now, PEER.ip(), content()), Studio::idle()),
            &units,
            seed,
        )?;
    }

    #[test]
    fn of_a_client_of_the_native_protocol(foreign in foreign(), seed in any::<u64>()) {
        let units = to_mmsp(Side::Client, &foreign);
        check(|| eventful(Pace::Full).into_client(), &units, seed)?;
        let alone = to_mmsp(Side::Client, &[]);
        let make = || eventful(Pace::Full).into_client();
        prop_assert!(run(make(), &units, |_| 1) == run(make(), &alone, |_| 1), "not dropped");
    }

    #[test]
    fn of_a_server_of_the_native_protocol(foreign in foreign(), seed in any::<u64>()) {
        let make = || {
            let mut pair = eventful(Pace::Full);
            pair.server.app.stalled = true;
            pair.into_server()
        };
        let units = to_mmsp(Side::Server, &foreign);
        check(make, &units, seed)?;
        let alone = to_mmsp(Side::Server, &[]);
        prop_assert!(run(make(), &units, |_| 1) == run(make(), &alone, |_| 1), "not dropped");
    }
}
