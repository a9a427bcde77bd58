//! A scripted server that knows only bytes, and a clock that is advanced by hand.

use mms_proto::mmsp::message::FileAttributes;
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::{BufMut as _, Bytes, BytesMut};
use mms_proto::mmsp::frame::{DataPacket, Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, OpenedFile, PacketPair, ReportConnectedEx, ReportConnectedFunnel,
    ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportStartedPlaying,
    ReportStreamChange, ReportStreamSwitch, ServerMessage, StartPlaying,
};
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{
    ClientEvent, CloseReason, Content, Error, HResult, Input, Limits, Machine as _, Output, Phase,
    PlayRequest, StreamNumber,
};

/// Name of the file; players that write a fixed 1 would be found out.
pub(crate) const FILE: u32 = 0x1234;
/// The labels that a session with the default ranges uses first.
pub(crate) const OPEN: u32 = 9;
pub(crate) const HEADER: u8 = 1;
pub(crate) const PLAY: u8 = 10;
/// The label of a new entry's packets.
pub(crate) const ENTRY: u8 = 0xFF;
/// Nothing looks into the ASF header.
pub(crate) const ASF: &[u8] = b"ASF header and 50 bytes";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// When every session begins.
#[expect(
    clippy::disallowed_methods,
    reason = "the only way to get an Instant; it is asked for once"
)]
pub(crate) fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

pub(crate) fn config() -> ClientConfig {
    ClientConfig::new("example.org", "a/b.wmv")
}

pub(crate) fn stream(number: u8) -> StreamNumber {
    StreamNumber::new(number).unwrap()
}

pub(crate) fn all() -> PlayRequest {
    PlayRequest::all([stream(1), stream(2)])
}

/// What the server says about its file.
pub(crate) fn file() -> OpenedFile {
    OpenedFile {
        open_file_id: FILE,
        attributes: FileAttributes::CAN_SEEK | FileAttributes::CAN_STRIDE,
        duration: seconds(60),
        packet_size: 100,
        packet_count: 20,
        bit_rate: 64_000,
        header_size: 23,
    }
}

pub(crate) fn connected(version: &str) -> ServerMessage {
    ReportConnectedEx {
        hr: HResult::OK,
        packet_pair: PacketPair::No,
        server_version: version.to_owned(),
        upgrade_version: String::new(),
        upgrade_url: String::new(),
        authentication: String::new(),
    }
    .into()
}

pub(crate) fn funnel_info(test: BandwidthTest, tail: &[u8]) -> ServerMessage {
    ReportFunnelInfo {
        hr: HResult::OK,
        test,
        client_id: 0xF142_B9D4,
        packet_pair: Bytes::copy_from_slice(tail),
    }
    .into()
}

pub(crate) fn funnel() -> ServerMessage {
    ReportConnectedFunnel { hr: HResult::OK }.into()
}

pub(crate) fn opened(file: OpenedFile) -> ServerMessage {
    let (incarnation, result) = (OPEN, Ok(file));
    ReportOpenFile { incarnation, result }.into()
}

pub(crate) fn read_block() -> ServerMessage {
    let (hr, incarnation) = (HResult::OK, HEADER.into());
    ReportReadBlock { hr, incarnation }.into()
}

pub(crate) fn switched(hr: HResult) -> ServerMessage {
    ReportStreamSwitch { hr }.into()
}

pub(crate) fn started(label: u8) -> ServerMessage {
    ReportStartedPlaying { hr: HResult::OK, incarnation: label.into(), open_file_id: FILE }.into()
}

pub(crate) fn ended(hr: HResult, label: u8) -> ServerMessage {
    let incarnation = label.into();
    ReportEndOfStream { hr, incarnation }.into()
}

pub(crate) fn change() -> ServerMessage {
    ReportStreamChange { hr: HResult::OK, packet_size: 50, header_size: 3, bit_rate: 1000 }.into()
}

pub(crate) fn encoded(message: &ServerMessage) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out);
    out.freeze()
}

/// A Data packet as it stands on the wire.
pub(crate) fn data(location: u32, label: u8, flags: u8, payload: &[u8]) -> Bytes {
    let packet = DataPacket::new(location, label, flags, Bytes::copy_from_slice(payload));
    let mut out = BytesMut::new();
    out.put_slice(&packet.head().unwrap());
    out.put_slice(payload);
    out.freeze()
}

/// One client with its server and its clock.
pub(crate) struct Script {
    pub(crate) client: Client,
    pub(crate) now: Instant,
    /// What the last `Output::Wait` said.
    pub(crate) deadline: Option<Instant>,
    writer: MessageWriter,
    decoder: FrameDecoder,
    sequence: u16,
    times: Vec<u64>,
    sent: Vec<ClientMessage>,
    events: VecDeque<ClientEvent>,
}

impl Script {
    pub(crate) fn new(config: ClientConfig) -> Self {
        let now = epoch();
        let mut script = Self {
            client: Client::new(now, config),
            now,
            deadline: None,
            writer: MessageWriter::default(),
            decoder: FrameDecoder::from_client(&Limits::default()),
            sequence: 0,
            times: Vec::new(),
            sent: Vec::new(),
            events: VecDeque::new(),
        };
        script.poll();
        script
    }

    /// A session that has come this far. What was sent and reported on the way is forgotten.
    pub(crate) fn at(phase: Phase, config: ClientConfig) -> Self {
        let mut script = Self::new(config);
        let wanted = |script: &Self| script.client.phase() == phase;
        for message in
            [connected("9.1"), funnel_info(BandwidthTest::None, &[]), funnel(), opened(file())]
        {
            if !wanted(&script) {
                script.say(message);
            }
        }
        if !wanted(&script) {
            script.say(read_block());
            script.bytes(&data(0, HEADER, 0x0C, ASF));
        }
        if !wanted(&script) {
            script.play(all());
        }
        if !wanted(&script) {
            script.say(switched(HResult::OK));
            script.say(started(PLAY));
        }
        match phase {
            Phase::Stopping => script.stop(),
            Phase::Closing => script.close(),
            Phase::ChangingEntry => script.say(ended(HResult::FALSE, PLAY)),
            _ => {}
        }
        assert!(wanted(&script), "{phase:?}: {:?}", script.client);
        script.sent.clear();
        script.events.clear();
        script
    }

    /// A ready session with a server of this version and this file.
    pub(crate) fn ready_with(version: &str, file: OpenedFile) -> Self {
        let mut script = Self::new(config());
        script.say(connected(version));
        script.say(funnel_info(Default::default(), &[]));
        script.say(funnel());
        script.say(opened(file));
        script.say(read_block());
        script.bytes(&data(0, HEADER, 0x0C, ASF));
        assert_eq!(script.client.phase(), Phase::Ready);
        script.sent();
        script.events();
        script
    }

    pub(crate) fn streaming() -> Self {
        Self::at(Phase::Streaming, config())
    }

    /// A session at a new entry of a playlist.
    pub(crate) fn new_entry() -> Self {
        let mut script = Self::at(Phase::ChangingEntry, config());
        script.say(change());
        script.bytes(&data(0, ENTRY, 0x0C, b"new"));
        script.sent.clear();
        script.events.clear();
        script
    }

    /// The server sends one message in a packet of its own.
    pub(crate) fn say(&mut self, message: impl Into<ServerMessage>) {
        let message = message.into();
        let packet = self.writer.write(0, |out| message.encode(out));
        self.bytes(&packet);
    }

    /// The server sends a media packet.
    pub(crate) fn media(&mut self, location: u32, label: u8) {
        self.bytes(&data(location, label, 0, &[7; 10]));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.input(Input::tcp(bytes)).unwrap();
    }

    pub(crate) fn server_closes(&mut self) {
        self.input(Input::tcp_closed()).unwrap();
    }

    pub(crate) fn input(&mut self, input: Input<'_>) -> Result<(), Error> {
        let result = self.client.handle_input(self.now, input);
        self.poll();
        result
    }

    /// Lets time pass as a driver sees it: each deadline is kept to the nanosecond.
    pub(crate) fn pass(&mut self, time: Duration) {
        let target = self.now + time;
        while let Some(deadline) = self.deadline.filter(|&deadline| deadline <= target) {
            self.now = self.now.max(deadline);
            self.input(Input::Timeout).unwrap();
        }
        self.now = target;
    }

    pub(crate) fn play(&mut self, request: PlayRequest) {
        self.client.play(self.now, request).unwrap();
        self.poll();
    }

    pub(crate) fn stop(&mut self) {
        self.client.stop(self.now).unwrap();
        self.poll();
    }

    pub(crate) fn close(&mut self) {
        self.client.close(self.now);
        self.poll();
    }

    /// What the client sent since the last call.
    pub(crate) fn sent(&mut self) -> Vec<ClientMessage> {
        std::mem::take(&mut self.sent)
    }

    /// The only thing that the client sent since the last call.
    pub(crate) fn sent_one(&mut self) -> ClientMessage {
        let [message] = <[ClientMessage; 1]>::try_from(self.sent()).unwrap();
        message
    }

    /// What happened since the last call.
    pub(crate) fn events(&mut self) -> Vec<ClientEvent> {
        self.events.drain(..).collect()
    }

    /// The play command among what was sent, behind a stream selection.
    pub(crate) fn sent_play(&mut self) -> StartPlaying {
        match &self.sent()[..] {
            [ClientMessage::StreamSwitch(_), ClientMessage::StartPlaying(start)] => *start,
            other => panic!("{other:?}"),
        }
    }

    /// `timeSent` of every message so far.
    pub(crate) fn times(&self) -> &[u64] {
        &self.times
    }

    /// Bytes that the server would see, taken apart; one message a packet, numbered from 0.
    pub(crate) fn poll(&mut self) {
        loop {
            match self.client.poll_output() {
                Output::Event(event) => self.events.push_back(event),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(deadline) => break self.deadline = deadline,
                Output::Transmit { data: transmit, .. } => {
                    // MMSP-C-104, MMSP-W-008
                    self.decoder.push(&transmit.to_bytes());
                    let frame = self.decoder.next_frame().unwrap();
                    let Some(Frame::Messages(mut messages)) = frame else {
                        panic!("a client sends messages");
                    };
                    assert_eq!(messages.sequence, self.sequence);
                    self.sequence = self.sequence.wrapping_add(1);
                    self.times.push(messages.time_sent);
                    let (_, message) = messages.split_next().unwrap().unwrap();
                    assert_eq!(messages.split_next(), Ok(None), "one message a packet");
                    assert_eq!(self.decoder.buffered(), 0);
                    let mut deviations = Vec::new();
                    let message = ClientMessage::decode(&message, &mut deviations).unwrap();
                    assert_eq!(deviations, []);
                    self.sent.push(message);
                }
            }
        }
        if self.client.phase() == Phase::Closed {
            assert_eq!(self.deadline, None, "no timer runs after the end");
        }
    }

    /// The session has failed with this error, for good.
    pub(crate) fn assert_failed(&mut self, error: &Error) {
        let events = self.events();
        let Some(ClientEvent::Closed(CloseReason::Failed(found))) = events.last() else {
            panic!("{events:?}");
        };
        assert_eq!(found, error);
        let closed = |event: &&ClientEvent| matches!(event, ClientEvent::Closed(_));
        assert_eq!(events.iter().filter(closed).count(), 1);
        self.assert_dead(Err(error.clone()));
    }

    /// The session is over, for this reason.
    pub(crate) fn assert_closed(&mut self, reason: CloseReason) {
        let events = self.events();
        assert_eq!(events.last(), Some(&ClientEvent::Closed(reason)));
        self.assert_dead(Ok(()));
    }

    /// MMSP-C-105: nothing moves any more, whatever comes.
    fn assert_dead(&mut self, answer: Result<(), Error>) {
        assert_eq!(self.client.phase(), Phase::Closed);
        assert_eq!(self.deadline, None);
        self.sent.clear();
        let ping = encoded(&mms_proto::mmsp::message::Ping.into());
        let ping = MessageWriter::default().write(0, |out| out.put_slice(&ping));
        for input in [Input::tcp(&ping), Input::Timeout, Input::tcp_closed()] {
            self.now += seconds(1000);
            assert_eq!(self.input(input), answer);
        }
        assert!(self.client.play(self.now, all()).is_err());
        assert!(self.client.stop(self.now).is_err());
        assert!(self.client.select_streams(self.now, &[]).is_err());
        self.close();
        assert_eq!((self.sent(), self.events()), (vec![], vec![]));
    }
}

/// The header of a `Ready` or `NextEntry` event.
pub(crate) fn content(events: Vec<ClientEvent>) -> Content {
    match <[ClientEvent; 1]>::try_from(events) {
        Ok([ClientEvent::Ready(content) | ClientEvent::NextEntry(content)]) => content,
        other => panic!("{other:?}"),
    }
}

/// Numbers of the packets among these events.
pub(crate) fn packets(events: &[ClientEvent]) -> Vec<u32> {
    let number = |event: &ClientEvent| match event {
        ClientEvent::Packet(packet) => Some(packet.location_id),
        _ => None,
    };
    events.iter().filter_map(number).collect()
}
