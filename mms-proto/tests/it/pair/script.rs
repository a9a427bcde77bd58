//! A server that is fed message by message, with its answers decoded.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use mms_proto::mmsp::frame::DataPacket;
use mms_proto::mmsp::message::{
    ClientMessage, Connect, ConnectFunnel, FunnelName, MessageId, OpenFile, PacketPair, ReadBlock,
    ServerMessage, StartPlaying, StreamSwitch,
};
use mms_proto::mmsp::{Server, ServerConfig};
use mms_proto::testing::sim::{End, Said, Wire};
use mms_proto::{
    Content, Machine as _, OpenRequest, Phase, ServerEvent, Start, StreamNumber, StreamSelection,
};

use super::media;

/// One thing that came out of the server.
#[derive(Debug)]
pub(crate) enum Got {
    Message(ServerMessage),
    Data(DataPacket),
    Event(ServerEvent),
}

/// A server whose outputs are looked at after each input.
pub(crate) struct Script(End<Server>);

impl Deref for Script {
    type Target = End<Server>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Script {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Script {
    pub(crate) fn new(config: ServerConfig) -> Self {
        let now = media::start();
        let mut script = Self(End::new(now, Server::new(now, config), ()));
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
        script.command(|server, now| server.accept(now, request, content)).unwrap();
        script.said.clear();
        script
    }

    /// A session whose client has the header.
    pub(crate) fn ready(config: ServerConfig, content: Content) -> Self {
        Self::opened(config, content).with_header()
    }

    fn with_header(mut self) -> Self {
        self.send(ReadBlock { open_file_id: 1, incarnation: 2 });
        while let Some(next) = self.deadline.filter(|_| self.machine.phase() != Phase::Ready) {
            let time = next - self.now;
            self.pass(time);
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
        self.say(message);
        self.got()
    }

    /// Sends a message with this id and these bytes behind it.
    pub(crate) fn send_raw(&mut self, id: MessageId, body: &[u8]) -> Vec<Got> {
        self.send(ClientMessage::Unknown { id, body: Bytes::copy_from_slice(body) })
    }

    /// Sends bytes as they are.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Got> {
        self.0.feed(bytes);
        self.got()
    }

    /// The client closes its connection.
    pub(crate) fn hang_up(&mut self) -> Vec<Got> {
        self.0.hang_up();
        self.got()
    }

    /// Lets time pass, from deadline to deadline.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Got> {
        self.0.pass(time);
        self.got()
    }

    /// Sends the packet that is wanted.
    pub(crate) fn packet(&mut self, number: u32) -> Vec<Got> {
        let packet = media::packet(number);
        self.command(|server, now| server.send_packet(now, number, packet)).unwrap();
        self.got()
    }

    /// Everything until the server waits.
    pub(crate) fn poll(&mut self) -> Vec<Got> {
        self.0.poll();
        self.got()
    }

    fn got(&mut self) -> Vec<Got> {
        let got = |said| match said {
            Said::Sent(Wire::Message(message)) => Got::Message(message),
            Said::Sent(Wire::Data(packet)) => Got::Data(packet),
            Said::Event(event) => Got::Event(event),
        };
        self.said.drain(..).map(got).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_come_as_far_as_they_say() {
        let (config, content) = (ServerConfig::default, || media::content(3));
        for (script, phase) in [
            (Script::new(config()), Phase::Connecting),
            (Script::opened(config(), content()), Phase::Opening),
            (Script::ready(config(), content()), Phase::Ready),
            (Script::playing(config(), content()), Phase::Streaming),
        ] {
            assert_eq!(script.machine.phase(), phase);
        }
        let got = Script::playing(config(), content()).packet(0);
        assert_eq!(data(&got)[0].payload, media::packet(0));
        assert_eq!(events(&got), ["PacketWanted"]);
    }
}
