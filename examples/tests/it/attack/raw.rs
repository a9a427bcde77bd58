//! A player without manners: it says what it likes, and listens if it likes.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZeroU16;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use mms_proto::mmsp::frame::{Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, ConnectFunnel, Funnel, FunnelInfo, FunnelName,
    FunnelProtocol, MessageId, PacketPair, ReadBlock, ServerMessage, StartPlaying, StreamSwitch,
};
use mms_proto::{Limits, Start, StreamNumber, StreamSelection};
use socket2::{Domain, SockRef, Socket, Type};

/// Far more than anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
    writer: MessageWriter,
    decoder: FrameDecoder,
}

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// A connection whose system takes next to nothing for it.
    pub(crate) fn with_small_buffer(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::over(socket.into())
    }

    /// Over a connection that is there.
    pub(crate) fn over(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        let decoder = FrameDecoder::from_server(&Limits::default());
        Self { socket, writer: MessageWriter::default(), decoder }
    }

    /// A session that has heard the answers to so many of [`session`]'s requests.
    pub(crate) fn after(address: SocketAddr, name: &str, requests: usize) -> Self {
        let mut raw = Self::connect(address);
        raw.goes_through(name, requests);
        raw
    }

    pub(crate) fn goes_through(&mut self, name: &str, requests: usize) {
        for request in session(name).into_iter().take(requests) {
            let answer = match request.id() {
                MessageId::CONNECT => MessageId::REPORT_CONNECTED_EX,
                MessageId::FUNNEL_INFO => MessageId::REPORT_FUNNEL_INFO,
                MessageId::CONNECT_FUNNEL => MessageId::REPORT_CONNECTED_FUNNEL,
                MessageId::OPEN_FILE => MessageId::REPORT_OPEN_FILE,
                MessageId::READ_BLOCK => MessageId::REPORT_READ_BLOCK,
                MessageId::STREAM_SWITCH => MessageId::REPORT_STREAM_SWITCH,
                _ => MessageId::REPORT_STARTED_PLAYING,
            };
            self.say(request).unwrap();
            assert_eq!(self.hear().map(|message| message.id()), Some(answer));
        }
    }

    /// How the server names it in its report.
    pub(crate) fn name(&self) -> String {
        self.socket.local_addr().unwrap().to_string()
    }

    pub(crate) fn say(&mut self, message: impl Into<ClientMessage>) -> io::Result<()> {
        let packet = self.packet(message);
        self.socket.write_all(&packet)
    }

    /// A message as a packet.
    pub(crate) fn packet(&mut self, message: impl Into<ClientMessage>) -> Bytes {
        let message = message.into();
        self.writer.write(0, |out| message.encode(out))
    }

    /// The next message; nothing when the connection is over.
    pub(crate) fn hear(&mut self) -> Option<ServerMessage> {
        loop {
            match self.decoder.next_frame().unwrap() {
                Some(Frame::Messages(mut messages)) => {
                    let (_, message) = messages.split_next().unwrap().unwrap();
                    return Some(ServerMessage::decode(&message, &mut Vec::new()).unwrap());
                }
                Some(Frame::Data(_)) => continue,
                None => {}
            }
            let count = self.read()?;
            self.decoder.received(count);
        }
    }

    /// Waits until the server hangs up, and throws away what it said before.
    pub(crate) fn hears_the_end(&mut self) {
        while self.read().is_some() {}
    }

    /// Closes with a reset.
    pub(crate) fn reset(self) {
        SockRef::from(&self.socket).set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn read(&mut self) -> Option<usize> {
        match self.socket.read(self.decoder.recv_buffer()) {
            Ok(0) => None,
            Ok(count) => Some(count),
            Err(error) => {
                let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(gone.contains(&error.kind()), "{error}");
                None
            }
        }
    }
}

/// The requests of a session, up to the play command.
pub(crate) fn session(name: &str) -> [ClientMessage; 7] {
    let funnel = Funnel { protocol: FunnelProtocol::Tcp, port: NonZeroU16::MIN };
    let funnel = FunnelName::new(Ipv4Addr::LOCALHOST.into(), funnel);
    let subscriber = "NSPlayer/9.0.0.2980".to_owned();
    let streams = [1, 2].map(|number| StreamSelection::full(StreamNumber::new(number).unwrap()));
    let (start, incarnation) = (Start::Beginning, 4);
    [
        Connect { packet_pair: PacketPair::No, subscriber, host: None }.into(),
        FunnelInfo { test: BandwidthTest::None }.into(),
        ConnectFunnel { funnel }.into(),
        open(&name.encode_utf16().collect::<Vec<_>>()),
        ReadBlock { open_file_id: 1, incarnation: 2 }.into(),
        StreamSwitch { selections: streams.into() }.into(),
        StartPlaying { open_file_id: 1, start, stop: None, incarnation, accel: None }.into(),
    ]
}

/// The request for a file whose name may be anything.
pub(crate) fn open(name: &[u16]) -> ClientMessage {
    let mut body = BytesMut::new();
    body.put_u32_le(3); // playIncarnation
    body.put_bytes(0, 12); // spare, token, cbtoken
    name.iter().chain(&[0]).for_each(|&unit| body.put_u16_le(unit));
    ClientMessage::Unknown { id: MessageId::OPEN_FILE, body: body.freeze() }
}
