//! Connecting, bandwidth test, transport: MS-MMSP 2.2.4.17, .2, .19, .6, .18, .3, .4.

use mms_proto::MessageKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use bytes::Bytes;
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, ConnectFunnel, Funnel, FunnelInfo, FunnelName,
    FunnelProtocol, MessageId, PacketPair, ReportConnectedEx, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ReportFunnelInfo, ServerMessage,
};
use mms_proto::{Deviation, HResult};

use super::tools::{Message as _, bytes, client, client_reads, reads, server, server_reads};

#[test]
fn connect() {
    // MMSP-W-034, MMSP-W-001
    let old_player = Connect {
        packet_pair: PacketPair::Yes,
        subscriber: "NSPlayer/7.1.0.1956; ".to_owned(),
        host: None,
    };
    // 8 chunks: 96 bytes with the packet header.
    client(
        "08000000 01000300 F0F0F0F0 0B000400 1C000300 u'NSPlayer/7.1.0.1956; ' 0000",
        old_player.clone(),
    );
    // The player itself sent a chunk more than it needed.
    client_reads(
        "09000000 01000300 F0F0F0F0 0B000400 1C000300 u'NSPlayer/7.1.0.1956; ' 00*10",
        old_player,
    );
    client(
        "16000000 01000300 EFF0F0F0 0B000400 1C000300
         u'NSPlayer/7.0.0.1956; {7E667F5D-A661-495E-A512-F55686DDA178}; Host: 127.0.0.1' 0000 0000",
        Connect {
            packet_pair: PacketPair::No,
            subscriber:
                "NSPlayer/7.0.0.1956; {7E667F5D-A661-495E-A512-F55686DDA178}; Host: 127.0.0.1"
                    .to_owned(),
            host: None,
        },
    );
}

#[test]
fn connect_through_a_proxy() {
    // MMSP-W-034, MMSP-C-008: the host as a text of its own, behind the name's terminator.
    client(
        "0E000000 01000300 EFF0F0F0 0B000400 1C000300
         u'NSPlayer/9.0; {g}; Host: h:1755' 0000 u'HOST: h:1755' 0000 00*2",
        Connect {
            packet_pair: PacketPair::No,
            subscriber: "NSPlayer/9.0; {g}; Host: h:1755".to_owned(),
            host: Some("h:1755".to_owned()),
        },
    );
    // What a proxy says of itself is not kept, with a host or without.
    client_reads(
        "09000000 01000300 00*12 u'Spooooon!' 0000 u'VIA: p/1' 0000 00*14",
        Connect { packet_pair: PacketPair::No, subscriber: "Spooooon!".to_owned(), host: None },
    );
}

#[test]
fn connect_of_others() {
    // MMSP-W-034, MMSP-W-017
    let spoon =
        |packet_pair| Connect { packet_pair, subscriber: "Spooooon!".to_owned(), host: None };
    for pair in ["00000000", "EFF0F0F0", "F1F0F0F0", "73007000", "FFFFFFFF"] {
        // Other revisions, additions of proxies, padding that is not zero.
        let name = "u'Spooooon!' 0000 u'HOST: h' 0000 u'VIA: p/1' 0000 EEEE";
        client_reads(
            &format!("09000000 01000300 {pair} 06000000 01000400 {name}"),
            Connect { host: Some("h".to_owned()), ..spoon(PacketPair::No) },
        );
    }
    // No terminator: the name ends with the message.
    client_reads(
        "04000000 01000300 F0F0F0F0 00*8 u'NSPlay'",
        Connect { packet_pair: PacketPair::Yes, subscriber: "NSPlay".to_owned(), host: None },
    );
    // No name at all.
    client_reads(
        "03000000 01000300 F0F0F0F0 00*8 00*4",
        Connect { packet_pair: PacketPair::Yes, subscriber: String::new(), host: None },
    );
    // The frame ended with the last character: no padding up to the promised chunk.
    client_reads(
        "04000000 01000300 F0F0F0F0 00*8 u'ab' 0000",
        Connect { packet_pair: PacketPair::Yes, subscriber: "ab".to_owned(), host: None },
    );
}

pub(crate) fn connected(texts: [&str; 4]) -> ReportConnectedEx {
    let [server_version, upgrade_version, upgrade_url, authentication] = texts.map(str::to_owned);
    ReportConnectedEx {
        hr: HResult::OK,
        packet_pair: PacketPair::Yes,
        server_version,
        upgrade_version,
        upgrade_url,
        authentication,
    }
}

#[test]
fn report_connected_ex() {
    // MMSP-W-035, MMSP-W-031, MMSP-W-017
    let constants = "0B000400 1C000300 000000000000F03F 01000000 01000000 00800000 80969800";
    server(
        &format!(
            "0C000000 01000400 00000000 F0F0F0F0 {constants} 0D000000 00*12
             u'9.01.01.3814' 0000 00*6"
        ),
        connected(["9.01.01.3814", "", "", ""]),
    );
    server(
        &format!(
            "10000000 01000400 00000000 F0F0F0F0 {constants} 04000000 04000000 0F000000 06000000
             u'4.1' 0000 u'9.0' 0000 u'http://example' 0000 u'BASIC' 0000 00*6"
        ),
        connected(["4.1", "9.0", "http://example", "BASIC"]),
    );
    // 13 chunks: 136 bytes with the packet header. The server itself sent one more.
    let captured = connected(["9.01.01.3814", "", "", "NTLM"]);
    let head = format!(
        "01000400 00000000 F0F0F0F0 {constants} 0D000000 00*8 05000000
         u'9.01.01.3814' 0000 u'NTLM' 0000"
    );
    server(&format!("0D000000 {head} 00*4"), captured.clone());
    server_reads(&format!("0E000000 {head} 00*12"), captured.clone());
    server_reads(&format!("0E000000 {head} 73007000 3A002F00 FFFFFFFF"), captured);
}

#[test]
fn report_connected_ex_of_others() {
    // MMSP-W-035, MMSP-W-031
    // Windows Media Services 4.x: garbage in the constants.
    server_reads(
        "0A000000 01000400 00000000 F0F0F0F0 00*8 FF*8 00*12 0000A000 04000000 01000000 01000000
         01000000 u'4.1' 0000 0000 0000 0000 0000",
        connected(["4.1", "", "", ""]),
    );
    // minisrv: other revisions, a lone terminator for each absent text.
    server_reads(
        "0B000000 01000400 00000000 F0F0F0F0 06000000 01000400 000000000000F03F 01000000 01000000
         00800000 80969800 07000000 01000000 01000000 01000000 u'0.9.75' 0000 0000 0000 0000 00*4",
        connected(["0.9.75", "", "", ""]),
    );
    // A count without its terminator.
    server_reads(
        "09000000 01000400 00000000 F0F0F0F0 00*32 03000000 00*12 u'9.0' EEEE",
        connected(["9.0", "", "", ""]),
    );
    // A refusal may end anywhere after its code.
    let refusal = ReportConnectedEx {
        hr: HResult::MAX_CLIENTS,
        packet_pair: PacketPair::No,
        ..connected(["", "", "", ""])
    };
    let short = [Deviation::ShortMessage(MessageKind::Mmsp(MessageId::REPORT_CONNECTED_EX))];
    for rest in ["02000000 | ", "03000000 | 00*8", "08000000 | 00*32 FF*16"] {
        let (chunks, rest) = rest.split_once('|').unwrap();
        let notation = format!("{chunks} 01000400 49000DC0 EFF0F0F0 {rest}");
        reads::<ServerMessage>(&notation, refusal.clone(), &short);
    }
    server_reads("08000000 01000400 49000DC0 EFF0F0F0 00*48", refusal);
}

#[test]
fn funnel_info() {
    // MMSP-W-036, MMSP-C-016
    for (value, test) in [
        ("EFF0F0F0", BandwidthTest::None),
        ("F0F0F0F0", BandwidthTest::Tcp),
        ("F1F0F0F0", BandwidthTest::TcpHighEntropy),
        ("01F9F0F0", BandwidthTest::UdpHighEntropy),
    ] {
        client(&format!("02000000 18000300 {value} 00*4"), FunnelInfo { test });
        // Players leave a protocol revision in the padding.
        client_reads(&format!("02000000 18000300 {value} 0B000400"), FunnelInfo { test });
    }
    // FFmpeg's value does not exist.
    client_reads("02000000 18000300 F0F0F000 0B000400", FunnelInfo { test: BandwidthTest::None });
}

#[test]
fn report_funnel_info() {
    // MMSP-W-037, MMSP-W-038
    let client_id = 0xF142_B9D4;
    let head = "08000000 01000000 00000100 D4B942F1 00000000 01000000 00000000 00000000";
    for (value, test, has_tail) in [
        ("EFF0F0F0", BandwidthTest::None, false),
        ("F0F0F0F0", BandwidthTest::Tcp, true),
        ("F1F0F0F0", BandwidthTest::TcpHighEntropy, true),
        ("01F9F0F0", BandwidthTest::UdpHighEntropy, false),
    ] {
        let report =
            |packet_pair| ReportFunnelInfo { hr: HResult::OK, test, client_id, packet_pair };
        let without = report(Bytes::new());
        server(&format!("06000000 15000400 00000000 {value} {head}"), without.clone());
        // As captured: 512 bytes with the packet header.
        let with_tail = format!("3C000000 15000400 00000000 {value} {head} A5*432");
        if has_tail {
            server(&with_tail, report(Bytes::from(vec![0xA5; 432])));
        } else {
            server_reads(&with_tail, without.clone());
            let carrying: ServerMessage = report(Bytes::from_static(&[0xA5; 432])).into();
            assert_eq!(carrying.write(), ServerMessage::from(without).write());
        }
    }
    // Garbage in every constant; the last four fields missing; a refusal without anything.
    let none = |hr, client_id| ReportFunnelInfo {
        hr,
        test: BandwidthTest::None,
        client_id,
        packet_pair: Bytes::new(),
    };
    server_reads("06000000 15000400 00*8 EE*12 D4B942F1 EE*16", none(HResult::OK, client_id));
    server_reads("04000000 15000400 00*8 EE*12 D4B942F1", none(HResult::OK, client_id));
    server_reads("02000000 15000400 05400080 00*4", none(HResult::FAIL, 0));
}

#[test]
fn connect_funnel() {
    // MMSP-W-039
    let funnel = |address: IpAddr, protocol, port| ConnectFunnel {
        funnel: FunnelName::new(address, Funnel { protocol, port: NonZeroU16::new(port).unwrap() }),
    };
    let head = "02000300 00000000 FFFFFFFF 00000000 80969800 02000000";
    let (tcp, udp) = (FunnelProtocol::Tcp, FunnelProtocol::Udp);
    let fake = funnel(Ipv4Addr::new(192, 168, 0, 129).into(), tcp, 1037);
    client(&format!("0A000000 {head} u'\\\\192.168.0.129\\TCP\\1037' 0000 00*2"), fake);
    client(
        &format!("09000000 {head} u'\\\\fe80::7\\UDP\\65535' 0000 00*4"),
        funnel(Ipv6Addr::new(0xFE80, 0, 0, 0, 0, 0, 0, 7).into(), udp, 65_535),
    );
    client(
        &format!("08000000 {head} u'\\\\127.0.0.1\\TCP\\1' 0000"),
        funnel(Ipv4Addr::LOCALHOST.into(), tcp, 1),
    );
    // MPlayer: zeros in the numbers. VLC: its own numbers, a stray character after the name.
    let mplayer = funnel(Ipv4Addr::new(192, 168, 0, 1).into(), tcp, 1037);
    client_reads(
        "0A000000 02000300 00*16 02000000 u'\\\\192.168.0.1\\TCP\\1037' 0000 00*8",
        mplayer.clone(),
    );
    client_reads(
        "0A000000 02000300 00000000 FFFFFFFF 00000000 00000A00 02000000
         u'\\\\192.168.0.1\\TCP\\1037' 0000 u'0' 0000 EEEE EEEE",
        mplayer,
    );
    // No terminator, and a name that is none.
    let read =
        ClientMessage::read(&bytes(&format!("04000000 {head} u'ab'")).into(), &mut Vec::new());
    let Ok(ClientMessage::ConnectFunnel(ConnectFunnel { funnel })) = read else {
        panic!("{read:?}")
    };
    assert_eq!((funnel.as_str(), funnel.parse()), ("ab", None));
}

#[test]
fn answers_to_connect_funnel() {
    // MMSP-W-040, MMSP-W-041
    let accepted = ReportConnectedFunnel { hr: HResult::OK };
    server("07000000 02000400 00000000 00000000 00000000 u'Funnel Of The Gods'", accepted);
    // Windows Media Services 4.1: half of the name, garbage before it.
    server_reads("06000000 02000400 00000000 CDCDCDCD 43210000 u'Funnel Of The '", accepted);
    server_reads("02000000 02000400 00000000 00000000", accepted);
    let refused = ReportDisconnectedFunnel { hr: HResult::PROTOCOL_MISMATCH };
    server("02000000 03000400 12000DC0 00000000", refused);
    server_reads("03000000 03000400 12000DC0 CDCDCDCD CD*8", refused);
}
