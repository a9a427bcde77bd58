//! Every message, cut at every byte.

use mms_proto::MessageKind;
use mms_proto::mmsp::message::FileAttributes;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use bytes::Bytes;
use mms_proto::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, CloseFile, Connect, ConnectFunnel, Funnel,
    FunnelInfo, FunnelName, FunnelProtocol, Logging, MessageId, OpenFile, OpenedFile, PacketPair,
    Ping, Pong, ReadBlock, ReportConnectedFunnel, ReportDisconnectedFunnel, ReportEndOfStream,
    ReportFunnelInfo, ReportOpenFile, ReportReadBlock, ReportRedirect, ReportStartStriding,
    ReportStartedPlaying, ReportStreamChange, ReportStreamSwitch, SecurityChallenge,
    SecurityResponse, ServerMessage, StartPlaying, StartStriding, StopPlaying, StreamSwitch,
    basic_token,
};
use mms_proto::{Accel, HResult, Layer, Rate, Redirect, Start, Stop, StreamSelection};

use super::playing::playing;
use super::session::connected;
use super::tools::{Message, position, seconds, stream};

fn one_of_each_client_message() -> Vec<ClientMessage> {
    let funnel = Funnel { protocol: FunnelProtocol::Udp, port: NonZeroU16::MIN };
    let token = basic_token("user", "password");
    vec![
        Connect { packet_pair: PacketPair::Yes, subscriber: "NSPlayer".to_owned(), host: None }
            .into(),
        FunnelInfo { test: BandwidthTest::Tcp }.into(),
        ConnectFunnel { funnel: FunnelName::new(Ipv4Addr::LOCALHOST.into(), funnel) }.into(),
        OpenFile { incarnation: 9, path: "a/b.asf".to_owned(), token: token.clone() }.into(),
        SecurityResponse { incarnation: 9, cookie: 1, token }.into(),
        ReadBlock { open_file_id: 1, incarnation: 1 }.into(),
        CancelReadBlock { incarnation: 1 }.into(),
        StreamSwitch { selections: (1..6).map(|n| StreamSelection::full(stream(n))).collect() }
            .into(),
        StartPlaying {
            accel: Some(Accel::new(1, 2).with_link_bandwidth(3)),
            ..playing(Start::Packet(position(7)), Stop::at(seconds(9.0)))
        }
        .into(),
        StartStriding {
            open_file_id: 1,
            start: Start::Beginning,
            incarnation: 9,
            rate: Rate::NORMAL,
        }
        .into(),
        StopPlaying { open_file_id: 1, incarnation: 9 }.into(),
        Pong.into(),
        Logging { open_file_id: 0, log: Box::default() }.into(),
        CloseFile { open_file_id: 1 }.into(),
    ]
}

fn one_of_each_server_message() -> Vec<ServerMessage> {
    let (hr, incarnation) = (HResult::OK, 9);
    let file = OpenedFile {
        open_file_id: 1,
        attributes: FileAttributes::CAN_SEEK,
        duration: seconds(1.5),
        packet_size: 1,
        packet_count: 2,
        bit_rate: 3,
        header_size: 4,
    };
    vec![
        connected(["9.0", "10.0", "http://example", "NTLM"]).into(),
        ReportFunnelInfo {
            hr,
            test: BandwidthTest::Tcp,
            client_id: 1,
            packet_pair: Bytes::from_static(&[0xA5; 32]),
        }
        .into(),
        ReportConnectedFunnel { hr }.into(),
        ReportDisconnectedFunnel { hr: HResult::FAIL }.into(),
        ReportOpenFile { incarnation, result: Ok(file) }.into(),
        ReportRedirect { hr, target: Redirect::Url("mmst://elsewhere/file".to_owned()) }.into(),
        SecurityChallenge { incarnation, cookie: 1, token: Bytes::from_static(b"realm") }.into(),
        ReportReadBlock { hr, incarnation }.into(),
        ReportStreamSwitch { hr }.into(),
        ReportStartedPlaying { hr, incarnation, open_file_id: 1 }.into(),
        ReportStartStriding { hr, incarnation }.into(),
        ReportEndOfStream { hr, incarnation }.into(),
        ReportStreamChange { hr, packet_size: 1, header_size: 2, bit_rate: 3 }.into(),
        Ping.into(),
    ]
}

/// Reads every beginning of the message, with its own `chunkLen` and with one that fits; the
/// errors must point into the bytes and name this message or the prefix.
fn cut_everywhere<M: Message>(message: &M, id: MessageId) {
    let whole = message.write();
    for end in 0..whole.len() {
        let cut = &whole[..end];
        let mut fitting = cut.to_vec();
        if let Some(chunks) = fitting.first_chunk_mut::<4>() {
            *chunks = u32::try_from(end.div_ceil(8)).unwrap().to_le_bytes();
        }
        for bytes in [cut.to_vec(), fitting] {
            if let Err(error) = M::read(&bytes.into(), &mut Vec::new()) {
                assert!(error.offset <= end as u64, "{error}");
                assert!(!error.field.is_empty(), "{error}");
                assert!(
                    [Layer::Prefix, Layer::Message(MessageKind::Mmsp(id))].contains(&error.layer),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn messages_cut_everywhere() {
    // MMSP-W-018, MMSP-W-074
    let client = one_of_each_client_message();
    let ids: Vec<_> = client.iter().map(ClientMessage::id).collect();
    assert_eq!(ids, ClientMessage::IDS.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    for message in &client {
        cut_everywhere(message, message.id());
    }
    let server = one_of_each_server_message();
    let ids: Vec<_> = server.iter().map(ServerMessage::id).collect();
    assert_eq!(ids, ServerMessage::IDS.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    for message in &server {
        cut_everywhere(message, message.id());
    }
    assert_eq!(client.len() + server.len(), 28);
}
