//! What four real players and a server said.

use bytes::Bytes;
use mms_proto::mmsp::frame::{Frame, FrameDecoder};
use mms_proto::mmsp::message::FileAttributes;
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, FunnelInfo, FunnelProtocol, OpenFile, PacketPair, Pong,
    ReadBlock, ReportFunnelInfo, ServerMessage,
};
use mms_proto::{HResult, Limits, Start, StreamSelection};

use super::tools::{Message, bytes, stream};

/// Splits a recorded TCP stream: the messages, and the number of Data packets between them.
fn split(mut stream: &[u8]) -> (Vec<Bytes>, usize) {
    let mut messages = Vec::new();
    let mut data = 0;
    while !stream.is_empty() {
        if stream[4..8] == [0xCE, 0xFA, 0x0B, 0xB0] {
            let length = u32::from_le_bytes(stream[8..12].try_into().unwrap()) as usize;
            let (packet, rest) = stream.split_at(16 + length);
            messages.push(Bytes::copy_from_slice(&packet[32..]));
            stream = rest;
        } else {
            let length = u16::from_le_bytes(stream[6..8].try_into().unwrap());
            stream = &stream[usize::from(length)..];
            data += 1;
        }
    }
    (messages, data)
}

/// Reads every message of a recorded stream: the commands (low half of the ids), the messages, and
/// the number of Data packets.
fn recorded<M: Message>(folder: &std::path::Path, file: &str) -> (Vec<u8>, Vec<M>, usize) {
    let stream = std::fs::read(folder.join(file)).unwrap();
    let (messages, data) = split(&stream);
    let read = |message: &Bytes| {
        let mut deviations = Vec::new();
        let read = M::read(message, &mut deviations);
        assert_eq!(deviations, [], "{read:?}");
        read.unwrap()
    };
    (messages.iter().map(|message| message[4]).collect(), messages.iter().map(read).collect(), data)
}

/// What is particular to a recorded client.
struct Recorded {
    folder: &'static str,
    sent: &'static [u8],
    received: &'static [u8],
    data: usize,
    funnel: (FunnelProtocol, u16),
    open_file: u32,
    plays: &'static [(Option<u32>, u32)],
}

const TCP_1037: (FunnelProtocol, u16) = (FunnelProtocol::Tcp, 1037);
/// From the beginning, incarnation 4.
const ONE_PLAY: &[(Option<u32>, u32)] = &[(None, 4)];

const RECORDED: [Recorded; 7] = [
    Recorded {
        folder: "ffmpeg_mmst",
        sent: &[0x01, 0x18, 0x02, 0x05, 0x15, 0x33, 0x07, 0x0D],
        received: &[0x01, 0x15, 0x02, 0x06, 0x11, 0x21, 0x05, 0x1E],
        data: 15,
        funnel: TCP_1037,
        open_file: 1,
        plays: ONE_PLAY,
    },
    Recorded {
        folder: "ffmpeg_mmst_ping",
        sent: &[0x01, 0x18, 0x02, 0x05, 0x15, 0x33, 0x07, 0x1B, 0x1B, 0x1B, 0x0D],
        received: &[0x01, 0x15, 0x02, 0x06, 0x11, 0x21, 0x05, 0x1B, 0x1B, 0x1B, 0x1E],
        data: 15,
        funnel: TCP_1037,
        open_file: 1,
        plays: ONE_PLAY,
    },
    Recorded {
        folder: "libmms_mmst",
        sent: &[0x01, 0x02, 0x05, 0x15, 0x33, 0x07],
        received: &[0x01, 0x02, 0x06, 0x11, 0x21, 0x05, 0x1E],
        data: 15,
        funnel: TCP_1037,
        open_file: 1,
        plays: ONE_PLAY,
    },
    Recorded {
        folder: "libmms_mmst_seek",
        sent: &[0x01, 0x02, 0x05, 0x15, 0x33, 0x07, 0x07],
        received: &[0x01, 0x02, 0x06, 0x11, 0x21, 0x05, 0x05, 0x1E],
        data: 15,
        funnel: TCP_1037,
        open_file: 1,
        // It counts the packets itself, says a time of 0 beside their number, and a new
        // incarnation.
        plays: &[(None, 4), (Some(9), 5)],
    },
    Recorded {
        folder: "mplayer_mmst",
        sent: &[0x01, 0x02, 0x05, 0x15, 0x33, 0x07],
        received: &[0x01, 0x02, 0x06, 0x11, 0x21, 0x05, 0x1E],
        data: 15,
        funnel: TCP_1037,
        open_file: 0,
        plays: ONE_PLAY,
    },
    Recorded {
        folder: "vlc_mmst",
        sent: &[0x01, 0x02, 0x05, 0x15, 0x33, 0x07, 0x0D],
        received: &[0x01, 0x02, 0x06, 0x11, 0x21, 0x05, 0x1E],
        data: 15,
        funnel: (FunnelProtocol::Tcp, 1242),
        open_file: 1,
        plays: ONE_PLAY,
    },
    Recorded {
        folder: "vlc_mmsu",
        sent: &[0x01, 0x02, 0x05, 0x15, 0x33, 0x07, 0x0D],
        received: &[0x01, 0x02, 0x06, 0x11, 0x21, 0x05, 0x1E],
        data: 0,
        funnel: (FunnelProtocol::Udp, 7000),
        open_file: 1,
        plays: ONE_PLAY,
    },
];

#[test]
fn transcripts_of_real_clients() {
    // MMSP-W-017, MMSP-W-034, MMSP-W-042, MMSP-W-055
    let Some(samples) = mms_tests::samples() else { return };
    let transcripts = samples.join("transcripts");
    for Recorded { folder, sent, received, data, funnel, open_file, plays } in RECORDED {
        let path = transcripts.join(folder);
        let (commands, messages, _) = recorded::<ClientMessage>(&path, "c2s.bin");
        assert_eq!(commands, sent, "{folder}");
        let mut played = Vec::new();
        for message in messages {
            match message {
                ClientMessage::Connect(connect) => {
                    assert_eq!(connect.packet_pair, PacketPair::No);
                    assert!(connect.subscriber.starts_with("NSPlayer/7.0.0.1956; {"), "{folder}");
                    assert!(connect.subscriber.ends_with("}; Host: 127.0.0.1"), "{folder}");
                }
                ClientMessage::FunnelInfo(info) => assert_eq!(info.test, BandwidthTest::None),
                ClientMessage::ConnectFunnel(connect) => {
                    let parsed = connect.funnel.parse().map(|f| (f.protocol, f.port.get()));
                    assert_eq!(parsed, Some(funnel), "{folder}");
                }
                ClientMessage::OpenFile(file) => {
                    let expected = OpenFile {
                        incarnation: open_file,
                        path: "tiny.wma".to_owned(),
                        token: Bytes::new(),
                    };
                    assert_eq!(file, expected, "{folder}");
                }
                ClientMessage::ReadBlock(block) => {
                    assert_eq!(block, ReadBlock { open_file_id: 1, incarnation: 2 });
                }
                ClientMessage::StreamSwitch(switch) => {
                    assert_eq!(switch.selections, [StreamSelection::full(stream(1))]);
                }
                ClientMessage::StartPlaying(play) => {
                    let number = match play.start {
                        Start::Beginning => None,
                        Start::Packet(number) => Some(number.get()),
                        other => panic!("{other:?}"),
                    };
                    assert_eq!((play.open_file_id, play.stop, play.accel), (1, None, None));
                    played.push((number, play.incarnation));
                }
                ClientMessage::Pong(Pong) => {}
                ClientMessage::CloseFile(close) => assert_eq!(close.open_file_id, 1),
                other => panic!("{folder}: {other:?}"),
            }
        }
        assert_eq!(played, plays, "{folder}");

        let (commands, messages, packets) = recorded::<ServerMessage>(&path, "s2c.bin");
        assert_eq!(commands, received, "{folder}");
        assert_eq!(packets, data, "{folder}");
        for message in messages {
            assert!(!matches!(message, ServerMessage::Unknown { .. }), "{folder}: {message:?}");
            if let ServerMessage::ReportOpenFile(report) = message {
                let file = report.result.unwrap();
                assert_eq!((report.incarnation, file.open_file_id), (open_file, 1), "{folder}");
                assert_eq!(file.attributes, FileAttributes::CAN_SEEK | FileAttributes::CAN_STRIDE);
                assert_eq!((file.packet_size, file.packet_count), (3200, 14), "{folder}");
                assert_eq!((file.bit_rate, file.header_size), (64_000, 444), "{folder}");
            }
        }
    }
}

/// The only message of a packet, with the number of the packet.
fn unpacked<M: Message>(mut decoder: FrameDecoder, packet: &[u8]) -> (u16, M) {
    decoder.push(packet);
    let frame = decoder.next_frame().unwrap();
    let Some(Frame::Messages(mut messages)) = frame else { panic!("{frame:?}") };
    let (place, message) = messages.split_next().unwrap().unwrap();
    assert_eq!((place, messages.split_next().unwrap()), (32, None));
    assert_eq!(decoder.next_frame(), Ok(None));
    let mut deviations = Vec::new();
    let message = M::read(&message, &mut deviations).unwrap();
    assert_eq!(deviations, []);
    (messages.sequence, message)
}

#[test]
fn packets_of_a_capture() {
    // MMSP-W-034, MMSP-W-035, MMSP-W-036, MMSP-W-037
    // NSPlayer 7.1 and Windows Media Services 9.1, whole packets: a spare chunk in two messages,
    // uninitialised memory as the time of sending.
    let from_client = || FrameDecoder::from_client(&Limits::default());
    let from_server = || FrameDecoder::from_server(&Limits::default());
    let packet = bytes(
        "01000000 CEFA0BB0 58000000 4D4D5320 0B000000 0000 0000 00*8
         09000000 01000300 F0F0F0F0 0B000400 1C000300 u'NSPlayer/7.1.0.1956; ' 00*10",
    );
    assert_eq!(packet.len(), 104);
    let (packet_pair, subscriber) = (PacketPair::Yes, "NSPlayer/7.1.0.1956; ".to_owned());
    let connect: ClientMessage = Connect { packet_pair, subscriber, host: None }.into();
    assert_eq!(unpacked(from_client(), &packet), (0, connect));

    let packet = bytes(
        "01000000 CEFA0BB0 80000000 4D4D5320 10000000 0000 0000 73007000 3A002F00
         0E000000 01000400 00000000 F0F0F0F0 0B000400 1C000300 000000000000F03F
         01000000 01000000 00800000 80969800 0D000000 00000000 00000000 05000000
         u'9.01.01.3814' 0000 u'NTLM' 0000 00*12",
    );
    assert_eq!(packet.len(), 144);
    let connected = super::session::connected(["9.01.01.3814", "", "", "NTLM"]);
    assert_eq!(unpacked::<ServerMessage>(from_server(), &packet), (0, connected.into()));

    let packet = bytes(
        "01000000 CEFA0BB0 20000000 4D4D5320 04000000 0100 0000 00*8
         02000000 18000300 F1F0F0F0 0B000400",
    );
    assert_eq!(packet.len(), 48);
    let test = BandwidthTest::TcpHighEntropy;
    let asked: ClientMessage = FunnelInfo { test }.into();
    assert_eq!(unpacked(from_client(), &packet), (1, asked));

    let packet = bytes(
        "01000000 CEFA0BB0 F0010000 4D4D5320 3E000000 0100 0000 00*8
         3C000000 15000400 00000000 F1F0F0F0 08000000 01000000 00000100 D4B942F1
         00000000 01000000 00000000 00000000 A7*432",
    );
    assert_eq!(packet.len(), 512);
    let packet_pair = Bytes::from(vec![0xA7; 432]);
    let report = ReportFunnelInfo { hr: HResult::OK, test, client_id: 0xF142_B9D4, packet_pair };
    assert_eq!(unpacked::<ServerMessage>(from_server(), &packet), (1, report.into()));
}
