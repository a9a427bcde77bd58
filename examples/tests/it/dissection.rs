//! What Wireshark's dissector makes of our control messages.
//!
//! A client session and a server session talk in memory on a clock of their own; every control
//! message goes into a capture file, one message a TCP segment, and `tshark` reads it. Media is
//! left out, for the dissector does not know it on TCP. Kinds of messages that the two sessions
//! do not exchange are written directly.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::support::peers;
use crate::support::scratch::Scratch;
use crate::support::tshark::{Sent, dissect, number, write_capture};
use bytes::Bytes;
use mms_proto::mmsp::frame::{Frame, FrameDecoder, MessageWriter};
use mms_proto::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, ConnectFunnel, FileAttributes, Funnel,
    FunnelInfo, FunnelName, FunnelProtocol, MessageId, NtlmToken, OpenedFile,
    ReportConnectedFunnel, ReportDisconnectedFunnel, ReportFunnelInfo, ReportOpenFile,
    ReportRedirect, ReportStartStriding, ReportStreamChange, SecurityChallenge, SecurityResponse,
    ServerMessage, StartPlaying, basic_token,
};
use mms_proto::mmsp::{Client, ClientConfig, Server, ServerConfig};
use mms_proto::{
    Accel, ClientEvent, CloseReason, Content, Features, HResult, Input, Limits, Machine as _,
    Output, PlayRequest, Rate, Redirect, ServerEvent, Start, StreamNumber, Transmit,
};

/// A client and a server without a network, and everything that they say.
struct Pair {
    client: Client,
    server: Server,
    now: Instant,
    sent: Vec<Sent>,
    heard: Vec<ClientEvent>,
    /// Media packets that the server still has, and whether it waits with the next one.
    packets: u32,
    pause: bool,
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let mut config = ClientConfig::new("example.org", "folder/file name.wmv?a=b");
        config.packet_pair = true;
        Self {
            client: Client::new(now, config),
            server: Server::new(now, ServerConfig::default().client_id(0x1234_5678).seed(7)),
            now,
            sent: Vec::new(),
            heard: Vec::new(),
            packets: 0,
            pause: false,
        }
    }

    fn send(&mut self, to_server: bool, bytes: &Transmit) {
        if let Transmit::Message(frame) = bytes {
            self.sent.push(Sent { to_server, frame: frame.clone() });
        }
        self.now += Duration::from_millis(1);
        let (bytes, now) = (bytes.to_bytes(), self.now);
        let input = Input::tcp(&bytes);
        let taken = if to_server {
            self.server.handle_input(now, input)
        } else {
            self.client.handle_input(now, input)
        };
        taken.unwrap();
    }

    /// Until both have nothing more to say.
    fn settle(&mut self) {
        loop {
            let quiet = match self.client.poll_output() {
                Output::Transmit { data: bytes, .. } => {
                    self.send(true, &bytes);
                    false
                }
                Output::Event(event) => {
                    self.heard.push(event);
                    false
                }
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) => true,
            };
            match self.server.poll_output() {
                Output::Transmit { data: bytes, .. } => self.send(false, &bytes),
                Output::Event(event) => self.serve(event),
                Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                    unreachable!("a session over one connection")
                }
                Output::Wait(_) if quiet => return,
                Output::Wait(_) => {}
            }
        }
    }

    fn serve(&mut self, event: ServerEvent) {
        let now = self.now;
        match event {
            ServerEvent::Open(request) => {
                let header = Bytes::from(vec![0x30; 5000]);
                let content = Content::new(header)
                    .unwrap()
                    .with_packet_size(2000)
                    .unwrap()
                    .with_packet_count(100)
                    .with_duration(Duration::from_secs(60))
                    .with_bit_rate(300_000)
                    .with_features(Features::SEEKABLE);
                self.server.accept(now, request, content).unwrap();
            }
            ServerEvent::Play(_) => self.packets = 3,
            ServerEvent::PacketWanted { .. } if self.packets > 0 => {
                let number = 3 - self.packets;
                self.packets -= 1;
                self.server.send_packet(now, number, Bytes::from(vec![0x82; 2000])).unwrap();
            }
            ServerEvent::PacketWanted { .. } if !self.pause => {
                self.server.end_of_stream(now).unwrap();
            }
            _ => {}
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        // A session that waits for nothing ignores it.
        let _ = self.server.handle_input(self.now, Input::Timeout);
        let _ = self.client.handle_input(self.now, Input::Timeout);
        self.settle();
    }

    fn heard(&self, wanted: impl Fn(&ClientEvent) -> bool) -> usize {
        self.heard.iter().filter(|event| wanted(event)).count()
    }
}

fn request() -> PlayRequest {
    PlayRequest::all((1..=2).filter_map(StreamNumber::new))
}

/// A whole session: bandwidth test, play, ping, seek, end, another speed, stop, goodbye.
fn session() -> Vec<Sent> {
    let mut pair = Pair::new();
    pair.settle();
    pair.pause = true;
    let play = request().accel(Accel::new(3_500_000, 10_000));
    pair.client.play(pair.now, play).unwrap();
    pair.settle();
    pair.pass(Duration::from_secs(31));
    pair.client
        .play(pair.now, request().start(Start::Time(Duration::from_millis(12_500))))
        .unwrap();
    pair.settle();
    pair.pause = false;
    pair.client.play(pair.now, request().start(Start::packet(50).unwrap())).unwrap();
    pair.settle();
    pair.pass(Duration::from_secs(1));
    pair.client.play(pair.now, request().rate(Rate::new(2.0).unwrap())).unwrap();
    pair.settle();
    pair.pause = true;
    pair.client.play(pair.now, request().start(Start::ByteOffset(9_000))).unwrap();
    pair.settle();
    pair.client.stop(pair.now).unwrap();
    pair.settle();
    pair.client.close(pair.now);
    pair.settle();
    assert_eq!(pair.heard(|event| matches!(event, ClientEvent::Started)), 4, "{:#?}", pair.heard);
    assert_eq!(pair.heard(|event| matches!(event, ClientEvent::PlayRefused(_))), 1);
    assert_eq!(pair.heard(|event| matches!(event, ClientEvent::Bandwidth(_))), 1);
    assert_eq!(pair.heard(|event| matches!(event, ClientEvent::Deviation(_))), 0);
    assert_eq!(pair.heard.last(), Some(&ClientEvent::Closed(CloseReason::Local)));
    pair.sent
}

/// What the session does not say.
fn others() -> (Vec<ClientMessage>, Vec<ServerMessage>) {
    let tcp = Funnel { protocol: FunnelProtocol::Tcp, port: NonZeroU16::MAX };
    let udp = Funnel { protocol: FunnelProtocol::Udp, port: NonZeroU16::MIN };
    let ntlm = NtlmToken { message: Bytes::from_static(b"NTLMSSP\0\x01\0\0\0"), wrapped: true };
    let client = vec![
        FunnelInfo { test: BandwidthTest::None }.into(),
        ConnectFunnel { funnel: FunnelName::new(Ipv4Addr::LOCALHOST.into(), tcp) }.into(),
        ConnectFunnel { funnel: FunnelName::new(IpAddr::from([0_u8; 16]), udp) }.into(),
        SecurityResponse { incarnation: 1, cookie: 5, token: basic_token("user", "word") }.into(),
        SecurityResponse { incarnation: 1, cookie: 5, token: ntlm.to_token() }.into(),
        CancelReadBlock { incarnation: 2 }.into(),
        StartPlaying {
            open_file_id: 1,
            start: Start::Beginning,
            stop: mms_proto::Stop::at(Duration::from_secs(9)),
            incarnation: 9,
            accel: Some(Accel::new(1, 2).with_link_bandwidth(3)),
        }
        .into(),
    ];
    let report = |target| ReportRedirect { hr: HResult::OK, target };
    let live = OpenedFile {
        open_file_id: 1,
        attributes: FileAttributes::BROADCAST,
        duration: Duration::ZERO,
        packet_size: 1_444,
        packet_count: 0,
        bit_rate: 64_000,
        header_size: 700,
    };
    let server = vec![
        ReportFunnelInfo {
            hr: HResult::OK,
            test: BandwidthTest::None,
            client_id: 3,
            packet_pair: Bytes::new(),
        }
        .into(),
        ReportConnectedFunnel { hr: HResult::OK }.into(),
        ReportDisconnectedFunnel { hr: HResult::PROTOCOL_MISMATCH }.into(),
        ReportOpenFile { incarnation: 1, result: Err(HResult::FILE_NOT_FOUND.into()) }.into(),
        ReportOpenFile { incarnation: 1, result: Ok(live) }.into(),
        report(Redirect::Url("mmst://example.org/x.wmv".to_owned())).into(),
        report(Redirect::Proxy(Some("example.org:1755".to_owned()))).into(),
        report(Redirect::Proxy(None)).into(),
        SecurityChallenge {
            incarnation: 1,
            cookie: 5,
            token: Bytes::from_static(b"\0\x01realm\0"),
        }
        .into(),
        SecurityChallenge { incarnation: 1, cookie: 5, token: ntlm.to_token() }.into(),
        ReportStartStriding { hr: HResult::OK, incarnation: 9 }.into(),
        ReportStreamChange {
            hr: HResult::OK,
            packet_size: 1_444,
            header_size: 700,
            bit_rate: 64_000,
        }
        .into(),
    ];
    (client, server)
}

/// The id of the one message in a frame.
fn id_of(sent: &Sent) -> MessageId {
    let limits = Limits::default();
    let mut decoder = if sent.to_server {
        FrameDecoder::from_client(&limits)
    } else {
        FrameDecoder::from_server(&limits)
    };
    decoder.push(&sent.frame);
    let Some(Frame::Messages(mut messages)) = decoder.next_frame().unwrap() else {
        panic!("no control message: {sent:?}");
    };
    let (_, message) = messages.split_next().unwrap().unwrap();
    assert_eq!(messages.split_next().unwrap(), None, "one message a packet");
    if sent.to_server {
        ClientMessage::decode(&message, &mut Vec::new()).unwrap().id()
    } else {
        ServerMessage::decode(&message, &mut Vec::new()).unwrap().id()
    }
}

#[test]
fn wireshark_knows_every_message() {
    let mut sent = session();
    let (client, server) = others();
    let (mut to_server, mut to_client) = (MessageWriter::new(100), MessageWriter::new(200));
    sent.extend(client.iter().map(|message| Sent {
        to_server: true,
        frame: to_server.write(1000, |out| message.encode(out)),
    }));
    sent.extend(server.iter().map(|message| Sent {
        to_server: false,
        frame: to_client.write(1000, |out| message.encode(out)),
    }));
    let ids: Vec<_> = sent.iter().map(id_of).collect();
    for (id, name) in ClientMessage::IDS.iter().chain(ServerMessage::IDS) {
        assert!(ids.contains(id), "{name} is missing");
    }

    if !peers::is_here("tshark") {
        return;
    }
    let scratch = Scratch::new("dissection");
    let capture = scratch.join("session.pcap");
    write_capture(&capture, &sent);
    let rows = dissect(&scratch, &capture);
    assert_eq!(rows.len(), sent.len());
    for ((row, sent), id) in rows.iter().zip(&sent).zip(&ids) {
        let (high, low) = (id.0 >> 16, id.0 & 0xFFFF);
        let (to_server, to_client) =
            if sent.to_server { (Some(low), None) } else { (None, Some(low)) };
        let what = format!("{id:?}: {row:#?}");
        assert_eq!(row.protocol, "MSMMS", "{what}");
        assert_eq!(row.malformed, "", "{what}");
        assert_eq!(number(&row.direction), Some(high), "{what}");
        assert_eq!(
            (number(&row.to_server), number(&row.to_client)),
            (to_server, to_client),
            "{what}"
        );
        let length = u32::try_from(sent.frame.len() - 16).unwrap();
        assert_eq!(number(&row.length), Some(length), "{what}");
        let sequence = u16::from_le_bytes(*sent.frame[20..].first_chunk().unwrap());
        assert_eq!(number(&row.sequence), Some(sequence.into()), "{what}");
        let (_, name) = NAMES.iter().find(|(known, _)| known == id).unwrap();
        let arrow = if sent.to_server { "-->" } else { "<--" };
        assert!(row.info.contains(&format!("{arrow} {name}")), "{what}");
    }
    // The fields with text that the dissector shows.
    let infos = rows.iter().map(|row| row.info.as_str()).collect::<Vec<_>>().join("\n");
    for text in [
        "(NSPlayer/9.0.0.2980; {00000000-0000-0000-0000-000000000000}; Host: example.org)",
        "(version='9.01.01.3814')",
        "(\\\\127.0.0.1\\TCP\\1755)",
        "(\\\\::\\UDP\\1)",
        "(folder/file name.wmv?a=b)",
    ] {
        assert!(infos.contains(text), "{text} is not in\n{infos}");
    }
}

/// What Wireshark calls the messages. It does not know two of them.
const NAMES: [(MessageId, &str); 28] = [
    (MessageId::CONNECT, "Connect info"),
    (MessageId::FUNNEL_INFO, "Timing test data request"),
    (MessageId::CONNECT_FUNNEL, "Transport info"),
    (MessageId::OPEN_FILE, "Request server file"),
    (MessageId::SECURITY_RESPONSE, "Authentication response"),
    (MessageId::READ_BLOCK, "Header request"),
    (MessageId::CANCEL_READ_BLOCK, "Unknown"),
    (MessageId::STREAM_SWITCH, "Media Stream MBR selector"),
    (MessageId::START_PLAYING, "Start sending from:"),
    (MessageId::START_STRIDING, "Activate FF/Rewind buttons"),
    (MessageId::STOP_PLAYING, "Stop button pressed"),
    (MessageId::PONG, "Network timer test response"),
    (MessageId::LOGGING, "Local computer details"),
    (MessageId::CLOSE_FILE, "Cancel protocol"),
    (MessageId::REPORT_CONNECTED_EX, "Server info"),
    (MessageId::REPORT_FUNNEL_INFO, "Timing test data response"),
    (MessageId::REPORT_CONNECTED_FUNNEL, "Transport info ack"),
    (MessageId::REPORT_DISCONNECTED_FUNNEL, "Protocol selection error"),
    (MessageId::REPORT_OPEN_FILE, "Media details"),
    (MessageId::REPORT_REDIRECT, "Unknown"),
    (MessageId::SECURITY_CHALLENGE, "Authentication challenge"),
    (MessageId::REPORT_READ_BLOCK, "Sending header response"),
    (MessageId::REPORT_STREAM_SWITCH, "Stream selection indicator"),
    (MessageId::REPORT_STARTED_PLAYING, "Sending media file now"),
    (MessageId::REPORT_START_STRIDING, "FF/Rewind"),
    (MessageId::REPORT_END_OF_STREAM, "End of media stream"),
    (MessageId::REPORT_STREAM_CHANGE, "Media changing indicator"),
    (MessageId::PING, "Network timer test"),
];
