//! Reports: MS-MMSP 2.2.4.20 and 2.2.1.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use mms_proto::Transport;
use mms_proto::mmsp::message::{ClientLog, ClientMessage, LogVersion, Logging};

use super::tools::{Message as _, bytes, client};

/// A table of `size` bytes with this text.
fn table(text: &str, size: usize) -> String {
    format!("a'{text}' 00*{}", size - text.len())
}

#[test]
fn logging() {
    // MMSP-W-066, MMSP-W-067, MMSP-W-068, MMSP-W-072, MMSP-W-001
    let mut log = ClientLog::default();
    log.client.user_agent = "Player".to_owned();
    log.client.web_page = "http://page".to_owned();
    log.client.client_version = LogVersion([9, 0, 0, 3808]);
    log.client.language = "en-US".to_owned();
    log.client.guid = "{3300AD50-2C39-46c0-AE0A-000000000000}".to_owned();
    log.client.program = "player.exe".to_owned();
    log.client.program_version = LogVersion([1, 2, 3, 4]);
    log.client.address = Some(Ipv4Addr::new(192, 168, 7, 1).into());
    log.client.computer_name = "pc.example".to_owned();
    log.client.os = "Linux 6.1".to_owned();
    log.client.os_version = LogVersion([6, 1, 0, 0]);
    log.client.cpu = "x86-64".to_owned();
    log.playback.url = "mms://host/a.wmv".to_owned();
    log.playback.channel_url = "http://host/a.nsc".to_owned();
    log.playback.file_duration = Duration::from_millis(0x0102_0304);
    log.playback.file_size = 0x1112_1314_1516_1718;
    log.playback.audio_codec = "Audio".to_owned();
    log.playback.video_codec = "Video".to_owned();
    log.playback.start_time = Duration::from_millis(0x3132_3334);
    log.playback.played = Duration::from_millis(0x4142_4344);
    log.playback.rate = -5;
    log.playback.buffering_count = 0x5152_5354;
    log.playback.buffering_time = Duration::from_millis(0x6162_6364);
    log.reception.bandwidth = 0x2122_2324;
    log.reception.bytes_received = 0x7172_7374_7576_7778;
    log.reception.packets_received = 0x8182_8384;
    log.reception.packets_lost_in_client = 0x9192_9394;
    log.reception.quality = 100;
    log.reception.transport = Transport::Udp;
    log.reception.packets_lost = 0xA1A2_A3A4;
    log.reception.longest_loss = 0xB1B2_B3B4;
    log.reception.resend_requests = 0xC1C2_C3C4;
    log.reception.packets_recovered = 0xD1D2_D3D4;
    log.reception.packets_resent = 0xE1E2_E3E4;
    let notation = [
        // 1498 bytes of fields: 188 chunks. CLIENT_LOG has 1490 bytes, CLIENT_LOG_INFO 1142.
        "BC000000 32000300 D2050000 76040000",
        &table("mms://host/a.wmv", 260),
        &table("http://host/a.nsc", 260),
        &table("Player", 64),
        &table("http://page", 260),
        "E00E 0000 0000 0900",
        &table("en-US", 16),
        &table("{3300AD50-2C39-46c0-AE0A-000000000000}", 40),
        &table("player.exe", 32),
        "0400 0300 0200 0100",
        "04030201 1817161514131211 24232221",
        &table("Audio", 64),
        &table("Video", 64),
        "34333231 44434241 FBFF 54535251 64636261 7877767574737271 84838281 94939291",
        "00000000 64000000 00000000", // dwPacketsRecoveredECC, quality, hr
        "01000000 C0A80701",
        &table("pc.example", 260),
        &table("Linux 6.1", 16),
        "0000 0000 0100 0600",
        &table("x86-64", 16),
        &table("mms", 8),
        &table("UDP", 8),
        "A4A3A2A1 B4B3B2B1 C4C3C2C1 D4D3D2D1 E4E3E2E1",
        "00*6",
    ]
    .join(" ");
    assert_eq!(bytes(&notation).len(), 1504);
    client(&notation, Logging { open_file_id: 1, log: Box::new(log) });
}

/// `CLIENT_LOG` of this report, without the message around it.
fn client_log(open_file_id: u32, fill: impl FnOnce(&mut ClientLog)) -> Vec<u8> {
    let mut log = Box::<ClientLog>::default();
    fill(&mut log);
    let message: ClientMessage = Logging { open_file_id, log }.into();
    let bytes = message.write();
    assert_eq!(bytes.len(), 1504);
    bytes[8..8 + 1490].to_vec()
}

#[test]
fn log_offsets() {
    // MMSP-W-067, MMSP-W-068
    let private = client_log(0, |_| {});
    // Each field alone changes its place and nothing else.
    let changed = |id: u32, fill: &dyn Fn(&mut ClientLog)| {
        let bytes = client_log(id, fill);
        let mut places = (0..1490).filter(|&at| bytes[at] != private[at]);
        let first = places.next().unwrap();
        (first, places.next_back().unwrap_or(first))
    };
    // Offset inside CLIENT_LOG_INFO, which begins at 4.
    let info = |fill: &dyn Fn(&mut ClientLog)| {
        let (first, last) = changed(0, fill);
        (first - 4, last - 4)
    };
    let full = |size: usize| "x".repeat(size - 1);
    let word = 0xFFFF_FFFF;
    let time = Duration::from_millis(0xFFFF_FFFF);
    let version = LogVersion([0xFFFF; 4]);
    for (place, at, size) in [
        (info(&|log| log.playback.url = full(260)), 4, 259),
        (info(&|log| log.playback.channel_url = full(260)), 264, 259),
        (info(&|log| log.client.user_agent = full(64)), 524, 63),
        (info(&|log| log.client.web_page = full(260)), 588, 259),
        (info(&|log| log.client.client_version = version), 848, 8),
        (info(&|log| log.client.language = full(16)), 856, 15),
        (info(&|log| log.client.guid = full(40)), 872, 39),
        (info(&|log| log.client.program = full(32)), 912, 31),
        (info(&|log| log.client.program_version = version), 944, 8),
        (info(&|log| log.playback.file_duration = time), 952, 4),
        (info(&|log| log.playback.file_size = u64::MAX), 956, 8),
        (info(&|log| log.reception.bandwidth = word), 964, 4),
        (info(&|log| log.playback.audio_codec = full(64)), 968, 63),
        (info(&|log| log.playback.video_codec = full(64)), 1032, 63),
        (info(&|log| log.playback.start_time = time), 1096, 4),
        (info(&|log| log.playback.played = time), 1100, 4),
        (info(&|log| log.playback.rate = -1), 1104, 2),
        (info(&|log| log.playback.buffering_count = word), 1106, 4),
        (info(&|log| log.playback.buffering_time = time), 1110, 4),
        (info(&|log| log.reception.bytes_received = u64::MAX), 1114, 8),
        (info(&|log| log.reception.packets_received = word), 1122, 4),
        (info(&|log| log.reception.packets_lost_in_client = word), 1126, 4),
        (info(&|log| log.reception.quality = 100), 1134, 1),
    ] {
        assert_eq!(place, (at, at + size - 1));
    }
    for (place, at, size) in [
        (changed(word, &|_| {}), 1146, 4),
        (changed(0, &|log| log.client.address = Some(Ipv4Addr::UNSPECIFIED.into())), 1150, 4),
        (changed(0, &|log| log.client.computer_name = full(260)), 1154, 259),
        (changed(0, &|log| log.client.os = full(16)), 1414, 15),
        (changed(0, &|log| log.client.os_version = version), 1430, 8),
        (changed(0, &|log| log.client.cpu = full(16)), 1438, 15),
        (changed(0, &|log| log.reception.transport = Transport::Udp), 1462, 2), // "TCP", "UDP": two letters differ
        (changed(0, &|log| log.reception.packets_lost = word), 1470, 4),
        (changed(0, &|log| log.reception.longest_loss = word), 1474, 4),
        (changed(0, &|log| log.reception.resend_requests = word), 1478, 4),
        (changed(0, &|log| log.reception.packets_recovered = word), 1482, 4),
        (changed(0, &|log| log.reception.packets_resent = word), 1486, 4),
    ] {
        assert_eq!(place, (at, at + size - 1));
    }
}

#[test]
fn log_texts() {
    // MMSP-W-069
    let url =
        |url: &str| client_log(0, |log| log.playback.url = url.to_owned())[8..8 + 260].to_vec();
    assert_eq!(url(""), bytes("a'-' 00*259"));
    assert_eq!(url("\0hidden"), bytes("a'-' 00*259"));
    assert_eq!(url("a\0hidden"), bytes("a'a' 00*259"));
    assert_eq!(url(&"x".repeat(259)), bytes("78*259 00"));
    assert_eq!(url(&"x".repeat(260)), bytes("78*259 00"));
    assert_eq!(url(&"x".repeat(9999)), bytes("78*259 00"));
    // One byte a character, whatever the character.
    assert_eq!(url("\u{FC}\u{6F22}\u{1D11E}"), bytes("FC 3F 3F 00*257"));
    assert_eq!(url(&"\u{1D11E}".repeat(260)), bytes("3F*259 00"));
}

#[test]
fn log_constants_and_privacy() {
    // MMSP-W-070, MMSP-W-071
    let log = client_log(0, |log| log.reception.quality = 101);
    let info = &log[4..4 + 1142];
    assert_eq!(log[..4], 1490_u32.to_le_bytes());
    assert_eq!(info[..4], 1142_u32.to_le_bytes());
    // A live stream: no duration, no size, no start.
    assert_eq!(info[952..956], [0; 4]);
    assert_eq!(info[956..964], [0; 8]);
    assert_eq!(info[1096..1100], [0; 4]);
    assert_eq!(info[1130..1134], [0; 4], "dwPacketsRecoveredECC");
    assert_eq!(info[1134..1138], [100, 0, 0, 0], "dwMinReceptionQuality is a percentage");
    assert_eq!(info[1138..1142], [0; 4], "hr");
    // Nothing is told that was not given.
    assert_eq!(log[1150..1154], [0xFF; 4], "dwIPAddress");
    assert_eq!(log[1154..1414], bytes("a'-' 00*259"), "szComputerDNS");
    assert_eq!(log[1454..1462], bytes("a'mms' 00*5"), "szProto");
    assert_eq!(log[1462..1470], bytes("a'TCP' 00*5"), "szTransport");
    let log = client_log(0, |log| log.client.address = Some(Ipv6Addr::LOCALHOST.into()));
    assert_eq!(log[1150..1154], [0xFF; 4], "no field for it");
    // A time past 49 days is as long as the field can say.
    let log = client_log(0, |log| log.playback.played = Duration::MAX);
    assert_eq!(log[4 + 1100..4 + 1104], [0xFF; 4]);
}
