//! Server: who is there, bandwidth test, transport. MS-MMSP 3.2.5.3 to 3.2.5.5.

use crate::pair::media::seconds;
use crate::pair::script::{Script, connect, events, funnel, message, messages, open, open_request};
use mms_proto::mmsp::ServerConfig;
use mms_proto::mmsp::message::{
    BandwidthTest, Connect, FunnelInfo, MessageId, PacketPair, ReportConnectedFunnel,
    ReportDisconnectedFunnel, ServerMessage,
};
use mms_proto::{AuthScheme, HResult, Machine as _, Phase};

#[test]
fn connect_begins_a_session() {
    // MMSP-S-001
    let mut script = Script::new(ServerConfig::default());
    let begun = script.now;
    assert_eq!(script.machine.phase(), Phase::Connecting);
    script.pass(seconds(7));
    let got = script.send(connect("NSPlayer/9.0.0.2980"));
    assert_eq!(script.machine.phase(), Phase::ChoosingTransport);
    assert_eq!(got.len(), 2);
    script.send(funnel("\\\\h\\TCP\\1"));
    let _ = open_request(script.send(open(1, "x")));
    // With the application thinking, nothing but the idle time runs: from Connect on.
    assert_eq!(script.deadline, Some(begun + seconds(7 + 3600)));
}

#[test]
fn who_the_client_is() {
    // MMSP-S-002, MMSP-S-099: as sent, read as far as possible, never refused.
    for (subscriber, major, minor, media_services) in [
        ("NSPlayer/9.0.0.2980; {3300AD50-2C39-46c0-AE0A-AC7B8159E203}; Host: h", 9, 0, false),
        (
            "NSPlayer/7.0.0.1956; {0xbabac001-0x06a5-0x82a8-0x63c7dabad5ba15da}; Host: h",
            7,
            0,
            false,
        ),
        ("NSPlayer/7.1.0.1956; ", 7, 1, false),
        ("NSPlayer/4.1", 4, 1, false),
        ("Spooooon!; {guid}; Host: h:1755", 4, 0, true),
        ("Spoooon!", 4, 0, true),
        ("NSPlayer/x; {; Host: ::::", 0, 0, false),
        ("", 0, 0, false),
    ] {
        let mut script = Script::new(ServerConfig::default());
        let got = script.send(connect(subscriber));
        let version = format!("{major}.{minor}");
        let expected =
            format!("Connected(ClientInfo {{ subscriber: {subscriber:?}, version: {version} }})");
        assert_eq!(events(&got), [expected]);
        let all =
            !events(&play_without_selection(script)).iter().any(|e| e.contains("streams: []"));
        assert_eq!(all, media_services, "{subscriber}");
    }
}

/// Plays without ever having selected a stream.
fn play_without_selection(mut script: Script) -> Vec<crate::pair::script::Got> {
    script.send(funnel("\\\\h\\TCP\\1"));
    let request = open_request(script.send(open(1, "x")));
    script.give(|server, now| server.accept(now, request, crate::pair::media::content(3))).unwrap();
    script.poll();
    script.send(mms_proto::mmsp::message::ReadBlock { open_file_id: 1, incarnation: 2 });
    script.send(crate::pair::script::play(4, mms_proto::Start::Beginning))
}

#[test]
fn parts_that_proxies_add_to_the_name() {
    // MMSP-S-002: HOST: and VIA: follow the terminator.
    let mut body = Vec::new();
    for word in [0xF0F0_F0EF_u32, 0x0004_000B, 0x0003_001C] {
        body.extend(word.to_le_bytes());
    }
    let name = "NSPlayer/8.0.0.1; {g}\0HOST: origin:1755\0VIA: cache/1.0\0";
    body.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
    let mut script = Script::new(ServerConfig::default());
    let got = script.send_raw(MessageId::CONNECT, &body);
    assert!(events(&got)[0].contains("subscriber: \"NSPlayer/8.0.0.1; {g}\", version: 8.0"));
}

#[test]
fn the_answer_to_connect() {
    // MMSP-S-003: compared with the words of the specification and a capture.
    let config = ServerConfig::default().authentication(AuthScheme::Ntlm);
    let mut script = Script::new(config);
    script.send(Connect {
        packet_pair: PacketPair::Yes,
        subscriber: "NSPlayer/7.1".into(),
        host: None,
    });
    assert_eq!(script.writes[0].to_bytes(), answer(HResult::OK));
}

#[test]
fn the_scheme_is_announced() {
    // MMSP-S-006
    for (config, name) in [
        (ServerConfig::default(), ""),
        (ServerConfig::default().authentication(AuthScheme::Basic), "BASIC"),
        (ServerConfig::default().authentication(AuthScheme::Ntlm), "NTLM"),
    ] {
        let got = Script::new(config).send(connect("NSPlayer/9.0.0.2980"));
        let ServerMessage::ReportConnectedEx(report) = message(&got) else { panic!() };
        assert_eq!(report.authentication, name);
    }
}

#[test]
fn a_client_that_is_refused() {
    // Full, or shutting down: every constant as in a success, and the end.
    for (refusal, hr) in [
        (HResult::MAX_CLIENTS, HResult::MAX_CLIENTS),
        (HResult::TOO_MANY_SESSIONS, HResult::TOO_MANY_SESSIONS),
        // A success is no reason to refuse anybody.
        (HResult::OK, HResult::FAIL),
        (HResult::FALSE, HResult::FAIL),
    ] {
        let config = ServerConfig::default().authentication(AuthScheme::Ntlm).refusal(refusal);
        let mut script = Script::new(config);
        let connect =
            Connect { packet_pair: PacketPair::Yes, subscriber: "NSPlayer/7.1".into(), host: None };
        let got = events(&script.send(connect));
        assert_eq!(script.writes[0].to_bytes(), answer(hr));
        assert_eq!(got.len(), 2);
        assert!(got[0].starts_with("Connected(ClientInfo"), "{got:?}");
        assert_eq!(got[1], "Closed(Local)");
        assert_eq!((script.machine.phase(), script.deadline), (Phase::Closed, None));
        assert!(script.send(open(1, "x")).is_empty());
    }
}

/// The answer to a client that asks for a bandwidth test, from a server that announces NTLM.
fn answer(hr: HResult) -> Vec<u8> {
    let mut expected = Vec::new();
    for word in [
        0x0000_0001_u32,
        0xB00B_FACE,
        120,
        0x2053_4D4D,
        15,
        0,
        0,
        0, // TcpMessageHeader
        0x0D,
        0x0004_0001,
        hr.0,
        0xF0F0_F0F0,
        0x0004_000B,
        0x0003_001C,
        0,
        0x3FF0_0000, // 1.0
        1,
        1,
        0x8000,
        0x0098_9680,
        13,
        0,
        0,
        5,
    ] {
        expected.extend(word.to_le_bytes());
    }
    expected.extend("9.01.01.3814\0NTLM\0".encode_utf16().flat_map(u16::to_le_bytes));
    expected.resize(136, 0);
    expected
}

#[test]
fn a_bandwidth_test_is_offered_only_to_who_asks() {
    // MMSP-S-005
    for (asked, supported, expected) in [
        (PacketPair::No, false, PacketPair::No),
        (PacketPair::No, true, PacketPair::No),
        (PacketPair::Yes, false, PacketPair::No),
        (PacketPair::Yes, true, PacketPair::Yes),
    ] {
        let mut config = ServerConfig::default();
        config.packet_pair = supported;
        let mut script = Script::new(config);
        let got = script.send(Connect { packet_pair: asked, subscriber: "x".into(), host: None });
        let ServerMessage::ReportConnectedEx(report) = message(&got) else { panic!("{got:?}") };
        assert_eq!(report.packet_pair, expected);
    }
}

#[test]
fn a_funnel_info_that_is_refused_is_answered_with_the_client_id() {
    // MMSP-S-007
    let mut script = Script::new(ServerConfig::default().client_id(0xF142_B9D4));
    script.send(connect("x"));
    let got = message(&script.send_raw(MessageId::FUNNEL_INFO, &[]));
    let ServerMessage::ReportFunnelInfo(report) = got else { panic!("{got:?}") };
    assert_eq!((report.hr, report.client_id), (HResult::BAD_CONTROL_DATA, 0xF142_B9D4));
}

#[test]
fn every_funnel_info_is_answered_with_the_client_id() {
    // MMSP-S-007, as far as a machine without a random source can: its maker's number is used.
    // MMSP-S-008, MMSP-S-009, MMSP-S-012; UDP is not supported.
    let none = (1, BandwidthTest::None);
    let three = (3, BandwidthTest::TcpHighEntropy);
    for (asked, supported, expected) in [
        (0xF0F0_F0EF_u32, true, none),
        (0xF0F0_F0F0, true, three),
        (0xF0F0_F0F1, true, three),
        (0xF0F0_F0F0, false, none),
        (0xF0F0_F0F1, false, none),
        (0xF0F0_F901, true, none),
        (0x00F0_F0F0, true, none), // FFmpeg
        (0, true, none),
        (u32::MAX, true, none),
    ] {
        let mut config = ServerConfig::default().client_id(0xF142_B9D4).seed(7);
        config.packet_pair = supported;
        let mut script = Script::new(config);
        script.send(connect("x"));
        let got = messages(&script.send_raw(MessageId::FUNNEL_INFO, &asked.to_le_bytes()));
        assert_eq!(got.len(), expected.0, "{asked:#x}");
        for message in got {
            let ServerMessage::ReportFunnelInfo(report) = message else { panic!("{message:?}") };
            assert_eq!((report.client_id, report.test), (0xF142_B9D4, expected.1), "{asked:#x}");
            assert_eq!(report.hr, HResult::OK);
            assert_eq!(report.packet_pair.is_empty(), expected.0 == 1);
        }
    }
}

#[test]
fn the_packets_of_a_bandwidth_test() {
    // MMSP-S-010
    let tails = |seed| {
        let mut script = Script::new(ServerConfig::default().seed(seed));
        script.send(connect("x"));
        script.writes.clear();
        script.send(FunnelInfo { test: BandwidthTest::TcpHighEntropy });
        let packets: Vec<_> = script.writes.iter().map(|write| write.to_bytes()).collect();
        let sizes: Vec<_> = packets.iter().map(|packet| packet.len()).collect();
        assert_eq!(sizes, [512, 512, 1056]);
        // Alike but for the frame's own numbers and the random bytes.
        assert_eq!(packets[0][36..80], packets[1][36..80]);
        assert_eq!(packets[0][36..80], packets[2][36..80]);
        packets.iter().map(|packet| packet[80..512].to_vec()).collect::<Vec<_>>()
    };
    let (one, other) = (tails(1), tails(2));
    let mut all = [one, other].concat();
    for tail in &all {
        // Random bytes hold nearly every value and no long runs.
        let mut values = tail.clone();
        values.sort_unstable();
        values.dedup();
        assert!(values.len() > 150, "{}", values.len());
        assert!(tail.windows(4).all(|run| run.iter().any(|&byte| byte != run[0])));
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6, "every packet differs from every other, in one session and the next");
}

#[test]
fn transports() {
    // MMSP-S-013 (there is no FunnelInfo here), MMSP-S-014, MMSP-S-015, MMSP-S-016
    let yes = ServerMessage::from(ReportConnectedFunnel { hr: HResult::OK });
    let no = ServerMessage::from(ReportDisconnectedFunnel { hr: HResult::PROTOCOL_MISMATCH });
    for (name, expected) in [
        ("\\\\192.168.0.129\\TCP\\1037", &yes),
        ("\\\\no address at all\\TCP\\1037", &yes),
        ("//10.0.0.1/tcp/1755", &yes),
        ("\\\\10.0.0.1\\TCP\\1755 and more", &yes),
        ("\\\\::1\\TCP\\65535", &yes),
        ("\\\\10.0.0.1\\UDP\\7000", &no), // not supported yet
        ("\\\\10.0.0.1\\CUBDD\\7000", &no),
        ("\\\\10.0.0.1\\SCTP\\7000", &no),
        // Old clients (T26).
        ("127.0.0.1//TCP//32840//0000000", &yes),
        (" //10.0.0.1/TCP/1234", &yes),
        ("\\\\10.0.0.1\\TCP\\0", &yes),
        ("\\\\10.0.0.1\\TCP", &yes),
        ("//10.0.0.1//UDP//0", &no),
        ("whatever", &no),
        ("", &no),
    ] {
        let mut script = Script::new(ServerConfig::default());
        script.send(connect("x"));
        assert_eq!(&message(&script.send(funnel(name))), expected, "{name}");
        // Without a transport there is no file, and another may be tried.
        let got = script.send(open(9, "x"));
        if expected == &yes {
            let _ = open_request(got);
            continue;
        }
        let ServerMessage::ReportOpenFile(report) = message(&got) else { panic!("{got:?}") };
        assert_eq!((report.incarnation, report.result), (9, Err(HResult::NO_FUNNEL.into())));
        assert_eq!(message(&script.send(funnel("\\\\h\\TCP\\1"))), yes);
        let _ = open_request(script.send(open(9, "x")));
    }
}

#[test]
fn the_zero_behind_the_name_that_vlc_sends() {
    // MMSP-S-014
    let mut body = vec![0; 20];
    let name = "\\\\192.168.0.1\\TCP\\1242\0\u{30}";
    body.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
    let mut script = Script::new(ServerConfig::default());
    script.send(connect("x"));
    let got = script.send_raw(MessageId::CONNECT_FUNNEL, &body);
    assert_eq!(message(&got), ReportConnectedFunnel { hr: HResult::OK }.into());
}
