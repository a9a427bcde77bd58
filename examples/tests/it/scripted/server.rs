//! A server that does what a test says.

use mms_proto::mmsp::message::FileAttributes;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mms_asf::FileReader;
use mms_proto::mmsp::frame::{DataPacket, Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, MessageId, OpenedFile, PacketPair, ReportConnectedEx,
    ReportConnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartedPlaying, ReportStreamSwitch, ServerMessage,
};
use mms_proto::{HResult, Limits, Start};

/// A client that is silent for this long will say nothing more.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens until the test ends; each connection runs the script in a thread of its own.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl Server {
    /// The script gets the number of the connection, from 0. A client that leaves ends it.
    pub(crate) fn start(script: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let script = Arc::clone(&script);
                let mut peer = Peer::new(socket.unwrap());
                std::thread::spawn(move || script(number, &mut peer));
            }
        });
        Self { address, stopping }
    }

    pub(crate) fn url(&self) -> String {
        format!("mms://{}/clip.wmv", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// What is served: the clip of this repository.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) header: Bytes,
    pub(crate) packets: Vec<Bytes>,
    pub(crate) attributes: FileAttributes,
}

impl Clip {
    pub(crate) fn new() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/clips/test-pattern.wmv");
        let mut reader = FileReader::open(std::fs::File::open(path).unwrap()).unwrap();
        let count = reader.packet_count();
        let packets = (0..count).map(|number| reader.packet(number).unwrap()).collect();
        let header = reader.header().as_bytes().clone();
        Self { header, packets, attributes: FileAttributes::CAN_SEEK }
    }

    fn opened(&self) -> OpenedFile {
        OpenedFile {
            open_file_id: 1,
            attributes: self.attributes,
            duration: Duration::from_secs(6),
            packet_size: self.packet_size(),
            packet_count: self.packets.len() as u64,
            bit_rate: 400_000,
            header_size: u32::try_from(self.header.len()).unwrap(),
        }
    }

    pub(crate) fn packet_size(&self) -> u32 {
        u32::try_from(self.packets[0].len()).unwrap()
    }
}

/// One client.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: TcpStream,
    decoder: FrameDecoder,
    writer: MessageWriter,
    /// What is served where the script says nothing else.
    pub(crate) clip: Clip,
    /// Label of the media packets, from the last play command.
    pub(crate) label: u8,
    /// Number of the packet that the last play command asked for.
    pub(crate) first: usize,
}

impl Peer {
    fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            socket,
            decoder: FrameDecoder::from_client(&Limits::default()),
            writer: MessageWriter::default(),
            clip: Clip::new(),
            label: 0,
            first: 0,
        }
    }

    /// The next message, `None` when the client has left.
    pub(crate) fn read(&mut self) -> Option<ClientMessage> {
        loop {
            if let Some(Frame::Messages(mut messages)) = self.decoder.next_frame().unwrap() {
                let (_, message) = messages.split_next().unwrap().unwrap();
                return Some(ClientMessage::decode(&message, &mut Vec::new()).unwrap());
            }
            match self.socket.read(self.decoder.recv_buffer()) {
                Ok(0) => return None,
                Ok(count) => self.decoder.received(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    /// Answers as a good server does until the client says this, which is left to the script.
    pub(crate) fn until(&mut self, id: MessageId) -> Option<ClientMessage> {
        loop {
            let message = self.read()?;
            if message.id() == id {
                return Some(message);
            }
            self.answer(&message);
        }
    }

    /// Does what a good server does about this message; media is the script's business.
    pub(crate) fn answer(&mut self, message: &ClientMessage) {
        let hr = HResult::OK;
        let answer: ServerMessage = match message {
            ClientMessage::Connect(_) => ReportConnectedEx {
                hr,
                packet_pair: PacketPair::No,
                server_version: "9.1.1.5000".to_owned(),
                upgrade_version: String::new(),
                upgrade_url: String::new(),
                authentication: String::new(),
            }
            .into(),
            ClientMessage::FunnelInfo(_) => ReportFunnelInfo {
                hr,
                test: BandwidthTest::None,
                client_id: 7,
                packet_pair: Bytes::new(),
            }
            .into(),
            ClientMessage::ConnectFunnel(_) => ReportConnectedFunnel { hr }.into(),
            ClientMessage::OpenFile(open) => {
                let result = Ok(self.clip.opened());
                ReportOpenFile { incarnation: open.incarnation, result }.into()
            }
            ClientMessage::ReadBlock(block) => {
                ReportReadBlock { hr, incarnation: block.incarnation }.into()
            }
            ClientMessage::StreamSwitch(_) => ReportStreamSwitch { hr }.into(),
            ClientMessage::StartPlaying(play) => {
                self.label = low(play.incarnation);
                self.first = match play.start {
                    Start::Packet(number) => usize::try_from(number.get()).unwrap(),
                    _ => 0,
                };
                let incarnation = play.incarnation;
                ReportStartedPlaying { hr, incarnation, open_file_id: 1 }.into()
            }
            _ => return,
        };
        self.say(answer);
        if let ClientMessage::ReadBlock(block) = message {
            self.data(0, low(block.incarnation), 0x0C, self.clip.header.clone());
        }
    }

    /// Agrees to play; nothing is sent yet.
    pub(crate) fn start(&mut self) -> Option<()> {
        let play = self.until(MessageId::START_PLAYING)?;
        self.answer(&play);
        Some(())
    }

    /// Sends these packets of the clip.
    pub(crate) fn media(&mut self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            let packet = self.clip.packets[number].clone();
            let (location, label) = (u32::try_from(number).unwrap(), self.label);
            self.data(location, label, 0, packet);
        }
    }

    pub(crate) fn end(&mut self, hr: HResult) {
        let incarnation = self.label.into();
        self.say(ReportEndOfStream { hr, incarnation });
    }

    /// False when the client has left.
    pub(crate) fn say(&mut self, message: impl Into<ServerMessage>) -> bool {
        let message = message.into();
        let bytes = self.writer.write(0, |out| message.encode(out));
        self.raw(&bytes)
    }

    /// False when the client has left.
    pub(crate) fn data(&mut self, location: u32, label: u8, flags: u8, payload: Bytes) -> bool {
        let packet = DataPacket::new(location, label, flags, payload);
        let mut bytes = packet.head().unwrap().to_vec();
        bytes.extend_from_slice(&packet.payload);
        self.raw(&bytes)
    }

    /// Bytes as they are. A client that has left is no reason to fail.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).is_ok()
    }

    /// Answers as a good server does until the client leaves.
    pub(crate) fn linger(&mut self) {
        while let Some(message) = self.read() {
            self.answer(&message);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the label is the low byte")]
fn low(incarnation: u32) -> u8 {
    incarnation as u8
}
