//! Control messages in a capture file, and what `tshark` says of them.

use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use etherparse::PacketBuilder;

use super::scratch::Scratch;

/// One control message, framed, with its direction.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) to_server: bool,
    pub(crate) frame: Bytes,
}

/// Writes a capture of one TCP connection, in the classic format: a file header of 24 bytes, a
/// record header of 16 bytes before each packet, IPv4 without a link layer.
pub(crate) fn write_capture(path: &Path, sent: &[Sent]) {
    const RAW_IPV4: u32 = 228;
    let mut file = Vec::new();
    for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 0x4_0000, RAW_IPV4] {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    let (client, server) = (([10, 0, 0, 1], 40_000_u16), ([10, 0, 0, 2], 1755));
    let (mut client_at, mut server_at) = (1000_u32, 2000_u32);
    for (second, sent) in (0_u32..).zip(sent) {
        let (from, to, at, acknowledged) = if sent.to_server {
            (client, server, &mut client_at, server_at)
        } else {
            (server, client, &mut server_at, client_at)
        };
        let builder = PacketBuilder::ipv4(from.0, to.0, 64)
            .tcp(from.1, to.1, *at, 0xFFFF)
            .ack(acknowledged)
            .psh();
        let mut packet = Vec::new();
        builder.write(&mut packet, &sent.frame).unwrap();
        *at += u32::try_from(sent.frame.len()).unwrap();
        let length = u32::try_from(packet.len()).unwrap();
        for word in [second, 0, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&packet);
    }
    std::fs::write(path, file).unwrap();
}

/// What the dissector says about one packet.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) protocol: String,
    pub(crate) direction: String,
    pub(crate) to_server: String,
    pub(crate) to_client: String,
    pub(crate) length: String,
    pub(crate) sequence: String,
    pub(crate) malformed: String,
    pub(crate) info: String,
}

pub(crate) fn dissect(scratch: &Scratch, capture: &Path) -> Vec<Row> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-T", "fields", "-E", "separator=/t", "-r"]).arg(capture);
    for field in [
        "_ws.col.Protocol",
        "msmms.command.direction",
        "msmms.command.to-server-id",
        "msmms.command.to-client-id",
        "msmms.command.length",
        "msmms.command.sequence-number",
        // Says so for malformed packets, and for everything else that it finds strange.
        "_ws.expert.message",
        "_ws.col.Info",
    ] {
        tshark.args(["-e", field]);
    }
    tshark.env("HOME", &**scratch).stdin(Stdio::null());
    let output = tshark.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| {
            let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
            let [protocol, direction, to_server, to_client, length, sequence, malformed, info] =
                fields.try_into().unwrap();
            Row { protocol, direction, to_server, to_client, length, sequence, malformed, info }
        })
        .collect()
}

/// A number as `tshark` writes it, decimal or hexadecimal.
pub(crate) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
