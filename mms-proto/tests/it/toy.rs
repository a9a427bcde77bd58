//! A protocol of two connections and datagrams on what all protocols share: both ends in memory,
//! against each other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::testing::sim::{App, End, Net, epoch};
use mms_proto::testing::toy::{PLAY, SELECT, STOP, Toy, ToyEvent};
use mms_proto::{
    CloseReason, ConnectionId, Content, Deviation, Input, Machine as _, Output, PushOutcome,
    StateError, StreamNumber, StreamSelection, Transmit,
};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where datagrams come from on the simulated network.
const SENDER: SocketAddr = SocketAddr::new(CLIENT, 0);
const SILENCE: Duration = Duration::from_secs(10);
const SECOND: ConnectionId = ConnectionId::MAIN.next().unwrap();

/// 8 kbit/s, and no packet size.
pub(crate) fn content() -> Content {
    Content::new(Bytes::from_static(b"header")).unwrap().with_bit_rate(8_000)
}

/// The server's application: what it sends on demand, and two live packets as soon as it is asked to
/// play.
pub(crate) struct Studio {
    packets: Vec<Bytes>,
    /// It sends nothing.
    idle: bool,
    /// When it sent each packet.
    sent: Vec<Instant>,
}

impl Studio {
    fn new(packets: usize) -> Self {
        let packets = vec![Bytes::from_static(&[7; 250]); packets];
        Self { packets, idle: false, sent: Vec::new() }
    }

    /// What is sent depends on when there is time between two commands: nothing.
    pub(crate) fn idle() -> Self {
        Self { packets: Vec::new(), idle: true, sent: Vec::new() }
    }
}

impl App<Toy> for Studio {
    fn event(&mut self, server: &mut Toy, now: Instant, event: ToyEvent) -> Option<ToyEvent> {
        match event {
            ToyEvent::Wanted(_) if self.idle => {}
            ToyEvent::Wanted(_) if self.packets.is_empty() => server.end_of_stream(now),
            ToyEvent::Wanted(_) => {
                server.send_packet(now, self.packets.pop().unwrap()).unwrap();
                self.sent.push(now);
            }
            ToyEvent::Play(_) if !self.idle => {
                for live in [b"live 1", b"live 2"] {
                    assert_eq!(server.push_packet(now, live[..].into()), PushOutcome::Queued);
                }
                return Some(event);
            }
            other => return Some(other),
        }
        None
    }
}

fn net(packets: usize) -> Net<Toy, Toy, (), Studio> {
    let now = epoch();
    let client = End::new(now, Toy::client(now, 2000, SILENCE), ());
    let server = End::new(now, Toy::server(now, CLIENT, content()), Studio::new(packets));
    Net::new(client, server)
}

fn full(stream: u8) -> StreamSelection {
    StreamSelection::full(StreamNumber::new(stream).unwrap())
}

fn live(number: u8) -> ToyEvent {
    ToyEvent::Datagram(SENDER, format!("live {number}").into())
}

#[test]
fn both_ends() {
    let mut net = net(3);
    net.run();
    let packet = || ToyEvent::Packet(Bytes::from_static(&[7; 250]));
    assert_eq!(
        net.client.take_events(),
        [
            packet(),
            live(1),
            live(2),
            ToyEvent::Selected(1),
            packet(),
            packet(),
            ToyEvent::Closed(CloseReason::Peer)
        ]
    );
    assert_eq!(
        net.server.take_events(),
        [
            ToyEvent::Play(SocketAddr::new(CLIENT, 2000)),
            live(1),
            live(2),
            ToyEvent::Select(vec![full(1)]),
            ToyEvent::SecondEnded,
            ToyEvent::Closed(CloseReason::Local)
        ]
    );
    // At the content's bit rate.
    let times: Vec<_> = net.server.app.sent.iter().map(|&at| at - net.begun).collect();
    assert_eq!(times, [0, 250, 500].map(Duration::from_millis));
}

/// One end with a network that takes everything and brings nothing.
pub(crate) fn alone<A: App<Toy>>(now: Instant, toy: Toy, app: A) -> End<Toy, A> {
    let mut end = End::new(now, toy, app);
    end.net = Some(Vec::new());
    end.poll();
    end
}

fn server(content: Content) -> End<Toy> {
    let now = epoch();
    alone(now, Toy::server(now, CLIENT, content), ())
}

#[test]
fn packets_of_content_without_a_packet_size() {
    for (content, limit) in [(content(), 255), (content().with_packet_size(100).unwrap(), 100)] {
        let mut server = server(content);
        let mut send = |bytes: usize| {
            server.command(|server, now| server.send_packet(now, vec![1; bytes].into()))
        };
        assert_eq!(send(1), Err(StateError::NotWanted));
        server.feed(&[PLAY, 0, 1]);
        let mut send = |bytes: usize| {
            server.command(|server, now| server.send_packet(now, vec![1; bytes].into()))
        };
        for size in [0, limit as usize + 1] {
            assert_eq!(send(size), Err(StateError::PacketSize { size, limit }));
        }
        assert_eq!(send(limit as usize), Ok(()));
        assert_eq!(send(1), Err(StateError::NotWanted), "paced");
    }
}

#[test]
fn live_packets_wait_in_a_queue() {
    let mut server = server(content());
    let push = |server: &mut Toy, now| server.push_packet(now, vec![1; 600].into());
    assert_eq!(server.give(push), PushOutcome::NotPlaying);
    server.feed(&[PLAY, 0, 1]);
    assert_eq!(server.give(push), PushOutcome::Queued);
    assert_eq!(server.give(push), PushOutcome::Dropped);
    server.poll();
    assert_eq!(server.command(push), PushOutcome::Queued);
    // Ends after what is queued.
    assert_eq!(server.give(push), PushOutcome::Queued);
    server.command(Toy::end_of_stream);
    assert_eq!(server.closed, Some(CloseReason::Local));
}

#[test]
fn streams_are_selected_on_the_second_connection() {
    let mut server = server(content());
    server.feed(&[PLAY, 0, 1]);
    server.take_events();
    for (stream, selected) in [(1, vec![1]), (2, vec![1, 2]), (2, vec![1, 2]), (0, vec![1, 2])] {
        let count = u8::try_from(selected.len()).unwrap();
        server.input(Input::Tcp { connection: SECOND, bytes: &[SELECT, stream] }).unwrap();
        let selected = selected.into_iter().map(full).collect();
        assert_eq!(server.take_events(), [ToyEvent::Select(selected)]);
        let answer = Transmit::Message(Bytes::copy_from_slice(&[count]));
        let answer = Output::Transmit { connection: SECOND, data: answer };
        assert_eq!(server.net.as_ref().unwrap().last(), Some(&answer));
    }
    server.feed(&[9, STOP]);
    let deviation = Deviation::FieldValue { field: "command", value: 9 };
    let closed = ToyEvent::Closed(CloseReason::Peer);
    assert_eq!(server.take_events(), [ToyEvent::Deviation(deviation), closed]);
}

#[test]
fn input_of_a_connection_that_is_not_open_is_dropped() {
    let now = epoch();
    let mut client = alone(now, Toy::client(now, 2000, SILENCE), ());
    let foreign = |client: &mut End<Toy>| {
        client.take_events();
        let written = client.written;
        for input in [
            Input::TcpOpened { connection: SECOND, local: SENDER },
            Input::Tcp { connection: SECOND, bytes: &[1, 2, 3] },
            Input::TcpFailed { connection: SECOND },
            Input::TcpClosed { connection: SECOND },
        ] {
            client.input(input).unwrap();
        }
        assert!(client.machine.recv_buffer(SECOND).is_empty());
        client.machine.received(client.now, SECOND, 8).unwrap();
        client.poll();
        assert_eq!((client.take_events(), client.written), (vec![], written));
    };
    // Before it is asked for, and after its answer.
    foreign(&mut client);
    client.feed(b"\x01a");
    assert!(!client.machine.recv_buffer(SECOND).is_empty());
    client.input(Input::TcpOpened { connection: SECOND, local: SENDER }).unwrap();
    client.input(Input::Tcp { connection: SECOND, bytes: &[1, 2] }).unwrap();
    assert_eq!(client.take_events().last(), Some(&ToyEvent::Selected(1)));
    foreign(&mut client);
}
