//! Connecting and choosing the transport.

use bytes::Bytes;
use mms_proto::MessageKind;
use mms_proto::mmsp::message::{
    BandwidthTest, ClientMessage, Connect, FunnelInfo, MessageId, PacketPair, ReportConnectedEx,
    ReportConnectedFunnel, ReportDisconnectedFunnel, ReportFunnelInfo, ServerMessage,
};
use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{ClientEvent, Deviation, Error, HResult, Machine as _, Output, Phase, Transmit};

use super::harness::*;

fn agreed(packet_pair: PacketPair) -> ServerMessage {
    let ServerMessage::ReportConnectedEx(report) = connected("9.01.01.3814") else {
        panic!("another message");
    };
    ReportConnectedEx { packet_pair, ..report }.into()
}

fn with_packet_pair() -> ClientConfig {
    let mut config = config();
    config.packet_pair = true;
    config
}

/// The funnel name of the only message sent.
fn funnel_name(script: &mut Script) -> String {
    match script.sent_one() {
        ClientMessage::ConnectFunnel(connect) => connect.funnel.as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_to_connect() {
    // MMSP-C-001, MMSP-C-002
    let mut config = config();
    assert_eq!(config.connect_to(), ("example.org", 1755));
    config.session.port = Some(1756);
    assert_eq!(config.connect_to(), ("example.org", 1756));
    config.proxy = Some(("cache".to_owned(), 8080));
    assert_eq!(config.connect_to(), ("cache", 8080));
}

#[test]
fn the_first_message_is_connect() {
    // MMSP-C-003, MMSP-C-005, MMSP-C-006, MMSP-C-008, MMSP-C-108
    for packet_pair in [PacketPair::No, PacketPair::Yes] {
        let mut config = config();
        config.packet_pair = packet_pair == PacketPair::Yes;
        config.proxy = Some(("cache".to_owned(), 1755));
        let mut script = Script::new(config);
        let subscriber = "NSPlayer/9.0.0.2980; {00000000-0000-0000-0000-000000000000}; \
                          Host: example.org:1755"
            .to_owned();
        let connect =
            Connect { packet_pair, subscriber, host: Some("example.org:1755".to_owned()) };
        assert_eq!(script.sent(), [connect.into()]);
        // And it waits.
        assert_eq!(script.machine.phase(), Phase::Connecting);
        assert_eq!(script.deadline, Some(script.now + seconds(15)));
    }
}

#[test]
fn connect_byte_for_byte() {
    // MMSP-C-004, MMSP-C-005
    for (packet_pair, low) in [(false, 0xEF), (true, 0xF0)] {
        let mut config = ClientConfig::new("h", "x");
        config.packet_pair = packet_pair;
        let mut client = Client::new(Script::new(config.clone()).now, config);
        let Output::Transmit { data: Transmit::Message(bytes), .. } = client.poll_output() else {
            panic!("nothing to send");
        };
        assert_eq!(bytes[36..40], [1, 0, 3, 0]);
        assert_eq!(bytes[40..44], [low, 0xF0, 0xF0, 0xF0]);
        assert_eq!(bytes[44..52], [0x0B, 0, 4, 0, 0x1C, 0, 3, 0]);
        assert_eq!(&bytes[52..58], b"N\0S\0P\0");
    }
}

#[test]
fn what_the_server_says_of_itself() {
    // MMSP-C-011, MMSP-C-012, MMSP-C-013
    for (version, major, minor) in [("9.01.01.3814", 9, 1), ("4.1.0.3920", 4, 1)] {
        let mut without = Script::new(config());
        without.say(ReportConnectedEx {
            hr: HResult::OK,
            packet_pair: PacketPair::No,
            server_version: version.to_owned(),
            upgrade_version: String::new(),
            upgrade_url: String::new(),
            authentication: "NTLM".to_owned(),
        });
        let mut script = Script::new(config());
        script.say(ReportConnectedEx {
            hr: HResult::OK,
            packet_pair: PacketPair::No,
            server_version: version.to_owned(),
            upgrade_version: "10.0".to_owned(),
            upgrade_url: "http://example.org/get".to_owned(),
            authentication: "NTLM".to_owned(),
        });
        let events = script.events();
        // With an upgrade offered or without: the same.
        assert_eq!((&events, script.sent()), (&without.events(), without.sent()));
        let stands = |script: &Script| (script.machine.phase(), script.machine.stats());
        assert_eq!((stands(&script), script.deadline), (stands(&without), without.deadline));
        let [ClientEvent::Connected(server)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(server.version_text, version);
        assert_eq!((server.version.major, server.version.minor), (major, minor));
        assert_eq!(server.authentication, "NTLM");
    }
}

#[test]
fn without_a_bandwidth_test() {
    // MMSP-C-014, MMSP-C-015, MMSP-C-016, MMSP-C-017, MMSP-C-021
    // Not wanted; wanted and not offered; offered and not wanted.
    for (config, offered) in [
        (config(), PacketPair::No),
        (with_packet_pair(), PacketPair::No),
        (config(), PacketPair::Yes),
    ] {
        let mut script = Script::new(config);
        script.sent();
        script.say(agreed(offered));
        let test = BandwidthTest::None;
        assert_eq!(script.sent(), [FunnelInfo { test }.into()]);
        script.events();
        script.say(funnel_info(test, &[]));
        assert_eq!(script.events(), []);
        assert!(matches!(script.sent_one(), ClientMessage::ConnectFunnel(_)));
        assert!(format!("{:?}", script.machine).contains("client_id: Some(4047682004)"));
    }
}

#[test]
fn without_asking_for_a_client_id() {
    // MMSP-C-021
    let mut config = config();
    config.funnel_info = false;
    let mut script = Script::new(config);
    script.sent();
    script.say(agreed(PacketPair::No));
    assert!(matches!(script.sent_one(), ClientMessage::ConnectFunnel(_)));
}

#[test]
fn a_bandwidth_test() {
    // MMSP-C-016, MMSP-C-019, MMSP-C-020, MMSP-C-021
    let mut script = Script::new(with_packet_pair());
    script.sent();
    script.say(agreed(PacketPair::Yes));
    let test = BandwidthTest::TcpHighEntropy;
    assert_eq!(script.sent(), [FunnelInfo { test }.into()]);
    script.events();
    script.say(funnel_info(test, &[1; 432]));
    assert_eq!((script.events(), script.sent()), (vec![], vec![]));
    script.pass(std::time::Duration::from_millis(4));
    // 512 bytes in 4 ms.
    script.say(funnel_info(test, &[2; 432]));
    assert_eq!(script.events(), [ClientEvent::Bandwidth(1_024_000)]);
    assert_eq!(script.sent(), []);
    assert_eq!(script.machine.phase(), Phase::BandwidthTest);
    script.say(funnel_info(test, &[3; 1000]));
    assert_eq!(script.events(), []);
    assert!(matches!(script.sent_one(), ClientMessage::ConnectFunnel(_)));
}

#[test]
fn a_bandwidth_test_in_no_time_has_no_result() {
    // MMSP-C-020
    let mut script = Script::new(with_packet_pair());
    script.say(agreed(PacketPair::Yes));
    script.events();
    for _ in 0..3 {
        script.say(funnel_info(BandwidthTest::TcpHighEntropy, &[1; 432]));
    }
    assert_eq!(script.events(), []);
    assert_eq!(script.machine.phase(), Phase::ChoosingTransport);
}

#[test]
fn a_server_that_grants_the_test_and_does_not_make_it() {
    // MMSP-C-019
    let mut script = Script::new(with_packet_pair());
    script.say(agreed(PacketPair::Yes));
    script.say(funnel_info(BandwidthTest::None, &[]));
    assert_eq!(script.machine.phase(), Phase::ChoosingTransport);
}

#[test]
fn a_bandwidth_test_that_was_not_asked_for() {
    // MMSP-C-019: with F0F0F0F1 the next answer is waited for, asked or not.
    let mut script = Script::at(Phase::BandwidthTest, config());
    let test = BandwidthTest::TcpHighEntropy;
    for number in 0..3 {
        assert_eq!((script.machine.phase(), script.sent()), (Phase::BandwidthTest, vec![]));
        script.pass(std::time::Duration::from_millis(number * 4));
        script.say(funnel_info(test, &[1; 432]));
    }
    assert_eq!(script.events(), [ClientEvent::Bandwidth(1_024_000)]);
    assert!(matches!(script.sent_one(), ClientMessage::ConnectFunnel(_)));
    // The fourth is one too many all the same.
    script.say(funnel_info(test, &[1; 432]));
    script.assert_failed(&Error::Unexpected {
        message: MessageKind::Mmsp(MessageId::REPORT_FUNNEL_INFO),
        phase: Phase::ChoosingTransport,
    });
    // Other values announce nothing; what follows them is noted.
    for test in [BandwidthTest::None, BandwidthTest::Tcp, BandwidthTest::UdpHighEntropy] {
        let mut script = Script::at(Phase::BandwidthTest, config());
        script.say(funnel_info(test, &[]));
        assert_eq!(script.machine.phase(), Phase::ChoosingTransport, "{test:?}");
        script.say(funnel_info(test, &[]));
        script.say(funnel_info(test, &[]));
        let noted = Deviation::OutOfPlace(MessageKind::Mmsp(MessageId::REPORT_FUNNEL_INFO));
        assert_eq!(script.events(), vec![ClientEvent::Deviation(noted); 2]);
        script.say(funnel());
        assert_eq!(script.machine.phase(), Phase::Opening);
    }
}

#[test]
fn one_answer_too_many() {
    // MMSP-C-018
    let unexpected = Error::Unexpected {
        message: MessageKind::Mmsp(MessageId::REPORT_FUNNEL_INFO),
        phase: Phase::ChoosingTransport,
    };
    let mut script = Script::new(with_packet_pair());
    script.say(agreed(PacketPair::Yes));
    for _ in 0..4 {
        script.say(funnel_info(BandwidthTest::TcpHighEntropy, &[1; 16]));
    }
    script.assert_failed(&unexpected);
}

#[test]
fn the_name_of_the_transport() {
    // MMSP-C-022, MMSP-C-023
    for (address, name) in [
        ("192.168.7.1:1037", "\\\\192.168.7.1\\TCP\\1037"),
        ("[fe80::1]:65535", "\\\\fe80::1\\TCP\\65535"),
        // An IPv4 connection of a socket for both is one all the same.
        ("[::ffff:10.1.2.3]:99", "\\\\10.1.2.3\\TCP\\99"),
        // A socket that was never bound: the port must still be one, and the address somebody's.
        ("0.0.0.0:0", "\\\\127.0.0.1\\TCP\\1"),
        ("[::]:7", "\\\\127.0.0.1\\TCP\\7"),
    ] {
        let mut config = config();
        config.funnel_info = false;
        config.local_address = address.parse().unwrap();
        let mut script = Script::new(config);
        script.sent();
        script.say(agreed(PacketPair::No));
        assert_eq!(funnel_name(&mut script), name);
    }
}

#[test]
fn the_transport_byte_for_byte() {
    // MMSP-C-119: helpers of address translation read it at fixed places, and rewrite it.
    let mut config = config();
    config.funnel_info = false;
    config.local_address = "192.168.7.1:1037".parse().unwrap();
    let mut client = Client::new(epoch(), config);
    let Output::Transmit { .. } = client.poll_output() else { panic!("no Connect") };
    let answer = mms_proto::mmsp::frame::MessageWriter::default()
        .write(0, |out| out.extend_from_slice(&encoded(&agreed(PacketPair::No))));
    client.handle_input(epoch(), mms_proto::Input::tcp(&answer)).unwrap();
    let mut writes = Vec::new();
    loop {
        match client.poll_output() {
            Output::Transmit { data: transmit, .. } => writes.push(transmit.to_bytes()),
            Output::Event(_) => {}
            Output::Connect { .. } | Output::Close { .. } | Output::Datagram(_) => {
                unreachable!("a session over one connection")
            }
            Output::Wait(_) => break,
        }
    }
    let [write] = &writes[..] else { panic!("{writes:?}") };
    assert_eq!(write[36..40], [2, 0, 3, 0]);
    let name: Vec<u8> =
        "\\\\192.168.7.1\\TCP\\1037\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(write[60..60 + name.len()], name);
    assert!(write[60 + name.len()..].iter().all(|&byte| byte == 0));
    assert_eq!(write.len(), (60 + name.len()).next_multiple_of(8));
}

#[test]
fn a_server_that_says_no() {
    // MMSP-C-009, MMSP-C-025, MMSP-C-105
    let hr = HResult::NETWORK_BUSY;
    let ServerMessage::ReportConnectedEx(report) = connected("9.1") else {
        panic!("another message");
    };
    let refusals: [(Phase, ServerMessage, HResult); 5] = [
        (Phase::Connecting, ReportConnectedEx { hr, ..report }.into(), hr),
        (
            Phase::BandwidthTest,
            ReportFunnelInfo {
                hr,
                test: BandwidthTest::None,
                client_id: 0,
                packet_pair: Bytes::new(),
            }
            .into(),
            hr,
        ),
        (Phase::ChoosingTransport, ReportConnectedFunnel { hr }.into(), hr),
        (Phase::ChoosingTransport, ReportDisconnectedFunnel { hr }.into(), hr),
        // Refused with a code that means success.
        (
            Phase::ChoosingTransport,
            ReportDisconnectedFunnel { hr: HResult::OK }.into(),
            HResult::NO_FUNNEL,
        ),
    ];
    for (phase, message, hr) in refusals {
        let mut script = Script::at(phase, config());
        script.say(message);
        assert_eq!(script.sent(), []);
        script.assert_failed(&Error::Refused { phase, hr });
    }
}

#[test]
fn a_malformed_answer() {
    // MMSP-C-010, MMSP-C-105
    let sound = encoded(&connected("9.1"));
    // cbServerVersionInfo, cbVersionInfo, cbVersionUrl, cbAuthenPackage
    for place in [48, 52, 56, 60] {
        for length in [1000u32, 0x8000_0000, u32::MAX] {
            let mut bytes = sound.to_vec();
            bytes[place..place + 4].copy_from_slice(&length.to_le_bytes());
            let packet = mms_proto::mmsp::frame::MessageWriter::default()
                .write(0, |out| out.extend_from_slice(&bytes));
            let mut script = Script::new(config());
            script.sent();
            script.feed(&packet);
            let events = script.events();
            let [ClientEvent::Closed(mms_proto::CloseReason::Failed(Error::Decode(error)))] =
                &events[..]
            else {
                panic!("{events:?}");
            };
            // The place is one in the stream, behind the packet's header.
            assert!(error.offset >= 32 + 64, "{error}");
            assert_eq!(script.deadline, None);
        }
    }
}

#[test]
fn the_time_of_sending() {
    // MMSP-W-010
    let mut script = Script::new(config());
    script.pass(std::time::Duration::from_millis(1500));
    script.say(connected("9.1"));
    assert_eq!(script.peer.times, [0, 1500]);
}
