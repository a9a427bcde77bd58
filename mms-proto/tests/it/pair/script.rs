//! A server that is fed message by message, with its answers decoded.

use std::time::{Duration, Instant};

use bytes::Bytes;
use mms_proto::mmsp::frame::{DataPacket, Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    ClientMessage, Connect, ConnectFunnel, FunnelName, MessageId, OpenFile, PacketPair, ReadBlock,
    ServerMessage, StartPlaying, StreamSwitch,
};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::{
    Content, Input, Limits, Machine as _, OpenRequest, Output, Phase, ServerEvent, Start,
    StreamNumber, StreamSelection, Transmit,
};

use super::media;

/// The most outputs that one input may lead to.
const MANY: usize = 100_000;

/// One thing that came out of the server.
#[derive(Debug)]
pub(crate) enum Got {
    Message(ServerMessage),
    Data(DataPacket),
    Event(ServerEvent),
}

pub(crate) struct Script {
    pub(crate) server: Server,
    pub(crate) now: Instant,
    /// The deadline of the last `Wait`.
    pub(crate) deadline: Option<Instant>,
    /// What was written since this was cleared.
    pub(crate) writes: Vec<Transmit>,
    writer: MessageWriter,
    decoder: FrameDecoder,
}

impl Script {
    pub(crate) fn new(config: ServerConfig) -> Self {
        let now = media::start();
        let mut script = Self {
            server: Server::new(now, config),
            now,
            deadline: None,
            writes: Vec::new(),
            writer: MessageWriter::default(),
            decoder: FrameDecoder::from_server(&Limits::default()),
        };
        assert!(script.poll().is_empty(), "a client speaks first");
        script
    }

    /// A session whose file is open.
    pub(crate) fn opened(config: ServerConfig, content: Content) -> Self {
        Self::opened_as("NSPlayer/9.0.0.2980", config, content)
    }

    fn opened_as(subscriber: &str, config: ServerConfig, content: Content) -> Self {
        let mut script = Self::new(config);
        script.send(connect(subscriber));
        script.send(funnel("\\\\10.0.0.1\\TCP\\1755"));
        let request = open_request(script.send(open(9, "file.wma")));
        script.server.accept(script.now, request, content).unwrap();
        script.poll();
        script
    }

    /// A session whose client has the header.
    pub(crate) fn ready(config: ServerConfig, content: Content) -> Self {
        Self::opened(config, content).with_header()
    }

    fn with_header(mut self) -> Self {
        let script = &mut self;
        script.send(ReadBlock { open_file_id: 1, incarnation: 2 });
        while let Some(next) = script.deadline.filter(|_| script.server.phase() != Phase::Ready) {
            script.pass(next - script.now);
        }
        self
    }

    /// A session that plays stream 1 with incarnation 4; one packet is wanted.
    pub(crate) fn playing(config: ServerConfig, content: Content) -> Self {
        Self::playing_as("NSPlayer/9.0.0.2980", config, content)
    }

    /// As [`playing`](Self::playing), with another name of the client.
    pub(crate) fn playing_as(subscriber: &str, config: ServerConfig, content: Content) -> Self {
        let mut script = Self::opened_as(subscriber, config, content).with_header();
        script.send(select(&[1]));
        script.send(play(4, Start::Beginning));
        script
    }

    /// Sends one message.
    pub(crate) fn send(&mut self, message: impl Into<ClientMessage>) -> Vec<Got> {
        let message = message.into();
        let bytes = self.writer.write(0, |out| message.encode(out));
        self.feed(&bytes)
    }

    /// Sends a message with this id and these bytes behind it.
    pub(crate) fn send_raw(&mut self, id: MessageId, body: &[u8]) -> Vec<Got> {
        self.send(ClientMessage::Unknown { id, body: Bytes::copy_from_slice(body) })
    }

    /// Sends bytes as they are.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Got> {
        let _ = self.server.handle_input(self.now, Input::tcp(bytes));
        self.poll()
    }

    /// The client closes its connection.
    pub(crate) fn hang_up(&mut self) -> Vec<Got> {
        let _ = self.server.handle_input(self.now, Input::tcp_closed());
        self.poll()
    }

    /// Lets time pass, from deadline to deadline.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Got> {
        let end = self.now + time;
        let mut got = Vec::new();
        while let Some(deadline) = self.deadline.filter(|&deadline| deadline <= end) {
            self.now = deadline.max(self.now);
            let _ = self.server.handle_input(self.now, Input::Timeout);
            got.extend(self.poll());
            assert!(got.len() < MANY, "time does not pass");
        }
        self.now = end;
        got
    }

    /// Sends the packet that is wanted.
    pub(crate) fn packet(&mut self, number: u32) -> Vec<Got> {
        self.server.send_packet(self.now, number, media::packet(number)).unwrap();
        self.poll()
    }

    /// Everything until the server waits.
    pub(crate) fn poll(&mut self) -> Vec<Got> {
        let mut got = Vec::new();
        for _ in 0..MANY {
            match self.server.poll_output() {
                Output::Event(event) => got.push(Got::Event(event)),
                Output::Transmit { data: transmit, .. } => {
                    got.extend(self.decode(&transmit));
                    self.writes.push(transmit);
                }
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(deadline) => {
                    assert!(deadline.is_none_or(|at| at >= self.now), "a deadline in the past");
                    self.deadline = deadline;
                    return got;
                }
            }
        }
        panic!("the server never waits");
    }

    /// A write is one whole packet with one whole message.
    fn decode(&mut self, transmit: &Transmit) -> Vec<Got> {
        self.decoder.push(&transmit.to_bytes());
        let frame = self.decoder.next_frame().unwrap().expect("a write is a whole packet");
        assert_eq!(self.decoder.buffered(), 0, "a write is one packet");
        match frame {
            Frame::Data(packet) => vec![Got::Data(packet)],
            Frame::Messages(mut messages) => {
                let (_, message) = messages.split_next().unwrap().expect("a message");
                assert_eq!(messages.split_next().unwrap(), None, "one message a packet");
                vec![Got::Message(server_message(&message))]
            }
        }
    }
}

fn server_message(bytes: &Bytes) -> ServerMessage {
    let mut deviations = Vec::new();
    let message = ServerMessage::decode(bytes, &mut deviations).unwrap();
    assert_eq!(deviations, []);
    message
}

/// The messages among what came.
pub(crate) fn messages(got: &[Got]) -> Vec<ServerMessage> {
    got.iter()
        .filter_map(|got| match got {
            Got::Message(message) => Some(message.clone()),
            _ => None,
        })
        .collect()
}

/// The only message among what came.
pub(crate) fn message(got: &[Got]) -> ServerMessage {
    let mut all = messages(got);
    assert_eq!(all.len(), 1, "{got:?}");
    all.remove(0)
}

/// The Data packets among what came.
pub(crate) fn data(got: &[Got]) -> Vec<DataPacket> {
    got.iter()
        .filter_map(|got| match got {
            Got::Data(packet) => Some(packet.clone()),
            _ => None,
        })
        .collect()
}

/// The events among what came, as text; what the room for packets is does not matter.
pub(crate) fn events(got: &[Got]) -> Vec<String> {
    got.iter()
        .filter_map(|got| match got {
            Got::Event(ServerEvent::PacketWanted { .. }) => Some("PacketWanted".to_owned()),
            Got::Event(event) => Some(format!("{event:?}")),
            _ => None,
        })
        .collect()
}

/// The request for a file among what came.
pub(crate) fn open_request(got: Vec<Got>) -> OpenRequest {
    got.into_iter()
        .find_map(|got| match got {
            Got::Event(ServerEvent::Open(request)) => Some(request),
            _ => None,
        })
        .expect("a request for a file")
}

pub(crate) fn connect(subscriber: &str) -> Connect {
    Connect { packet_pair: PacketPair::No, subscriber: subscriber.to_owned(), host: None }
}

/// `ConnectFunnel` with this name, whatever it is.
pub(crate) fn funnel(name: &str) -> ClientMessage {
    let mut message = vec![0; 4];
    message.extend(0x0003_0002_u32.to_le_bytes());
    message.extend([0; 20]);
    message.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    message.resize(message.len().next_multiple_of(8), 0);
    message[0] = u8::try_from(message.len() / 8).unwrap();
    let message = ClientMessage::decode(&message.into(), &mut Vec::new()).unwrap();
    assert!(matches!(&message, ClientMessage::ConnectFunnel(ConnectFunnel { funnel })
        if FunnelName::as_str(funnel) == name));
    message
}

pub(crate) fn open(incarnation: u32, path: &str) -> OpenFile {
    OpenFile { incarnation, path: path.to_owned(), token: Bytes::new() }
}

pub(crate) fn select(streams: &[u8]) -> StreamSwitch {
    let full = |&number: &u8| StreamSelection::full(StreamNumber::new(number).unwrap());
    StreamSwitch { selections: streams.iter().map(full).collect() }
}

pub(crate) fn play(incarnation: u32, start: Start) -> StartPlaying {
    StartPlaying { open_file_id: 1, start, stop: None, incarnation, accel: None }
}
