//! Both ends of MS-MMSP as subjects, and a peer that knows only messages.

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};

use super::{App, End, Subject};
use crate::config::Limits;
use crate::event::{ClientEvent, CloseReason, ServerEvent};
use crate::io::Transmit;
use crate::mmsp::frame::{DataPacket, Frame, FrameDecoder, MessageWriter};
use crate::mmsp::message::{ClientMessage, ServerMessage};
use crate::mmsp::{Client, Server};

/// One write of MS-MMSP.
#[derive(Debug, Clone, PartialEq)]
pub enum Wire<M> {
    /// A packet with one message.
    Message(M),
    /// A piece of the header, or a media packet.
    Data(DataPacket),
}

/// What a careful peer remembers.
#[derive(Debug)]
pub struct MmspPeer {
    decoder: FrameDecoder,
    writer: MessageWriter,
    /// Messages so far; it wraps.
    packets: u16,
    /// `timeSent` of the last two of them.
    pub times: [u64; 2],
}

impl Default for MmspPeer {
    fn default() -> Self {
        // The one that takes Data packets as well.
        let decoder = FrameDecoder::from_server(&Limits::default());
        Self { decoder, writer: MessageWriter::default(), packets: 0, times: [0; 2] }
    }
}

impl MmspPeer {
    /// A write is one whole packet: a message in a packet of its own, numbered from 0 by one, and
    /// without a deviation; or a Data packet.
    fn read<M: Debug>(
        &mut self,
        written: &Transmit,
        decode: impl FnOnce(&Bytes) -> (M, bool),
    ) -> Wire<M> {
        written.parts().iter().for_each(|part| self.decoder.push(part));
        let frame = self.decoder.next_frame().unwrap().expect("a write is a whole packet");
        assert_eq!(self.decoder.buffered(), 0, "a write is one packet");
        match frame {
            Frame::Data(packet) => {
                assert!(!packet.payload.is_empty(), "an empty packet");
                Wire::Data(packet)
            }
            Frame::Messages(mut messages) => {
                // MMSP-C-104, MMSP-W-008
                assert_eq!(messages.sequence, self.packets);
                self.packets = self.packets.wrapping_add(1);
                self.times = [self.times[1], messages.time_sent];
                let (_, bytes) = messages.split_next().unwrap().expect("a message");
                assert_eq!(messages.split_next(), Ok(None), "one message a packet");
                // A copy: what is kept does not hold on to the decoder's buffer.
                let (message, known) = decode(&Bytes::copy_from_slice(&bytes));
                assert!(known, "{message:?}");
                Wire::Message(message)
            }
        }
    }
}

impl<M: Debug> Wire<M> {
    /// The name of a message, or what the head of a Data packet has.
    fn label(&self) -> String {
        match self {
            Self::Message(message) => {
                format!("{message:?}").split('(').next().unwrap_or_default().to_owned()
            }
            Self::Data(packet) => format!("{packet:?}"),
        }
    }
}

impl Subject for Client {
    type Message = Wire<ClientMessage>;
    type Peer = MmspPeer;

    fn read(peer: &mut MmspPeer, written: &Transmit) -> Wire<ClientMessage> {
        let message = peer.read(written, |bytes| {
            let mut deviations = Vec::new();
            let message = ClientMessage::decode(bytes, &mut deviations).unwrap();
            assert_eq!(deviations, [], "{message:?}");
            let known = !matches!(message, ClientMessage::Unknown { .. });
            (message, known)
        });
        assert!(matches!(message, Wire::Message(_)), "a client sends messages");
        message
    }

    fn label(message: &Wire<ClientMessage>) -> String {
        message.label()
    }

    fn reason(event: &ClientEvent) -> Option<&CloseReason> {
        if let ClientEvent::Closed(reason) = event { Some(reason) } else { None }
    }

    fn describe(event: &ClientEvent) -> Option<String> {
        Some(match event {
            ClientEvent::Packet(packet) => {
                // The first bytes of a payload and its length say enough.
                let bytes = packet.payload.get(..8.min(packet.payload.len()));
                format!("{packet:?} {bytes:?}")
            }
            other => format!("{other:?}"),
        })
    }
}

impl Subject for Server {
    type Message = Wire<ServerMessage>;
    type Peer = MmspPeer;

    fn read(peer: &mut MmspPeer, written: &Transmit) -> Wire<ServerMessage> {
        peer.read(written, |bytes| {
            let mut deviations = Vec::new();
            let message = ServerMessage::decode(bytes, &mut deviations).unwrap();
            assert_eq!(deviations, [], "{message:?}");
            let known = !matches!(message, ServerMessage::Unknown { .. });
            (message, known)
        })
    }

    fn label(message: &Wire<ServerMessage>) -> String {
        message.label()
    }

    fn reason(event: &ServerEvent) -> Option<&CloseReason> {
        if let ServerEvent::Closed(reason) = event { Some(reason) } else { None }
    }

    fn describe(event: &ServerEvent) -> Option<String> {
        match event {
            // Between two pieces of a message there is time to ask for one.
            ServerEvent::PacketWanted { .. } => None,
            other => Some(format!("{other:?}")),
        }
    }
}

impl<A: App<Client>> End<Client, A> {
    /// The server sends one message in a packet of its own.
    pub fn say(&mut self, message: impl Into<ServerMessage>) {
        let message = message.into();
        let packet = self.peer.writer.write(0, |out| message.encode(out));
        self.feed(&packet);
    }
}

impl<A: App<Server>> End<Server, A> {
    /// The client sends one message in a packet of its own.
    pub fn say(&mut self, message: impl Into<ClientMessage>) {
        let message = message.into();
        let packet = self.peer.writer.write(0, |out| message.encode(out));
        self.feed(&packet);
    }
}

/// A packet with these messages, as the first of its sender.
pub fn packet_of(encode: impl FnOnce(&mut BytesMut)) -> Bytes {
    MessageWriter::default().write(0, encode)
}

/// A Data packet as it stands on the wire.
pub fn data_packet(location_id: u32, label: u8, flags: u8, payload: impl Into<Bytes>) -> Bytes {
    let packet = DataPacket::new(location_id, label, flags, payload.into());
    [&packet.head().unwrap()[..], &packet.payload].concat().into()
}
