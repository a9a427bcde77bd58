//! Random messages of MS-MMSP.

use std::net::IpAddr;
use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::Union;

use super::fields::{
    accel, blob, duration, hresult, rate, redirect, start, stop, stream_selection, text,
};
use super::logs::logging;
use crate::mmsp::message::{
    BandwidthTest, CancelReadBlock, ClientMessage, CloseFile, Connect, ConnectFunnel,
    FileAttributes, Funnel, FunnelInfo, FunnelName, FunnelProtocol, MessageId, OpenFile,
    OpenedFile, PacketPair, Ping, Pong, ReadBlock, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportEndOfStream, ReportFunnelInfo, ReportOpenFile, ReportReadBlock,
    ReportRedirect, ReportStartStriding, ReportStartedPlaying, ReportStreamChange,
    ReportStreamSwitch, SecurityChallenge, SecurityResponse, ServerMessage, StartPlaying,
    StartStriding, StopPlaying, StreamSwitch,
};
use proptest::collection::vec;

/// Whether a bandwidth test is wanted.
pub fn packet_pair() -> impl Strategy<Value = PacketPair> {
    prop_oneof![Just(PacketPair::No), Just(PacketPair::Yes)]
}

/// A kind of bandwidth test.
pub fn bandwidth_test() -> impl Strategy<Value = BandwidthTest> {
    prop_oneof![
        Just(BandwidthTest::None),
        Just(BandwidthTest::Tcp),
        Just(BandwidthTest::TcpHighEntropy),
        Just(BandwidthTest::UdpHighEntropy),
    ]
}

/// Transport and port.
pub fn funnel() -> impl Strategy<Value = Funnel> {
    let protocol = prop_oneof![Just(FunnelProtocol::Tcp), Just(FunnelProtocol::Udp)];
    (protocol, any::<NonZeroU16>()).prop_map(|(protocol, port)| Funnel { protocol, port })
}

/// `LinkViewerToMacConnect`
pub fn connect() -> impl Strategy<Value = Connect> {
    (packet_pair(), text(), option::of(text()))
        .prop_map(|(packet_pair, subscriber, host)| Connect { packet_pair, subscriber, host })
}

/// `LinkViewerToMacFunnelInfo`
pub fn funnel_info() -> impl Strategy<Value = FunnelInfo> {
    bandwidth_test().prop_map(|test| FunnelInfo { test })
}

/// `LinkViewerToMacConnectFunnel`
pub fn connect_funnel() -> impl Strategy<Value = ConnectFunnel> {
    (any::<IpAddr>(), funnel())
        .prop_map(|(address, funnel)| ConnectFunnel { funnel: FunnelName::new(address, funnel) })
}

/// `LinkViewerToMacOpenFile`
pub fn open_file() -> impl Strategy<Value = OpenFile> {
    (any::<u32>(), text(), blob(64)).prop_map(|(incarnation, path, token)| OpenFile {
        incarnation,
        path,
        token,
    })
}

/// `LinkViewerToMacSecurityResponse`
pub fn security_response() -> impl Strategy<Value = SecurityResponse> {
    (any::<u32>(), any::<u32>(), blob(64))
        .prop_map(|(incarnation, cookie, token)| SecurityResponse { incarnation, cookie, token })
}

/// `LinkViewerToMacReadBlock`
pub fn read_block() -> impl Strategy<Value = ReadBlock> {
    (any::<u32>(), any::<u32>())
        .prop_map(|(open_file_id, incarnation)| ReadBlock { open_file_id, incarnation })
}

/// `LinkViewerToMacCancelReadBlock`
pub fn cancel_read_block() -> impl Strategy<Value = CancelReadBlock> {
    any::<u32>().prop_map(|incarnation| CancelReadBlock { incarnation })
}

/// `LinkViewerToMacStreamSwitch`
pub fn stream_switch() -> impl Strategy<Value = StreamSwitch> {
    vec(stream_selection(), 0..8).prop_map(|selections| StreamSwitch { selections })
}

/// `LinkViewerToMacStartPlaying`
pub fn start_playing() -> impl Strategy<Value = StartPlaying> {
    (any::<u32>(), start(), option::of(stop()), any::<u32>(), option::of(accel())).prop_map(
        |(open_file_id, start, stop, incarnation, accel)| StartPlaying {
            open_file_id,
            start,
            stop,
            incarnation,
            accel,
        },
    )
}

/// `LinkViewerToMacStartStriding`
pub fn start_striding() -> impl Strategy<Value = StartStriding> {
    (any::<u32>(), start(), any::<u32>(), rate()).prop_map(
        |(open_file_id, start, incarnation, rate)| StartStriding {
            open_file_id,
            start,
            incarnation,
            rate,
        },
    )
}

/// `LinkViewerToMacStopPlaying`
pub fn stop_playing() -> impl Strategy<Value = StopPlaying> {
    (any::<u32>(), any::<u32>())
        .prop_map(|(open_file_id, incarnation)| StopPlaying { open_file_id, incarnation })
}

/// `LinkViewerToMacPong`
pub fn pong() -> impl Strategy<Value = Pong> {
    Just(Pong)
}

/// `LinkViewerToMacCloseFile`
pub fn close_file() -> impl Strategy<Value = CloseFile> {
    any::<u32>().prop_map(|open_file_id| CloseFile { open_file_id })
}

/// `LinkMacToViewerReportConnectedEX`
pub fn report_connected_ex() -> impl Strategy<Value = ReportConnectedEx> {
    (hresult(), packet_pair(), proptest::array::uniform4(text())).prop_map(
        |(hr, packet_pair, texts)| {
            let [server_version, upgrade_version, upgrade_url, authentication] = texts;
            ReportConnectedEx {
                hr,
                packet_pair,
                server_version,
                upgrade_version,
                upgrade_url,
                authentication,
            }
        },
    )
}

/// `LinkMacToViewerReportFunnelInfo`
pub fn report_funnel_info() -> impl Strategy<Value = ReportFunnelInfo> {
    (hresult(), bandwidth_test(), any::<u32>(), blob(100)).prop_map(
        |(hr, test, client_id, packet_pair)| ReportFunnelInfo { hr, test, client_id, packet_pair },
    )
}

/// `LinkMacToViewerReportConnectedFunnel`
pub fn report_connected_funnel() -> impl Strategy<Value = ReportConnectedFunnel> {
    hresult().prop_map(|hr| ReportConnectedFunnel { hr })
}

/// `LinkMacToViewerReportDisconnectedFunnel`
pub fn report_disconnected_funnel() -> impl Strategy<Value = ReportDisconnectedFunnel> {
    hresult().prop_map(|hr| ReportDisconnectedFunnel { hr })
}

/// `LinkMacToViewerReportOpenFile`
pub fn report_open_file() -> impl Strategy<Value = ReportOpenFile> {
    let file = (any::<[u32; 5]>(), duration(), any::<u64>()).prop_map(
        |([open_file_id, attributes, packet_size, bit_rate, header_size], duration, count)| {
            OpenedFile {
                open_file_id,
                attributes: FileAttributes(attributes),
                duration,
                packet_size,
                packet_count: count,
                bit_rate,
                header_size,
            }
        },
    );
    let result = prop_oneof![file.prop_map(Ok), hresult().prop_map(|hr| Err(hr.into()))];
    (any::<u32>(), result).prop_map(|(incarnation, result)| ReportOpenFile { incarnation, result })
}

/// `LinkMacToViewerReportRedirect`
pub fn report_redirect() -> impl Strategy<Value = ReportRedirect> {
    (hresult(), redirect()).prop_map(|(hr, target)| ReportRedirect { hr, target })
}

/// `LinkMacToViewerSecurityChallenge`
pub fn security_challenge() -> impl Strategy<Value = SecurityChallenge> {
    (any::<u32>(), any::<u32>(), blob(64))
        .prop_map(|(incarnation, cookie, token)| SecurityChallenge { incarnation, cookie, token })
}

/// `LinkMacToViewerReportReadBlock`
pub fn report_read_block() -> impl Strategy<Value = ReportReadBlock> {
    (hresult(), any::<u32>()).prop_map(|(hr, incarnation)| ReportReadBlock { hr, incarnation })
}

/// `LinkMacToViewerReportStreamSwitch`
pub fn report_stream_switch() -> impl Strategy<Value = ReportStreamSwitch> {
    hresult().prop_map(|hr| ReportStreamSwitch { hr })
}

/// `LinkMacToViewerReportStartedPlaying`
pub fn report_started_playing() -> impl Strategy<Value = ReportStartedPlaying> {
    (hresult(), any::<u32>(), any::<u32>()).prop_map(|(hr, incarnation, open_file_id)| {
        ReportStartedPlaying { hr, incarnation, open_file_id }
    })
}

/// `LinkMacToViewerReportStartStriding`
pub fn report_start_striding() -> impl Strategy<Value = ReportStartStriding> {
    (hresult(), any::<u32>()).prop_map(|(hr, incarnation)| ReportStartStriding { hr, incarnation })
}

/// `LinkMacToViewerReportEndOfStream`
pub fn report_end_of_stream() -> impl Strategy<Value = ReportEndOfStream> {
    (hresult(), any::<u32>()).prop_map(|(hr, incarnation)| ReportEndOfStream { hr, incarnation })
}

/// `LinkMacToViewerReportStreamChange`
pub fn report_stream_change() -> impl Strategy<Value = ReportStreamChange> {
    (hresult(), any::<[u32; 3]>()).prop_map(|(hr, [packet_size, header_size, bit_rate])| {
        ReportStreamChange { hr, packet_size, header_size, bit_rate }
    })
}

/// `LinkMacToViewerPing`
pub fn ping() -> impl Strategy<Value = Ping> {
    Just(Ping)
}

/// A message that the specification does not have. The id is none of the known ones.
fn unknown() -> impl Strategy<Value = (MessageId, Bytes)> {
    let id = prop_oneof![any::<u32>(), 0x0003_0000..0x0003_0040_u32, 0x0004_0000..0x0004_0040_u32];
    let id = id.prop_map(MessageId).prop_filter("not a known one", |id| id.name().is_none());
    (id, blob(64))
}

// Boxed: a tree of all these types by value is more than a test thread's stack holds.

/// Any of the client's messages, or an unknown one.
pub fn client_message() -> impl Strategy<Value = ClientMessage> {
    Union::new([
        connect().prop_map(ClientMessage::from).boxed(),
        funnel_info().prop_map(ClientMessage::from).boxed(),
        connect_funnel().prop_map(ClientMessage::from).boxed(),
        open_file().prop_map(ClientMessage::from).boxed(),
        security_response().prop_map(ClientMessage::from).boxed(),
        read_block().prop_map(ClientMessage::from).boxed(),
        cancel_read_block().prop_map(ClientMessage::from).boxed(),
        stream_switch().prop_map(ClientMessage::from).boxed(),
        start_playing().prop_map(ClientMessage::from).boxed(),
        start_striding().prop_map(ClientMessage::from).boxed(),
        stop_playing().prop_map(ClientMessage::from).boxed(),
        pong().prop_map(ClientMessage::from).boxed(),
        logging().prop_map(ClientMessage::from).boxed(),
        close_file().prop_map(ClientMessage::from).boxed(),
        unknown().prop_map(|(id, body)| ClientMessage::Unknown { id, body }).boxed(),
    ])
}

/// Any of the server's messages, or an unknown one.
pub fn server_message() -> impl Strategy<Value = ServerMessage> {
    Union::new([
        report_connected_ex().prop_map(ServerMessage::from).boxed(),
        report_funnel_info().prop_map(ServerMessage::from).boxed(),
        report_connected_funnel().prop_map(ServerMessage::from).boxed(),
        report_disconnected_funnel().prop_map(ServerMessage::from).boxed(),
        report_open_file().prop_map(ServerMessage::from).boxed(),
        report_redirect().prop_map(ServerMessage::from).boxed(),
        security_challenge().prop_map(ServerMessage::from).boxed(),
        report_read_block().prop_map(ServerMessage::from).boxed(),
        report_stream_switch().prop_map(ServerMessage::from).boxed(),
        report_started_playing().prop_map(ServerMessage::from).boxed(),
        report_start_striding().prop_map(ServerMessage::from).boxed(),
        report_end_of_stream().prop_map(ServerMessage::from).boxed(),
        report_stream_change().prop_map(ServerMessage::from).boxed(),
        ping().prop_map(ServerMessage::from).boxed(),
        unknown().prop_map(|(id, body)| ServerMessage::Unknown { id, body }).boxed(),
    ])
}

/// A client's message as its reader sees it: encoding and decoding give the same value again.
pub fn client_message_as_read() -> impl Strategy<Value = ClientMessage> {
    client_message().prop_filter_map("written messages are readable", |message| {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        ClientMessage::decode(&out.freeze(), &mut Vec::new()).ok()
    })
}

/// A server's message as its reader sees it: encoding and decoding give the same value again.
pub fn server_message_as_read() -> impl Strategy<Value = ServerMessage> {
    server_message().prop_filter_map("written messages are readable", |message| {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        ServerMessage::decode(&out.freeze(), &mut Vec::new()).ok()
    })
}
