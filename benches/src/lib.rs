//! What the benchmarks work on, made by code: both halves of a session about one file.

use mms_proto::mmsp::message::FileAttributes;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mms_proto::mmsp::frame::{DataPacket, HeaderFlags, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, ConnectFunnel, Funnel, FunnelInfo, FunnelName,
    FunnelProtocol, OpenFile, OpenedFile, PacketPair, ReadBlock, ReportConnectedEx,
    ReportConnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportStartedPlaying, ReportStreamSwitch, ServerMessage, StartPlaying, StreamSwitch,
};
use mms_proto::{HResult, Start, StreamNumber, StreamSelection};

/// Bytes of a Data packet on the wire: eight of its head, the others media.
pub const PACKET: usize = 1440;
/// Bytes of its media.
pub const BODY: usize = PACKET - 8;
/// Bytes of a read and of a write.
pub const READ: usize = 64 << 10;
/// Label of the header's packets: a client's first `ReadBlock`.
const HEADER_LABEL: u8 = 1;
/// Label of the media packets: a client's second label, after `OpenFile`.
const PLAY_LABEL: u8 = 10;
/// Bytes of the ASF header.
const HEADER_SIZE: u32 = 5000;

/// What a server sends in one session.
pub struct Stream {
    /// Everything, from the first answer to the end of the stream.
    pub bytes: Vec<u8>,
    /// Where the media begins.
    pub media_at: usize,
    /// Where it ends.
    pub media_end: usize,
    /// Number of media packets.
    pub packets: u32,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} packets, {} bytes)", self.packets, self.bytes.len())
    }
}

impl Stream {
    /// A session with so many media packets.
    #[must_use]
    pub fn new(packets: u32) -> Self {
        let mut bytes = Vec::new();
        let mut writer = MessageWriter::default();
        for answer in answers_before_the_header(packets) {
            bytes.extend_from_slice(&writer.write(0, |out| answer.encode(out)));
        }
        let header = Bytes::from(vec![0x55; HEADER_SIZE as usize]);
        let pieces = header.chunks(BODY).count();
        for (number, piece) in (0..).zip(header.chunks(BODY)) {
            let last = usize::try_from(number).is_ok_and(|number: usize| number + 1 == pieces);
            let flags = if last { HeaderFlags::LAST } else { HeaderFlags::MORE };
            put_data(&mut bytes, number, HEADER_LABEL, flags.0, piece);
        }
        for answer in answers_before_the_media() {
            bytes.extend_from_slice(&writer.write(0, |out| answer.encode(out)));
        }
        let media_at = bytes.len();
        let body: Vec<u8> = (0..=u8::MAX).cycle().take(BODY).collect();
        for number in 0..packets {
            put_data(&mut bytes, number, PLAY_LABEL, number.to_le_bytes()[0], &body);
        }
        let media_end = bytes.len();
        let end = ReportEndOfStream { hr: HResult::OK, incarnation: PLAY_LABEL.into() };
        bytes.extend_from_slice(&writer.write(0, |out| ServerMessage::from(end).encode(out)));
        Self { bytes, media_at, media_end, packets }
    }

    /// The media packets alone.
    #[must_use]
    pub fn media(&self) -> &[u8] {
        self.bytes.get(self.media_at..self.media_end).unwrap_or_default()
    }
}

fn put_data(out: &mut Vec<u8>, number: u32, label: u8, flags: u8, piece: &[u8]) {
    let packet = DataPacket::new(number, label, flags, Bytes::copy_from_slice(piece));
    out.extend_from_slice(&packet.head().unwrap_or_default());
    out.extend_from_slice(piece);
}

fn answers_before_the_header(packets: u32) -> [ServerMessage; 5] {
    let connected = ReportConnectedEx {
        hr: HResult::OK,
        packet_pair: PacketPair::No,
        server_version: "9.01.01.3814".to_owned(),
        upgrade_version: String::new(),
        upgrade_url: String::new(),
        authentication: String::new(),
    };
    let info = ReportFunnelInfo {
        hr: HResult::OK,
        test: BandwidthTest::None,
        client_id: 7,
        packet_pair: Bytes::new(),
    };
    let file = OpenedFile {
        open_file_id: 1,
        attributes: FileAttributes::CAN_SEEK,
        duration: Duration::from_secs(600),
        packet_size: u32::try_from(BODY).unwrap_or(u32::MAX),
        packet_count: packets.into(),
        bit_rate: 1_000_000,
        header_size: HEADER_SIZE,
    };
    [
        connected.into(),
        info.into(),
        ReportConnectedFunnel { hr: HResult::OK }.into(),
        ReportOpenFile { incarnation: 9, result: Ok(file) }.into(),
        ReportReadBlock { hr: HResult::OK, incarnation: HEADER_LABEL.into() }.into(),
    ]
}

fn answers_before_the_media() -> [ServerMessage; 2] {
    let started =
        ReportStartedPlaying { hr: HResult::OK, incarnation: PLAY_LABEL.into(), open_file_id: 1 };
    [ReportStreamSwitch { hr: HResult::OK }.into(), started.into()]
}

/// What a client sends until media flows. A server that sends its header at full speed takes all of
/// it at once.
#[must_use]
pub fn requests() -> Vec<u8> {
    [requests_for_the_header(), requests_to_play()].concat()
}

/// The first part of it: what a client sends until it has the header.
#[must_use]
pub fn requests_for_the_header() -> Vec<u8> {
    let subscriber = "NSPlayer/9.0.0.2980; {00000000-0000-0000-0000-000000000000}".to_owned();
    let funnel = Funnel { protocol: FunnelProtocol::Tcp, port: std::num::NonZeroU16::MIN };
    let address = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    write(&[
        Connect { packet_pair: PacketPair::No, subscriber, host: None }.into(),
        FunnelInfo { test: BandwidthTest::None }.into(),
        ConnectFunnel { funnel: FunnelName::new(address, funnel) }.into(),
        OpenFile { incarnation: 9, path: "file.wmv".to_owned(), token: Bytes::new() }.into(),
        ReadBlock { open_file_id: 1, incarnation: HEADER_LABEL.into() }.into(),
    ])
}

/// The rest.
#[must_use]
pub fn requests_to_play() -> Vec<u8> {
    let streams = [1, 2].into_iter().filter_map(StreamNumber::new);
    write(&[
        StreamSwitch { selections: streams.map(StreamSelection::full).collect() }.into(),
        StartPlaying {
            open_file_id: 1,
            start: Start::Beginning,
            stop: None,
            incarnation: PLAY_LABEL.into(),
            accel: None,
        }
        .into(),
    ])
}

fn write(requests: &[ClientMessage]) -> Vec<u8> {
    let mut writer = MessageWriter::default();
    let mut bytes = Vec::new();
    for request in requests {
        bytes.extend_from_slice(&writer.write(0, |out| request.encode(out)));
    }
    bytes
}

/// What a server's application has: a header, and packets as slices of a block that was read from
/// a file.
pub struct Library {
    /// The ASF header.
    pub header: Bytes,
    blocks: Bytes,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({} bytes in memory)", self.blocks.len())
    }
}

impl Default for Library {
    fn default() -> Self {
        let mut blocks = BytesMut::zeroed(BODY * 4096);
        for (number, packet) in blocks.chunks_mut(BODY).enumerate() {
            packet.fill(number.to_le_bytes()[0]);
        }
        Self { header: Bytes::from(vec![0x55; HEADER_SIZE as usize]), blocks: blocks.freeze() }
    }
}

impl Library {
    /// The body of packet `number`.
    #[must_use]
    pub fn packet(&self, number: u32) -> Bytes {
        let at = (number as usize % 4096) * BODY;
        self.blocks.slice(at..at + BODY)
    }
}
